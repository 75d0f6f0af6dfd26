/* What vfs.c does with names, as the calls of the same names say. */
#pragma once

#include <postern/types.h>

int vfs_mkdir(const char *path, mode_t mode);
int vfs_mkfifo(const char *path, mode_t mode);
int vfs_symlink(const char *target, const char *path);
int vfs_link(const char *old_path, const char *new_path);
int vfs_unlink(const char *path);
int vfs_rmdir(const char *path);
int vfs_rename(const char *old_path, const char *new_path);
