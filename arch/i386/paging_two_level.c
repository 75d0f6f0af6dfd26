/*
 * Plain page tables, for every CPU (Intel SDM volume 3A, 4.3): a directory of
 * 1024 entries, each for 4 MiB. What can be read can be executed.
 *
 * boot.asm has built the first ones and they are in use: where this kind stays
 * there is little to do. See page_table.h.
 */
#include "arch/i386/cpu.h"
#include "arch/i386/page_table.h"
#include "kernel/page_allocator.h"
#include "kernel/string.h"

#define ENTRIES 1024
#define FIRST_OF_KERNEL (KERNEL_BASE / DIRECTORY_SPAN)

/* boot.asm fills in and uses these before any C runs. */
uint32_t gKernelDirectory[ENTRIES] __attribute__((aligned(PAGE_BYTES)));
uint32_t gBootTables[BOOT_TABLES][ENTRIES] __attribute__((aligned(PAGE_BYTES)));
uint32_t gWindowTables[WINDOW_TABLES][ENTRIES] __attribute__((aligned(PAGE_BYTES)));
extern uint32_t gKernelDirectory[], gBootTables[][ENTRIES], gWindowTables[][ENTRIES];

static uint32_t *directory_of(uint32_t root)
{
	return (uint32_t *)(uintptr_t)(root + KERNEL_BASE);
}

static void map_low(void)
{
	unsigned i, j;

	/* They are mapped; what is missing is a bit that is ours. */
	for (i = 0; i < BOOT_TABLES; i++) {
		for (j = 0; j < ENTRIES; j++)
			gBootTables[i][j] |= PAGE_EXECUTE;
	}
}

static void enter(void)
{
	memset(gKernelDirectory, 0, BOOT_TABLES * sizeof gKernelDirectory[0]);
	i386_write_cr3(PHYSICAL_OF(gKernelDirectory));
}

static uint32_t *find_slot(uint32_t root, uintptr_t address)
{
	return directory_of(root) + address / DIRECTORY_SPAN;
}

static uint32_t make_root(void)
{
	uint32_t root = page_allocate(0);

	if (root == PAGE_NONE)
		return PAGE_NONE;
	memset(directory_of(root), 0, FIRST_OF_KERNEL * sizeof(uint32_t));
	/* All tables of the kernel's half exist from the start, so these never
	 * have to be brought up to date. */
	memcpy(directory_of(root) + FIRST_OF_KERNEL, gKernelDirectory + FIRST_OF_KERNEL,
		(ENTRIES - FIRST_OF_KERNEL) * sizeof(uint32_t));
	return root;
}

static void free_root(uint32_t root)
{
	const uint32_t *directory = directory_of(root);
	unsigned i;

	for (i = 0; i < FIRST_OF_KERNEL; i++) {
		if (directory[i] & PAGE_PRESENT)
			page_free(ENTRY_ADDRESS(directory[i]), 0);
	}
	page_free(root, 0);
}

const struct paging_kind kTwoLevelPaging = {
	.name = "two-level",
	.entry_words = 1,
	.entries = ENTRIES,
	.span = DIRECTORY_SPAN,
	.kernel_root = gKernelDirectory,
	.low_end = BOOT_TABLES * DIRECTORY_SPAN,
	.map_low = map_low,
	.enter = enter,
	.find_slot = find_slot,
	.make_root = make_root,
	.free_root = free_root,
};
