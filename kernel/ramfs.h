/*
 * The file system in memory: the root, /tmp and what the boot archives held.
 */
#pragma once

#include "kernel/archive.h"
#include <postern/types.h>

/* Registers the kind "ramfs". */
void ramfs_init(void);

/*
 * Fills the root from the archives, later ones replacing what earlier ones
 * had. The data stay where they are: the archives must not move. What is
 * corrupt ends the archive that it is in, with a warning.
 */
void ramfs_fill(const struct archive *archives, size_t count);

struct vnode;

/* Makes a device's file. 0, -EEXIST, -ENOMEM. */
int ramfs_make_device(
	struct vnode *directory, const char *name, mode_t mode, uint32_t number);
