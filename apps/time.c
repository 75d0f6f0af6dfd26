/* time COMMAND [ARGUMENT...]: runs a command and says how long that took, how much of it
 * a processor was at work, and how many system calls were made, by the command and those
 * whom it has waited for. Its exit status is the command's, or 126 and 127 when it does
 * not start, as a shell has it. */
#include <errno.h>
#include <postern/list_processes.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct timespec begin, end;
	struct process_status self;
	double seconds;
	int status;
	pid_t child;

	/* What begins with "-" behind the command is the command's. */
	if (getopt(argc, argv, "+") != -1 || optind == argc) {
		fprintf(stderr, "usage: time COMMAND [ARGUMENT...]\n");
		return 2;
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	child = fork();
	if (child < 0) {
		perror("time: fork");
		return 1;
	}
	if (child == 0) {
		execvp(argv[optind], argv + optind);
		fprintf(stderr, "time: ");
		perror(argv[optind]);
		_exit(errno == ENOENT ? 127 : 126);
	}
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	seconds =
		(double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
	fprintf(stderr, "%.6f seconds", seconds);
	if (find_process(getpid(), &self) == 0)
		fprintf(stderr, ", %.3f of processor time, %llu system calls",
			(double)self.children_time / 1e6, (unsigned long long)self.children_calls);
	fprintf(stderr, "\n");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
