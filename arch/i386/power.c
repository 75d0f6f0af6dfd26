/*
 * Power off, carrying a status where something can take it: QEMU's
 * isa-debug-exit device, Bochs's shutdown port, then ACPI. And a reset, by
 * whatever of a PC does one.
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
#define KEYBOARD_DATA 0x60
#define KEYBOARD_COMMAND 0x64 /* and, read, its status */
#define RESET_CONTROL 0xcf9
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

/* The ways that PCs have, one after the other, each with some time to work in. */
void arch_reboot(void)
{
	static const struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) kNoInterrupts = {0, 0};
	unsigned patience;

	arch_interrupts_disable();
	arch_console_drain();

	/* The reset control register of Intel's PCI chipsets since the PIIX3 (82371SB data
	 * sheet, 2.6.1): bit 1 says which kind, and bit 2, as it rises, does it. */
	outb(RESET_CONTROL, 0x02);
	outb(RESET_CONTROL, 0x06);
	for (patience = 0; patience < 100000; patience++)
		inb(KEYBOARD_COMMAND);

	/* The keyboard controller's output 0 is the processor's reset (IBM AT Technical
	 * Reference, keyboard controller commands f0-ff). It takes commands when bit 1 of
	 * its status is clear. */
	for (patience = 0; patience < 100000 && (inb(KEYBOARD_COMMAND) & 0x02) != 0;
		 patience++)
		inb(KEYBOARD_DATA);
	outb(KEYBOARD_COMMAND, 0xfe);
	for (patience = 0; patience < 100000; patience++)
		inb(KEYBOARD_COMMAND);

	/* An exception that cannot be handled, nor the one that this makes, resets the
	 * processor (Intel SDM volume 3, 6.15, double fault). */
	__asm__ volatile("lidt %0\n\tint3" : : "m"(kNoInterrupts));
	__builtin_unreachable();
}
