/*
 * top [-n TIMES] [-d SECONDS]: who uses the processor, again and again, until q is
 * pressed or TIMES lists have been shown.
 */
#include <poll.h>
#include <postern/process_status.h>
#include <postern/syscalls.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

enum { MOST = 256 };

struct line {
	const struct process_status *process;
	time_us_t used; /* since the last list */
};

static struct process_status sBefore[MOST], sNow[MOST];
static struct line sLines[MOST];
static ssize_t sCountBefore;

static time_us_t before(pid_t pid)
{
	for (ssize_t i = 0; i < sCountBefore; i++) {
		if (sBefore[i].pid == pid)
			return sBefore[i].cpu_time;
	}
	return 0;
}

static int by_use(const void *left, const void *right)
{
	time_us_t difference =
		((const struct line *)right)->used - ((const struct line *)left)->used;

	return difference > 0 ? 1 : difference < 0 ? -1 : 0;
}

static void show(time_us_t passed, bool screen)
{
	ssize_t count = _kern_process_status(sNow, MOST);
	struct system_info info;

	if (count > MOST)
		count = MOST;
	for (ssize_t i = 0; i < count; i++)
		sLines[i] = (struct line){&sNow[i], sNow[i].cpu_time - before(sNow[i].pid)};
	qsort(sLines, (size_t)count, sizeof sLines[0], by_use);
	_kern_get_info(&info);
	printf("%s%zd processes, memory %u of %u MiB free, up %lld s\n",
		screen ? "\033[H\033[J" : "", (size_t)count,
		(unsigned)info.memory_free_pages / 256, (unsigned)info.memory_pages / 256,
		(long long)(_kern_system_time() / 1000000));
	printf("  PID   CPU%%  MEMORY      TIME COMMAND\n");
	for (ssize_t i = 0; i < count && (!screen || i < 20); i++)
		printf("%5d %5.1f%% %6uK %9.2f %s\n", (int)sLines[i].process->pid,
			passed > 0 ? 100.0 * (double)sLines[i].used / (double)passed : 0.0,
			(unsigned)sLines[i].process->pages * 4,
			(double)sLines[i].process->cpu_time / 1e6, sLines[i].process->name);
	fflush(stdout);
	for (ssize_t i = 0; i < count; i++)
		sBefore[i] = sNow[i];
	sCountBefore = count;
}

static void __attribute__((noreturn)) usage(void)
{
	fprintf(stderr, "usage: top [-n TIMES] [-d SECONDS]\n");
	exit(2);
}

int main(int argc, char **argv)
{
	struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
	bool screen = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	long times = screen ? 0 : 1;
	struct termios cooked, raw;
	time_us_t last = 0;
	double delay = 2;
	char *end = NULL;
	int option;

	while ((option = getopt(argc, argv, "n:d:")) != -1) {
		if (option == 'n')
			times = strtol(optarg, &end, 10);
		else if (option == 'd')
			delay = strtod(optarg, &end);
		if (option == '?' || end == optarg || *end != '\0' || times < 0
			|| !(delay >= 0 && delay <= 1000))
			usage();
	}
	if (optind < argc)
		usage();
	if (screen) {
		tcgetattr(STDIN_FILENO, &cooked);
		raw = cooked;
		raw.c_lflag &= ~(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	for (long i = 0; times == 0 || i < times; i++) {
		time_us_t now = _kern_system_time();
		char key = 0;

		show(last != 0 ? now - last : now, screen);
		last = now;
		if (times != 0 && i == times - 1)
			break;
		if (!screen)
			usleep((useconds_t)(delay * 1e6));
		else if (poll(&keys, 1, (int)(delay * 1000)) > 0
				 && (read(STDIN_FILENO, &key, 1) <= 0 || key == 'q'))
			break;
	}
	if (screen)
		tcsetattr(STDIN_FILENO, TCSANOW, &cooked);
	return 0;
}
