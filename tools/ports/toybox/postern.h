/*
 * What toybox's headers take for granted and Postern has not, in front of each of its
 * files (-include, by tools/ports.py). Most of it is only named by parts of toybox that
 * are linked into no program here: sockets, mount tables, the system's log. What is
 * called is in postern.c, beside this file.
 */
#pragma once

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

/* A parameter of toybox's is called stdin, so it cannot be an expression. */
#undef stdin
extern FILE *stdin;
/* newlib has a function of another kind by the name of one of seq's. */
#define itoa seq_itoa

#define __LITTLE_ENDIAN 1234
#define __BIG_ENDIAN 4321
#define __BYTE_ORDER __LITTLE_ENDIAN
#define bswap_16 __builtin_bswap16
#define bswap_32 __builtin_bswap32
#define bswap_64 __builtin_bswap64

/* lib/portability.c waits for changes by inotify; postern.c has these instead. */
#ifdef TOYBOX_PORTABILITY
#define xnotify_init linux_notify_init
#define xnotify_add linux_notify_add
#define xnotify_wait linux_notify_wait
#define BLKGETSIZE64 0
#define IN_MODIFY 0
#endif
struct inotify_event {
	int wd;
};

typedef unsigned socklen_t;
struct sockaddr {
	char data[16];
};
struct sockaddr_in {
	char data[16];
};
struct sockaddr_in6 {
	char data[28];
};
struct sockaddr_storage {
	char data[28];
};

/* Only <sys/statvfs.h>'s is here: postern.c makes one of the other. */
struct statfs {
	unsigned long f_type, f_bsize, f_frsize, f_namelen, f_fsid[2];
	unsigned long long f_blocks, f_bfree, f_bavail, f_files, f_ffree;
};
int statfs(const char *path, struct statfs *status);

struct mntent {
	char *mnt_fsname, *mnt_dir, *mnt_type, *mnt_opts;
};
FILE *setmntent(const char *path, const char *mode);
struct mntent *getmntent(FILE *table);
int endmntent(FILE *table);

enum { LOG_PID, LOG_DAEMON, LOG_AUTH };

/* open() has no flags like these. */
#define O_PATH 0
#define O_NOATIME 0

#define TIOCNOTTY 0x5422
#define _PATH_DEFPATH "/bin"
