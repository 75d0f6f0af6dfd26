/*
 * Writes files below /home for tests/boot/test_disk.py, which may end the machine
 * at any moment, and says on the console what is certain to be on the disk.
 *
 *   diskload load FIRST      files from number FIRST on, without end
 *   diskload some FIRST N    N of them
 *   diskload check FIRST N   reads these again
 *   diskload idle FIRST N    N of them without fsync() or sync(), and then waits for ever
 *   diskload churn           changes, pauses and unmounts, under the eyes of what
 *                            writes back
 *   diskload fill            until the disk is full, and again after removing that
 *   diskload speed MIB       how fast a file of that size is written and read
 *
 * Lines: `kept NAME NUMBER SIZE` once fsync() or sync() has come back: the file is
 * there, with the bytes of that number; `may NAME` before something is done to it:
 * nothing is certain any more.
 */
#include <postern/errno.h>
#include <postern/print.h>
#include <postern/syscalls.h>
#include <postern/termios.h>

#define FOLDER "/home/load"
#define BUFFER_SIZE 65536u
#define SIZE_MAX_FILE 60000u

static uint8_t sBuffer[BUFFER_SIZE];

static unsigned parse(const char *text)
{
	unsigned value = 0;

	while (*text >= '0' && *text <= '9')
		value = value * 10 + (unsigned)(*text++ - '0');
	return value;
}

static int same(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b)
		a++, b++;
	return *a == *b;
}

/* FOLDER/xNNNNN, where x is `kind`. */
static void make_path(char *path, char kind, unsigned number)
{
	const char *folder = FOLDER "/";
	unsigned digit = 10000;

	while (*folder != '\0')
		*path++ = *folder++;
	*path++ = kind;
	for (; digit > 0; digit /= 10)
		*path++ = (char)('0' + number / digit % 10);
	*path = '\0';
}

static const char *name_of(const char *path)
{
	return path + sizeof FOLDER;
}

static unsigned size_of(unsigned number)
{
	return number * 7919u % SIZE_MAX_FILE;
}

static void fill_buffer(unsigned number, unsigned size)
{
	unsigned i;

	for (i = 0; i < size; i++)
		sBuffer[i] = (uint8_t)(number * 31 + i * 7 + (i >> 8));
}

static int fail(const char *what, const char *path, int error)
{
	print("failed %s %s %d\n", what, path, error);
	return 1;
}

static int write_file(const char *path, unsigned number, unsigned size, int do_sync)
{
	int fd = _kern_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	unsigned done = 0;
	int error = 0;

	if (fd < 0)
		return fd;
	fill_buffer(number, size);
	while (done < size && error == 0) {
		ssize_t count = _kern_write(fd, -1, sBuffer + done, size - done);

		if (count < 0)
			error = (int)count;
		else
			done += (unsigned)count;
	}
	if (error == 0 && do_sync)
		error = number % 2 == 0 ? _kern_fsync(fd) : _kern_sync();
	_kern_close(fd);
	return error;
}

static int check_file(const char *path, unsigned number, unsigned size)
{
	int fd = _kern_open(path, O_RDONLY, 0);
	unsigned done = 0;
	unsigned i;

	if (fd < 0)
		return fail("open", path, fd);
	while (done < BUFFER_SIZE) {
		ssize_t count = _kern_read(fd, -1, sBuffer + done, BUFFER_SIZE - done);

		if (count < 0)
			return fail("read", path, (int)count);
		if (count == 0)
			break;
		done += (unsigned)count;
	}
	_kern_close(fd);
	if (done != size)
		return fail("size", path, (int)done);
	for (i = 0; i < size; i++) {
		if (sBuffer[i] != (uint8_t)(number * 31 + i * 7 + (i >> 8)))
			return fail("byte", path, (int)i);
	}
	return 0;
}

/* Before it is done, and the machine may end at any time: so not before it is out. */
static void say_may(const char *path)
{
	print("may %s\n", name_of(path));
	_kern_ioctl(1, TCSBRK, 1);
}

/* One file, and sometimes something with an older one. */
static int one(unsigned first, unsigned number)
{
	char path[40];
	char other[40];
	int error;

	make_path(path, 'f', number);
	make_path(other, 't', number);
	/* Every third by another name, as editors do it. */
	error = write_file(number % 3 == 0 ? other : path, number, size_of(number), 1);
	if (error == 0 && number % 3 == 0) {
		int fd;

		error = _kern_rename(other, path);
		fd = _kern_open(path, O_RDONLY, 0);
		if (error == 0)
			error = fd < 0 ? fd : _kern_fsync(fd);
		if (fd >= 0)
			_kern_close(fd);
	}
	if (error != 0)
		return fail("write", path, error);
	print("kept %s %u %u\n", name_of(path), number, size_of(number));
	if (number % 4 == 0 && number >= first + 8) {
		make_path(other, 'f', number - 7);
		say_may(other);
		_kern_unlink(other);
	}
	if (number % 5 == 0 && number >= first + 20) {
		make_path(other, 'f', number - 13);
		say_may(other);
		error = write_file(other, number, size_of(number) / 2, 1);
		if (error != 0)
			return fail("write", other, error);
		print("kept %s %u %u\n", name_of(other), number, size_of(number) / 2);
	}
	if (number % 6 == 0) {
		make_path(other, 'd', number % 97);
		_kern_mkdir(other, 0755);
		make_path(path, 'd', number % 89);
		_kern_rename(path, other);
	}
	if (number >= first + 60) {
		make_path(other, 'f', number - 60);
		say_may(other);
		_kern_unlink(other);
	}
	return 0;
}

static int load(unsigned first, unsigned count)
{
	unsigned i;
	int error = _kern_mkdir(FOLDER, 0755);

	if (error != 0 && error != -EEXIST)
		return fail("mkdir", FOLDER, error);
	for (i = 0; i < count; i++) {
		if (one(first, first + i) != 0)
			return 1;
	}
	print("done\n");
	return 0;
}

/* What load() of few leaves untouched. */
static int check(unsigned first, unsigned count)
{
	char path[40];
	unsigned i;

	for (i = 0; i < count && i < 8; i++) {
		unsigned number = first + count - 1 - i;

		if (number % 4 == 1)
			continue; /* may have been removed */
		make_path(path, 'f', number);
		if (check_file(path, number, size_of(number)) != 0)
			return 1;
	}
	print("checked\n");
	return 0;
}

/* The names first: each is only worth something once it was written back. */
static int idle(unsigned first, unsigned count)
{
	char path[40];
	unsigned i;
	int error = _kern_mkdir(FOLDER, 0755);

	for (i = 0; i < count && error == 0; i++) {
		make_path(path, 'f', first + i);
		error = write_file(path, first + i, size_of(first + i), 0);
		print("kept %s %u %u\n", name_of(path), first + i, size_of(first + i));
	}
	if (error != 0)
		return fail("write", FOLDER, error);
	print("done\n");
	for (;;)
		_kern_snooze(1000000000, 0);
}

/*
 * For some ten turns of the kernel's own writing: changes come at all distances to it,
 * and every fifth time the disk is unmounted and mounted again.
 */
static int churn(void)
{
	char path[40];
	unsigned round;
	int error = _kern_mkdir(FOLDER, 0755);

	for (round = 0; round < 50 && error == 0; round++) {
		make_path(path, 'f', round);
		error = write_file(path, round, size_of(round), 0);
		if (error == 0 && round % 5 == 4) {
			_kern_snooze(round * 20000, 0);
			error = _kern_unmount("/home");
			if (error == 0)
				error = _kern_mount("/dev/virtio0", "/home", "ext2", 0, NULL);
		}
		_kern_snooze(round * 37 % 50 * 40000, 0);
	}
	if (error != 0)
		return fail("churn", path, error);
	for (round = 0; round < 50; round++) {
		make_path(path, 'f', round);
		if (check_file(path, round, size_of(round)) != 0)
			return 1;
	}
	print("done\n");
	return 0;
}

static int fill(void)
{
	const char *path = "/home/full";
	unsigned round;
	unsigned sizes[2] = {0, 0};

	for (round = 0; round < 2; round++) {
		int fd = _kern_open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
		ssize_t count;
		int error;

		if (fd < 0)
			return fail("open", path, fd);
		while ((count = _kern_write(fd, -1, sBuffer, BUFFER_SIZE)) > 0)
			sizes[round] += (unsigned)count;
		if (count != -ENOSPC)
			return fail("fill", path, (int)count);
		_kern_close(fd);
		error = _kern_unlink(path);
		if (error != 0)
			return fail("unlink", path, error);
	}
	print("filled %u %u\n", sizes[0], sizes[1]);
	return sizes[0] > 0 && sizes[1] >= sizes[0] ? 0 : 1;
}

static int speed(unsigned mebibytes)
{
	const char *path = "/home/speed";
	int fd = _kern_open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	unsigned blocks = mebibytes * (1048576u / BUFFER_SIZE);
	time_us_t start = _kern_system_time();
	time_us_t written;
	time_us_t rounds;
	unsigned i;

	if (fd < 0)
		return fail("open", path, fd);
	for (i = 0; i < blocks; i++) {
		ssize_t count = _kern_write(fd, -1, sBuffer, BUFFER_SIZE);

		if (count != (ssize_t)BUFFER_SIZE)
			return fail("write", path, (int)count);
	}
	_kern_fsync(fd);
	written = _kern_system_time() - start;
	start = _kern_system_time();
	for (i = 0; i < blocks; i++)
		_kern_read(fd, (off_t)i * BUFFER_SIZE, sBuffer, BUFFER_SIZE);
	rounds = _kern_system_time() - start;
	_kern_close(fd);
	print("write %u KiB/s, read %u KiB/s\n",
		(unsigned)((uint64_t)mebibytes * 1024 * 1000000 / (uint64_t)(written + 1)),
		(unsigned)((uint64_t)mebibytes * 1024 * 1000000 / (uint64_t)(rounds + 1)));
	start = _kern_system_time();
	for (i = 0; i < 200; i++) {
		int made = _kern_open("/home/made", O_WRONLY | O_CREAT | O_EXCL, 0644);

		if (made < 0)
			return fail("create", "/home/made", made);
		_kern_close(made);
		_kern_unlink("/home/made");
	}
	print("create and unlink %u us\n", (unsigned)((_kern_system_time() - start) / 200));
	return 0;
}

int main(int argc, char **argv)
{
	unsigned first = argc > 2 ? parse(argv[2]) : 0;
	unsigned count = argc > 3 ? parse(argv[3]) : 90000;

	if (argc < 2)
		return 2;
	if (same(argv[1], "load") || same(argv[1], "some"))
		return load(first, count);
	if (same(argv[1], "check"))
		return check(first, count);
	if (same(argv[1], "idle"))
		return idle(first, count);
	if (same(argv[1], "churn"))
		return churn();
	if (same(argv[1], "fill"))
		return fill();
	if (same(argv[1], "speed"))
		return speed(first);
	return 2;
}
