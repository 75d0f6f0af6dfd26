/*
 * Address spaces: what a process has mapped, as regions, and the pages behind
 * them, which come on demand. arch/i386/paging.c keeps the page tables.
 *
 * Called by system calls and by the page-fault handler. Each space has a mutex,
 * which these functions take themselves: a thread of the process may fault while
 * another one maps. Who holds it touches no user memory.
 */
#pragma once

#include "kernel/arch.h"
#include "kernel/list.h"
#include "kernel/lock.h"
#include <postern/types.h>

/* A region's pages, where several address spaces have the same ones. */
struct shared_pages {
	uint32_t references; /* regions */
	uint32_t count;		 /* pages */
	uint32_t pages[];	 /* physical; PAGE_NONE until the first touch */
};

struct region {
	struct list link; /* by rising address */
	uintptr_t start;  /* page-aligned */
	uintptr_t end;
	unsigned protection;		 /* PAGE_READABLE and so on */
	struct shared_pages *shared; /* NULL: private, copied on write */
	uint32_t shared_first;		 /* the page of `shared` that is at `start` */
	bool is_made;				 /* by the program itself, which was loaded without it */
	uintptr_t mapped_start;		 /* no page outside of these is mapped, so that a copy */
	uintptr_t mapped_end;		 /* and the end need not look at whole page tables */
};

struct address_space {
	struct mutex mutex;
	struct arch_space arch;
	struct list regions;
	uint32_t resident;	   /* pages mapped */
	uint32_t region_pages; /* of all regions, touched or not */
	uintptr_t break_start; /* what brk() moves: see address_space_set_break() */
	uintptr_t break_end;
};

/* From now on, no more than so many MiB of regions in each; 0: no limit. */
void address_space_set_limit(uint32_t mebibytes);

/* An empty one; NULL when there is no memory. */
struct address_space *address_space_create(void);

/* Gives back all its pages. No thread may use it any more. */
void address_space_destroy(struct address_space *space);

/*
 * A copy for a child process. Private pages are shared until one side writes,
 * but the one at `written`, which both are about to write to, is copied at once.
 * NULL when there is no memory; then `space` is as it was.
 */
struct address_space *address_space_clone(struct address_space *space, uintptr_t written);

/*
 * Adds a region of zeros. Returns 0, -EINVAL when the range is not whole pages
 * of user memory, -EEXIST when something is there, -ENOMEM, also above the limit.
 */
int address_space_add(
	struct address_space *space, uintptr_t start, size_t size, unsigned protection);

/* The protection at `address`, 0 where nothing is. */
unsigned address_space_query(struct address_space *space, uintptr_t address);

/*
 * Maps pages from `address` on, where private regions are and no pages yet.
 * The caller's references go to the space, whose first write to a page copies
 * it where somebody else has it, too. 0, or -ENOMEM: then the references of those that
 * were not mapped are gone as well.
 */
int address_space_put(struct address_space *space, uintptr_t address,
	const uint32_t *pages, unsigned count);

/*
 * For who fills a space: the kernel's address of a user address that has a private
 * region, on a page that nobody else has, whatever the protection. NULL: no memory.
 */
void *address_space_reach(struct address_space *space, uintptr_t address);

/*
 * Adds a region where `size` bytes are free with `guard` bytes, which stay free,
 * below (both in whole pages). Returns where, or 0.
 */
uintptr_t address_space_add_anywhere(struct address_space *space, size_t size,
	size_t guard, unsigned protection, bool shared);

/* Adds a region instead of whatever is there. Errors as address_space_add(). */
int address_space_replace(struct address_space *space, uintptr_t start, size_t size,
	unsigned protection, bool shared);

/* Unmaps whatever is in the range. 0, -EINVAL, or -ENOMEM for a split. */
int address_space_remove(struct address_space *space, uintptr_t start, size_t size);

/* -ENOMEM when the range is not wholly mapped (POSIX, mprotect). */
int address_space_protect(
	struct address_space *space, uintptr_t start, size_t size, unsigned protection);

/* Unmaps what map() and brk() have made. */
void address_space_remove_made(struct address_space *space);

/*
 * What lies behind an address: two addresses with the same owner and offset
 * are the same memory, in whatever address spaces. False where nothing does that
 * may be read.
 */
bool address_space_locate(struct address_space *space, uintptr_t address,
	const void **_owner, uint32_t *_offset);

/*
 * Resolves a page fault: maps a zero page or copies a shared one. `access` is of
 * PAGE_READABLE and so on. Returns 0, also where nothing is wrong any more, as when
 * another processor was first; -EFAULT when the access was wrong; -ENOMEM.
 */
int address_space_fault(struct address_space *space, uintptr_t address, unsigned access);

/*
 * Moves the end of the data that grows. Returns the end as it is now: the new
 * one, or the old one where that cannot be.
 */
uintptr_t address_space_set_break(struct address_space *space, uintptr_t end);
