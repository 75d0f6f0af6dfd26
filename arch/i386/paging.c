/*
 * The kernel's half of the address space: the direct map, the window with its
 * kernel stacks, the commpage; and, at boot, which kind of page tables there is
 * and what memory the page allocator gets. The user's half is space.c's.
 *
 * Large and global pages are used where the CPU has them; a 486 gets the same
 * map in small pages.
 */
#include "arch/i386/paging.h"
#include "arch/i386/boot_info.h"
#include "arch/i386/cpu.h"
#include "arch/i386/page_table.h"
#include "arch/i386/smp.h"
#include "kernel/arch.h"
#include "kernel/lock.h"
#include "kernel/log.h"
#include "kernel/page_allocator.h"
#include "kernel/panic.h"
#include "kernel/string.h"

extern const char gKernelTextEnd[], gKernelRodataEnd[], gKernelEnd[];

#define KERNEL_LOAD_ADDRESS 0x100000u

const struct paging_kind *gPaging = &kTwoLevelPaging; /* boot.asm's */

static uintptr_t sWindowNext = WINDOW_BASE;
static uint32_t sDirectMapEnd = BOOT_TABLES * DIRECTORY_SPAN; /* boot.asm's */
static uint32_t sGlobal; /* PAGE_GLOBAL where the CPU has it */

void *arch_physical_to_virtual(uint32_t physical)
{
	ASSERT(physical < sDirectMapEnd);
	return (void *)(uintptr_t)(physical + KERNEL_BASE);
}

uint32_t arch_virtual_to_physical(const void *address)
{
	ASSERT((uintptr_t)address >= KERNEL_BASE && PHYSICAL_OF(address) < sDirectMapEnd);
	return PHYSICAL_OF(address);
}

bool arch_is_direct(const void *address)
{
	return (uintptr_t)address >= KERNEL_BASE && PHYSICAL_OF(address) < sDirectMapEnd;
}

uint32_t i386_kernel_root(void)
{
	return PHYSICAL_OF(gPaging->kernel_root);
}

/* The entry for an address of the kernel's half; NULL for a large page. */
static uint32_t *kernel_entry(uintptr_t address)
{
	return find_entry(i386_kernel_root(), address);
}

static uint32_t *kernel_slot(uintptr_t address)
{
	return find_slot(i386_kernel_root(), address);
}

/*
 * Global pages, too: the identity mapping was made of them. Any change of
 * CR4.PGE drops these (Intel SDM volume 3A, 4.10.4.1).
 */
void i386_flush_all(void)
{
	i386_write_cr3(i386_read_cr3());
	if (sGlobal != 0) {
		uint32_t cr4 = i386_read_cr4();

		i386_write_cr4(cr4 & ~CR4_PGE);
		i386_write_cr4(cr4);
	}
}

/* ---- The window --------------------------------------------------------- */

void *i386_map_physical(uint32_t physical, size_t size, uint32_t flags)
{
	uint32_t offset = physical % PAGE_BYTES;
	uint32_t pages;
	uintptr_t start = sWindowNext;
	uint32_t i;

	if (size == 0 || size > WINDOW_END - WINDOW_BASE)
		return NULL;
	/* What the direct map covers needs no room here. */
	if (flags == 0 && physical < sDirectMapEnd && size <= sDirectMapEnd - physical)
		return arch_physical_to_virtual(physical);
	pages = (offset + size + PAGE_BYTES - 1) / PAGE_BYTES;
	if (pages > (WINDOW_END - start) / PAGE_BYTES)
		return NULL;
	for (i = 0; i < pages; i++) {
		uint32_t *entry = kernel_entry(start + i * PAGE_BYTES);

		if (entry == NULL)
			return NULL;
		set_entry(
			entry, (physical - offset + i * PAGE_BYTES) | PAGE_PRESENT | flags | sGlobal);
	}
	sWindowNext = start + pages * PAGE_BYTES;
	return (void *)(start + offset);
}

/* ---- Kernel stacks ------------------------------------------------------- */

/*
 * Stacks are aligned to their size, with as much unmapped below each. The pages
 * of one that is given back are free at once, its addresses not until every
 * processor has forgotten them. To tell them all takes a while, so it is done
 * for all such stacks at once, when no other addresses are left. A free stack's
 * first entry, which is not present, holds where the next free one begins.
 */
#define STACK_STRIDE (2 * KERNEL_STACK_SIZE)

static struct spinlock sStacksLock = SPINLOCK("kernel stacks", RANK_STACKS);
/* Who finds none waits for who is bringing some back. */
static struct mutex sRecycling = MUTEX(sRecycling, "recycling of kernel stacks");
static uintptr_t sStacksNext = STACKS_BASE; /* never used from here on */
static uintptr_t sFreeStacks;				/* remembered by nobody */
static uintptr_t sRetiredStacks;			/* perhaps remembered */

static uintptr_t pop_stack(uintptr_t *_list)
{
	uintptr_t start = *_list;

	if (start != 0)
		*_list = *kernel_entry(start);
	return start;
}

static void push_stack(uintptr_t *_list, uintptr_t start)
{
	set_entry(kernel_entry(start), *_list);
	*_list = start;
}

/* Addresses for one, or 0. */
static uintptr_t take_stack(void)
{
	uintptr_t start;

	spin_lock(&sStacksLock);
	start = pop_stack(&sFreeStacks);
	if (start == 0 && sStacksNext < STACKS_END) {
		start = sStacksNext + KERNEL_STACK_SIZE;
		sStacksNext += STACK_STRIDE;
	}
	spin_unlock(&sStacksLock);
	return start;
}

static void recycle_stacks(void)
{
	uintptr_t retired, start;

	spin_lock(&sStacksLock);
	retired = sRetiredStacks;
	sRetiredStacks = 0;
	spin_unlock(&sStacksLock);
	i386_flush_all_cpus();
	spin_lock(&sStacksLock);
	while ((start = pop_stack(&retired)) != 0)
		push_stack(&sFreeStacks, start);
	spin_unlock(&sStacksLock);
}

/* Where no other addresses are left. */
static uintptr_t take_recycled_stack(void)
{
	uintptr_t start;

	mutex_lock(&sRecycling);
	start = take_stack();
	if (start == 0) {
		recycle_stacks();
		start = take_stack();
	}
	mutex_unlock(&sRecycling);
	return start;
}

static void give_back_stack(uintptr_t start, uintptr_t end)
{
	uintptr_t address;

	for (address = start; address < end; address += PAGE_BYTES) {
		uint32_t page = ENTRY_ADDRESS(*kernel_entry(address));

		set_entry(kernel_entry(address), 0);
		invalidate(address);
		page_free(page, 0);
	}
	spin_lock(&sStacksLock);
	push_stack(&sRetiredStacks, start);
	spin_unlock(&sStacksLock);
}

uintptr_t i386_make_kernel_stack(void)
{
	uintptr_t start = take_stack();
	struct arch_stack_block *block;
	uintptr_t address;

	if (start == 0)
		start = take_recycled_stack();
	if (start == 0)
		return 0;
	for (address = start; address < start + KERNEL_STACK_SIZE; address += PAGE_BYTES) {
		uint32_t page = page_allocate(0);

		if (page == PAGE_NONE) {
			give_back_stack(start, address);
			return 0;
		}
		set_entry(kernel_entry(address), page | PAGE_PRESENT | PAGE_RW | sGlobal);
	}
	block = arch_stack_block_of(start);
	*block = (struct arch_stack_block){.cpu = arch_cpu_index()};
	return (uintptr_t)block;
}

void i386_free_kernel_stack(uintptr_t top)
{
	uintptr_t start = top & ~(uintptr_t)(KERNEL_STACK_SIZE - 1);

	give_back_stack(start, start + KERNEL_STACK_SIZE);
}

void *i386_map_commpage(void)
{
	uint32_t *entry = kernel_entry(COMMPAGE_BASE);
	uint32_t page = page_allocate(0);

	if (entry == NULL || page == PAGE_NONE)
		panic("no memory for the commpage");
	memset(arch_physical_to_virtual(page), 0, PAGE_BYTES);
	/* And never PAGE_RW. */
	set_entry(entry, page | PAGE_PRESENT | PAGE_USER | PAGE_EXECUTE | sGlobal);
	return arch_physical_to_virtual(page);
}

/* ---- The direct map, at boot -------------------------------------------- */

static bool overlaps(
	uint32_t start, uint32_t end, uint32_t other_start, uint32_t other_end)
{
	return start < other_end && other_start < end;
}

/* Where the kernel or a module that lies in [start, end) ends; 0 for none. */
static uint32_t occupied_until(const struct boot_info *boot, uint32_t start, uint32_t end)
{
	uint32_t i;

	/* The first MiB belongs to the BIOS and to the multiboot information. */
	if (overlaps(start, end, 0, PHYSICAL_OF(gKernelEnd)))
		return PHYSICAL_OF(gKernelEnd);
	for (i = 0; i < boot->module_count; i++) {
		if (overlaps(start, end, boot->modules[i].start, boot->modules[i].end))
			return (boot->modules[i].end + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	}
	return 0;
}

/* A region's part below `limit`, in whole pages. */
static bool region_pages(
	const struct boot_region *region, uint32_t limit, uint32_t *_start, uint32_t *_end)
{
	uint64_t start = (region->start + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
	uint64_t end = region->end & ~(uint64_t)(PAGE_BYTES - 1);

	if (end > limit)
		end = limit;
	if (start >= end)
		return false;
	*_start = (uint32_t)start;
	*_end = (uint32_t)end;
	return true;
}

/* Where the next early run may begin: what lies below is given out already. */
static uint32_t sEarlyNext;

/*
 * Takes `size` bytes (whole pages) of free memory, zeroed, that the direct map
 * already covers; it is never given back. The lowest that fits.
 */
static uint32_t take_early(const struct boot_info *boot, uint32_t size)
{
	uint32_t best = PAGE_NONE;
	uint32_t i;

	for (i = 0; i < boot->region_count; i++) {
		uint32_t start, end, until;

		if (!region_pages(&boot->regions[i], sDirectMapEnd, &start, &end))
			continue;
		if (start < sEarlyNext)
			start = sEarlyNext;
		while (start < end && size <= end - start
			   && (until = occupied_until(boot, start, start + size)) != 0)
			start = until;
		if (start < end && size <= end - start && start < best)
			best = start;
	}
	if (best == PAGE_NONE)
		panic("no room for the kernel's page tables below %u MiB", sDirectMapEnd >> 20);
	sEarlyNext = best + size;
	memset(arch_physical_to_virtual(best), 0, size);
	return best;
}

static uint32_t find_memory_end(const struct boot_info *boot)
{
	uint32_t top = 0;
	uint64_t total = 0;
	uint32_t i;

	for (i = 0; i < boot->region_count; i++) {
		uint32_t start, end;

		total += boot->regions[i].end - boot->regions[i].start;
		if (region_pages(&boot->regions[i], DIRECT_MAP_MAX, &start, &end) && end > top)
			top = end;
	}
	log_info("memory: %u MiB found by %s", (uint32_t)(total >> 20), boot->loader);
	if (total > DIRECT_MAP_MAX)
		log_warn("memory: only the %u MiB below 0x%x are used", DIRECT_MAP_MAX >> 20,
			DIRECT_MAP_MAX);
	return top;
}

/* Only PAE's tables need no memory here: it comes with large pages. */
static void build_direct_map(const struct boot_info *boot, uint32_t top)
{
	bool large = i386_cpu_has(CPUID_PSE);
	uint32_t address;

	for (address = sDirectMapEnd; address < top; address += paging_span()) {
		uint32_t *slot = kernel_slot(address + KERNEL_BASE);

		if (large) {
			set_entry(slot, address | PAGE_PRESENT | PAGE_RW | PAGE_LARGE | sGlobal);
		} else {
			uint32_t table = take_early(boot, PAGE_BYTES);
			uint32_t *entries = arch_physical_to_virtual(table);
			uint32_t i;

			for (i = 0; i < gPaging->entries; i++)
				set_entry(entries + i * gPaging->entry_words,
					(address + i * PAGE_BYTES) | PAGE_PRESENT | PAGE_RW);
			set_entry(slot, table | TABLE_FLAGS);
		}
		sDirectMapEnd = address + paging_span();
	}
}

/* What a page of the kernel's image is for. CR0.WP is on: ring 0, too, is held
 * to what is read-only. */
static uint32_t image_flags(uintptr_t address)
{
	if (address < KERNEL_BASE + KERNEL_LOAD_ADDRESS
		|| address >= (uintptr_t)gKernelRodataEnd)
		return PAGE_PRESENT | PAGE_RW;
	/* .boot, which is before the text, has enter_pae.asm. */
	return PAGE_PRESENT | (address < (uintptr_t)gKernelTextEnd ? PAGE_EXECUTE : 0);
}

static void map_low(void)
{
	uintptr_t address;

	for (address = KERNEL_BASE; address < KERNEL_BASE + gPaging->low_end;
		 address += PAGE_BYTES)
		set_entry(
			kernel_entry(address), PHYSICAL_OF(address) | image_flags(address) | sGlobal);
}

/* Before there is a second root, so that all have the same ones. */
static void make_window_tables(void)
{
	uintptr_t address;

	for (address = WINDOW_BASE; address != 0; address += paging_span()) {
		uint32_t *slot = kernel_slot(address);
		uint32_t table;

		if (*slot & PAGE_PRESENT)
			continue;
		table = page_allocate(0);
		if (table == PAGE_NONE)
			panic("no memory for the kernel's page tables");
		memset(arch_physical_to_virtual(table), 0, PAGE_BYTES);
		/* The commpage is among the last one's. */
		set_entry(slot, table | TABLE_FLAGS | (address >= STACKS_END ? PAGE_USER : 0));
	}
}

void i386_map_identity(bool on)
{
	gPaging->map_identity(on);
	i386_flush_all();
}

void i386_paging_init(const struct boot_info *boot, bool nx)
{
	uint32_t top, page_count, i;
	struct page *pages;

	if (i386_cpu_has(CPUID_PGE))
		sGlobal = PAGE_GLOBAL;
	if (nx && i386_cpu_has(CPUID_PAE) && i386_cpu_has_nx()) {
		gPaging = &kPaePaging;
		sDirectMapEnd = gPaging->low_end;
	}
	log_info("paging: %s", gPaging->name);

	top = find_memory_end(boot);
	gPaging->prepare();
	map_low();
	build_direct_map(boot, top);
	gPaging->enter();
	i386_flush_all();

	page_count = top / PAGE_BYTES;
	pages = arch_physical_to_virtual(take_early(
		boot, (page_count * sizeof(struct page) + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1)));
	page_allocator_init(pages, page_count);
	for (i = 0; i < boot->region_count; i++) {
		uint32_t start, end, until;

		if (!region_pages(&boot->regions[i], top, &start, &end))
			continue;
		if (start < sEarlyNext) /* all below is in use, or lost: some pages */
			start = sEarlyNext;
		while (start < end) {
			uint32_t run = start;

			until = 0;
			while (
				run < end && (until = occupied_until(boot, run, run + PAGE_BYTES)) == 0)
				run += PAGE_BYTES;
			if (run > start)
				page_allocator_add(start / PAGE_BYTES, (run - start) / PAGE_BYTES);
			start = run < end ? until : end;
		}
	}
	make_window_tables();
}
