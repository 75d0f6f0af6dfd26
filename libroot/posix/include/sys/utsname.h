/* POSIX's <sys/utsname.h>. */
#ifndef _SYS_UTSNAME_H
#define _SYS_UTSNAME_H

#include <sys/cdefs.h>

struct utsname {
	char sysname[32];
	char nodename[65];
	char release[32];
	char version[64];
	char machine[16];
};

__BEGIN_DECLS
int uname(struct utsname *name);
__END_DECLS

#endif
