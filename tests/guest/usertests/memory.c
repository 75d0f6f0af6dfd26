/* brk, map, unmap, protect, copy on write, and the end of memory. */
#include "usertests.h"

static volatile uint8_t *at(uint32_t address)
{
	return (volatile uint8_t *)(uintptr_t)address;
}

static void read_byte(uintptr_t address)
{
	(void)*(volatile uint8_t *)address;
}

static void write_byte(uintptr_t address)
{
	*(volatile uint8_t *)address = 1;
}

#define RW (PROT_READ | PROT_WRITE)

static uint32_t map_pages(unsigned pages)
{
	return ADDRESS(check_map(pages * PAGE, PRIVATE));
}

/* ---- brk -------------------------------------------------------------------------- */

void test_brk_grows(void)
{
	uint32_t start = _kern_brk(0);
	uint32_t before, i;

	CHECK_EQUAL(start % PAGE, 0);
	check_dies(write_byte, start, SIGSEGV);
	CHECK_EQUAL(_kern_brk(start + 1), start + 1);
	*at(start) = 5;
	*at(start + PAGE - 1) = 6;
	check_dies(write_byte, start + PAGE, SIGSEGV);
	CHECK_EQUAL(_kern_brk(start + 100 * PAGE + 7), start + 100 * PAGE + 7);
	before = free_pages();
	for (i = 1; i < 101; i++) {
		CHECK_EQUAL(*at(start + i * PAGE), 0);
		*at(start + i * PAGE) = 1;
	}
	CHECK(before - free_pages() >= 100);
	CHECK_EQUAL(*at(start), 5);
	/* What it gives up is lost, and zeros when it comes back. */
	CHECK_EQUAL(_kern_brk(start + PAGE), start + PAGE);
	check_pages_back(before, 1);
	check_dies(read_byte, start + PAGE, SIGSEGV);
	CHECK_EQUAL(_kern_brk(start + 2 * PAGE), start + 2 * PAGE);
	CHECK_EQUAL(*at(start + PAGE), 0);
	CHECK_EQUAL(*at(start), 5);
	CHECK_EQUAL(_kern_brk(start), start);
	CHECK_EQUAL(_kern_brk(0), start);
}

void test_brk_limits(void)
{
	uint32_t start = _kern_brk(0);
	uint32_t barrier;

	CHECK_EQUAL(_kern_brk(start - 1), start);
	CHECK_EQUAL(_kern_brk(1), start);
	CHECK_EQUAL(_kern_brk(0xffffffff), start);
	CHECK_EQUAL(_kern_brk(KERNEL_BASE), start);
	CHECK_EQUAL(_kern_brk(KERNEL_BASE - PAGE), start); /* the stack is there */
	barrier = start + 10 * PAGE;
	CHECK_EQUAL(_kern_map(barrier, PAGE, RW, MAP_PRIVATE | MAP_FIXED), barrier);
	CHECK_EQUAL(_kern_brk(start + 11 * PAGE), start);
	CHECK_EQUAL(_kern_brk(start + 10 * PAGE + 1), start);
	CHECK_EQUAL(_kern_brk(start + 10 * PAGE), start + 10 * PAGE);
	*at(barrier - 1) = 1;
	*at(barrier) = 2;
	CHECK_EQUAL(_kern_brk(start), start);
	CHECK_EQUAL(*at(barrier), 2);
}

/* ---- map -------------------------------------------------------------------------- */

void test_map_zeros(void)
{
	uint32_t first = map_pages(3), second;
	uint32_t i;

	for (i = 0; i < 3 * PAGE; i++)
		CHECK_EQUAL(*at(first + i), 0);
	memset((void *)(uintptr_t)first, 0xff, 3 * PAGE);
	second = map_pages(1);
	CHECK(second < first || second >= first + 3 * PAGE);
	CHECK_EQUAL(_kern_unmap(first, 3 * PAGE), 0);
	for (unsigned round = 0; round < 20; round++) {
		first = map_pages(3);
		for (i = 0; i < 3 * PAGE; i += 4)
			CHECK_EQUAL(*(volatile uint32_t *)(uintptr_t)(first + i), 0);
		memset((void *)(uintptr_t)first, 0xff, 3 * PAGE);
		CHECK_EQUAL(_kern_unmap(first, 3 * PAGE), 0);
	}
	/* Rounded up to pages. */
	first = _kern_map(0, 1, RW, MAP_PRIVATE);
	CHECK(first < KERNEL_BASE && first % PAGE == 0);
	*at(first + PAGE - 1) = 1;
	/* An address without MAP_FIXED means nothing, right or wrong. */
	CHECK(_kern_map(1, PAGE, RW, MAP_PRIVATE) < KERNEL_BASE);
	CHECK(_kern_map(0xc0000000, PAGE, RW, MAP_PRIVATE) < KERNEL_BASE);
}

static int32_t map(uint32_t address, size_t size, int protection, int flags)
{
	return (int32_t)_kern_map(address, size, protection, flags);
}

void test_map_errors(void)
{
	const int fixed = MAP_PRIVATE | MAP_FIXED;
	uint32_t before = free_pages();

	CHECK_EQUAL(map(0, 0, RW, MAP_PRIVATE), -EINVAL);
	CHECK_EQUAL(map(0, PAGE, 8, MAP_PRIVATE), -EINVAL);
	CHECK_EQUAL(map(0, PAGE, -1, MAP_PRIVATE), -EINVAL);
	CHECK_EQUAL(map(0, PAGE, RW, 0), -EINVAL);
	CHECK_EQUAL(map(0, PAGE, RW, MAP_PRIVATE | MAP_SHARED), -EINVAL);
	CHECK_EQUAL(map(0, PAGE, RW, MAP_PRIVATE | 0x20), -EINVAL);
	CHECK_EQUAL(map(0, PAGE, RW, MAP_PRIVATE | INT32_MIN), -EINVAL);
	CHECK_EQUAL(map(0, PAGE, RW | PROT_EXEC, MAP_PRIVATE), -EINVAL);
	CHECK_EQUAL(map(0, PAGE, PROT_WRITE | PROT_EXEC, MAP_PRIVATE), -EINVAL);
	CHECK_EQUAL(map(0x50000001, PAGE, RW, fixed), -EINVAL);
	CHECK_EQUAL(map(0x50000800, PAGE, RW, fixed), -EINVAL);
	CHECK_EQUAL(map(0, PAGE, RW, fixed), -EINVAL);
	CHECK_EQUAL(map(0xf000, PAGE, RW, fixed), -EINVAL);
	CHECK_EQUAL(map(0xc0000000, PAGE, RW, fixed), -EINVAL);
	CHECK_EQUAL(map(0xbffff000, 2 * PAGE, RW, fixed), -EINVAL);
	CHECK_EQUAL(map(0xffff0000, PAGE, RW, fixed), -EINVAL);
	CHECK_EQUAL(map(0xfffff000, PAGE, RW, fixed), -EINVAL);
	CHECK_EQUAL(map(0x50000000, 0xb0000000, RW, fixed), -EINVAL);
	CHECK_EQUAL(map(0x50000000, 0xfffff000, RW, fixed), -EINVAL);
	CHECK_EQUAL(map(0x50000000, 0xffffffff, RW, fixed), -EINVAL);
	check_pages_back(before, 0);
}

void test_map_fixed(void)
{
	uint32_t base = map_pages(5);

	for (uint32_t i = 0; i < 5; i++)
		*at(base + i * PAGE) = (uint8_t)(i + 1);
	CHECK_EQUAL(
		_kern_map(base + PAGE, 2 * PAGE, RW, MAP_PRIVATE | MAP_FIXED), base + PAGE);
	CHECK_EQUAL(*at(base), 1);
	CHECK_EQUAL(*at(base + PAGE), 0);
	CHECK_EQUAL(*at(base + 2 * PAGE), 0);
	CHECK_EQUAL(*at(base + 3 * PAGE), 4);
	/* Over the border of several regions, and shared over private. */
	CHECK_EQUAL(_kern_map(base, 5 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED), base);
	for (uint32_t i = 0; i < 5; i++)
		CHECK_EQUAL(*at(base + i * PAGE), 0);
	check_dies(write_byte, base, SIGSEGV);
	/* The lowest and the highest that there may be. */
	CHECK_EQUAL(_kern_map(0x10000, PAGE, RW, MAP_PRIVATE | MAP_FIXED), 0x10000);
	write_byte(0x10000);
	check_dies(read_byte, 0xffff, SIGSEGV);
	CHECK_EQUAL(
		_kern_map(KERNEL_BASE - STACK_BYTES - PAGE, PAGE, RW, MAP_PRIVATE | MAP_FIXED),
		KERNEL_BASE - STACK_BYTES - PAGE);
}

void test_map_huge(void)
{
	static const uint32_t kSizes[] = {0x10000000, 0x40000000, 0x70000000, 0x7ffff000,
		0xc0000000, 0xc0000001, 0xfffff000, 0xffffffff};
	uint32_t before = free_pages();
	unsigned i;

	for (i = 0; i < sizeof kSizes / sizeof kSizes[0]; i++) {
		int kind;

		for (kind = MAP_SHARED; kind <= MAP_PRIVATE; kind++) {
			int32_t address = map(0, kSizes[i], RW, kind);

			if ((uint32_t)address >= KERNEL_BASE) {
				CHECK(address == -ENOMEM || address == -EINVAL);
				continue;
			}
			/* Only what is touched costs memory. */
			write_byte((uint32_t)address);
			write_byte((uint32_t)address + kSizes[i] - 1);
			CHECK(before - free_pages() < 700);
			CHECK_EQUAL(_kern_unmap((uint32_t)address, kSizes[i]), 0);
			check_pages_back(before, 6); /* page tables stay */
		}
	}
	/* All of the address space that there is, but no more than that. */
	for (i = 0; _kern_map(0, 0x1000000, RW, MAP_PRIVATE) < KERNEL_BASE && i < 300; i++)
		;
	CHECK(i >= 64 && i < 256);
	CHECK_EQUAL(map(0, 0x1000000, RW, MAP_PRIVATE), -ENOMEM);
}

/* ---- unmap ------------------------------------------------------------------------ */

void test_unmap_holes(void)
{
	uint32_t before = free_pages();
	uint32_t base = map_pages(10);
	uint32_t i;

	for (i = 0; i < 10; i++)
		*at(base + i * PAGE) = (uint8_t)(i + 1);
	CHECK_EQUAL(_kern_unmap(base + 3 * PAGE, 2 * PAGE), 0);
	for (i = 0; i < 10; i++) {
		if (i == 3 || i == 4)
			check_dies(read_byte, base + i * PAGE, SIGSEGV);
		else
			CHECK_EQUAL(*at(base + i * PAGE), i + 1);
	}
	CHECK_EQUAL(_kern_unmap(base + 3 * PAGE, 2 * PAGE), 0); /* a hole is fine */
	CHECK_EQUAL(_kern_unmap(base + 2 * PAGE, 4 * PAGE), 0); /* and one between */
	CHECK_EQUAL(*at(base + PAGE), 2);
	CHECK_EQUAL(*at(base + 6 * PAGE), 7);
	CHECK_EQUAL(_kern_unmap(base, PAGE), 0);
	CHECK_EQUAL(_kern_unmap(base + 9 * PAGE, 1), 0); /* rounded up */
	check_dies(read_byte, base + 9 * PAGE, SIGSEGV);
	/* A hole of the right size is found again. */
	CHECK_EQUAL(_kern_unmap(base, 10 * PAGE), 0);
	CHECK_EQUAL(map_pages(10), base);
	CHECK_EQUAL(_kern_unmap(base, 10 * PAGE), 0);
	check_pages_back(before, 1);
}

void test_unmap_errors(void)
{
	CHECK_EQUAL(_kern_unmap(0x50000001, PAGE), -EINVAL);
	CHECK_EQUAL(_kern_unmap(0x50000000, 0), -EINVAL);
	CHECK_EQUAL(_kern_unmap(0, PAGE), -EINVAL);
	CHECK_EQUAL(_kern_unmap(0xc0000000, PAGE), -EINVAL);
	CHECK_EQUAL(_kern_unmap(0xbffff000, 2 * PAGE), -EINVAL);
	CHECK_EQUAL(_kern_unmap(0xffff0000, PAGE), -EINVAL);
	CHECK_EQUAL(_kern_unmap(0x50000000, 0xffffffff), -EINVAL);
	CHECK_EQUAL(_kern_unmap(0x50000000, 0xfffff001), -EINVAL);
	CHECK_EQUAL(_kern_unmap(0x50000000, 0xc0000000), -EINVAL);
	CHECK_EQUAL(_kern_unmap(0x50000000, PAGE), 0);
}

/* ---- protect ---------------------------------------------------------------------- */

void test_protect_splits(void)
{
	uint32_t base = map_pages(6);
	uint32_t i;

	for (i = 0; i < 6; i++)
		*at(base + i * PAGE) = (uint8_t)(i + 1);
	CHECK_EQUAL(_kern_protect(base + 2 * PAGE, 2 * PAGE, PROT_READ, 0), 0);
	for (i = 0; i < 6; i++) {
		CHECK_EQUAL(*at(base + i * PAGE), i + 1);
		if (i == 2 || i == 3)
			check_dies(write_byte, base + i * PAGE, SIGSEGV);
		else
			write_byte(base + i * PAGE + 1);
	}
	CHECK_EQUAL(_kern_protect(base + PAGE, 2 * PAGE, PROT_NONE, 0), 0);
	check_dies(read_byte, base + PAGE, SIGSEGV);
	check_dies(write_byte, base + 2 * PAGE, SIGSEGV);
	CHECK_EQUAL(_kern_protect(base, 6 * PAGE, RW, 0), 0);
	for (i = 0; i < 6; i++) { /* nothing was lost meanwhile */
		CHECK_EQUAL(*at(base + i * PAGE), i + 1);
		write_byte(base + i * PAGE);
	}
	/* Untouched pages, too. */
	base = map_pages(2);
	CHECK_EQUAL(_kern_protect(base, 2 * PAGE, PROT_NONE, 0), 0);
	check_dies(read_byte, base, SIGSEGV);
	CHECK_EQUAL(_kern_protect(base, PAGE, PROT_READ, 0), 0);
	CHECK_EQUAL(*at(base), 0);
	check_dies(write_byte, base, SIGSEGV);
	check_dies(read_byte, base + PAGE, SIGSEGV);
}

void test_protect_errors(void)
{
	uint32_t base = map_pages(4);

	CHECK_EQUAL(_kern_protect(base + 1, PAGE, PROT_READ, 0), -EINVAL);
	CHECK_EQUAL(_kern_protect(base, 0, PROT_READ, 0), -EINVAL);
	CHECK_EQUAL(_kern_protect(base, PAGE, 8, 0), -EINVAL);
	CHECK_EQUAL(_kern_protect(base, PAGE, PROT_READ, MAP_FIXED), -EINVAL);
	CHECK_EQUAL(_kern_protect(base, PAGE, RW | PROT_EXEC, 0), -EINVAL);
	CHECK_EQUAL(_kern_protect(0, PAGE, PROT_READ, 0), -EINVAL);
	CHECK_EQUAL(_kern_protect(0xc0000000, PAGE, PROT_READ, 0), -EINVAL);
	CHECK_EQUAL(_kern_protect(0xffff0000, PAGE, RW, 0), -EINVAL);
	CHECK_EQUAL(_kern_protect(base, 0xffffffff, PROT_READ, 0), -EINVAL);
	CHECK_EQUAL(_kern_protect(0x20000000, PAGE, PROT_READ, 0), -ENOMEM);
	CHECK_EQUAL(_kern_unmap(base + 2 * PAGE, PAGE), 0);
	CHECK_EQUAL(_kern_protect(base, 4 * PAGE, PROT_READ, 0), -ENOMEM);
	write_byte(base); /* nothing is half done */
	write_byte(base + 3 * PAGE);
}

void test_protect_kinds(void)
{
	uint32_t shared = ADDRESS(check_map(2 * PAGE, SHARED));
	uint32_t private = map_pages(1);
	uint32_t code;
	pid_t pid;

	/* A page that parent and child have in common: each side's protection is its
	 * own, and so is what is written after it was given back. */
	*at(shared) = *at(private) = 1;
	pid = check_fork();
	if (pid == 0) {
		CHECK_EQUAL(_kern_protect(private, PAGE, PROT_READ, 0), 0);
		check_dies(write_byte, private, SIGSEGV);
		CHECK_EQUAL(_kern_protect(private, PAGE, RW, 0), 0);
		*at(private) = 2;
		CHECK_EQUAL(_kern_protect(shared, PAGE, PROT_READ, 0), 0);
		check_dies(write_byte, shared, SIGSEGV);
		CHECK_EQUAL(_kern_protect(shared, PAGE, RW, 0), 0);
		*at(shared) = 3;
		end(0);
	}
	check_exit(pid, 0);
	CHECK_EQUAL(*at(private), 1);
	CHECK_EQUAL(*at(shared), 3);

	/* Written, then run: both at once has to be asked for. */
	code = _kern_map(0, PAGE, RW | PROT_EXEC, MAP_PRIVATE | MAP_WRITE_EXEC);
	CHECK(code < KERNEL_BASE);
	memcpy((void *)(uintptr_t)code, "\xb8\x2a\x00\x00\x00\xc3", 6); /* mov eax, 42; ret */
	CHECK_EQUAL(((int (*)(void))(uintptr_t)code)(), 42);
	CHECK_EQUAL(_kern_protect(code, PAGE, PROT_READ | PROT_EXEC, 0), 0);
	CHECK_EQUAL(((int (*)(void))(uintptr_t)code)(), 42);
	check_dies(write_byte, code, SIGSEGV);
	CHECK_EQUAL(_kern_protect(code, PAGE, RW | PROT_EXEC, MAP_WRITE_EXEC), 0);
	write_byte(code + 100);
	/* The program's own text and constants cannot be written. */
	check_dies(write_byte, (uintptr_t)write_byte, SIGSEGV);
	check_dies(write_byte, (uintptr_t) "constant", SIGSEGV);
}

void test_unmap_everything(void)
{
	static volatile int sData = 3;
	uint32_t break_start = _kern_brk(0);
	uint32_t base = map_pages(4), shared = ADDRESS(check_map(PAGE, SHARED));
	pid_t pid = check_fork();

	if (pid == 0) {
		_kern_brk(break_start + 5 * PAGE);
		*at(break_start) = *at(base) = *at(shared) = 1;
		CHECK_EQUAL(_kern_unmap_all(), 0);
		/* From here on there is nothing left to report failures with. */
		if (sData != 3 || _kern_brk(0) != break_start
			|| _kern_protect(base, PAGE, PROT_READ, 0) != -ENOMEM
			|| _kern_protect(shared, PAGE, PROT_READ, 0) != -ENOMEM
			|| _kern_protect(break_start, PAGE, PROT_READ, 0) != -ENOMEM)
			end(1);
		end(33);
	}
	check_exit(pid, 33);
	CHECK_EQUAL(*at(shared), 1);
	*at(base) = 2;
}

/* Shared memory lives as long as anybody has a part of it. */
void test_shared_outlives(void)
{
	uint32_t shared = ADDRESS(check_map(4 * PAGE, SHARED));
	pid_t pid;

	*at(shared) = 1;
	*at(shared + 3 * PAGE) = 4;
	pid = check_fork();
	if (pid == 0) {
		sleep_us(3000);
		CHECK_EQUAL(*at(shared + 3 * PAGE), 4);
		*at(shared + 2 * PAGE) = 3;
		CHECK_EQUAL(_kern_unmap(shared, 3 * PAGE), 0);
		pid = check_fork();
		if (pid == 0) {
			CHECK_EQUAL(*at(shared + 3 * PAGE), 4);
			end(0);
		}
		CHECK_EQUAL(_kern_unmap(shared + 3 * PAGE, PAGE), 0);
		check_exit(pid, 0);
		end(0);
	}
	CHECK_EQUAL(_kern_unmap(shared, 4 * PAGE), 0);
	check_exit(pid, 0);
}

/* ---- The end of memory ------------------------------------------------------------ */

/* Takes memory until there is none; ends by being killed for the last page. */
static void take_all(bool by_break)
{
	for (;;) {
		uint32_t size = 256 * PAGE;
		uint32_t start;

		if (by_break) {
			start = _kern_brk(0);
			if (_kern_brk(start + size) != start + size)
				end(1);
		} else {
			start = _kern_map(0, size, RW, MAP_PRIVATE);
			if (start >= KERNEL_BASE)
				end(1);
		}
		for (uint32_t i = 0; i < size; i += PAGE)
			*at(start + i) = 1;
	}
}

void test_out_of_memory(void)
{
	uint32_t before = free_pages();
	volatile uint32_t *beats = check_map(PAGE, SHARED);
	pid_t other, pid;

	*beats = 0;
	other = check_fork();
	if (other == 0) {
		for (;;) {
			(*beats)++;
			sleep_us(1000);
		}
	}
	for (int round = 0; round < 3; round++) {
		uint32_t beats_before = *beats;
		int status;

		pid = check_fork();
		if (pid == 0)
			take_all(round == 1);
		CHECK_EQUAL(_kern_wait(pid, &status, 0), pid);
		CHECK(status == SIGKILL || status == 1 << 8);
		CHECK_SOON(*beats > beats_before);
	}
	CHECK_EQUAL(_kern_process_delete(other), 0);
	check_killed(other, SIGKILL);
	check_pages_back(before, 4);
}

/* With no page left, every call that needs one says so. */
void test_out_of_memory_kernel(void)
{
	pid_t pid = check_fork();

	if (pid == 0) {
		uint32_t next, taken = 0;
		const char *arguments[] = {gSelf, "--part", "exit", "0", NULL};
		pid_t result;

		/* The last pages go to nobody: this process must not touch new ones. */
		uint32_t large = _kern_map(0, 0x40000000, RW, MAP_PRIVATE);

		CHECK(large < KERNEL_BASE);
		while (free_pages() > 2) {
			*at(large + taken) = 1;
			taken += PAGE;
		}
		for (int i = 0; i < 50; i++) {
			result = _kern_fork();
			if (result == 0)
				end(0);
			CHECK(result == -ENOMEM || result == -EAGAIN || result > 0);
			CHECK(_kern_exec(gSelf, arguments, NULL) == -ENOMEM);
			result = _kern_process_create(gSelf, arguments, NULL);
			CHECK(result == -ENOMEM || result == -EAGAIN);
			result = _kern_spawn_thread(ADDRESS(end), 0, 0, 0);
			CHECK(result == -ENOMEM || result == -EAGAIN);
			next = _kern_map(0, PAGE, RW, MAP_SHARED);
			CHECK(next < KERNEL_BASE || (int32_t)next == -ENOMEM);
		}
		/* A call that has to write where no page is to be had. */
		result = _kern_get_info((void *)(uintptr_t)(large + taken + 8 * PAGE));
		CHECK(result == 0 || result == -EFAULT);
		CHECK_EQUAL(_kern_unmap(large, 0x40000000), 0);
		result = check_fork();
		if (result == 0)
			end(2);
		CHECK(_kern_wait(result, NULL, 0) == result);
		end(0);
	}
	check_exit(pid, 0);
}

/* Half of memory and a bit, forked and then written on both sides. */
void test_fork_out_of_memory(void)
{
	uint32_t pages = free_pages() * 6 / 10;
	uint32_t base = map_pages(pages);
	uint32_t i;
	int status;
	pid_t pid;

	for (i = 0; i < pages; i++)
		*at(base + i * PAGE) = 7;
	pid = check_fork();
	if (pid == 0) {
		for (i = 0; i < pages; i++)
			*at(base + i * PAGE) = 8;
		end(1);
	}
	CHECK_EQUAL(_kern_wait(pid, &status, 0), pid);
	CHECK_EQUAL(status, SIGKILL);
	for (i = 0; i < pages; i++) {
		CHECK_EQUAL(*at(base + i * PAGE), 7);
		*at(base + i * PAGE) = 9;
	}
}

/* ---- The stack -------------------------------------------------------------------- */

void test_stack_grows(void)
{
	/* To its last byte, from the top down and at once. */
	pid_t pid = check_fork();
	uint32_t address;

	if (pid == 0) {
		uint32_t here = ADDRESS(&pid) & ~(PAGE - 1);

		for (address = here; address >= KERNEL_BASE - STACK_BYTES; address -= PAGE)
			*at(address) = 1;
		end(0);
	}
	check_exit(pid, 0);
	*at(KERNEL_BASE - STACK_BYTES) = 1;
	check_dies(write_byte, KERNEL_BASE - STACK_BYTES - 1, SIGSEGV);
}

/* ---- Copy on write ---------------------------------------------------------------- */

static struct system_info sInfo;
static int sStatus;

/* The kernel writes into pages that parent and child share, by either side. */
void test_cow_kernel_writes(void)
{
	struct system_info zeros;
	pid_t pid, inner;

	memset(&zeros, 0, sizeof zeros);
	memset(&sInfo, 0, sizeof sInfo);
	sStatus = 123;
	pid = check_fork();
	if (pid == 0) {
		CHECK_EQUAL(_kern_get_info(&sInfo), 0); /* in the child first */
		CHECK(sInfo.page_size == PAGE);
		inner = check_fork();
		if (inner == 0)
			end(3);
		CHECK_EQUAL(_kern_wait(inner, &sStatus, 0), inner);
		CHECK_EQUAL(sStatus, 3 << 8);
		end(4);
	}
	check_exit(pid, 4);
	CHECK(memcmp(&sInfo, &zeros, sizeof zeros) == 0);
	CHECK_EQUAL(sStatus, 123);

	pid = check_fork();
	if (pid == 0) {
		while (_kern_system_time() < 0)
			;
		sleep_us(5000);
		CHECK(memcmp(&sInfo, &zeros, sizeof zeros) == 0); /* the parent's write */
		CHECK_EQUAL(sStatus, 123);
		end(5);
	}
	CHECK_EQUAL(_kern_get_info(&sInfo), 0);
	CHECK_EQUAL(_kern_wait(pid, &sStatus, 0), pid);
	CHECK_EQUAL(sStatus, 5 << 8);
	CHECK_EQUAL(sInfo.page_size, PAGE);
}

/* An object over the border of two pages of which none, either or both are
 * copies, or not there, or not to be written. */
void test_cow_straddles(void)
{
	uint32_t base = map_pages(2);
	struct system_info *info = (void *)(uintptr_t)(base + PAGE - 40);
	int touched;

	for (touched = 0; touched < 4; touched++) {
		pid_t pid;

		*at(base) = *at(base + PAGE) = 9;
		info->page_size = info->kernel_version = 1;
		pid = check_fork();
		if (pid == 0) {
			if (touched & 1)
				*at(base) = 8;
			if (touched & 2)
				*at(base + PAGE) = 8;
			CHECK_EQUAL(_kern_get_info(info), 0);
			CHECK_EQUAL(info->page_size, PAGE);
			CHECK(info->kernel_version != 1);
			end(0);
		}
		check_exit(pid, 0);
		CHECK(info->page_size == 1 && info->kernel_version == 1);
	}
	CHECK_EQUAL(_kern_protect(base + PAGE, PAGE, PROT_READ, 0), 0);
	CHECK_EQUAL(_kern_get_info(info), -EFAULT);
	CHECK(info->page_size == 1 && info->cpu_features == 0); /* as a whole, or not */
	CHECK_EQUAL(_kern_unmap(base + PAGE, PAGE), 0);
	CHECK_EQUAL(_kern_get_info(info), -EFAULT);
	base = map_pages(2);
	CHECK_EQUAL(_kern_get_info((void *)(uintptr_t)(base + PAGE - 40)), 0);
}

/* The last one that has a page writes to it in place; nobody sees another's. */
void test_cow_siblings(void)
{
	uint32_t base = map_pages(8);
	volatile uint32_t *gate = check_map(PAGE, SHARED);
	pid_t pids[5];
	uint32_t before, i, k;

	for (i = 0; i < 8; i++)
		*at(base + i * PAGE) = 100;
	before = free_pages();
	for (k = 0; k < 5; k++) {
		pids[k] = check_fork();
		if (pids[k] == 0) {
			for (i = 0; i < 8; i++) {
				CHECK_EQUAL(*at(base + i * PAGE), 100);
				if ((i + k) % 2 == 0)
					*at(base + i * PAGE) = (uint8_t)k;
			}
			gate[k] = 1;
			while (gate[10] == 0)
				_kern_yield();
			for (i = 0; i < 8; i++)
				CHECK_EQUAL(*at(base + i * PAGE), (i + k) % 2 == 0 ? k : 100);
			end(0);
		}
	}
	for (k = 0; k < 5; k++) {
		while (gate[k] == 0)
			_kern_yield();
	}
	for (i = 0; i < 8; i++)
		*at(base + i * PAGE) = 50;
	gate[10] = 1;
	for (k = 0; k < 5; k++)
		check_exit(pids[k], 0);
	for (i = 0; i < 8; i++)
		CHECK_EQUAL(*at(base + i * PAGE), 50);
	check_pages_back(before, 3);
}
