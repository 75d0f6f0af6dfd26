/* What poll() is asked of one file, and answers. */
#pragma once

#include <postern/basic_types.h>

struct pollfd {
	int32_t fd; /* negative: passed over */
	int16_t events;
	int16_t revents;
};

_Static_assert(sizeof(struct pollfd) == 8, "both sides agree on it");
