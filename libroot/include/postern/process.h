/* What the calls about processes and threads tell, and their constants. */
#pragma once

#include <postern/types.h>

#define PROCESS_NAME_MAX 64		/* bytes of a path, with its NUL */
#define PROCESS_COMMAND_MAX 192 /* bytes of a command line, with its NUL */

/* Takes apart what wait() has put in *status, numbered as Linux/i386 has it. */
#define WAIT_EXITED(status) (((status)&0x7f) == 0)
#define WAIT_EXIT_STATUS(status) ((status) >> 8 & 0xff)
#define WAIT_SIGNALED(status) (((status)&0x7f) != 0 && ((status)&0x7f) != 0x7f)
#define WAIT_SIGNAL(status) ((status)&0x7f) /* what killed it */
/* Only where the options ask for them: WAIT_STOPPED, WAIT_CONTINUED. */
#define WAIT_IS_STOPPED(status) (((status)&0xff) == 0x7f)
#define WAIT_STOP_SIGNAL(status) ((status) >> 8 & 0xff) /* what stopped it */
#define WAIT_IS_CONTINUED(status) ((status) == 0xffff)
/* What the kernel makes of them. */
#define WAIT_STATUS_STOPPED(signal) (0x7f | (signal) << 8)
#define WAIT_STATUS_CONTINUED 0xffff
