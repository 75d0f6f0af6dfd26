/*
 * A disk in memory for the tests of the block cache and of ext2, and what the
 * kernel's parts need beside it. It remembers what was written since the last
 * flush, so that a test can stop it at any moment: then each of these writes may
 * have reached the disk or not.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include <postern/errno.h>

#include "kernel/block.h"
#include "kernel_around.h"

struct pending_write {
	uint64_t sector;
	size_t size;
	uint8_t *data;
};

struct disk_image {
	struct block_device device;
	uint8_t *data;	 /* what a read gives */
	uint8_t *stable; /* what was flushed; NULL: nobody wants to know */
	size_t size;
	struct pending_write *pending;
	size_t pending_count, pending_room;
	long fail_after; /* transfers until one fails, and all behind it; -1: never */
	long transfers;
	long flushes;
	bool frozen;	 /* the machine has stopped: nothing is written any more */
	long stop_after; /* transfers until that happens; -1: never */
};

static inline int disk_transfer(struct block_device *device, bool write, uint64_t sector,
	const struct block_segment *segments, unsigned count)
{
	struct disk_image *disk = (void *)device;
	size_t at = sector * SECTOR_SIZE;

	disk->transfers++;
	if (disk->fail_after == 0)
		return -EIO;
	if (disk->fail_after > 0)
		disk->fail_after--;
	if (write && disk->stop_after >= 0 && disk->stop_after-- == 0)
		disk->frozen = true;
	for (unsigned i = 0; i < count; i++) {
		if (!write) {
			memcpy(segments[i].data, disk->data + at, segments[i].size);
		} else {
			memcpy(disk->data + at, segments[i].data, segments[i].size);
			if (disk->stable != NULL && !disk->frozen) {
				struct pending_write *pending;

				if (disk->pending_count == disk->pending_room) {
					disk->pending_room = disk->pending_room * 2 + 64;
					disk->pending = realloc(
						disk->pending, disk->pending_room * sizeof *disk->pending);
				}
				pending = &disk->pending[disk->pending_count++];
				pending->sector = at / SECTOR_SIZE;
				pending->size = segments[i].size;
				pending->data = malloc(pending->size);
				memcpy(pending->data, segments[i].data, pending->size);
			}
		}
		at += segments[i].size;
	}
	return 0;
}

static inline void disk_apply(struct disk_image *disk, const struct pending_write *write)
{
	memcpy(disk->stable + write->sector * SECTOR_SIZE, write->data, write->size);
}

static inline void disk_drop_pending(struct disk_image *disk)
{
	while (disk->pending_count > 0)
		free(disk->pending[--disk->pending_count].data);
}

static inline int disk_flush(struct block_device *device)
{
	struct disk_image *disk = (void *)device;

	disk->flushes++;
	if (disk->fail_after == 0)
		return -EIO;
	if (disk->stable != NULL && !disk->frozen) {
		for (size_t i = 0; i < disk->pending_count; i++)
			disk_apply(disk, &disk->pending[i]);
		disk_drop_pending(disk);
	}
	return 0;
}

/* `data` of malloc() becomes the disk's. */
static inline void disk_init(struct disk_image *disk, uint8_t *data, size_t size)
{
	memset(disk, 0, sizeof *disk);
	disk->data = data;
	disk->size = size;
	disk->fail_after = -1;
	disk->stop_after = -1;
	strcpy(disk->device.name, "image");
	disk->device.sectors = size / SECTOR_SIZE;
	disk->device.transfer = disk_transfer;
	disk->device.flush = disk_flush;
}

/* From now on, disk_stop() knows what was flushed. */
static inline void disk_watch(struct disk_image *disk)
{
	disk->stable = malloc(disk->size);
	memcpy(disk->stable, disk->data, disk->size);
}

/*
 * The machine stops: of what was not flushed, what `keep` says of each write is
 * there; or, for -1, all of it.
 */
static inline void disk_stop(struct disk_image *disk, int keep_of_100)
{
	for (size_t i = 0; i < disk->pending_count; i++) {
		if (keep_of_100 < 0 || rand() % 100 < keep_of_100)
			disk_apply(disk, &disk->pending[i]);
	}
	disk_drop_pending(disk);
	memcpy(disk->data, disk->stable, disk->size);
	disk->frozen = false;
	disk->stop_after = -1;
}

static inline void disk_free(struct disk_image *disk)
{
	disk_drop_pending(disk);
	free(disk->pending);
	free(disk->stable);
	free(disk->data);
}
