/*
 * ATA disks on the two channels that a PC has always had (ATA/ATAPI-6, T13/1410D;
 * the section numbers below are its own): by DMA where the channels belong to a
 * PCI controller that can (Programming Interface for Bus Master IDE Controller,
 * revision 1.0), else, or after that has failed, by programmed I/O.
 *
 * kernel/block.c calls the operations, disks.c the search at boot. One mutex a
 * channel: its two drives share the registers. No interrupts. Where a drive
 * does not answer within its time, the command fails with -EIO and the channel
 * is reset before the next one; where no drive is, nothing is waited for.
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
#include <postern/errno.h>

/* Registers, from the channel's first port on. */
enum {
	REGISTER_DATA = 0,
	REGISTER_COUNT = 2,
	REGISTER_LBA_LOW = 3,
	REGISTER_LBA_MIDDLE = 4,
	REGISTER_LBA_HIGH = 5,
	REGISTER_DEVICE = 6,
	REGISTER_STATUS = 7, /* when read, */
	REGISTER_COMMAND = 7 /* and written */
};

#define STATUS_ERROR 0x01u
#define STATUS_DATA_REQUEST 0x08u
#define STATUS_FAULT 0x20u
#define STATUS_BUSY 0x80u
#define STATUS_FLOATING 0xffu

#define CONTROL_NO_INTERRUPT 0x02u
#define CONTROL_RESET 0x04u

#define DEVICE_LBA 0x40u
#define DEVICE_ALWAYS 0xa0u /* bits that old drives want set */

#define COMMAND_READ 0x20u
#define COMMAND_READ_EXT 0x24u
#define COMMAND_WRITE 0x30u
#define COMMAND_WRITE_EXT 0x34u
#define COMMAND_READ_DMA 0xc8u
#define COMMAND_READ_DMA_EXT 0x25u
#define COMMAND_WRITE_DMA 0xcau
#define COMMAND_WRITE_DMA_EXT 0x35u
#define COMMAND_FLUSH 0xe7u
#define COMMAND_FLUSH_EXT 0xeau
#define COMMAND_IDENTIFY 0xecu

#define LBA28_END (1ull << 28)
#define SECTOR_WORDS (SECTOR_SIZE / 2)

#define COMMAND_TIME ((time_us_t)10000000)
#define IDENTIFY_TIME ((time_us_t)1000000)
#define FLUSH_TIME ((time_us_t)60000000)

/* The controller's registers for a channel, from its ports in BAR 4 on. */
enum { MASTER_COMMAND = 0, MASTER_STATUS = 2, MASTER_TABLE = 4 };
#define MASTER_PORTS 8u /* of a channel */
#define MASTER_START 0x01u
#define MASTER_TO_MEMORY 0x08u
#define MASTER_ACTIVE 0x01u
#define MASTER_ERROR 0x02u
#define MASTER_INTERRUPT 0x04u

#define CLASS_IDE 0x0101u
#define INTERFACE_MASTER 0x80u
#define INTERFACE_NATIVE 0x05u /* either channel is elsewhere than it always was */
#define PCI_BAR4 0x20u

/* A piece of memory; none crosses a multiple of 64 KiB. */
struct dma_piece {
	uint32_t address;
	uint16_t size; /* 0: 64 KiB */
	uint16_t flags;
};
#define DMA_PIECE_LAST 0x8000u
#define DMA_PIECES_MAX (PAGE_SIZE / sizeof(struct dma_piece))
#define DMA_BOUNDARY 65536u

struct ata_channel {
	uint16_t ports;
	uint16_t control;
	uint16_t master;		  /* ports of its DMA, or 0 */
	struct dma_piece *pieces; /* a page */
	struct mutex lock;
	bool is_stuck; /* to be reset */
};

struct ata_disk {
	struct block_device device;
	struct ata_channel *channel;
	unsigned drive; /* 0 or 1 */
	bool has_lba48;
	bool has_dma;
};

static struct ata_channel sChannels[] = {
	{.ports = 0x1f0, .control = 0x3f6},
	{.ports = 0x170, .control = 0x376},
};

static uint8_t read_status(const struct ata_channel *channel)
{
	return inb((uint16_t)(channel->ports + REGISTER_STATUS));
}

static void write_register(
	const struct ata_channel *channel, unsigned number, uint8_t value)
{
	outb((uint16_t)(channel->ports + number), value);
}

/* 400 ns until a drive's status is right (9.2): four reads of another register. */
static void wait_a_little(const struct ata_channel *channel)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		inb(channel->control);
}

/* Until the drive is idle, or has what `wanted` says. -EIO: error, or no answer. */
static int wait_status(struct ata_channel *channel, uint8_t wanted, time_us_t limit)
{
	struct disk_wait wait;

	i386_disk_wait_start(&wait, limit);
	do {
		uint8_t status = read_status(channel);

		if (status == STATUS_FLOATING)
			break;
		if ((status & STATUS_BUSY) != 0)
			continue;
		if ((status & (STATUS_ERROR | STATUS_FAULT)) != 0)
			return -EIO;
		if ((status & wanted) == wanted)
			return 0;
	} while (i386_disk_wait_more(&wait));
	channel->is_stuck = true;
	return -EIO;
}

static void reset_channel(struct ata_channel *channel)
{
	struct disk_wait wait;

	outb(channel->control, CONTROL_NO_INTERRUPT | CONTROL_RESET);
	wait_a_little(channel);
	i386_disk_wait_start(&wait, 10);
	while (i386_disk_wait_more(&wait))
		;
	outb(channel->control, CONTROL_NO_INTERRUPT);
	wait_a_little(channel);
	channel->is_stuck = false;
}

static int select_drive(struct ata_channel *channel, unsigned drive, uint8_t more)
{
	int error;

	if (channel->is_stuck)
		reset_channel(channel);
	error = wait_status(channel, 0, COMMAND_TIME);
	/* An error of the last command is no reason not to begin another. */
	if (channel->is_stuck)
		return error;
	write_register(
		channel, REGISTER_DEVICE, (uint8_t)(DEVICE_ALWAYS | more | drive << 4));
	wait_a_little(channel);
	return 0;
}

static void move_sector(struct ata_channel *channel, bool write, void *data)
{
	uint32_t words = SECTOR_WORDS;

	if (write)
		__asm__ volatile("rep outsw"
						 : "+S"(data), "+c"(words)
						 : "d"(channel->ports + REGISTER_DATA)
						 : "memory");
	else
		__asm__ volatile("rep insw"
						 : "+D"(data), "+c"(words)
						 : "d"(channel->ports + REGISTER_DATA)
						 : "memory");
}

/* By [write][is_long], without and with DMA. */
static const uint8_t kCommands[2][2] = {
	{COMMAND_READ, COMMAND_READ_EXT}, {COMMAND_WRITE, COMMAND_WRITE_EXT}};
static const uint8_t kDmaCommands[2][2] = {
	{COMMAND_READ_DMA, COMMAND_READ_DMA_EXT}, {COMMAND_WRITE_DMA, COMMAND_WRITE_DMA_EXT}};

/* Up to 256 sectors; the registers of 28 bits, or those of 48 (6.20, 8.27, 8.62). */
static int start_transfer(
	struct ata_disk *disk, const uint8_t commands[2], uint64_t sector, uint32_t count)
{
	struct ata_channel *channel = disk->channel;
	bool is_long = disk->has_lba48 && sector + count > LBA28_END;
	uint8_t high = is_long ? 0 : (uint8_t)(sector >> 24 & 0xf);
	int error = select_drive(channel, disk->drive, (uint8_t)(DEVICE_LBA | high));

	if (error != 0)
		return error;
	if (is_long) {
		write_register(channel, REGISTER_COUNT, (uint8_t)(count >> 8));
		write_register(channel, REGISTER_LBA_LOW, (uint8_t)(sector >> 24));
		write_register(channel, REGISTER_LBA_MIDDLE, (uint8_t)(sector >> 32));
		write_register(channel, REGISTER_LBA_HIGH, (uint8_t)(sector >> 40));
	}
	/* 256 is 0 in the short form. */
	write_register(channel, REGISTER_COUNT, (uint8_t)count);
	write_register(channel, REGISTER_LBA_LOW, (uint8_t)sector);
	write_register(channel, REGISTER_LBA_MIDDLE, (uint8_t)(sector >> 8));
	write_register(channel, REGISTER_LBA_HIGH, (uint8_t)(sector >> 16));
	write_register(channel, REGISTER_COMMAND, commands[is_long]);
	return 0;
}

/* Describes the segments to the controller. False: it cannot take them. */
static bool fill_pieces(
	struct ata_channel *channel, const struct block_segment *segments, unsigned count)
{
	unsigned used = 0;
	unsigned i;

	for (i = 0; i < count; i++) {
		uint32_t address = arch_virtual_to_physical(segments[i].data);
		uint32_t left = segments[i].size;

		while (left > 0) {
			uint32_t part = DMA_BOUNDARY - address % DMA_BOUNDARY;

			if (part > left)
				part = left;
			if (used == DMA_PIECES_MAX || address % sizeof(uint32_t) != 0)
				return false;
			channel->pieces[used++] =
				(struct dma_piece){.address = address, .size = (uint16_t)part};
			address += part;
			left -= part;
		}
	}
	channel->pieces[used - 1].flags = DMA_PIECE_LAST;
	return true;
}

/* Section 3.1 of the bus masters' specification. */
static int dma_transfer(
	struct ata_disk *disk, bool write, uint64_t sector, uint32_t sectors)
{
	struct ata_channel *channel = disk->channel;
	uint16_t master = channel->master;
	uint8_t direction = write ? 0 : MASTER_TO_MEMORY;
	struct disk_wait wait;
	uint8_t status;
	int error;

	outb((uint16_t)(master + MASTER_COMMAND), direction);
	outl((uint16_t)(master + MASTER_TABLE), arch_virtual_to_physical(channel->pieces));
	outb((uint16_t)(master + MASTER_STATUS), MASTER_ERROR | MASTER_INTERRUPT);
	error = start_transfer(disk, kDmaCommands[write], sector, sectors);
	if (error != 0)
		return error;
	outb((uint16_t)(master + MASTER_COMMAND), (uint8_t)(direction | MASTER_START));
	i386_disk_wait_start(&wait, COMMAND_TIME);
	do
		status = inb((uint16_t)(master + MASTER_STATUS));
	while ((status & MASTER_ACTIVE) != 0 && (status & MASTER_ERROR) == 0
		   && i386_disk_wait_more(&wait));
	outb((uint16_t)(master + MASTER_COMMAND), direction);
	if ((status & (MASTER_ACTIVE | MASTER_ERROR)) != 0) {
		channel->is_stuck = true;
		return -EIO;
	}
	return wait_status(channel, 0, COMMAND_TIME);
}

static int transfer_locked(struct ata_disk *disk, bool write, uint64_t sector,
	const struct block_segment *segments, unsigned count)
{
	struct ata_channel *channel = disk->channel;
	uint32_t sectors = 0;
	unsigned i;
	int error;

	for (i = 0; i < count; i++)
		sectors += segments[i].size / SECTOR_SIZE;
	if (disk->has_dma && fill_pieces(channel, segments, count)) {
		error = dma_transfer(disk, write, sector, sectors);
		if (error == 0)
			return 0;
		/* A bad sector will fail again; a controller that cannot will not. */
		disk->has_dma = false;
		log_warn("disk: %s: no more DMA", disk->device.name);
	}
	error = start_transfer(disk, kCommands[write], sector, sectors);
	wait_a_little(channel);
	for (i = 0; i < count && error == 0; i++) {
		uint8_t *data = segments[i].data;
		uint32_t left;

		for (left = segments[i].size; left > 0 && error == 0; left -= SECTOR_SIZE) {
			error = wait_status(channel, STATUS_DATA_REQUEST, COMMAND_TIME);
			if (error != 0)
				break;
			move_sector(channel, write, data);
			data += SECTOR_SIZE;
			/* One more cycle until the status is right (9.5, 9.6). */
			inb(channel->control);
		}
	}
	return error != 0 ? error : wait_status(channel, 0, COMMAND_TIME);
}

static int ata_transfer(struct block_device *device, bool write, uint64_t sector,
	const struct block_segment *segments, unsigned count)
{
	struct ata_disk *disk = (struct ata_disk *)device;
	int error;

	mutex_lock(&disk->channel->lock);
	error = transfer_locked(disk, write, sector, segments, count);
	mutex_unlock(&disk->channel->lock);
	if (error != 0)
		log_warn("disk: %s: %s of sector %llu failed", device->name,
			write ? "writing" : "reading", (unsigned long long)sector);
	return error;
}

static int ata_flush(struct block_device *device)
{
	struct ata_disk *disk = (struct ata_disk *)device;
	struct ata_channel *channel = disk->channel;
	int error;

	mutex_lock(&channel->lock);
	error = select_drive(channel, disk->drive, 0);
	if (error == 0) {
		write_register(channel, REGISTER_COMMAND,
			disk->has_lba48 ? COMMAND_FLUSH_EXT : COMMAND_FLUSH);
		wait_a_little(channel);
		error = wait_status(channel, 0, FLUSH_TIME);
	}
	mutex_unlock(&channel->lock);
	return error;
}

/* ---- Which drives there are ------------------------------------------------------- */

/* What IDENTIFY DEVICE (8.15) says, or false where there is no disk. */
static bool identify(struct ata_channel *channel, unsigned drive, uint16_t *words)
{
	struct disk_wait wait;
	uint8_t status;

	write_register(channel, REGISTER_DEVICE, (uint8_t)(DEVICE_ALWAYS | drive << 4));
	wait_a_little(channel);
	/* Without a drive the bus floats, or another one answers with 0. */
	status = read_status(channel);
	if (status == STATUS_FLOATING || status == 0)
		return false;
	write_register(channel, REGISTER_COUNT, 0);
	write_register(channel, REGISTER_LBA_LOW, 0);
	write_register(channel, REGISTER_LBA_MIDDLE, 0);
	write_register(channel, REGISTER_LBA_HIGH, 0);
	write_register(channel, REGISTER_COMMAND, COMMAND_IDENTIFY);
	wait_a_little(channel);
	i386_disk_wait_start(&wait, IDENTIFY_TIME);
	for (;;) {
		status = read_status(channel);
		if (status == 0 || status == STATUS_FLOATING)
			return false;
		if ((status & STATUS_BUSY) == 0
			&& (status & (STATUS_DATA_REQUEST | STATUS_ERROR | STATUS_FAULT)) != 0)
			break;
		if (!i386_disk_wait_more(&wait))
			return false;
	}
	/* CD drives answer with an error, and who they are in these two (9.12). */
	if ((status & STATUS_DATA_REQUEST) == 0
		|| inb((uint16_t)(channel->ports + REGISTER_LBA_MIDDLE)) != 0
		|| inb((uint16_t)(channel->ports + REGISTER_LBA_HIGH)) != 0)
		return false;
	move_sector(channel, false, words);
	return true;
}

static void add_drive(unsigned number, struct ata_channel *channel, const uint16_t *words)
{
	struct ata_disk *disk = heap_allocate(sizeof *disk);

	if (disk == NULL)
		return;
	disk->channel = channel;
	disk->drive = number % 2;
	/* Words 49, 60, 83 and 100 (8.15.7). */
	disk->has_lba48 = (words[83] & 0xc400) == 0x4400;
	disk->device.sectors = words[60] | (uint32_t)words[61] << 16;
	if (disk->has_lba48)
		disk->device.sectors = words[100] | (uint64_t)words[101] << 16
							   | (uint64_t)words[102] << 32 | (uint64_t)words[103] << 48;
	if ((words[49] & 0x200) == 0 || disk->device.sectors == 0
		|| disk->device.sectors > 1ull << 48) {
		heap_free(disk);
		return;
	}
	disk->has_dma = (words[49] & 0x100) != 0 && channel->master != 0;
	format_string(disk->device.name, sizeof disk->device.name, "ata%u", number);
	disk->device.transfer = ata_transfer;
	disk->device.flush = ata_flush;
	block_device_add(&disk->device);
}

/* The controller of both channels, where they are where they always were. */
static void found_controller(const struct pci_device *pci)
{
	uint32_t bar;
	unsigned i;

	if (pci->class >> 8 != CLASS_IDE || (pci->class & INTERFACE_MASTER) == 0
		|| (pci->class & INTERFACE_NATIVE) != 0 || sChannels[0].master != 0)
		return;
	bar = pci_read(pci, PCI_BAR4);
	/* Bit 0: ports, not memory. */
	if ((bar & 1) == 0 || (bar & 0xfffc) == 0)
		return;
	pci_write(pci, PCI_COMMAND,
		(pci_read(pci, PCI_COMMAND) & 0xffff) | PCI_COMMAND_IO | PCI_COMMAND_BUS_MASTER);
	for (i = 0; i < sizeof sChannels / sizeof *sChannels; i++) {
		sChannels[i].pieces = heap_allocate(PAGE_SIZE);
		if (sChannels[i].pieces != NULL)
			sChannels[i].master = (uint16_t)((bar & 0xfffc) + i * MASTER_PORTS);
	}
}

void i386_ata_init(void)
{
	uint16_t *words = heap_allocate(SECTOR_SIZE);
	unsigned i;
	unsigned drive;

	if (words == NULL)
		return;
	pci_for_each(found_controller);
	for (i = 0; i < sizeof sChannels / sizeof *sChannels; i++) {
		struct ata_channel *channel = &sChannels[i];

		mutex_init(&channel->lock, "ata");
		if (read_status(channel) == STATUS_FLOATING)
			continue;
		outb(channel->control, CONTROL_NO_INTERRUPT);
		for (drive = 0; drive < 2; drive++) {
			if (identify(channel, drive, words))
				add_drive(i * 2 + drive, channel, words);
		}
	}
	heap_free(words);
}
