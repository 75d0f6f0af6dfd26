/*
 * Programs from their files; see program.h. The program start state is that of
 * the i386 System V ABI, fourth edition, 3-27 ff., and the auxiliary vector's.
 */
#include "kernel/program.h"
#include "kernel/address_space.h"
#include "kernel/arch.h"
#include "kernel/heap.h"
#include "kernel/page_allocator.h"
#include "kernel/process.h"
#include "kernel/random.h"
#include "kernel/string.h"
#include "kernel/vfs.h"
#include <postern/auxv.h>
#include <postern/errno.h>

#define STACK_TOP KERNEL_BASE
#define STACK_SIZE (8u << 20)			/* a page at a time, on demand */
#define ARGUMENT_BYTES_MAX (128u << 10) /* of strings on a first stack */

/* ---- Writing into an address space that is not in use ------------------------- */

/* The kernel's address of a user address that has a region, or NULL: no memory. */
static char *reach(struct address_space *space, uintptr_t address)
{
	uintptr_t offset = address % PAGE_SIZE;
	unsigned protection;
	uint32_t page = arch_space_lookup(&space->arch, address - offset, &protection);

	if (page == PAGE_NONE) {
		if (!address_space_fault(space, address, PAGE_READABLE))
			return NULL;
		page = arch_space_lookup(&space->arch, address - offset, &protection);
	}
	return (char *)arch_physical_to_virtual(page) + offset;
}

/* Copies to a range that has a region, whatever its protection. 0 or -ENOMEM. */
static int fill(
	struct address_space *space, uintptr_t address, const void *bytes, size_t size)
{
	const uint8_t *from = bytes;

	while (size > 0) {
		uintptr_t room = PAGE_SIZE - address % PAGE_SIZE;
		size_t count = room < size ? room : size;
		char *to = reach(space, address);

		if (to == NULL)
			return -ENOMEM;
		memcpy(to, from, count);
		address += count;
		from += count;
		size -= count;
	}
	return 0;
}

/* Reads `size` bytes of a file; -EIO where it is shorter. */
static int read_file(struct vnode *vnode, uint64_t position, void *to, size_t size)
{
	struct io io;
	int error;

	io_init_kernel(&io, to, size);
	mutex_lock(&vnode->lock);
	error = vnode->operations->read(vnode, (off_t)position, &io);
	mutex_unlock(&vnode->lock);
	return error == 0 && io.left > 0 ? -EIO : error;
}

/* The same, to a range that has a region. */
static int fill_from(struct address_space *space, uintptr_t address, struct vnode *vnode,
	uint64_t position, size_t size)
{
	while (size > 0) {
		uintptr_t room = PAGE_SIZE - address % PAGE_SIZE;
		size_t count = room < size ? room : size;
		char *to = reach(space, address);
		int error = to == NULL ? -ENOMEM : read_file(vnode, position, to, count);

		if (error != 0)
			return error;
		address += count;
		position += count;
		size -= count;
	}
	return 0;
}

/* ---- Loading --------------------------------------------------------------------- */

static unsigned segment_protection(const struct elf_segment *segment)
{
	return PAGE_READABLE | (segment->writable ? PAGE_WRITABLE : 0)
		   | (segment->executable ? PAGE_EXECUTABLE : 0);
}

/* A page that two segments share gets what either asks for. */
static int map_segment(struct address_space *space, const struct elf_segment *segment)
{
	uintptr_t start = segment->vaddr & ~(uintptr_t)(PAGE_SIZE - 1);
	uintptr_t end = (segment->vaddr + segment->memory_size + PAGE_SIZE - 1)
					& ~(uintptr_t)(PAGE_SIZE - 1);
	unsigned protection = segment_protection(segment);
	uintptr_t page;

	for (page = start; page < end; page += PAGE_SIZE) {
		uintptr_t run = page;
		unsigned there;

		while (run < end && address_space_query(space, run) == 0)
			run += PAGE_SIZE;
		if (run > page) {
			int error = address_space_add(space, page, run - page, protection);

			if (error != 0)
				return error;
			page = run;
		}
		if (page < end) {
			there = address_space_query(space, page);
			if (address_space_protect(space, page, PAGE_SIZE, there | protection) != 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static int load(
	struct address_space *space, struct vnode *file, const struct elf_image *elf)
{
	uintptr_t end = 0;
	size_t i;
	int error;

	for (i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *segment = &elf->segments[i];

		if ((error = map_segment(space, segment)) != 0
			|| (error = fill_from(
					space, segment->vaddr, file, segment->offset, segment->file_size))
				   != 0)
			return error;
		if (segment->vaddr + segment->memory_size > end)
			end = segment->vaddr + segment->memory_size;
	}
	end = (end + PAGE_SIZE - 1) & ~(uintptr_t)(PAGE_SIZE - 1);
	space->break_start = space->break_end = end;
	return address_space_add(
		space, STACK_TOP - STACK_SIZE, STACK_SIZE, PAGE_READABLE | PAGE_WRITABLE);
}

/* ---- The first stack ----------------------------------------------------------------
 */

static size_t count_strings(const char *const *strings, size_t *bytes)
{
	size_t count = 0;

	if (strings == NULL)
		return 0;
	for (; strings[count] != NULL; count++)
		*bytes += strlen(strings[count]) + 1 + sizeof(uint32_t);
	return count;
}

/* Puts the strings below *stack, and their addresses into words. */
static int push_strings(struct address_space *space, uintptr_t *stack,
	const char *const *strings, size_t count, uint32_t *words)
{
	size_t i;

	for (i = 0; i < count; i++) {
		size_t size = strlen(strings[i]) + 1;

		*stack -= size;
		if (fill(space, *stack, strings[i], size) != 0)
			return -ENOMEM;
		words[i] = (uint32_t)*stack;
	}
	words[count] = 0;
	return 0;
}

/* Builds argc, argv, envp and the auxiliary vector; *_stack is the first ESP. */
static int build_stack(struct address_space *space, const struct elf_image *elf,
	const char *const *arguments, const char *const *environment, uintptr_t *_stack)
{
	uintptr_t stack = STACK_TOP - 16; /* a zero word ends it */
	size_t bytes = 0;
	size_t argument_count = count_strings(arguments, &bytes);
	size_t environment_count = count_strings(environment, &bytes);
	uint32_t random[4];
	uint32_t *words;
	size_t used, size;
	int error;

	if (bytes > ARGUMENT_BYTES_MAX)
		return -E2BIG;
	random_fill(random, sizeof random);
	stack -= sizeof random;

	const uint32_t vector[] = {
		AT_PHDR,
		elf->headers_address,
		AT_PHENT,
		ELF_PROGRAM_HEADER_SIZE,
		AT_PHNUM,
		elf->header_count,
		AT_PAGESZ,
		PAGE_SIZE,
		AT_ENTRY,
		elf->entry,
		AT_RANDOM,
		(uint32_t)stack,
		AT_SYSINFO,
		(uint32_t)arch_syscall_entry(),
		AT_NULL,
		0,
	};

	if ((error = fill(space, stack, random, sizeof random)) != 0)
		return error;
	used = 1 + argument_count + 1 + environment_count + 1;
	size = used * sizeof *words + sizeof vector;
	words = heap_allocate(size);
	if (words == NULL)
		return -ENOMEM;
	words[0] = (uint32_t)argument_count;
	error = push_strings(space, &stack, arguments, argument_count, words + 1);
	if (error == 0)
		error = push_strings(space, &stack, environment, environment_count,
			words + 1 + argument_count + 1);
	memcpy(words + used, vector, sizeof vector);
	stack = (stack - size) & ~(uintptr_t)15;
	if (error == 0)
		error = fill(space, stack, words, size);
	heap_free(words);
	*_stack = stack;
	return error;
}

/* ---- Programs
 * ----------------------------------------------------------------------------- */

static bool read_source(
	const struct elf_source *source, uint64_t offset, void *to, size_t length)
{
	return read_file(source->file, offset, to, length) == 0;
}

/* The same in a panic, where whoever holds a lock will not let go of it. */
static bool read_source_unlocked(
	const struct elf_source *source, uint64_t offset, void *to, size_t length)
{
	struct vnode *file = source->file;
	struct io io;

	io_init_kernel(&io, to, length);
	return (file->mount->type->flags & FILE_SYSTEM_READS_ANYWHERE)
		   && file->operations->read(file, (off_t)offset, &io) == 0 && io.left == 0;
}

struct elf_source program_source(struct vnode *file)
{
	return (struct elf_source){read_source, (uint64_t)file->size, file};
}

struct elf_source program_source_in_panic(struct vnode *file)
{
	return (struct elf_source){read_source_unlocked, (uint64_t)file->size, file};
}

/* A regular file that may be run; what the machine was started for always may. */
static int check_runnable(const struct vnode *file)
{
	bool is_first = process_current() == NULL;

	if (S_ISDIR(file->mode))
		return -EISDIR;
	if (!S_ISREG(file->mode) || (!is_first && (file->mode & 0111) == 0))
		return -EACCES;
	return 0;
}

/* Loads program->file into an address space of its own. */
static int load_file(const char *const *arguments, const char *const *environment,
	struct program *program, const char **_why)
{
	struct elf_source source = program_source(program->file);
	int error = check_runnable(program->file);

	if (error == 0)
		error = elf_parse(&source, &program->elf, _why);
	if (error != 0)
		return error;
	program->space = address_space_create();
	if (program->space == NULL)
		return -ENOMEM;
	error = load(program->space, program->file, &program->elf);
	if (error == 0)
		error = build_stack(
			program->space, &program->elf, arguments, environment, &program->stack);
	if (error != 0) {
		address_space_destroy(program->space);
		program->space = NULL;
		/* An image that meets the stack cannot be run, whatever the memory. */
		return error == -EEXIST ? -ENOEXEC : error;
	}
	return 0;
}

int program_load(const char *path, const char *const *arguments,
	const char *const *environment, struct program *_program, const char **_why)
{
	int error = vfs_find(path, true, &_program->file);

	if (error != 0)
		return error;
	error = load_file(arguments, environment, _program, _why);
	if (error != 0)
		vnode_put(_program->file);
	return error;
}
