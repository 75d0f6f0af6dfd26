// build: arch/i386/cpu_probe.c
/*
 * arch/i386/cpu_probe.c over real CPUs, and those that QEMU 7.2 pretends to be
 * under TCG. Signature and features are what CPUID leaf 1 gives in EAX and EDX,
 * from published dumps; where only the SEP bit of EDX is known for certain, from
 * manuals, it is SEP or 0 here.
 */
#include "arch/i386/cpu_probe.h"
#include "check.h"

#define SEP 0x800u

#define INTEL "GenuineIntel"
#define AMD "AuthenticAMD"
#define VIA "CentaurHauls"
#define CYRIX "CyrixInstead"

static const struct {
	const char *name;
	bool has_cpuid;
	uint32_t max_leaf;
	const char *vendor;
	uint32_t signature;
	uint32_t edx;
	/* What is expected. */
	uint32_t family, model, stepping;
	bool advertised, usable;
} kCpus[] = {
	/* No CPUID: whatever else is in the facts means nothing. */
	{"i486DX", false, 0, "", 0, 0, 4, 0, 0, false, false},
	{"Cyrix 5x86 with CPUID off", false, 1, CYRIX, 0x520, SEP, 4, 0, 0, false, false},
	{"NexGen Nx586", false, 0, "", 0, 0, 4, 0, 0, false, false},
	/* CPUID with a single leaf. */
	{"no leaf 1", true, 0, INTEL, 0x673, SEP, 4, 0, 0, false, false},

	/* Intel before SEP. */
	{"i486DX2-S", true, 1, INTEL, 0x435, 0x1, 4, 3, 5, false, false},
	{"i486DX4", true, 1, INTEL, 0x480, 0x3, 4, 8, 0, false, false},
	{"i486DX4WB", true, 1, INTEL, 0x490, 0x3, 4, 9, 0, false, false},
	{"Pentium A-step", true, 0x513, "", 0x513, SEP, 5, 1, 3, false, false},
	{"Pentium P5", true, 1, INTEL, 0x517, 0x1bf, 5, 1, 7, false, false},
	{"Pentium P54C", true, 1, INTEL, 0x52c, 0x1bf, 5, 2, 12, false, false},
	{"Pentium OverDrive P24T", true, 1, INTEL, 0x1532, 0x13f, 5, 3, 2, false, false},
	{"Pentium MMX", true, 1, INTEL, 0x543, 0x8003bf, 5, 4, 3, false, false},
	{"Pentium MMX Tillamook", true, 1, INTEL, 0x582, 0x8001bf, 5, 8, 2, false, false},
	{"Quark X1000", true, 2, INTEL, 0x590, 0x237b, 5, 9, 0, false, false},

	/* The Pentium Pro claims SEP from some stepping on, and has none. */
	{"Pentium Pro B0", true, 2, INTEL, 0x611, 0xfbff, 6, 1, 1, true, false},
	{"Pentium Pro C0", true, 2, INTEL, 0x612, 0xfbff, 6, 1, 2, true, false},
	{"Pentium Pro sA0", true, 2, INTEL, 0x616, 0xfbff, 6, 1, 6, true, false},
	{"Pentium Pro sA1", true, 2, INTEL, 0x617, 0xfbff, 6, 1, 7, true, false},
	{"Pentium Pro sB1", true, 2, INTEL, 0x619, 0xfbff, 6, 1, 9, true, false},
	{"Pentium Pro sB1, second of two", true, 2, INTEL, 0x2619, 0xfbff, 6, 1, 9, true,
		false},
	{"Pentium II OverDrive", true, 2, INTEL, 0x1632, 0x183fbff, 6, 3, 2, true, false},

	/* Intel with SYSENTER, from the first on. */
	{"Pentium II Klamath C0", true, 2, INTEL, 0x633, 0x80fbff, 6, 3, 3, true, true},
	{"Pentium II Klamath C1", true, 2, INTEL, 0x634, 0x80fbff, 6, 3, 4, true, true},
	{"Pentium II Deschutes", true, 2, INTEL, 0x650, 0x183fbff, 6, 5, 0, true, true},
	{"Celeron Covington", true, 2, INTEL, 0x651, 0x183f9ff, 6, 5, 1, true, true},
	{"Celeron Mendocino", true, 2, INTEL, 0x660, 0x183f9ff, 6, 6, 0, true, true},
	{"Pentium III Katmai", true, 3, INTEL, 0x673, 0x387fbff, 6, 7, 3, true, true},
	{"Pentium III Coppermine", true, 3, INTEL, 0x683, 0x387fbff, 6, 8, 3, true, true},
	{"Pentium III Tualatin", true, 2, INTEL, 0x6b1, 0x383fbff, 6, 11, 1, true, true},
	{"Pentium M Banias", true, 2, INTEL, 0x695, SEP, 6, 9, 5, true, true},
	{"Pentium M Dothan", true, 2, INTEL, 0x6d8, SEP, 6, 13, 8, true, true},
	{"Core Duo Yonah", true, 10, INTEL, 0x6e8, SEP, 6, 14, 8, true, true},
	{"Pentium 4 Willamette", true, 2, INTEL, 0xf0a, 0x3febfbff, 15, 0, 10, true, true},
	{"Pentium 4 Northwood", true, 2, INTEL, 0xf29, SEP, 15, 2, 9, true, true},
	{"Pentium D Presler", true, 6, INTEL, 0xf62, SEP, 15, 6, 2, true, true},
	{"Core 2 Conroe", true, 10, INTEL, 0x6f6, SEP, 6, 15, 6, true, true},
	{"Tolapai", true, 2, INTEL, 0x10650, 0x8fe9fbff, 6, 21, 0, true, true},
	{"Core 2 Conroe-L", true, 10, INTEL, 0x10661, SEP, 6, 22, 1, true, true},
	{"Core 2 Penryn", true, 10, INTEL, 0x1067a, SEP, 6, 23, 10, true, true},
	{"Atom Diamondville", true, 10, INTEL, 0x106c2, SEP, 6, 28, 2, true, true},
	{"Nehalem", true, 11, INTEL, 0x106a5, SEP, 6, 26, 5, true, true},
	{"Westmere", true, 11, INTEL, 0x20652, SEP, 6, 37, 2, true, true},
	{"Atom Cloverview", true, 10, INTEL, 0x30651, SEP, 6, 53, 1, true, true},
	{"Sandy Bridge", true, 13, INTEL, 0x206a7, SEP, 6, 42, 7, true, true},
	{"Haswell", true, 13, INTEL, 0x306c3, SEP, 6, 60, 3, true, true},
	{"Knights Landing", true, 13, INTEL, 0x50671, SEP, 6, 87, 1, true, true},
	{"Skylake", true, 22, INTEL, 0x506e3, 0xbfcbfbff, 6, 94, 3, true, true},
	{"Comet Lake", true, 22, INTEL, 0xa0652, SEP, 6, 165, 2, true, true},
	{"Alder Lake", true, 32, INTEL, 0x90672, SEP, 6, 151, 2, true, true},
	{"Raptor Lake", true, 32, INTEL, 0xb0671, SEP, 6, 183, 1, true, true},
	/* Not real, but the low 12 bits alone would put it before 0x633. */
	{"extended model with low digits", true, 32, INTEL, 0xd0611, SEP, 6, 209, 1, true,
		true},
	{"family 19", true, 35, INTEL, 0x400f10, SEP, 19, 1, 0, true, true},

	/* AMD: 0x612 is an Athlon, and has SYSENTER. */
	{"Am5x86-WB", true, 1, AMD, 0x4f4, 0x1, 4, 15, 4, false, false},
	{"K5 SSA/5", true, 1, AMD, 0x501, 0x3bf, 5, 0, 1, false, false},
	{"K5", true, 1, AMD, 0x514, 0x21bf, 5, 1, 4, false, false},
	{"K6, SYSCALL of its own", true, 1, AMD, 0x562, 0x8001bf, 5, 6, 2, false, false},
	{"K6-2", true, 1, AMD, 0x580, 0x8001bf, 5, 8, 0, false, false},
	{"K6-III", true, 1, AMD, 0x591, 0x8021bf, 5, 9, 1, false, false},
	{"Geode LX", true, 1, AMD, 0x5a2, 0x88a93d, 5, 10, 2, true, true},
	{"Athlon Argon", true, 1, AMD, 0x612, 0x183f9ff, 6, 1, 2, true, true},
	{"Athlon Pluto", true, 1, AMD, 0x622, 0x183f9ff, 6, 2, 2, true, true},
	{"Duron Spitfire", true, 1, AMD, 0x630, 0x183f9ff, 6, 3, 0, true, true},
	{"Duron Morgan", true, 1, AMD, 0x670, 0x383f9ff, 6, 7, 0, true, true},
	{"Opteron K8", true, 1, AMD, 0xf51, 0x78bfbff, 15, 5, 1, true, true},
	{"Athlon 64 Brisbane", true, 1, AMD, 0x60fb1, 0x178bfbff, 15, 107, 1, true, true},
	{"Phenom K10", true, 5, AMD, 0x100f22, 0x178bfbff, 16, 2, 2, true, true},
	{"Zen", true, 13, AMD, 0x800f11, 0x178bfbff, 23, 1, 1, true, true},
	{"Zen 3", true, 16, AMD, 0xa20f10, 0x178bfbff, 25, 33, 0, true, true},
	{"Hygon Dhyana", true, 13, "HygonGenuine", 0x900f02, 0x178bfbff, 24, 0, 2, true,
		true},
	/* AMD folds the extended model in family 15 only. */
	{"AMD with reserved bits", true, 1, AMD, 0x10622, 0x183f9ff, 6, 2, 2, true, true},

	/* The others. */
	{"Cyrix 6x86", true, 1, CYRIX, 0x520, 0x105, 5, 2, 0, false, false},
	{"Cyrix MediaGX MMX", true, 2, CYRIX, 0x540, 0x808131, 5, 4, 0, false, false},
	{"Cyrix MII", true, 1, CYRIX, 0x600, 0x80a135, 6, 0, 0, false, false},
	{"WinChip C6", true, 1, VIA, 0x541, 0x8001b5, 5, 4, 1, false, false},
	{"WinChip 2B", true, 1, VIA, 0x58a, 0x8001b5, 5, 8, 10, false, false},
	{"VIA C3 Ezra", true, 1, VIA, 0x678, 0x803135, 6, 7, 8, false, false},
	{"VIA C3 Nehemiah", true, 1, VIA, 0x691, 0x380b135, 6, 9, 1, false, false},
	{"VIA C7 Esther", true, 1, VIA, 0x6a9, 0xa7c9bbff, 6, 10, 9, true, true},
	{"VIA CNS", true, 13, VIA, 0x40672, 0xbfcbfbff, 6, 71, 2, true, true},
	{"Zhaoxin KX-6000", true, 13, VIA, 0x307b1, 0xbfcbfbff, 7, 59, 1, true, true},
	{"Transmeta Crusoe", true, 1, "GenuineTMx86", 0x543, 0x84893f, 5, 4, 3, true, true},
	{"Transmeta Efficeon", true, 3, "GenuineTMx86", 0xf24, 0x2fcff9ff, 15, 2, 4, true,
		true},
	{"Rise mP6", true, 1, "RiseRiseRise", 0x521, 0x800011, 5, 2, 1, false, false},
	{"SiS 550", true, 1, "SiS SiS SiS ", 0x505, 0, 5, 0, 5, false, false},
	{"NexGen with CPUID", true, 1, "NexGenDriven", 0x500, 0, 5, 0, 0, false, false},
	{"UMC U5S", true, 1, "UMC UMC UMC ", 0x423, 0, 4, 2, 3, false, false},
	{"Geode GX1", true, 2, CYRIX, 0x540, 0x808131, 5, 4, 0, false, false},
	{"Geode GX2", true, 1, "Geode by NSC", 0x551, SEP, 5, 5, 1, true, true},

	/* QEMU under TCG: `-cpu` and what it then says. */
	{"486", true, 1, INTEL, 0x480, 0x9, 4, 8, 0, false, false},
	{"pentium", true, 1, INTEL, 0x543, 0x8003bd, 5, 4, 3, false, false},
	{"qemu32", true, 4, INTEL, 0x663, 0x781abfd, 6, 6, 3, true, true},
	{"qemu32,-sep", true, 4, INTEL, 0x663, 0x781a3fd, 6, 6, 3, false, false},
	{"pentium2", true, 2, INTEL, 0x652, 0x183fbfd, 6, 5, 2, true, true},
	{"pentium3", true, 3, INTEL, 0x673, 0x383fbfd, 6, 7, 3, true, true},
	{"pentium3,model=1,stepping=9", true, 3, INTEL, 0x619, 0x383fbfd, 6, 1, 9, true,
		false},
	{"pentium3,model=3,stepping=2", true, 3, INTEL, 0x632, 0x383fbfd, 6, 3, 2, true,
		false},
	{"athlon", true, 2, AMD, 0x623, 0x783fbfd, 6, 2, 3, true, true},
	{"kvm32", true, 5, INTEL, 0xf61, 0x78bfbfd, 15, 6, 1, true, true},
	{"coreduo", true, 10, INTEL, 0x6e8, 0xfc9fbfd, 6, 14, 8, true, true},
	{"n270", true, 10, INTEL, 0x106c2, 0xfc9fbfd, 6, 28, 2, true, true},
	{"qemu64", true, 13, AMD, 0x60fb1, 0x78bfbfd, 15, 107, 1, true, true},
	{"max", true, 13, AMD, 0x663, 0xfcbfbfd, 6, 6, 3, true, true},
};

int main(void)
{
	for (size_t i = 0; i < sizeof(kCpus) / sizeof(kCpus[0]); i++) {
		struct cpuid_facts facts = {
			.has_cpuid = kCpus[i].has_cpuid,
			.max_leaf = kCpus[i].max_leaf,
			.signature = kCpus[i].signature,
			.features_edx = kCpus[i].edx,
		};
		struct cpu_identity identity;
		int failures = sFailures;

		memcpy(facts.vendor, kCpus[i].vendor, strlen(kCpus[i].vendor));
		cpu_identify(&facts, &identity);
		CHECK_NUMBER(identity.family, kCpus[i].family);
		CHECK_NUMBER(identity.model, kCpus[i].model);
		CHECK_NUMBER(identity.stepping, kCpus[i].stepping);
		CHECK_NUMBER(cpu_sep_advertised(&facts), kCpus[i].advertised);
		CHECK_NUMBER(cpu_sysenter_usable(&facts), kCpus[i].usable);
		CHECK_STRING(cpu_vendor(&facts), kCpus[i].has_cpuid && kCpus[i].vendor[0] != '\0'
											 ? kCpus[i].vendor
											 : "unknown");
		if (sFailures != failures)
			printf("    for %s\n", kCpus[i].name);
	}
	printf("%zu CPUs\n", sizeof(kCpus) / sizeof(kCpus[0]));
	return check_result();
}
