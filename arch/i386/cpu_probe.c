/*
 * Which CPU this is, and whether its SYSENTER can be used. See cpu_probe.h.
 *
 * Called by the boot code, once, and by the host tests.
 */
#include "arch/i386/cpu_probe.h"

#include "kernel/string.h"

#define FEATURE_SEP (1u << 11)

/* Orders CPUs by family, then model, then stepping; a model has eight bits. */
#define IDENTITY_KEY(family, model, stepping) ((family) << 12 | (model) << 4 | (stepping))

/*
 * The first Pentiums (A-step) have a CPUID of their own, which answers leaf 0
 * with their signature, 0x05xx, and neither vendor nor features (Intel AP-485,
 * section on the vendor ID; no real highest leaf is near 0x500).
 */
static bool is_first_pentium(const struct cpuid_facts *facts)
{
	return facts->has_cpuid && (facts->max_leaf & ~0xffu) == 0x500;
}

static bool has_leaf_1(const struct cpuid_facts *facts)
{
	return facts->has_cpuid && facts->max_leaf >= 1 && !is_first_pentium(facts);
}

static bool is_vendor(const struct cpuid_facts *facts, const char *vendor)
{
	return strncmp(facts->vendor, vendor, sizeof(facts->vendor)) == 0;
}

void cpu_identify(const struct cpuid_facts *facts, struct cpu_identity *_identity)
{
	uint32_t signature;

	if (is_first_pentium(facts))
		signature = facts->max_leaf;
	else if (has_leaf_1(facts))
		signature = facts->signature;
	else
		signature = 0x400;

	/* Bits 12 and 13, the processor type (OverDrive, dual), are no part of
	 * the identity. */
	uint32_t base_family = signature >> 8 & 0xf;
	uint32_t family = base_family;
	uint32_t model = signature >> 4 & 0xf;

	if (base_family == 0xf)
		family += signature >> 20 & 0xff;

	/*
	 * Intel (SDM 2A, CPUID, "INPUT EAX = 01H") folds the extended model in
	 * families 6 and 15, AMD ("CPUID Specification", 25481, Fn0000_0001_EAX)
	 * in 15 only. Zhaoxin does in 7. So: from 6 on, but for AMD and its
	 * licensee.
	 */
	bool amd = is_vendor(facts, "AuthenticAMD") || is_vendor(facts, "HygonGenuine");
	if (base_family >= (amd ? 0xfu : 6u))
		model |= (signature >> 16 & 0xf) << 4;

	_identity->family = family;
	_identity->model = model;
	_identity->stepping = signature & 0xf;
}

const char *cpu_vendor(const struct cpuid_facts *facts)
{
	if (!facts->has_cpuid || is_first_pentium(facts) || facts->vendor[0] == '\0')
		return "unknown";
	return facts->vendor;
}

bool cpu_sep_advertised(const struct cpuid_facts *facts)
{
	return has_leaf_1(facts) && (facts->features_edx & FEATURE_SEP) != 0;
}

/*
 * The Pentium Pro sets SEP and has no SYSENTER; the first Intel CPU that has
 * one is the Pentium II of signature 0x633.
 *
 * The SDM's own test (2B, SYSENTER) is another: SEP does not count where
 * family == 6 && model < 3 && stepping < 3. That asks each field by itself, so
 * a Pentium Pro (model 1) of stepping 6, 7 or 9 passes it: 0x619 is taken for
 * a CPU with SYSENTER, for its stepping 9 is not below 3. What is meant is an
 * order, family before model before stepping. It must be that of the whole
 * identity: the low 12 bits of the signature alone would put a later CPU whose
 * extended model is set and whose model's low digit is 0 to 2 below 0x633.
 *
 * Other vendors set SEP only where they have the instruction, and their
 * numbers mean something else: AMD's first Athlon is 0x612.
 */
bool cpu_sysenter_usable(const struct cpuid_facts *facts)
{
	struct cpu_identity identity;

	if (!cpu_sep_advertised(facts))
		return false;
	if (!is_vendor(facts, "GenuineIntel"))
		return true;

	cpu_identify(facts, &identity);
	return IDENTITY_KEY(identity.family, identity.model, identity.stepping)
		   >= IDENTITY_KEY(6u, 3u, 3u);
}
