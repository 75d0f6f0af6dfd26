/* Programs that have no options. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The words behind optind are what the program is about, `most` at the most, and "--" may
 * stand in front of them. Anything else ends it with its usage. */
static inline void only_operands(int argc, char **argv, int most, const char *usage)
{
	if (getopt(argc, argv, "") == -1 && argc - optind <= most)
		return;
	fprintf(stderr, "usage: %s\n", usage);
	exit(2);
}
