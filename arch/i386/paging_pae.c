/*
 * PAE's page tables, for CPUs that have NX with it (Intel SDM volume 3A, 4.4):
 * four pointers, each to a directory of 512 entries, each for 2 MiB. The last
 * pointer is the kernel's half, so one directory of the kernel's serves all.
 *
 * boot.asm knows nothing of these; they are built beside the plain ones, and
 * enter() changes over. See page_table.h.
 */
#include "arch/i386/cpu.h"
#include "arch/i386/page_table.h"
#include "kernel/heap.h"
#include "kernel/page_allocator.h"
#include "kernel/panic.h"
#include "kernel/string.h"

#define WORDS 2
#define ENTRIES 512
#define SPAN_SHIFT 21 /* a page table maps 2 MiB */
#define POINTERS 4
#define POINTERS_ALIGNMENT 32
#define POINTER_OF_KERNEL (KERNEL_BASE >> POINTER_SHIFT)

/* 8 MiB for the kernel's image in small pages; kernel.ld checks that. */
#define LOW_TABLES 4

/* EXECUTE-DISABLE, bit 63 */
#define NO_EXECUTE 0x80000000u

/* Read by the CPU when CR3 is loaded, and only then (4.4.1). */
struct pointers {
	uint64_t to[POINTERS];
};

static struct pointers sKernelPointers __attribute__((aligned(POINTERS_ALIGNMENT)));
static uint32_t sKernelDirectory[ENTRIES * WORDS] __attribute__((aligned(PAGE_BYTES)));
static uint32_t sLowTables[LOW_TABLES][ENTRIES * WORDS]
	__attribute__((aligned(PAGE_BYTES)));

/* enter_pae.asm, at its physical address */
void i386_enter_pae(uint32_t root);

static struct pointers *pointers_of(uint32_t root)
{
	return (struct pointers *)(uintptr_t)(root + KERNEL_BASE);
}

static void prepare(void)
{
	unsigned i;

	for (i = 0; i < LOW_TABLES; i++)
		set_entry(sKernelDirectory + i * WORDS, PHYSICAL_OF(sLowTables[i]) | TABLE_FLAGS);
	sKernelPointers.to[POINTER_OF_KERNEL] = PHYSICAL_OF(sKernelDirectory) | PAGE_PRESENT;
}

static void map_identity(bool on)
{
	sKernelPointers.to[0] = on ? sKernelPointers.to[POINTER_OF_KERNEL] : 0;
}

static void enter(void)
{
	uint32_t root = PHYSICAL_OF(&sKernelPointers);

	/* Before a table with the bit in it is used: it is reserved until then. */
	i386_write_msr64(MSR_EFER, i386_read_msr(MSR_EFER) | EFER_NXE);
	/* The code that changes over runs where it is loaded, below 1 GiB. */
	map_identity(true);
	i386_enter_pae(root);
	map_identity(false);
}

static void free_root(uint32_t root)
{
	struct pointers *pointers = pointers_of(root);
	unsigned i;

	for (i = 0; i < POINTER_OF_KERNEL; i++) {
		if (pointers->to[i] & PAGE_PRESENT)
			page_free(ENTRY_ADDRESS((uint32_t)pointers->to[i]), 0);
	}
	heap_free(pointers);
}

/*
 * All directories are there from the start: a pointer that is set later would
 * have to be told to every processor that has loaded this root.
 */
static uint32_t make_root(void)
{
	struct pointers *pointers = heap_allocate(sizeof *pointers);
	unsigned i;

	if (pointers == NULL)
		return PAGE_NONE;
	ASSERT((uintptr_t)pointers % POINTERS_ALIGNMENT == 0);
	pointers->to[POINTER_OF_KERNEL] = sKernelPointers.to[POINTER_OF_KERNEL];
	for (i = 0; i < POINTER_OF_KERNEL; i++) {
		uint32_t directory = page_allocate(0);

		if (directory == PAGE_NONE) {
			free_root(PHYSICAL_OF(pointers));
			return PAGE_NONE;
		}
		memset(table_at(directory), 0, PAGE_BYTES);
		pointers->to[i] = directory | PAGE_PRESENT;
	}
	return PHYSICAL_OF(pointers);
}

const struct paging_kind kPaePaging = {
	.name = "pae, nx",
	.entry_words = WORDS,
	.entries = ENTRIES,
	.span_shift = SPAN_SHIFT,
	.has_pointers = true,
	.no_execute = NO_EXECUTE,
	.kernel_root = (uint32_t *)&sKernelPointers,
	.low_end = LOW_TABLES << SPAN_SHIFT,
	.prepare = prepare,
	.enter = enter,
	.map_identity = map_identity,
	.make_root = make_root,
	.free_root = free_root,
};
