// build: kernel/page_allocator.c tests/host/locks.c -DPOSTERN_DEBUG=1
/*
 * kernel/page_allocator.c against a model that knows the owner of each page:
 * random ranges given, blocks taken and freed. Whenever the allocator says that
 * it has none, the model looks for one itself. Assertions are caught.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include "check.h"
#include "kernel/arch.h"
#include "kernel/page_allocator.h"
#include "kernel/panic.h"

#define BLOCKS_MAX 4096

enum owner { OWNER_NOBODY, OWNER_ALLOCATOR, OWNER_BLOCK };

static jmp_buf sPanicked;
static uint8_t sOwners[PAGE_COUNT_MAX];
static uint32_t sCount;
static struct {
	uint32_t physical;
	unsigned order;
} sBlocks[BLOCKS_MAX];
static size_t sBlockCount;

void panic(const char *format, ...)
{
	(void)format;
	longjmp(sPanicked, 1);
}

static uint32_t random_below(uint32_t limit)
{
	return ((uint32_t)rand() << 15 ^ (uint32_t)rand()) % limit;
}

static uint32_t count_owned(enum owner owner)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < sCount; i++)
		count += sOwners[i] == owner;
	return count;
}

/* Whether the model has a free aligned block of 2^order pages. */
static bool has_free_block(unsigned order)
{
	uint32_t size = 1u << order;

	for (uint32_t page = 0; page + size <= sCount; page += size) {
		uint32_t i = 0;

		while (i < size && sOwners[page + i] == OWNER_ALLOCATOR)
			i++;
		if (i == size)
			return true;
	}
	return false;
}

static void add(uint32_t first, uint32_t count)
{
	page_allocator_add(first, count);
	for (uint32_t i = first; i < sCount && i - first < count; i++) {
		if (sOwners[i] == OWNER_NOBODY)
			sOwners[i] = OWNER_ALLOCATOR;
	}
}

/* Returns false when there was no block. */
static bool allocate(unsigned order)
{
	uint32_t size = 1u << order;
	uint32_t physical = page_allocate(order);

	if (physical == PAGE_NONE) {
		CHECK(!has_free_block(order));
		return false;
	}

	uint32_t page = physical / PAGE_SIZE;
	CHECK(physical % (size * PAGE_SIZE) == 0);
	if (page + size > sCount) {
		CHECK(page + size <= sCount);
		return false;
	}
	for (uint32_t i = 0; i < size; i++) {
		if (sOwners[page + i] != OWNER_ALLOCATOR) {
			CHECK(sOwners[page + i] == OWNER_ALLOCATOR);
			break;
		}
	}
	memset(sOwners + page, OWNER_BLOCK, size);
	sBlocks[sBlockCount].physical = physical;
	sBlocks[sBlockCount++].order = order;
	return true;
}

static void release(size_t index)
{
	uint32_t page = sBlocks[index].physical / PAGE_SIZE;

	page_free(sBlocks[index].physical, sBlocks[index].order);
	memset(sOwners + page, OWNER_ALLOCATOR, 1u << sBlocks[index].order);
	sBlocks[index] = sBlocks[--sBlockCount];
}

static void check_counts(void)
{
	uint32_t free_pages = count_owned(OWNER_ALLOCATOR);

	CHECK_NUMBER(page_free_count(), free_pages);
	CHECK_NUMBER(page_total_count(), free_pages + count_owned(OWNER_BLOCK));
}

/* With everything free, every block that could be there is: all were merged. */
static void check_merged(void)
{
	static uint8_t saved[PAGE_COUNT_MAX];

	memcpy(saved, sOwners, sCount);
	while (allocate(PAGE_ORDER_MAX))
		;
	while (sBlockCount > 0)
		release(sBlockCount - 1);
	CHECK(memcmp(saved, sOwners, sCount) == 0);
}

static void start(struct page *pages, uint32_t count)
{
	sCount = count;
	sBlockCount = 0;
	memset(sOwners, OWNER_NOBODY, sizeof(sOwners));
	/* Whatever was there before must not matter. */
	memset(pages, 0xee, count * sizeof(*pages));
	page_allocator_init(pages, count);
	check_counts();
	CHECK(page_allocate(0) == PAGE_NONE);
}

static void test_random(uint32_t count)
{
	/* Just enough, so that the sanitizers see a page too far. */
	struct page *pages = malloc(count * sizeof(*pages));

	start(pages, count);
	for (int i = 0; i < 6; i++) {
		uint32_t first = random_below(count + 10);

		add(first, random_below(i < 3 ? count : 40) + 1);
	}
	add(count, 1);
	add(0xfffffff0, 0xffffffff);
	add(count / 2, 0);
	check_counts();
	check_merged();

	for (int i = 0; i < 6000; i++) {
		/* Now more is taken, now more given back. */
		bool take = random_below(100) < (i / 1000 % 2 ? 35u : 65u);

		if (take && sBlockCount < BLOCKS_MAX) {
			unsigned order = random_below(random_below(PAGE_ORDER_MAX + 1) + 1);

			allocate(order);
		} else if (sBlockCount > 0)
			release(random_below((uint32_t)sBlockCount));
		if (i % 100 == 0)
			check_counts();
		if (i % 2000 == 0)
			add(random_below(count), 5);
	}
	while (sBlockCount > 0)
		release(random_below((uint32_t)sBlockCount));
	check_counts();
	check_merged();

	/* To the last page, and one more. */
	if (count <= BLOCKS_MAX) {
		while (allocate(0))
			;
		CHECK_NUMBER(page_free_count(), 0);
		while (sBlockCount > 0)
			release(sBlockCount - 1);
		check_counts();
		check_merged();
	}
	free(pages);
}

static void test_all_of_memory(void)
{
	struct page *pages = malloc(PAGE_COUNT_MAX * sizeof(*pages));

	start(pages, PAGE_COUNT_MAX);
	add(0, 0xffffffff);
	CHECK_NUMBER(page_free_count(), PAGE_COUNT_MAX);
	check_merged();
	CHECK_NUMBER(page_allocate(PAGE_ORDER_MAX) % (4u << 20), 0);
	free(pages);
}

/* Pages that are kept are counted like others, and never free. */
static void test_kept(void)
{
	static struct page pages[64];
	uint32_t i;

	start(pages, 64);
	page_allocator_add(16, 32);
	CHECK(!page_keep(10 * PAGE_SIZE, 7)); /* into what is the allocator's, */
	CHECK(!page_keep(60 * PAGE_SIZE, 5)); /* beyond the end, */
	CHECK(!page_keep(64 * PAGE_SIZE, 1)); /* or wholly there */
	CHECK(!page_keep(UINT32_MAX / PAGE_SIZE * PAGE_SIZE, 2));
	CHECK(page_keep(10 * PAGE_SIZE, 6));
	CHECK(!page_keep(12 * PAGE_SIZE, 1));
	CHECK(page_keep(50 * PAGE_SIZE, 14));
	CHECK_NUMBER(page_free_count(), 32);
	CHECK_NUMBER(page_total_count(), 32);
	/* Of a program's page there may be more mappings than 16 bits count. */
	for (i = 0; i < 100000; i++)
		page_reference(63 * PAGE_SIZE);
	CHECK_NUMBER(page_references(63 * PAGE_SIZE), 100001);
	for (i = 0; i < 100000; i++)
		page_release(63 * PAGE_SIZE);
	CHECK_NUMBER(page_references(63 * PAGE_SIZE), 1);
	/* Given later, as maps that overlap do, they stay what they are. */
	page_allocator_add(0, 64);
	CHECK_NUMBER(page_free_count(), 32 + 10 + 2);
	CHECK_NUMBER(page_references(15 * PAGE_SIZE), 1);
}

#define CHECK_PANIC(statement)                                                           \
	do {                                                                                 \
		volatile bool panicked = true;                                                   \
		if (setjmp(sPanicked) == 0) {                                                    \
			statement;                                                                   \
			panicked = false;                                                            \
		}                                                                                \
		sChecks++;                                                                       \
		if (!panicked) {                                                                 \
			printf("%s:%d: no panic: %s\n", __FILE__, __LINE__, #statement);             \
			sFailures++;                                                                 \
		}                                                                                \
	} while (0)

static void test_assertions(void)
{
	static struct page pages[64];

	start(pages, 64);
	page_allocator_add(16, 32);

	uint32_t single = page_allocate(0);
	uint32_t block = page_allocate(3);
	CHECK(single != PAGE_NONE && block != PAGE_NONE);

	CHECK_PANIC(page_free(0, 0));			   /* never given */
	CHECK_PANIC(page_free(64 * PAGE_SIZE, 0)); /* beyond */
	CHECK_PANIC(page_free(PAGE_NONE, 0));
	CHECK_PANIC(page_free(single + 1, 0)); /* no page's address */
	CHECK_PANIC(page_free(single, 1));	   /* of another order */
	CHECK_PANIC(page_free(block, 0));
	CHECK_PANIC(page_free(block + PAGE_SIZE, 0)); /* not its first page */
	CHECK_PANIC(page_allocate(PAGE_ORDER_MAX + 1));
	CHECK_PANIC(page_allocator_init(pages, PAGE_COUNT_MAX + 1));

	page_free(single, 0);
	CHECK_PANIC(page_free(single, 0)); /* twice */
	page_free(block, 3);
	CHECK_PANIC(page_free(block, 3));
	CHECK_NUMBER(page_free_count(), 32);
}

int main(void)
{
	static const uint32_t kCounts[] = {1, 2, 7, 64, 1000, 1024, 4096, 5000, 32768};

	srand(1);
	for (size_t i = 0; i < sizeof(kCounts) / sizeof(kCounts[0]); i++)
		test_random(kCounts[i]);
	test_all_of_memory();
	test_kept();
	test_assertions();
	return check_result();
}
