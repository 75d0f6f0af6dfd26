/*
 * Paths: from the words between the slashes to a vnode (POSIX.1-2017, 4.13,
 * "Pathname Resolution").
 *
 * What the walk needs of the rest of the kernel are the five functions below;
 * vfs.c has them, and the host's test has its own.
 */
#pragma once

#include <postern/types.h>

#define PATH_LINKS_MAX 40 /* symbolic links on the way: more are a loop */

struct vnode;

enum {
	PATH_FOLLOW = 0x1, /* a symbolic link at the end is followed */
	PATH_MAKE = 0x2,   /* the last name need not be there */
	PATH_NAME = 0x4,   /* it is the name that counts: a slash behind does not follow */
};

/* What the last component was. */
enum path_last { PATH_IS_NAME, PATH_IS_DOT, PATH_IS_DOT_DOT, PATH_IS_ROOT };

struct path {
	struct vnode *vnode;  /* NULL with PATH_MAKE, where there is none */
	struct vnode *parent; /* that `name` is in; NULL unless last is PATH_IS_NAME */
	enum path_last last;
	const char *name; /* in the path, or in `buffer` */
	size_t length;
	bool slash;	  /* one stands behind the name */
	char *buffer; /* what symbolic links have made of the path */
};

/*
 * Walks `path` from `root` or `start`. 0, and *_path to be given back by
 * path_end(); or -ENOENT, -ENOTDIR, -ENAMETOOLONG, -ELOOP, -ENOMEM, or what a
 * lookup says.
 */
int path_walk(struct vnode *root, struct vnode *start, const char *path, unsigned flags,
	struct path *_path);
void path_end(struct path *path);

/* ---- What path.c calls -------------------------------------------------------- */

bool path_is_directory(const struct vnode *vnode);
bool path_is_link(const struct vnode *vnode);
/* *_vnode with a reference, or an error. For "..", of what is not the root. */
int path_lookup(
	struct vnode *directory, const char *name, size_t length, struct vnode **_vnode);
ssize_t path_read_link(struct vnode *link, char *target, size_t size);
void path_reference(struct vnode *vnode);
void path_put(struct vnode *vnode);
