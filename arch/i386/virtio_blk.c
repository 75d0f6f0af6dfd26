/*
 * Disks of virtual machines: virtio-blk by the ports of its PCI device, the
 * interface that Virtio 1.1 calls legacy (4.1.4.8, 5.2).
 *
 * kernel/block.c calls the operations, disks.c the search at boot. One request
 * at a time, under a mutex, waited for without interrupts. A device that does
 * not answer is reset, so that it writes to memory no more, and fails for good.
 */
#include "arch/i386/disks.h"
#include "arch/i386/io.h"
#include "arch/i386/pci.h"
#include "kernel/arch.h"
#include "kernel/block.h"
#include "kernel/format.h"
#include "kernel/heap.h"
#include "kernel/lock.h"
#include "kernel/log.h"
#include "kernel/page_allocator.h"
#include "kernel/string.h"
#include <postern/errno.h>

#define VENDOR 0x1af4u
#define DEVICE_BLOCK 0x1001u

/* Ports, from BAR 0 on (4.1.4.8). */
enum {
	PORT_DEVICE_FEATURES = 0,
	PORT_DRIVER_FEATURES = 4,
	PORT_QUEUE_PAGE = 8,
	PORT_QUEUE_SIZE = 12,
	PORT_QUEUE_SELECT = 14,
	PORT_QUEUE_NOTIFY = 16,
	PORT_STATUS = 18,
	PORT_CONFIG = 20 /* without MSI-X */
};
#define CONFIG_SEGMENTS_MAX 12 /* in struct virtio_blk_config (5.2.4) */

#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER 2u
#define STATUS_DRIVER_OK 4u
#define STATUS_FAILED 128u

#define FEATURE_SEGMENTS_MAX (1u << 2)
#define FEATURE_READ_ONLY (1u << 5)
#define FEATURE_FLUSH (1u << 9)

#define REQUEST_IN 0u
#define REQUEST_OUT 1u
#define REQUEST_FLUSH 4u
#define RESULT_OK 0u

#define DESCRIPTOR_NEXT 1u
#define DESCRIPTOR_WRITE 2u /* by the device */
#define AVAILABLE_NO_INTERRUPT 1u

#define QUEUE_SIZE_MAX 1024u
#define QUEUE_ALIGN 4096u
#define REQUEST_TIME ((time_us_t)30000000)

struct descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags;
	uint16_t next;
};
_Static_assert(sizeof(struct descriptor) == 16, "2.6.5");

struct available_ring {
	uint16_t flags;
	uint16_t index;
	uint16_t ring[];
};

struct used_ring {
	uint16_t flags;
	uint16_t index;
	struct {
		uint32_t id;
		uint32_t length;
	} ring[];
};

struct request {
	uint32_t type;
	uint32_t reserved;
	uint64_t sector;
	uint8_t result;
};

struct virtio_disk {
	struct block_device device;
	struct mutex lock;
	uint16_t ports;
	uint16_t queue_size;
	bool has_flush;
	bool is_dead;
	unsigned segments_max;
	uint16_t used_seen;
	struct descriptor *descriptors;
	volatile struct available_ring *available;
	volatile struct used_ring *used;
	struct request *request;
};

static unsigned sDisks;

static void fill_descriptor(struct virtio_disk *disk, unsigned number, const void *data,
	uint32_t length, uint16_t flags)
{
	struct descriptor *descriptor = &disk->descriptors[number];

	descriptor->address = arch_virtual_to_physical(data);
	descriptor->length = length;
	descriptor->flags = flags;
	descriptor->next = (uint16_t)(number + 1);
}

/* The request in disk->request, with `count` segments. */
static int run_request(
	struct virtio_disk *disk, const struct block_segment *segments, unsigned count)
{
	uint16_t data_flags = disk->request->type == REQUEST_IN ? DESCRIPTOR_WRITE : 0;
	struct disk_wait wait;
	unsigned i;

	if (disk->is_dead)
		return -EIO;
	disk->request->result = 0xff;
	fill_descriptor(
		disk, 0, disk->request, offsetof(struct request, result), DESCRIPTOR_NEXT);
	for (i = 0; i < count; i++)
		fill_descriptor(disk, i + 1, segments[i].data, segments[i].size,
			(uint16_t)(DESCRIPTOR_NEXT | data_flags));
	fill_descriptor(disk, count + 1, &disk->request->result, 1, DESCRIPTOR_WRITE);
	disk->available->ring[disk->available->index % disk->queue_size] = 0;
	/* Stores are seen in their order on this processor; the compiler must keep it. */
	__asm__ volatile("" : : : "memory");
	disk->available->index++;
	__asm__ volatile("" : : : "memory");
	outw((uint16_t)(disk->ports + PORT_QUEUE_NOTIFY), 0);

	i386_disk_wait_start(&wait, REQUEST_TIME);
	while (disk->used->index == disk->used_seen) {
		if (i386_disk_wait_more(&wait))
			continue;
		outb((uint16_t)(disk->ports + PORT_STATUS), 0);
		disk->is_dead = true;
		log_error("disk: %s does not answer", disk->device.name);
		return -EIO;
	}
	__asm__ volatile("" : : : "memory");
	disk->used_seen++;
	return *(volatile uint8_t *)&disk->request->result == RESULT_OK ? 0 : -EIO;
}

static int virtio_transfer(struct block_device *device, bool write, uint64_t sector,
	const struct block_segment *segments, unsigned count)
{
	struct virtio_disk *disk = (struct virtio_disk *)device;
	int error = 0;

	mutex_lock(&disk->lock);
	while (count > 0 && error == 0) {
		unsigned part = count < disk->segments_max ? count : disk->segments_max;
		unsigned i;

		disk->request->type = write ? REQUEST_OUT : REQUEST_IN;
		disk->request->sector = sector;
		error = run_request(disk, segments, part);
		for (i = 0; i < part; i++)
			sector += segments[i].size / SECTOR_SIZE;
		segments += part;
		count -= part;
	}
	mutex_unlock(&disk->lock);
	if (error != 0)
		log_warn("disk: %s: %s up to sector %llu failed", device->name,
			write ? "writing" : "reading", (unsigned long long)sector);
	return error;
}

static int virtio_flush(struct block_device *device)
{
	struct virtio_disk *disk = (struct virtio_disk *)device;
	int error;

	/* Without the feature, what was written is there (5.2.6.2). */
	if (!disk->has_flush)
		return 0;
	mutex_lock(&disk->lock);
	disk->request->type = REQUEST_FLUSH;
	disk->request->sector = 0;
	error = run_request(disk, NULL, 0);
	mutex_unlock(&disk->lock);
	return error;
}

/* ---- Finding them ----------------------------------------------------------------- */

/* The queue's memory, in the one form that the legacy interface has (2.6.2). */
static bool make_queue(struct virtio_disk *disk)
{
	uint32_t size = disk->queue_size;
	uint32_t used_offset = size * (uint32_t)sizeof(struct descriptor)
						   + (uint32_t)sizeof(struct available_ring)
						   + (size + 1) * (uint32_t)sizeof(uint16_t);
	uint32_t bytes;
	unsigned order = 0;
	uint32_t physical;
	uint8_t *memory;

	used_offset = (used_offset + QUEUE_ALIGN - 1) & ~(QUEUE_ALIGN - 1);
	bytes = used_offset + (uint32_t)sizeof(struct used_ring) + size * 8 + 2;
	while (PAGE_SIZE << order < bytes)
		order++;
	physical = page_allocate(order);
	if (physical == PAGE_NONE)
		return false;
	memory = arch_physical_to_virtual(physical);
	memset(memory, 0, PAGE_SIZE << order);
	disk->descriptors = (struct descriptor *)(void *)memory;
	disk->available = (void *)(memory + size * sizeof(struct descriptor));
	disk->used = (void *)(memory + used_offset);
	disk->available->flags = AVAILABLE_NO_INTERRUPT;
	outl((uint16_t)(disk->ports + PORT_QUEUE_PAGE), physical / QUEUE_ALIGN);
	return true;
}

/* 3.1.2: reset, acknowledge, features, queue, ready. */
static bool start_disk(struct virtio_disk *disk)
{
	uint16_t ports = disk->ports;
	uint32_t offered;

	outb((uint16_t)(ports + PORT_STATUS), 0);
	outb((uint16_t)(ports + PORT_STATUS), STATUS_ACKNOWLEDGE);
	outb((uint16_t)(ports + PORT_STATUS), STATUS_ACKNOWLEDGE | STATUS_DRIVER);
	offered = inl((uint16_t)(ports + PORT_DEVICE_FEATURES));
	outl((uint16_t)(ports + PORT_DRIVER_FEATURES),
		offered & (FEATURE_SEGMENTS_MAX | FEATURE_READ_ONLY | FEATURE_FLUSH));
	disk->has_flush = (offered & FEATURE_FLUSH) != 0;
	disk->device.read_only = (offered & FEATURE_READ_ONLY) != 0;
	outw((uint16_t)(ports + PORT_QUEUE_SELECT), 0);
	disk->queue_size = inw((uint16_t)(ports + PORT_QUEUE_SIZE));
	if (disk->queue_size < 4 || disk->queue_size > QUEUE_SIZE_MAX
		|| (disk->queue_size & (disk->queue_size - 1)) != 0)
		return false;
	disk->segments_max = disk->queue_size - 2u;
	if ((offered & FEATURE_SEGMENTS_MAX) != 0) {
		uint32_t most = inl((uint16_t)(ports + PORT_CONFIG + CONFIG_SEGMENTS_MAX));

		if (most > 0 && most < disk->segments_max)
			disk->segments_max = most;
	}
	disk->device.sectors = inl((uint16_t)(ports + PORT_CONFIG))
						   | (uint64_t)inl((uint16_t)(ports + PORT_CONFIG + 4)) << 32;
	disk->request = heap_allocate(sizeof *disk->request);
	if (disk->request == NULL || !make_queue(disk))
		return false;
	outb((uint16_t)(ports + PORT_STATUS),
		STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_DRIVER_OK);
	return true;
}

static void found(const struct pci_device *pci)
{
	uint32_t bar;
	struct virtio_disk *disk;

	if (pci->vendor_id != VENDOR || pci->device_id != DEVICE_BLOCK)
		return;
	bar = pci_read(pci, PCI_BAR0);
	/* Bit 0: ports, not memory. */
	if ((bar & 1) == 0 || (bar & 0xfffc) == 0) {
		log_warn("disk: a virtio disk without the legacy interface");
		return;
	}
	/* Only the command; writing 0 to the status behind it changes nothing (6.2.3). */
	pci_write(pci, PCI_COMMAND,
		(pci_read(pci, PCI_COMMAND) & 0xffff) | PCI_COMMAND_IO | PCI_COMMAND_BUS_MASTER
			| PCI_COMMAND_NO_INTERRUPT);
	disk = heap_allocate(sizeof *disk);
	if (disk == NULL)
		return;
	mutex_init(&disk->lock, "virtio disk");
	disk->ports = (uint16_t)(bar & 0xfffc);
	format_string(disk->device.name, sizeof disk->device.name, "virtio%u", sDisks);
	disk->device.transfer = virtio_transfer;
	disk->device.flush = virtio_flush;
	if (!start_disk(disk)) {
		outb((uint16_t)(disk->ports + PORT_STATUS), STATUS_FAILED);
		log_warn("disk: %s could not be started", disk->device.name);
		heap_free(disk->request);
		heap_free(disk);
		return;
	}
	sDisks++;
	block_device_add(&disk->device);
}

void i386_virtio_init(void)
{
	pci_for_each(found);
}
