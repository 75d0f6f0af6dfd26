/*
 * Two-level paging (Intel SDM volume 3A, 4.3). One page directory for now: the
 * kernel's half is built here, the user's half by arch_map_user_page().
 *
 * Large and global pages are used where the CPU has them; a 486 gets the same
 * map in small pages.
 */
#include "arch/i386/paging.h"
#include "arch/i386/boot_info.h"
#include "arch/i386/cpu.h"
#include "kernel/arch.h"
#include "kernel/log.h"
#include "kernel/page_allocator.h"
#include "kernel/panic.h"
#include "kernel/string.h"
#include <postern/errno.h>

/* boot.asm fills in and uses these before any C runs. */
uint32_t gKernelDirectory[1024] __attribute__((aligned(PAGE_BYTES)));
uint32_t gBootTables[BOOT_TABLES][1024] __attribute__((aligned(PAGE_BYTES)));
uint32_t gWindowTables[WINDOW_TABLES][1024] __attribute__((aligned(PAGE_BYTES)));
extern uint32_t gKernelDirectory[], gBootTables[][1024], gWindowTables[][1024];

extern const char gKernelTextStart[], gKernelTextEnd[], gKernelRodataEnd[], gKernelEnd[];

#define KERNEL_LOAD_ADDRESS 0x100000u
#define PHYSICAL_OF(address) ((uint32_t)(uintptr_t)(address)-KERNEL_BASE)
#define ENTRY_ADDRESS(entry) ((entry) & ~(PAGE_BYTES - 1))

static uintptr_t sWindowNext = WINDOW_BASE;
static uint32_t sDirectMapEnd = BOOT_TABLES * DIRECTORY_SPAN;
static uint32_t sGlobal; /* PAGE_GLOBAL where the CPU has it */

static inline void invalidate(uintptr_t address)
{
	__asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static inline void invalidate_all(void)
{
	uint32_t cr3;
	__asm__ volatile("mov %%cr3, %0\n\tmov %0, %%cr3" : "=r"(cr3) : : "memory");
}

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

/* The entry for an address of the kernel's half; NULL for a large page. */
static uint32_t *find_entry(uintptr_t address)
{
	uint32_t slot = gKernelDirectory[address / DIRECTORY_SPAN];

	if (!(slot & PAGE_PRESENT) || slot & PAGE_LARGE)
		return NULL;
	/* Tables lie in memory that the direct map covers from the start. */
	return (uint32_t *)(uintptr_t)(ENTRY_ADDRESS(slot) + KERNEL_BASE)
		+ address / PAGE_BYTES % 1024;
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
		uint32_t *entry = find_entry(start + i * PAGE_BYTES);

		if (entry == NULL)
			return NULL;
		*entry = (physical - offset + i * PAGE_BYTES) | PAGE_PRESENT | flags | sGlobal;
	}
	sWindowNext = start + pages * PAGE_BYTES;
	return (void *)(start + offset);
}

/*
 * Kernel stacks that no thread has: their pages are given back, their addresses,
 * with the guard page below, are not. sFreeStacks is where one such begins; the
 * entry of its first page, which is not present, holds where the next begins.
 * (With several processors, all of them have to forget a stack's pages before
 * it is made again.)
 */
static uintptr_t sFreeStacks;

static void give_back_stack(uintptr_t start, uintptr_t end)
{
	uintptr_t address;

	for (address = start; address < end; address += PAGE_BYTES) {
		page_free(ENTRY_ADDRESS(*find_entry(address)), 0);
		*find_entry(address) = 0;
		invalidate(address);
	}
	*find_entry(start) = sFreeStacks;
	sFreeStacks = start;
}

uintptr_t i386_make_kernel_stack(void)
{
	uintptr_t start = sFreeStacks;
	uintptr_t address;

	if (start != 0) {
		sFreeStacks = *find_entry(start);
	} else {
		start = sWindowNext + PAGE_BYTES; /* the guard page */
		if (start > WINDOW_END - KERNEL_STACK_SIZE)
			return 0;
		sWindowNext = start + KERNEL_STACK_SIZE;
	}
	for (address = start; address < start + KERNEL_STACK_SIZE; address += PAGE_BYTES) {
		uint32_t page = page_allocate(0);

		if (page == PAGE_NONE) {
			give_back_stack(start, address);
			return 0;
		}
		*find_entry(address) = page | PAGE_PRESENT | PAGE_RW | sGlobal;
	}
	return address;
}

void i386_free_kernel_stack(uintptr_t top)
{
	give_back_stack(top - KERNEL_STACK_SIZE, top);
}

void *i386_map_commpage(void)
{
	uint32_t *entry = find_entry(COMMPAGE_BASE);
	uint32_t page = page_allocate(0);

	if (entry == NULL || page == PAGE_NONE)
		panic("no memory for the commpage");
	memset(arch_physical_to_virtual(page), 0, PAGE_BYTES);
	*entry = page | PAGE_PRESENT | PAGE_USER | sGlobal; /* and never PAGE_RW */
	return arch_physical_to_virtual(page);
}

/* ---- The direct map, at boot -------------------------------------------- */

static bool overlaps(uint32_t start, uint32_t end, uint32_t other_start, uint32_t other_end)
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

static void build_direct_map(const struct boot_info *boot, uint32_t top)
{
	bool large = i386_cpu_has(CPUID_PSE);
	uint32_t address;

	/* The first tables are there; small pages, for the kernel's own sake. */
	for (address = sDirectMapEnd; address < top; address += DIRECTORY_SPAN) {
		uint32_t *slot = &gKernelDirectory[(address + KERNEL_BASE) / DIRECTORY_SPAN];

		if (large) {
			*slot = address | PAGE_PRESENT | PAGE_RW | PAGE_LARGE | sGlobal;
		} else {
			uint32_t table = take_early(boot, PAGE_BYTES);
			uint32_t *entries = arch_physical_to_virtual(table);
			uint32_t i;

			for (i = 0; i < 1024; i++)
				entries[i] = (address + i * PAGE_BYTES) | PAGE_PRESENT | PAGE_RW;
			*slot = table | PAGE_PRESENT | PAGE_RW;
		}
		sDirectMapEnd = address + DIRECTORY_SPAN;
	}
}

/* Text and constants read-only, also for ring 0: CR0.WP is on. */
static void protect_kernel(void)
{
	uintptr_t address;

	for (address = KERNEL_BASE; address < KERNEL_BASE + BOOT_TABLES * DIRECTORY_SPAN;
		 address += PAGE_BYTES) {
		uint32_t *entry = find_entry(address);

		uint32_t value = *entry | sGlobal;

		if (address >= KERNEL_BASE + KERNEL_LOAD_ADDRESS
			&& address < (uintptr_t)gKernelRodataEnd)
			value &= ~PAGE_RW;
		/* At once: a global entry that can be written would stay in the TLB. */
		*entry = value;
	}
}

/* Before there is a second page directory, so that all have the same ones. */
static void make_window_tables(void)
{
	uintptr_t address;

	for (address = WINDOW_BASE; address != 0; address += DIRECTORY_SPAN) {
		uint32_t *slot = &gKernelDirectory[address / DIRECTORY_SPAN];
		uint32_t table;

		if (*slot & PAGE_PRESENT)
			continue;
		table = page_allocate(0);
		if (table == PAGE_NONE)
			panic("no memory for the kernel's page tables");
		memset(arch_physical_to_virtual(table), 0, PAGE_BYTES);
		/* The commpage is among the last one's. */
		*slot = table | PAGE_PRESENT | PAGE_RW | (address >= WINDOW_END ? PAGE_USER : 0);
	}
}

void i386_paging_init(const struct boot_info *boot)
{
	uint32_t top, page_count, i;
	struct page *pages;

	if (i386_cpu_has(CPUID_PGE))
		sGlobal = PAGE_GLOBAL;

	top = find_memory_end(boot);
	build_direct_map(boot, top);
	protect_kernel();
	for (i = 0; i < BOOT_TABLES; i++)
		gKernelDirectory[i] = 0;
	invalidate_all();

	page_count = top / PAGE_BYTES;
	pages = arch_physical_to_virtual(take_early(boot,
		(page_count * sizeof(struct page) + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1)));
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
			while (run < end
				&& (until = occupied_until(boot, run, run + PAGE_BYTES)) == 0)
				run += PAGE_BYTES;
			if (run > start)
				page_allocator_add(start / PAGE_BYTES, (run - start) / PAGE_BYTES);
			start = run < end ? until : end;
		}
	}
	make_window_tables();
}

/* ---- The user's half ---------------------------------------------------- */

/*
 * An entry that is not 0 holds a page. One that may not even be read keeps it
 * without PAGE_PRESENT, in which case the CPU looks at no other bit.
 */
static uint32_t protection_bits(unsigned protection)
{
	/* Without PAE there is no execute permission to take away. */
	return (protection & PAGE_READABLE ? PAGE_PRESENT : 0) | PAGE_USER
		| (protection & PAGE_WRITABLE ? PAGE_RW : 0);
}

static uint32_t *directory_of(const struct arch_space *space)
{
	return arch_physical_to_virtual(space->directory);
}

/* The entry for a user address, or NULL where there is no table. */
static uint32_t *user_entry(const struct arch_space *space, uintptr_t address)
{
	uint32_t slot = directory_of(space)[address / DIRECTORY_SPAN];

	if (!(slot & PAGE_PRESENT))
		return NULL;
	return (uint32_t *)arch_physical_to_virtual(ENTRY_ADDRESS(slot))
		+ address / PAGE_BYTES % 1024;
}

int arch_space_create(struct arch_space *space)
{
	uint32_t *directory;
	const unsigned first = KERNEL_BASE / DIRECTORY_SPAN;

	space->directory = page_allocate(0);
	if (space->directory == PAGE_NONE)
		return -ENOMEM;
	directory = directory_of(space);
	memset(directory, 0, first * sizeof *directory);
	/* All tables of the kernel's half exist from the start, so these never
	 * have to be brought up to date. */
	memcpy(directory + first, gKernelDirectory + first, (1024 - first) * sizeof *directory);
	return 0;
}

void arch_space_destroy(struct arch_space *space)
{
	uint32_t *directory = directory_of(space);
	unsigned i;

	ASSERT(space->directory != i386_read_cr3());
	for (i = 0; i < KERNEL_BASE / DIRECTORY_SPAN; i++) {
		if (directory[i] & PAGE_PRESENT)
			page_free(ENTRY_ADDRESS(directory[i]), 0);
	}
	page_free(space->directory, 0);
	space->directory = PAGE_NONE;
}

void arch_space_activate(const struct arch_space *space)
{
	uint32_t directory = space != NULL ? space->directory : PHYSICAL_OF(gKernelDirectory);

	if (i386_read_cr3() == directory)
		return;
	/* The hardware never saves CR3 in a TSS, but a task switch back loads it. */
	gTss.cr3 = directory;
	i386_write_cr3(directory);
}

int arch_space_map(struct arch_space *space, uintptr_t address, uint32_t physical,
	unsigned protection)
{
	uint32_t *slot = &directory_of(space)[address / DIRECTORY_SPAN];
	uint32_t *entry;

	ASSERT(address >= USER_BASE && address < KERNEL_BASE && address % PAGE_BYTES == 0);
	if (!(*slot & PAGE_PRESENT)) {
		uint32_t table = page_allocate(0);

		if (table == PAGE_NONE)
			return -ENOMEM;
		memset(arch_physical_to_virtual(table), 0, PAGE_BYTES);
		/* Each page says for itself how it may be used. */
		*slot = table | PAGE_PRESENT | PAGE_RW | PAGE_USER;
	}
	entry = user_entry(space, address);
	ASSERT(*entry == 0);
	*entry = physical | protection_bits(protection);
	return 0;
}

uint32_t arch_space_unmap(struct arch_space *space, uintptr_t address)
{
	uint32_t *entry = user_entry(space, address);
	uint32_t physical;

	ASSERT(entry != NULL && *entry != 0);
	physical = ENTRY_ADDRESS(*entry);
	*entry = 0;
	invalidate(address);
	return physical;
}

void arch_space_protect(struct arch_space *space, uintptr_t address, unsigned protection)
{
	uint32_t *entry = user_entry(space, address);

	ASSERT(entry != NULL && *entry != 0);
	*entry = ENTRY_ADDRESS(*entry) | protection_bits(protection);
	invalidate(address);
}

uint32_t arch_space_lookup(
	const struct arch_space *space, uintptr_t address, unsigned *_protection)
{
	const uint32_t *entry = user_entry(space, address);

	if (entry == NULL || *entry == 0)
		return PAGE_NONE;
	*_protection = (*entry & PAGE_PRESENT ? PAGE_READABLE | PAGE_EXECUTABLE : 0)
		| (*entry & PAGE_RW ? PAGE_WRITABLE : 0);
	return ENTRY_ADDRESS(*entry);
}

uintptr_t arch_space_next(
	const struct arch_space *space, uintptr_t address, uintptr_t end)
{
	address &= ~(uintptr_t)(PAGE_BYTES - 1);
	while (address < end) {
		const uint32_t *entry = user_entry(space, address);

		if (entry == NULL)
			address = (address | (DIRECTORY_SPAN - 1)) + 1;
		else if (*entry != 0)
			return address;
		else
			address += PAGE_BYTES;
	}
	return end;
}

enum arch_mapping arch_query_mapping(uintptr_t address)
{
	struct arch_space space = {i386_read_cr3()};
	unsigned protection;

	if (address >= KERNEL_BASE)
		return address >= COMMPAGE_BASE && address < COMMPAGE_BASE + PAGE_BYTES
			? MAPPING_READ_ONLY
			: MAPPING_KERNEL;
	if (arch_space_lookup(&space, address, &protection) == PAGE_NONE
		|| !(protection & PAGE_READABLE))
		return MAPPING_NONE;
	return protection & PAGE_WRITABLE ? MAPPING_WRITABLE : MAPPING_READ_ONLY;
}
