/* A structure with padding, for every_annotation.def. */
#pragma once

#include <postern/types.h>

struct pair {
	int first;
	bool flag; /* three bytes of padding follow */
	int second;
};
