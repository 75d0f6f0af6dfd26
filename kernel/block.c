/*
 * The block devices that there are, and the checks before each transfer. See
 * block.h.
 */
#include "kernel/block.h"

#include "kernel/log.h"
#include "kernel/string.h"
#include <postern/errno.h>

static struct list sDevices = {&sDevices, &sDevices};

void block_device_add(struct block_device *device)
{
	list_add(&sDevices, &device->link);
	log_info("disk: %s, %llu KiB%s", device->name,
		(unsigned long long)(device->sectors / 2),
		device->read_only ? ", read only" : "");
}

struct block_device *block_device_next(const struct block_device *previous)
{
	struct list *link = previous == NULL ? sDevices.next : previous->link.next;

	return link == &sDevices ? NULL : LIST_ENTRY(link, struct block_device, link);
}

struct block_device *block_device_find(const char *name)
{
	struct block_device *device = NULL;

	while ((device = block_device_next(device)) != NULL) {
		if (strcmp(device->name, name) == 0)
			break;
	}
	return device;
}

int block_transfer(struct block_device *device, bool write, uint64_t sector,
	const struct block_segment *segments, unsigned count)
{
	uint64_t bytes = 0;
	unsigned i;

	if (write && device->read_only)
		return -EROFS;
	if (count == 0 || count > BLOCK_SEGMENTS_MAX)
		return -EINVAL;
	for (i = 0; i < count; i++) {
		if (segments[i].size == 0 || segments[i].size % SECTOR_SIZE != 0)
			return -EINVAL;
		bytes += segments[i].size;
	}
	if (bytes > (uint64_t)BLOCK_SECTORS_MAX * SECTOR_SIZE || sector > device->sectors
		|| bytes / SECTOR_SIZE > device->sectors - sector)
		return -EINVAL;
	return device->transfer(device, write, sector, segments, count);
}

int block_flush(struct block_device *device)
{
	return device->flush(device);
}
