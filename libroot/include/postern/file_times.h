/* For set_times(): since 1970; FILE_TIME_OMIT leaves one as it is. */
#pragma once

#include <postern/types.h>

#define FILE_TIME_OMIT INT64_MIN

struct file_times {
	time_us_t accessed;
	time_us_t modified;
};
