/* The end of programs that print: what could not be written is not a success. */
#pragma once

#include <stdio.h>

/* A program's exit status: `status`, or 1, and a message, where it would be 0 and
 * standard output has not been written as a whole. */
static inline int end_of_output(const char *name, int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "%s: ", name);
	perror("standard output");
	return status != 0 ? status : 1;
}
