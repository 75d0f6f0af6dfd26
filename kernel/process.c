/*
 * The program; see process.h. The program start state is that of the i386
 * System V ABI, fourth edition, 3-27 ff., and the auxiliary vector's.
 */
#include "kernel/process.h"
#include "kernel/arch.h"
#include "kernel/archive.h"
#include "kernel/elf.h"
#include "kernel/format.h"
#include "kernel/log.h"
#include "kernel/main.h"
#include "kernel/page_allocator.h"
#include "kernel/panic.h"
#include "kernel/string.h"
#include "kernel/symbols.h"
#include "kernel/user_memory.h"
#include <postern/auxv.h>
#include <postern/errno.h>

#define STACK_TOP KERNEL_BASE
#define STACK_SIZE (8u << 20) /* grows a page at a time, on demand */

/* Statuses of the machine; a program's own are 0 to STATUS_LAST_OWN. */
enum { STATUS_LAST_OWN = 123, STATUS_FAULT = 123, STATUS_NO_PROGRAM = 127 };

static const char *sName;
static struct archive_file sFile;
static struct elf_image sElf;

const char *process_name(void)
{
	return sName;
}

/* ---- Loading --------------------------------------------------------------- */

/* One page of zeros at `address`, unless there is one: segments may share. */
static int map_zeroed(uintptr_t address, unsigned protection)
{
	uint32_t page;

	page = page_allocate(0);
	if (page == PAGE_NONE)
		return -ENOMEM;
	memset(arch_physical_to_virtual(page), 0, PAGE_SIZE);
	if (arch_map_user_page(address, page, protection) != 0) {
		page_free(page, 0);
		return -ENOMEM;
	}
	return 0;
}

/* The protection that all segments together want for the page at `address`. */
static unsigned page_protection(uintptr_t address)
{
	unsigned protection = 0;
	uint32_t i;

	for (i = 0; i < sElf.segment_count; i++) {
		const struct elf_segment *segment = &sElf.segments[i];

		if (address + PAGE_SIZE <= segment->vaddr
			|| address >= segment->vaddr + segment->memory_size)
			continue;
		if (segment->writable)
			protection |= PAGE_WRITABLE;
		if (segment->executable)
			protection |= PAGE_EXECUTABLE;
	}
	return protection;
}

static int load_segment(const struct elf_segment *segment)
{
	uintptr_t page = segment->vaddr & ~(PAGE_SIZE - 1);
	uintptr_t end = segment->vaddr + segment->memory_size;
	uintptr_t file_end = segment->vaddr + segment->file_size;

	for (; page < end; page += PAGE_SIZE) {
		uintptr_t from = page > segment->vaddr ? page : segment->vaddr;
		uintptr_t to = page + PAGE_SIZE < file_end ? page + PAGE_SIZE : file_end;
		int error;

		/* Writable while it is filled; user_copy_out goes by that. */
		if (arch_query_mapping(page) == MAPPING_NONE) {
			error = map_zeroed(page, PAGE_WRITABLE);
			if (error != 0)
				return error;
		}
		if (from < to) {
			error = user_copy_out(from,
				sFile.data + segment->offset + (from - segment->vaddr), to - from);
			if (error != 0)
				return error;
		}
	}
	return 0;
}

static int load_program(void)
{
	uint32_t i;
	uintptr_t page;
	int error;

	for (i = 0; i < sElf.segment_count; i++) {
		error = load_segment(&sElf.segments[i]);
		if (error != 0)
			return error;
	}
	for (i = 0; i < sElf.segment_count; i++) {
		const struct elf_segment *segment = &sElf.segments[i];

		for (page = segment->vaddr & ~(PAGE_SIZE - 1);
			 page < segment->vaddr + segment->memory_size; page += PAGE_SIZE)
			arch_protect_user_page(page, page_protection(page));
	}
	return 0;
}

/* ---- The stack ------------------------------------------------------------- */

bool process_handle_fault(uintptr_t address)
{
	if (sName == NULL || address >= STACK_TOP || address < STACK_TOP - STACK_SIZE)
		return false;
	if (map_zeroed(address & ~(PAGE_SIZE - 1), PAGE_WRITABLE) == 0)
		return true;
	log_error("process: %s: no memory for its stack", sName);
	return false;
}

static uintptr_t push(uintptr_t stack, const void *bytes, size_t size)
{
	stack -= size;
	if (user_copy_out(stack, bytes, size) != 0)
		panic("process: the first stack is not writable at 0x%x", (unsigned)stack);
	return stack;
}

/* 16 bytes that differ from run to run as far as the machine lets them. */
static void fill_random(uint32_t words[4])
{
	uint64_t seed = (uint64_t)arch_system_time() ^ arch_cycles();
	unsigned i;

	/* SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
	 * generators, 2014). */
	for (i = 0; i < 4; i += 2) {
		uint64_t z = seed += 0x9e3779b97f4a7c15ull;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
		z = (z ^ z >> 27) * 0x94d049bb133111ebull;
		z ^= z >> 31;
		words[i] = (uint32_t)z;
		words[i + 1] = (uint32_t)(z >> 32);
	}
}

#define ARGUMENTS_MAX 64

/* Builds argc, argv, envp and the auxiliary vector; returns the first ESP. */
static uintptr_t build_stack(const char *const *arguments)
{
	uintptr_t stack = STACK_TOP - 16; /* a zero word ends it */
	uint32_t strings[ARGUMENTS_MAX];
	uint32_t random[4];
	uint32_t count = 0;
	uint32_t words[1 + ARGUMENTS_MAX + 1 + 1 + 2 * 8];
	uint32_t used = 0;
	uint32_t i;

	fill_random(random);
	stack = push(stack, random, sizeof random);
	random[0] = stack;
	for (; arguments[count] != NULL && count < ARGUMENTS_MAX; count++) {
		stack = push(stack, arguments[count], strlen(arguments[count]) + 1);
		strings[count] = stack;
	}

	words[used++] = count;
	for (i = 0; i < count; i++)
		words[used++] = strings[i];
	words[used++] = 0; /* the end of argv */
	words[used++] = 0; /* and of an empty envp */

	const uint32_t vector[] = {
		AT_PHDR, sElf.headers_address,
		AT_PHENT, ELF_PROGRAM_HEADER_SIZE,
		AT_PHNUM, sElf.header_count,
		AT_PAGESZ, PAGE_SIZE,
		AT_ENTRY, sElf.entry,
		AT_RANDOM, random[0],
		AT_SYSINFO, arch_syscall_entry(),
		AT_NULL, 0,
	};
	_Static_assert(sizeof vector == 2 * 8 * 4, "words[] has room for these");
	memcpy(words + used, vector, sizeof vector);
	used += sizeof vector / sizeof vector[0];

	stack = ((stack - used * 4) & ~15u) + used * 4;
	return push(stack, words, used * 4);
}

void process_run(const struct archive *archives, size_t archive_count,
	const char *const *arguments)
{
	const char *why = NULL;
	const char *path = arguments[0];
	int error = archive_find(archives, archive_count, path, &sFile);

	if (error != 0) {
		log_error("process: %s: %s", path,
			error == -ENOENT	  ? "no such program"
				: error == -EISDIR ? "is a directory"
								   : "the boot archive is corrupt");
		kernel_end(STATUS_NO_PROGRAM);
	}
	if (elf_parse(sFile.data, sFile.size, &sElf, &why) != 0) {
		log_error("process: %s: not a program for this system: %s", path, why);
		kernel_end(STATUS_NO_PROGRAM);
	}
	sName = path;
	if (load_program() != 0) {
		log_error("process: %s: not enough memory", path);
		kernel_end(STATUS_NO_PROGRAM);
	}
	log_debug("process: %s starts at 0x%x", path, sElf.entry);
	log_set_screen(false);
	arch_enter_user(sElf.entry, build_stack(arguments));
}

/* ---- The end --------------------------------------------------------------- */

void process_exit(int status)
{
	status &= 0xff; /* what wait() would tell (POSIX, exit) */
	if (status > STATUS_LAST_OWN) {
		log_warn("process: %s: exit status %d is not in 0 to %d, reported as %d", sName,
			status, STATUS_LAST_OWN, STATUS_LAST_OWN);
		status = STATUS_LAST_OWN;
	}
	log_debug("process: %s ends with status %d", sName, status);
	kernel_end(status);
}

static void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void report(const char *format, ...)
{
	char line[200];
	va_list arguments;

	va_start(arguments, format);
	format_string_v(line, sizeof line, format, arguments);
	va_end(arguments);
	log_raw(line, strlen(line));
	arch_screen_write(line, strlen(line));
}

void process_print_address(
	uintptr_t address, bool is_return, void (*print)(const char *format, ...))
{
	const char *name;
	uint32_t offset;
	uintptr_t back = is_return ? 1 : 0;

	if (address >= COMMPAGE_BASE)
		print("  0x%08x commpage+0x%x\n", (unsigned)address, (unsigned)(address - COMMPAGE_BASE));
	else if (elf_find_symbol(sFile.data, sFile.size, address - back, &name, &offset))
		print("  0x%08x %.80s+0x%x\n", (unsigned)address, name, (unsigned)(offset + back));
	else
		print("  0x%08x ?\n", (unsigned)address);
}

#define BACKTRACE_MAX 24

void process_fault(const struct iframe *frame, const char *what)
{
	uintptr_t fp = arch_frame_fp(frame);
	unsigned depth;

	report("fault: %s: %s\n", sName, what);
	process_print_address(arch_frame_ip(frame), false, report);
	arch_print_frame(frame, report);
	report("  called from\n");
	for (depth = 0; depth < BACKTRACE_MAX; depth++) {
		uintptr_t link[2]; /* the caller's frame pointer, the return address */

		if (!user_range_valid(fp, sizeof link) || user_copy_in(link, fp, sizeof link) != 0
			|| link[1] == 0)
			break;
		process_print_address(link[1], true, report);
		if (link[0] <= fp) /* stacks grow down: anything else is no chain */
			break;
		fp = link[0];
	}
	kernel_end(STATUS_FAULT);
}
