/*
 * The kernel's half of the address space.
 *
 *   0xc0000000  direct map: physical memory from 0, up to 768 MiB
 *   0xf0000000  window: devices, and physical memory above the direct map
 *   0xf6000000  kernel stacks, each with as much unmapped below it
 *   0xffff0000  the commpage, the one page here that ring 3 can read
 */
#pragma once

#include <postern/types.h>

#define PAGE_BYTES 4096
#define DIRECTORY_SPAN 0x400000u /* what one page table maps */
#define DIRECT_MAP_MAX 0x30000000u
#define WINDOW_BASE 0xf0000000u
#define WINDOW_END 0xf6000000u
#define STACKS_BASE WINDOW_END
#define STACKS_END 0xff800000u
#define BOOT_TABLES 8	/* boot.asm maps 32 MiB */
#define WINDOW_TABLES 4 /* 16 MiB of the window before there is an allocator */

/* Bits of an entry (Intel SDM volume 3A, table 4-6). */
#define PAGE_PRESENT 0x001u
#define PAGE_RW 0x002u
#define PAGE_USER 0x004u
#define PAGE_NO_CACHE 0x010u
#define PAGE_LARGE 0x080u
#define PAGE_GLOBAL 0x100u

struct boot_info;

/*
 * Builds the direct map and gives what is free to the page allocator. Drops
 * the identity mapping and makes the kernel's text and constants read-only.
 * With `nx`, the tables are PAE's where the CPU has NX: then only text can be
 * executed. Prints the log's `paging:` line.
 */
void i386_paging_init(const struct boot_info *boot, bool nx);

/* What CR3 holds while no process's address space is in use. */
uint32_t i386_kernel_root(void);

/*
 * An address for physical memory, wherever it is: of the direct map, or of the
 * window. `flags` are of PAGE_RW and PAGE_NO_CACHE; without any, the memory is
 * only to be read. NULL when the window or memory is used up.
 */
void *i386_map_physical(uint32_t physical, size_t size, uint32_t flags);

/*
 * A kernel stack with nothing below: where its struct arch_stack_block, zeroed,
 * begins, or 0 without memory. Interrupts are on, or only one processor runs.
 */
uintptr_t i386_make_kernel_stack(void);
void i386_free_kernel_stack(uintptr_t top);

/* While other processors start: physical memory also where it is. */
void i386_map_identity(bool on);

/* This processor forgets all that it remembers, global pages too. */
void i386_flush_all(void);

/* Makes the commpage, and returns the kernel's writable view of it. */
void *i386_map_commpage(void);
