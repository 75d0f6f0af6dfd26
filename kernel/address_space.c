/*
 * Regions, copy on write, and pages on demand; see address_space.h. The
 * scheme of one zero-filled object a region and reference counts on pages is
 * the least that fork and shared memory need.
 */
#include "kernel/address_space.h"
#include "kernel/heap.h"
#include "kernel/page_allocator.h"
#include "kernel/panic.h"
#include "kernel/string.h"
#include <postern/errno.h>

/* Where address_space_find_free() looks: above programs, below stacks. */
#define FREE_START 0x40000000u
#define FREE_END 0xb0000000u

static uint32_t sPageLimit = UINT32_MAX; /* of all regions of one space */

#define REGION_OF(position) LIST_ENTRY(position, struct region, link)

void address_space_set_limit(uint32_t mebibytes)
{
	sPageLimit = mebibytes != 0 ? mebibytes * (0x100000 / PAGE_SIZE) : UINT32_MAX;
}

static bool range_valid(uintptr_t start, size_t size)
{
	return size > 0 && start % PAGE_SIZE == 0 && size % PAGE_SIZE == 0
		   && start >= USER_BASE && start < KERNEL_BASE && size <= KERNEL_BASE - start;
}

static struct region *find_region(const struct address_space *space, uintptr_t address)
{
	LIST_FOR_EACH(link, &space->regions)
	{
		struct region *region = REGION_OF(link);

		if (address < region->start)
			return NULL;
		if (address < region->end)
			return region;
	}
	return NULL;
}

unsigned address_space_query(const struct address_space *space, uintptr_t address)
{
	const struct region *region = find_region(space, address);

	return region != NULL ? region->protection : 0;
}

/* The first region that ends above `address`, or the list's head. */
static struct list *first_above(struct address_space *space, uintptr_t address)
{
	LIST_FOR_EACH(link, &space->regions)
	{
		if (REGION_OF(link)->end > address)
			return link;
	}
	return &space->regions;
}

/* ---- Pages --------------------------------------------------------------- */

static void drop_pages(struct address_space *space, uintptr_t start, uintptr_t end)
{
	uintptr_t address = start;

	while ((address = arch_space_next(&space->arch, address, end)) < end) {
		page_release(arch_space_unmap(&space->arch, address));
		space->resident--;
		address += PAGE_SIZE;
	}
}

static int map_page(
	struct address_space *space, uintptr_t address, uint32_t page, unsigned protection)
{
	int error = arch_space_map(&space->arch, address, page, protection);

	if (error == 0)
		space->resident++;
	return error;
}

static uint32_t zero_page(void)
{
	uint32_t page = page_allocate(0);

	if (page != PAGE_NONE)
		memset(arch_physical_to_virtual(page), 0, PAGE_SIZE);
	return page;
}

static bool fault_absent(
	struct address_space *space, const struct region *region, uintptr_t address)
{
	uint32_t page;

	if (region->shared != NULL) {
		uint32_t *slot =
			&region->shared
				 ->pages[region->shared_first + (address - region->start) / PAGE_SIZE];

		if (*slot == PAGE_NONE && (*slot = zero_page()) == PAGE_NONE)
			return false;
		page = *slot;
		page_reference(page);
	} else if ((page = zero_page()) == PAGE_NONE) {
		return false;
	}
	if (map_page(space, address, page, region->protection) != 0) {
		page_release(page);
		return false;
	}
	return true;
}

static bool fault_copy(struct address_space *space, const struct region *region,
	uintptr_t address, uint32_t page)
{
	uint32_t copy;

	if (region->shared != NULL || page_references(page) == 1) {
		arch_space_protect(&space->arch, address, region->protection);
		return true;
	}
	copy = page_allocate(0);
	if (copy == PAGE_NONE)
		return false;
	memcpy(arch_physical_to_virtual(copy), arch_physical_to_virtual(page), PAGE_SIZE);
	arch_space_unmap(&space->arch, address);
	page_release(page);
	/* The table is there: the page was mapped. */
	arch_space_map(&space->arch, address, copy, region->protection);
	return true;
}

bool address_space_fault(struct address_space *space, uintptr_t address, bool write)
{
	struct region *region = find_region(space, address);
	unsigned mapped;
	uint32_t page;

	address &= ~(uintptr_t)(PAGE_SIZE - 1);
	if (region == NULL || !(region->protection & PAGE_READABLE)
		|| (write && !(region->protection & PAGE_WRITABLE)))
		return false;
	page = arch_space_lookup(&space->arch, address, &mapped);
	if (page == PAGE_NONE)
		return fault_absent(space, region, address);
	if (write && !(mapped & PAGE_WRITABLE))
		return fault_copy(space, region, address, page);
	return false;
}

/* ---- Regions --------------------------------------------------------------- */

static void shared_release(struct shared_pages *shared)
{
	uint32_t i;

	if (shared == NULL || --shared->references > 0)
		return;
	for (i = 0; i < shared->count; i++) {
		if (shared->pages[i] != PAGE_NONE)
			page_release(shared->pages[i]);
	}
	heap_free(shared);
}

static struct region *make_region(uintptr_t start, uintptr_t end, unsigned protection,
	struct shared_pages *shared, uint32_t shared_first)
{
	struct region *region = heap_allocate(sizeof *region);

	if (region == NULL)
		return NULL;
	*region = (struct region){.start = start,
		.end = end,
		.protection = protection,
		.shared = shared,
		.shared_first = shared_first};
	list_init(&region->link);
	if (shared != NULL)
		shared->references++;
	return region;
}

static void delete_region(struct region *region)
{
	list_remove(&region->link);
	shared_release(region->shared);
	heap_free(region);
}

static int add_region(struct address_space *space, uintptr_t start, size_t size,
	unsigned protection, struct shared_pages *shared)
{
	struct list *above;
	struct region *region;

	if (!range_valid(start, size))
		return -EINVAL;
	above = first_above(space, start);
	if (above != &space->regions && REGION_OF(above)->start < start + size)
		return -EEXIST;
	if (size / PAGE_SIZE > sPageLimit - space->region_pages)
		return -ENOMEM;
	region = make_region(start, start + size, protection, shared, 0);
	if (region == NULL)
		return -ENOMEM;
	space->region_pages += size / PAGE_SIZE;
	list_insert_before(&region->link, above);
	return 0;
}

int address_space_add(
	struct address_space *space, uintptr_t start, size_t size, unsigned protection)
{
	return add_region(space, start, size, protection, NULL);
}

int address_space_add_shared(
	struct address_space *space, uintptr_t start, size_t size, unsigned protection)
{
	struct shared_pages *shared;
	uint32_t i;
	int error;

	if (!range_valid(start, size))
		return -EINVAL;
	shared = heap_allocate(sizeof *shared + size / PAGE_SIZE * sizeof shared->pages[0]);
	if (shared == NULL)
		return -ENOMEM;
	shared->count = size / PAGE_SIZE;
	for (i = 0; i < shared->count; i++)
		shared->pages[i] = PAGE_NONE;
	error = add_region(space, start, size, protection, shared);
	if (error != 0)
		heap_free(shared);
	return error;
}

uintptr_t address_space_find_free(const struct address_space *space, size_t size)
{
	uintptr_t start = FREE_START;

	LIST_FOR_EACH(link, &space->regions)
	{
		const struct region *region = REGION_OF(link);

		if (region->end <= start)
			continue;
		if (region->start >= FREE_END)
			break;
		if (region->start > start && size <= region->start - start)
			return start;
		start = region->end;
	}
	return start < FREE_END && size <= FREE_END - start ? start : 0;
}

bool address_space_locate(const struct address_space *space, uintptr_t address,
	const void **_owner, uint32_t *_offset)
{
	const struct region *region = find_region(space, address);

	if (region == NULL)
		return false;
	if (region->shared != NULL) {
		*_owner = region->shared;
		*_offset = region->shared_first * PAGE_SIZE + (uint32_t)(address - region->start);
	} else {
		*_owner = space;
		*_offset = (uint32_t)address;
	}
	return true;
}

/* Makes `address` a border between regions. 0 or -ENOMEM. */
static int split_at(struct address_space *space, uintptr_t address)
{
	struct region *region = find_region(space, address);
	struct region *upper;

	if (region == NULL || region->start == address)
		return 0;
	upper = make_region(address, region->end, region->protection, region->shared,
		region->shared_first + (address - region->start) / PAGE_SIZE);
	if (upper == NULL)
		return -ENOMEM;
	region->end = address;
	list_insert_before(&upper->link, region->link.next);
	return 0;
}

int address_space_remove(struct address_space *space, uintptr_t start, size_t size)
{
	int error;

	if (!range_valid(start, size))
		return -EINVAL;
	if ((error = split_at(space, start)) != 0
		|| (error = split_at(space, start + size)) != 0)
		return error;
	LIST_FOR_EACH_SAFE(link, following, &space->regions)
	{
		struct region *region = REGION_OF(link);

		if (region->start >= start && region->end <= start + size) {
			space->region_pages -= (region->end - region->start) / PAGE_SIZE;
			delete_region(region);
		}
	}
	drop_pages(space, start, start + size);
	return 0;
}

int address_space_remove_made(struct address_space *space)
{
	int error = address_space_remove(space, FREE_START, FREE_END - FREE_START);

	if (error == 0)
		address_space_set_break(space, space->break_start);
	return error;
}

int address_space_protect(
	struct address_space *space, uintptr_t start, size_t size, unsigned protection)
{
	uintptr_t address = start;
	int error;

	if (!range_valid(start, size))
		return -EINVAL;
	while (address < start + size) {
		struct region *region = find_region(space, address);

		if (region == NULL)
			return -ENOMEM;
		address = region->end;
	}
	if ((error = split_at(space, start)) != 0
		|| (error = split_at(space, start + size)) != 0)
		return error;
	LIST_FOR_EACH(link, &space->regions)
	{
		struct region *region = REGION_OF(link);

		if (region->start >= start && region->end <= start + size)
			region->protection = protection;
	}
	/* Readable pages stay, without the permission to write: whether a write may
	 * go through, copying or not, is decided when it faults. */
	address = start;
	while (
		(address = arch_space_next(&space->arch, address, start + size)) < start + size) {
		arch_space_protect(&space->arch, address, protection & ~PAGE_WRITABLE);
		address += PAGE_SIZE;
	}
	return 0;
}

uintptr_t address_space_set_break(struct address_space *space, uintptr_t end)
{
	uintptr_t old = (space->break_end + PAGE_SIZE - 1) & ~(uintptr_t)(PAGE_SIZE - 1);
	uintptr_t new = (end + PAGE_SIZE - 1) & ~(uintptr_t)(PAGE_SIZE - 1);

	if (end < space->break_start || end > KERNEL_BASE - PAGE_SIZE)
		return space->break_end;
	if (new > old
		&& address_space_add(space, old, new - old, PAGE_READABLE | PAGE_WRITABLE) != 0)
		return space->break_end;
	if (new < old && address_space_remove(space, new, old - new) != 0)
		return space->break_end;
	return space->break_end = end;
}

/* ---- Whole spaces ------------------------------------------------------------ */

struct address_space *address_space_create(void)
{
	struct address_space *space = heap_allocate(sizeof *space);

	if (space == NULL)
		return NULL;
	list_init(&space->regions);
	if (arch_space_create(&space->arch) != 0) {
		heap_free(space);
		return NULL;
	}
	return space;
}

void address_space_destroy(struct address_space *space)
{
	LIST_FOR_EACH_SAFE(link, following, &space->regions)
	{
		struct region *region = REGION_OF(link);

		drop_pages(space, region->start, region->end);
		delete_region(region);
	}
	ASSERT(space->resident == 0);
	arch_space_destroy(&space->arch);
	heap_free(space);
}

static int clone_region(
	struct address_space *from, struct address_space *to, const struct region *region)
{
	struct region *copy = make_region(region->start, region->end, region->protection,
		region->shared, region->shared_first);
	uintptr_t address = region->start;

	if (copy == NULL)
		return -ENOMEM;
	list_add(&to->regions, &copy->link);
	if (region->shared != NULL)
		return 0; /* its pages come by faults, the same ones */
	while ((address = arch_space_next(&from->arch, address, region->end)) < region->end) {
		unsigned mapped;
		uint32_t page = arch_space_lookup(&from->arch, address, &mapped);
		int error = map_page(to, address, page, mapped & ~PAGE_WRITABLE);

		if (error != 0)
			return error;
		page_reference(page);
		if (mapped & PAGE_WRITABLE)
			arch_space_protect(&from->arch, address, mapped & ~PAGE_WRITABLE);
		address += PAGE_SIZE;
	}
	return 0;
}

struct address_space *address_space_clone(struct address_space *space)
{
	struct address_space *clone = address_space_create();

	if (clone == NULL)
		return NULL;
	clone->break_start = space->break_start;
	clone->break_end = space->break_end;
	clone->region_pages = space->region_pages;
	LIST_FOR_EACH(link, &space->regions)
	{
		if (clone_region(space, clone, REGION_OF(link)) != 0) {
			address_space_destroy(clone);
			return NULL;
		}
	}
	return clone;
}
