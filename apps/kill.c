/* kill [-SIGNAL] PID...: sends a signal, SIGTERM by default; -l lists them. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	int number;
} kSignals[] = {{"HUP", SIGHUP}, {"INT", SIGINT}, {"QUIT", SIGQUIT}, {"ILL", SIGILL},
	{"TRAP", SIGTRAP}, {"ABRT", SIGABRT}, {"BUS", SIGBUS}, {"FPE", SIGFPE},
	{"KILL", SIGKILL}, {"USR1", SIGUSR1}, {"SEGV", SIGSEGV}, {"USR2", SIGUSR2},
	{"PIPE", SIGPIPE}, {"ALRM", SIGALRM}, {"TERM", SIGTERM}, {"CHLD", SIGCHLD},
	{"CONT", SIGCONT}, {"STOP", SIGSTOP}, {"TSTP", SIGTSTP}, {"TTIN", SIGTTIN},
	{"TTOU", SIGTTOU}, {"URG", SIGURG}, {"WINCH", SIGWINCH}};

static int find(const char *text)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (*text != '\0' && *end == '\0')
		return (int)number;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (size_t i = 0; i < sizeof kSignals / sizeof kSignals[0]; i++) {
		if (strcasecmp(text, kSignals[i].name) == 0)
			return kSignals[i].number;
	}
	return -1;
}

int main(int argc, char **argv)
{
	int signal = SIGTERM, first = 1, result = 0;

	if (argc == 2 && strcmp(argv[1], "-l") == 0) {
		for (size_t i = 0; i < sizeof kSignals / sizeof kSignals[0]; i++)
			printf("%2d %s\n", kSignals[i].number, kSignals[i].name);
		return 0;
	}
	if (argc > 2 && argv[1][0] == '-') {
		signal = find(argv[1] + 1);
		first = 2;
	}
	if (first >= argc || signal < 0) {
		fprintf(stderr, "usage: kill [-SIGNAL] PID...\n");
		return 2;
	}
	for (int i = first; i < argc; i++) {
		char *end;
		long pid = strtol(argv[i], &end, 10);

		if (*argv[i] == '\0' || *end != '\0') {
			fprintf(stderr, "kill: %s is not a number\n", argv[i]);
			result = 1;
		} else if (kill((pid_t)pid, signal) < 0) {
			fprintf(stderr, "kill: ");
			perror(argv[i]);
			result = 1;
		}
	}
	return result;
}
