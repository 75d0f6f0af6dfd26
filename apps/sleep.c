/* sleep SECONDS: waits; the number may have a fraction. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
	struct timespec time;
	double seconds = 0;
	char *end = NULL;

	if (argc == 2)
		seconds = strtod(argv[1], &end);
	if (argc != 2 || end == argv[1] || *end != '\0' || !(seconds >= 0 && seconds < 1e9)) {
		fprintf(stderr, "usage: sleep SECONDS\n");
		return 2;
	}
	time.tv_sec = (time_t)seconds;
	time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
	return nanosleep(&time, NULL) < 0;
}
