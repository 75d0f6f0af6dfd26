/*
 * filetests: what the calls about files promise, tried from outside.
 *
 *	filetests [NAME...]		these tests, or all of them
 *	filetests --but NAME...	all others
 *	filetests --list
 *
 * tests/harness/ says how they run and what the status is: each in a new directory below
 * /tmp, which it has to leave empty.
 */
#include "filetests.h"

static const struct test kTests[] = {FILETESTS(TEST_ENTRY)};

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

volatile int gSignals;

static void count_signal(
	int signal, struct signal_info *info, struct signal_context *context)
{
	(void)signal;
	(void)info;
	(void)context;
	gSignals++;
}

void count_signals(int signal, uint32_t flags)
{
	struct signal_action action;

	memset(&action, 0, sizeof action);
	action.handler = (uint32_t)(uintptr_t)count_signal;
	action.flags = flags;
	CHECK_EQUAL(_kern_sigaction(signal, &action, NULL), 0);
}

int main(int argc, char **argv)
{
	const struct test_set set = {
		kTests, sizeof kTests / sizeof kTests[0], .directory = "/tmp/test"};

	/* What a program finds that exec() has started; see descriptors.c. */
	if (argc > 1 && strcmp(argv[1], "--open") == 0) {
		int count = 0;

		for (int i = 0; i < OPEN_MAX; i++)
			count += _kern_fcntl(i, F_GETFD, 0) >= 0;
		return count;
	}
	/* What has locked something before exec(); see locks.c. */
	if (argc > 1 && strcmp(argv[1], "--pause") == 0) {
		for (;;)
			_kern_snooze(1000 * SECOND, 0);
	}
	return run_tests(&set, argc, argv);
}
