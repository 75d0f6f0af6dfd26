/*
 * Physical pages: a buddy allocator over up to 768 MiB, in blocks of 2^order
 * pages that are contiguous and aligned to their size.
 *
 * It has a lock of its own; interrupt handlers do not allocate. It touches only
 * its own metadata, never the pages.
 */
#pragma once

#include <postern/types.h>

/* The largest block: 2^10 pages, 4 MiB. */
#define PAGE_ORDER_MAX 10
/* The most pages: 768 MiB. */
#define PAGE_COUNT_MAX (768u * 256u)
/* No page: page_allocate() has none left. */
#define PAGE_NONE 0xffffffffu

/* What is known of one page: for page_allocator.c only. */
struct page {
	union {
		uint32_t next;		 /* on the list of free blocks of its order */
		uint32_t references; /* of a single page in use: who maps it */
	};
	uint32_t previous; /* as next */
	uint8_t state;
	uint8_t order;
};

/*
 * Starts over with the pages 0 to page_count - 1, all of them reserved. `pages`
 * is an array of page_count elements, which the allocator keeps; page_count is
 * at most PAGE_COUNT_MAX.
 */
void page_allocator_init(struct page *pages, uint32_t page_count);

/*
 * Gives the pages first_page to first_page + count - 1 (numbers, not
 * addresses) to the allocator. Those beyond page_count, and those given before,
 * are passed over: firmware's memory maps are long and do overlap.
 */
void page_allocator_add(uint32_t first_page, uint32_t count);

/*
 * Allocates 2^order pages. Returns the physical address of the first, with
 * their contents as they happen to be, or PAGE_NONE. `order` is at most
 * PAGE_ORDER_MAX.
 */
uint32_t page_allocate(unsigned order);

/*
 * Gives back what page_allocate(order) returned, whole. Debug builds panic
 * when it was not allocated, already freed, or of another order.
 */
void page_free(uint32_t physical, unsigned order);

/*
 * A single page (order 0) may be used in several places, as copy-on-write
 * does: page_allocate() leaves it with one reference, page_reference() adds
 * one, page_release() takes one away and frees the page with the last.
 */
void page_reference(uint32_t physical);
void page_release(uint32_t physical);
uint32_t page_references(uint32_t physical);

/*
 * Makes `count` pages that are not the allocator's single ones in use, with a
 * reference that nobody gives back: so what lies in a boot module can be mapped
 * like all else, and is never free. False, and nothing is changed, when one of
 * them is the allocator's already.
 */
bool page_keep(uint32_t physical, uint32_t count);

/* Pages that are free; pages that the allocator was given at all. */
uint32_t page_free_count(void);
uint32_t page_total_count(void);
