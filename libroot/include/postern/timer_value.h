/* What a timer is set to, for setitimer(). */
#pragma once

#include <postern/types.h>

struct timer_value {
	time_us_t left;		/* microseconds until it is up, 0: it is not set */
	time_us_t interval; /* how far apart it is up from then on, 0: only once */
};
