/*
 * A process's descriptors, its directory and its umask. Threads of the process
 * share them: the table has a lock, and whoever uses an open file has a
 * reference to it, so that it may be closed meanwhile.
 */
#pragma once

#include "kernel/vfs.h"

struct file_table {
	struct spinlock lock;
	struct open_file *files[OPEN_MAX];
	uint32_t reserved[OPEN_MAX / 32];	   /* numbers that are taken, open or soon */
	uint32_t close_on_exec[OPEN_MAX / 32]; /* FD_CLOEXEC */
	struct vnode *directory;
	mode_t umask;
};

struct process;

/* For the first program: 0, 1 and 2 are the console. 0 or -ENOMEM and so on. */
int files_create(struct process *process);

/* A copy for a child. 0 or -ENOMEM. */
int files_fork(struct process *child, struct process *parent);

/* Closes what has FD_CLOEXEC. */
void files_exec(struct process *process);

/* Closes all. May sleep; doing so twice is harmless. */
void files_exit(struct process *process);

/* The directory of the running process, with a reference; the root where there is none.
 */
struct vnode *files_directory(void);

/* Changes it; takes the reference. */
void files_set_directory(struct vnode *directory);

/* Sets the umask, and returns the one before. */
mode_t files_set_umask(mode_t umask);
mode_t files_umask(void);

/*
 * The lowest free number from `lowest` on; it is taken, but not open until
 * file_install(). -EMFILE.
 */
int file_reserve(int lowest);
void file_unreserve(int fd);
/* Takes the reference to `file`. */
void file_install(int fd, struct open_file *file, bool close_on_exec);

/* Takes the open file from its number, with the table's reference, and the process's
 * locks from the file: to close it. -EBADF. */
int file_take(int fd, struct open_file **_file);

/* Puts `file` (its reference) at `fd`, and closes what was there. -EBUSY: it is just
 * being opened. */
int file_replace(int fd, struct open_file *file, bool close_on_exec);

/* FD_CLOEXEC, or -EBADF. */
int file_get_close_on_exec(int fd);
int file_set_close_on_exec(int fd, bool on);
