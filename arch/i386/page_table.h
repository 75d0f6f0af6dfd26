/*
 * Page tables of either kind: plain two-level ones (Intel SDM volume 3A, 4.3)
 * and those of PAE (4.4), whose entries have a bit that forbids execution.
 * paging.c chooses at boot, and with space.c does all that is the same for
 * both, through what is here; paging_two_level.c and paging_pae.c have the
 * rest.
 *
 * Physical addresses are all below 4 GiB, so the low dword of a PAE entry is
 * laid out as a plain entry is, and the high one has but the one bit. An entry
 * is handled by a pointer to its low dword. The tables themselves lie in the
 * direct map.
 */
#pragma once

#include "arch/i386/paging.h"
#include "kernel/arch.h"
#include <postern/types.h>

#define ENTRY_ADDRESS(entry) ((entry) & ~(PAGE_BYTES - 1))
#define PHYSICAL_OF(address) ((uint32_t)(uintptr_t)(address)-KERNEL_BASE)
#define POINTER_SHIFT 30 /* each of PAE's pointers is for 1 GiB */

/*
 * One of the bits that the CPU leaves to us, in both kinds: the page may be
 * executed. Where the CPU can forbid it, set_entry() does so for all others.
 */
#define PAGE_EXECUTE 0x200u

/* What an entry of a directory says: each page says for itself what it allows. */
#define TABLE_FLAGS (PAGE_PRESENT | PAGE_RW | PAGE_EXECUTE)

struct paging_kind {
	const char *name;	  /* in the log */
	unsigned entry_words; /* dwords an entry */
	unsigned entries;	  /* of a table */
	unsigned span_shift;  /* bytes that a table maps, or a large page is: 1 << this */
	bool has_pointers;	  /* above the directories: one for each GiB */
	uint32_t no_execute;  /* the high dword of a page that may not be executed */

	/* The kernel's own root, without a user half. */
	uint32_t *kernel_root;

	/* At boot, IF off: gives the first low_end bytes of the direct map their
	 * tables; and, when the whole map is filled in, makes these the tables in
	 * use, without the identity mapping. The caller drops the TLB. */
	uint32_t low_end;
	void (*prepare)(void);
	void (*enter)(void);

	/* In the kernel's root, at least .boot where it is loaded; or not. */
	void (*map_identity)(bool on);

	/* A root with the kernel's half, or PAGE_NONE without memory; and the end of
	 * one, without its tables. A root is what CR3 holds. */
	uint32_t (*make_root)(void);
	void (*free_root)(uint32_t root);
};

extern const struct paging_kind kTwoLevelPaging, kPaePaging;

/* The kind in use. What is done often asks it for numbers, not for functions. */
extern const struct paging_kind *gPaging;

static inline uint32_t paging_span(void)
{
	return 1u << gPaging->span_shift;
}

static inline uint32_t *table_at(uint32_t physical)
{
	return (uint32_t *)(uintptr_t)(ENTRY_ADDRESS(physical) + KERNEL_BASE);
}

/*
 * An entry of two dwords is never seen half written, for a processor may walk
 * the tables at any time. While it changes there is no page, so it must not
 * be one that this code stands on.
 */
static inline void set_entry(uint32_t *entry, uint32_t value)
{
	volatile uint32_t *words = entry;

	if (gPaging->entry_words == 2) {
		words[0] = 0;
		words[1] = value & PAGE_EXECUTE ? 0 : gPaging->no_execute;
	}
	words[0] = value;
}

/* The entry of a directory for `address`, or NULL where there is no directory. */
static inline uint32_t *find_slot(uint32_t root, uintptr_t address)
{
	uint32_t directory = root;

	if (gPaging->has_pointers) {
		directory =
			((const uint32_t *)(uintptr_t)(root + KERNEL_BASE))[(address >> POINTER_SHIFT)
																* gPaging->entry_words];
		if (!(directory & PAGE_PRESENT))
			return NULL;
	}
	return table_at(directory)
		   + (address >> gPaging->span_shift & (gPaging->entries - 1))
				 * gPaging->entry_words;
}

/* The entry for the page at `address`; NULL without a table, or in a large page. */
static inline uint32_t *find_entry(uint32_t root, uintptr_t address)
{
	const uint32_t *slot = find_slot(root, address);

	if (slot == NULL || (*slot & (PAGE_PRESENT | PAGE_LARGE)) != PAGE_PRESENT)
		return NULL;
	return table_at(*slot)
		   + (address / PAGE_BYTES & (gPaging->entries - 1)) * gPaging->entry_words;
}

static inline void invalidate(uintptr_t address)
{
	__asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}
