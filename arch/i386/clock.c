/*
 * The time since boot; see clock.h. Three sources, of which the first that
 * there is tells it:
 *
 *   tsc   the time-stamp counter, where CPUID says that it is invariant (or the
 *         option tsc=invariant does) and all processors agree on it
 *   acpi  the ACPI PM timer: one for all processors, 24 or 32 bits
 *   pit   the 8254's counter 2: the same, 16 bits
 *
 * The last two are extended to 64 bits: each tick notes how far the counter
 * has come, and a reader adds what it has moved since. So a tick may be late,
 * but not by a turn of the counter: 55 ms with the 8254. What readers need is
 * behind a sequence counter, for there are no 64-bit atomics on a 486; its one
 * writer is the boot processor with IF off.
 */
#include "arch/i386/clock.h"
#include "arch/i386/acpi.h"
#include "arch/i386/apic.h"
#include "arch/i386/cpu.h"
#include "arch/i386/io.h"
#include "arch/i386/pit.h"
#include "kernel/arch.h"
#include "kernel/lock.h"
#include "kernel/log.h"
#include "kernel/options.h"
#include "kernel/string.h"
#include <postern/commpage.h>

#define ACPI_FREQUENCY 3579545u /* Hz; ACPI 6.4, section 4.8.2.1 */
#define PIT_MASK 0xffffu
#define ACPI_MASK_24 0xffffffu

#define CALIBRATION_US 5000u
#define CALIBRATION_TRIES 5u
#define CALIBRATION_READS 200000u /* of the 8254, in case that it stands still */
#define SAMPLES 5
#define SHIFT_MAX 12 /* 1000000 << (32 + 12) has 64 bits */

/* From 1 MHz: below, a microsecond would not have a count of its own. */
#define TSC_FREQUENCY_LEAST 1000000u

enum source { SOURCE_NONE, SOURCE_PIT, SOURCE_ACPI, SOURCE_TSC };

static const char *const kSourceNames[] = {
	[SOURCE_NONE] = "none",
	[SOURCE_PIT] = "pit",
	[SOURCE_ACPI] = "acpi",
	[SOURCE_TSC] = "tsc",
};

/* What readers see, each change of which makes sSequence odd and then even. */
static struct {
	enum source source;
	struct commpage_time scale;
	uint64_t counts; /* of a source that is extended: up to the last tick, */
	uint32_t last;	 /* when it was this */
} sClock;

static volatile uint32_t sSequence;

static enum source sSecondChoice; /* what there is but the TSC */
static uint16_t sAcpiPort;
static uint32_t sAcpiMask;
static struct spinlock sPitLock = SPINLOCK("pit", RANK_CLOCK);

/* In the kernel's view of the commpage. */
static uint32_t *sCommpageTable;

/* After the table of 64 dwords comes code; this is at the page's end. */
#define COMMPAGE_TIME_OFFSET (PAGE_SIZE - sizeof(struct commpage_time))

#define COMPILER_BARRIER() __asm__ volatile("" : : : "memory")
#define PAUSE() __asm__ volatile("pause" : : : "memory")

/* ---- The counters --------------------------------------------------------- */

static uint32_t read_acpi(void)
{
	return inl(sAcpiPort) & sAcpiMask;
}

/* Three accesses, which nobody may come between. */
static uint32_t read_pit(void)
{
	bool enabled = spin_lock_irq(&sPitLock);
	uint32_t count;

	outb(PIT_CONTROL, PIT_CONTROL_LATCH(2));
	count = inb(PIT_COUNTER(2));
	count |= (uint32_t)inb(PIT_COUNTER(2)) << 8;
	spin_unlock_irq(&sPitLock, enabled);
	return -count & PIT_MASK; /* it counts down */
}

static void start_pit(void)
{
	outb(PIT_GATE_PORT, (inb(PIT_GATE_PORT) & PIT_GATE_KEEP) | PIT_GATE_COUNTER2);
	outb(PIT_CONTROL, PIT_CONTROL_RATE_GENERATOR(2));
	outb(PIT_COUNTER(2), 0); /* 65536 */
	outb(PIT_COUNTER(2), 0);
}

static uint32_t read_extended(enum source source)
{
	return source == SOURCE_ACPI ? read_acpi() : read_pit();
}

static uint32_t extended_mask(enum source source)
{
	return source == SOURCE_ACPI ? sAcpiMask : PIT_MASK;
}

/* How far the source has come; the caller has looked at sSequence. */
static uint64_t read_counts(void)
{
	if (sClock.source == SOURCE_TSC)
		return commpage_read_counter();
	return sClock.counts
		   + ((read_extended(sClock.source) - sClock.last)
			   & extended_mask(sClock.source));
}

/* ---- Reading -------------------------------------------------------------- */

time_us_t arch_system_time(void)
{
	uint32_t sequence;
	time_us_t time;

	do {
		while ((sequence = sSequence) & 1)
			PAUSE();
		COMPILER_BARRIER(); /* the CPU keeps loads in order (SDM 3A, 8.2.2) */
		if (sClock.source == SOURCE_NONE)
			return 0;
		time = commpage_time_at(&sClock.scale, read_counts());
		COMPILER_BARRIER();
	} while (sSequence != sequence);
	return time;
}

/* By the counters themselves, for without ticks the time may not go on. */
void i386_delay(unsigned microseconds)
{
	enum source source = sSecondChoice;
	uint64_t frequency = source == SOURCE_ACPI ? ACPI_FREQUENCY : PIT_FREQUENCY;
	uint64_t counts = frequency * microseconds / 1000000 + 1;
	uint64_t passed = 0;
	uint32_t last = read_extended(source);

	while (passed <= counts) {
		uint32_t now = read_extended(source);

		passed += (now - last) & extended_mask(source);
		last = now;
		PAUSE();
	}
}

/* ---- Writing: the boot processor, IF off ------------------------------------ */

static void begin_change(void)
{
	sSequence++;
	COMPILER_BARRIER();
}

static void end_change(void)
{
	COMPILER_BARRIER();
	sSequence++;
}

void i386_clock_tick(void)
{
	uint32_t now;

	if (sClock.source == SOURCE_TSC)
		return;
	begin_change();
	now = read_extended(sClock.source);
	sClock.counts += (now - sClock.last) & extended_mask(sClock.source);
	sClock.last = now;
	end_change();
}

/* What one count is worth, as exactly as 32 bits can say it. */
static void set_scale(struct commpage_time *scale, uint64_t frequency)
{
	uint64_t multiplier = (1000000ull << 32) / frequency;

	scale->shift = 0;
	while (scale->shift < SHIFT_MAX && multiplier <= UINT32_MAX) {
		uint64_t next = (1000000ull << (33 + scale->shift)) / frequency;

		if (next > UINT32_MAX)
			break;
		multiplier = next;
		scale->shift++;
	}
	scale->multiplier = (uint32_t)multiplier;
}

/* From now on, which is `time`, `source` tells it. */
static void use_source(enum source source, uint64_t frequency, time_us_t time)
{
	bool enabled = arch_interrupts_disable();

	begin_change();
	sClock.source = source;
	sClock.counts = 0;
	sClock.last = source == SOURCE_TSC ? 0 : read_extended(source);
	sClock.scale.time = time;
	sClock.scale.counter = source == SOURCE_TSC ? commpage_read_counter() : 0;
	set_scale(&sClock.scale, frequency);
	end_change();
	arch_interrupts_restore(enabled);
}

static void use_second_choice(time_us_t time)
{
	use_source(sSecondChoice,
		sSecondChoice == SOURCE_ACPI ? ACPI_FREQUENCY : PIT_FREQUENCY, time);
}

/* ---- Calibration, at boot --------------------------------------------------- */

struct sample {
	uint64_t tsc; /* where there is one */
	uint32_t apic;
	uint32_t reference;
};

/*
 * All counters at one moment, as nearly as can be: of some tries the one in
 * which least time went by between the first reading and the last.
 */
static struct sample take_sample(enum source reference)
{
	struct sample best = {0};
	uint64_t best_took = UINT64_MAX;
	unsigned i;

	for (i = 0; i < SAMPLES; i++) {
		struct sample sample = {0};
		uint64_t took;

		sample.tsc = arch_cycles();
		sample.reference = read_extended(reference);
		if (i386_apic_present())
			sample.apic = i386_apic_timer_count();
		took = arch_cycles() - sample.tsc;
		if (took < best_took) {
			best_took = took;
			best = sample;
		}
	}
	return best;
}

static bool has_tsc(enum tsc_choice choice)
{
	/* Without LFENCE, which came with SSE2, it may be read too early. */
	return choice != TSC_OFF && i386_cpu_has(CPUID_TSC) && i386_cpu_has(CPUID_SSE2)
		   && (choice == TSC_INVARIANT || i386_cpu_has_invariant_tsc());
}

/* Whether the ACPI timer has counted what it should have while `pit` counts went by. */
static bool acpi_is_good(uint32_t acpi, uint32_t pit)
{
	uint64_t expected = (uint64_t)pit * ACPI_FREQUENCY / PIT_FREQUENCY;

	return acpi > expected / 2 && acpi < expected * 2;
}

/* From one sample to another. */
struct period {
	struct sample begin, end;
	uint32_t elapsed; /* counts of the reference */
};

/* Some milliseconds by the one timer and, where there is one, by the other within. */
static void measure(struct period *pit, struct period *acpi)
{
	unsigned reads;

	pit->begin = take_sample(SOURCE_PIT);
	if (sAcpiPort != 0)
		acpi->begin = take_sample(SOURCE_ACPI);
	for (reads = 0; reads < CALIBRATION_READS; reads++) {
		if (((read_pit() - pit->begin.reference) & PIT_MASK)
			>= PIT_FREQUENCY / 1000 * CALIBRATION_US / 1000)
			break;
	}
	if (sAcpiPort != 0)
		acpi->end = take_sample(SOURCE_ACPI);
	pit->end = take_sample(SOURCE_PIT);
	pit->elapsed = (pit->end.reference - pit->begin.reference) & PIT_MASK;
	acpi->elapsed = (acpi->end.reference - acpi->begin.reference) & sAcpiMask;
}

void i386_clock_init(enum tsc_choice choice)
{
	struct period pit, acpi = {0};
	const struct period *period = &pit;
	uint64_t frequency = PIT_FREQUENCY, tsc_frequency = 0;
	uint32_t elapsed;
	unsigned tries;

	sAcpiPort = i386_acpi_machine()->timer_port;
	sAcpiMask = i386_acpi_machine()->timer_has_32_bits ? UINT32_MAX : ACPI_MASK_24;
	start_pit();
	if (i386_apic_present())
		i386_apic_timer_begin_count();

	sSecondChoice = SOURCE_PIT;
	/* A virtual machine may stand still for longer than the PIT can count. Then the two
	 * disagree, too. */
	for (tries = 0; tries < CALIBRATION_TRIES; tries++) {
		measure(&pit, &acpi);
		if (sAcpiPort == 0)
			break;
		if (acpi_is_good(acpi.elapsed, pit.elapsed)) {
			sSecondChoice = SOURCE_ACPI;
			frequency = ACPI_FREQUENCY;
			period = &acpi;
			break;
		}
	}
	elapsed = period->elapsed != 0 ? period->elapsed : 1;
	if (i386_apic_present())
		i386_apic_timer_set_frequency(
			(uint32_t)((uint64_t)(period->begin.apic - period->end.apic) * frequency
					   / elapsed));
	if (has_tsc(choice))
		tsc_frequency = (period->end.tsc - period->begin.tsc) * frequency / elapsed;
	if (tsc_frequency >= TSC_FREQUENCY_LEAST) {
		frequency = tsc_frequency;
		use_source(SOURCE_TSC, frequency, 0);
	} else {
		use_second_choice(0);
	}
	log_info("clock: %s, %u.%06u MHz", kSourceNames[sClock.source],
		(unsigned)(frequency / 1000000), (unsigned)(frequency % 1000000));
}

/* ---- The commpage --------------------------------------------------------------- */

void i386_clock_fill_commpage(void *page)
{
	uint8_t *bytes = page;

	sCommpageTable = page;
	sCommpageTable[COMMPAGE_TIME] = 0;
	if (sClock.source == SOURCE_TSC) {
		memcpy(bytes + COMMPAGE_TIME_OFFSET, &sClock.scale, sizeof sClock.scale);
		sCommpageTable[COMMPAGE_TIME] = COMMPAGE_BASE + COMMPAGE_TIME_OFFSET;
	}
}

/* ---- Whether all processors agree on the TSC ------------------------------------- */

/*
 * The two take turns: in each the boot processor reads its counter, then asks;
 * the other answers with its own; then the boot processor reads its own again.
 * What was read later must not be less. That is all that programs could ever
 * see, too, for they, too, learn of each other's time through memory.
 */
#define CHECK_TURNS 16u
#define CHECK_TIMEOUT_US 1000000

static volatile uint32_t sAsked, sAnswered; /* turns, since boot */
static volatile uint64_t sAnswer;			/* written before sAnswered is */

static void give_up_tsc(const char *why)
{
	time_us_t time = arch_system_time();

	use_second_choice(time);
	if (sCommpageTable != NULL)
		sCommpageTable[COMMPAGE_TIME] = 0;
	log_warn("clock: tsc given up, %s; now %s", why, kSourceNames[sClock.source]);
}

void i386_clock_check_other_cpu(void)
{
	unsigned turn;

	if (sClock.source != SOURCE_TSC)
		return;
	for (turn = 0; turn < CHECK_TURNS; turn++) {
		time_us_t end = arch_system_time() + CHECK_TIMEOUT_US;
		uint64_t before = commpage_read_counter();

		sAsked++;
		while (sAnswered != sAsked) {
			if (arch_system_time() > end) {
				give_up_tsc("a processor does not answer");
				return;
			}
			PAUSE();
		}
		COMPILER_BARRIER();
		if (sAnswer < before || commpage_read_counter() < sAnswer) {
			give_up_tsc("a processor's differs");
			return;
		}
	}
}

void i386_clock_check_this_cpu(void)
{
	unsigned turn;

	for (turn = 0; turn < CHECK_TURNS; turn++) {
		while (sAnswered == sAsked) {
			if (sClock.source != SOURCE_TSC)
				return;
			PAUSE();
		}
		COMPILER_BARRIER();
		sAnswer = commpage_read_counter();
		COMPILER_BARRIER();
		sAnswered++;
	}
}
