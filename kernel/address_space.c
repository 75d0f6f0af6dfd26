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

/* Which page a shared region's place has; nothing is allocated under it. */
static struct spinlock sSharedLock = SPINLOCK("shared pages", RANK_SHARED);
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

unsigned address_space_query(struct address_space *space, uintptr_t address)
{
	const struct region *region;
	unsigned protection;

	mutex_lock(&space->mutex);
	region = find_region(space, address);
	protection = region != NULL ? region->protection : 0;
	mutex_unlock(&space->mutex);
	return protection;
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

/*
 * A page may be used again only when no processor remembers it here: so many
 * are taken out at a time, then forgotten, then released.
 */
static void drop_pages(struct address_space *space, uintptr_t start, uintptr_t end)
{
	uint32_t pages[ARCH_FLUSH_PAGES];
	struct arch_flush flush;
	uintptr_t address = start;
	unsigned i, count;

	flush.count = 0;
	do {
		for (count = 0; count < ARCH_FLUSH_PAGES; count++) {
			address = arch_space_next(&space->arch, address, end);
			if (address >= end)
				break;
			pages[count] = arch_space_unmap(&space->arch, address);
			arch_flush_add(&flush, address);
			address += PAGE_SIZE;
		}
		arch_space_flush(&space->arch, &flush);
		for (i = 0; i < count; i++)
			page_release(pages[i]);
		space->resident -= count;
	} while (count == ARCH_FLUSH_PAGES);
}

static int map_page(struct address_space *space, struct region *region, uintptr_t address,
	uint32_t page, unsigned protection)
{
	int error = arch_space_map(&space->arch, address, page, protection);

	if (error == 0) {
		space->resident++;
		if (address < region->mapped_start)
			region->mapped_start = address;
		if (address + PAGE_SIZE > region->mapped_end)
			region->mapped_end = address + PAGE_SIZE;
	}
	return error;
}

static uint32_t zero_page(void)
{
	uint32_t page = page_allocate(0);

	if (page != PAGE_NONE)
		memset(arch_physical_to_virtual(page), 0, PAGE_SIZE);
	return page;
}

static uint32_t copy_of(uint32_t page)
{
	uint32_t copy = page_allocate(0);

	if (copy != PAGE_NONE)
		memcpy(arch_physical_to_virtual(copy), arch_physical_to_virtual(page), PAGE_SIZE);
	return copy;
}

/* The page at a place of a shared region, made at the first touch; or PAGE_NONE. */
static uint32_t shared_page(struct shared_pages *shared, uint32_t index)
{
	uint32_t page = __atomic_load_n(&shared->pages[index], __ATOMIC_ACQUIRE);
	uint32_t fresh;

	if (page != PAGE_NONE)
		return page;
	fresh = zero_page();
	if (fresh == PAGE_NONE)
		return PAGE_NONE;
	spin_lock(&sSharedLock);
	page = shared->pages[index];
	if (page == PAGE_NONE)
		shared->pages[index] = page = fresh;
	spin_unlock(&sSharedLock);
	if (page != fresh) /* another process was first */
		page_release(fresh);
	return page;
}

/* 0 or -ENOMEM, as the next one. */
static int fault_absent(
	struct address_space *space, struct region *region, uintptr_t address)
{
	uint32_t page;
	int error;

	if (region->shared != NULL) {
		page = shared_page(
			region->shared, region->shared_first + (address - region->start) / PAGE_SIZE);
		if (page != PAGE_NONE)
			page_reference(page);
	} else {
		page = zero_page();
	}
	if (page == PAGE_NONE)
		return -ENOMEM;
	error = map_page(space, region, address, page, region->protection);
	if (error != 0)
		page_release(page);
	return error;
}

static int fault_copy(struct address_space *space, const struct region *region,
	uintptr_t address, uint32_t page)
{
	struct arch_flush flush;
	uint32_t copy;

	/* Nobody else has it, and only who holds this space's mutex could give it
	 * away. */
	if (region->shared != NULL || page_references(page) == 1) {
		arch_space_protect(&space->arch, address, region->protection);
		return 0;
	}
	copy = copy_of(page);
	if (copy == PAGE_NONE)
		return -ENOMEM;
	/* While it is no processor's, so that none reads the old one still when another
	 * writes to the copy. */
	arch_space_unmap(&space->arch, address);
	flush.count = 0;
	arch_flush_add(&flush, address);
	arch_space_flush(&space->arch, &flush);
	/* The table is there: the page was mapped. */
	arch_space_map(&space->arch, address, copy, region->protection);
	page_release(page);
	return 0;
}

static int resolve(struct address_space *space, uintptr_t address, unsigned access)
{
	struct region *region = find_region(space, address);
	unsigned mapped;
	uint32_t page;

	access |= PAGE_READABLE;
	address &= ~(uintptr_t)(PAGE_SIZE - 1);
	if (region == NULL || (region->protection & access) != access)
		return -EFAULT;
	page = arch_space_lookup(&space->arch, address, &mapped);
	if (page == PAGE_NONE)
		return fault_absent(space, region, address);
	if ((access & PAGE_WRITABLE) && !(mapped & PAGE_WRITABLE))
		return fault_copy(space, region, address, page);
	return 0;
}

int address_space_fault(struct address_space *space, uintptr_t address, unsigned access)
{
	int error;

	mutex_lock(&space->mutex);
	error = resolve(space, address, access);
	mutex_unlock(&space->mutex);
	return error;
}

int address_space_put(
	struct address_space *space, uintptr_t address, const uint32_t *pages, unsigned count)
{
	struct region *region = NULL;
	int error = 0;
	unsigned i;

	mutex_lock(&space->mutex);
	for (i = 0; i < count; i++, address += PAGE_SIZE) {
		if (region == NULL || address >= region->end)
			region = find_region(space, address);
		ASSERT(region != NULL && region->shared == NULL);
		if (error == 0)
			error = map_page(
				space, region, address, pages[i], region->protection & ~PAGE_WRITABLE);
		if (error != 0)
			page_release(pages[i]);
	}
	mutex_unlock(&space->mutex);
	return error;
}

void *address_space_reach(struct address_space *space, uintptr_t address)
{
	uintptr_t offset = address % PAGE_SIZE;
	struct region *region;
	unsigned mapped;
	uint32_t page;
	int error = 0;

	mutex_lock(&space->mutex);
	region = find_region(space, address);
	ASSERT(region != NULL && region->shared == NULL);
	page = arch_space_lookup(&space->arch, address - offset, &mapped);
	if (page == PAGE_NONE)
		error = fault_absent(space, region, address - offset);
	else if (page_references(page) > 1) /* never its own to write to */
		error = fault_copy(space, region, address - offset, page);
	if (error == 0)
		page = arch_space_lookup(&space->arch, address - offset, &mapped);
	mutex_unlock(&space->mutex);
	return error == 0 ? (char *)arch_physical_to_virtual(page) + offset : NULL;
}

/* ---- Regions --------------------------------------------------------------- */

static void shared_release(struct shared_pages *shared)
{
	uint32_t i;

	if (shared == NULL
		|| __atomic_sub_fetch(&shared->references, 1, __ATOMIC_ACQ_REL) > 0)
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
		.shared_first = shared_first,
		.mapped_start = UINTPTR_MAX};
	list_init(&region->link);
	if (shared != NULL)
		__atomic_add_fetch(&shared->references, 1, __ATOMIC_RELAXED);
	return region;
}

static void delete_region(struct region *region)
{
	list_remove(&region->link);
	shared_release(region->shared);
	heap_free(region);
}

/* 0 where a region fits, with *_above what lies above it; else add_region()'s errors. */
static int check_room(
	struct address_space *space, uintptr_t start, size_t size, struct list **_above)
{
	struct list *above;

	if (!range_valid(start, size))
		return -EINVAL;
	*_above = above = first_above(space, start);
	if (above != &space->regions && REGION_OF(above)->start < start + size)
		return -EEXIST;
	if (size / PAGE_SIZE > sPageLimit - space->region_pages)
		return -ENOMEM;
	return 0;
}

static int add_region(struct address_space *space, uintptr_t start, size_t size,
	unsigned protection, struct shared_pages *shared, bool is_made)
{
	struct list *above;
	struct region *region;
	int error = check_room(space, start, size, &above);

	if (error != 0)
		return error;
	region = make_region(start, start + size, protection, shared, 0);
	if (region == NULL)
		return -ENOMEM;
	region->is_made = is_made;
	space->region_pages += size / PAGE_SIZE;
	list_insert_before(&region->link, above);
	return 0;
}

/* Made by the program itself: with pages of its own, or with ones that clones share. */
static int add_kind(struct address_space *space, uintptr_t start, size_t size,
	unsigned protection, bool shared)
{
	struct shared_pages *pages;
	uint32_t i;
	int error;

	if (!shared)
		return add_region(space, start, size, protection, NULL, true);
	if (!range_valid(start, size))
		return -EINVAL;
	pages = heap_allocate(sizeof *pages + size / PAGE_SIZE * sizeof pages->pages[0]);
	if (pages == NULL)
		return -ENOMEM;
	pages->count = size / PAGE_SIZE;
	for (i = 0; i < pages->count; i++)
		pages->pages[i] = PAGE_NONE;
	error = add_region(space, start, size, protection, pages, true);
	if (error != 0)
		heap_free(pages);
	return error;
}

int address_space_add(
	struct address_space *space, uintptr_t start, size_t size, unsigned protection)
{
	int error;

	mutex_lock(&space->mutex);
	error = add_region(space, start, size, protection, NULL, false);
	mutex_unlock(&space->mutex);
	return error;
}

static uintptr_t find_free(const struct address_space *space, size_t size)
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

uintptr_t address_space_add_anywhere(struct address_space *space, size_t size,
	size_t guard, unsigned protection, bool shared)
{
	uintptr_t start;

	mutex_lock(&space->mutex);
	start = find_free(space, size + guard);
	if (start != 0) {
		start += guard;
		if (add_kind(space, start, size, protection, shared) != 0)
			start = 0;
	}
	mutex_unlock(&space->mutex);
	return start;
}

bool address_space_locate(struct address_space *space, uintptr_t address,
	const void **_owner, uint32_t *_offset)
{
	const struct region *region;
	bool is_readable;

	mutex_lock(&space->mutex);
	region = find_region(space, address);
	is_readable = region != NULL && (region->protection & PAGE_READABLE);
	if (!is_readable) {
		*_owner = NULL;
	} else if (region->shared != NULL) {
		*_owner = region->shared;
		*_offset = region->shared_first * PAGE_SIZE + (uint32_t)(address - region->start);
	} else {
		*_owner = space;
		*_offset = (uint32_t)address;
	}
	mutex_unlock(&space->mutex);
	return is_readable;
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
	upper->is_made = region->is_made;
	region->end = address;
	upper->mapped_start = region->mapped_start > address ? region->mapped_start : address;
	upper->mapped_end = region->mapped_end;
	if (region->mapped_end > address)
		region->mapped_end = address;
	list_insert_before(&upper->link, region->link.next);
	return 0;
}

static void remove_region(struct address_space *space, struct region *region)
{
	space->region_pages -= (region->end - region->start) / PAGE_SIZE;
	drop_pages(space, region->mapped_start, region->mapped_end);
	delete_region(region);
}

static int remove(struct address_space *space, uintptr_t start, size_t size)
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

		if (region->start >= start && region->end <= start + size)
			remove_region(space, region);
	}
	return 0;
}

int address_space_remove(struct address_space *space, uintptr_t start, size_t size)
{
	int error;

	mutex_lock(&space->mutex);
	error = remove(space, start, size);
	mutex_unlock(&space->mutex);
	return error;
}

int address_space_replace(struct address_space *space, uintptr_t start, size_t size,
	unsigned protection, bool shared)
{
	int error;

	mutex_lock(&space->mutex);
	error = remove(space, start, size);
	if (error == 0)
		error = add_kind(space, start, size, protection, shared);
	mutex_unlock(&space->mutex);
	return error;
}

static uintptr_t set_break(struct address_space *space, uintptr_t end);

void address_space_remove_made(struct address_space *space)
{
	mutex_lock(&space->mutex);
	LIST_FOR_EACH_SAFE(link, following, &space->regions)
	{
		if (REGION_OF(link)->is_made)
			remove_region(space, REGION_OF(link));
	}
	set_break(space, space->break_start);
	mutex_unlock(&space->mutex);
}

static int protect(
	struct address_space *space, uintptr_t start, size_t size, unsigned protection)
{
	struct arch_flush flush;
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
	flush.count = 0;
	address = start;
	while (
		(address = arch_space_next(&space->arch, address, start + size)) < start + size) {
		arch_space_protect(&space->arch, address, protection & ~PAGE_WRITABLE);
		arch_flush_add(&flush, address);
		address += PAGE_SIZE;
	}
	arch_space_flush(&space->arch, &flush);
	return 0;
}

int address_space_protect(
	struct address_space *space, uintptr_t start, size_t size, unsigned protection)
{
	int error;

	mutex_lock(&space->mutex);
	error = protect(space, start, size, protection);
	mutex_unlock(&space->mutex);
	return error;
}

/* More of the memory that ends at `old`: of the same region, as a heap that grows by
 * small steps would have thousands. */
static int grow_break(struct address_space *space, uintptr_t old, size_t size)
{
	const unsigned protection = PAGE_READABLE | PAGE_WRITABLE;
	struct region *region =
		old > space->break_start ? find_region(space, old - PAGE_SIZE) : NULL;
	struct list *above;
	int error;

	if (region == NULL || region->end != old || region->shared != NULL
		|| region->protection != protection)
		return add_region(space, old, size, protection, NULL, false);
	error = check_room(space, old, size, &above);
	if (error == 0) {
		region->end += size;
		space->region_pages += size / PAGE_SIZE;
	}
	return error;
}

static uintptr_t set_break(struct address_space *space, uintptr_t end)
{
	uintptr_t old = (space->break_end + PAGE_SIZE - 1) & ~(uintptr_t)(PAGE_SIZE - 1);
	uintptr_t new = (end + PAGE_SIZE - 1) & ~(uintptr_t)(PAGE_SIZE - 1);

	if (end < space->break_start || end > KERNEL_BASE - PAGE_SIZE)
		return space->break_end;
	if (new > old && grow_break(space, old, new - old) != 0)
		return space->break_end;
	if (new < old && remove(space, new, old - new) != 0)
		return space->break_end;
	return space->break_end = end;
}

uintptr_t address_space_set_break(struct address_space *space, uintptr_t end)
{
	mutex_lock(&space->mutex);
	end = set_break(space, end);
	mutex_unlock(&space->mutex);
	return end;
}

/* ---- Whole spaces ------------------------------------------------------------ */

struct address_space *address_space_create(void)
{
	struct address_space *space = heap_allocate(sizeof *space);

	if (space == NULL)
		return NULL;
	mutex_init(&space->mutex, "address space");
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

		drop_pages(space, region->mapped_start, region->mapped_end);
		delete_region(region);
	}
	ASSERT(space->resident == 0);
	arch_space_destroy(&space->arch);
	heap_free(space);
}

/* A page of private memory: both have it from now on, or each one of its own. */
static int clone_page(struct address_space *from, struct address_space *to,
	struct region *region, uintptr_t address, bool is_copied, struct arch_flush *flush)
{
	unsigned mapped;
	uint32_t page = arch_space_lookup(&from->arch, address, &mapped);
	int error;

	if (is_copied) {
		page = copy_of(page);
		if (page == PAGE_NONE)
			return -ENOMEM;
		error = map_page(to, region, address, page, region->protection);
	} else {
		page_reference(page);
		error = map_page(to, region, address, page, mapped & ~PAGE_WRITABLE);
	}
	if (error != 0) {
		page_release(page);
		return error;
	}
	if (!is_copied && (mapped & PAGE_WRITABLE)) {
		arch_space_protect(&from->arch, address, mapped & ~PAGE_WRITABLE);
		arch_flush_add(flush, address);
	}
	return 0;
}

static int clone_region(struct address_space *from, struct address_space *to,
	const struct region *region, uintptr_t written, struct arch_flush *flush)
{
	struct region *copy = make_region(region->start, region->end, region->protection,
		region->shared, region->shared_first);
	uintptr_t address = region->mapped_start;

	if (copy == NULL)
		return -ENOMEM;
	copy->is_made = region->is_made;
	list_add(&to->regions, &copy->link);
	if (region->shared != NULL)
		return 0; /* its pages come by faults, the same ones */
	while ((address = arch_space_next(&from->arch, address, region->mapped_end))
		   < region->mapped_end) {
		bool is_copied =
			written - address < PAGE_SIZE && (region->protection & PAGE_WRITABLE);
		int error = clone_page(from, to, copy, address, is_copied, flush);

		if (error != 0)
			return error;
		address += PAGE_SIZE;
	}
	return 0;
}

struct address_space *address_space_clone(struct address_space *space, uintptr_t written)
{
	struct address_space *clone = address_space_create();
	struct arch_flush flush;
	int error = 0;

	if (clone == NULL)
		return NULL;
	flush.count = 0;
	mutex_lock(&space->mutex);
	clone->break_start = space->break_start;
	clone->break_end = space->break_end;
	clone->region_pages = space->region_pages;
	LIST_FOR_EACH(link, &space->regions)
	{
		if (error == 0)
			error = clone_region(space, clone, REGION_OF(link), written, &flush);
	}
	/* Until here other threads could go on writing to what is shared now. */
	arch_space_flush(&space->arch, &flush);
	mutex_unlock(&space->mutex);
	if (error != 0) {
		address_space_destroy(clone);
		return NULL;
	}
	return clone;
}
