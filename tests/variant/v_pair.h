/* An object with padding, for the calls of tests/variant/syscalls.def.part. */
#pragma once

#include <postern/types.h>

struct v_pair {
	int first;
	char letter; /* three bytes of padding follow */
	int second;
};
