/* The disk drivers of arch/i386/: what they share, and what brings them up. */
#pragma once

#include <postern/types.h>

/*
 * Waits for a disk without interrupts: how those of PCI are wired is told by
 * AML only, and a disk of an emulator answers within microseconds. For a while
 * by looking again and again, then by letting others run in between.
 */
struct disk_wait {
	uint32_t looks;
	time_us_t end;
};

void i386_disk_wait_start(struct disk_wait *wait, time_us_t limit);

/* Between two looks. False when the time is over. */
bool i386_disk_wait_more(struct disk_wait *wait);

/* Finds the disks and adds them; in the order of these, the first that has what is wanted
 * is taken. */
void i386_virtio_init(void);
void i386_ata_init(void);
