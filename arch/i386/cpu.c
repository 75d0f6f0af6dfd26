/*
 * The processor: its descriptors and tasks, what CPUID says of it, and the
 * choice of the entry, with the commpage that tells programs about it.
 *
 * The choice itself is a pure function (cpu_probe.c), tested on the host.
 */
#include "arch/i386/cpu.h"
#include "arch/i386/clock.h"
#include "arch/i386/cpu_probe.h"
#include "arch/i386/paging.h"
#include "arch/i386/smp.h"
#include "kernel/arch.h"
#include "kernel/log.h"
#include "kernel/options.h"
#include "kernel/panic.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include <postern/commpage.h>
#include <postern/system_info.h>

/* ---- Descriptors (Intel SDM volume 3A, 3.4.5 and 8.2.2) ------------------- */

struct descriptor {
	uint16_t limit_low;
	uint16_t base_low;
	uint8_t base_middle;
	uint8_t access;
	uint8_t limit_high_and_flags;
	uint8_t base_high;
};

_Static_assert(sizeof(struct descriptor) == 8, "the CPU's layout");

#define FLAT(access_byte)                                                                \
	{                                                                                    \
		.limit_low = 0xffff, .access = (access_byte), .limit_high_and_flags = 0xcf       \
	}
#define ACCESS_CODE(ring) (0x9b | (ring) << 5) /* readable; accessed, so that */
#define ACCESS_DATA(ring) (0x93 | (ring) << 5) /* the CPU never writes here */
#define ACCESS_TSS 0x89

static const struct descriptor kGdt[GDT_ENTRIES] = {
	[KERNEL_CS / 8] = FLAT(ACCESS_CODE(0)),
	[KERNEL_SS / 8] = FLAT(ACCESS_DATA(0)),
	[USER_CS / 8] = FLAT(ACCESS_CODE(3)),
	[USER_DS / 8] = FLAT(ACCESS_DATA(3)),
	[TLS_SELECTOR / 8] = FLAT(ACCESS_DATA(3)),
};

/* What each processor has for itself, and finds by selectors. */
struct processor {
	struct descriptor gdt[GDT_ENTRIES];
	struct tss tss, double_fault_tss, nmi_tss;
} __attribute__((aligned(64)));

static struct processor sProcessors[CPUS_MAX];

void nmi_task(void);
void double_fault_task(void);
void sysenter_entry(void);

static struct processor *this_processor(void)
{
	return &sProcessors[arch_cpu_index()];
}

struct tss *i386_this_tss(void)
{
	return &this_processor()->tss;
}

static void set_tss(struct descriptor *gdt, unsigned selector, const struct tss *tss)
{
	uintptr_t base = (uintptr_t)tss;

	gdt[selector / 8] = (struct descriptor){
		.limit_low = sizeof *tss - 1,
		.base_low = base & 0xffff,
		.base_middle = base >> 16 & 0xff,
		.access = ACCESS_TSS,
		.base_high = (uint8_t)(base >> 24),
	};
}

void i386_set_tls_descriptor(uintptr_t base)
{
	struct descriptor *tls = &this_processor()->gdt[TLS_SELECTOR / 8];

	tls->base_low = base & 0xffff;
	tls->base_middle = base >> 16 & 0xff;
	tls->base_high = (uint8_t)(base >> 24);
}

/* On its stack arch_cpu_index() has to work, too. */
static void make_task(struct tss *tss, void (*entry)(void), uintptr_t stack_top)
{
	struct arch_stack_block *block = arch_stack_block_of(stack_top);

	*block = (struct arch_stack_block){.cpu = arch_cpu_index()};
	*tss = (struct tss){
		.cr3 = i386_kernel_root(),
		.eip = (uintptr_t)entry,
		.eflags = FLAG_ALWAYS,
		.esp = stack_top,
		.es = USER_DS,
		.cs = KERNEL_CS,
		.ss = KERNEL_SS,
		.ds = USER_DS,
		.io_map_base = sizeof *tss,
	};
}

void i386_descriptors_init(uintptr_t nmi_stack_top, uintptr_t double_fault_stack_top)
{
	struct processor *processor = this_processor();
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed))
	gdtr = {sizeof processor->gdt - 1, (uintptr_t)processor->gdt};

	memcpy(processor->gdt, kGdt, sizeof kGdt);
	/* The hardware loads CR3 from a TSS but never saves it there. */
	processor->tss = (struct tss){
		.esp0 = (uintptr_t)arch_stack_block(),
		.ss0 = KERNEL_SS,
		.cr3 = i386_kernel_root(),
		.io_map_base = sizeof processor->tss,
	};
	make_task(&processor->double_fault_tss, double_fault_task, double_fault_stack_top);
	make_task(&processor->nmi_tss, nmi_task, nmi_stack_top);
	set_tss(processor->gdt, TSS_SELECTOR, &processor->tss);
	set_tss(processor->gdt, DOUBLE_FAULT_SELECTOR, &processor->double_fault_tss);
	set_tss(processor->gdt, NMI_SELECTOR, &processor->nmi_tss);

	__asm__ volatile("lgdt %0\n\t"
					 "ljmp %1, $1f\n"
					 "1:\n\t"
					 "mov %2, %%ss\n\t"
					 "mov %3, %%ds\n\t"
					 "mov %3, %%es\n\t"
					 "mov %4, %%fs\n\t"
					 "mov %4, %%gs\n\t"
					 "lldt %w4\n\t"
					 "ltr %w5"
					 :
					 : "m"(gdtr), "i"(KERNEL_CS), "r"(KERNEL_SS), "r"(USER_DS), "r"(0),
					 "r"(TSS_SELECTOR)
					 : "memory");
}

void i386_descriptors_init_first(void)
{
	static uint8_t sStacks[2][KERNEL_STACK_SIZE]
		__attribute__((aligned(KERNEL_STACK_SIZE)));

	i386_descriptors_init((uintptr_t)arch_stack_block_of((uintptr_t)sStacks[0]),
		(uintptr_t)arch_stack_block_of((uintptr_t)sStacks[1]));
}

/* ---- CPUID ---------------------------------------------------------------- */

static struct cpuid_facts sFacts;
static struct cpu_identity sIdentity;
static uint32_t sExtendedFeaturesB, sExtendedFeaturesC; /* leaf 7 EBX, ECX */
static uint32_t sAmdFeatures;							/* leaf 0x80000001 EDX */
static uint32_t sPowerFeatures;							/* leaf 0x80000007 EDX */

#define CPUID7_EBX_SMEP (1u << 7)
#define CPUID7_EBX_SMAP (1u << 20)
#define CPUID7_ECX_UMIP (1u << 2)
#define CPUID_AMD_LEAVES 0x80000000u
#define CPUID_AMD_NX (1u << 20)
#define CPUID_POWER_INVARIANT_TSC (1u << 8)
#define CPUID_ECX_X2APIC (1u << 21)

static void cpuid(uint32_t leaf, uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	__asm__ volatile("cpuid"
					 : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d)
					 : "a"(leaf), "c"(0));
}

/* A CPU that lets EFLAGS.ID be changed has CPUID (Intel SDM volume 1, 20.1). */
static bool has_cpuid(void)
{
	uint32_t before = i386_read_flags();
	uint32_t after;

	__asm__ volatile("push %1\n\tpopf\n\tpushf\n\tpop %0\n\tpush %2\n\tpopf"
					 : "=&r"(after)
					 : "r"(before ^ FLAG_ID), "r"(before)
					 : "cc", "memory");
	return ((before ^ after) & FLAG_ID) != 0;
}

void i386_cpu_identify(void)
{
	uint32_t a, b, c, d;

	sFacts.has_cpuid = has_cpuid();
	if (sFacts.has_cpuid) {
		cpuid(0, &a, &b, &c, &d);
		sFacts.max_leaf = a;
		memcpy(sFacts.vendor, &b, 4);
		memcpy(sFacts.vendor + 4, &d, 4);
		memcpy(sFacts.vendor + 8, &c, 4);
		if (sFacts.max_leaf >= 1) {
			cpuid(1, &a, &b, &c, &d);
			sFacts.signature = a;
			sFacts.features_edx = d;
			sFacts.features_ecx = c;
		}
	}
	cpu_identify(&sFacts, &sIdentity);
	/* The first Pentiums answer leaf 0 with their signature, not a number. */
	if (sIdentity.family >= 6 && sFacts.max_leaf >= 7) {
		cpuid(7, &a, &b, &c, &d);
		sExtendedFeaturesB = b;
		sExtendedFeaturesC = c;
	}
	if (sIdentity.family >= 6) {
		/* A CPU without such leaves answers something else (SDM 2A, CPUID). */
		cpuid(CPUID_AMD_LEAVES, &a, &b, &c, &d);
		if (a > CPUID_AMD_LEAVES && a < CPUID_AMD_LEAVES + 0x10000) {
			cpuid(CPUID_AMD_LEAVES + 1, &a, &b, &c, &d);
			sAmdFeatures = d;
			cpuid(CPUID_AMD_LEAVES, &a, &b, &c, &d);
			if (a >= CPUID_AMD_LEAVES + 7) {
				cpuid(CPUID_AMD_LEAVES + 7, &a, &b, &c, &d);
				sPowerFeatures = d;
			}
		}
	}
	log_info("cpu: %s family %u model %u stepping %u, sep %s", cpu_vendor(&sFacts),
		sIdentity.family, sIdentity.model, sIdentity.stepping,
		cpu_sep_advertised(&sFacts) ? "yes" : "no");
}

bool i386_cpu_has(uint32_t feature_edx)
{
	return (sFacts.features_edx & feature_edx) != 0;
}

bool i386_cpu_has_nx(void)
{
	return (sAmdFeatures & CPUID_AMD_NX) != 0;
}

bool i386_cpu_has_invariant_tsc(void)
{
	return (sPowerFeatures & CPUID_POWER_INVARIANT_TSC) != 0;
}

bool i386_cpu_in_x2apic_mode(void)
{
	return (sFacts.features_ecx & CPUID_ECX_X2APIC) != 0
		   && (i386_read_msr(MSR_APIC_BASE) & APIC_BASE_X2APIC) != 0;
}

/* ---- Control registers, x87 and SSE --------------------------------------- */

/* A 486SX has no x87: FNINIT then leaves the status word as it was. */
static bool has_x87(void)
{
	uint16_t status = 0x5a5a;

	__asm__ volatile("fninit\n\tfnstsw %0" : "+m"(status));
	return status == 0;
}

/* Where instructions change that only some CPUs have: see smap.inc. */
struct patch {
	uint8_t *place;
	uint32_t bytes; /* the instruction's three, the first one lowest */
};

extern const struct patch gPatchesStart[], gPatchesEnd[];

/* STAC and CLAC go in, and the gate is shut from here on. */
static void enable_smap(void)
{
	const struct patch *patch;

	for (patch = gPatchesStart; patch < gPatchesEnd; patch++)
		memcpy(patch->place, &patch->bytes, 3);
	/* The loader may have left AC on. Writing CR4 also drops what the CPU has
	 * fetched ahead (Intel SDM volume 3A, 8.3). */
	__asm__ volatile("push %0\n\tpopf" : : "i"(FLAG_ALWAYS) : "cc", "memory");
	i386_write_cr4(i386_read_cr4() | CR4_SMAP);
}

/* While the kernel's text can still be written: before i386_paging_init(). */
void i386_cpu_init(void)
{
	uint32_t cr0 = i386_read_cr0();
	uint32_t cr4 = 0;

	/* NE: x87 errors come as #MF. AM: AC in ring 3 means what it says. Some
	 * firmware leaves the caches off (CD, NW). */
	cr0 =
		(cr0 & ~(CR0_EM | CR0_TS | CR0_CD | CR0_NW)) | CR0_MP | CR0_NE | CR0_AM | CR0_WP;
	i386_write_cr0(cr0);
	if (!has_x87())
		i386_write_cr0((cr0 & ~CR0_MP) | CR0_EM);

	if (i386_cpu_has(CPUID_PSE))
		cr4 |= CR4_PSE;
	if (i386_cpu_has(CPUID_PGE))
		cr4 |= CR4_PGE;
	if (i386_cpu_has(CPUID_FXSR))
		cr4 |= CR4_OSFXSR;
	if (i386_cpu_has(CPUID_SSE))
		cr4 |= CR4_OSXMMEXCPT;
	if (sExtendedFeaturesB & CPUID7_EBX_SMEP)
		cr4 |= CR4_SMEP;
	if (sExtendedFeaturesC & CPUID7_ECX_UMIP)
		cr4 |= CR4_UMIP;
	/* Exactly these, whatever the firmware left on. A 486 has no CR4; it came
	 * with CPUID, or a little later. */
	if (cr4 != 0)
		i386_write_cr4(cr4);
	if (sExtendedFeaturesB & CPUID7_EBX_SMAP)
		enable_smap();
	log_info("protection: smep %s, smap %s",
		sExtendedFeaturesB & CPUID7_EBX_SMEP ? "yes" : "no",
		sExtendedFeaturesB & CPUID7_EBX_SMAP ? "yes" : "no");

	i386_cpu_init_fpu();
}

void i386_cpu_init_fpu(void)
{
	static const uint32_t kMxcsr = 0x1f80; /* the ABI's start state */

	if (!(i386_read_cr0() & CR0_EM))
		__asm__ volatile("fninit");
	if (i386_cpu_has(CPUID_SSE))
		__asm__ volatile("ldmxcsr %0" : : "m"(kMxcsr));
}

struct watchpoint {
	uintptr_t address;
	uint32_t control;
};

/* Watchpoint 0 (Intel SDM volume 3B, 17.2.4). Each processor has its own. */
static void set_watchpoint(void *argument)
{
	const struct watchpoint *watchpoint = argument;

	__asm__ volatile("mov %0, %%dr0\n\tmov %1, %%dr7"
					 :
					 : "r"(watchpoint->address), "r"(watchpoint->control));
}

void arch_set_watchpoint(uintptr_t address, unsigned length, bool write_only)
{
	uint32_t kind = write_only ? 1 : 3;
	/* G0 stays on over task switches; GE makes old CPUs report exactly. */
	struct watchpoint watchpoint = {
		address, 0x400 | 0x200 | 0x2 | (kind | (length - 1) << 2) << 16};

	i386_call_all_cpus(set_watchpoint, &watchpoint);
}

/* ---- The door ------------------------------------------------------------- */

extern const uint8_t gCommpageInt99[], gCommpageInt99End[];
extern const uint8_t gCommpageSysenter[], gCommpageSysenterEnd[];
extern const uint8_t gCommpageSignalReturn[], gCommpageSignalReturnEnd[];
extern const uint32_t kCommpageEntryOffset, kCommpageSignalReturnOffset;

static bool sUseSysenter;

uintptr_t arch_syscall_entry(void)
{
	return COMMPAGE_BASE + kCommpageEntryOffset;
}

static void fill_commpage(void)
{
	uint8_t *page = i386_map_commpage();
	uint32_t *table = (uint32_t *)page;
	const uint8_t *stub = sUseSysenter ? gCommpageSysenter : gCommpageInt99;
	const uint8_t *end = sUseSysenter ? gCommpageSysenterEnd : gCommpageInt99End;

	table[COMMPAGE_MAGIC] = COMMPAGE_MAGIC_VALUE;
	table[COMMPAGE_VERSION] = 1;
	i386_clock_fill_commpage(page);
	table[COMMPAGE_SYSCALL] = arch_syscall_entry();
	memcpy(page + kCommpageEntryOffset, stub, (size_t)(end - stub));
	table[COMMPAGE_SIGNAL_RETURN] = COMMPAGE_BASE + kCommpageSignalReturnOffset;
	memcpy(page + kCommpageSignalReturnOffset, gCommpageSignalReturn,
		(size_t)(gCommpageSignalReturnEnd - gCommpageSignalReturn));
}

void i386_set_kernel_stack(uintptr_t top)
{
	i386_this_tss()->esp0 = top;
	if (sUseSysenter)
		i386_write_msr(MSR_SYSENTER_ESP, top);
}

void i386_syscall_init_cpu(void)
{
	if (sUseSysenter) {
		i386_write_msr(MSR_SYSENTER_CS, KERNEL_CS);
		i386_write_msr(MSR_SYSENTER_ESP, i386_this_tss()->esp0);
		i386_write_msr(MSR_SYSENTER_EIP, (uintptr_t)sysenter_entry);
	} else if (cpu_sysenter_usable(&sFacts)) {
		i386_write_msr(MSR_SYSENTER_CS, 0); /* SYSENTER is a #GP then */
	}
}

void i386_syscall_init(enum syscall_choice choice)
{
	bool usable = cpu_sysenter_usable(&sFacts);

	if (choice == SYSCALL_SYSENTER && !usable)
		panic("syscall=sysenter: this CPU has no usable SYSENTER "
			  "(%s family %u model %u stepping %u); boot with syscall=auto",
			cpu_vendor(&sFacts), sIdentity.family, sIdentity.model, sIdentity.stepping);

	sUseSysenter = usable && choice != SYSCALL_INT;
	i386_syscall_init_cpu();
	fill_commpage();
	log_info("syscall: entry %s, commpage 0x%x, %u calls",
		sUseSysenter ? "sysenter" : "int99", COMMPAGE_BASE, kSyscallCount);
}

uint64_t arch_cycles(void)
{
	uint32_t low = 0, high = 0;

	if (i386_cpu_has(CPUID_TSC))
		__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

void arch_describe_cpu(struct system_info *info)
{
	info->entry = sUseSysenter ? SYSTEM_ENTRY_SYSENTER : SYSTEM_ENTRY_INT99;
	info->cpu_signature = sFacts.signature;
	info->cpu_family = sIdentity.family;
	info->cpu_model = sIdentity.model;
	info->cpu_stepping = sIdentity.stepping;
	info->cpu_features = sFacts.features_edx;
	strlcpy(info->cpu_vendor, sFacts.vendor, sizeof info->cpu_vendor);
}
