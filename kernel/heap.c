/*
 * The heap; see heap.h. Sizes up to half a page are rounded up to a class;
 * a page holds objects of one class behind a header, and pages of a class with
 * room are on a list. A page with nothing in it goes back at once, so that
 * the free count is what it was when all is given back.
 */
#include "kernel/heap.h"
#include "kernel/arch.h"
#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/page_allocator.h"
#include "kernel/panic.h"
#include "kernel/string.h"

#define HEAP_MAGIC 0x68656170u /* 'heap' */
#define CLASS_LARGE 0xffu

/* At the start of every page, or run of pages, that the heap has. */
struct heap_page {
	uint32_t magic;
	uint8_t class;	  /* index into kClassSizes, or CLASS_LARGE */
	uint8_t order;	  /* of a large object's run */
	uint16_t used;	  /* objects */
	struct list link; /* among pages of the class with room */
	void *free;		  /* the first object given back, each pointing at the next */
	char *next;		  /* the first that was never given out */
	uint32_t reserved[2];
};

_Static_assert(sizeof(struct heap_page) % 32 == 0,
	"objects behind it stay aligned, to 32 where their class is a multiple of that");

static const uint16_t kClassSizes[] = {16, 32, 64, 128, 256, 512, 1008, 2016};
#define CLASS_COUNT (sizeof kClassSizes / sizeof kClassSizes[0])

static struct spinlock sLock = SPINLOCK("heap", RANK_HEAP);
static struct list sPages[CLASS_COUNT];
static bool sReady;

static void prepare(void)
{
	for (unsigned i = 0; i < CLASS_COUNT; i++)
		list_init(&sPages[i]);
	sReady = true;
}

static struct heap_page *take_pages(unsigned order)
{
	uint32_t physical = page_allocate(order);
	struct heap_page *page;

	if (physical == PAGE_NONE)
		return NULL;
	page = arch_physical_to_virtual(physical);
	*page = (struct heap_page){.magic = HEAP_MAGIC, .order = (uint8_t)order};
	list_init(&page->link);
	return page;
}

static struct heap_page *make_class_page(unsigned class)
{
	struct heap_page *page = take_pages(0);

	if (page == NULL)
		return NULL;
	page->class = (uint8_t) class;
	page->next = (char *)(page + 1);
	list_add(&sPages[class], &page->link);
	return page;
}

/* Objects are cut off a page one by one, when they are first wanted. */
static bool is_full(const struct heap_page *page)
{
	return page->free == NULL
		   && page->next + kClassSizes[page->class] > (const char *)page + PAGE_SIZE;
}

static void *allocate_small(unsigned class)
{
	struct heap_page *page;
	void *object;

	if (!list_empty(&sPages[class]))
		page = LIST_ENTRY(sPages[class].next, struct heap_page, link);
	else if ((page = make_class_page(class)) == NULL)
		return NULL;
	if (page->free != NULL) {
		object = page->free;
		page->free = *(void **)object;
	} else {
		object = page->next;
		page->next += kClassSizes[class];
	}
	page->used++;
	if (is_full(page))
		list_remove(&page->link);
	return object;
}

static void *allocate_large(size_t size)
{
	unsigned order = 0;
	struct heap_page *page;

	while (order <= PAGE_ORDER_MAX && (PAGE_SIZE << order) - sizeof *page < size)
		order++;
	if (order > PAGE_ORDER_MAX || (page = take_pages(order)) == NULL)
		return NULL;
	page->class = CLASS_LARGE;
	return page + 1;
}

void *heap_allocate(size_t size)
{
	unsigned class = 0;
	void *object;

	spin_lock(&sLock);
	if (!sReady)
		prepare();
	while (class < CLASS_COUNT && kClassSizes[class] < size)
		class ++;
	object = class < CLASS_COUNT ? allocate_small(class) : allocate_large(size);
	spin_unlock(&sLock);
	if (object != NULL)
		memset(object, 0, size);
	return object;
}

void heap_free(void *object)
{
	struct heap_page *page;

	if (object == NULL)
		return;
	/* A large object begins right behind the header of its run's first page. */
	page = (struct heap_page *)((uintptr_t)object & ~(uintptr_t)(PAGE_SIZE - 1));
	spin_lock(&sLock);
	ASSERT(page->magic == HEAP_MAGIC);
	if (page->class == CLASS_LARGE) {
		page->magic = 0;
		page_free(arch_virtual_to_physical(page), page->order);
	} else {
		if (is_full(page))
			list_add(&sPages[page->class], &page->link);
		*(void **)object = page->free;
		page->free = object;
		if (--page->used == 0) {
			list_remove(&page->link);
			page->magic = 0;
			page_free(arch_virtual_to_physical(page), 0);
		}
	}
	spin_unlock(&sLock);
}
