/*
 * kill [-SIGNAL | -s SIGNAL] [--] PID...: sends a signal, by name or number, SIGTERM by
 * default; a negative PID, behind a signal or --, is a group. kill -l [STATUS] lists the
 * signals, or names the one that a number, or a shell's $? of what it has ended, means.
 */
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

static int list(const char *text)
{
	char *end;
	long number = text != NULL ? strtol(text, &end, 10) : 0;

	if (text != NULL && number > 128)
		number -= 128;
	for (size_t i = 0; i < sizeof kSignals / sizeof kSignals[0]; i++) {
		if (text == NULL) {
			printf("%2d %s\n", kSignals[i].number, kSignals[i].name);
		} else if (*text != '\0' && *end == '\0' && kSignals[i].number == number) {
			puts(kSignals[i].name);
			return 0;
		}
	}
	if (text == NULL)
		return 0;
	fprintf(stderr, "kill: %s is no signal\n", text);
	return 1;
}

int main(int argc, char **argv)
{
	int signal = SIGTERM, first = 1, result = 0;
	const char *name = NULL;

	if (argc > 1 && argc < 4 && strcmp(argv[1], "-l") == 0)
		return list(argv[2]);
	if (argc > 2 && strcmp(argv[1], "-s") == 0) {
		name = argv[2];
		first = 3;
	} else if (argc > 1 && argv[1][0] == '-' && strcmp(argv[1], "--") != 0) {
		name = argv[1] + 1;
		first = 2;
	}
	if (first < argc && strcmp(argv[first], "--") == 0)
		first++;
	if (first >= argc) {
		fprintf(stderr, "usage: kill [-SIGNAL | -s SIGNAL] [--] PID...\n"
						"       kill -l [STATUS]\n");
		return 2;
	}
	if (name != NULL)
		signal = find(name);
	if (signal < 0) {
		fprintf(stderr, "kill: %s is no signal\n", name);
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
