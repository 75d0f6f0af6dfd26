/*
 * The kernel's files: vnodes, what file systems and devices implement, open
 * files, mounts.
 *
 * A vnode is a file of whatever kind, as long as somebody has a reference to
 * it. Its file system gives it its operations. A device or a pipe is reached
 * through a vnode, too, but reading and writing it is the business of
 * struct device_operations, which may wait.
 *
 * Errors are negative errno values. Functions that give a vnode or an open
 * file give a reference, which the caller puts back.
 *
 * Locks, outermost first:
 *	mount->rename_lock		one rename at a time
 *	vnode->lock				directories from the root down, then other files
 *	mount->load_lock		vnodes that come and go
 *	what a file system has of its own (mutexes)
 *	the address space's		taken by a copy to or from user memory
 *	spinlocks
 * vfs.c takes vnode->lock around each vnode operation where it says so below.
 * File systems never take another vnode's.
 *
 * There are no users: permission bits are kept and shown; only running a
 * program asks for one (any x).
 */
#pragma once

#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/thread.h"
#include <postern/file_system_status.h>
#include <postern/limits.h>
#include <postern/stat.h>
#include <postern/types.h>

#define LINKS_MAX 65000
#define FILE_SIZE_MAX INT64_MAX

struct device;
struct file_locks;
struct mount;
struct open_file;
struct poll_waiter;
struct vnode;

/* ---- Data on their way ------------------------------------------------------ */

struct io_part {
	uint32_t address; /* of the program's memory, or of the kernel's */
	uint32_t size;
};

/*
 * Where the bytes of a read go, or those of a write come from: one buffer or
 * several, of the running program or the kernel. Only the functions below touch
 * the memory; as it may be a program's, never with a spinlock held.
 */
struct io {
	const struct io_part *parts; /* what is not done of the first: see used */
	size_t used;				 /* of the first part */
	size_t left;				 /* bytes yet to be moved, of all parts */
	size_t done;				 /* bytes moved */
	bool user;
	bool nonblocking;	 /* answer -EAGAIN rather than wait */
	struct io_part only; /* where there is one part */
};

void io_init_user(struct io *io, uintptr_t address, size_t size);
void io_init_kernel(struct io *io, void *buffer, size_t size);
/* `left` is the parts' sum; the user ranges have been checked. */
void io_init_parts(struct io *io, const struct io_part *parts, size_t left);

/*
 * Move `size` bytes, at most io->left, on to or from the buffer and advance.
 * 0 or -EFAULT; then the bytes before the bad one may have been moved, and
 * `done` counts them as far as is known.
 */
int io_give(struct io *io, const void *from, size_t size); /* a read's */
int io_take(struct io *io, void *to, size_t size);		   /* a write's */
int io_give_zeros(struct io *io, size_t size);

/* ---- Waiting for several things: poll() --------------------------------------- */

/* Those who wait until a device, or a pipe's end, changes. Zeroed is invalid. */
struct poll_source {
	struct list entries;
};

void poll_source_init(struct poll_source *source);
/* Something has changed: whoever waits looks again. From anywhere, interrupts too. */
void poll_wake(struct poll_source *source);
/* For `poll` operations. A NULL waiter only wants to know. */
void poll_wait(struct poll_waiter *waiter, struct poll_source *source);

/* ---- Devices ---------------------------------------------------------------------- */

/*
 * Nothing is locked when these are called; several threads may be inside one
 * at the same time. What is NULL answers as its comment says.
 */
struct device_operations {
	/* NULL: it opens. `file` is complete but for what this puts into it. */
	int (*open)(struct open_file *file);

	/* With the last reference; NULL: nothing to do. */
	void (*close)(struct open_file *file);

	/*
	 * Moves up to io->left bytes; io says how many, and a count of 0 is the
	 * end. An error counts where nothing was moved. `position` means something only for
	 * devices that have one. Waits by wait_on() and passes its -EINTR on; with
	 * io->nonblocking it answers -EAGAIN instead. NULL: -EINVAL.
	 */
	int (*read)(struct open_file *file, off_t position, struct io *io);
	int (*write)(struct open_file *file, off_t position, struct io *io);

	/*
	 * `argument` is a number or a user address, which only user_copy_in() and
	 * user_copy_out() touch. NULL, or an unknown request: -ENOTTY.
	 */
	int (*ioctl)(struct open_file *file, uint32_t request, uint32_t argument);

	/*
	 * Which events (POLLIN and so on, <postern/poll.h>) are there now.
	 * Calls poll_wait() for what may bring others before it looks.
	 * NULL: always ready to be read and written.
	 */
	uint32_t (*poll)(struct open_file *file, struct poll_waiter *waiter);

	/* Bytes, for devices that have a size (disks). NULL: it cannot be seeked. */
	off_t (*size)(struct device *device);

	/* Puts on the medium what was written. NULL: done. */
	int (*sync)(struct device *device);
};

struct device {
	const char *name; /* below /dev */
	mode_t mode;	  /* S_IFCHR or S_IFBLK, and permissions */
	const struct device_operations *operations;
	void *data;		 /* the driver's */
	uint32_t number; /* device_register() sets it */
	struct list link;
};

/*
 * Makes /dev/NAME. `device` stays the driver's and must not move or go. 0,
 * -EEXIST, -ENOMEM. Whenever the root file system is there (after vfs_init()).
 */
int device_register(struct device *device);

/* What a device file opens, or NULL. */
struct device *device_find(uint32_t number);

/* ---- Vnodes ----------------------------------------------------------------------- */

/* What one name in a directory is. */
struct directory_entry {
	uint64_t number;
	mode_t type; /* S_IFMT's bits, 0 where the file system does not know */
	size_t length;
	const char *name; /* no NUL */
};

/* Takes an entry; false when it has no room: then it will be offered again. */
typedef bool directory_visitor(void *context, const struct directory_entry *entry);

/*
 * What a file system implements. Names are not empty, have `length` bytes (up
 * to NAME_MAX) and no NUL, no '/'. Every operation but release is called with
 * the lock of its first vnode held. The vnode types are right: no lookup
 * in a file. On a read-only mount nothing is called that changes something.
 */
struct vnode_operations {
	/* -- Directories: `directory` is locked. An operation that is NULL: -EPERM. */

	/* *_vnode with a reference, or -ENOENT. ".." has to work; "." is not asked for. */
	int (*lookup)(
		struct vnode *directory, const char *name, size_t length, struct vnode **_vnode);

	/* A new regular file, or, with S_IFIFO in `mode`, a pipe. The name is not there. */
	int (*create)(struct vnode *directory, const char *name, size_t length, mode_t mode,
		struct vnode **_vnode);
	int (*mkdir)(struct vnode *directory, const char *name, size_t length, mode_t mode);
	int (*symlink)(struct vnode *directory, const char *name, size_t length,
		const char *target, size_t target_length);

	/* `vnode`, no directory, of the same mount, gets a further name; it is locked. */
	int (*link)(
		struct vnode *directory, const char *name, size_t length, struct vnode *vnode);

	/*
	 * `vnode` is what lookup() gives for the name, and is locked. Its data stay
	 * until release(). rmdir: -ENOTEMPTY is the file system's to find.
	 */
	int (*unlink)(
		struct vnode *directory, const char *name, size_t length, struct vnode *vnode);
	int (*rmdir)(
		struct vnode *directory, const char *name, size_t length, struct vnode *vnode);

	/*
	 * Moves `vnode` to a name in `new_directory`, which may be `directory`, and removes
	 * `target`, which is what had it before or NULL. Both directories, `vnode` and
	 * `target` are locked. The kinds fit each other and the move makes no loop;
	 * whether a target directory is empty is the file system's to find. All or
	 * nothing, as far as it can.
	 */
	int (*rename)(struct vnode *directory, const char *name, size_t length,
		struct vnode *vnode, struct vnode *new_directory, const char *new_name,
		size_t new_length, struct vnode *target);

	/*
	 * Offers entries from *cookie on, "." and ".." among them, until the visitor has
	 * no room or there are none left. 0 is the beginning; *cookie is moved
	 * behind the last one taken and means something to the file system only. Entries
	 * that are there all the time are seen once, whatever comes and goes.
	 */
	int (*readdir)(struct vnode *directory, uint64_t *cookie, directory_visitor *visit,
		void *context);

	/* -- Files. NULL: -EINVAL. `size` is the file system's to keep right. */

	/* As far as the file goes. `position` is not negative. Behind read and write vfs.c
	 * sets the vnode's times, and does not call attributes_changed(): they go to the
	 * medium with whatever next writes the file's data or with sync() and release(). */
	int (*read)(struct vnode *vnode, off_t position, struct io *io);
	/* Lengthens the file where needed, with zeros in a gap. -ENOSPC, -EFBIG, -EIO. */
	int (*write)(struct vnode *vnode, off_t position, struct io *io);
	int (*truncate)(struct vnode *vnode, off_t size);

	/*
	 * Up to `count` pages that hold the file's bytes from index * PAGE_SIZE on, and
	 * zeros behind the file's end, each with a reference for the caller. Returns how
	 * many follow each other there; what is behind them, or everything with 0, has to
	 * be read. As long as somebody else has a reference a page's bytes stay as
	 * they are: what changes the file first takes another page for it. NULL: there
	 * are none.
	 */
	unsigned (*pages)(
		struct vnode *vnode, uint64_t index, uint32_t *pages, unsigned count);

	/* -- Symbolic links: up to `size` bytes of the target, no NUL; how many. */
	ssize_t (*readlink)(struct vnode *vnode, char *target, size_t size);

	/* -- All kinds. */

	/* mode or times have been changed in the vnode. NULL: nothing else to do. */
	int (*attributes_changed)(struct vnode *vnode);
	/* Bytes on the medium. NULL: as many as the size says. */
	uint64_t (*allocated)(struct vnode *vnode);
	/* Puts it on the medium, with what is needed to find it. NULL: done. */
	int (*sync)(struct vnode *vnode);

	/*
	 * The last reference is gone. Writes back or, where `links` is 0, removes
	 * the file from the medium; then frees the vnode's memory. Not locked, nobody
	 * else can have the vnode; vnode_get() of its number waits until this is
	 * done. May sleep; there is nobody to tell of an error.
	 */
	void (*release)(struct vnode *vnode);
};

enum {
	VNODE_HASHED = 0x1,	 /* vnode_get() finds it */
	VNODE_REMOVED = 0x2, /* a directory that rmdir has taken: nothing is made in it */
};

/* A part of the file system's own structure for a file. */
struct vnode {
	const struct vnode_operations *operations;
	struct mount *mount;
	uint64_t number; /* unique in its mount */
	uint32_t references;
	uint32_t flags; /* VNODE_* */
	struct list hashed;
	struct mount *mounted_here; /* a directory: whose root is seen instead */
	struct mutex lock;

	/* Guarded by `lock`; the file system fills them in, and changes them as its
	 * operations say. vfs.c sets `accessed` after a read, changes mode and times, and
	 * then calls attributes_changed(). */
	mode_t mode; /* S_IFMT never changes */
	uint32_t links;
	off_t size;
	time_us_t accessed, modified, changed; /* since 1970 */
	uint32_t device_number;				   /* S_IFCHR, S_IFBLK */
	void *data; /* pipe.c's for pipes; else the file system's */

	struct file_locks *locks; /* record_lock.c's; NULL: nobody has or wants one */
};

/* Fills in the above, with one reference. */
void vnode_init(struct vnode *vnode, struct mount *mount, uint64_t number,
	const struct vnode_operations *operations, mode_t mode);

void vnode_reference(struct vnode *vnode);
void vnode_put(struct vnode *vnode); /* may call release(), so may sleep; NULL is fine */

/*
 * For file systems whose vnodes come from a medium: the vnode of that number
 * with a reference, made by type->load() where nobody has it. Two that ask get the
 * same. load() and the release() of such vnodes run under mount->load_lock, so the
 * caller, and whoever puts a reference back, holds no lock that they take.
 */
int vnode_get(struct mount *mount, uint64_t number, struct vnode **_vnode);
/* Makes a vnode that a file system has just made findable. */
void vnode_publish(struct vnode *vnode);

/* Now, for a file's times. */
time_us_t vfs_time(void);

/* ---- Mounts ----------------------------------------------------------------------- */

enum {
	FILE_SYSTEM_NAMES_CACHED = 0x1, /* lookup() is slow: the name cache serves */
	/* read() takes no lock and does not wait, for a few bytes: a panic may call it. */
	FILE_SYSTEM_READS_ANYWHERE = 0x2,
};

struct file_system_type {
	const char *name;
	uint32_t flags; /* FILE_SYSTEM_* */

	/*
	 * Fills in mount->root (with a reference, which is the mount's) and
	 * mount->data. `source` is what the path named, a device's vnode mostly:
	 * device_find(source->device_number); NULL where there was none. It may be
	 * kept with a reference. mount->flags are MOUNT_READ_ONLY and what else
	 * <postern/mount.h> says. `options` is not NULL. Bad contents: -EINVAL, or -EUCLEAN.
	 */
	int (*mount)(struct mount *mount, struct vnode *source, const char *options);

	/*
	 * Writes everything back and frees mount->data. No vnode of it is left but the
	 * root, whose reference this puts. An error (-EIO) leaves it mounted.
	 */
	int (*unmount)(struct mount *mount);

	/* Puts everything on the medium, in order. NULL: done. */
	int (*sync)(struct mount *mount);
	int (*status)(struct mount *mount, struct file_system_status *_status);

	/* For vnode_get(): allocates the vnode and calls vnode_init(). NULL: not used. */
	int (*load)(struct mount *mount, uint64_t number, struct vnode **_vnode);

	struct list link;
};

struct mount {
	const struct file_system_type *type;
	struct vnode *root;
	struct vnode *covered; /* the directory under it, NULL for the first */
	uint32_t number;	   /* struct stat.device */
	uint32_t flags;		   /* MOUNT_* */
	uint32_t vnodes;	   /* there now */
	struct mutex rename_lock;
	struct mutex load_lock;
	bool leaving; /* it is being unmounted: nobody comes in */
	void *data;	  /* the file system's */
	struct list link;
	char source[64], path[64]; /* as mount() was told, for lists */
};

void file_system_register(struct file_system_type *type);

/* As the call does it, for the kernel itself. `source` may be NULL. */
int vfs_mount(const char *source, const char *path, const char *type, uint32_t flags,
	const char *options);
int vfs_unmount(const char *path);

/* Puts all file systems on their media: sync(), and before power is turned off. */
int vfs_sync(void);

/* ---- Open files ------------------------------------------------------------------- */

/* What open() makes, and dup() and fork() share. */
struct open_file {
	uint32_t references;
	struct vnode *vnode;
	struct device *device;						/* NULL: a file of a file system */
	const struct device_operations *operations; /* NULL likewise; pipes have them too */
	void *data;									/* those operations' own */
	uint32_t flags;	   /* O_ACCMODE, O_APPEND, O_NONBLOCK: read once a call */
	struct mutex lock; /* guards what follows, where the file has it */
	off_t position;
	uint64_t cookie; /* of a directory, where read_dir() goes on; pipe.c's for pipes */
	uint64_t listed_cookie; /* and where getdirent() has found the name at */
	unsigned listed;		/* this index */
};

void file_reference(struct open_file *file);
void file_put(struct open_file *file); /* may sleep */

/* The open file behind a descriptor of the running process, or -EBADF. */
int file_get(int fd, struct open_file **_file);

/* Opens as open() does, relative to the process's directory (the root without one). */
int vfs_open(const char *path, uint32_t flags, mode_t mode, struct open_file **_file);

/*
 * At `position`, or at the file's own for -1, which then moves. Bytes moved,
 * or an error where there are none.
 */
ssize_t vfs_read(struct open_file *file, off_t position, struct io *io);
ssize_t vfs_write(struct open_file *file, off_t position, struct io *io);

/* ---- Paths ------------------------------------------------------------------------ */

/* The vnode of a path; `follow` a symbolic link at its end. */
int vfs_find(const char *path, bool follow, struct vnode **_vnode);
