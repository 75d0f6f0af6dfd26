/*
 * What ACPI's tables say of the machine, and powering it off: the least of
 * ACPI that does so.
 *
 * Boot code calls i386_acpi_init() once, before anything that asks for
 * i386_acpi_machine() (apic.c, clock.c); arch_power_off() tries
 * i386_acpi_power_off() when no emulator's own port has ended the machine.
 */
#pragma once

#include <postern/types.h>

/*
 * Gives access to `size` bytes of physical memory at `physical`, or NULL where
 * it cannot. What it gave must stay readable until i386_acpi_init() returns.
 */
typedef const void *(*i386_acpi_map)(uint32_t physical, size_t size);

/*
 * The RSDP in a copy or mapping of the BIOS's memory, 0xe0000 to 0xfffff or
 * the first KiB of the extended BIOS data area. NULL where there is none.
 */
const void *i386_acpi_find_rsdp(const uint8_t *bios_area, size_t size);

#define ACPI_PROCESSORS_MAX 16
#define ACPI_IO_APICS_MAX 8
#define ACPI_IRQS 16 /* of the ISA bus */

struct i386_acpi_io_apic {
	uint32_t address;  /* physical */
	uint32_t gsi_base; /* the global number of its first input */
};

/* How an ISA interrupt gets to the IO-APICs. */
struct i386_acpi_irq {
	uint32_t gsi;
	bool low_active;
	bool level;
};

struct i386_acpi_machine {
	/* Of the MADT; 0 and none where it is missing or broken. */
	uint32_t local_apic; /* physical address, the same on every processor */
	unsigned processor_count;
	unsigned processors_left_out; /* enabled, but too many */
	uint8_t apic_ids[ACPI_PROCESSORS_MAX];
	unsigned io_apic_count;
	struct i386_acpi_io_apic io_apics[ACPI_IO_APICS_MAX];
	struct i386_acpi_irq irqs[ACPI_IRQS];
	/* Of the FADT. */
	uint16_t timer_port; /* 3.579545 MHz; 0: none */
	bool timer_has_32_bits;
	uint8_t rtc_century; /* the register of the RTC that has it, or 0 */
};

/* What i386_acpi_init() has found. */
const struct i386_acpi_machine *i386_acpi_machine(void);

/*
 * Reads the tables from the RSDP, of which `size` bytes are readable (a
 * multiboot2 tag's content, or what is left of the BIOS area behind it).
 * Returns whether i386_acpi_power_off() has what it needs.
 */
bool i386_acpi_init(const void *rsdp, size_t size, i386_acpi_map map);

/*
 * Enters the soft-off state S5. Returns only when that failed: false, at once
 * where i386_acpi_init() found nothing. Interrupts should be off.
 */
bool i386_acpi_power_off(void);
