/*
 * Power off, carrying a status where something can take it: QEMU's
 * isa-debug-exit device, Bochs's shutdown port, then ACPI.
 *
 * QEMU ends with 2 * status + 1. Bochs and ACPI carry none: tools/boot.py reads
 * the log's last line, which is the same everywhere.
 */
#include "arch/i386/acpi.h"
#include "arch/i386/devices.h"
#include "arch/i386/io.h"
#include "arch/i386/paging.h"
#include "kernel/arch.h"
#include "kernel/log.h"

#define QEMU_DEBUG_EXIT 0x501
#define BOCHS_SHUTDOWN 0x8900
#define RSDP_SIZE 36
#define BIOS_AREA 0xe0000u
#define BIOS_AREA_SIZE 0x20000u

static const void *map_table(uint32_t physical, size_t size)
{
	return i386_map_physical(physical, size, 0);
}

void i386_power_init(const uint8_t *rsdp)
{
	size_t size = RSDP_SIZE;

	if (rsdp == NULL) {
		const uint8_t *area = map_table(BIOS_AREA, BIOS_AREA_SIZE);

		if (area != NULL)
			rsdp = i386_acpi_find_rsdp(area, BIOS_AREA_SIZE);
		if (rsdp != NULL && (size_t)(area + BIOS_AREA_SIZE - rsdp) < size)
			size = (size_t)(area + BIOS_AREA_SIZE - rsdp);
	}
	if (rsdp == NULL || !i386_acpi_init(rsdp, size, map_table))
		log_debug("acpi: no way to power off");
}

void arch_power_off(int status)
{
	static const char kShutdown[] = "Shutdown";
	const char *next;

	arch_interrupts_disable();
	arch_console_drain();
	outb(QEMU_DEBUG_EXIT, (uint8_t)status);
	for (next = kShutdown; *next != '\0'; next++)
		outb(BOCHS_SHUTDOWN, (uint8_t)*next);
	i386_acpi_power_off();

	log_error("power: this machine does not power off by itself; switch it off");
	for (;;)
		__asm__ volatile("hlt"); /* interrupts are off: for good */
}
