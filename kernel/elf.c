/*
 * ELF32 programs. See elf.h.
 *
 * Called by the program loader and by the fault reports; pure, so that the
 * host tests and the fuzzer run the same code.
 */
#include "kernel/elf.h"

#include "kernel/arch.h"
#include "kernel/string.h"

#include <postern/errno.h>

/* ---- The format: gABI chapters 4 and 5 ----------------------------------- */

struct elf_header {
	uint8_t magic[4];
	uint8_t class;
	uint8_t encoding;
	uint8_t ident_version;
	uint8_t ident_rest[9];
	uint16_t type;
	uint16_t machine;
	uint32_t version;
	uint32_t entry;
	uint32_t headers_offset;  /* e_phoff */
	uint32_t sections_offset; /* e_shoff */
	uint32_t flags;
	uint16_t size;
	uint16_t header_size; /* e_phentsize */
	uint16_t header_count;
	uint16_t section_size; /* e_shentsize */
	uint16_t section_count;
	uint16_t section_names;
};

struct program_header {
	uint32_t type;
	uint32_t offset;
	uint32_t vaddr;
	uint32_t paddr;
	uint32_t file_size;
	uint32_t memory_size;
	uint32_t flags;
	uint32_t align;
};

struct section_header {
	uint32_t name;
	uint32_t type;
	uint32_t flags;
	uint32_t address;
	uint32_t offset;
	uint32_t size;
	uint32_t link;
	uint32_t info;
	uint32_t align;
	uint32_t entry_size;
};

struct symbol {
	uint32_t name;
	uint32_t value;
	uint32_t size;
	uint8_t info;
	uint8_t other;
	uint16_t section;
};

_Static_assert(sizeof(struct elf_header) == 52, "gABI: Elf32_Ehdr");
_Static_assert(
	sizeof(struct program_header) == ELF_PROGRAM_HEADER_SIZE, "gABI: Elf32_Phdr");
_Static_assert(sizeof(struct section_header) == 40, "gABI: Elf32_Shdr");
_Static_assert(sizeof(struct symbol) == 16, "gABI: Elf32_Sym");

#define CLASS_32 1
#define ENCODING_LITTLE_ENDIAN 1
#define VERSION_CURRENT 1
#define TYPE_EXECUTABLE 2
#define TYPE_SHARED 3
#define MACHINE_386 3

#define SEGMENT_LOAD 1
#define SEGMENT_INTERPRETER 3
#define SEGMENT_EXECUTABLE 0x1
#define SEGMENT_WRITABLE 0x2

#define SECTION_SYMBOLS 2
#define SECTION_STRINGS 3
#define SECTION_UNDEFINED 0
#define SECTION_RESERVED 0xff00 /* absolute, common and the like from here on */

#define SYMBOL_UNTYPED 0
#define SYMBOL_FUNCTION 2

/*
 * What is looked at of symbols that a file says it has, and of a name. A file costs no
 * room where it was never written to, so it may say that it has millions.
 */
#define SYMBOLS_MAX 65536u
#define NAME_LENGTH_MAX 256u

/* Copies a piece out of the file. False when it is not wholly inside. */
static bool read_at(
	const struct elf_source *source, uint64_t offset, void *to, size_t length)
{
	return offset <= source->size && length <= source->size - offset
		   && source->read(source, offset, to, length);
}

/* ---- Programs ------------------------------------------------------------- */

/* Returns NULL, or what is wrong. */
static const char *check_header(const struct elf_header *header, uint64_t size)
{
	if (memcmp(header->magic, "\177ELF", sizeof(header->magic)) != 0)
		return "not an ELF file";
	if (header->class != CLASS_32 || header->encoding != ENCODING_LITTLE_ENDIAN)
		return "not a 32-bit little-endian ELF file";
	if (header->ident_version != VERSION_CURRENT || header->version != VERSION_CURRENT)
		return "unknown version of ELF";
	if (header->machine != MACHINE_386)
		return "not for the i386";
	if (header->type == TYPE_SHARED)
		return "position-independent or a shared library; link it with -static -no-pie";
	if (header->type != TYPE_EXECUTABLE)
		return "not an executable file";
	if (header->size < sizeof(struct elf_header))
		return "ELF header too small";
	if (header->header_count == 0)
		return "no program headers";
	if (header->header_size != ELF_PROGRAM_HEADER_SIZE)
		return "program headers of an unknown size";
	if ((uint64_t)header->headers_offset
			+ (uint32_t)header->header_count * ELF_PROGRAM_HEADER_SIZE
		> size)
		return "program headers outside the file";
	return NULL;
}

/* Returns NULL, or what is wrong with a PT_LOAD of `memory_size` not 0. */
static const char *check_segment(const struct program_header *program, uint64_t size)
{
	if (program->file_size > program->memory_size)
		return "segment larger in the file than in memory";
	if (program->vaddr < USER_BASE
		|| (uint64_t)program->vaddr + program->memory_size > KERNEL_BASE)
		return "segment outside user memory";
	if ((program->align & (program->align - 1)) != 0)
		return "segment alignment is no power of two";

	/* The offset of a segment without bytes in the file means nothing. */
	if (program->file_size == 0)
		return NULL;
	if ((uint64_t)program->offset + program->file_size > size)
		return "segment outside the file";
	if (program->align > 1
		&& ((program->vaddr - program->offset) & (program->align - 1)) != 0)
		return "segment address and file offset differ in alignment";
	return NULL;
}

static bool overlap(const struct elf_segment *a, const struct elf_segment *b)
{
	/* No sum overflows: both end at KERNEL_BASE or below. */
	return a->vaddr < b->vaddr + b->memory_size && b->vaddr < a->vaddr + a->memory_size;
}

/* Returns NULL, or why the segment cannot be added. */
static const char *add_segment(
	struct elf_image *elf, const struct program_header *program)
{
	struct elf_segment segment = {
		.vaddr = program->vaddr,
		.offset = program->offset,
		.file_size = program->file_size,
		.memory_size = program->memory_size,
		.writable = (program->flags & SEGMENT_WRITABLE) != 0,
		.executable = (program->flags & SEGMENT_EXECUTABLE) != 0,
	};

	if (elf->segment_count == ELF_SEGMENTS_MAX)
		return "too many segments";
	for (size_t i = 0; i < elf->segment_count; i++) {
		if (overlap(&elf->segments[i], &segment))
			return "segments overlap";
	}
	elf->segments[elf->segment_count++] = segment;
	return NULL;
}

/* The address of the program headers, where a segment holds all of them. */
static uint32_t find_headers(const struct elf_image *elf)
{
	uint32_t length = elf->header_count * ELF_PROGRAM_HEADER_SIZE;

	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *segment = &elf->segments[i];

		if (elf->headers_offset >= segment->offset && segment->file_size >= length
			&& elf->headers_offset - segment->offset <= segment->file_size - length)
			return segment->vaddr + (elf->headers_offset - segment->offset);
	}
	return 0;
}

static bool entry_is_executable(const struct elf_image *elf)
{
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *segment = &elf->segments[i];

		if (segment->executable && elf->entry >= segment->vaddr
			&& elf->entry - segment->vaddr < segment->memory_size)
			return true;
	}
	return false;
}

int elf_parse(const struct elf_source *source, struct elf_image *_elf, const char **_why)
{
	struct elf_header header;

	if (!read_at(source, 0, &header, sizeof(header))) {
		*_why = "too short for an ELF file";
		return -ENOEXEC;
	}
	*_why = check_header(&header, source->size);
	if (*_why != NULL)
		return -ENOEXEC;

	*_elf = (struct elf_image){
		.entry = header.entry,
		.headers_offset = header.headers_offset,
		.header_count = header.header_count,
	};

	for (uint32_t i = 0; i < header.header_count; i++) {
		struct program_header program;
		uint64_t offset = (uint64_t)header.headers_offset + i * ELF_PROGRAM_HEADER_SIZE;

		if (!read_at(source, offset, &program, sizeof(program)))
			*_why = "program headers outside the file";
		else if (program.type == SEGMENT_INTERPRETER)
			*_why = "dynamically linked; link it with -static";
		else if (program.type == SEGMENT_LOAD
				 && (program.memory_size != 0 || program.file_size != 0)) {
			*_why = check_segment(&program, source->size);
			if (*_why == NULL)
				*_why = add_segment(_elf, &program);
		}
		if (*_why != NULL)
			return -ENOEXEC;
	}

	if (_elf->segment_count == 0)
		*_why = "nothing to load";
	else if (!entry_is_executable(_elf))
		*_why = "entry point outside the executable segments";
	if (*_why != NULL)
		return -ENOEXEC;

	_elf->headers_address = find_headers(_elf);
	return 0;
}

/* ---- Symbols --------------------------------------------------------------- */

/* Where the tables are; the section headers are read again for each symbol. */
struct symbol_tables {
	const struct elf_source *source;
	uint32_t sections_offset;
	uint32_t section_count;
	struct section_header symbols;
	struct section_header strings;
};

static bool read_section(
	const struct symbol_tables *tables, uint32_t index, struct section_header *_section)
{
	return index < tables->section_count
		   && read_at(tables->source,
			   (uint64_t)tables->sections_offset + index * sizeof(*_section), _section,
			   sizeof(*_section));
}

static bool is_inside(
	const struct symbol_tables *tables, const struct section_header *section)
{
	return (uint64_t)section->offset + section->size <= tables->source->size;
}

static bool find_tables(const struct elf_source *source, struct symbol_tables *_tables)
{
	struct elf_header header;

	if (!read_at(source, 0, &header, sizeof(header))
		|| memcmp(header.magic, "\177ELF", sizeof(header.magic)) != 0
		|| header.class != CLASS_32 || header.encoding != ENCODING_LITTLE_ENDIAN
		|| header.section_size != sizeof(struct section_header))
		return false;

	_tables->source = source;
	_tables->sections_offset = header.sections_offset;
	_tables->section_count = header.section_count;

	for (uint32_t i = 0; read_section(_tables, i, &_tables->symbols); i++) {
		if (_tables->symbols.type != SECTION_SYMBOLS)
			continue;
		return _tables->symbols.entry_size == sizeof(struct symbol)
			   && is_inside(_tables, &_tables->symbols)
			   && read_section(_tables, _tables->symbols.link, &_tables->strings)
			   && _tables->strings.type == SECTION_STRINGS
			   && is_inside(_tables, &_tables->strings);
	}
	return false;
}

/* Copies a name, cut to `size` - 1 bytes. False when it is empty or has no end. */
static bool read_name(
	const struct symbol_tables *tables, uint32_t index, char *name, size_t size)
{
	uint64_t offset = (uint64_t)tables->strings.offset + index;
	uint32_t done = 0;
	char piece[32];

	while (index < tables->strings.size && done < tables->strings.size - index
		   && done < NAME_LENGTH_MAX) {
		uint32_t rest = tables->strings.size - index - done;
		uint32_t count = rest < sizeof piece ? rest : sizeof piece;
		uint32_t i;

		if (!read_at(tables->source, offset + done, piece, count))
			return false;
		for (i = 0; i < count; i++) {
			if (done + i < size)
				name[done + i] = done + i + 1 < size ? piece[i] : '\0';
			if (piece[i] == '\0')
				return done + i > 0;
		}
		done += count;
	}
	return false;
}

static bool has_name(const struct symbol_tables *tables, const struct symbol *symbol)
{
	char first;

	return read_name(tables, symbol->name, &first, sizeof first);
}

/* Whether the symbol could be the place of code at `address`, its size apart. */
static bool is_candidate(
	const struct symbol_tables *tables, const struct symbol *symbol, uint32_t address)
{
	uint8_t type = symbol->info & 0xf;
	struct section_header section;

	if ((type != SYMBOL_FUNCTION && type != SYMBOL_UNTYPED) || symbol->value > address
		|| symbol->section == SECTION_UNDEFINED || symbol->section >= SECTION_RESERVED)
		return false;
	/* A last label would otherwise name all memory behind it. */
	return read_section(tables, symbol->section, &section) && address >= section.address
		   && address - section.address < section.size;
}

bool elf_find_symbol(const struct elf_source *source, uint32_t address, char *name,
	size_t size, uint32_t *_offset)
{
	struct symbol_tables tables;
	uint32_t count;
	uint32_t sized_name = 0;   /* the nearest whose size covers `address` */
	uint32_t unsized_name = 0; /* the nearest without a size */
	bool has_sized = false, has_unsized = false;
	uint32_t sized_value = 0;
	uint32_t unsized_value = 0;
	uint32_t last_end_value = 0; /* the nearest that ends before `address` */

	if (!find_tables(source, &tables))
		return false;

	count = tables.symbols.size / sizeof(struct symbol);
	for (uint32_t i = 0; i < count && i < SYMBOLS_MAX; i++) {
		struct symbol symbol;

		if (!read_at(source, (uint64_t)tables.symbols.offset + i * sizeof(symbol),
				&symbol, sizeof(symbol))
			|| !is_candidate(&tables, &symbol, address) || !has_name(&tables, &symbol))
			continue;

		if (symbol.size == 0) {
			if (!has_unsized || symbol.value > unsized_value) {
				has_unsized = true;
				unsized_name = symbol.name;
				unsized_value = symbol.value;
			}
		} else if (address - symbol.value < symbol.size) {
			if (!has_sized || symbol.value > sized_value) {
				has_sized = true;
				sized_name = symbol.name;
				sized_value = symbol.value;
			}
		} else if (symbol.value > last_end_value)
			last_end_value = symbol.value;
	}

	/* A label without a size reaches only as far as the next symbol. */
	if (has_unsized && unsized_value >= last_end_value
		&& (!has_sized || unsized_value > sized_value)) {
		*_offset = address - unsized_value;
		return read_name(&tables, unsized_name, name, size);
	}
	*_offset = address - sized_value;
	return has_sized && read_name(&tables, sized_name, name, size);
}
