/* poll(): which files, which events. The numbers are those of Linux/i386. */
#pragma once

#include <postern/pollfd.h>

#define POLLIN 0x0001	/* there is something to read, or the end */
#define POLLPRI 0x0002	/* never, here */
#define POLLOUT 0x0004	/* there is room to write */
#define POLLERR 0x0008	/* always told: a pipe without readers */
#define POLLHUP 0x0010	/* always told: a pipe without writers */
#define POLLNVAL 0x0020 /* always told: no such descriptor */
#define POLLRDNORM 0x0040
#define POLLWRNORM 0x0100
