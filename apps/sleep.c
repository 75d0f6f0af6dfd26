/* sleep SECONDS: waits; the number may have a fraction. */
#include "operands.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
	static const char kUsage[] = "sleep SECONDS";
	struct timespec time;
	double seconds = 0;
	char *end = NULL;

	only_operands(argc, argv, 1, kUsage);
	if (optind < argc)
		seconds = strtod(argv[optind], &end);
	if (end == NULL || end == argv[optind] || *end != '\0'
		|| !(seconds >= 0 && seconds < 1e9)) {
		fprintf(stderr, "usage: %s\n", kUsage);
		return 2;
	}
	time.tv_sec = (time_t)seconds;
	time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
	return nanosleep(&time, NULL) < 0;
}
