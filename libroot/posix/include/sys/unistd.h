/* newlib's <sys/unistd.h>, and the kernel's spelling of what both have: a program may
 * include <postern/syscalls.h> behind it. */
#ifndef POSTERN_SYS_UNISTD_H
#define POSTERN_SYS_UNISTD_H

#include_next <sys/unistd.h>

#undef F_OK
#undef X_OK
#undef W_OK
#undef R_OK
#define F_OK 0x0
#define X_OK 0x1
#define W_OK 0x2
#define R_OK 0x4

#endif
