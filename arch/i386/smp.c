/*
 * The processors besides the first: their start, and the interrupts by which
 * processors make each other do something. See smp.h.
 *
 * They are started one after the other, by the first one, before there is any
 * program (Intel SDM volume 3A, 9.4.4). Each gets its own descriptors, TSS, local
 * APIC, and kernel stacks; page tables, the IDT and the commpage are shared.
 */
#include "arch/i386/smp.h"
#include "arch/i386/acpi.h"
#include "arch/i386/apic.h"
#include "arch/i386/boot_info.h"
#include "arch/i386/clock.h"
#include "arch/i386/cpu.h"
#include "arch/i386/devices.h"
#include "arch/i386/page_table.h"
#include "arch/i386/paging.h"
#include "kernel/arch.h"
#include "kernel/lock.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "kernel/string.h"
#include "kernel/thread.h"

#define TICKS_PER_SECOND 1000u
#define START_PATIENCE_MS 500u
#define STOP_PATIENCE_US 100000u

/* trampoline.asm */
extern const uint8_t gTrampoline[], gTrampolineEnd[];
extern const uint32_t kTrampolineBaseOffset;
struct i386_start_parameters gStartParameters;
extern struct i386_start_parameters gStartParameters;

void i386_start_cpu(void);

static uint32_t sStartPage; /* physical; 0: none was found */
static unsigned sCount = 1;
static uint8_t sApicIds[CPUS_MAX];
static uint32_t sStarted; /* the number of the last one to have started */
static uintptr_t sNmiStack, sDoubleFaultStack; /* of the one that is starting */

unsigned arch_cpu_count(void)
{
	return __atomic_load_n(&sCount, __ATOMIC_RELAXED);
}

/* ---- Starting --------------------------------------------------------------- */

/* The start is at a page below 640 KiB, where the first one, with the real mode's
 * interrupt table and the BIOS's data, is left alone. */
#define LOW_START 0x1000u
#define LOW_END 0xa0000u

void i386_smp_init(const struct boot_info *boot)
{
	uint32_t i;

	for (i = 0; i < boot->region_count && sStartPage == 0; i++) {
		uint64_t page =
			(boot->regions[i].start + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);

		if (page < LOW_START)
			page = LOW_START;
		if (page + PAGE_BYTES <= boot->regions[i].end && page + PAGE_BYTES <= LOW_END)
			sStartPage = (uint32_t)page;
	}
	if (i386_apic_present())
		sApicIds[0] = i386_apic_id();
}

/*
 * The new processor's first C, from trampoline.asm, on its idle thread's stack. It
 * takes no lock before it has started: until then it may be stopped anywhere.
 */
void i386_start_cpu(void)
{
	i386_descriptors_init(sNmiStack, sDoubleFaultStack);
	i386_idt_load();
	i386_cpu_init_fpu();
	i386_syscall_init_cpu();
	i386_apic_init_cpu();
	__atomic_store_n(&sStarted, arch_cpu_index(), __ATOMIC_RELEASE);
	i386_clock_check_this_cpu();
	/* Not before the first one goes on: until then only it runs. */
	while (arch_cpu_count() <= arch_cpu_index())
		arch_cpu_relax();
	i386_apic_timer_start(TICKS_PER_SECOND);
	thread_run_cpu();
}

static bool has_started(unsigned cpu)
{
	unsigned i;

	for (i = 0; i < START_PATIENCE_MS * 10; i++) {
		if (__atomic_load_n(&sStarted, __ATOMIC_ACQUIRE) == cpu)
			return true;
		i386_delay(100);
	}
	return false;
}

static bool start(unsigned cpu, uint8_t apic_id)
{
	uintptr_t stack_top = i386_make_kernel_stack();

	sNmiStack = i386_make_kernel_stack();
	sDoubleFaultStack = i386_make_kernel_stack();
	if (stack_top == 0 || sNmiStack == 0 || sDoubleFaultStack == 0)
		return false;
	((struct arch_stack_block *)stack_top)->cpu = cpu;
	gStartParameters.stack_top = (uint32_t)stack_top;
	sApicIds[cpu] = apic_id;
	i386_apic_send_init(apic_id);
	i386_delay(10000);
	i386_apic_send_startup(apic_id, (uint8_t)(sStartPage / PAGE_BYTES));
	/* Once more where the first has not been heard; who runs ignores it. */
	i386_delay(200);
	if (__atomic_load_n(&sStarted, __ATOMIC_ACQUIRE) != cpu)
		i386_apic_send_startup(apic_id, (uint8_t)(sStartPage / PAGE_BYTES));
	if (!has_started(cpu)) {
		/* Nor may it later, when it would find its way in gone, or a number that
		 * is another one's. */
		i386_apic_send_init(apic_id);
		return false;
	}
	i386_clock_check_other_cpu();
	__atomic_store_n(&sCount, cpu + 1, __ATOMIC_RELEASE);
	return true;
}

static void place_trampoline(void)
{
	uint8_t *page = (uint8_t *)(uintptr_t)(KERNEL_BASE + sStartPage);
	uint32_t base;

	memcpy(page, gTrampoline, (size_t)(gTrampolineEnd - gTrampoline));
	/* Its descriptor table's address, which depends on where it is. */
	memcpy(&base, page + kTrampolineBaseOffset, sizeof base);
	base += sStartPage;
	memcpy(page + kTrampolineBaseOffset, &base, sizeof base);
	gStartParameters.root = i386_kernel_root();
	gStartParameters.cr0 = i386_read_cr0();
	gStartParameters.cr4 = i386_read_cr4();
	gStartParameters.no_execute = gPaging->no_execute != 0;
}

void arch_start_cpus(unsigned limit)
{
	const struct i386_acpi_machine *machine = i386_acpi_machine();
	unsigned found = i386_apic_present() ? machine->processor_count : 1;
	unsigned i;

	if (found > 1 && limit > 1 && sStartPage == 0)
		log_warn("cpus: no memory below 640 KiB to start others in");
	if (found > 1 && limit > 1 && sStartPage != 0) {
		i386_map_identity(true);
		place_trampoline();
		for (i = 0; i < machine->processor_count && sCount < limit; i++) {
			if (machine->apic_ids[i] == sApicIds[0])
				continue;
			if (!start(sCount, machine->apic_ids[i])) {
				log_warn("cpus: the one with APIC id %u has not started",
					machine->apic_ids[i]);
				break; /* two that share a number would be worse than fewer */
			}
		}
		i386_map_identity(false);
		i386_flush_all_cpus();
	}
	log_info("cpus: %u of %u", sCount, found);
}

/* ---- Calls ------------------------------------------------------------------- */

static struct {
	void (*function)(void *argument);
	void *argument;
	uint32_t waited_for; /* bit n: processor n has not done it yet */
} sCall;

/* Whose call it is; the others wait, with interrupts on. */
static struct spinlock sCallLock = SPINLOCK("call", RANK_CALL);

void i386_call_cpus(uint32_t set, void (*function)(void *argument), void *argument)
{
	unsigned cpu;

	ASSERT(arch_interrupts_enabled());
	lock_check_none(NULL);
	spin_lock(&sCallLock);
	sCall.function = function;
	sCall.argument = argument;
	__atomic_store_n(&sCall.waited_for, set, __ATOMIC_RELEASE);
	for (cpu = 0; cpu < arch_cpu_count(); cpu++) {
		if (set >> cpu & 1)
			i386_apic_send(sApicIds[cpu], VECTOR_CALL);
	}
	while (__atomic_load_n(&sCall.waited_for, __ATOMIC_ACQUIRE) != 0)
		arch_cpu_relax();
	spin_unlock(&sCallLock);
}

void i386_call_interrupt(void)
{
	uint32_t bit = 1u << arch_cpu_index();

	if (!(__atomic_load_n(&sCall.waited_for, __ATOMIC_ACQUIRE) & bit))
		return;
	sCall.function(sCall.argument);
	__atomic_and_fetch(&sCall.waited_for, ~bit, __ATOMIC_RELEASE);
}

void i386_call_all_cpus(void (*function)(void *argument), void *argument)
{
	uint32_t others = ((1u << arch_cpu_count()) - 1) & ~(1u << arch_cpu_index());

	function(argument);
	if (others != 0)
		i386_call_cpus(others, function, argument);
}

static void flush_all(void *argument)
{
	(void)argument;
	i386_flush_all();
}

void i386_flush_all_cpus(void)
{
	i386_call_all_cpus(flush_all, NULL);
}

/* ---- Wakes, ticks, and the end ------------------------------------------------- */

void arch_cpu_wake(unsigned cpu)
{
	i386_apic_send(sApicIds[cpu], VECTOR_RESCHEDULE);
}

void i386_reschedule_interrupt(void)
{
	arch_request_return_work();
}

void arch_cpu_tick(bool on)
{
	if (on)
		i386_apic_timer_start(TICKS_PER_SECOND);
	else
		i386_apic_timer_stop();
}

void arch_cpu_relax(void)
{
	/* PAUSE, which processors before it take for a NOP. */
	__asm__ volatile("rep nop" : : : "memory");
}

static uint32_t sStopping; /* 1 + the processor that is to go on; 0: all are */
static uint32_t sStopped;  /* bit n: processor n has */

void arch_stop_other_cpus(void)
{
	uint32_t nobody = 0;
	unsigned self = arch_cpu_index();
	uint32_t others = ((1u << arch_cpu_count()) - 1) & ~(1u << self);
	unsigned i;

	if (arch_cpu_count() == 1)
		return;
	/* Two at a time: the second one stops, too, with the first one's NMI. */
	if (!__atomic_compare_exchange_n(
			&sStopping, &nobody, self + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		i386_stop_if_asked();
		return;
	}
	/* Who stops may hold the lock of the clock that i386_delay() reads. */
	lock_disable_all();
	/* Not to those that were never started: they are the firmware's still. */
	for (i = 0; i < arch_cpu_count(); i++) {
		if (others >> i & 1)
			i386_apic_send_nmi(sApicIds[i]);
	}
	for (i = 0; i < STOP_PATIENCE_US / 10; i++) {
		if ((~__atomic_load_n(&sStopped, __ATOMIC_ACQUIRE) & others) == 0)
			return;
		i386_delay(10);
	}
}

void i386_stop_if_asked(void)
{
	uint32_t stopping = __atomic_load_n(&sStopping, __ATOMIC_ACQUIRE);

	if (stopping == 0 || stopping == arch_cpu_index() + 1)
		return;
	__atomic_or_fetch(&sStopped, 1u << arch_cpu_index(), __ATOMIC_RELEASE);
	for (;;)
		__asm__ volatile("cli\n\thlt");
}
