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

#define STACK_SIZE (8u << 20)			/* a page at a time, on demand */
#define ARGUMENT_BYTES_MAX (128u << 10) /* of strings on a first stack */

/* ---- Filling an address space that is not in use ------------------------------- */

/* Copies to a range that has a region, whatever its protection. 0 or -ENOMEM. */
static int fill(
	struct address_space *space, uintptr_t address, const void *bytes, size_t size)
{
	const uint8_t *from = bytes;

	while (size > 0) {
		uintptr_t room = PAGE_SIZE - address % PAGE_SIZE;
		size_t count = room < size ? room : size;
		char *to = address_space_reach(space, address);

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

/* ---- Loading --------------------------------------------------------------------- */

static unsigned segment_protection(const struct elf_segment *segment)
{
	return PAGE_READABLE | (segment->writable ? PAGE_WRITABLE : 0)
		   | (segment->executable ? PAGE_EXECUTABLE : 0);
}

/* A page that two segments share gets what either asks for. */
static int map_by_pages(
	struct address_space *space, uintptr_t start, uintptr_t end, unsigned protection)
{
	uintptr_t page;
	int error = 0;

	for (page = start; page < end && error == 0; page += PAGE_SIZE) {
		unsigned there = address_space_query(space, page);

		if (there == 0)
			error = address_space_add(space, page, PAGE_SIZE, protection);
		else
			error = address_space_protect(space, page, PAGE_SIZE, there | protection);
	}
	return error;
}

static uintptr_t page_of(uintptr_t address)
{
	return address & ~(uintptr_t)(PAGE_SIZE - 1);
}

static int map_segment(struct address_space *space, const struct elf_segment *segment)
{
	uintptr_t start = page_of(segment->vaddr);
	uintptr_t last = page_of(segment->vaddr + segment->memory_size - 1);
	unsigned protection = segment_protection(segment);
	uintptr_t end = last + PAGE_SIZE;
	int error = address_space_add(space, start, end - start, protection);

	if (error != -EEXIST)
		return error;
	/* No two segments overlap: only the first and the last page can be others', too. */
	if ((error = map_by_pages(space, start, start + PAGE_SIZE, protection)) != 0)
		return error;
	if (start + PAGE_SIZE < last)
		error = address_space_add(
			space, start + PAGE_SIZE, last - start - PAGE_SIZE, protection);
	if (error == 0 && start < last)
		error = map_by_pages(space, last, end, protection);
	return error;
}

static bool is_anothers(
	const struct elf_image *elf, const struct elf_segment *segment, uintptr_t page)
{
	size_t i;

	for (i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *other = &elf->segments[i];

		if (other != segment && other->vaddr < page + PAGE_SIZE
			&& page < other->vaddr + other->memory_size)
			return true;
	}
	return false;
}

/*
 * Where the file's pages are what belongs into memory, from *_start to *_end: no
 * other segment has bytes there, nor has this one any that are zeros and not the
 * file's. What of the file is around a segment is then seen around it in memory,
 * as with mmap().
 */
static void find_pages_of_file(const struct elf_image *elf,
	const struct elf_segment *segment, uintptr_t *_start, uintptr_t *_end)
{
	uintptr_t end = segment->vaddr + segment->file_size;

	*_start = page_of(segment->vaddr);
	*_end = page_of(end);
	if ((segment->vaddr - segment->offset) % PAGE_SIZE != 0) {
		*_end = *_start;
		return;
	}
	/* No two segments overlap: only the first and the last page can be others', too. */
	if (*_start != segment->vaddr && is_anothers(elf, segment, *_start))
		*_start += PAGE_SIZE;
	if (*_end != end && segment->file_size == segment->memory_size
		&& !is_anothers(elf, segment, *_end))
		*_end += PAGE_SIZE;
}

#define PAGES_AT_ONCE 32u

/*
 * Maps the file's pages from `address` on, which is in the page of the file that
 * has `position`: how many its file system gives, of `count`.
 */
static int put_pages(struct address_space *space, struct vnode *file, uintptr_t address,
	uint32_t position, uint32_t count)
{
	uint32_t pages[PAGES_AT_ONCE];
	unsigned got;
	int error;

	if (file->operations->pages == NULL)
		return 0;
	mutex_lock(&file->lock);
	got = file->operations->pages(
		file, position / PAGE_SIZE, pages, count < PAGES_AT_ONCE ? count : PAGES_AT_ONCE);
	mutex_unlock(&file->lock);
	if (got == 0)
		return 0;
	error = address_space_put(space, page_of(address), pages, got);
	return error != 0 ? error : (int)got;
}

/* Copies `size` bytes of the file, which are in one page of memory. */
static int copy_piece(struct address_space *space, struct vnode *file, uintptr_t address,
	uint32_t position, size_t size)
{
	char *to = address_space_reach(space, address);

	return to == NULL ? -ENOMEM : read_file(file, position, to, size);
}

static int load_segment(struct address_space *space, struct vnode *file,
	const struct elf_image *elf, const struct elf_segment *segment)
{
	uintptr_t address = segment->vaddr;
	uintptr_t end = segment->vaddr + segment->file_size;
	uintptr_t share_start, share_end;
	int error = map_segment(space, segment);

	find_pages_of_file(elf, segment, &share_start, &share_end);
	while (error == 0 && address < end) {
		uint32_t position = segment->offset + (uint32_t)(address - segment->vaddr);
		uintptr_t next = page_of(address) + PAGE_SIZE;
		int count = 0;

		if (page_of(address) >= share_start && address < share_end)
			count = put_pages(space, file, address, position,
				(share_end - page_of(address)) / PAGE_SIZE);
		if (count < 0)
			return count;
		if (count > 0)
			next += ((unsigned)count - 1) * PAGE_SIZE;
		else
			error = copy_piece(
				space, file, address, position, (next < end ? next : end) - address);
		address = next;
	}
	return error;
}

/* Below `top`, the lowest page of the image that is in a stack's place there; else `top`.
 */
static uintptr_t lowest_in_stack(const struct elf_image *elf, uintptr_t top)
{
	uintptr_t lowest = top;
	size_t i;

	for (i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *segment = &elf->segments[i];

		if (segment->vaddr < lowest
			&& segment->vaddr + segment->memory_size > top - STACK_SIZE)
			lowest = page_of(segment->vaddr);
	}
	return lowest;
}

/*
 * The stack is at the upper end of user memory, or, as an image may lie anywhere,
 * below what of one is there. -ENOEXEC where an image leaves no room at all.
 */
static int add_stack(
	struct address_space *space, const struct elf_image *elf, uintptr_t *_top)
{
	uintptr_t top = KERNEL_BASE;
	uintptr_t next;

	while ((next = lowest_in_stack(elf, top)) < top) {
		if (next < USER_BASE + STACK_SIZE)
			return -ENOEXEC;
		top = next;
	}
	*_top = top;
	return address_space_add(
		space, top - STACK_SIZE, STACK_SIZE, PAGE_READABLE | PAGE_WRITABLE);
}

static int load(
	struct address_space *space, struct vnode *file, const struct elf_image *elf)
{
	uintptr_t end = 0;
	size_t i;
	int error;

	for (i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *segment = &elf->segments[i];

		error = load_segment(space, file, elf, segment);
		if (error != 0)
			return error;
		if (segment->vaddr + segment->memory_size > end)
			end = segment->vaddr + segment->memory_size;
	}
	end = page_of(end + PAGE_SIZE - 1);
	space->break_start = space->break_end = end;
	return 0;
}

/* ---- The first stack -------------------------------------------------------------- */

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

/* Builds argc, argv, envp and the auxiliary vector; *_stack is the stack's upper end,
 * and then the first ESP. */
static int build_stack(struct address_space *space, const struct elf_image *elf,
	const char *const *arguments, const char *const *environment, uintptr_t *_stack)
{
	uintptr_t stack = *_stack - 16; /* a zero word ends it */
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

/* ---- Programs --------------------------------------------------------------------- */

static bool read_source(
	const struct elf_source *source, uint64_t offset, void *to, size_t length)
{
	/* How many of these there are, a file says itself. */
	thread_yield_when_due();
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
		error = add_stack(program->space, &program->elf, &program->stack);
	if (error == -ENOEXEC)
		*_why = "no room for the stack";
	if (error == 0)
		error = build_stack(
			program->space, &program->elf, arguments, environment, &program->stack);
	if (error != 0) {
		address_space_destroy(program->space);
		program->space = NULL;
	}
	return error;
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
