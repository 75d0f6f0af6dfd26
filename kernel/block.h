/*
 * Block devices: disks, as their drivers in arch/ offer them and as the block
 * cache uses them.
 *
 * A driver fills in a struct block_device and adds it once, at boot, before
 * there is a second thread; it stays for ever. Both operations wait until the
 * device has answered, take care themselves that one thread at a time drives
 * it, and end with -EIO where it does not answer. They sleep.
 */
#pragma once

#include "kernel/list.h"
#include <postern/types.h>

#define SECTOR_SIZE 512u

/* The most pieces of memory, and the most sectors, of one transfer. */
#define BLOCK_SEGMENTS_MAX 64u
#define BLOCK_SECTORS_MAX 256u

/*
 * A piece of memory, a multiple of SECTOR_SIZE: from heap_allocate(), so that it
 * has a physical address and is in one piece there.
 */
struct block_segment {
	void *data;
	uint32_t size;
};

struct block_device {
	struct list link;
	char name[16];
	uint64_t sectors;
	bool read_only;
	bool is_mounted; /* the file system's to set */

	/* Sectors from `sector` on, to or from the segments one after the other. */
	int (*transfer)(struct block_device *device, bool write, uint64_t sector,
		const struct block_segment *segments, unsigned count);

	/* What was written before will be there after a loss of power. */
	int (*flush)(struct block_device *device);
};

void block_device_add(struct block_device *device);

/* The first with `previous` NULL, then those behind it; NULL at the end. */
struct block_device *block_device_next(const struct block_device *previous);

/* NULL where there is none of that name. */
struct block_device *block_device_find(const char *name);

/* The same as the operations, checked: -EINVAL outside the device, -EROFS. */
int block_transfer(struct block_device *device, bool write, uint64_t sector,
	const struct block_segment *segments, unsigned count);
int block_flush(struct block_device *device);
