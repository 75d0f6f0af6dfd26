/*
 * What get_info fills in, the same on both sides of the door.
 *
 * The kernel fills it in arch/i386/ (the processor) and kernel/ (the rest);
 * programs read it. Its layout is part of the binary interface: new fields go
 * into a new structure.
 */
#pragma once

#include <postern/types.h>

/* Values of `entry`: how the commpage enters the kernel on this machine. */
#define SYSTEM_ENTRY_INT99 0
#define SYSTEM_ENTRY_SYSENTER 1

struct system_info {
	uint32_t entry;			/* SYSTEM_ENTRY_... */
	uint32_t cpu_signature; /* CPUID 1, EAX; 0 on a CPU without CPUID */
	uint32_t cpu_family;	/* the extended fields of the signature added in */
	uint32_t cpu_model;
	uint32_t cpu_stepping;
	uint32_t cpu_features;	/* CPUID 1, EDX; 0 on a CPU without CPUID */
	char cpu_vendor[16];	/* the 12 characters of CPUID 0, and NULs */
	uint32_t syscall_count; /* the numbers in use, the retired ones too */
	uint32_t page_size;		/* bytes */
	uint32_t memory_pages;	/* physical memory that the kernel found */
	uint32_t memory_free_pages;
	uint32_t kernel_version; /* major << 16 | minor << 8 | patch */
	char kernel_version_text[32];
};

_Static_assert(sizeof(struct system_info) == 92, "programs rely on this layout");
