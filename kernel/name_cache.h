/*
 * The name cache: what lookups in slow file systems have given, kept. Called
 * by vfs.c with the directory locked, so that an entry is never older than the
 * directory.
 */
#pragma once

#include <postern/types.h>

struct mount;
struct vnode;

/* *_vnode with a reference, or NULL where the name is known not to be there. */
bool name_cache_find(
	struct vnode *directory, const char *name, size_t length, struct vnode **_vnode);

/* `vnode` may be NULL: the name is not there. */
void name_cache_add(
	struct vnode *directory, const char *name, size_t length, struct vnode *vnode);

void name_cache_remove(struct vnode *directory, const char *name, size_t length);

/* Nothing is in the directory any more. */
void name_cache_remove_directory(struct vnode *directory);

/* Before the mount goes: its vnodes must not be held. */
void name_cache_remove_mount(struct mount *mount);
