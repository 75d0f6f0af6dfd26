/*
 * What the boot loader told us, copied out of its memory by multiboot.c before
 * anything is allocated.
 */
#pragma once

#include <postern/types.h>

#define BOOT_REGIONS_MAX 64
#define BOOT_MODULES_MAX 8

struct boot_region {
	uint64_t start; /* physical, bytes */
	uint64_t end;
};

struct boot_module {
	uint32_t start; /* physical, bytes */
	uint32_t end;
};

struct boot_framebuffer {
	uint64_t physical;
	uint32_t pitch; /* bytes */
	uint32_t width, height;
	uint8_t bits_per_pixel;
	uint8_t red_position, red_size;
	uint8_t green_position, green_size;
	uint8_t blue_position, blue_size;
};

enum boot_screen { BOOT_SCREEN_TEXT, BOOT_SCREEN_FRAMEBUFFER, BOOT_SCREEN_NONE };

struct boot_info {
	const char *loader; /* "multiboot1" or "multiboot2" */
	char command_line[2048];
	bool command_line_cut; /* it was longer */
	uint32_t region_count;
	struct boot_region regions[BOOT_REGIONS_MAX]; /* usable memory, unsorted */
	uint32_t module_count;
	struct boot_module modules[BOOT_MODULES_MAX];
	enum boot_screen screen;
	struct boot_framebuffer framebuffer;
	bool has_rsdp;
	uint8_t rsdp[36]; /* ACPI's root pointer, version 1 or 2 */
};

/*
 * Reads the information at the physical address `information` that a loader
 * with `magic` in EAX left. Returns NULL, or what is wrong with it.
 */
const char *i386_multiboot_read(
	struct boot_info *boot, uint32_t magic, uint32_t information);
