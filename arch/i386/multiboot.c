/*
 * Reads what a multiboot1 or multiboot2 loader left (Multiboot Specification
 * 0.6.96, section 3.3; Multiboot2 Specification 2.0, section 3.6).
 *
 * The loader may have put it anywhere, so everything is reached through the
 * window and copied; sizes and counts are checked before they are used.
 */
#include "arch/i386/boot_info.h"
#include "arch/i386/paging.h"
#include "kernel/string.h"

#define MULTIBOOT1_BOOTED 0x2badb002u
#define MULTIBOOT2_BOOTED 0x36d76289u
#define MEMORY_USABLE 1

/* ---- multiboot2 --------------------------------------------------------- */

struct mb2_header {
	uint32_t total_size;
	uint32_t reserved;
};

struct mb2_tag {
	uint32_t type;
	uint32_t size;
};

enum {
	MB2_END = 0,
	MB2_COMMAND_LINE = 1,
	MB2_MODULE = 3,
	MB2_MEMORY_MAP = 6,
	MB2_FRAMEBUFFER = 8,
	MB2_ACPI_OLD = 14,
	MB2_ACPI_NEW = 15,
};

struct mb2_module {
	struct mb2_tag tag;
	uint32_t start;
	uint32_t end;
};

struct mb2_memory_map {
	struct mb2_tag tag;
	uint32_t entry_size;
	uint32_t entry_version;
};

struct mb2_memory_entry {
	uint64_t base;
	uint64_t length;
	uint32_t type;
	uint32_t reserved;
} __attribute__((packed, aligned(4)));

enum { FRAMEBUFFER_RGB = 1, FRAMEBUFFER_TEXT = 2 };

struct mb2_framebuffer {
	struct mb2_tag tag;
	uint64_t address;
	uint32_t pitch, width, height;
	uint8_t bits_per_pixel;
	uint8_t type;
	uint16_t reserved;
	uint8_t red_position, red_size;
	uint8_t green_position, green_size;
	uint8_t blue_position, blue_size;
} __attribute__((packed, aligned(4)));

/* 38: sizeof would count the padding that the tag does not have. */
#define MB2_FRAMEBUFFER_RGB_SIZE (offsetof(struct mb2_framebuffer, blue_size) + 1)

static void add_region(struct boot_info *boot, uint64_t base, uint64_t length)
{
	if (boot->region_count == BOOT_REGIONS_MAX || length == 0 || base + length < base)
		return;
	boot->regions[boot->region_count++] = (struct boot_region){base, base + length};
}

static void add_module(struct boot_info *boot, uint32_t start, uint32_t end)
{
	if (boot->module_count == BOOT_MODULES_MAX || end <= start)
		return;
	boot->modules[boot->module_count++] = (struct boot_module){start, end};
}

static void read_mb2_memory_map(struct boot_info *boot, const struct mb2_memory_map *map)
{
	const uint8_t *end = (const uint8_t *)map + map->tag.size;
	const uint8_t *next = (const uint8_t *)(map + 1);

	if (map->entry_size < sizeof(struct mb2_memory_entry))
		return;
	for (; next + sizeof(struct mb2_memory_entry) <= end; next += map->entry_size) {
		const struct mb2_memory_entry *entry = (const void *)next;

		if (entry->type == MEMORY_USABLE)
			add_region(boot, entry->base, entry->length);
	}
}

static void read_mb2_framebuffer(
	struct boot_info *boot, const struct mb2_framebuffer *tag)
{
	if (tag->type == FRAMEBUFFER_TEXT) {
		boot->screen = BOOT_SCREEN_TEXT;
	} else if (tag->type == FRAMEBUFFER_RGB
			   && tag->tag.size >= MB2_FRAMEBUFFER_RGB_SIZE) {
		boot->screen = BOOT_SCREEN_FRAMEBUFFER;
		boot->framebuffer = (struct boot_framebuffer){
			.physical = tag->address,
			.pitch = tag->pitch,
			.width = tag->width,
			.height = tag->height,
			.bits_per_pixel = tag->bits_per_pixel,
			.red_position = tag->red_position,
			.red_size = tag->red_size,
			.green_position = tag->green_position,
			.green_size = tag->green_size,
			.blue_position = tag->blue_position,
			.blue_size = tag->blue_size,
		};
	} else {
		boot->screen = BOOT_SCREEN_NONE;
	}
}

/*
 * Copies the command line, of which `size` bytes are readable. One that is too
 * long is cut behind a word.
 */
static void copy_command_line(struct boot_info *boot, const char *from, size_t size)
{
	size_t length = strnlen(from, size);

	if (length >= sizeof boot->command_line) {
		boot->command_line_cut = true;
		length = sizeof boot->command_line - 1;
		while (length > 0 && from[length] != ' ')
			length--;
	}
	memcpy(boot->command_line, from, length);
	boot->command_line[length] = '\0';
}

static void read_mb2_tag(struct boot_info *boot, const struct mb2_tag *tag)
{
	size_t body = tag->size - sizeof *tag;

	switch (tag->type) {
	case MB2_COMMAND_LINE:
		copy_command_line(boot, (const char *)(tag + 1), body);
		break;
	case MB2_MODULE:
		if (tag->size >= sizeof(struct mb2_module)) {
			const struct mb2_module *module = (const void *)tag;

			add_module(boot, module->start, module->end);
		}
		break;
	case MB2_MEMORY_MAP:
		if (tag->size >= sizeof(struct mb2_memory_map))
			read_mb2_memory_map(boot, (const void *)tag);
		break;
	case MB2_FRAMEBUFFER:
		if (tag->size >= offsetof(struct mb2_framebuffer, red_position))
			read_mb2_framebuffer(boot, (const void *)tag);
		break;
	case MB2_ACPI_OLD:
	case MB2_ACPI_NEW: /* GRUB gives both where it can; the newer comes last */
		if (body > sizeof boot->rsdp)
			body = sizeof boot->rsdp;
		memset(boot->rsdp, 0, sizeof boot->rsdp);
		memcpy(boot->rsdp, tag + 1, body);
		boot->has_rsdp = true;
		break;
	default:
		break;
	}
}

static const char *read_multiboot2(struct boot_info *boot, uint32_t information)
{
	const struct mb2_header *header = i386_map_physical(information, sizeof *header, 0);
	const uint8_t *base;
	uint32_t size, offset;

	if (header == NULL)
		return "its information cannot be mapped";
	size = header->total_size;
	base = i386_map_physical(information, size, 0);
	if (base == NULL)
		return "its information is too large";

	boot->loader = "multiboot2";
	for (offset = sizeof *header; offset + sizeof(struct mb2_tag) <= size;) {
		const struct mb2_tag *tag = (const void *)(base + offset);

		if (tag->type == MB2_END)
			return NULL;
		if (tag->size < sizeof *tag || tag->size > size - offset)
			return "a tag of its information has a wrong size";
		read_mb2_tag(boot, tag);
		offset += (tag->size + 7) & ~7u; /* tags start on 8 bytes */
	}
	return "its information has no end tag";
}

/* ---- multiboot1 --------------------------------------------------------- */

enum {
	MB1_HAS_MEMORY = 1 << 0,
	MB1_HAS_COMMAND_LINE = 1 << 2,
	MB1_HAS_MODULES = 1 << 3,
	MB1_HAS_MEMORY_MAP = 1 << 6,
	MB1_HAS_LOADER_NAME = 1 << 9,
};

struct mb1_information {
	uint32_t flags;
	uint32_t memory_lower, memory_upper; /* KiB */
	uint32_t boot_device;
	uint32_t command_line;
	uint32_t module_count, modules;
	uint32_t symbols[4];
	uint32_t map_length, map;
	uint32_t drives_length, drives;
	uint32_t config_table;
	uint32_t loader_name;
};

struct mb1_module {
	uint32_t start, end, string, reserved;
};

struct mb1_memory_entry {
	uint32_t size; /* of what follows */
	uint64_t base;
	uint64_t length;
	uint32_t type;
} __attribute__((packed));

/* QEMU puts the kernel's file name before what -append says. GRUB does not. */
static void drop_file_name(char *command_line)
{
	size_t length = strlen(command_line);
	size_t name = 0;

	while (name < length && command_line[name] != ' ')
		name++;
	while (name < length && command_line[name] == ' ')
		name++;
	memmove(command_line, command_line + name, length - name + 1);
}

static const char *read_multiboot1(struct boot_info *boot, uint32_t information)
{
	const struct mb1_information *mb1 = i386_map_physical(information, sizeof *mb1, 0);
	const char *text;
	uint32_t i;

	if (mb1 == NULL)
		return "its information cannot be mapped";
	boot->loader = "multiboot1";

	/* Its length is not told: a page's worth is room for any that fits. */
	if (mb1->flags & MB1_HAS_COMMAND_LINE
		&& (text = i386_map_physical(mb1->command_line, PAGE_BYTES, 0)) != NULL)
		copy_command_line(boot, text, PAGE_BYTES);
	if (mb1->flags & MB1_HAS_LOADER_NAME
		&& (text = i386_map_physical(mb1->loader_name, sizeof "qemu", 0)) != NULL
		&& strncmp(text, "qemu", sizeof "qemu") == 0)
		drop_file_name(boot->command_line);

	if ((mb1->flags & MB1_HAS_MODULES) && mb1->module_count > 0) {
		uint32_t count = mb1->module_count;
		const struct mb1_module *modules;

		if (count > BOOT_MODULES_MAX)
			count = BOOT_MODULES_MAX;
		modules = i386_map_physical(mb1->modules, count * sizeof *modules, 0);
		if (modules == NULL)
			return "its modules cannot be mapped";
		for (i = 0; i < count; i++)
			add_module(boot, modules[i].start, modules[i].end);
	}

	if ((mb1->flags & MB1_HAS_MEMORY_MAP) && mb1->map_length > 0) {
		const uint8_t *map = i386_map_physical(mb1->map, mb1->map_length, 0);
		uint32_t offset = 0;

		if (map == NULL)
			return "its memory map cannot be mapped";
		while (offset + sizeof(struct mb1_memory_entry) <= mb1->map_length) {
			const struct mb1_memory_entry *entry = (const void *)(map + offset);

			if (entry->size > mb1->map_length)
				return "its memory map has a wrong size";
			if (entry->type == MEMORY_USABLE)
				add_region(boot, entry->base, entry->length);
			offset += entry->size + sizeof entry->size;
		}
	} else if (mb1->flags & MB1_HAS_MEMORY) {
		add_region(boot, 0x100000, (uint64_t)mb1->memory_upper * 1024);
	}
	return NULL;
}

const char *i386_multiboot_read(
	struct boot_info *boot, uint32_t magic, uint32_t information)
{
	memset(boot, 0, sizeof *boot);
	boot->loader = "an unknown loader";
	boot->screen = BOOT_SCREEN_TEXT; /* what a PC's BIOS leaves */

	if (magic == MULTIBOOT2_BOOTED)
		return read_multiboot2(boot, information);
	if (magic == MULTIBOOT1_BOOTED)
		return read_multiboot1(boot, information);
	return "neither multiboot1 nor multiboot2";
}
