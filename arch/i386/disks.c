/* The disks that there are, and how their drivers wait. See disks.h. */
#include "arch/i386/disks.h"
#include "kernel/arch.h"
#include "kernel/thread.h"

/* Looks before others get a turn: what a fast disk takes to answer. */
#define LOOKS_ALONE 200u

void i386_disk_wait_start(struct disk_wait *wait, time_us_t limit)
{
	wait->looks = 0;
	wait->end = arch_system_time() + limit;
}

bool i386_disk_wait_more(struct disk_wait *wait)
{
	__asm__ volatile("pause");
	if (++wait->looks < LOOKS_ALONE)
		return true;
	thread_yield();
	return arch_system_time() < wait->end;
}

void arch_find_disks(void)
{
	i386_virtio_init();
	i386_ata_init();
}
