/*
 * ext2 as one of the kernel's file systems (ext2_vnode.c), and disks as files of /dev
 * (disk_device.c).
 */
#pragma once

/*
 * Finds the disks, makes /dev/NAME for each, and mounts the first that has ext2
 * on /home. Once the root and /dev are there.
 */
void disks_init(void);

/* Writes what has changed, for write_back.c. */
void disks_write_back(void);

/* Power is about to be turned off: everything is written, and says so. */
void disks_shut_down(void);

/* For disks_init(): makes the file system known. */
void ext2_register(void);
