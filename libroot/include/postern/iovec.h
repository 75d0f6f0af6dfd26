/* One part of what readv() and writev() move. */
#pragma once

#include <postern/basic_types.h>

struct iovec {
	void *iov_base;
	size_t iov_len;
};
