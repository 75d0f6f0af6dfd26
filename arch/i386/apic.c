/*
 * Local APICs and IO-APICs; see apic.h.
 *
 * Destinations are physical: a local APIC's number. Devices interrupt the boot
 * processor alone. Only APICs in memory are driven (xAPIC): firmware that has
 * turned on x2APIC mode leaves us with the 8259s.
 */
#include "arch/i386/apic.h"
#include "arch/i386/acpi.h"
#include "arch/i386/cpu.h"
#include "arch/i386/devices.h"
#include "arch/i386/paging.h"
#include "kernel/arch.h"
#include "kernel/log.h"
#include "kernel/panic.h"

/* ---- Registers of a local APIC (Intel SDM volume 3A, table 11-1) ----------- */

enum {
	APIC_ID = 0x20,
	APIC_VERSION = 0x30,
	APIC_TASK_PRIORITY = 0x80,
	APIC_END_OF_INTERRUPT = 0xb0,
	APIC_SPURIOUS = 0xf0,
	APIC_ERROR = 0x280,
	APIC_COMMAND_LOW = 0x300,
	APIC_COMMAND_HIGH = 0x310,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_COUNTERS = 0x340,
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	APIC_LVT_ERROR = 0x370,
	APIC_TIMER_INITIAL = 0x380,
	APIC_TIMER_CURRENT = 0x390,
	APIC_TIMER_DIVIDE = 0x3e0,
	APIC_SIZE = 0x400,
};

#define ID_SHIFT 24			 /* in APIC_ID and APIC_COMMAND_HIGH */
#define VERSION_LVT_SHIFT 16 /* the number of the last LVT entry */
#define VERSION_LVT_MASK 0xff
#define LVT_INDEX_COUNTERS 4 /* there from this number on */
#define SPURIOUS_ENABLE 0x100u
#define LVT_NMI 0x400u
#define LVT_MASKED 0x10000u
#define LVT_PERIODIC 0x20000u
#define TIMER_DIVIDE_BY_16 0x3u

/* The command register, section 11.6.1 */
#define COMMAND_NMI 0x400u
#define COMMAND_INIT 0x500u
#define COMMAND_STARTUP 0x600u
#define COMMAND_PENDING 0x1000u
#define COMMAND_ASSERT 0x4000u
#define COMMAND_LEVEL 0x8000u

/* ---- Registers of an IO-APIC (82093AA data sheet, 3.1) --------------------- */

enum { IO_SELECT = 0x00, IO_WINDOW = 0x10, IO_APIC_BYTES = 0x20 };
enum { IO_VERSION = 1, IO_ENTRIES = 0x10 }; /* two registers an entry */

#define IO_VERSION_LAST_SHIFT 16
#define IO_VERSION_LAST_MASK 0xff
#define IO_ENTRIES_MAX 240
#define IO_ENTRY_LOW_ACTIVE 0x2000u
#define IO_ENTRY_LEVEL 0x8000u
#define IO_ENTRY_MASKED 0x10000u

struct io_apic {
	volatile uint8_t *registers;
	uint32_t gsi_base;
	uint32_t inputs;
};

static volatile uint8_t *sLocal; /* NULL: not present */
static struct io_apic sIoApics[ACPI_IO_APICS_MAX];
static unsigned sIoApicCount;
static uint8_t sBootId;
static uint32_t sTimerFrequency;

static uint32_t local_read(unsigned index)
{
	return *(volatile uint32_t *)(sLocal + index);
}

static void local_write(unsigned index, uint32_t value)
{
	*(volatile uint32_t *)(sLocal + index) = value;
}

/* The two accesses belong together: interrupts off. */
static uint32_t io_read(const struct io_apic *io_apic, unsigned index)
{
	*(volatile uint32_t *)(io_apic->registers + IO_SELECT) = index;
	return *(volatile uint32_t *)(io_apic->registers + IO_WINDOW);
}

static void io_write(const struct io_apic *io_apic, unsigned index, uint32_t value)
{
	*(volatile uint32_t *)(io_apic->registers + IO_SELECT) = index;
	*(volatile uint32_t *)(io_apic->registers + IO_WINDOW) = value;
}

/* ---- Finding them ----------------------------------------------------------- */

static void add_io_apic(const struct i386_acpi_io_apic *found)
{
	struct io_apic *io_apic = &sIoApics[sIoApicCount];
	uint32_t i;

	io_apic->registers =
		i386_map_physical(found->address, IO_APIC_BYTES, PAGE_RW | PAGE_NO_CACHE);
	if (io_apic->registers == NULL)
		return;
	io_apic->gsi_base = found->gsi_base;
	io_apic->inputs =
		(io_read(io_apic, IO_VERSION) >> IO_VERSION_LAST_SHIFT & IO_VERSION_LAST_MASK)
		+ 1;
	/* Where nothing is, all bits are read as 0 or as 1. */
	if (io_apic->inputs < ACPI_IRQS || io_apic->inputs > IO_ENTRIES_MAX)
		return;
	for (i = 0; i < io_apic->inputs; i++) {
		io_write(io_apic, IO_ENTRIES + 2 * i, IO_ENTRY_MASKED);
		io_write(io_apic, IO_ENTRIES + 2 * i + 1, 0);
	}
	sIoApicCount++;
}

static bool listed(const struct i386_acpi_machine *machine, uint8_t apic_id)
{
	unsigned i;

	for (i = 0; i < machine->processor_count; i++) {
		if (machine->apic_ids[i] == apic_id)
			return true;
	}
	return false;
}

/* NULL, or why they cannot be used. */
static const char *find_apics(void)
{
	const struct i386_acpi_machine *machine = i386_acpi_machine();
	unsigned i;

	if (!i386_cpu_has(CPUID_APIC))
		return "this cpu has no apic";
	if (machine->local_apic == 0)
		return "acpi lists no apic";
	if (i386_cpu_in_x2apic_mode())
		return "the firmware has turned on x2apic";
	sLocal = i386_map_physical(machine->local_apic, APIC_SIZE, PAGE_RW | PAGE_NO_CACHE);
	if (sLocal == NULL)
		return "no room for the apic";
	sBootId = i386_apic_id();
	if (!listed(machine, sBootId))
		return "acpi does not list this cpu";
	for (i = 0; i < machine->io_apic_count; i++)
		add_io_apic(&machine->io_apics[i]);
	return sIoApicCount == 0 ? "no io-apic answers" : NULL;
}

bool i386_apic_init(void)
{
	const char *missing = find_apics();

	if (missing != NULL) {
		sLocal = NULL;
		log_info("interrupts: 8259, %s", missing);
		return false;
	}
	log_info("interrupts: apic, %u processors", i386_acpi_machine()->processor_count);
	return true;
}

bool i386_apic_present(void)
{
	return sLocal != NULL;
}

/* ---- The local APIC ---------------------------------------------------------- */

void i386_apic_init_cpu(void)
{
	uint32_t last_lvt = local_read(APIC_VERSION) >> VERSION_LVT_SHIFT & VERSION_LVT_MASK;

	/* While it is off, all of the LVT is masked and cannot be changed
	 * (section 11.4.7.2). */
	local_write(APIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
	local_write(APIC_TASK_PRIORITY, 0);
	local_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_APIC_TIMER);
	if (last_lvt >= LVT_INDEX_COUNTERS)
		local_write(APIC_LVT_COUNTERS, LVT_MASKED);
	/* LINT0 has been the 8259s', which are masked now; LINT1 is the NMI line,
	 * which one processor hears. */
	local_write(APIC_LVT_LINT0, LVT_MASKED);
	local_write(APIC_LVT_LINT1, i386_apic_id() == sBootId ? LVT_NMI : LVT_MASKED);
	/* Written twice, as what is read later is what the last write has latched
	 * (section 11.5.3): this drops what was there before. */
	local_write(APIC_ERROR, 0);
	local_write(APIC_ERROR, 0);
	local_write(APIC_LVT_ERROR, VECTOR_APIC_ERROR);
}

uint8_t i386_apic_id(void)
{
	return (uint8_t)(local_read(APIC_ID) >> ID_SHIFT);
}

void i386_apic_end_of_interrupt(void)
{
	local_write(APIC_END_OF_INTERRUPT, 0);
}

void i386_apic_error_interrupt(void)
{
	static uint32_t sCount;
	uint32_t error;

	local_write(APIC_ERROR, 0);
	error = local_read(APIC_ERROR);
	sCount++;
	/* As with NMIs, the log stays readable: 1, 2, 4, 8, ... */
	if ((sCount & (sCount - 1)) == 0)
		log_warn(
			"apic: error 0x%x on processor %u, number %u", error, i386_apic_id(), sCount);
}

/* ---- Messages ------------------------------------------------------------------ */

/* Interrupts off: a handler may send messages, too. */
static void wait_until_sent(void)
{
	while (local_read(APIC_COMMAND_LOW) & COMMAND_PENDING)
		__asm__ volatile("pause");
}

static void send(uint8_t apic_id, uint32_t command)
{
	bool enabled = arch_interrupts_disable();

	wait_until_sent();
	local_write(APIC_COMMAND_HIGH, (uint32_t)apic_id << ID_SHIFT);
	local_write(APIC_COMMAND_LOW, command);
	wait_until_sent();
	arch_interrupts_restore(enabled);
}

void i386_apic_send(uint8_t apic_id, uint8_t vector)
{
	send(apic_id, COMMAND_ASSERT | vector);
}

void i386_apic_send_nmi(uint8_t apic_id)
{
	send(apic_id, COMMAND_ASSERT | COMMAND_NMI);
}

void i386_apic_send_init(uint8_t apic_id)
{
	send(apic_id, COMMAND_LEVEL | COMMAND_ASSERT | COMMAND_INIT);
	/* Needed by a Pentium, and ignored by what came later (section 11.6.1). */
	send(apic_id, COMMAND_LEVEL | COMMAND_INIT);
}

void i386_apic_send_startup(uint8_t apic_id, uint8_t page)
{
	send(apic_id, COMMAND_ASSERT | COMMAND_STARTUP | page);
}

/* ---- The timer ------------------------------------------------------------------- */

void i386_apic_timer_begin_count(void)
{
	local_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_APIC_TIMER);
	local_write(APIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_16);
	local_write(APIC_TIMER_INITIAL, UINT32_MAX);
}

uint32_t i386_apic_timer_count(void)
{
	return local_read(APIC_TIMER_CURRENT);
}

void i386_apic_timer_set_frequency(uint32_t counts_per_second)
{
	sTimerFrequency = counts_per_second;
	i386_apic_timer_stop();
}

void i386_apic_timer_start(unsigned frequency)
{
	uint32_t counts = sTimerFrequency / frequency;

	local_write(APIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_16);
	local_write(APIC_LVT_TIMER, LVT_PERIODIC | VECTOR_APIC_TIMER);
	local_write(APIC_TIMER_INITIAL, counts != 0 ? counts : 1);
}

void i386_apic_timer_stop(void)
{
	local_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_APIC_TIMER);
	local_write(APIC_TIMER_INITIAL, 0);
}

/* ---- The devices' interrupts ----------------------------------------------------- */

void i386_apic_route_irq(unsigned irq)
{
	const struct i386_acpi_irq *route = &i386_acpi_machine()->irqs[irq];
	uint32_t entry = VECTOR_IRQ0 + irq;
	unsigned i;

	if (route->low_active)
		entry |= IO_ENTRY_LOW_ACTIVE;
	if (route->level)
		entry |= IO_ENTRY_LEVEL;
	for (i = 0; i < sIoApicCount; i++) {
		const struct io_apic *io_apic = &sIoApics[i];
		uint32_t input = route->gsi - io_apic->gsi_base;
		bool enabled;

		if (route->gsi < io_apic->gsi_base || input >= io_apic->inputs)
			continue;
		enabled = arch_interrupts_disable();
		/* The half with the mask last. */
		io_write(io_apic, IO_ENTRIES + 2 * input + 1, (uint32_t)sBootId << ID_SHIFT);
		io_write(io_apic, IO_ENTRIES + 2 * input, entry);
		arch_interrupts_restore(enabled);
		return;
	}
	log_warn("apic: nothing has an input for irq %u, number %u", irq, route->gsi);
}
