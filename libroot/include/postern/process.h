/* What the calls about processes and threads tell, and their constants. */
#pragma once

#include <postern/types.h>

#define PROCESS_NAME_MAX 64		/* bytes of a path, with its NUL */
#define PROCESS_COMMAND_MAX 192 /* bytes of a command line, with its NUL */

/* Takes apart what wait() has put in *status. */
#define WAIT_EXITED(status) (((status)&0x7f) == 0)
#define WAIT_EXIT_STATUS(status) ((status) >> 8 & 0xff)
#define WAIT_SIGNAL(status) ((status)&0x7f) /* what killed it */
