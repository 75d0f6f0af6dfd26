// build: arch/i386/acpi.c -iquote tests/host/include
/*
 * ACPI's tables and power-off over crafted tables: good ones, each kind of bad one, and
 * good ones with random damage. Every mapping is an allocation of just the
 * size that was asked for, so that the sanitizers see a read beyond it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#include "arch/i386/acpi.h"
#include "arch/i386/io.h"

/* ---- Physical memory ----------------------------------------------------- */

#define MEMORY_BASE 0x7fe0000u
#define MEMORY_SIZE 0x8000u
#define MAPPINGS_MAX 4096

#define RSDT 0x100u
#define XSDT 0x200u
#define FADT 0x400u
#define DSDT 0x800u
#define SSDT 0x1800u
#define OTHER 0x2800u
#define MADT 0x3000u

static uint8_t sMemory[MEMORY_SIZE];
static uint8_t sRsdp[36];
static void *sMappings[MAPPINGS_MAX];
static unsigned sMappingCount;

static const void *map(uint32_t physical, size_t size)
{
	if (physical < MEMORY_BASE || physical - MEMORY_BASE > MEMORY_SIZE
		|| size > MEMORY_SIZE - (physical - MEMORY_BASE))
		return NULL;
	if (sMappingCount == MAPPINGS_MAX) {
		printf("it maps without end\n");
		abort();
	}
	void *mapping = malloc(size);
	memcpy(mapping, sMemory + (physical - MEMORY_BASE), size);
	sMappings[sMappingCount++] = mapping;
	return mapping;
}

static bool init(size_t rsdp_size)
{
	uint8_t *rsdp = malloc(rsdp_size);
	memcpy(rsdp, sRsdp, rsdp_size);
	sMappingCount = 0;
	bool usable = i386_acpi_init(rsdp, rsdp_size, map);
	for (unsigned i = 0; i < sMappingCount; i++)
		free(sMappings[i]);
	free(rsdp);
	return usable;
}

/* ---- Ports: a chipset ---------------------------------------------------- */

#define PM1A 0x604
#define PM1B 0x704
#define SMI 0xb2
#define TIMER 0x608

static uint16_t sPm1a;
static uint16_t sPm1b;
static bool sEnableWorks;
static uint32_t sWrites[8]; /* port in the upper half, value in the lower */
static unsigned sWriteCount;

static void note_write(uint16_t port, uint16_t value)
{
	if (sWriteCount < 8)
		sWrites[sWriteCount] = (uint32_t)port << 16 | value;
	sWriteCount++;
}

void outb(uint16_t port, uint8_t value)
{
	note_write(port, value);
	if (port == SMI && value == 0xf1 && sEnableWorks)
		sPm1a |= 1;
}

void outw(uint16_t port, uint16_t value)
{
	note_write(port, value);
	if (port == PM1A)
		sPm1a = value;
	else if (port == PM1B)
		sPm1b = value;
}

uint16_t inw(uint16_t port)
{
	return port == PM1A ? sPm1a : port == PM1B ? sPm1b : 0xffff;
}

/* ---- Tables ---------------------------------------------------------------- */

static void put32(uint8_t *bytes, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

static void put64(uint8_t *bytes, uint64_t value)
{
	put32(bytes, (uint32_t)value);
	put32(bytes + 4, (uint32_t)(value >> 32));
}

static void fix_sum(uint8_t *bytes, size_t size, size_t field)
{
	uint8_t sum = 0;
	bytes[field] = 0;
	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	bytes[field] = (uint8_t)(0u - sum);
}

/* The header of the table at `offset`, whose content is already there. */
static void seal(uint32_t offset, const char *signature, uint32_t size)
{
	memcpy(sMemory + offset, signature, 4);
	put32(sMemory + offset + 4, size);
	fix_sum(sMemory + offset, size, 9);
}

static void seal_rsdp(void)
{
	fix_sum(sRsdp, 20, 8);
	fix_sum(sRsdp, 36, 32);
}

static void put_block(
	uint32_t offset, const char *signature, const void *aml, size_t size)
{
	memcpy(sMemory + offset + 36, aml, size);
	seal(offset, signature, 36 + (uint32_t)size);
}

/* As QEMU has it, but for the sleep types 5 and 6, which tell the two apart. */
static const uint8_t kGoodAml[] = {0x10, 0x20, '_', 'S', '5', '_', 0x08, '_', 'S', '5',
	'_', 0x12, 0x08, 0x04, 0x0a, 5, 0x0a, 6, 0x00, 0x00, 0xa3};

/* Two processors, one that is off, an IO-APIC, the timer at its input 2, IRQ 9
 * level and low active, a type that nobody knows, and a local APIC's NMI line. */
static const char kGoodMadt[] = "\x00\x08\x00\x00\x01\0\0\0"
								"\x00\x08\x01\x04\x01\0\0\0"
								"\x00\x08\x02\x05\x02\0\0\0"
								"\x01\x0c\x08\0\x00\x00\xc0\xfe\0\0\0\0"
								"\x02\x0a\x00\x00\x02\0\0\0\x00\0"
								"\x02\x0a\x00\x09\x09\0\0\0\x0f\0"
								"\x7f\x02"
								"\x04\x06\xff\x00\0\x01";

/* The MADT with these structures. */
static void put_madt(const void *entries, size_t size)
{
	put32(sMemory + MADT + 36, 0xfee00000);
	memcpy(sMemory + MADT + 44, entries, size);
	seal(MADT, "APIC", 44 + (uint32_t)size);
}

/* A version 1 machine: RSDT -> FADT -> DSDT, MADT. */
static void make_tables(void)
{
	memset(sMemory, 0, sizeof(sMemory));
	memset(sRsdp, 0, sizeof(sRsdp));
	memcpy(sRsdp, "RSD PTR ", 8);
	put32(sRsdp + 16, MEMORY_BASE + RSDT);
	seal_rsdp();

	put32(sMemory + RSDT + 36, MEMORY_BASE + OTHER);
	put32(sMemory + RSDT + 40, MEMORY_BASE + FADT);
	put32(sMemory + RSDT + 44, MEMORY_BASE + SSDT);
	put32(sMemory + RSDT + 48, MEMORY_BASE + MADT);
	seal(RSDT, "RSDT", 52);
	seal(OTHER, "HPET", 56);

	put32(sMemory + FADT + 40, MEMORY_BASE + DSDT);
	put32(sMemory + FADT + 48, SMI);
	sMemory[FADT + 52] = 0xf1;
	put32(sMemory + FADT + 64, PM1A);
	put32(sMemory + FADT + 68, PM1B);
	sMemory[FADT + 89] = 2;
	put32(sMemory + FADT + 76, TIMER);
	sMemory[FADT + 91] = 4;
	sMemory[FADT + 108] = 0x32;
	seal(FADT, "FACP", 116);
	put_madt(kGoodMadt, sizeof(kGoodMadt) - 1);
	put_block(DSDT, "DSDT", kGoodAml, sizeof(kGoodAml));
	put_block(SSDT, "SSDT", "nothing here", 12);

	sPm1a = 1;
	sPm1b = 0;
	sEnableWorks = true;
	sWriteCount = 0;
}

/* The same as version 2: XSDT -> FADT with extended fields; RSDT is no good. */
static void make_tables_v2(void)
{
	make_tables();
	sMemory[RSDT] = 'X';
	sRsdp[15] = 2;
	put32(sRsdp + 20, 36);
	put64(sRsdp + 24, MEMORY_BASE + XSDT);
	seal_rsdp();
	put64(sMemory + XSDT + 36, 0x100000000ull + MEMORY_BASE + FADT); /* beyond reach */
	put64(sMemory + XSDT + 44, MEMORY_BASE + FADT);
	put64(sMemory + XSDT + 52, MEMORY_BASE + SSDT);
	put64(sMemory + XSDT + 60, MEMORY_BASE + MADT);
	seal(XSDT, "XSDT", 68);

	put32(sMemory + FADT + 40, 0);
	put64(sMemory + FADT + 140, MEMORY_BASE + DSDT);
	put32(sMemory + FADT + 64, 0x999); /* the extended fields go before these */
	put32(sMemory + FADT + 68, 0x998);
	sMemory[FADT + 172] = 1;
	put64(sMemory + FADT + 176, PM1A);
	sMemory[FADT + 184] = 1;
	put64(sMemory + FADT + 188, PM1B);
	put32(sMemory + FADT + 76, 0x997);
	put32(sMemory + FADT + 112, 1u << 8);
	sMemory[FADT + 208] = 1;
	put64(sMemory + FADT + 212, TIMER);
	seal(FADT, "FACP", 276);
}

/* ---- Tests ------------------------------------------------------------------ */

static void test_power_off(void)
{
	CHECK(!i386_acpi_power_off());
	CHECK(sWriteCount == 0);

	make_tables();
	sPm1a = 0x0001 | 2 << 10;
	sPm1b = 0x8000;
	CHECK(init(20));
	CHECK(!i386_acpi_power_off()); /* this chipset has no power to cut */
	CHECK(sWriteCount == 4);
	CHECK(sWrites[0] == ((uint32_t)PM1A << 16 | 0x0001 | 5 << 10));
	CHECK(sWrites[1] == ((uint32_t)PM1B << 16 | 0x8000 | 6 << 10));
	CHECK(sWrites[2] == ((uint32_t)PM1A << 16 | 0x2001 | 5 << 10));
	CHECK(sWrites[3] == ((uint32_t)PM1B << 16 | 0xa000 | 6 << 10));

	/* Out of legacy mode first. */
	make_tables();
	sPm1a = 0;
	CHECK(init(20));
	i386_acpi_power_off();
	CHECK(sWriteCount == 5);
	CHECK(sWrites[0] == ((uint32_t)SMI << 16 | 0xf1));
	CHECK(sWrites[3] == ((uint32_t)PM1A << 16 | 0x2001 | 5 << 10));
	make_tables();
	sPm1a = 0;
	sEnableWorks = false;
	CHECK(init(20));
	CHECK(!i386_acpi_power_off());
	CHECK(sWriteCount == 1);

	/* One register only, and no SMI command. */
	make_tables();
	put32(sMemory + FADT + 68, 0);
	put32(sMemory + FADT + 48, 0);
	seal(FADT, "FACP", 116);
	sPm1a = 0;
	CHECK(init(20));
	i386_acpi_power_off();
	CHECK(sWriteCount == 2);
	CHECK(sWrites[1] == ((uint32_t)PM1A << 16 | 0x2000 | 5 << 10));

	make_tables_v2();
	CHECK(init(36));
	i386_acpi_power_off();
	CHECK(sWriteCount == 4);
	CHECK(sWrites[3] == ((uint32_t)PM1B << 16 | 0x2000 | 6 << 10));

	/* A machine that was usable and then is not. */
	make_tables();
	CHECK(init(20));
	sRsdp[0] = 'r';
	CHECK(!init(20));
	CHECK(!i386_acpi_power_off());
	CHECK(sWriteCount == 0);
}

static void test_find_rsdp(void)
{
	uint8_t *area = calloc(1, 100);
	make_tables();
	CHECK(i386_acpi_find_rsdp(area, 100) == NULL);
	memcpy(area + 24, sRsdp, 20); /* not at a multiple of 16 */
	CHECK(i386_acpi_find_rsdp(area, 100) == NULL);
	memcpy(area + 80, sRsdp, 20);
	CHECK(i386_acpi_find_rsdp(area, 100) == area + 80);
	CHECK(i386_acpi_find_rsdp(area, 99) == NULL);
	CHECK(i386_acpi_find_rsdp(area, 0) == NULL);
	memcpy(area + 48, sRsdp, 20);
	area[60] ^= 1; /* a bad one goes by */
	CHECK(i386_acpi_find_rsdp(area, 100) == area + 80);
	free(area);
}

static void test_bad_tables(void)
{
	CHECK(!i386_acpi_init(NULL, 36, map));
	make_tables();
	for (size_t size = 0; size < 20; size++)
		CHECK(!init(size));
	make_tables_v2();
	CHECK(!init(20)); /* half a version 2 RSDP, whose RSDT is no good */

	/* The length of each table in turn: too short, too long, absurd. */
	static const uint32_t kTables[] = {RSDT, FADT, DSDT};
	static const char kSignatures[][5] = {"RSDT", "FACP", "DSDT"};
	static const uint32_t kLengths[] = {
		0, 1, 35, MEMORY_SIZE, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff};
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned j = 0; j < sizeof(kLengths) / sizeof(kLengths[0]); j++) {
			make_tables();
			put32(sMemory + kTables[i] + 4, kLengths[j]);
			CHECK(!init(20));
		}
		make_tables();
		sMemory[kTables[i] + 9] ^= 0x40;
		CHECK(!init(20));
		make_tables();
		sMemory[kTables[i]] ^= 0x20;
		CHECK(!init(20));
		/* Itself good, but with nothing in it. */
		make_tables();
		seal(kTables[i], kSignatures[i], 36);
		CHECK(!init(20));
	}
	make_tables();
	seal(FADT, "FACP", 115);
	CHECK(!init(20));

	/* Addresses: none, unmapped, at the end of memory and of the address space. */
	static const uint32_t kAddresses[] = {0, 1, 0xffffffff, 0xffffffdc, 0xffffff00,
		MEMORY_BASE + MEMORY_SIZE, MEMORY_BASE + MEMORY_SIZE - 20};
	for (unsigned j = 0; j < sizeof(kAddresses) / sizeof(kAddresses[0]); j++) {
		make_tables();
		put32(sRsdp + 16, kAddresses[j]);
		seal_rsdp();
		CHECK(!init(20));
		make_tables();
		put32(sMemory + RSDT + 40, kAddresses[j]);
		seal(RSDT, "RSDT", 48);
		CHECK(!init(20));
		make_tables();
		put32(sMemory + FADT + 40, kAddresses[j]);
		seal(FADT, "FACP", 116);
		CHECK(!init(20));
	}
	/* The whole content beyond 4 GiB. */
	make_tables_v2();
	put64(sMemory + FADT + 140, 0x100000000ull + MEMORY_BASE + DSDT);
	seal(FADT, "FACP", 276);
	CHECK(!init(36));

	/* A version 2 RSDP whose own length or extended checksum is bad falls back
	 * to the RSDT. */
	static const uint32_t kRsdpLengths[] = {0, 20, 35, 37, 0xffffffff};
	for (unsigned j = 0; j < sizeof(kRsdpLengths) / sizeof(kRsdpLengths[0]); j++) {
		make_tables();
		sRsdp[15] = 2;
		put32(sRsdp + 20, kRsdpLengths[j]);
		put64(sRsdp + 24, MEMORY_BASE + OTHER);
		seal_rsdp();
		CHECK(init(36));
		sRsdp[32]++;
		CHECK(init(36));
	}

	/* Tables that name each other, and themselves. */
	make_tables();
	for (unsigned i = 0; i < 32; i++)
		put32(sMemory + RSDT + 36 + 4 * i, MEMORY_BASE + RSDT);
	seal(RSDT, "RSDT", 36 + 4 * 32);
	CHECK(!init(20));
	make_tables();
	put32(sMemory + FADT + 40, MEMORY_BASE + FADT);
	seal(FADT, "FACP", 116);
	CHECK(!init(20));

	/* Registers. */
	make_tables();
	put32(sMemory + FADT + 64, 0);
	seal(FADT, "FACP", 116);
	CHECK(!init(20));
	put32(sMemory + FADT + 64, 0x10604);
	seal(FADT, "FACP", 116);
	CHECK(!init(20));
	put32(sMemory + FADT + 64, PM1A);
	sMemory[FADT + 89] = 1;
	seal(FADT, "FACP", 116);
	CHECK(!init(20));
	sMemory[FADT + 89] = 4;
	put32(sMemory + FADT + 112, 1u << 20); /* hardware-reduced */
	seal(FADT, "FACP", 116);
	CHECK(!init(20));
	make_tables_v2();
	sMemory[FADT + 172] = 0; /* in memory, not I/O, space */
	seal(FADT, "FACP", 276);
	CHECK(!init(36));
}

/* Whether `aml` alone in the DSDT gives the sleep types a and b. */
static bool gives(const void *aml, size_t size, unsigned a, unsigned b)
{
	make_tables();
	put_block(DSDT, "DSDT", aml, size);
	if (!init(20))
		return false;
	i386_acpi_power_off();
	return (sPm1a >> 10 & 7) == a && (sPm1b >> 10 & 7) == b;
}

static bool refused(const void *aml, size_t size)
{
	make_tables();
	put_block(DSDT, "DSDT", aml, size);
	return !init(20);
}

#define GIVES(a, b, aml) CHECK(gives(aml, sizeof(aml) - 1, a, b))
#define REFUSED(aml) CHECK(refused(aml, sizeof(aml) - 1))

static void test_aml(void)
{
	GIVES(0, 0, "\x08_S5_\x12\x06\x04\0\0\0\0");
	GIVES(0, 0, "\x08\\_S5_\x12\x06\x04\0\0\0\0");
	GIVES(1, 0, "\x08_S5_\x12\x04\x02\x01\0");
	GIVES(7, 7, "\x08_S5_\x12\x06\x02\x0a\x07\x0a\x07");
	GIVES(5, 4, "\x08_S5_\x12\x0a\x02\x0b\x05\0\x0c\x04\0\0\0");
	GIVES(3, 2, "\x08_S5_\x12\x0d\x02\x0e\x03\0\0\0\0\0\0\0\x0a\x02");
	/* The longer forms of PkgLength: 2, 3 and 4 bytes in all. */
	GIVES(1, 0, "\x08_S5_\x12\x45\x00\x02\x01\0");
	GIVES(1, 0, "\x08_S5_\x12\x86\x00\x00\x02\x01\0");
	GIVES(1, 0, "\x08_S5_\x12\xc7\x00\x00\x00\x02\x01\0");
	/* What looks like it goes by. */
	GIVES(5, 5, "_S5_\x08_S5_\x12\x04\x02\xff\0\x08_S5_\x12\x06\x04\x0a\x05\x0a\x05");

	REFUSED("");
	REFUSED("\x08_S5_");
	REFUSED("\x08_S5");
	REFUSED("\x08_S5_\x12");
	REFUSED("\x08_S5_\x12\x06");
	REFUSED("\x08_S5_\x12\x06\x04");
	REFUSED("\x08_S5_\x12\x06\x04\0\0\0");	 /* longer than the block */
	REFUSED("\x08_S5_\x12\x00\x04\0\0\0\0"); /* shorter than itself */
	REFUSED("\x08_S5_\x12\x01\x04\0\0\0\0");
	REFUSED("\x08_S5_\x12\x02\x02\0\0\0\0"); /* shorter than its elements */
	REFUSED("\x08_S5_\x12\x05\x02\x0a\x05\x0a\x05");
	/* Reserved bits. */
	REFUSED("\x08_S5_\x12\x55\x00\x02\x01\0 and enough behind it to be that long");
	REFUSED("\x08_S5_\x12\xcf\xff\xff\xff\x02\x01\0");
	REFUSED("\x08_S5_\x12\xc7\x00");
	REFUSED("\x08_S5_\x12\x01");
	REFUSED("\x08_S5_\x12\x04\x01\x01\0");			 /* one element, it says */
	REFUSED("\x08_S5_\x12\x06\x02\x0a\x08\x0a\x05"); /* no sleep type */
	REFUSED("\x08_S5_\x12\x08\x02\x0c\0\0\0\x80\0");
	REFUSED("\x08_S5_\x12\x06\x02\xff\xff\0\0");
	REFUSED("\x08_S5_\x12\x06\x02\x0d\x41\0\0"); /* a string */
	REFUSED("\x08_S5_\x14\x06\x04\0\0\0\0");	 /* a method */
	REFUSED("\x10_S5_\x12\x06\x04\0\0\0\0");
	REFUSED("_S5_\x12\x06\x04\0\0\0\0");
	REFUSED("\\_S5_\x12\x06\x04\0\0\0\0");

	/* In an SSDT, behind others and behind one that is broken. */
	make_tables();
	put_block(DSDT, "DSDT", "empty", 5);
	CHECK(!init(20));
	put_block(OTHER, "SSDT", "empty", 5);
	put_block(SSDT, "SSDT", kGoodAml, sizeof(kGoodAml));
	CHECK(init(20));
	sMemory[OTHER + 9]++;
	CHECK(init(20));
	sMemory[SSDT + 9]++;
	CHECK(!init(20));
}

static bool nothing_listed(void)
{
	const struct i386_acpi_machine *machine = i386_acpi_machine();

	return machine->local_apic == 0 && machine->processor_count == 0
		   && machine->processors_left_out == 0 && machine->io_apic_count == 0
		   && machine->irqs[0].gsi == 0 && machine->irqs[15].gsi == 15
		   && !machine->irqs[9].level;
}

/* How many processors the MADT of these structures gives, -1 for a broken one. */
static int processors(const void *entries, size_t size)
{
	make_tables();
	put_madt(entries, size);
	CHECK(init(20)); /* it does not matter for powering off */
	if (i386_acpi_machine()->local_apic != 0xfee00000) {
		CHECK(nothing_listed());
		return -1;
	}
	return (int)i386_acpi_machine()->processor_count;
}

#define PROCESSORS(count, entries)                                                       \
	CHECK(processors(entries, sizeof(entries) - 1) == (count))
#define ONE "\x00\x08\x00\x00\x01\0\0\0"

static void check_good_machine(void)
{
	const struct i386_acpi_machine *machine = i386_acpi_machine();

	CHECK(machine->local_apic == 0xfee00000);
	CHECK(machine->processor_count == 2 && machine->processors_left_out == 0);
	CHECK(machine->apic_ids[0] == 0 && machine->apic_ids[1] == 4);
	CHECK(machine->io_apic_count == 1);
	CHECK(machine->io_apics[0].address == 0xfec00000);
	CHECK(machine->io_apics[0].gsi_base == 0);
	CHECK(machine->irqs[0].gsi == 2 && !machine->irqs[0].level);
	CHECK(!machine->irqs[0].low_active);
	CHECK(machine->irqs[9].gsi == 9 && machine->irqs[9].level);
	CHECK(machine->irqs[9].low_active);
	CHECK(machine->irqs[15].gsi == 15);
	CHECK(machine->timer_port == TIMER);
	CHECK(machine->rtc_century == 0x32);
}

static void test_machine(void)
{
	uint8_t many[20 * 8];

	make_tables();
	CHECK(init(20));
	check_good_machine();
	CHECK(!i386_acpi_machine()->timer_has_32_bits);
	make_tables_v2();
	CHECK(init(36));
	check_good_machine();
	CHECK(i386_acpi_machine()->timer_has_32_bits);

	/* It is there without what powering off needs. */
	make_tables();
	put_block(DSDT, "DSDT", "empty", 5);
	CHECK(!init(20));
	check_good_machine();

	/* No MADT, one that is too short, one whose checksum is wrong. */
	make_tables();
	seal(MADT, "NOPE", 60);
	CHECK(init(20) && nothing_listed());
	make_tables();
	seal(MADT, "APIC", 43);
	CHECK(init(20) && nothing_listed());
	make_tables();
	sMemory[MADT + 9]++;
	CHECK(init(20) && nothing_listed());

	PROCESSORS(0, "");
	PROCESSORS(1, ONE);
	PROCESSORS(1, ONE ONE); /* the same one */
	PROCESSORS(0, "\x00\x08\x00\xff\x01\0\0\0");
	PROCESSORS(0, "\x00\x08\x00\x00\x00\0\0\0");
	PROCESSORS(2, ONE "\x00\x0a\x01\x01\x01\0\0\0\0\0"); /* longer than today's */
	PROCESSORS(1, "\xff\x03\x01" ONE);
	/* Broken ones: of no length, shorter than themselves, longer than the table,
	 * without a length, shorter than their type. */
	PROCESSORS(-1, ONE "\x00\x00");
	PROCESSORS(-1, ONE "\x30\x00");
	PROCESSORS(-1, ONE "\x30\x01");
	PROCESSORS(-1, ONE "\x00\x08\x01\x01\x01\0\0");
	PROCESSORS(-1, ONE "\x30\xff");
	PROCESSORS(-1, ONE "\x00");
	PROCESSORS(-1, ONE "\x00\x07\x01\x01\x01\0\0");
	PROCESSORS(-1, ONE "\x01\x0b\x08\0\x00\x00\xc0\xfe\0\0\0");
	PROCESSORS(-1, ONE "\x02\x09\x00\x00\x02\0\0\0\x00");
	PROCESSORS(-1, ONE "\x05\x04\0\0");

	/* Overrides of another bus, and of what is no IRQ. */
	PROCESSORS(1, ONE "\x02\x0a\x01\x00\x02\0\0\0\x00\0");
	CHECK(i386_acpi_machine()->irqs[0].gsi == 0);
	PROCESSORS(1, ONE "\x02\x0a\x00\x10\x02\0\0\0\x00\0");
	/* The local APIC somewhere else, and beyond reach. */
	make_tables();
	put_madt(ONE "\x05\x0c\0\0\0\0\xd0\xfe\0\0\0\0", 20);
	CHECK(init(20) && i386_acpi_machine()->local_apic == 0xfed00000);
	PROCESSORS(-1, ONE "\x05\x0c\0\0\0\0\xd0\xfe\1\0\0\0");
	/* An IO-APIC without an address, and more of them than there is room for. */
	PROCESSORS(1, ONE "\x01\x0c\x08\0\0\0\0\0\0\0\0\0");
	CHECK(i386_acpi_machine()->io_apic_count == 0);
	for (unsigned i = 0; i < 13; i++)
		memcpy(many + 12 * i, "\x01\x0c\x08\0\x00\x00\xc0\xfe\0\0\0\0", 12);
	CHECK(processors(many, 13 * 12) == 0);
	CHECK(i386_acpi_machine()->io_apic_count == ACPI_IO_APICS_MAX);

	for (unsigned i = 0; i < 20; i++)
		memcpy(many + 8 * i, (uint8_t[]){0, 8, 0, (uint8_t)i, 1, 0, 0, 0}, 8);
	CHECK(processors(many, sizeof(many)) == 16);
	CHECK(i386_acpi_machine()->processors_left_out == 4);
	CHECK(i386_acpi_machine()->apic_ids[15] == 15);

	/* The timer: of another length, and in memory. */
	make_tables();
	sMemory[FADT + 91] = 0;
	seal(FADT, "FACP", 116);
	CHECK(init(20) && i386_acpi_machine()->timer_port == 0);
	make_tables_v2();
	sMemory[FADT + 208] = 0;
	seal(FADT, "FACP", 276);
	CHECK(init(36) && i386_acpi_machine()->timer_port == 0);
}

/* Damage in random places, sealed again, so that it gets past the checksums. */
static void test_noise(void)
{
	uint32_t seed = 1;
	for (int run = 0; run < 20000; run++) {
		if (run % 2)
			make_tables_v2();
		else
			make_tables();
		for (int i = 0; i < 3; i++) {
			static const uint32_t kPlaces[] = {RSDT, XSDT, FADT, DSDT, SSDT, MADT};
			static const uint32_t kSizes[] = {
				52, 68, 276, 36 + sizeof(kGoodAml), 48, 44 + sizeof(kGoodMadt) - 1};
			seed = seed * 1664525u + 1013904223u;
			unsigned which = (seed >> 8) % 6;
			uint32_t place = kPlaces[which] + (seed >> 16) % kSizes[which];
			sMemory[place] = (uint8_t)(seed >> 24);
			uint32_t size =
				sMemory[kPlaces[which] + 4] | (uint32_t)sMemory[kPlaces[which] + 5] << 8;
			if (size >= 36 && size < MEMORY_SIZE - kPlaces[which])
				fix_sum(sMemory + kPlaces[which], size, 9);
		}
		(void)init(run % 3 ? 36 : 20);
	}
}

int main(void)
{
	test_power_off();
	test_find_rsdp();
	test_bad_tables();
	test_machine();
	test_aml();
	test_noise();
	return check_result();
}
