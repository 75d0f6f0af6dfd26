/*
 * Powering the machine off through ACPI: the least of it that does so.
 *
 * Boot code calls i386_acpi_init() once; arch_power_off() tries
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
