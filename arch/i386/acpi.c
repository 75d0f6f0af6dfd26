/*
 * ACPI's tables, from the RSDP on: the processors and interrupt controllers
 * of the MADT, the timer of the FADT, and soft-off: the fixed registers, the
 * \_S5_ package, and the write that turns the machine off. No AML is run: the
 * package is found by its encoding, which firmware in practice writes as
 * constants.
 *
 * Called through acpi.h. A table is firmware's word, and no more: every length
 * is checked before it is used and every checksum before a field is believed,
 * and whatever is wrong only means that what it tells of is not there.
 *
 * Sections are those of the ACPI Specification, version 6.4.
 */
#include "arch/i386/acpi.h"

#include "arch/i386/io.h"

/* Root System Description Pointer, section 5.2.5.3. */
#define RSDP_ALIGNMENT 16u
#define RSDP_V1_SIZE 20u
#define RSDP_REVISION 15u
#define RSDP_RSDT 16u
#define RSDP_LENGTH 20u
#define RSDP_XSDT 24u
#define RSDP_V2_SIZE 36u

/* The header of every other table, section 5.2.6. */
#define HEADER_LENGTH 4u
#define HEADER_SIZE 36u

/* The longest table that is read; real ones have a few hundred KiB at most. */
#define TABLE_MAX 0x400000u
/* The most entries of an RSDT or XSDT that are looked at. */
#define ROOT_ENTRIES_MAX 256u

/* Fixed ACPI Description Table, section 5.2.9. */
#define FADT_DSDT 40u
#define FADT_SMI_COMMAND 48u
#define FADT_ACPI_ENABLE 52u
#define FADT_PM1A_CONTROL 64u
#define FADT_PM1B_CONTROL 68u
#define FADT_PM_TIMER 76u
#define FADT_PM1_CONTROL_LENGTH 89u
#define FADT_PM_TIMER_LENGTH 91u
#define FADT_CENTURY 108u
#define FADT_FLAGS 112u
#define FADT_V1_SIZE 116u
#define FADT_X_DSDT 140u
#define FADT_X_PM1A_CONTROL 172u
#define FADT_X_PM1B_CONTROL 184u
#define FADT_X_PM_TIMER 208u
#define FADT_FLAG_TIMER_32 (1u << 8)
#define FADT_FLAG_HARDWARE_REDUCED (1u << 20)

/* Multiple APIC Description Table, section 5.2.12: after the header and these
 * two, structures that each begin with a type and a length. */
#define MADT_LOCAL_APIC 36u
#define MADT_ENTRIES 44u
#define MADT_TYPE_PROCESSOR 0
#define MADT_PROCESSOR_SIZE 8u
#define MADT_PROCESSOR_ID 3u
#define MADT_PROCESSOR_FLAGS 4u
#define MADT_PROCESSOR_ENABLED 1u
#define MADT_TYPE_IO_APIC 1
#define MADT_IO_APIC_SIZE 12u
#define MADT_IO_APIC_ADDRESS 4u
#define MADT_IO_APIC_GSI 8u
#define MADT_TYPE_OVERRIDE 2
#define MADT_OVERRIDE_SIZE 10u
#define MADT_OVERRIDE_BUS 2u
#define MADT_OVERRIDE_IRQ 3u
#define MADT_OVERRIDE_GSI 4u
#define MADT_OVERRIDE_FLAGS 8u
#define MADT_OVERRIDE_LOW 0x3u	 /* of two bits: 0 and 1 are high */
#define MADT_OVERRIDE_LEVEL 0xcu /* of the next two: 0 and 1 are edge */
#define MADT_TYPE_ADDRESS 5
#define MADT_ADDRESS_SIZE 12u
#define MADT_ADDRESS_LOCAL_APIC 4u
/* Whoever has this is never spoken to alone (Intel SDM volume 3A, 11.6.2.1). */
#define APIC_ID_BROADCAST 0xff

/* Generic Address Structure, section 5.2.3.2. */
#define GAS_SPACE 0u
#define GAS_ADDRESS 4u
#define GAS_SIZE 12u
#define GAS_SPACE_IO 1

/* PM1 control register, section 4.8.3.2.1. */
#define PM1_SCI_ENABLE 0x0001u
#define PM1_SLEEP_TYPE_SHIFT 10
#define PM1_SLEEP_TYPE_MASK 0x1c00u
#define PM1_SLEEP_ENABLE 0x2000u
#define SLEEP_TYPE_MAX 7u

/* AML encodings, section 20.2. */
#define AML_ZERO 0x00
#define AML_ONE 0x01
#define AML_NAME 0x08
#define AML_BYTE 0x0a
#define AML_WORD 0x0b
#define AML_DWORD 0x0c
#define AML_QWORD 0x0e
#define AML_PACKAGE 0x12
#define AML_ROOT '\\'

/* How often a register is read, at about a microsecond each, before giving up.
 * Some firmware takes a good second to hand over. */
#define ENABLE_POLLS 3000000u
#define POWER_OFF_POLLS 1000000u

struct table {
	const uint8_t *bytes;
	uint32_t size;
};

static struct {
	bool usable;
	uint16_t smi_command; /* port, 0 where ACPI mode is always on */
	uint8_t acpi_enable;
	uint16_t pm1a_control; /* port */
	uint16_t pm1b_control; /* port, or 0 */
	uint16_t sleep_type_a; /* 0 to 7 */
	uint16_t sleep_type_b;
} sAcpi;

static struct i386_acpi_machine sMachine;

static uint32_t read32(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16
		   | (uint32_t)bytes[3] << 24;
}

static uint64_t read64(const uint8_t *bytes)
{
	return read32(bytes) | (uint64_t)read32(bytes + 4) << 32;
}

static bool equal(const uint8_t *bytes, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] != (uint8_t)text[i])
			return false;
	}
	return true;
}

/* The bytes of every structure with a checksum add up to 0. */
static bool checksum_valid(const uint8_t *bytes, size_t size)
{
	uint8_t sum = 0;
	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return sum == 0;
}

/* ---- Tables -------------------------------------------------------------- */

static bool rsdp_valid(const uint8_t *rsdp)
{
	return equal(rsdp, "RSD PTR ", 8) && checksum_valid(rsdp, RSDP_V1_SIZE);
}

/*
 * Maps the table at `physical` whole and checks it. `signature` is NULL where
 * any will do, and `least` the size without which it is of no use.
 */
static bool map_table(i386_acpi_map map, uint64_t physical, const char *signature,
	uint32_t least, struct table *_table)
{
	if (physical == 0 || physical > UINT32_MAX - HEADER_SIZE)
		return false;
	const uint8_t *bytes = map((uint32_t)physical, HEADER_SIZE);
	if (bytes == NULL || (signature != NULL && !equal(bytes, signature, 4)))
		return false;

	uint32_t size = read32(bytes + HEADER_LENGTH);
	if (size < HEADER_SIZE || size < least || size > TABLE_MAX
		|| size > UINT32_MAX - (uint32_t)physical)
		return false;
	bytes = map((uint32_t)physical, size);
	if (bytes == NULL || !checksum_valid(bytes, size))
		return false;
	_table->bytes = bytes;
	_table->size = size;
	return true;
}

/* The RSDT or, where there is one that is good, the XSDT (section 5.2.8). */
static bool find_root(const uint8_t *rsdp, size_t size, i386_acpi_map map,
	struct table *_root, uint32_t *_entry_size)
{
	if (rsdp[RSDP_REVISION] >= 2 && size >= RSDP_V2_SIZE) {
		uint32_t length = read32(rsdp + RSDP_LENGTH);
		if (length >= RSDP_V2_SIZE && length <= size && checksum_valid(rsdp, length)
			&& map_table(map, read64(rsdp + RSDP_XSDT), "XSDT", HEADER_SIZE, _root)) {
			*_entry_size = 8;
			return true;
		}
	}
	*_entry_size = 4;
	return map_table(map, read32(rsdp + RSDP_RSDT), "RSDT", HEADER_SIZE, _root);
}

/*
 * The next table with `signature` that the root lists, from its entry *_index
 * on, which moves behind it.
 */
static bool find_table(i386_acpi_map map, const struct table *root, uint32_t entry_size,
	const char *signature, uint32_t *_index, uint32_t least, struct table *_table)
{
	uint32_t count = (root->size - HEADER_SIZE) / entry_size;
	if (count > ROOT_ENTRIES_MAX)
		count = ROOT_ENTRIES_MAX;
	while (*_index < count) {
		const uint8_t *entry = root->bytes + HEADER_SIZE + *_index * entry_size;
		uint64_t physical = entry_size == 8 ? read64(entry) : read32(entry);
		(*_index)++;
		if (map_table(map, physical, signature, least, _table))
			return true;
	}
	return false;
}

/*
 * The port of one of the FADT's registers: the extended address where the
 * table has one (it goes before the older field), or 0.
 */
static uint16_t register_port(
	const struct table *fadt, uint32_t field, uint32_t extended_field)
{
	if (fadt->size >= extended_field + GAS_SIZE) {
		const uint8_t *gas = fadt->bytes + extended_field;
		uint64_t address = read64(gas + GAS_ADDRESS);
		if (address != 0)
			return gas[GAS_SPACE] == GAS_SPACE_IO && address < UINT16_MAX
					   ? (uint16_t)address
					   : 0;
	}
	uint32_t port = read32(fadt->bytes + field);
	return port < UINT16_MAX ? (uint16_t)port : 0;
}

/* ---- Processors, interrupt controllers, the timer ------------------------- */

static void start_machine(struct i386_acpi_machine *machine)
{
	*machine = (struct i386_acpi_machine){0};
	for (unsigned i = 0; i < ACPI_IRQS; i++)
		machine->irqs[i].gsi = i; /* section 5.2.12.4: unless an override says */
}

static void add_processor(struct i386_acpi_machine *machine, const uint8_t *entry)
{
	uint8_t id = entry[MADT_PROCESSOR_ID];

	if ((entry[MADT_PROCESSOR_FLAGS] & MADT_PROCESSOR_ENABLED) == 0
		|| id == APIC_ID_BROADCAST)
		return;
	for (unsigned i = 0; i < machine->processor_count; i++) {
		if (machine->apic_ids[i] == id)
			return;
	}
	if (machine->processor_count == ACPI_PROCESSORS_MAX)
		machine->processors_left_out++;
	else
		machine->apic_ids[machine->processor_count++] = id;
}

static void add_io_apic(struct i386_acpi_machine *machine, const uint8_t *entry)
{
	struct i386_acpi_io_apic *io_apic = &machine->io_apics[machine->io_apic_count];

	if (machine->io_apic_count == ACPI_IO_APICS_MAX)
		return;
	io_apic->address = read32(entry + MADT_IO_APIC_ADDRESS);
	io_apic->gsi_base = read32(entry + MADT_IO_APIC_GSI);
	if (io_apic->address != 0)
		machine->io_apic_count++;
}

static void add_override(struct i386_acpi_machine *machine, const uint8_t *entry)
{
	uint8_t irq = entry[MADT_OVERRIDE_IRQ];
	uint8_t flags = entry[MADT_OVERRIDE_FLAGS];

	if (entry[MADT_OVERRIDE_BUS] != 0 || irq >= ACPI_IRQS)
		return;
	machine->irqs[irq] = (struct i386_acpi_irq){
		.gsi = read32(entry + MADT_OVERRIDE_GSI),
		.low_active = (flags & MADT_OVERRIDE_LOW) == MADT_OVERRIDE_LOW,
		.level = (flags & MADT_OVERRIDE_LEVEL) == MADT_OVERRIDE_LEVEL,
	};
}

/* False where any structure is broken: then none of the table is believed. */
static bool read_madt(const struct table *madt, struct i386_acpi_machine *machine)
{
	static const uint32_t kLeast[] = {
		[MADT_TYPE_PROCESSOR] = MADT_PROCESSOR_SIZE,
		[MADT_TYPE_IO_APIC] = MADT_IO_APIC_SIZE,
		[MADT_TYPE_OVERRIDE] = MADT_OVERRIDE_SIZE,
		[MADT_TYPE_ADDRESS] = MADT_ADDRESS_SIZE,
	};
	uint64_t local_apic = read32(madt->bytes + MADT_LOCAL_APIC);
	uint32_t size;

	for (uint32_t at = MADT_ENTRIES; at < madt->size; at += size) {
		const uint8_t *entry = madt->bytes + at;

		if (madt->size - at < 2)
			return false;
		size = entry[1];
		if (size < 2 || size > madt->size - at)
			return false;
		if (entry[0] >= sizeof(kLeast) / sizeof(kLeast[0]))
			continue;
		if (size < kLeast[entry[0]])
			return false;
		if (entry[0] == MADT_TYPE_PROCESSOR)
			add_processor(machine, entry);
		else if (entry[0] == MADT_TYPE_IO_APIC)
			add_io_apic(machine, entry);
		else if (entry[0] == MADT_TYPE_OVERRIDE)
			add_override(machine, entry);
		else if (entry[0] == MADT_TYPE_ADDRESS)
			local_apic = read64(entry + MADT_ADDRESS_LOCAL_APIC);
	}
	if (local_apic > UINT32_MAX)
		return false;
	machine->local_apic = (uint32_t)local_apic;
	return true;
}

/* Section 4.8.3.3. */
static void read_timer(const struct table *fadt, struct i386_acpi_machine *machine)
{
	if (fadt->bytes[FADT_PM_TIMER_LENGTH] == 4)
		machine->timer_port = register_port(fadt, FADT_PM_TIMER, FADT_X_PM_TIMER);
	machine->timer_has_32_bits =
		(read32(fadt->bytes + FADT_FLAGS) & FADT_FLAG_TIMER_32) != 0;
}

/* ---- The \_S5_ package --------------------------------------------------- */

/*
 * One sleep type: an integer constant (section 20.2.3) of 0 to 7 at *_position,
 * before `end`. *_position moves behind it.
 */
static bool read_sleep_type(
	const uint8_t *aml, uint32_t *_position, uint32_t end, uint16_t *_type)
{
	uint32_t position = *_position;
	if (position >= end)
		return false;

	uint32_t size;
	uint64_t value = 0;
	switch (aml[position++]) {
	case AML_ZERO:
		size = 0;
		break;
	case AML_ONE:
		size = 0;
		value = 1;
		break;
	case AML_BYTE:
		size = 1;
		break;
	case AML_WORD:
		size = 2;
		break;
	case AML_DWORD:
		size = 4;
		break;
	case AML_QWORD:
		size = 8;
		break;
	default:
		return false;
	}
	if (size > end - position)
		return false;
	for (uint32_t i = 0; i < size; i++)
		value |= (uint64_t)aml[position + i] << (8 * i);
	if (value > SLEEP_TYPE_MAX)
		return false;
	*_position = position + size;
	*_type = (uint16_t)value;
	return true;
}

/*
 * DefPackage (section 20.2.5.4) at `position`, with two sleep types first
 * (section 7.4.2: the PM1a and the PM1b register's).
 */
static bool read_package(const uint8_t *aml, uint32_t position, uint32_t end,
	uint16_t *_type_a, uint16_t *_type_b)
{
	if (end - position < 2 || aml[position] != AML_PACKAGE)
		return false;
	position++;

	/* PkgLength (section 20.2.4) counts itself: one byte of 6 bits, or 4 bits
	 * and 1 to 3 bytes more, bits 4 and 5 of the first being 0 then. */
	uint32_t start = position;
	uint8_t lead = aml[position++];
	uint32_t more = lead >> 6;
	uint32_t length = lead & 0x3f;
	if (more > 0) {
		if ((lead & 0x30) != 0 || more > end - position)
			return false;
		for (uint32_t i = 0; i < more; i++)
			length |= (uint32_t)aml[position++] << (4 + 8 * i);
	}
	if (length > end - start || start + length <= position)
		return false;
	end = start + length;

	uint8_t count = aml[position++];
	return count >= 2 && read_sleep_type(aml, &position, end, _type_a)
		   && read_sleep_type(aml, &position, end, _type_b);
}

/* Looks for Name (\_S5_, Package) in a definition block (section 20.2.5.1). */
static bool find_s5(const struct table *block, uint16_t *_type_a, uint16_t *_type_b)
{
	const uint8_t *aml = block->bytes;
	for (uint32_t i = HEADER_SIZE + 1; i < block->size && block->size - i > 4; i++) {
		if (!equal(aml + i, "_S5_", 4))
			continue;
		bool named =
			aml[i - 1] == AML_NAME
			|| (aml[i - 1] == AML_ROOT && i >= HEADER_SIZE + 2 && aml[i - 2] == AML_NAME);
		if (named && read_package(aml, i + 4, block->size, _type_a, _type_b))
			return true;
	}
	return false;
}

/* ---- What acpi.h offers -------------------------------------------------- */

const void *i386_acpi_find_rsdp(const uint8_t *bios_area, size_t size)
{
	for (size_t i = 0; i < size && size - i >= RSDP_V1_SIZE; i += RSDP_ALIGNMENT) {
		if (rsdp_valid(bios_area + i))
			return bios_area + i;
	}
	return NULL;
}

const struct i386_acpi_machine *i386_acpi_machine(void)
{
	return &sMachine;
}

bool i386_acpi_init(const void *rsdp, size_t size, i386_acpi_map map)
{
	sAcpi.usable = false;
	start_machine(&sMachine);
	if (rsdp == NULL || size < RSDP_V1_SIZE || !rsdp_valid(rsdp))
		return false;

	struct table root;
	struct table madt;
	struct table fadt;
	uint32_t entry_size;
	uint32_t index = 0;
	if (!find_root(rsdp, size, map, &root, &entry_size))
		return false;
	if (find_table(map, &root, entry_size, "APIC", &index, MADT_ENTRIES, &madt)
		&& !read_madt(&madt, &sMachine))
		start_machine(&sMachine);
	index = 0;
	if (!find_table(map, &root, entry_size, "FACP", &index, FADT_V1_SIZE, &fadt))
		return false;
	sMachine.rtc_century = fadt.bytes[FADT_CENTURY];

	/* Such a machine has no PM1 registers (section 4.1). */
	if ((read32(fadt.bytes + FADT_FLAGS) & FADT_FLAG_HARDWARE_REDUCED) != 0)
		return false;
	read_timer(&fadt, &sMachine);
	sAcpi.pm1a_control = register_port(&fadt, FADT_PM1A_CONTROL, FADT_X_PM1A_CONTROL);
	sAcpi.pm1b_control = register_port(&fadt, FADT_PM1B_CONTROL, FADT_X_PM1B_CONTROL);
	if (sAcpi.pm1a_control == 0 || fadt.bytes[FADT_PM1_CONTROL_LENGTH] < 2)
		return false;
	uint32_t smi_command = read32(fadt.bytes + FADT_SMI_COMMAND);
	sAcpi.smi_command = smi_command <= UINT16_MAX ? (uint16_t)smi_command : 0;
	sAcpi.acpi_enable = fadt.bytes[FADT_ACPI_ENABLE];

	uint64_t dsdt_address = 0;
	if (fadt.size >= FADT_X_DSDT + 8)
		dsdt_address = read64(fadt.bytes + FADT_X_DSDT);
	if (dsdt_address == 0)
		dsdt_address = read32(fadt.bytes + FADT_DSDT);

	/* Mostly the name is in the DSDT, but any SSDT may have it. */
	struct table block;
	bool found = map_table(map, dsdt_address, "DSDT", HEADER_SIZE, &block)
				 && find_s5(&block, &sAcpi.sleep_type_a, &sAcpi.sleep_type_b);
	index = 0;
	while (!found) {
		if (!find_table(map, &root, entry_size, "SSDT", &index, HEADER_SIZE, &block))
			return false;
		found = find_s5(&block, &sAcpi.sleep_type_a, &sAcpi.sleep_type_b);
	}
	sAcpi.usable = true;
	return true;
}

bool i386_acpi_power_off(void)
{
	if (!sAcpi.usable)
		return false;

	/* The registers obey only in ACPI mode (section 4.8.2.5). */
	uint16_t port = sAcpi.pm1a_control;
	if ((inw(port) & PM1_SCI_ENABLE) == 0 && sAcpi.smi_command != 0
		&& sAcpi.acpi_enable != 0) {
		outb(sAcpi.smi_command, sAcpi.acpi_enable);
		for (uint32_t i = 0; (inw(port) & PM1_SCI_ENABLE) == 0; i++) {
			if (i == ENABLE_POLLS)
				return false;
		}
	}

	/* The type first, then the type with the enable bit (section 16.1): some
	 * chipsets act on the type that they had before the bit came. */
	uint32_t keep = ~(PM1_SLEEP_TYPE_MASK | PM1_SLEEP_ENABLE);
	uint16_t a = (uint16_t)((inw(port) & keep)
							| (uint32_t)sAcpi.sleep_type_a << PM1_SLEEP_TYPE_SHIFT);
	uint16_t b = 0;
	outw(port, a);
	if (sAcpi.pm1b_control != 0) {
		b = (uint16_t)((inw(sAcpi.pm1b_control) & keep)
					   | (uint32_t)sAcpi.sleep_type_b << PM1_SLEEP_TYPE_SHIFT);
		outw(sAcpi.pm1b_control, b);
	}
	outw(port, a | PM1_SLEEP_ENABLE);
	if (sAcpi.pm1b_control != 0)
		outw(sAcpi.pm1b_control, b | PM1_SLEEP_ENABLE);

	/* The power goes a moment later. */
	for (uint32_t i = 0; i < POWER_OFF_POLLS; i++)
		(void)inw(port);
	return false;
}
