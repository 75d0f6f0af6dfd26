/* What the kernel knows, as text: the file system "proc". */
#pragma once

/* Registers it. */
void procfs_init(void);

struct mount;

/* mount.c: calls `visit` with each mount, by age. */
void mount_visit(void (*visit)(const struct mount *mount, void *context), void *context);
