/*
 * ELF32 programs (System V gABI; i386 psABI): checked before a page of them
 * is mapped, and their symbols for reports.
 *
 * Both functions take any bytes at all. Of the file they read what they need,
 * piece by piece, and nothing outside of it. Nothing is mapped here.
 */
#pragma once

#include <postern/types.h>

#define ELF_SEGMENTS_MAX 16

/* A file: read() copies a piece that is wholly inside. False: it cannot be read. */
struct elf_source {
	bool (*read)(
		const struct elf_source *source, uint64_t offset, void *to, size_t length);
	uint64_t size;
	void *file; /* read()'s own */
};

/* One PT_LOAD: what lies at [vaddr, vaddr + memory_size) of the program. */
struct elf_segment {
	uint32_t vaddr;
	uint32_t offset;	  /* of its bytes in the file */
	uint32_t file_size;	  /* bytes from the file */
	uint32_t memory_size; /* bytes in memory, never 0; zeroes behind file_size */
	bool writable;
	bool executable;
};

struct elf_image {
	uint32_t entry;
	/* The program headers in the file, and where a segment maps them: 0
	 * where none does (AT_PHDR is left out then). */
	uint32_t headers_offset;
	uint32_t header_count;
	uint32_t headers_address;
	/* In the file's order. Their bytes do not overlap, but two may share a
	 * page, which then gets what either of them asks for. */
	size_t segment_count;
	struct elf_segment segments[ELF_SEGMENTS_MAX];
};

/* Bytes of a program header in the file (AT_PHENT). */
#define ELF_PROGRAM_HEADER_SIZE 32

/*
 * Checks that the file is a static ET_EXEC for the i386
 * whose segments lie in [USER_BASE, KERNEL_BASE), and describes it in *_elf.
 * Returns 0, or -ENOEXEC with *_why what is wrong, in words; *_elf is undefined
 * then.
 */
int elf_parse(const struct elf_source *source, struct elf_image *_elf, const char **_why);

/*
 * Finds the symbol that `address` belongs to: of functions and untyped labels
 * that are defined in the section around `address`, the nearest at or below it.
 * One with a size ends there; one without ends where the next begins.
 * Looked at are the first 65536 symbols, and those of them whose names have at most
 * 256 bytes: what a file says that it has is no measure of what it costs.
 * `name` gets up to `size` - 1 bytes of its name and a NUL; *_offset is in bytes.
 *
 * A return address may be the first byte behind its function (the call was its
 * last instruction): look up the address less 1.
 */
bool elf_find_symbol(const struct elf_source *source, uint32_t address, char *name,
	size_t size, uint32_t *_offset);
