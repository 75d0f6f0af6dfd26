/*
 * The user's half of the address space, for kernel/address_space.c: pages are
 * put in, taken out, looked up. The same for both kinds of page tables.
 */
#include "arch/i386/cpu.h"
#include "arch/i386/page_table.h"
#include "arch/i386/paging.h"
#include "kernel/arch.h"
#include "kernel/page_allocator.h"
#include "kernel/panic.h"
#include "kernel/string.h"
#include <postern/errno.h>

/*
 * An entry that is not 0 holds a page. One that may not even be read keeps it
 * without PAGE_PRESENT, in which case the CPU looks at no other bit.
 */
static uint32_t protection_bits(unsigned protection)
{
	return (protection & PAGE_READABLE ? PAGE_PRESENT : 0) | PAGE_USER
		   | (protection & PAGE_WRITABLE ? PAGE_RW : 0)
		   | (protection & PAGE_EXECUTABLE ? PAGE_EXECUTE : 0);
}

/* The entry for a user address, or NULL where there is no table. */
static uint32_t *user_entry(const struct arch_space *space, uintptr_t address)
{
	return find_entry(space->root, address);
}

int arch_space_create(struct arch_space *space)
{
	space->root = gPaging->make_root();
	return space->root == PAGE_NONE ? -ENOMEM : 0;
}

void arch_space_destroy(struct arch_space *space)
{
	ASSERT(space->root != i386_read_cr3());
	gPaging->free_root(space->root);
	space->root = PAGE_NONE;
}

void arch_space_activate(const struct arch_space *space)
{
	uint32_t root = space != NULL ? space->root : i386_kernel_root();

	if (i386_read_cr3() == root)
		return;
	/* The hardware never saves CR3 in a TSS, but a task switch back loads it. */
	gTss.cr3 = root;
	i386_write_cr3(root);
}

int arch_space_map(
	struct arch_space *space, uintptr_t address, uint32_t physical, unsigned protection)
{
	uint32_t *slot = find_slot(space->root, address);
	uint32_t *entry;

	ASSERT(address >= USER_BASE && address < KERNEL_BASE && address % PAGE_BYTES == 0);
	if (!(*slot & PAGE_PRESENT)) {
		uint32_t table = page_allocate(0);

		if (table == PAGE_NONE)
			return -ENOMEM;
		memset(arch_physical_to_virtual(table), 0, PAGE_BYTES);
		set_entry(slot, table | TABLE_FLAGS | PAGE_USER);
	}
	entry = user_entry(space, address);
	ASSERT(*entry == 0);
	set_entry(entry, physical | protection_bits(protection));
	return 0;
}

uint32_t arch_space_unmap(struct arch_space *space, uintptr_t address)
{
	uint32_t *entry = user_entry(space, address);
	uint32_t physical;

	ASSERT(entry != NULL && *entry != 0);
	physical = ENTRY_ADDRESS(*entry);
	set_entry(entry, 0);
	invalidate(address);
	return physical;
}

void arch_space_protect(struct arch_space *space, uintptr_t address, unsigned protection)
{
	uint32_t *entry = user_entry(space, address);

	ASSERT(entry != NULL && *entry != 0);
	set_entry(entry, ENTRY_ADDRESS(*entry) | protection_bits(protection));
	invalidate(address);
}

uint32_t arch_space_lookup(
	const struct arch_space *space, uintptr_t address, unsigned *_protection)
{
	const uint32_t *entry = user_entry(space, address);

	if (entry == NULL || *entry == 0)
		return PAGE_NONE;
	*_protection = (*entry & PAGE_PRESENT ? PAGE_READABLE : 0)
				   | (*entry & PAGE_RW ? PAGE_WRITABLE : 0)
				   | (*entry & PAGE_EXECUTE ? PAGE_EXECUTABLE : 0);
	return ENTRY_ADDRESS(*entry);
}

uintptr_t arch_space_next(
	const struct arch_space *space, uintptr_t address, uintptr_t end)
{
	address &= ~(uintptr_t)(PAGE_BYTES - 1);
	while (address < end) {
		const uint32_t *entry = user_entry(space, address);
		uintptr_t stop = (address | (paging_span() - 1)) + 1;

		if (stop > end)
			stop = end;
		if (entry != NULL) {
			for (; address < stop; address += PAGE_BYTES) {
				if (*entry != 0)
					return address;
				entry += gPaging->entry_words;
			}
		}
		address = stop;
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
