// fuzz: arch/i386/acpi.c -iquote tests/host/include
/*
 * ACPI's tables with any contents: the input is cut into a MADT, a FADT, a DSDT
 * and what is left, an SSDT, each of which gets a header and a checksum, since no
 * fuzzer finds those. What is found must keep to its limits.
 */
#include <stdlib.h>
#include <string.h>

#include "arch/i386/acpi.h"
#include "arch/i386/io.h"
#include "fuzz.h"

#define HEADER 36u
#define TABLE_ADDRESS(index) (0x100000u + 0x10000u * (index))

enum { RSDT, MADT, FADT, DSDT, SSDT, TABLES };

static uint8_t *sTables[TABLES]; /* each an allocation of just its size */
static size_t sSizes[TABLES];

/* Powering off is not tried: no port is ever touched. */
void outb(uint16_t port, uint8_t value)
{
	(void)port;
	(void)value;
	abort();
}

void outw(uint16_t port, uint16_t value)
{
	(void)port;
	(void)value;
	abort();
}

uint16_t inw(uint16_t port)
{
	(void)port;
	abort();
}

static const void *map(uint32_t physical, size_t size)
{
	for (unsigned i = 0; i < TABLES; i++) {
		if (physical == TABLE_ADDRESS(i))
			return size <= sSizes[i] ? sTables[i] : NULL;
	}
	return NULL;
}

static void put32(uint8_t *bytes, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

static void fix_sum(uint8_t *bytes, size_t size, size_t field)
{
	uint8_t sum = 0;

	bytes[field] = 0;
	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	bytes[field] = (uint8_t)(0u - sum);
}

static uint8_t *add_table(
	unsigned index, const char *signature, const uint8_t *content, size_t size)
{
	uint8_t *table = calloc(1, HEADER + size);

	if (size > 0)
		memcpy(table + HEADER, content, size);
	memcpy(table, signature, 4);
	put32(table + 4, (uint32_t)(HEADER + size));
	fix_sum(table, HEADER + size, 9);
	sTables[index] = table;
	sSizes[index] = HEADER + size;
	return table;
}

static void check_machine(const struct i386_acpi_machine *machine)
{
	REQUIRE(machine->processor_count <= ACPI_PROCESSORS_MAX);
	REQUIRE(machine->io_apic_count <= ACPI_IO_APICS_MAX);
	for (unsigned i = 0; i < machine->processor_count; i++) {
		REQUIRE(machine->apic_ids[i] != 0xff);
		for (unsigned j = 0; j < i; j++)
			REQUIRE(machine->apic_ids[i] != machine->apic_ids[j]);
	}
	for (unsigned i = 0; i < machine->io_apic_count; i++)
		REQUIRE(machine->io_apics[i].address != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const kSignatures[] = {"RSDT", "APIC", "FACP", "DSDT", "SSDT"};
	uint8_t list[4 * 3];
	uint8_t rsdp[20] = "RSD PTR ";

	if (size < 3)
		return 0;
	const uint8_t *cuts = data;
	data += 3;
	size -= 3;
	for (unsigned i = MADT; i <= SSDT; i++) {
		size_t part = i == SSDT || cuts[i - MADT] > size ? size : cuts[i - MADT];
		uint8_t *table = add_table(i, kSignatures[i], data, part);

		if (i == FADT && part >= 8) {
			put32(table + 40, TABLE_ADDRESS(DSDT));
			fix_sum(table, HEADER + part, 9);
		}
		data += part;
		size -= part;
	}
	put32(list, TABLE_ADDRESS(MADT));
	put32(list + 4, TABLE_ADDRESS(FADT));
	put32(list + 8, TABLE_ADDRESS(SSDT));
	add_table(RSDT, kSignatures[RSDT], list, sizeof list);
	put32(rsdp + 16, TABLE_ADDRESS(RSDT));
	fix_sum(rsdp, sizeof rsdp, 8);

	(void)i386_acpi_init(rsdp, sizeof rsdp, map);
	check_machine(i386_acpi_machine());
	for (unsigned i = 0; i < TABLES; i++)
		free(sTables[i]);
	return 0;
}
