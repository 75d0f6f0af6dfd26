/*
 * Pages that a program has in common with its file: that they are, and that
 * neither what is done to the file nor what a process does to them shows elsewhere.
 * The programs are usertests again, as `usertests --part steady ...`, and some of
 * a few bytes.
 */
#include "usertests.h"
#include "syscall_constants.h"
#include "syscall_numbers.h"
#include <postern/fcntl.h>

#define IMAGE 0x00400000u /* libroot/program.ld */
#define COPY "/usertests-copy"
#define OTHER "/usertests-other"
/* tests/boot/bad_programs.py makes it, and it ends with the byte that is there. */
#define LARGE "/bad/large"
#define LARGE_STATUS (52 + 32 + 6)

/* ---- The program that runs -------------------------------------------------------- */

/* Some pages of data that come from the file whole. */
#define INITIALISED (4 * PAGE / sizeof(uint32_t))
static volatile uint32_t sInitialised[INITIALISED] = {
	[0] = 1, [INITIALISED / 2] = 2, [INITIALISED - 1] = 3};

/* Bytes of the first segment, as its program header says. */
static uint32_t text_size(void)
{
	return ((const volatile uint32_t *)(uintptr_t)(IMAGE + 52))[5];
}

static uint32_t text_sum(void)
{
	const volatile uint32_t *word = (const volatile uint32_t *)(uintptr_t)IMAGE;
	uint32_t sum = 0;

	for (uint32_t i = 0; i < text_size() / sizeof *word; i++)
		sum = (sum << 1 | sum >> 31) + word[i];
	return sum;
}

static int check_initialised(uint32_t more)
{
	for (unsigned i = 0; i < INITIALISED; i++) {
		uint32_t expected = i == 0				   ? 1
							: i == INITIALISED / 2 ? 2
							: i == INITIALISED - 1 ? 3
												   : 0;

		if (sInitialised[i] != expected + more)
			return 1;
	}
	return 0;
}

/*
 * Says that it runs, by a byte to descriptor 4, waits for one from 3, and ends
 * with 42 when it is still what it was.
 */
int steady_part(void)
{
	uint32_t sum = text_sum();
	char byte = 'r';

	if (check_initialised(0) != 0)
		return 1;
	for (unsigned i = 0; i < INITIALISED; i++)
		sInitialised[i] += 7;
	if (_kern_write(4, -1, &byte, 1) != 1 || _kern_read(3, -1, &byte, 1) != 1)
		return 2;
	if (text_sum() != sum)
		return 3;
	return check_initialised(7) != 0 ? 4 : 42;
}

/* Descriptors, of which the program gets 3 and 4: what it waits for, and its answers. */
struct steady {
	pid_t pid;
	int go, ready;
};

static struct steady start_steady(const char *path)
{
	const char *arguments[] = {path, "--part", "steady", NULL};
	struct steady steady;
	int to[2], from[2];
	char byte;

	CHECK_EQUAL(_kern_pipe(to, 0), 0);
	CHECK_EQUAL(_kern_pipe(from, 0), 0);
	steady.pid = check_fork();
	if (steady.pid == 0) {
		/* Out of the way of what they become. */
		CHECK_EQUAL(_kern_dup2(to[0], 20), 20);
		CHECK_EQUAL(_kern_dup2(from[1], 21), 21);
		CHECK_EQUAL(_kern_dup2(20, 3), 3);
		CHECK_EQUAL(_kern_dup2(21, 4), 4);
		CHECK_EQUAL(_kern_exec(path, arguments, NULL), 0);
	}
	_kern_close(to[0]);
	_kern_close(from[1]);
	steady.go = to[1];
	steady.ready = from[0];
	CHECK_EQUAL(_kern_read(steady.ready, -1, &byte, 1), 1);
	return steady;
}

static void end_steady(struct steady steady)
{
	char byte = 'g';

	CHECK_EQUAL(_kern_write(steady.go, -1, &byte, 1), 1);
	check_exit(steady.pid, 42);
	_kern_close(steady.go);
	_kern_close(steady.ready);
}

static int check_open(const char *path, int flags)
{
	int fd = _kern_open(path, flags, 0755);

	CHECK(fd >= 0);
	return fd;
}

static char sBuffer[16 * PAGE];

static void copy_program(const char *from, const char *to)
{
	int in = check_open(from, O_RDONLY);
	int out = check_open(to, O_WRONLY | O_CREAT | O_TRUNC);
	ssize_t size;

	while ((size = _kern_read(in, -1, sBuffer, sizeof sBuffer)) > 0)
		CHECK_EQUAL(_kern_write(out, -1, sBuffer, (size_t)size), size);
	CHECK_EQUAL(size, 0);
	_kern_close(in);
	_kern_close(out);
}

/* Twice, so that the first cannot spoil it for others. */
static void check_runs(const char *path, int expected)
{
	const char *arguments[] = {path, NULL};

	for (int round = 0; round < 2; round++) {
		pid_t pid = check_fork();

		if (pid == 0)
			CHECK_EQUAL(_kern_exec(path, arguments, NULL), 0);
		check_exit(pid, expected);
	}
}

/* ---- What a process costs --------------------------------------------------------- */

#define MANY 4

static void check_shares(const char *path)
{
	struct steady running[MANY];
	uint32_t text_pages = text_size() / PAGE;
	uint32_t before = free_pages(), each;
	int i;

	for (i = 0; i < MANY; i++)
		running[i] = start_steady(path);
	each = (before - free_pages()) / MANY;
	/* Tables, stacks and data are its own. */
	if (each >= text_pages)
		check_failed(__FILE__, __LINE__, "%s: %u pages each, and its text has %u", path,
			each, text_pages);
	for (i = 0; i < MANY; i++)
		end_steady(running[i]);
}

void test_program_pages_shared(void)
{
	CHECK(text_size() > 30 * PAGE);
	check_shares(gSelf);
	copy_program(gSelf, COPY);
	check_shares(COPY);
	CHECK_EQUAL(_kern_unlink(COPY), 0);
}

/* ---- What is done to the file ----------------------------------------------------- */

static void overwrite(void)
{
	int fd = check_open(COPY, O_WRONLY);

	memset(sBuffer, 0xcc, sizeof sBuffer);
	for (unsigned at = 0; at < text_size() + sizeof sInitialised; at += sizeof sBuffer)
		CHECK_EQUAL(_kern_write(fd, at, sBuffer, sizeof sBuffer), sizeof sBuffer);
	_kern_close(fd);
}

/* A byte of every page. */
static void overwrite_bytes(void)
{
	int fd = check_open(COPY, O_WRONLY);
	const char byte = (char)0xcc;

	for (unsigned at = 100; at < text_size() + sizeof sInitialised; at += PAGE)
		CHECK_EQUAL(_kern_write(fd, at, &byte, 1), 1);
	_kern_close(fd);
}

static void empty(void)
{
	_kern_close(check_open(COPY, O_WRONLY | O_TRUNC));
}

/* Within a page, and longer again: zeros. */
static void cut(void)
{
	char byte;
	int fd;

	CHECK_EQUAL(_kern_truncate(COPY, 3 * PAGE + 1000), 0);
	CHECK_EQUAL(_kern_truncate(COPY, text_size()), 0);
	fd = check_open(COPY, O_RDONLY);
	CHECK_EQUAL(_kern_read(fd, 3 * PAGE + 1000, &byte, 1), 1);
	CHECK_EQUAL(byte, 0);
	_kern_close(fd);
}

static void unlink_it(void)
{
	CHECK_EQUAL(_kern_unlink(COPY), 0);
	_kern_close(check_open(COPY, O_WRONLY | O_CREAT));
}

static void rename_over(void)
{
	int fd = check_open(OTHER, O_WRONLY | O_CREAT);

	CHECK_EQUAL(_kern_write(fd, -1, "other", 5), 5);
	_kern_close(fd);
	CHECK_EQUAL(_kern_rename(OTHER, COPY), 0);
}

/* What runs goes on; what is started behind it is what the file is now. */
void test_program_file_changes(void)
{
	static void (*const kChanges[])(void) = {
		overwrite, overwrite_bytes, empty, cut, unlink_it, rename_over};
	const char *arguments[] = {COPY, "--part", "exit", "9", NULL};

	for (unsigned i = 0; i < sizeof kChanges / sizeof kChanges[0]; i++) {
		struct steady first, second;
		char there[PAGE], other[PAGE];
		int fd;

		copy_program(gSelf, COPY);
		first = start_steady(COPY);
		second = start_steady(COPY);
		kChanges[i]();
		fd = check_open(COPY, O_RDONLY);
		memset(there, 0, sizeof there);
		CHECK(_kern_read(fd, 3 * PAGE, there, PAGE) >= 0);
		_kern_close(fd);
		memcpy(other, (const void *)(uintptr_t)(IMAGE + 3 * PAGE), PAGE);
		CHECK(memcmp(there, other, PAGE) != 0);
		end_steady(first);
		/* Cut and with single bytes changed it may be a program, but not this one. */
		if (kChanges[i] != cut && kChanges[i] != overwrite_bytes)
			CHECK(_kern_exec(COPY, arguments, NULL) < 0);
		end_steady(second);
		CHECK_EQUAL(_kern_unlink(COPY), 0);
	}
}

/* Of a file of the boot archive, too, the next to run it gets what it is by then. */
void test_program_archive_changes(void)
{
	const char *arguments[] = {LARGE, NULL};
	int fd = check_open(LARGE, O_RDWR);
	char status;

	CHECK_EQUAL(_kern_read(fd, LARGE_STATUS, &status, 1), 1);
	CHECK_EQUAL(status, 42);
	check_runs(LARGE, 42);
	status = 43;
	CHECK_EQUAL(_kern_write(fd, LARGE_STATUS, &status, 1), 1);
	check_runs(LARGE, 43);
	CHECK_EQUAL(_kern_ftruncate(fd, 2 * PAGE), 0);
	CHECK_EQUAL(_kern_ftruncate(fd, 3 * PAGE), 0);
	CHECK_EQUAL(_kern_read(fd, 2 * PAGE + 5, &status, 1), 1);
	CHECK_EQUAL(status, 0);
	/* Its pages are free again, as the test found them. */
	CHECK_EQUAL(_kern_ftruncate(fd, 0), 0);
	CHECK_EQUAL(_kern_exec(LARGE, arguments, NULL), -ENOEXEC);
	_kern_close(fd);
}

/* ---- What a process does to its pages --------------------------------------------- */

/* A page of the text's that nothing else is on. */
static const volatile char kConstant[PAGE] __attribute__((aligned(4096))) = {7, 8};

/* By the program and by the kernel, with nobody else about. */
static bool write_to_constant(int fd)
{
	volatile char *bytes = (volatile char *)(uintptr_t)ADDRESS(kConstant);

	if (_kern_protect(ADDRESS(kConstant), PAGE, PROT_READ | PROT_WRITE, 0) != 0)
		return false;
	bytes[0] = 9;
	return _kern_read(fd, 1, (void *)(uintptr_t)ADDRESS(kConstant + 1), 3) == 3
		   && kConstant[0] == 9 && kConstant[1] == 'E' && kConstant[3] == 'F'
		   && kConstant[4] == 0;
}

/* What it finds wrong, it tells by its status. */
static int write_to_text(const char *path)
{
	volatile char *text = (volatile char *)(uintptr_t)IMAGE;
	int fd = check_open(path, O_RDONLY);
	int status;
	pid_t pid;

	/* The kernel's writes are held to what it may do itself. */
	if (_kern_read(fd, 100, (void *)(uintptr_t)(IMAGE + 4), 4) != -EFAULT)
		return 1;
	if (!write_to_constant(fd))
		return 7;
	if (_kern_protect(IMAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_WRITE_EXEC)
		!= 0)
		return 2;
	pid = _kern_fork();
	if (pid < 0)
		return 3;
	text[0] = pid == 0 ? 'c' : 'p';
	if (_kern_read(fd, 1, (void *)(uintptr_t)(IMAGE + 8), 3) != 3)
		return 4;
	if (text[0] != (pid == 0 ? 'c' : 'p') || text[1] != 'E' || text[8] != 'E'
		|| text[10] != 'F')
		return 5;
	if (pid == 0)
		return 42;
	if (_kern_wait(pid, &status, 0) != pid || status != 42 << 8)
		return 6;
	return 42;
}

int writing_part(const char *path)
{
	return write_to_text(path);
}

static void check_written(const char *path)
{
	const char *arguments[] = {path, "--part", "writing", path, NULL};
	struct steady other = start_steady(path);
	char magic[12];
	int fd, round;

	for (round = 0; round < 2; round++) {
		pid_t pid = check_fork();

		if (pid == 0)
			CHECK_EQUAL(_kern_exec(path, arguments, NULL), 0);
		check_exit(pid, 42);
	}
	fd = check_open(path, O_RDONLY);
	CHECK_EQUAL(_kern_read(fd, 0, magic, sizeof magic), sizeof magic);
	CHECK(memcmp(magic, "\177ELF", 4) == 0 && magic[8] == 0 && magic[10] == 0);
	CHECK(memcmp((const void *)(uintptr_t)IMAGE, magic, sizeof magic) == 0);
	CHECK_EQUAL(
		_kern_read(fd, ADDRESS(kConstant) - IMAGE, magic, sizeof magic), sizeof magic);
	CHECK(magic[0] == 7 && magic[1] == 8 && magic[2] == 0 && magic[3] == 0);
	CHECK(kConstant[0] == 7 && kConstant[1] == 8 && kConstant[2] == 0);
	_kern_close(fd);
	end_steady(other);
}

void test_program_pages_written(void)
{
	check_written(gSelf);
	copy_program(gSelf, COPY);
	check_written(COPY);
	CHECK_EQUAL(_kern_unlink(COPY), 0);
}

/* ---- Segments that do not lie on pages -------------------------------------------- */

struct segment {
	uint32_t offset, address, file_size, memory_size, writable;
};

/* Ends with the byte at `address`, of which it has made one more where it is told to. */
static unsigned put_code(uint8_t *to, uint32_t address, bool increments)
{
	static const uint8_t kBegin[] = {0xfe, 0x05};	   /* inc byte [...] */
	static const uint8_t kLoad[] = {0x0f, 0xb6, 0x05}; /* movzx eax, byte [...] */
	static const uint8_t kEnd[] = {
		0x50, 0x6a, 0, 0xb8, SYS_exit, 0, 0, 0, 0xcd, 99, 0x0f, 0x0b};
	uint8_t *at = to;

	if (increments) {
		memcpy(at, kBegin, sizeof kBegin);
		memcpy(at + sizeof kBegin, &address, sizeof address);
		at += sizeof kBegin + sizeof address;
	}
	memcpy(at, kLoad, sizeof kLoad);
	memcpy(at + sizeof kLoad, &address, sizeof address);
	at += sizeof kLoad + sizeof address;
	memcpy(at, kEnd, sizeof kEnd);
	return (unsigned)(at + sizeof kEnd - to);
}

#define FILE_SIZE (3 * PAGE)
#define CODE 0x200 /* in the first segment */
#define FILLER 0xee

/* A file of FILLERs but for the headers and the code, which is at CODE of segment 0. */
static void make_program(
	const struct segment *segments, unsigned count, uint32_t address, bool increments)
{
	static uint8_t sFile[FILE_SIZE];
	static const uint8_t kIdent[] = {
		0x7f, 'E', 'L', 'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 1, 0, 0, 0};
	uint32_t entry = segments[0].address + CODE, headers = 52;
	uint16_t counts[] = {52, 32, (uint16_t)count, 0, 0, 0};
	int fd;

	memset(sFile, FILLER, sizeof sFile);
	memcpy(sFile, kIdent, sizeof kIdent);
	memcpy(sFile + 24, &entry, 4);
	memcpy(sFile + 28, &headers, 4);
	memset(sFile + 32, 0, 8);
	memcpy(sFile + 40, counts, sizeof counts);
	for (unsigned i = 0; i < count; i++) {
		const struct segment *segment = &segments[i];
		uint32_t header[] = {1, segment->offset, segment->address, 0, segment->file_size,
			segment->memory_size, segment->writable ? 6 : 5, 1};

		memcpy(sFile + 52 + i * sizeof header, header, sizeof header);
	}
	put_code(sFile + segments[0].offset + CODE, address, increments);
	fd = check_open(COPY, O_WRONLY | O_CREAT | O_TRUNC);
	CHECK_EQUAL(_kern_write(fd, 0, sFile, sizeof sFile), sizeof sFile);
	_kern_close(fd);
}

void test_program_odd_segments(void)
{
	char byte;
	int fd;

	/* Zeros behind the file's bytes, in their page. */
	make_program(
		(struct segment[]){{0, IMAGE, 0x300, 0x900, 0}}, 1, IMAGE + 0x800, false);
	check_runs(COPY, 0);
	/* Zeros of another segment, in the page of one that is the file's. */
	make_program(
		(struct segment[]){{0, IMAGE, 0x300, 0x300, 0}, {0, IMAGE + 0x800, 0, 0x100, 1}},
		2, IMAGE + 0x800, false);
	check_runs(COPY, 0);
	make_program(
		(struct segment[]){{0, IMAGE, 0x300, 0x300, 0}, {0, IMAGE + 0x800, 0, 0x100, 1}},
		2, IMAGE + 0x800, true);
	check_runs(COPY, 1);
	/* Bytes that lie elsewhere in their page than in the file's. */
	make_program((struct segment[]){{0x123, IMAGE, 0x300, 0x300, 0},
					 {PAGE + 1, IMAGE + PAGE, PAGE, PAGE, 1}},
		2, IMAGE + PAGE, true);
	check_runs(COPY, FILLER + 1);
	/* The middle of a page, and one of each that begins and ends within another's. */
	make_program((struct segment[]){{0x123, IMAGE + 0x123, 0x300, 0x300, 0},
					 {PAGE - 0x100, IMAGE + PAGE - 0x100, PAGE + 0x200, PAGE + 0x200, 1}},
		2, IMAGE + PAGE - 0x100, true);
	check_runs(COPY, FILLER + 1);
	/* Pages of a segment, of which another has only the last, and was there first. */
	make_program(
		(struct segment[]){{2 * PAGE + 0x800, IMAGE + 2 * PAGE + 0x800, 0x300, 0x300, 0},
			{0, IMAGE, 2 * PAGE + 0x800, 2 * PAGE + 0x800, 1}},
		2, IMAGE + PAGE + 5, true);
	check_runs(COPY, FILLER + 1);
	/* A whole page that the program writes to, and the file has as before. */
	make_program((struct segment[]){{0, IMAGE, PAGE, PAGE, 0},
					 {PAGE, IMAGE + PAGE, PAGE, 2 * PAGE, 1}},
		2, IMAGE + PAGE + 5, true);
	check_runs(COPY, FILLER + 1);
	fd = check_open(COPY, O_RDONLY);
	CHECK_EQUAL(_kern_read(fd, PAGE + 5, &byte, 1), 1);
	CHECK_EQUAL((uint8_t)byte, FILLER);
	_kern_close(fd);
	CHECK_EQUAL(_kern_unlink(COPY), 0);
}
