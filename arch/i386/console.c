/*
 * The screen for all processors: screen.c takes no lock, so this one does.
 */
#include "arch/i386/screen.h"
#include "kernel/arch.h"
#include "kernel/lock.h"

static struct spinlock sLock = SPINLOCK("screen", RANK_SCREEN);

void arch_screen_write(const char *bytes, size_t size)
{
	bool enabled = spin_lock_irq(&sLock);

	i386_screen_write(bytes, size);
	spin_unlock_irq(&sLock, enabled);
}
