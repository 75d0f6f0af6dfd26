/*
 * Physical pages: a buddy allocator. See page_allocator.h.
 *
 * Called by the address spaces, the heap and the loader. Two rules hold
 * between calls: every block begins at a multiple of its size, so its buddy's
 * number differs from its own in one bit; and only the first page of a block
 * is PAGE_FREE or PAGE_USED, all others in it are PAGE_INSIDE. Splitting,
 * merging and allocating therefore never walk over the pages of a block.
 */
#include "kernel/page_allocator.h"

#include "kernel/arch.h"
#include "kernel/lock.h"
#include "kernel/panic.h"
#include "kernel/string.h"

enum page_state {
	PAGE_RESERVED, /* not the allocator's; 0, so that memset() makes it */
	PAGE_INSIDE,   /* within a block, free or used, but not its first page */
	PAGE_FREE,	   /* the first page of a free block */
	PAGE_USED,	   /* the first page of an allocated block */
};

static struct spinlock sLock = SPINLOCK("pages", RANK_PAGES);
static struct page *sPages;
static uint32_t sPageCount;
static uint32_t sFree;	/* pages */
static uint32_t sTotal; /* pages */

/* The first free block of each order, by page number, or PAGE_NONE. */
static uint32_t sFreeLists[PAGE_ORDER_MAX + 1];

static void push_free(uint32_t page, unsigned order)
{
	uint32_t first = sFreeLists[order];

	sPages[page].state = PAGE_FREE;
	sPages[page].order = (uint8_t)order;
	sPages[page].next = first;
	sPages[page].previous = PAGE_NONE;
	if (first != PAGE_NONE)
		sPages[first].previous = page;
	sFreeLists[order] = page;
}

/* Leaves the page's state for the caller to set. */
static void remove_free(uint32_t page, unsigned order)
{
	uint32_t next = sPages[page].next;
	uint32_t previous = sPages[page].previous;

	if (previous == PAGE_NONE)
		sFreeLists[order] = next;
	else
		sPages[previous].next = next;
	if (next != PAGE_NONE)
		sPages[next].previous = previous;
}

/* Puts a block whose first page is on no list among the free ones. */
static void add_block(uint32_t page, unsigned order)
{
	while (order < PAGE_ORDER_MAX) {
		uint32_t buddy = page ^ (1u << order);

		if (buddy >= sPageCount || sPages[buddy].state != PAGE_FREE
			|| sPages[buddy].order != order)
			break;
		remove_free(buddy, order);
		/* The upper of the two is now inside the larger block. */
		sPages[page | buddy].state = PAGE_INSIDE;
		page &= buddy;
		order++;
	}
	push_free(page, order);
}

void page_allocator_init(struct page *pages, uint32_t page_count)
{
	ASSERT(page_count <= PAGE_COUNT_MAX);

	sPages = pages;
	sPageCount = page_count;
	sFree = 0;
	sTotal = 0;
	for (unsigned order = 0; order <= PAGE_ORDER_MAX; order++)
		sFreeLists[order] = PAGE_NONE;
	memset(pages, 0, page_count * sizeof(*pages));
}

void page_allocator_add(uint32_t first_page, uint32_t count)
{
	if (first_page >= sPageCount)
		return;
	if (count > sPageCount - first_page)
		count = sPageCount - first_page;

	uint32_t end = first_page + count;
	uint32_t page = first_page;

	while (page < end) {
		if (sPages[page].state != PAGE_RESERVED) {
			page++;
			continue;
		}

		/* The largest block that may begin here: aligned, within the range,
		 * and with none of its pages given before. */
		unsigned order = 0;
		uint32_t size = 1;

		sPages[page].state = PAGE_INSIDE;
		while (order < PAGE_ORDER_MAX && (page & size) == 0) {
			uint32_t next = page + size;

			while (next < end && next < page + 2 * size
				   && sPages[next].state == PAGE_RESERVED)
				next++;
			if (next != page + 2 * size)
				break;
			for (next = page + size; next < page + 2 * size; next++)
				sPages[next].state = PAGE_INSIDE;
			order++;
			size *= 2;
		}
		add_block(page, order);
		sFree += size;
		sTotal += size;
		page += size;
	}
}

static uint32_t allocate(unsigned order)
{
	unsigned found = order;
	while (found <= PAGE_ORDER_MAX && sFreeLists[found] == PAGE_NONE)
		found++;
	if (found > PAGE_ORDER_MAX)
		return PAGE_NONE;

	uint32_t page = sFreeLists[found];
	ASSERT(sPages[page].state == PAGE_FREE && sPages[page].order == found);
	remove_free(page, found);

	/* What is too large is halved; the upper halves stay free. */
	while (found > order) {
		found--;
		push_free(page + (1u << found), found);
	}
	sPages[page].state = PAGE_USED;
	sPages[page].order = (uint8_t)order;
	sPages[page].references = 1;
	sFree -= 1u << order;
	return page * PAGE_SIZE;
}

uint32_t page_allocate(unsigned order)
{
	uint32_t physical;

	ASSERT(order <= PAGE_ORDER_MAX);
	spin_lock(&sLock);
	physical = allocate(order);
	spin_unlock(&sLock);
	return physical;
}

void page_free(uint32_t physical, unsigned order)
{
	uint32_t page = physical / PAGE_SIZE;

	ASSERT(physical % PAGE_SIZE == 0 && page < sPageCount);
	ASSERT(sPages[page].state == PAGE_USED);
	ASSERT(sPages[page].order == order);

	spin_lock(&sLock);
	sFree += 1u << order;
	add_block(page, order);
	spin_unlock(&sLock);
}

void page_reference(uint32_t physical)
{
	struct page *page = &sPages[physical / PAGE_SIZE];

	ASSERT(page->state == PAGE_USED && page->order == 0);
	ASSERT(page->references > 0 && page->references < UINT32_MAX);
	__atomic_add_fetch(&page->references, 1, __ATOMIC_RELAXED);
}

void page_release(uint32_t physical)
{
	struct page *page = &sPages[physical / PAGE_SIZE];

	ASSERT(page->state == PAGE_USED && page->order == 0 && page->references > 0);
	if (__atomic_sub_fetch(&page->references, 1, __ATOMIC_ACQ_REL) == 0)
		page_free(physical, 0);
}

uint32_t page_references(uint32_t physical)
{
	return __atomic_load_n(&sPages[physical / PAGE_SIZE].references, __ATOMIC_ACQUIRE);
}

bool page_keep(uint32_t physical, uint32_t count)
{
	uint32_t first = physical / PAGE_SIZE;
	bool all_reserved = first < sPageCount && count <= sPageCount - first;
	uint32_t i;

	ASSERT(physical % PAGE_SIZE == 0);
	spin_lock(&sLock);
	for (i = 0; i < count && all_reserved; i++)
		all_reserved = sPages[first + i].state == PAGE_RESERVED;
	for (i = 0; i < count && all_reserved; i++)
		sPages[first + i] = (struct page){.state = PAGE_USED, .references = 1};
	spin_unlock(&sLock);
	return all_reserved;
}

uint32_t page_free_count(void)
{
	return sFree;
}

uint32_t page_total_count(void)
{
	return sTotal;
}
