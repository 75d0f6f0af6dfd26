/*
 * filetests: what the calls about files promise, tried from outside.
 *
 *	filetests [NAME...]		these tests, or all of them
 *	filetests --but NAME...	all but these
 *	filetests --list
 *
 * Each test runs in a process of its own, in a new directory below /tmp, which
 * it has to leave empty. When it and its descendants have ended, as many pages
 * must be free as before. The status is 0 when all have passed, 1 when one has
 * not, 2 for a wrong name.
 */
#include "filetests.h"
#include <stdarg.h>

int format_string_v(char *buffer, size_t size, const char *format, va_list arguments);

struct test {
	void (*function)(void);
	const char *name;
};

#define ENTRY(name) {test_##name, #name},
static const struct test kTests[] = {FILETESTS(ENTRY)};
#undef ENTRY
#define TEST_COUNT (sizeof kTests / sizeof kTests[0])

#define DIRECTORY "/tmp/test"
#define SETTLE (3 * SECOND) /* orphans of a test may take a moment to end */

/* Shared with all processes of a test. */
struct report {
	uint32_t taken;
	char why[240];
};

static struct report *sReport;
uint32_t gMemoryPages;

/* ---- Checking --------------------------------------------------------------- */

void check_failed(const char *file, int line, const char *format, ...)
{
	const char *base = file;
	va_list arguments;
	int length;

	for (; *file != '\0'; file++) {
		if (*file == '/')
			base = file + 1;
	}
	if (__atomic_exchange_n(&sReport->taken, 1, __ATOMIC_SEQ_CST) == 0) {
		length = format_string(sReport->why, sizeof sReport->why, "%s:%d: ", base, line);
		va_start(arguments, format);
		format_string_v(sReport->why + length, sizeof sReport->why - (size_t)length,
			format, arguments);
		va_end(arguments);
	}
	end(1);
}

void end(int status)
{
	_kern_exit(status);
	__builtin_unreachable();
}

pid_t check_fork(void)
{
	pid_t pid = _kern_fork();

	CHECK(pid >= 0);
	return pid;
}

void check_exit(pid_t pid)
{
	int status = -1;

	CHECK_EQUAL(_kern_wait(pid, &status, 0), pid);
	CHECK_EQUAL(status, 0);
}

void *check_map(size_t size, bool shared)
{
	uint32_t address =
		_kern_map(0, size, PROT_READ | PROT_WRITE, shared ? MAP_SHARED : MAP_PRIVATE);

	CHECK(address < KERNEL_BASE);
	return (void *)(uintptr_t)address;
}

uint32_t free_pages(void)
{
	struct system_info info;

	CHECK_EQUAL(_kern_get_info(&info), 0);
	gMemoryPages = info.memory_pages;
	return info.memory_free_pages;
}

void sleep_us(time_us_t time)
{
	CHECK_EQUAL(_kern_snooze(time, 0), 0);
}

/* ---- Files -------------------------------------------------------------------- */

int check_open(const char *path, int flags)
{
	int fd = _kern_open(path, flags, 0666);

	if (fd < 0)
		check_failed(__FILE__, __LINE__, "open %s, 0x%x: %d", path, (unsigned)flags, fd);
	return fd;
}

/* Every byte depends on its place, and so on no power of two. */
static uint8_t pattern(uint32_t position, uint32_t seed)
{
	return (uint8_t)((position * 2654435761u + seed * 40503u) >> 23);
}

void fill_pattern(uint8_t *bytes, size_t size, uint32_t seed, uint32_t position)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = pattern(position + i, seed);
}

bool is_pattern(const uint8_t *bytes, size_t size, uint32_t seed, uint32_t position)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] != pattern(position + i, seed))
			return false;
	}
	return true;
}

static uint8_t sBytes[16384];

void check_make(const char *path, size_t size, uint32_t seed)
{
	int fd = check_open(path, O_WRONLY | O_CREAT | O_TRUNC);
	size_t done = 0;

	while (done < size) {
		size_t count = size - done < sizeof sBytes ? size - done : sizeof sBytes;

		fill_pattern(sBytes, count, seed, done);
		CHECK_EQUAL(_kern_write(fd, -1, sBytes, count), count);
		done += count;
	}
	CHECK_EQUAL(_kern_close(fd), 0);
}

void check_content(const char *path, size_t size, uint32_t seed)
{
	int fd = check_open(path, O_RDONLY);
	size_t done = 0;

	for (;;) {
		ssize_t count = _kern_read(fd, -1, sBytes, sizeof sBytes);

		CHECK(count >= 0);
		if (count == 0)
			break;
		CHECK(is_pattern(sBytes, (size_t)count, seed, done));
		done += (size_t)count;
	}
	CHECK_EQUAL(done, size);
	CHECK_EQUAL(_kern_close(fd), 0);
}

/* ---- Running them -------------------------------------------------------------- */

static bool settle(uint32_t pages, char *why, size_t size)
{
	time_us_t deadline = _kern_system_time() + SETTLE;

	for (;;) {
		uint32_t now = free_pages();

		if (now == pages)
			return true;
		if (_kern_system_time() > deadline) {
			format_string(why, size, "%u pages free, were %u", now, pages);
			return false;
		}
		sleep_us(1000);
	}
}

static bool run(const char *name, void (*function)(void))
{
	uint32_t pages;
	int status = -1, error;
	char why[sizeof sReport->why];
	bool passed = false;
	pid_t pid;

	memset(sReport, 0, sizeof *sReport);
	memset(why, 0, sizeof why);
	_kern_rmdir(DIRECTORY);
	pages = free_pages();
	/* First, so that a test that hangs is named. */
	print("%s: ", name);
	if ((error = _kern_mkdir(DIRECTORY, 0777)) != 0)
		format_string(why, sizeof why, "no directory: %d", error);
	pid = error != 0 ? error : _kern_fork();
	if (pid == 0) {
		CHECK_EQUAL(_kern_chdir(DIRECTORY), 0);
		function();
		end(0);
	}
	if (pid < 0 || _kern_wait(pid, &status, 0) != pid)
		format_string(why, sizeof why, "could not be run: %d", (int)pid);
	else if (sReport->taken)
		memcpy(why, sReport->why, sizeof why);
	else if (!WAIT_EXITED(status))
		format_string(why, sizeof why, "killed by signal %d", WAIT_SIGNAL(status));
	else if (WAIT_EXIT_STATUS(status) != 0)
		format_string(why, sizeof why, "exit status %d", WAIT_EXIT_STATUS(status));
	else if ((error = _kern_rmdir(DIRECTORY)) != 0)
		format_string(why, sizeof why, "the directory does not go: %d", error);
	else
		passed = settle(pages, why, sizeof why);
	print(passed ? "ok\n" : "FAILED: %s\n", why);
	if (!passed) {
		/* What it has left must not spoil the next one. */
		char aside[40];

		format_string(aside, sizeof aside, "/tmp/%s", name);
		_kern_rename(DIRECTORY, aside);
		sleep_us(100000);
	}
	return passed;
}

static void nothing(void)
{
}

static const struct test *find(const char *name)
{
	for (size_t i = 0; i < TEST_COUNT; i++) {
		if (strcmp(kTests[i].name, name) == 0)
			return &kTests[i];
	}
	return NULL;
}

static bool is_named(const struct test *test, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (find(argv[i]) == test)
			return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0;
	bool all_but, named;
	int i;

	if (argc > 1 && strcmp(argv[1], "--list") == 0) {
		for (size_t t = 0; t < TEST_COUNT; t++)
			print("%s\n", kTests[t].name);
		return 0;
	}
	/* What a program finds that exec() has started; see descriptors.c. */
	if (argc > 1 && strcmp(argv[1], "--open") == 0) {
		int count = 0;

		for (i = 0; i < OPEN_MAX; i++)
			count += _kern_fcntl(i, F_GETFD, 0) >= 0;
		return count;
	}
	/* What has locked something before exec(); see locks.c. */
	if (argc > 1 && strcmp(argv[1], "--pause") == 0) {
		for (;;)
			_kern_snooze(1000 * SECOND, 0);
	}
	all_but = argc > 1 && strcmp(argv[1], "--but") == 0;
	argv += all_but;
	argc -= all_but;
	for (i = 1; i < argc; i++) {
		if (find(argv[i]) == NULL) {
			print("there is no test %s\n", argv[i]);
			return 2;
		}
	}
	named = argc > 1 && !all_but;
	sReport = check_map(PAGE, true);
	/* Whatever pages the runner itself touches, it has touched from now on. */
	run("warming_up", nothing);
	run("warming_up", nothing);
	for (size_t t = 0; t < (named ? (size_t)argc - 1 : TEST_COUNT); t++) {
		const struct test *test = named ? find(argv[t + 1]) : &kTests[t];

		if (all_but && is_named(test, argc, argv))
			continue;
		*(run(test->name, test->function) ? &passed : &failed) += 1;
	}
	print("%u passed, %u failed\n", passed, failed);
	return failed > 0 ? 1 : 0;
}
