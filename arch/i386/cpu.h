/*
 * The processor's own structures: descriptors, control registers, MSRs. The
 * assembly sees these names through offsets.c.
 */
#pragma once

#include <postern/types.h>

/* ---- Selectors. SYSENTER and SYSEXIT want the four in this order (Intel SDM
 * volume 2B, SYSEXIT: SS is CS + 8, the user's CS is + 16, its SS + 24). ---- */
#define KERNEL_CS 0x08
#define KERNEL_SS 0x10
#define USER_CS 0x1b
#define USER_DS 0x23
#define TSS_SELECTOR 0x28
#define DOUBLE_FAULT_SELECTOR 0x30
#define NMI_SELECTOR 0x38
#define TLS_SELECTOR 0x43 /* a data segment whose base each thread sets */
#define GDT_ENTRIES 9

/* What the kernel's DS and ES hold: the user's flat segment, which ring 0 may
 * use as it is, so that the entry has to compare and not to load. */
#define KERNEL_SEGMENTS ((uint32_t)USER_DS << 16 | USER_DS)

/* ---- EFLAGS ---- */
#define FLAG_ALWAYS 0x00000002u
#define FLAG_TF 0x00000100u
#define FLAG_IF 0x00000200u
#define FLAG_DF 0x00000400u
#define FLAG_NT 0x00004000u
#define FLAG_AC 0x00040000u
#define FLAG_ID 0x00200000u

/* ---- CR0, CR4 ---- */
#define CR0_MP 0x00000002u
#define CR0_EM 0x00000004u
#define CR0_TS 0x00000008u
#define CR0_NE 0x00000020u
#define CR0_WP 0x00010000u
#define CR0_AM 0x00040000u
#define CR0_NW 0x20000000u
#define CR0_CD 0x40000000u
#define CR0_PG 0x80000000u
#define CR4_PSE 0x00000010u
#define CR4_PAE 0x00000020u
#define CR4_PGE 0x00000080u
#define CR4_OSFXSR 0x00000200u
#define CR4_OSXMMEXCPT 0x00000400u
#define CR4_UMIP 0x00000800u
#define CR4_SMEP 0x00100000u
#define CR4_SMAP 0x00200000u

/* ---- MSRs (Intel SDM volume 4) ---- */
#define MSR_APIC_BASE 0x1b
#define APIC_BASE_X2APIC 0x400u
#define MSR_SYSENTER_CS 0x174
#define MSR_SYSENTER_ESP 0x175
#define MSR_SYSENTER_EIP 0x176
#define MSR_EFER 0xc0000080u
#define EFER_NXE 0x800u

/* The task-state segment (Intel SDM volume 3A, 8.2.1). */
struct tss {
	uint32_t previous_task;
	uint32_t esp0, ss0, esp1, ss1, esp2, ss2;
	uint32_t cr3;
	uint32_t eip, eflags;
	uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
	uint32_t es, cs, ss, ds, fs, gs;
	uint32_t ldt;
	uint16_t trap;
	uint16_t io_map_base; /* past the limit: no port is open to ring 3 */
};

_Static_assert(sizeof(struct tss) == 104, "the CPU's layout");

/* Of the processor that runs this. */
struct tss *i386_this_tss(void);

/* What a switch of threads changes: ESP0, and SYSENTER's ESP where in use. */
void i386_set_kernel_stack(uintptr_t top);

/* The base of the segment TLS_SELECTOR, on this processor. */
void i386_set_tls_descriptor(uintptr_t base);

/*
 * Loads GDT and TSS of the processor that runs this, on the kernel stack that it
 * runs on; NMI and double fault get the other two.
 */
void i386_descriptors_init(uintptr_t nmi_stack_top, uintptr_t double_fault_stack_top);

/* The boot processor's two, before there is memory for others. */
void i386_descriptors_init_first(void);

/* Asks CPUID and prints the log's `cpu:` line. */
void i386_cpu_identify(void);

/* CR0, CR4, x87 and SSE as programs expect to find them. */
void i386_cpu_init(void);

/* x87 and SSE alone: the other processors start with CR0 and CR4 of the first. */
void i386_cpu_init_fpu(void);

/* What of CPUID's leaf 1 EDX later code wants to know. */
bool i386_cpu_has(uint32_t feature_edx);
#define CPUID_PSE (1u << 3)
#define CPUID_TSC (1u << 4)
#define CPUID_PAE (1u << 6)
#define CPUID_APIC (1u << 9)
#define CPUID_SEP (1u << 11)
#define CPUID_PGE (1u << 13)
#define CPUID_FXSR (1u << 24)
#define CPUID_SSE (1u << 25)
#define CPUID_SSE2 (1u << 26)

/* Whether pages can be made not executable, with PAE's tables. */
bool i386_cpu_has_nx(void);

/* Whether the time-stamp counter runs at one rate, whatever the CPU does. */
bool i386_cpu_has_invariant_tsc(void);

/* Whether the firmware has left the local APIC where only MSRs reach it. */
bool i386_cpu_in_x2apic_mode(void);

/*
 * Chooses the entry by CPUID and the option, prepares it, and prints the
 * log's `syscall:` line. Panics when SYSENTER is asked for and missing.
 */
enum syscall_choice;
void i386_syscall_init(enum syscall_choice choice);

/* The same on another processor, in silence. */
void i386_syscall_init_cpu(void);

static inline uint32_t i386_read_cr0(void)
{
	uint32_t value;
	__asm__ volatile("mov %%cr0, %0" : "=r"(value));
	return value;
}

static inline void i386_write_cr0(uint32_t value)
{
	__asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

static inline uint32_t i386_read_cr2(void)
{
	uint32_t value;
	__asm__ volatile("mov %%cr2, %0" : "=r"(value));
	return value;
}

static inline uint32_t i386_read_cr3(void)
{
	uint32_t value;
	__asm__ volatile("mov %%cr3, %0" : "=r"(value));
	return value;
}

static inline void i386_write_cr3(uint32_t value)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

static inline uint32_t i386_read_cr4(void)
{
	uint32_t value;
	__asm__ volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

static inline void i386_write_cr4(uint32_t value)
{
	__asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

static inline uint32_t i386_read_dr6(void)
{
	uint32_t value;
	__asm__ volatile("mov %%dr6, %0" : "=r"(value));
	return value;
}

static inline void i386_write_dr6(uint32_t value)
{
	__asm__ volatile("mov %0, %%dr6" : : "r"(value));
}

static inline void i386_write_msr(uint32_t msr, uint32_t value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"(value), "d"(0) : "memory");
}

static inline uint64_t i386_read_msr(uint32_t msr)
{
	uint32_t low, high;
	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

static inline void i386_write_msr64(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr"
					 :
					 : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
					 : "memory");
}

static inline uint32_t i386_read_flags(void)
{
	uint32_t flags;
	__asm__ volatile("pushf\n\tpop %0" : "=r"(flags) : : "memory");
	return flags;
}
