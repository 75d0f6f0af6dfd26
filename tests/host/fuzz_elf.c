// fuzz: kernel/elf.c
/*
 * kernel/elf.c over any bytes: what it accepts must hold what elf.h promises,
 * and the names of symbols must lie in the image. The first byte says what of it
 * is made right, so that more than the magic number is tried; the next four are
 * an address to look up.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include <postern/errno.h>

#include "fuzz.h"
#include "kernel/arch.h"
#include "kernel/elf.h"

static void mend_header(uint8_t *image, size_t size)
{
	Elf32_Ehdr header;

	if (size < sizeof(header))
		return;
	memcpy(&header, image, sizeof(header));
	memcpy(header.e_ident, "\177ELF\1\1\1", 7);
	header.e_type = ET_EXEC;
	header.e_machine = EM_386;
	header.e_version = 1;
	header.e_ehsize = sizeof(header);
	header.e_phoff %= (Elf32_Off)size;
	header.e_phentsize = sizeof(Elf32_Phdr);
	header.e_phnum %= 24;
	header.e_shoff %= (Elf32_Off)size;
	header.e_shentsize = sizeof(Elf32_Shdr);
	header.e_shnum %= 24;
	memcpy(image, &header, sizeof(header));
}

/* Makes the first program header one to load, wherever its bytes are. */
static void mend_program(uint8_t *image, size_t size)
{
	Elf32_Ehdr header;
	Elf32_Phdr program;

	if (size < sizeof(header))
		return;
	memcpy(&header, image, sizeof(header));
	if (header.e_phoff > size || size - header.e_phoff < sizeof(program))
		return;
	memcpy(&program, image + header.e_phoff, sizeof(program));
	program.p_type = PT_LOAD;
	program.p_vaddr = USER_BASE + program.p_vaddr % 0x80000000u;
	if (program.p_memsz < program.p_filesz || program.p_memsz == 0)
		program.p_memsz = program.p_filesz | 1;
	program.p_flags |= PF_X;
	program.p_align &= 1;
	header.e_entry = program.p_vaddr;
	memcpy(image + header.e_phoff, &program, sizeof(program));
	/* Last: the two may overlap. */
	memcpy(image, &header, sizeof(header));
}

/* Makes the first section a symbol table and the second its strings. */
static void mend_sections(uint8_t *image, size_t size, bool bounded)
{
	Elf32_Ehdr header;
	Elf32_Shdr sections[2];

	if (size < sizeof(header))
		return;
	memcpy(&header, image, sizeof(header));
	if (header.e_shoff > size || size - header.e_shoff < sizeof(sections))
		return;
	memcpy(sections, image + header.e_shoff, sizeof(sections));
	sections[0].sh_type = SHT_SYMTAB;
	sections[0].sh_entsize = sizeof(Elf32_Sym);
	sections[0].sh_link = 1;
	sections[1].sh_type = SHT_STRTAB;
	for (int i = 0; bounded && i < 2; i++) {
		sections[i].sh_offset %= (Elf32_Off)size;
		sections[i].sh_size %= (Elf32_Word)(size - sections[i].sh_offset + 1);
	}
	memcpy(image + header.e_shoff, sections, sizeof(sections));
}

static void check_program(const struct elf_image *elf, size_t size)
{
	bool entry_found = false;

	REQUIRE(elf->segment_count >= 1 && elf->segment_count <= ELF_SEGMENTS_MAX);
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *a = &elf->segments[i];
		uint64_t end = (uint64_t)a->vaddr + a->memory_size;

		REQUIRE(a->memory_size > 0 && a->file_size <= a->memory_size);
		REQUIRE(a->vaddr >= USER_BASE && end <= KERNEL_BASE);
		REQUIRE(a->file_size == 0 || (uint64_t)a->offset + a->file_size <= size);
		entry_found |= a->executable && elf->entry >= a->vaddr && elf->entry < end;
		for (size_t j = 0; j < i; j++) {
			const struct elf_segment *b = &elf->segments[j];

			REQUIRE(end <= b->vaddr || b->vaddr + b->memory_size <= a->vaddr);
		}
	}
	REQUIRE(entry_found);
	REQUIRE(elf->header_count >= 1);
	REQUIRE((uint64_t)elf->headers_offset + elf->header_count * ELF_PROGRAM_HEADER_SIZE
			<= size);
	REQUIRE(elf->headers_address == 0 || elf->headers_address >= USER_BASE);
}

static bool read_image(
	const struct elf_source *source, uint64_t offset, void *to, size_t length)
{
	REQUIRE(offset <= source->size && length <= source->size - offset);
	memcpy(to, (const char *)source->file + offset, length);
	return true;
}

static void look_up(const struct elf_source *source, uint32_t address)
{
	char name[20];
	uint32_t offset = 0;

	if (!elf_find_symbol(source, address, name, sizeof(name), &offset))
		return;
	REQUIRE(name[0] != '\0' && memchr(name, '\0', sizeof(name)) != NULL);
	REQUIRE(offset <= address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_image elf;
	const char *why = NULL;
	uint32_t address;

	if (size < 6)
		return 0;

	uint8_t how = data[0];
	memcpy(&address, data + 1, sizeof(address));
	data += 5;
	size -= 5;

	/* A copy of just its size. */
	uint8_t *image = malloc(size);
	memcpy(image, data, size);
	if (how & 1)
		mend_header(image, size);
	if (how & 4)
		mend_program(image, size);
	if (how & 2)
		mend_sections(image, size, (how & 8) != 0);

	struct elf_source source = {read_image, size, image};
	int result = elf_parse(&source, &elf, &why);
	if (result == 0) {
		REQUIRE(why == NULL);
		check_program(&elf, size);
		look_up(&source, elf.entry);
	} else
		REQUIRE(result == -ENOEXEC && why != NULL);
	look_up(&source, address);
	free(image);
	return 0;
}
