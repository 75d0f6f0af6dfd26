/*
 * Spinlocks; see lock.h. Test and test-and-set: who waits only reads, so that
 * the holder's cache line stays with it.
 *
 * What debug builds check needs to know which locks a processor holds, in the
 * order in which it took them, and of each lock in which contexts it is taken.
 * The order check is by rank, the context check that of Linux's lock validator
 * (Documentation/locking/lockdep-design.rst), in its simplest form: a lock that
 * an interrupt handler has ever taken and that was ever taken with interrupts
 * on can meet itself on one processor, whether it did so this time or not.
 */
#include "kernel/lock.h"
#include "kernel/panic.h"
#include "kernel/symbols.h"

#define HELD_MAX 8u

#define CONTEXT_INTERRUPTS_ON 1u
#define CONTEXT_HANDLER 2u

/* Cycles: seconds on a fast machine. An emulator's processor that the host has
 * put aside for a while is no fault. */
#define HELD_TOO_LONG (1ull << 32)
#define WAITED_TOO_LONG (1ull << 36)

static bool sDisabled;

static bool disabled(void)
{
	return __builtin_expect(__atomic_load_n(&sDisabled, __ATOMIC_RELAXED), 0);
}

#if POSTERN_DEBUG
static struct {
	const struct spinlock *locks[HELD_MAX];
	unsigned count;
} sHeld[CPUS_MAX];

static void check_take(struct spinlock *lock)
{
	unsigned cpu = arch_cpu_index();
	unsigned count = sHeld[cpu].count;

	if (disabled())
		return;
	lock->contexts |= arch_interrupts_enabled() ? CONTEXT_INTERRUPTS_ON : 0;
	lock->contexts |= arch_in_interrupt() ? CONTEXT_HANDLER : 0;
	if (lock->contexts == (CONTEXT_INTERRUPTS_ON | CONTEXT_HANDLER))
		panic("lock %s is taken with interrupts on, and by an interrupt handler",
			lock->name);
	if (count > 0 && sHeld[cpu].locks[count - 1]->rank >= lock->rank)
		panic("lock %s is taken while %s is held, which comes behind it", lock->name,
			sHeld[cpu].locks[count - 1]->name);
	ASSERT(count < HELD_MAX);
}

static void note_taken(struct spinlock *lock)
{
	unsigned cpu = arch_cpu_index();

	if (disabled())
		return;
	lock->since = arch_cycles();
	sHeld[cpu].locks[sHeld[cpu].count++] = lock;
}

static void note_released(struct spinlock *lock)
{
	unsigned cpu = arch_cpu_index();
	unsigned i = sHeld[cpu].count;

	if (disabled())
		return;
	/* Output goes as fast as its reader lets it. */
	if (lock->rank < RANK_LOG && arch_cycles() - lock->since > HELD_TOO_LONG)
		panic("lock %s was held for %llu cycles", lock->name,
			(unsigned long long)(arch_cycles() - lock->since));
	while (i > 0 && sHeld[cpu].locks[i - 1] != lock)
		i--;
	if (i == 0)
		panic("lock %s is released by a processor that does not hold it", lock->name);
	for (sHeld[cpu].count--; i <= sHeld[cpu].count; i++)
		sHeld[cpu].locks[i - 1] = sHeld[cpu].locks[i];
}

void lock_check_none(const struct spinlock *but)
{
	unsigned cpu = arch_cpu_index();
	unsigned i;

	if (disabled())
		return;
	for (i = 0; i < sHeld[cpu].count; i++) {
		if (sHeld[cpu].locks[i] != but)
			panic("lock %s is held where none may be", sHeld[cpu].locks[i]->name);
	}
}
#else
static void check_take(struct spinlock *lock)
{
	(void)lock;
}

static void note_taken(struct spinlock *lock)
{
	(void)lock;
}

static void note_released(struct spinlock *lock)
{
	(void)lock;
}
#endif

static bool try(struct spinlock *lock)
{
	return __atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) == 0;
}

static void report_stuck(const struct spinlock *lock)
{
	uint32_t offset = 0;
	const char *name = symbols_find(lock->place, &offset);

	panic("lock %s: processor %u has it for too long, from %s+0x%x", lock->name,
		(unsigned)lock->cpu, name != NULL ? name : "?", (unsigned)offset);
}

static void wait_for(struct spinlock *lock)
{
	uint64_t start = arch_cycles();

	while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED) != 0) {
		arch_cpu_relax();
		if (disabled())
			return;
		if (arch_cycles() - start > WAITED_TOO_LONG)
			report_stuck(lock);
	}
}

static void record(struct spinlock *lock, uintptr_t place)
{
	lock->cpu = arch_cpu_index();
	lock->place = place;
	note_taken(lock);
}

static inline void take(struct spinlock *lock, uintptr_t place)
{
	check_take(lock);
	while (__builtin_expect(!try(lock), 0)) {
		if (disabled()) /* only now: who gets it need not ask */
			return;
		wait_for(lock);
	}
	record(lock, place);
}

void spin_lock(struct spinlock *lock)
{
	take(lock, (uintptr_t)__builtin_return_address(0));
}

void spin_unlock(struct spinlock *lock)
{
	note_released(lock);
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

bool spin_lock_irq(struct spinlock *lock)
{
	bool enabled = arch_interrupts_disable();

	take(lock, (uintptr_t)__builtin_return_address(0));
	return enabled;
}

void spin_unlock_irq(struct spinlock *lock, bool enabled)
{
	note_released(lock);
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
	arch_interrupts_restore(enabled);
}

bool spin_held(const struct spinlock *lock)
{
	return __atomic_load_n(&lock->held, __ATOMIC_RELAXED) != 0
		   && lock->cpu == arch_cpu_index();
}

void lock_disable_all(void)
{
	__atomic_store_n(&sDisabled, true, __ATOMIC_SEQ_CST);
}
