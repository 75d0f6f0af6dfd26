/* What the files of the virtual file system share among themselves. */
#pragma once

#include "kernel/path.h"
#include "kernel/vfs.h"

/* The root of all, once it is mounted. */
struct vnode *vfs_root(void);

/* path_walk() from the running process's directory. */
int vfs_walk(const char *path, unsigned flags, struct path *_path);

/* The vnode that is seen at a directory: the root of what is mounted there. Takes the
 * reference to `vnode` and gives one. */
struct vnode *mount_cross(struct vnode *vnode);

/* The directory under the root of a mount, with a reference; of other vnodes, themselves.
 */
struct vnode *mount_uncross(struct vnode *vnode);

bool mount_is_read_only(const struct vnode *vnode);

void vfs_fill_stat(struct vnode *vnode, struct stat *_stat);

/* An open file of `vnode`, whose reference it takes when it succeeds. */
int file_create(struct vnode *vnode, uint32_t flags, struct open_file **_file);

int vfs_truncate(struct vnode *vnode, off_t size);
