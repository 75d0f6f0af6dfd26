/*
 * What takes several processors: how many there are, how soon one makes another
 * run something, and whether null calls get in each other's way when all of them
 * make some.
 */
#include "figures.h"
#include <postern/syscalls.h>
#include <postern/thread.h>

#define PROBES 24		  /* more threads than processors */
#define PROBE_TIME 150000 /* microseconds: each gets a turn somewhere */
#define WINDOW 5000000u	  /* cycles of a sample: a few ticks of the timer */
#define CALLS_AT_ONCE 64u /* between two looks at the time */
#define LINE 128u		  /* bytes; what processors fetch together */
#define LANES 4

/* Its initial APIC number (Intel SDM 2A, CPUID, leaf 1). */
unsigned processor(void)
{
	uint32_t eax = 1, ebx, ecx, edx;

	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
	return ebx >> 24 & 31;
}

static time_us_t sProbesEnd;

static int probe(void *context)
{
	uint32_t seen = 0;

	(void)context;
	do
		seen |= 1u << processor();
	while (_kern_system_time() < sProbesEnd);
	return (int)seen;
}

/*
 * No call tells how many processors run, so threads that have enough to do for
 * all of them note where they are. Without an APIC there is only one.
 */
unsigned processors_online(bool has_apic)
{
	tid_t threads[PROBES];
	uint32_t seen = 0;
	unsigned i;
	int value;

	if (!has_apic)
		return 1;
	sProbesEnd = _kern_system_time() + PROBE_TIME;
	for (i = 0; i < PROBES; i++)
		threads[i] = must(thread_start(probe, NULL, 0), "thread_start");
	for (i = 0; i < PROBES; i++) {
		must(thread_join(threads[i], &value), "thread_join");
		seen |= (uint32_t)value;
	}
	return (unsigned)__builtin_popcount(seen);
}

/* ---- A wake across processors ----------------------------------------------------- */

static struct {
	uint32_t bell; /* always 0, so that who waits for it sleeps */
	uint32_t answers;
	uint32_t stop;
} sDoor;

static int answer_bell(void *context)
{
	(void)context;
	while (!__atomic_load_n(&sDoor.stop, __ATOMIC_SEQ_CST)) {
		if (_kern_futex_wait((uint32_t)(uintptr_t)&sDoor.bell, 0, -1) == 0)
			__atomic_add_fetch(&sDoor.answers, 1, __ATOMIC_SEQ_CST);
	}
	return 0;
}

/* Returns when the wake that has found the thread asleep was called. */
static uint32_t ring(void)
{
	uint32_t start;

	do
		start = now();
	while (_kern_futex_wake((uint32_t)(uintptr_t)&sDoor.bell, 1) == 0);
	return start;
}

/* Who wakes does not sleep, so the other one runs on another processor. */
void measure_wake(uint32_t *samples, unsigned count)
{
	tid_t thread;
	unsigned i;

	sDoor.answers = sDoor.stop = 0;
	thread = must(thread_start(answer_bell, NULL, 0), "thread_start");
	for (i = 0; i < count; i++) {
		uint32_t start = ring();

		while (__atomic_load_n(&sDoor.answers, __ATOMIC_SEQ_CST) == i)
			;
		samples[i] = now() - start;
	}
	__atomic_store_n(&sDoor.stop, 1, __ATOMIC_SEQ_CST);
	ring();
	must(thread_join(thread, NULL), "thread_join");
}

/* ---- Null calls on all ------------------------------------------------------------- */

/* Each in cache lines of its own: only the kernel could share any. */
static struct lane {
	volatile uint32_t calls;
	volatile uint32_t stop;
} __attribute__((aligned(LINE))) sLanes[LANES];

static void make_calls(struct lane *lane)
{
	for (unsigned i = 0; i < CALLS_AT_ONCE; i++)
		_kern_is_computer_on();
	lane->calls += CALLS_AT_ONCE;
}

static int call_until_stopped(void *context)
{
	struct lane *lane = context;

	while (!lane->stop)
		make_calls(lane);
	return 0;
}

static uint32_t calls_of_all(unsigned lanes)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < lanes; i++)
		sum += sLanes[i].calls;
	return sum;
}

/* A sample is the cycles that passed for every 100 calls that all lanes made. */
static void measure_lanes(uint32_t *samples, unsigned count, unsigned lanes)
{
	tid_t threads[LANES];
	unsigned i;

	for (i = 0; i < lanes; i++) {
		sLanes[i].calls = 0;
		sLanes[i].stop = 0;
	}
	for (i = 1; i < lanes; i++)
		threads[i] =
			must(thread_start(call_until_stopped, &sLanes[i], 0), "thread_start");
	for (i = 1; i < lanes; i++) {
		while (sLanes[i].calls == 0)
			_kern_yield();
	}
	for (i = 0; i < count; i++) {
		uint32_t calls = calls_of_all(lanes), start = now(), elapsed;

		do {
			make_calls(&sLanes[0]);
			elapsed = now() - start;
		} while (elapsed < WINDOW);
		calls = calls_of_all(lanes) - calls;
		samples[i] = (uint32_t)((uint64_t)elapsed * 100 / calls);
	}
	for (i = 1; i < lanes; i++) {
		sLanes[i].stop = 1;
		must(thread_join(threads[i], NULL), "thread_join");
	}
}

void measure_null_one(uint32_t *samples, unsigned count)
{
	measure_lanes(samples, count, 1);
}

void measure_null_two(uint32_t *samples, unsigned count)
{
	measure_lanes(samples, count, 2);
}

void measure_null_four(uint32_t *samples, unsigned count)
{
	measure_lanes(samples, count, 4);
}
