/*
 * What the CPUID instruction said, and what follows from it. Reading the
 * values is the boot code's; everything here is a pure function of them, so
 * that the host tests run it over a table of real CPUs.
 */
#pragma once

#include <postern/types.h>

/* Filled in by the boot code: zeroes but for what the CPU has. */
struct cpuid_facts {
	bool has_cpuid;		/* EFLAGS.ID can be changed */
	uint32_t max_leaf;	/* leaf 0, EAX */
	char vendor[13];	/* leaf 0, EBX EDX ECX, and a NUL */
	uint32_t signature; /* leaf 1, EAX: with the next two only if max_leaf >= 1 */
	uint32_t features_edx;
	uint32_t features_ecx;
};

/* As the manuals display them: extended family and model folded in. */
struct cpu_identity {
	uint32_t family;
	uint32_t model;
	uint32_t stepping;
};

/* Without CPUID a CPU is a 486 (family 4, model 0, stepping 0): nothing older
 * runs this kernel. */
void cpu_identify(const struct cpuid_facts *facts, struct cpu_identity *_identity);

/* The vendor for the log: "unknown" without CPUID or with an empty one. */
const char *cpu_vendor(const struct cpuid_facts *facts);

/* Whether CPUID claims SYSENTER and SYSEXIT (leaf 1, EDX bit 11). */
bool cpu_sep_advertised(const struct cpuid_facts *facts);

/* Whether SYSENTER and SYSEXIT can be used: the claim is true. */
bool cpu_sysenter_usable(const struct cpuid_facts *facts);
