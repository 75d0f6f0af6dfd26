/*
 * Locks of parts of files between processes, as fcntl() of POSIX has them: advisory, of
 * a process, gone with any close of the file and at the process's end.
 */
#pragma once

#include "kernel/vfs.h"

/*
 * A descriptor of `vnode` is closed by `owner`, or its process ends: all that it has
 * locked there is free. Before the reference to the vnode is given back. No lock is held.
 */
void record_lock_closed(struct vnode *vnode, pid_t owner);
