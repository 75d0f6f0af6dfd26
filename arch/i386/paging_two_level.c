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
#define SPAN_SHIFT 22
#define FIRST_OF_KERNEL (KERNEL_BASE / DIRECTORY_SPAN)

/* boot.asm fills in and uses these before any C runs. */
uint32_t gKernelDirectory[ENTRIES] __attribute__((aligned(PAGE_BYTES)));
uint32_t gBootTables[BOOT_TABLES][ENTRIES] __attribute__((aligned(PAGE_BYTES)));
uint32_t gWindowTables[WINDOW_TABLES][ENTRIES] __attribute__((aligned(PAGE_BYTES)));
extern uint32_t gKernelDirectory[], gBootTables[][ENTRIES], gWindowTables[][ENTRIES];

_Static_assert(DIRECTORY_SPAN == 1u << SPAN_SHIFT, "boot.asm and we agree");

/* boot.asm has: its tables are in use already. */
static void prepare(void)
{
}

static void enter(void)
{
	memset(gKernelDirectory, 0, BOOT_TABLES * sizeof gKernelDirectory[0]);
}

static void map_identity(bool on)
{
	gKernelDirectory[0] = on ? gKernelDirectory[FIRST_OF_KERNEL] : 0;
}

static uint32_t make_root(void)
{
	uint32_t root = page_allocate(0);

	if (root == PAGE_NONE)
		return PAGE_NONE;
	memset(table_at(root), 0, FIRST_OF_KERNEL * sizeof(uint32_t));
	/* All tables of the kernel's half exist from the start, so these never
	 * have to be brought up to date. */
	memcpy(table_at(root) + FIRST_OF_KERNEL, gKernelDirectory + FIRST_OF_KERNEL,
		(ENTRIES - FIRST_OF_KERNEL) * sizeof(uint32_t));
	return root;
}

static void free_root(uint32_t root)
{
	page_free(root, 0);
}

const struct paging_kind kTwoLevelPaging = {
	.name = "two-level",
	.entry_words = 1,
	.entries = ENTRIES,
	.span_shift = SPAN_SHIFT,
	.kernel_root = gKernelDirectory,
	.low_end = BOOT_TABLES * DIRECTORY_SPAN,
	.prepare = prepare,
	.enter = enter,
	.map_identity = map_identity,
	.make_root = make_root,
	.free_root = free_root,
};
