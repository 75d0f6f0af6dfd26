/* POSIX's <dirent.h>, by the name that newlib's includes. */
#ifndef POSTERN_SYS_DIRENT_H
#define POSTERN_SYS_DIRENT_H

#include <postern/file_type.h>
#include <sys/types.h>

#define MAXNAMLEN 255

struct dirent {
	ino_t d_ino;
	unsigned char d_type;
	char d_name[MAXNAMLEN + 1];
};

#define d_fileno d_ino
#define _DIRENT_HAVE_D_TYPE

#define DT_SOCK 12

typedef struct directory DIR;

#endif
