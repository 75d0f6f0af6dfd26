/* POSIX's <sys/stat.h>. */
#ifndef _SYS_STAT_H
#define _SYS_STAT_H

#include <postern/file_mode.h>
#include <sys/cdefs.h>
#include <sys/types.h>
#include <time.h>

struct stat {
	dev_t st_dev;
	ino_t st_ino;
	mode_t st_mode;
	nlink_t st_nlink;
	uid_t st_uid;
	gid_t st_gid;
	dev_t st_rdev;
	off_t st_size;
	struct timespec st_atim;
	struct timespec st_mtim;
	struct timespec st_ctim;
	blksize_t st_blksize;
	blkcnt_t st_blocks; /* of 512 bytes */
};

#define st_atime st_atim.tv_sec
#define st_mtime st_mtim.tv_sec
#define st_ctime st_ctim.tv_sec

#define S_IFSOCK 0140000

#define S_IRWXU 0700
#define S_IRWXG 0070
#define S_IRWXO 0007

#if __BSD_VISIBLE
#define S_IREAD S_IRUSR
#define S_IWRITE S_IWUSR
#define S_IEXEC S_IXUSR
#define ACCESSPERMS 0777
#define ALLPERMS 07777
#define DEFFILEMODE 0666
#define S_BLKSIZE 512
#endif

#define S_ISSOCK(mode) (((mode)&S_IFMT) == S_IFSOCK)

#define UTIME_NOW (-2L)
#define UTIME_OMIT (-1L)

__BEGIN_DECLS
int stat(const char *path, struct stat *status);
int lstat(const char *path, struct stat *status);
int fstat(int fd, struct stat *status);
int fstatat(int directory, const char *path, struct stat *status, int flags);
int chmod(const char *path, mode_t mode);
int fchmod(int fd, mode_t mode);
int mkdir(const char *path, mode_t mode);
int mkfifo(const char *path, mode_t mode);
int mknod(const char *path, mode_t mode, dev_t device);
int mkdirat(int directory, const char *path, mode_t mode);
int mkfifoat(int directory, const char *path, mode_t mode);
int mknodat(int directory, const char *path, mode_t mode, dev_t device);
int fchmodat(int directory, const char *path, mode_t mode, int flags);
mode_t umask(mode_t mask);
int utimensat(int directory, const char *path, const struct timespec *times, int flags);
int futimens(int fd, const struct timespec *times);
#ifdef _COMPILING_NEWLIB
int _fstat(int fd, struct stat *status);
int _stat(const char *path, struct stat *status);
int _mkdir(const char *path, mode_t mode);
#endif
__END_DECLS

#endif
