// build: kernel/elf.c
/*
 * kernel/elf.c: a good program built here, one thing changed in it at a time,
 * and symbol tables. Images lie at the end of an allocation of their size, and
 * at odd addresses too.
 */
#include <elf.h>
#include <stdlib.h>

#include <postern/errno.h>

#include "check.h"
#include "kernel/elf.h"

/* Code with the headers in it, data with a BSS, and the symbols. */
static struct image {
	Elf32_Ehdr header;
	Elf32_Phdr programs[20];
	uint8_t code[256];
	Elf32_Shdr sections[5];
	Elf32_Sym symbols[16];
	char strings[128];
} sImage;

#define CODE 0x08048000u
#define DATA 0x0804a000u
#define ENTRY (CODE + offsetof(struct image, code))

static void build(void)
{
	memset(&sImage, 0, sizeof(sImage));
	memcpy(sImage.header.e_ident, "\177ELF\1\1\1", 7);
	sImage.header.e_type = ET_EXEC;
	sImage.header.e_machine = EM_386;
	sImage.header.e_version = 1;
	sImage.header.e_entry = ENTRY;
	sImage.header.e_phoff = offsetof(struct image, programs);
	sImage.header.e_ehsize = sizeof(Elf32_Ehdr);
	sImage.header.e_phentsize = sizeof(Elf32_Phdr);
	sImage.header.e_phnum = 3;
	sImage.programs[0] =
		(Elf32_Phdr){PT_LOAD, 0, CODE, CODE, offsetof(struct image, sections),
			offsetof(struct image, sections), PF_R | PF_X, 0x1000};
	sImage.programs[1] =
		(Elf32_Phdr){PT_LOAD, 0x100, DATA + 0x100, 0, 0x40, 0x3000, PF_R | PF_W, 0x1000};
	sImage.programs[2] = (Elf32_Phdr){PT_GNU_STACK, 0, 0, 0, 0, 0, PF_R | PF_W, 0};
}

static const char *sWhy;

static bool read_memory(
	const struct elf_source *source, uint64_t offset, void *to, size_t length)
{
	memcpy(to, (const char *)source->file + offset, length);
	return true;
}

static int parse_sized(struct elf_image *elf, size_t size, size_t shift)
{
	uint8_t *memory = malloc(size + shift);

	memcpy(memory + shift, &sImage, size);
	sWhy = NULL;
	struct elf_source source = {read_memory, size, memory + shift};
	int result = elf_parse(&source, elf, &sWhy);
	free(memory);
	return result;
}

static void check_good(struct elf_image *elf)
{
	CHECK_NUMBER(parse_sized(elf, sizeof(sImage), 1), 0);
	CHECK_NUMBER(parse_sized(elf, sizeof(sImage), 0), 0);
	CHECK_STRING(sWhy, NULL);
}

static void check_bad(const char *why)
{
	struct elf_image elf;

	CHECK_NUMBER(parse_sized(&elf, sizeof(sImage), 0), -ENOEXEC);
	CHECK_STRING(sWhy, why);
	build();
}

static void test_good(void)
{
	struct elf_image elf;

	build();
	check_good(&elf);
	CHECK_NUMBER(elf.entry, ENTRY);
	CHECK_NUMBER(elf.header_count, 3);
	CHECK_NUMBER(elf.headers_offset, sizeof(Elf32_Ehdr));
	CHECK_NUMBER(elf.headers_address, CODE + sizeof(Elf32_Ehdr));
	CHECK_NUMBER(elf.segment_count, 2);
	CHECK_NUMBER(elf.segments[0].vaddr, CODE);
	CHECK(elf.segments[0].executable && !elf.segments[0].writable);
	CHECK_NUMBER(elf.segments[1].vaddr, DATA + 0x100);
	CHECK_NUMBER(elf.segments[1].offset, 0x100);
	CHECK_NUMBER(elf.segments[1].file_size, 0x40);
	CHECK_NUMBER(elf.segments[1].memory_size, 0x3000);
	CHECK(!elf.segments[1].executable && elf.segments[1].writable);

	/* The ends of user memory. */
	sImage.programs[1].p_vaddr = 0x00010100;
	check_good(&elf);
	sImage.programs[1].p_vaddr = 0xbfffd100;
	sImage.programs[1].p_memsz = 0x2f00;
	check_good(&elf);

	/* A BSS alone: its offset may be anything. */
	build();
	sImage.programs[1].p_filesz = 0;
	sImage.programs[1].p_offset = 0xfffffff3;
	check_good(&elf);
	/* Nothing at all. */
	sImage.programs[1].p_memsz = 0;
	sImage.programs[1].p_vaddr = 0;
	check_good(&elf);
	CHECK_NUMBER(elf.segment_count, 1);

	/* Side by side in one page, in any order; alignment that says nothing. */
	build();
	sImage.programs[1].p_vaddr = CODE + sImage.programs[0].p_memsz;
	sImage.programs[1].p_align = 0;
	check_good(&elf);
	sImage.programs[1].p_vaddr = CODE - 0x3000;
	sImage.programs[1].p_align = 1;
	check_good(&elf);

	/* Headers that no segment holds whole. */
	build();
	sImage.programs[0].p_offset = offsetof(struct image, programs) + 1;
	sImage.programs[0].p_filesz = 0x100;
	sImage.programs[0].p_align = 1;
	check_good(&elf);
	CHECK_NUMBER(elf.headers_address, 0);
	sImage.programs[0].p_offset = 0;
	sImage.programs[0].p_filesz =
		offsetof(struct image, programs) + 3 * sizeof(Elf32_Phdr) - 1;
	check_good(&elf);
	CHECK_NUMBER(elf.headers_address, 0);
	sImage.programs[0].p_filesz++;
	check_good(&elf);
	CHECK_NUMBER(elf.headers_address, CODE + sizeof(Elf32_Ehdr));

	/* As many as fit. */
	build();
	sImage.header.e_phnum = ELF_SEGMENTS_MAX;
	for (unsigned i = 1; i < ELF_SEGMENTS_MAX; i++) {
		sImage.programs[i] = sImage.programs[1];
		sImage.programs[i].p_vaddr = DATA + 0x100 + i * 0x3000;
	}
	check_good(&elf);
	CHECK_NUMBER(elf.segment_count, ELF_SEGMENTS_MAX);
}

static void test_bad(void)
{
	build();
	sImage.header.e_ident[0] = 'E';
	check_bad("not an ELF file");
	sImage.header.e_ident[EI_CLASS] = ELFCLASS64;
	check_bad("not a 32-bit little-endian ELF file");
	sImage.header.e_ident[EI_DATA] = ELFDATA2MSB;
	check_bad("not a 32-bit little-endian ELF file");
	sImage.header.e_ident[EI_VERSION] = 0;
	check_bad("unknown version of ELF");
	sImage.header.e_version = 2;
	check_bad("unknown version of ELF");
	sImage.header.e_machine = EM_X86_64;
	check_bad("not for the i386");
	sImage.header.e_type = ET_REL;
	check_bad("not an executable file");
	sImage.header.e_type = ET_DYN;
	check_bad("position-independent or a shared library; link it with -static -no-pie");
	sImage.header.e_ehsize = 51;
	check_bad("ELF header too small");
	sImage.header.e_phnum = 0;
	check_bad("no program headers");
	sImage.header.e_phentsize = 56;
	check_bad("program headers of an unknown size");
	sImage.header.e_phoff = sizeof(sImage) - 3 * sizeof(Elf32_Phdr) + 1;
	check_bad("program headers outside the file");
	sImage.header.e_phoff = 0xffffffff;
	check_bad("program headers outside the file");
	sImage.header.e_phnum = 0xffff;
	check_bad("program headers outside the file");

	sImage.programs[2].p_type = PT_INTERP;
	check_bad("dynamically linked; link it with -static");
	sImage.programs[1].p_filesz = 0x3001;
	check_bad("segment larger in the file than in memory");
	sImage.programs[1].p_memsz = 0;
	check_bad("segment larger in the file than in memory");
	sImage.programs[1].p_vaddr = 0xf100;
	check_bad("segment outside user memory");
	sImage.programs[1].p_vaddr = 0xbfffd100; /* ends 0x100 too high */
	check_bad("segment outside user memory");
	sImage.programs[1].p_vaddr = 0xc0000100;
	check_bad("segment outside user memory");
	sImage.programs[1].p_memsz = 0xffffffff; /* wraps around */
	check_bad("segment outside user memory");
	sImage.programs[1].p_offset = sizeof(sImage) - 0x40 + 1;
	check_bad("segment outside the file");
	sImage.programs[1].p_offset = 0xfffff100; /* wraps around */
	sImage.programs[1].p_filesz = 0x2000;
	check_bad("segment outside the file");
	sImage.programs[1].p_align = 0x1001;
	check_bad("segment alignment is no power of two");
	sImage.programs[1].p_vaddr += 4;
	check_bad("segment address and file offset differ in alignment");
	sImage.programs[1].p_vaddr = CODE + 0x100;
	check_bad("segments overlap");
	sImage.programs[1].p_vaddr = CODE - 0x2f00;
	check_bad("segments overlap");
	sImage.programs[2] = sImage.programs[1];
	check_bad("segments overlap");

	sImage.header.e_phnum = ELF_SEGMENTS_MAX + 1;
	for (unsigned i = 1; i <= ELF_SEGMENTS_MAX; i++) {
		sImage.programs[i] = sImage.programs[1];
		sImage.programs[i].p_vaddr = DATA + 0x100 + i * 0x3000;
	}
	check_bad("too many segments");

	sImage.programs[0].p_type = sImage.programs[1].p_type = PT_NULL;
	check_bad("nothing to load");
	sImage.header.e_entry = 0;
	check_bad("entry point outside the executable segments");
	sImage.header.e_entry = CODE - 1;
	check_bad("entry point outside the executable segments");
	sImage.header.e_entry = CODE + offsetof(struct image, sections);
	check_bad("entry point outside the executable segments");
	sImage.header.e_entry = DATA + 0x100; /* not executable */
	check_bad("entry point outside the executable segments");
	sImage.programs[0].p_flags = PF_R;
	check_bad("entry point outside the executable segments");

	/* Cut anywhere. */
	struct elf_image elf;
	for (size_t size = 0; size < offsetof(struct image, sections); size++)
		CHECK_NUMBER(parse_sized(&elf, size, 0), -ENOEXEC);
	CHECK_NUMBER(parse_sized(&elf, offsetof(struct image, sections), 0), 0);
}

/* ---- Symbols ---------------------------------------------------------------- */

static size_t sSymbolCount;
static size_t sStringsUsed;

static void add_symbol(
	const char *name, uint32_t value, uint32_t size, int type, uint16_t section)
{
	sImage.symbols[sSymbolCount++] = (Elf32_Sym){
		.st_name = (uint32_t)sStringsUsed,
		.st_value = value,
		.st_size = size,
		.st_info = ELF32_ST_INFO(STB_LOCAL, type),
		.st_shndx = section,
	};
	strcpy(sImage.strings + sStringsUsed, name);
	sStringsUsed += strlen(name) + 1;
}

static void build_symbols(void)
{
	build();
	sImage.header.e_shoff = offsetof(struct image, sections);
	sImage.header.e_shentsize = sizeof(Elf32_Shdr);
	sImage.header.e_shnum = 5;
	sImage.sections[1] =
		(Elf32_Shdr){.sh_type = SHT_PROGBITS, .sh_addr = 0x1000, .sh_size = 0x1000};
	sImage.sections[2] =
		(Elf32_Shdr){.sh_type = SHT_PROGBITS, .sh_addr = 0x4000, .sh_size = 0x1000};
	sImage.sections[3] = (Elf32_Shdr){.sh_type = SHT_SYMTAB,
		.sh_offset = offsetof(struct image, symbols),
		.sh_size = sizeof(sImage.symbols),
		.sh_link = 4,
		.sh_entsize = sizeof(Elf32_Sym)};
	sImage.sections[4] = (Elf32_Shdr){.sh_type = SHT_STRTAB,
		.sh_offset = offsetof(struct image, strings),
		.sh_size = sizeof(sImage.strings)};

	sSymbolCount = 1;
	sStringsUsed = 1;
	add_symbol("_start", 0x1000, 0, STT_NOTYPE, 1);
	add_symbol("main", 0x1200, 0x100, STT_FUNC, 1);
	add_symbol("main.loop", 0x1240, 0, STT_NOTYPE, 1);
	add_symbol("inner", 0x1280, 0x10, STT_FUNC, 1);
	add_symbol("table", 0x1210, 0x10, STT_OBJECT, 1);
	add_symbol("constant", 0x1220, 0, STT_NOTYPE, SHN_ABS);
	add_symbol("undefined", 0x1220, 0, STT_NOTYPE, SHN_UNDEF);
	add_symbol("", 0x1220, 0, STT_NOTYPE, 1);
	add_symbol("elsewhere", 0x1230, 0, STT_NOTYPE, 2);
	add_symbol("nowhere", 0x1230, 0, STT_NOTYPE, 77);
	add_symbol("last", 0x1f00, 0, STT_NOTYPE, 1);
	add_symbol("high", 0x4000, 0xffffffff, STT_FUNC, 2);
}

static void check_symbol(uint32_t address, const char *expected, uint32_t expected_offset)
{
	uint8_t *memory = malloc(sizeof(sImage) + 1);
	char name[80];
	uint32_t offset = 0;
	int failures = sFailures;

	memcpy(memory + 1, &sImage, sizeof(sImage));
	struct elf_source source = {read_memory, sizeof(sImage), memory + 1};
	bool found = elf_find_symbol(&source, address, name, sizeof(name), &offset);
	CHECK_NUMBER(found, expected != NULL);
	if (found) {
		CHECK_STRING(name, expected);
		CHECK_NUMBER(offset, expected_offset);
	}
	if (sFailures != failures)
		printf("    for 0x%x\n", address);
	free(memory);
}

static void test_symbols(void)
{
	build_symbols();
	check_symbol(0, NULL, 0);
	check_symbol(0xfff, NULL, 0);
	check_symbol(0x1000, "_start", 0);
	check_symbol(0x11ff, "_start", 0x1ff);
	check_symbol(0x1200, "main", 0);
	check_symbol(0x123f, "main", 0x3f);
	check_symbol(0x1240, "main.loop", 0);
	check_symbol(0x127f, "main.loop", 0x3f);
	check_symbol(0x1280, "inner", 0);
	check_symbol(0x128f, "inner", 0xf);
	/* Behind the inner function: the label before it has ended, main has not. */
	check_symbol(0x1290, "main", 0x90);
	check_symbol(0x12ff, "main", 0xff);
	check_symbol(0x1300, NULL, 0);
	check_symbol(0x1eff, NULL, 0);
	check_symbol(0x1fff, "last", 0xff);
	check_symbol(0x2000, NULL, 0); /* the section's end */
	check_symbol(0x4fff, "high", 0xfff);
	check_symbol(0x5000, NULL, 0);
	check_symbol(0xffffffff, NULL, 0);
}

static void check_no_symbols(void)
{
	check_symbol(0x1210, NULL, 0);
	build_symbols();
}

static void test_bad_symbols(void)
{
	build_symbols();
	check_symbol(0x1210, "main", 0x10);
	sImage.header.e_ident[EI_CLASS] = ELFCLASS64;
	check_no_symbols();
	sImage.header.e_shoff = 0;
	check_no_symbols();
	sImage.header.e_shoff = 0xfffffff0;
	check_no_symbols();
	sImage.header.e_shentsize = 64;
	check_no_symbols();
	sImage.header.e_shnum = 3;
	check_no_symbols();
	sImage.sections[3].sh_entsize = 0;
	check_no_symbols();
	sImage.sections[3].sh_offset = 0xffffff00;
	check_no_symbols();
	sImage.sections[3].sh_size = 0xffffffff;
	check_no_symbols();
	sImage.sections[3].sh_link = 0xffffffff;
	check_no_symbols();
	sImage.sections[3].sh_link = 1;
	check_no_symbols();
	sImage.sections[4].sh_offset = sizeof(sImage);
	check_no_symbols();
	sImage.sections[4].sh_size = 0;
	check_no_symbols();

	/* A name without a NUL, one outside: as if they were not there. */
	sImage.sections[4].sh_size = 1 + sizeof("_start") + 3;
	check_symbol(0x1210, "_start", 0x210);
	build_symbols();
	sImage.symbols[2].st_name = 0xffffffff;
	check_symbol(0x1210, "_start", 0x210);
}

/* ---- More than there can be --------------------------------------------------- */

#define READS_MAX 1000000u

static unsigned sReads;

/* Behind the image as many symbols as the tables have room for, with names without end.
 */
static bool read_endless(
	const struct elf_source *source, uint64_t offset, void *to, size_t length)
{
	const Elf32_Sym symbol = {.st_name = 1,
		.st_value = 0x1000,
		.st_info = ELF32_ST_INFO(STB_LOCAL, STT_FUNC),
		.st_shndx = 1};

	(void)source;
	if (++sReads > READS_MAX)
		return false;
	if (offset + length <= sizeof(sImage))
		memcpy(to, (const char *)&sImage + offset, length);
	else if (length == sizeof(symbol) && offset < sImage.sections[4].sh_offset)
		memcpy(to, &symbol, length);
	else
		memset(to, 'x', length);
	return true;
}

/* Nobody may be kept busy for hours by what a file says it has. */
static void test_endless_symbols(void)
{
	struct elf_source source = {read_endless, 0xffffffff, NULL};
	char name[80];
	uint32_t offset;

	build_symbols();
	sImage.sections[3].sh_offset = 0x10000;
	sImage.sections[3].sh_size = 0x7fff0000;
	sImage.sections[4].sh_offset = 0x80000000;
	sImage.sections[4].sh_size = 0x7fffffff;
	CHECK(!elf_find_symbol(&source, 0x1210, name, sizeof(name), &offset));
	CHECK(sReads <= READS_MAX);
}

int main(void)
{
	test_good();
	test_bad();
	test_symbols();
	test_bad_symbols();
	test_endless_symbols();
	return check_result();
}
