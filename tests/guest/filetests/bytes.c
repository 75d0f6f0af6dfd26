/* Reading, writing, places and sizes. */
#include "filetests.h"

#define MIB (1u << 20)

static void check_size(size_t size)
{
	uint8_t *bytes = check_map(size + 2 * PAGE, false);
	uint8_t *back = check_map(size + 2 * PAGE, false);
	int fd = check_open("sized", O_RDWR | O_CREAT | O_TRUNC);

	/* Neither begins on a page. */
	fill_pattern(bytes + 5, size, (uint32_t)size, 0);
	memset(back, 0xee, size < PAGE ? size + 11 : PAGE);
	CHECK_EQUAL(_kern_write(fd, -1, bytes + 5, size), size);
	CHECK_EQUAL(_kern_seek(fd, 0, SEEK_CUR), size);
	CHECK_EQUAL(_kern_read(fd, -1, back, 1), 0);
	CHECK_EQUAL(_kern_seek(fd, 0, SEEK_SET), 0);
	CHECK_EQUAL(_kern_read(fd, -1, back + 9, size + 1), size);
	CHECK(memcmp(bytes + 5, back + 9, size) == 0);
	CHECK_EQUAL(back[8], 0xee);
	CHECK_EQUAL(_kern_read(fd, 0, back + 9, size), size);
	CHECK_EQUAL(_kern_read(fd, (off_t)size, back, 10), 0);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_unlink("sized"), 0);
	CHECK_EQUAL(_kern_unmap((uint32_t)(uintptr_t)bytes, size + 2 * PAGE), 0);
	CHECK_EQUAL(_kern_unmap((uint32_t)(uintptr_t)back, size + 2 * PAGE), 0);
}

void test_sizes(void)
{
	static const size_t kSizes[] = {0, 1, 2, 511, 512, 513, 4095, 4096, 4097, 8191, 8192,
		8193, 65535, 65536, 65537, MIB - 1, MIB, MIB + 1, 4 * MIB + 1};

	for (size_t i = 0; i < sizeof kSizes / sizeof kSizes[0]; i++)
		check_size(kSizes[i]);
}

/* The buffer and the file together have to fit: not on a small machine. */
void test_sizes_64_mib(void)
{
	size_t size = free_pages() > 3 * 64 * 256 ? 64 * MIB : 24 * MIB;
	uint8_t *bytes;
	int fd;

	if (free_pages() < 3 * size / PAGE)
		size = 2 * MIB;
	bytes = check_map(size, false);
	fd = check_open("large", O_RDWR | O_CREAT);
	for (size_t at = 0; at < size; at += PAGE)
		*(uint32_t *)(void *)(bytes + at) = at ^ 0x5a5a5a5a;
	CHECK_EQUAL(_kern_write(fd, -1, bytes, size), size);
	memset(bytes, 0, size);
	CHECK_EQUAL(_kern_read(fd, 0, bytes, size), size);
	for (size_t at = 0; at < size; at += PAGE)
		CHECK_EQUAL(*(uint32_t *)(void *)(bytes + at), at ^ 0x5a5a5a5a);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_unlink("large"), 0);
}

void test_positions(void)
{
	char buffer[16];
	int fd = check_open("file", O_RDWR | O_CREAT);

	CHECK_EQUAL(_kern_write(fd, -1, "0123456789", 10), 10);
	CHECK_EQUAL(_kern_write(fd, 3, "abc", 3), 3);
	CHECK_EQUAL(_kern_seek(fd, 0, SEEK_CUR), 10);
	CHECK_EQUAL(_kern_read(fd, 2, buffer, 5), 5);
	CHECK(memcmp(buffer, "2abc6", 5) == 0);
	CHECK_EQUAL(_kern_seek(fd, 0, SEEK_CUR), 10);
	CHECK_EQUAL(_kern_write(fd, 12, "z", 1), 1);
	CHECK_EQUAL(_kern_read(fd, 8, buffer, 16), 5);
	CHECK(memcmp(buffer, "89\0\0z", 5) == 0);
	CHECK_EQUAL(_kern_write(fd, -2, "x", 1), -EINVAL);
	CHECK_EQUAL(_kern_read(fd, -2, buffer, 1), -EINVAL);
	CHECK_EQUAL(_kern_read(fd, INT64_MIN, buffer, 1), -EINVAL);
	CHECK_EQUAL(_kern_read(fd, INT64_MAX, buffer, 1), 0);
	CHECK_EQUAL(_kern_write(fd, INT64_MAX, "x", 1), -EFBIG);
	CHECK_EQUAL(_kern_write(fd, 1ll << 50, "x", 1), -EFBIG);
	CHECK_EQUAL(_kern_write(fd, 1ll << 50, "x", 0), 0);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_append(void)
{
	char buffer[16];
	int fd = check_open("file", O_RDWR | O_CREAT | O_APPEND);
	int other = check_open("file", O_WRONLY);

	CHECK_EQUAL(_kern_write(fd, -1, "one", 3), 3);
	CHECK_EQUAL(_kern_write(other, 3, "two", 3), 3);
	CHECK_EQUAL(_kern_seek(fd, 0, SEEK_SET), 0);
	CHECK_EQUAL(_kern_write(fd, -1, "three", 5), 5);
	CHECK_EQUAL(_kern_seek(fd, 0, SEEK_CUR), 11);
	CHECK_EQUAL(_kern_write(fd, 0, "O", 1), 1);
	CHECK_EQUAL(_kern_read(fd, 0, buffer, 16), 11);
	CHECK(memcmp(buffer, "Onetwothree", 11) == 0);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_close(other), 0);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_sparse(void)
{
	static const off_t kPlaces[] = {4095, 4096, (4ll << 20) - 1, 4ll << 20,
		(2ll << 30) - 2, (2ll << 30) - 1, 2ll << 30, (4ll << 30) - 1, 4ll << 30,
		1ll << 40};
	struct stat info;
	char buffer[3];

	for (size_t i = 0; i < sizeof kPlaces / sizeof kPlaces[0]; i++) {
		int fd = check_open("file", O_RDWR | O_CREAT | O_TRUNC);

		CHECK_EQUAL(_kern_write(fd, kPlaces[i], "xy", 2), 2);
		CHECK_EQUAL(_kern_fstat(fd, &info), 0);
		CHECK_EQUAL(info.size, kPlaces[i] + 2);
		CHECK(info.blocks <= 16);
		CHECK_EQUAL(_kern_read(fd, kPlaces[i] - 1, buffer, 3), 3);
		CHECK(memcmp(buffer, "\0xy", 3) == 0);
		CHECK_EQUAL(_kern_read(fd, 0, buffer, 3), 3);
		CHECK(memcmp(buffer, "\0\0\0", 3) == 0);
		CHECK_EQUAL(_kern_write(fd, 0, "a", 1), 1);
		CHECK_EQUAL(_kern_read(fd, kPlaces[i], buffer, 3), 2);
		CHECK(memcmp(buffer, "xy", 2) == 0);
		CHECK_EQUAL(_kern_close(fd), 0);
	}
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_seek(void)
{
	int fd = check_open("file", O_RDWR | O_CREAT);
	int ends[2];

	CHECK_EQUAL(_kern_write(fd, -1, "0123456789", 10), 10);
	CHECK_EQUAL(_kern_seek(fd, -3, SEEK_END), 7);
	CHECK_EQUAL(_kern_seek(fd, -3, SEEK_CUR), 4);
	CHECK_EQUAL(_kern_seek(fd, -5, SEEK_CUR), -EINVAL);
	CHECK_EQUAL(_kern_seek(fd, 0, SEEK_CUR), 4);
	CHECK_EQUAL(_kern_seek(fd, -1, SEEK_SET), -EINVAL);
	CHECK_EQUAL(_kern_seek(fd, 0, 3), -EINVAL);
	CHECK_EQUAL(_kern_seek(fd, 0, -1), -EINVAL);
	CHECK_EQUAL(_kern_seek(fd, INT64_MAX, SEEK_SET), INT64_MAX);
	CHECK_EQUAL(_kern_seek(fd, 1, SEEK_CUR), -EOVERFLOW);
	CHECK_EQUAL(_kern_seek(fd, INT64_MAX, SEEK_END), -EOVERFLOW);
	CHECK_EQUAL(_kern_seek(fd, 0x123456789ll, SEEK_SET), 0x123456789ll);
	CHECK_EQUAL(_kern_seek(99, 0, SEEK_SET), -EBADF);
	CHECK_EQUAL(_kern_seek(-1, 0, SEEK_SET), -EBADF);
	CHECK_EQUAL(_kern_pipe(ends, 0), 0);
	CHECK_EQUAL(_kern_seek(ends[0], 0, SEEK_CUR), -ESPIPE);
	CHECK_EQUAL(_kern_seek(1, 0, SEEK_CUR), -ESPIPE);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_truncate(void)
{
	uint8_t bytes[64];
	struct stat info;
	int fd;

	check_make("file", 3 * PAGE + 100, 7);
	CHECK_EQUAL(_kern_truncate("file", 2 * PAGE + 50), 0);
	check_content("file", 2 * PAGE + 50, 7);
	CHECK_EQUAL(_kern_truncate("file", 2 * PAGE + 80), 0);
	fd = check_open("file", O_RDWR);
	CHECK_EQUAL(_kern_read(fd, 2 * PAGE + 50, bytes, 64), 30);
	for (int i = 0; i < 30; i++)
		CHECK_EQUAL(bytes[i], 0); /* not what was there */
	CHECK_EQUAL(_kern_ftruncate(fd, 0), 0);
	CHECK_EQUAL(_kern_fstat(fd, &info), 0);
	CHECK_EQUAL(info.size, 0);
	CHECK_EQUAL(info.blocks, 0);
	CHECK_EQUAL(_kern_ftruncate(fd, 1ll << 40), 0);
	CHECK_EQUAL(_kern_ftruncate(fd, -1), -EINVAL);
	CHECK_EQUAL(_kern_ftruncate(fd, 1ll << 60), -EFBIG);
	CHECK_EQUAL(_kern_ftruncate(99, 0), -EBADF);
	CHECK_EQUAL(_kern_close(fd), 0);
	fd = check_open("file", O_RDONLY);
	CHECK_EQUAL(_kern_ftruncate(fd, 0), -EINVAL);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_truncate("file", -1), -EINVAL);
	CHECK_EQUAL(_kern_truncate("none", 0), -ENOENT);
	CHECK_EQUAL(_kern_truncate("file/x", 0), -ENOTDIR);
	CHECK_EQUAL(_kern_truncate(".", 0), -EISDIR);
	CHECK_EQUAL(_kern_truncate("/dev/null", 0), -EINVAL);
	CHECK_EQUAL(_kern_unlink("file"), 0);
	/* What came from the boot archive is cut and written to like any other. */
	CHECK_EQUAL(_kern_stat("/bin/hello", &info), 0);
	CHECK(info.size > 600);
	fd = check_open("/bin/hello", O_RDWR);
	CHECK_EQUAL(_kern_read(fd, 0, bytes, 4), 4);
	CHECK(memcmp(bytes, "\177ELF", 4) == 0);
	CHECK_EQUAL(_kern_close(fd), 0);
}

void test_vectors(void)
{
	char a[3] = "ab", b[8] = "cdefg", buffer[16];
	struct iovec parts[IOV_MAX + 1];
	int fd = check_open("file", O_RDWR | O_CREAT);

	parts[0] = (struct iovec){a, 2};
	parts[1] = (struct iovec){BAD, 0};
	parts[2] = (struct iovec){b, 5};
	CHECK_EQUAL(_kern_writev(fd, -1, parts, 3), 7);
	CHECK_EQUAL(_kern_read(fd, 0, buffer, 16), 7);
	CHECK(memcmp(buffer, "abcdefg", 7) == 0);
	memset(a, 0, sizeof a);
	memset(b, 0, sizeof b);
	CHECK_EQUAL(_kern_readv(fd, 1, parts, 3), 6);
	CHECK(memcmp(a, "bc", 2) == 0 && memcmp(b, "defg", 4) == 0);
	CHECK_EQUAL(_kern_readv(fd, 0, parts, 0), 0);
	CHECK_EQUAL(_kern_writev(fd, 0, parts, 0), 0);
	for (size_t i = 0; i < IOV_MAX + 1; i++)
		parts[i] = (struct iovec){b, 1};
	CHECK_EQUAL(_kern_writev(fd, 0, parts, IOV_MAX), IOV_MAX);
	CHECK_EQUAL(_kern_writev(fd, 0, parts, IOV_MAX + 1), -EINVAL);
	CHECK_EQUAL(_kern_readv(fd, 0, parts, IOV_MAX + 1), -EINVAL);
	parts[0].iov_len = 0x7fffffff;
	parts[0].iov_base = (void *)PAGE;
	CHECK_EQUAL(_kern_readv(fd, 0, parts, 2), -EINVAL);
	parts[0].iov_base = (void *)0xbfffffff;
	CHECK_EQUAL(_kern_readv(fd, 0, parts, 2), -EFAULT);
	CHECK_EQUAL(_kern_readv(fd, 0, BAD, 2), -EFAULT);
	CHECK_EQUAL(_kern_readv(99, 0, parts, 1), -EBADF);
	CHECK_EQUAL(_kern_writev(99, 0, parts, 1), -EBADF);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_read_errors(void)
{
	char byte;
	int fd = check_open("file", O_WRONLY | O_CREAT);

	CHECK_EQUAL(_kern_read(fd, -1, &byte, 1), -EBADF);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_read(fd, -1, &byte, 1), -EBADF);
	CHECK_EQUAL(_kern_read(-1, -1, &byte, 1), -EBADF);
	CHECK_EQUAL(_kern_read(OPEN_MAX, -1, &byte, 1), -EBADF);
	CHECK_EQUAL(_kern_read(INT32_MIN, -1, &byte, 1), -EBADF);
	fd = check_open(".", O_RDONLY);
	CHECK_EQUAL(_kern_read(fd, -1, &byte, 1), -EISDIR);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_write_errors(void)
{
	int fd = check_open("file", O_RDONLY | O_CREAT);

	CHECK_EQUAL(_kern_write(fd, -1, "x", 1), -EBADF);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_write(fd, -1, "x", 1), -EBADF);
	CHECK_EQUAL(_kern_write(OPEN_MAX, -1, "x", 1), -EBADF);
	fd = check_open(".", O_RDONLY);
	CHECK_EQUAL(_kern_write(fd, -1, "x", 1), -EBADF);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_bad_buffers(void)
{
	uint8_t *pages = check_map(3 * PAGE, false);
	uint8_t *last = pages + PAGE;
	uint8_t back[64];
	int fd = check_open("file", O_RDWR | O_CREAT);
	ssize_t count;

	/* Two pages that are there, and then none. */
	CHECK_EQUAL(_kern_unmap((uint32_t)(uintptr_t)(pages + 2 * PAGE), PAGE), 0);
	fill_pattern(pages, 2 * PAGE, 3, 0);
	CHECK_EQUAL(_kern_write(fd, 0, BAD, 1), -EFAULT);
	CHECK_EQUAL(_kern_write(fd, 0, NULL, 1), -EFAULT);
	CHECK_EQUAL(_kern_write(fd, 0, (void *)0xbffffffc, 5), -EFAULT);
	CHECK_EQUAL(_kern_write(fd, 0, (void *)KERNEL_BASE, 1), -EFAULT);
	CHECK_EQUAL(_kern_write(fd, 0, (void *)0xfffffff0, 0x20), -EFAULT);
	CHECK_EQUAL(_kern_seek(fd, 0, SEEK_END), 0);
	/* More than there is: what is returned is there, and nothing else. */
	count = _kern_write(fd, 0, pages, 3 * PAGE);
	CHECK(count > 0 && count <= (ssize_t)(2 * PAGE));
	CHECK_EQUAL(_kern_seek(fd, 0, SEEK_END), count);
	check_content("file", (size_t)count, 3);
	CHECK_EQUAL(_kern_ftruncate(fd, 0), 0);
	CHECK_EQUAL(_kern_write(fd, 0, pages, 2 * PAGE), 2 * PAGE);
	CHECK_EQUAL(_kern_read(fd, 0, BAD, 1), -EFAULT);
	CHECK_EQUAL(_kern_read(fd, 0, (void *)KERNEL_BASE, 1), -EFAULT);
	memset(pages, 0, 2 * PAGE);
	count = _kern_read(fd, 0, last, 2 * PAGE);
	CHECK(count == -EFAULT || (count > 0 && count <= (ssize_t)PAGE));
	if (count > 0)
		CHECK(is_pattern(last, (size_t)count, 3, 0));
	CHECK_EQUAL(_kern_read(fd, 0, last + PAGE - 64, 64), 64);
	CHECK(is_pattern(last + PAGE - 64, 64, 3, 0));
	CHECK_EQUAL(_kern_read(fd, 64, last + PAGE, 0), 0);
	/* A page that is not written whole keeps what it had. */
	CHECK_EQUAL(_kern_write(fd, PAGE - 64, last + PAGE - 64, 64), 64);
	CHECK_EQUAL(_kern_write(fd, 8, BAD, 100), -EFAULT);
	CHECK_EQUAL(_kern_read(fd, 8, back, 64), 64);
	CHECK(is_pattern(back, 64, 3, 8));
	/* A huge size is cut to what a result can say, then to the file. */
	CHECK_EQUAL(_kern_ftruncate(fd, 10), 0);
	CHECK_EQUAL(_kern_read(fd, 0, pages, KERNEL_BASE - (uint32_t)(uintptr_t)pages), 10);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

/* What a write has not written is not in the file, once that grows over it either. */
void test_cut_short(void)
{
	static const off_t kPlaces[] = {0, 10, PAGE - 100, PAGE, 3 * PAGE + 10, 100 * PAGE};
	uint8_t *pages = check_map(2 * PAGE, false);
	static uint8_t back[3 * PAGE];

	CHECK_EQUAL(_kern_unmap((uint32_t)(uintptr_t)(pages + PAGE), PAGE), 0);
	memset(pages, 0xee, PAGE);
	for (size_t i = 0; i < sizeof kPlaces / sizeof kPlaces[0]; i++) {
		off_t size = kPlaces[i] < PAGE ? kPlaces[i] : 10;
		int fd = check_open("file", O_RDWR | O_CREAT | O_TRUNC);
		struct stat info;
		ssize_t count;

		CHECK_EQUAL(_kern_ftruncate(fd, size), 0);
		/* 300 bytes are there, of 600. */
		count = _kern_write(fd, kPlaces[i], pages + PAGE - 300, 600);
		if (count == -EFAULT)
			count = 0;
		CHECK(count >= 0 && count <= 300);
		CHECK_EQUAL(_kern_fstat(fd, &info), 0);
		CHECK_EQUAL(info.size, count > 0 ? kPlaces[i] + count : size);
		CHECK_EQUAL(_kern_ftruncate(fd, kPlaces[i] + 2 * PAGE), 0);
		CHECK_EQUAL(
			_kern_read(fd, kPlaces[i] + count, back, sizeof back), 2 * PAGE - count);
		for (ssize_t at = 0; at < (ssize_t)(2 * PAGE) - count; at++)
			CHECK_EQUAL(back[at], 0);
		CHECK_EQUAL(_kern_close(fd), 0);
	}
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

/* The same of parts, of which the second is not there: what counts as written is. */
void test_vectors_cut_short(void)
{
	static const size_t kSizes[] = {100, 2000, 3000, PAGE, 5000, 3 * PAGE - 10};
	uint8_t *bytes = check_map(3 * PAGE, false);
	static uint8_t back[3 * PAGE];
	int fds[2];

	for (size_t i = 0; i < sizeof kSizes / sizeof kSizes[0]; i++) {
		struct iovec parts[2] = {{bytes, kSizes[i]}, {BAD, 3 * PAGE - kSizes[i]}};
		int fd = check_open("file", O_RDWR | O_CREAT | O_TRUNC);
		ssize_t count;

		fill_pattern(bytes, kSizes[i], 5, 0);
		for (int turn = 0; turn < 2; turn++) { /* new pages, and others */
			count = _kern_writev(fd, 0, parts, 2);
			if (count == -EFAULT)
				count = 0;
			CHECK(count >= 0 && count <= (ssize_t)kSizes[i]);
			CHECK_EQUAL(
				_kern_seek(fd, 0, SEEK_END), turn == 0 ? count : (ssize_t)PAGE * 3);
			CHECK_EQUAL(_kern_read(fd, 0, back, (size_t)count), count);
			CHECK(is_pattern(back, (size_t)count, 5, 0));
			memset(back, 0xee, sizeof back);
			CHECK_EQUAL(_kern_write(fd, 0, back, sizeof back), sizeof back);
		}
		CHECK_EQUAL(_kern_close(fd), 0);
		CHECK_EQUAL(_kern_pipe(fds, O_NONBLOCK), 0);
		count = _kern_writev(fds[1], -1, parts, 2);
		if (count == -EFAULT)
			count = 0;
		CHECK(count >= 0 && count <= (ssize_t)kSizes[i]);
		CHECK_EQUAL(
			_kern_read(fds[0], -1, back, sizeof back), count > 0 ? count : -EAGAIN);
		CHECK(is_pattern(back, (size_t)count, 5, 0));
		CHECK_EQUAL(_kern_close(fds[0]), 0);
		CHECK_EQUAL(_kern_close(fds[1]), 0);
	}
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_disk_full(void)
{
	uint32_t size = 4 * MIB;
	uint8_t *bytes = check_map(size, false);
	int fd = check_open("file", O_RDWR | O_CREAT);
	uint64_t done = 0;
	ssize_t count;

	fill_pattern(bytes, PAGE, 9, 0);
	for (uint32_t at = PAGE; at < size; at += PAGE)
		memcpy(bytes + at, bytes, PAGE);
	do {
		count = _kern_write(fd, -1, bytes, size);
		if (count > 0)
			done += (uint64_t)count;
	} while (count == (ssize_t)size);
	/* What fitted counts; then there is no room, and the machine lives. */
	if (count > 0)
		count = _kern_write(fd, -1, bytes, size);
	CHECK_EQUAL(count, -ENOSPC);
	CHECK_EQUAL(_kern_seek(fd, 0, SEEK_END), done);
	CHECK_EQUAL(_kern_mkdir("directory", 0777), -ENOSPC);
	CHECK_EQUAL(_kern_open("other", O_WRONLY | O_CREAT, 0666), -ENOSPC);
	CHECK_EQUAL(_kern_symlink("x", "other"), -ENOSPC);
	CHECK_EQUAL(_kern_read(fd, (off_t)(done - PAGE), bytes, PAGE), PAGE);
	CHECK(is_pattern(bytes, PAGE, 9, 0));
	check_exit(check_fork() ?: (end(0), 0), 0);
	CHECK_EQUAL(_kern_ftruncate(fd, 0), 0);
	CHECK_EQUAL(_kern_write(fd, 0, bytes, size), size);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

/* A gigabyte of numbers takes long; who asked for it can be ended before. */
void test_long_reads_end(void)
{
	static const char *const kPaths[] = {"/dev/random", "/dev/zero"};
	uint8_t *buffer = check_map(MIB, false);
	static struct iovec parts[IOV_MAX];

	for (size_t i = 0; i < IOV_MAX; i++)
		parts[i] = (struct iovec){buffer, MIB};
	for (size_t i = 0; i < 2; i++) {
		int status;
		pid_t pid = check_fork();

		if (pid == 0) {
			int fd = check_open(kPaths[i], O_RDONLY);

			for (;;)
				_kern_readv(fd, -1, parts, IOV_MAX);
		}
		sleep_us(50000);
		time_us_t start = _kern_system_time();
		CHECK_EQUAL(_kern_kill(pid, SIGKILL), 0);
		CHECK_EQUAL(_kern_wait(pid, &status, 0), pid);
		CHECK(_kern_system_time() - start < SECOND / 2);
	}
}

void test_devices(void)
{
	static const char *const kNames[] = {"null", "zero", "full", "random", "console"};
	uint8_t bytes[600], more[600];
	struct stat info;
	int fd;

	for (size_t i = 0; i < sizeof kNames / sizeof kNames[0]; i++) {
		char path[20];

		format_string(path, sizeof path, "/dev/%s", kNames[i]);
		CHECK_EQUAL(_kern_stat(path, &info), 0);
		CHECK(S_ISCHR(info.mode) && info.is_device != 0);
	}
	fd = check_open("/dev/null", O_RDWR);
	CHECK_EQUAL(_kern_read(fd, -1, bytes, 600), 0);
	CHECK_EQUAL(_kern_write(fd, -1, bytes, 600), 600);
	CHECK_EQUAL(_kern_write(fd, -1, bytes, 0), 0);
	CHECK_EQUAL(_kern_close(fd), 0);
	fd = check_open("/dev/zero", O_RDWR);
	memset(bytes, 1, sizeof bytes);
	CHECK_EQUAL(_kern_read(fd, -1, bytes, 599), 599);
	for (int i = 0; i < 599; i++)
		CHECK_EQUAL(bytes[i], 0);
	CHECK_EQUAL(bytes[599], 1);
	CHECK_EQUAL(_kern_write(fd, -1, bytes, 600), 600);
	CHECK_EQUAL(_kern_close(fd), 0);
	fd = check_open("/dev/full", O_RDWR);
	CHECK_EQUAL(_kern_read(fd, -1, bytes, 600), 600);
	CHECK_EQUAL(_kern_write(fd, -1, bytes, 1), -ENOSPC);
	CHECK_EQUAL(_kern_write(fd, -1, bytes, 0), 0);
	CHECK_EQUAL(_kern_close(fd), 0);
	fd = check_open("/dev/random", O_RDONLY);
	CHECK_EQUAL(_kern_read(fd, -1, bytes, 600), 600);
	CHECK_EQUAL(_kern_read(fd, -1, more, 600), 600);
	CHECK(memcmp(bytes, more, 600) != 0);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_open("/dev/null/x", O_RDONLY, 0), -ENOTDIR);
	CHECK_EQUAL(_kern_open("/dev/null", O_RDONLY | O_DIRECTORY, 0), -ENOTDIR);
	fd = check_open("/dev/null", O_WRONLY | O_CREAT | O_TRUNC);
	CHECK_EQUAL(_kern_close(fd), 0);
}
