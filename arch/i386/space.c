/*
 * The user's half of the address space, for kernel/address_space.c: pages are
 * put in, taken out, looked up. The same for both kinds of page tables.
 */
#include "arch/i386/cpu.h"
#include "arch/i386/page_table.h"
#include "arch/i386/paging.h"
#include "arch/i386/smp.h"
#include "kernel/arch.h"
#include "kernel/page_allocator.h"
#include "kernel/panic.h"
#include "kernel/string.h"
#include "kernel/thread.h"
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

/* ---- Which processor uses which ----------------------------------------- */

/* On each processor, so that one space's end finds out who has it still. */
static struct arch_space *sActive[CPUS_MAX];

int arch_space_create(struct arch_space *space)
{
	*space = (struct arch_space){0};
	space->root = gPaging->make_root();
	return space->root == PAGE_NONE ? -ENOMEM : 0;
}

static void load_root(uint32_t root)
{
	/* The hardware never saves CR3 in a TSS, but a task switch back loads it. */
	i386_this_tss()->cr3 = root;
	i386_write_cr3(root);
}

void arch_space_activate(struct arch_space *space)
{
	unsigned cpu = arch_cpu_index();
	struct arch_space *old = sActive[cpu];

	if (old == space)
		return;
	/* Before the first walk of its tables: who changes an entry from here on
	 * knows of this processor. */
	if (space != NULL)
		__atomic_or_fetch(&space->processors, 1u << cpu, __ATOMIC_SEQ_CST);
	sActive[cpu] = space;
	load_root(space != NULL ? space->root : i386_kernel_root());
	if (old != NULL)
		__atomic_and_fetch(&old->processors, ~(1u << cpu), __ATOMIC_SEQ_CST);
}

struct flush_call {
	struct arch_space *space;
	const struct arch_flush *flush;
};

/* On a processor that may remember pages of the space. */
static void flush_here(void *argument)
{
	const struct flush_call *call = argument;
	unsigned i;

	if (sActive[arch_cpu_index()] != call->space)
		return;
	/* An idle processor leaves it altogether, and is not asked again. */
	if (thread_current()->space == NULL) {
		arch_space_activate(NULL);
	} else if (call->flush->count > ARCH_FLUSH_PAGES) {
		load_root(call->space->root);
	} else {
		for (i = 0; i < call->flush->count; i++)
			invalidate(call->flush->pages[i]);
	}
}

void arch_space_flush(struct arch_space *space, struct arch_flush *flush)
{
	struct flush_call call = {space, flush};
	uint32_t others;

	if (flush->count == 0)
		return;
	/* The entries are written before this is read: see arch_space_activate(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	others =
		__atomic_load_n(&space->processors, __ATOMIC_SEQ_CST) & ~(1u << arch_cpu_index());
	flush_here(&call);
	if (others != 0)
		i386_call_cpus(others, flush_here, &call);
	flush->count = 0;
}

/*
 * What of the user's half has tables is noted, for most of it never has any: to
 * look through all directories at the end would cost more than the rest of it.
 */
#define NOTED_SHIFT 25
#define NOTED_BITS 32u

_Static_assert(sizeof((struct arch_space){0}.tables) * 8 == KERNEL_BASE >> NOTED_SHIFT,
	"a bit each");

static void note_tables(struct arch_space *space, uintptr_t address)
{
	uint32_t bit = address >> NOTED_SHIFT;

	space->tables[bit / NOTED_BITS] |= 1u << bit % NOTED_BITS;
}

/* Those from `address` on that one bit stands for. */
static void free_tables_of_bit(const struct arch_space *space, uintptr_t address)
{
	uintptr_t end = address + (1u << NOTED_SHIFT);

	for (; address < end; address += paging_span()) {
		uint32_t slot = *find_slot(space->root, address);

		if (slot & PAGE_PRESENT)
			page_free(ENTRY_ADDRESS(slot), 0);
	}
}

static void free_tables(const struct arch_space *space)
{
	unsigned i;

	for (i = 0; i < sizeof space->tables / sizeof space->tables[0]; i++) {
		uint32_t bits;

		for (bits = space->tables[i]; bits != 0; bits &= bits - 1) {
			uint32_t bit = i * NOTED_BITS + (unsigned)__builtin_ctz(bits);

			free_tables_of_bit(space, bit << NOTED_SHIFT);
		}
	}
}

static void leave_here(void *argument)
{
	if (sActive[arch_cpu_index()] == argument)
		arch_space_activate(NULL);
}

void arch_space_destroy(struct arch_space *space)
{
	uint32_t others;

	leave_here(space);
	others = __atomic_load_n(&space->processors, __ATOMIC_SEQ_CST);
	if (others != 0)
		i386_call_cpus(others, leave_here, space);
	ASSERT(space->processors == 0);
	free_tables(space);
	gPaging->free_root(space->root);
	space->root = PAGE_NONE;
}

/* ---- Entries --------------------------------------------------------------- */

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
		note_tables(space, address);
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
	return physical;
}

void arch_space_protect(struct arch_space *space, uintptr_t address, unsigned protection)
{
	uint32_t *entry = user_entry(space, address);

	ASSERT(entry != NULL && *entry != 0);
	set_entry(entry, ENTRY_ADDRESS(*entry) | protection_bits(protection));
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
	struct arch_space space = {.root = i386_read_cr3()};
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
