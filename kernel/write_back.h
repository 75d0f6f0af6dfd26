/*
 * Brings to the disks what programs have changed, though nobody calls: a thread of
 * the kernel's own that sleeps while there is nothing to write.
 */
#pragma once

/* Makes the thread. Once, when the disks are mounted. */
void write_back_init(void);

/*
 * Something is to be written, and will be within WRITE_BACK_SECONDS. From where a mutex
 * may be held, but no spinlock that comes behind RANK_FILES.
 */
void write_back_soon(void);

#define WRITE_BACK_SECONDS 5
