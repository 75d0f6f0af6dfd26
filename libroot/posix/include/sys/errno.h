/*
 * errno, with the kernel's numbers in place of newlib's own, so that an error
 * needs no translation. Each thread has one, in its struct _reent.
 */
#ifndef _SYS_ERRNO_H_
#define _SYS_ERRNO_H_

#include <postern/errno.h>
#include <sys/reent.h>

#ifndef _REENT_ONLY
int *__errno(void);
#undef errno /* <postern/os.h> has one for programs without this library */
#define errno (*__errno())
#endif

#define __errno_r(reent) ((reent)->_errno)

extern const char *const _sys_errlist[];
extern int _sys_nerr;
/* newlib's own: a file is of the wrong kind, says its hash library */
#define EFTYPE 133

#define __ELASTERROR 2000 /* where a program's own may begin */

#endif
