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

void arch_screen_write_terminal(const char *bytes, size_t size)
{
	bool enabled = spin_lock_irq(&sLock);

	i386_screen_write_terminal(bytes, size);
	spin_unlock_irq(&sLock, enabled);
}

size_t arch_screen_answer(char *bytes, size_t size)
{
	bool enabled = spin_lock_irq(&sLock);

	size = i386_screen_answer(bytes, size);
	spin_unlock_irq(&sLock, enabled);
	return size;
}
