/* Descriptors: their numbers, limits, and who shares what. */
#include "filetests.h"

void test_close_and_dup(void)
{
	CHECK_EQUAL(_kern_close(3), -EBADF);
	CHECK_EQUAL(_kern_close(-1), -EBADF);
	CHECK_EQUAL(_kern_close(OPEN_MAX), -EBADF);
	CHECK_EQUAL(_kern_close(INT32_MIN), -EBADF);
	CHECK_EQUAL(_kern_dup(1), 3);
	CHECK_EQUAL(_kern_dup(99), -EBADF);
	CHECK_EQUAL(_kern_dup(-1), -EBADF);
	CHECK_EQUAL(_kern_dup2(1, 10), 10);
	CHECK_EQUAL(_kern_dup2(1, 10), 10);
	CHECK_EQUAL(_kern_dup2(10, 10), 10);
	CHECK_EQUAL(_kern_dup2(99, 10), -EBADF);
	CHECK_EQUAL(_kern_dup2(99, 99), -EBADF);
	CHECK_EQUAL(_kern_dup2(1, -1), -EBADF);
	CHECK_EQUAL(_kern_dup2(1, OPEN_MAX), -EBADF);
	CHECK_EQUAL(_kern_dup2(1, OPEN_MAX - 1), OPEN_MAX - 1);
	CHECK_EQUAL(_kern_close(OPEN_MAX - 1), 0);
	CHECK_EQUAL(_kern_close(10), 0);
	CHECK_EQUAL(_kern_close(3), 0);
	CHECK_EQUAL(_kern_close(3), -EBADF);
}

void test_dup_shares(void)
{
	char buffer[4];
	int fd = check_open("file", O_RDWR | O_CREAT);
	int copy = _kern_dup(fd);
	int other = check_open("file", O_RDWR);

	CHECK_EQUAL(_kern_write(fd, -1, "abcdef", 6), 6);
	CHECK_EQUAL(_kern_seek(copy, 0, SEEK_CUR), 6);
	CHECK_EQUAL(_kern_seek(other, 0, SEEK_CUR), 0);
	CHECK_EQUAL(_kern_seek(copy, 2, SEEK_SET), 2);
	CHECK_EQUAL(_kern_close(copy), 0);
	CHECK_EQUAL(_kern_read(fd, -1, buffer, 4), 4);
	CHECK(memcmp(buffer, "cdef", 4) == 0);
	CHECK_EQUAL(_kern_fcntl(fd, F_SETFL, O_APPEND), 0);
	CHECK_EQUAL(_kern_fcntl(fd, F_GETFL, 0), O_RDWR | O_APPEND);
	CHECK_EQUAL(_kern_fcntl(other, F_GETFL, 0), O_RDWR);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_fcntl_commands(void)
{
	int fd = check_open("file", O_WRONLY | O_CREAT | O_CLOEXEC);

	CHECK_EQUAL(_kern_fcntl(fd, F_GETFD, 0), FD_CLOEXEC);
	CHECK_EQUAL(_kern_fcntl(fd, F_SETFD, 0), 0);
	CHECK_EQUAL(_kern_fcntl(fd, F_GETFD, 0), 0);
	CHECK_EQUAL(_kern_fcntl(fd, F_SETFD, FD_CLOEXEC), 0);
	CHECK_EQUAL(_kern_fcntl(fd, F_DUPFD, 20), 20);
	CHECK_EQUAL(_kern_fcntl(fd, F_DUPFD, 20), 21);
	CHECK_EQUAL(_kern_fcntl(20, F_GETFD, 0), 0);
	CHECK_EQUAL(_kern_fcntl(fd, F_DUPFD_CLOEXEC, 0), 4);
	CHECK_EQUAL(_kern_fcntl(4, F_GETFD, 0), FD_CLOEXEC);
	CHECK_EQUAL(_kern_dup(4), 5);
	CHECK_EQUAL(_kern_fcntl(5, F_GETFD, 0), 0);
	CHECK_EQUAL(_kern_fcntl(fd, F_DUPFD, -1), -EINVAL);
	CHECK_EQUAL(_kern_fcntl(fd, F_DUPFD, OPEN_MAX), -EINVAL);
	CHECK_EQUAL(_kern_fcntl(fd, F_GETFL, 0), O_WRONLY);
	/* Only two of them can be changed. */
	CHECK_EQUAL(_kern_fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK | O_CREAT), 0);
	CHECK_EQUAL(_kern_fcntl(fd, F_GETFL, 0), O_WRONLY | O_NONBLOCK);
	CHECK_EQUAL(_kern_fcntl(fd, 77, 0), -EINVAL);
	CHECK_EQUAL(_kern_fcntl(99, F_GETFD, 0), -EBADF);
	CHECK_EQUAL(_kern_fcntl(-1, F_SETFD, 0), -EBADF);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_ioctl_errors(void)
{
	int fd = check_open("file", O_RDWR | O_CREAT);

	CHECK_EQUAL(_kern_ioctl(fd, 0x5401, 0), -ENOTTY);
	CHECK_EQUAL(_kern_ioctl(99, 0x5401, 0), -EBADF);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_limits(void)
{
	int ends[2];
	int fd;

	check_make("file", 1, 1);
	for (fd = 3; fd < OPEN_MAX; fd++)
		CHECK_EQUAL(_kern_open("file", O_RDONLY, 0), fd);
	CHECK_EQUAL(_kern_open("file", O_RDONLY, 0), -EMFILE);
	CHECK_EQUAL(_kern_open("new", O_RDWR | O_CREAT, 0666), -EMFILE);
	CHECK_EQUAL(_kern_access("new", F_OK), -ENOENT);
	CHECK_EQUAL(_kern_dup(0), -EMFILE);
	CHECK_EQUAL(_kern_fcntl(0, F_DUPFD, 3), -EMFILE);
	CHECK_EQUAL(_kern_pipe(ends, 0), -EMFILE);
	CHECK_EQUAL(_kern_close(100), 0);
	CHECK_EQUAL(_kern_pipe(ends, 0), -EMFILE); /* it needs two */
	CHECK_EQUAL(_kern_open("file", O_RDONLY, 0), 100);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

/* ENFILE, from as many processes as it takes; then all goes well again. */
void test_system_limit(void)
{
	uint32_t *ready = check_map(PAGE, true);
	int ends[2];
	pid_t pids[20];
	unsigned count = 0;

	check_make("file", 1, 1);
	CHECK_EQUAL(_kern_pipe(ends, 0), 0);
	for (count = 0; count < 20 && ready[1] == 0; count++) {
		pids[count] = check_fork();
		if (pids[count] == 0) {
			char byte;
			int fd;

			CHECK_EQUAL(_kern_close(ends[1]), 0);
			while ((fd = _kern_open("file", O_RDONLY, 0)) >= 0) {
			}
			CHECK(fd == -EMFILE || fd == -ENFILE);
			if (fd == -ENFILE)
				ready[1] = 1;
			__atomic_add_fetch(&ready[0], 1, __ATOMIC_SEQ_CST);
			CHECK_EQUAL(_kern_read(ends[0], -1, &byte, 1), 0);
			end(0);
		}
		while (__atomic_load_n(&ready[0], __ATOMIC_SEQ_CST) <= count)
			sleep_us(1000);
	}
	CHECK_EQUAL(ready[1], 1);
	CHECK_EQUAL(_kern_open("file", O_RDONLY, 0), -ENFILE);
	CHECK_EQUAL(_kern_dup(0), 5); /* no new open file */
	CHECK_EQUAL(_kern_close(ends[1]), 0);
	while (count-- > 0)
		check_exit(pids[count], 0);
	CHECK(check_open("file", O_RDONLY) >= 0);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_close_on_exec(void)
{
	static const char *const kArguments[] = {"/bin/filetests", "--open", NULL};
	int status;
	pid_t pid;

	check_open("/dev/null", O_RDONLY);
	check_open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK_EQUAL(_kern_fcntl(0, F_DUPFD_CLOEXEC, 200), 200);
	CHECK_EQUAL(_kern_dup2(4, 255), 255); /* which does not take it over */
	pid = check_fork();
	if (pid == 0)
		end(100 - _kern_exec(kArguments[0], kArguments, NULL));
	CHECK_EQUAL(_kern_wait(pid, &status, 0), pid);
	CHECK_EQUAL(status, WAIT_EXIT_STATUS(5 << 8) << 8);
	CHECK_EQUAL(_kern_fcntl(4, F_GETFD, 0), FD_CLOEXEC);
}

void test_fork_shares(void)
{
	int fd = check_open("file", O_RDWR | O_CREAT);
	pid_t pid = check_fork();

	if (pid == 0) {
		CHECK_EQUAL(_kern_write(fd, -1, "child", 5), 5);
		CHECK_EQUAL(_kern_close(fd), 0);
		CHECK_EQUAL(_kern_close(0), 0);
		end(0);
	}
	check_exit(pid, 0);
	CHECK_EQUAL(_kern_seek(fd, 0, SEEK_CUR), 5);
	CHECK_EQUAL(_kern_fcntl(0, F_GETFD, 0), 0);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

static int sEnds[2];

static void read_one(void *argument)
{
	char byte;

	(void)argument;
	_kern_exit_thread((int)_kern_read(sEnds[0], -1, &byte, 1));
}

void test_close_while_reading(void)
{
	tid_t thread;
	int value;

	CHECK_EQUAL(_kern_pipe(sEnds, 0), 0);
	thread = spawn(read_one, NULL);
	let_others_wait();
	/* The reader has the file as long as it reads. */
	CHECK_EQUAL(_kern_close(sEnds[0]), 0);
	CHECK_EQUAL(_kern_read(sEnds[0], -1, &value, 1), -EBADF);
	CHECK_EQUAL(_kern_write(sEnds[1], -1, "x", 1), 1);
	CHECK_EQUAL(_kern_join_thread(thread, &value), 0);
	CHECK_EQUAL(value, 1);
}

/* Numbers come and go between threads; none gets another's file in the middle. */
static void open_and_close(void *argument)
{
	uint32_t seed = (uint32_t)(uintptr_t)argument;
	char buffer[4];

	for (unsigned i = 0; i < 300; i++) {
		int fd = check_open("file", O_RDONLY);
		ssize_t count = _kern_read(fd, seed, buffer, 1);

		CHECK_EQUAL(count, 1);
		CHECK_EQUAL(_kern_close(fd), 0);
		if (i % 5 == seed)
			_kern_yield();
	}
	_kern_exit_thread(0);
}

void test_threads_open_and_close(void)
{
	tid_t threads[4];
	int value;

	check_make("file", 100, 1);
	for (unsigned i = 0; i < 4; i++)
		threads[i] = spawn(open_and_close, (void *)(uintptr_t)i);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQUAL(_kern_join_thread(threads[i], &value), 0);
	CHECK_EQUAL(check_open("file", O_RDONLY), 3);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_sync_calls(void)
{
	int fd = check_open("file", O_RDWR | O_CREAT);
	int ends[2];

	CHECK_EQUAL(_kern_write(fd, -1, "x", 1), 1);
	CHECK_EQUAL(_kern_fsync(fd), 0);
	CHECK_EQUAL(_kern_fsync(99), -EBADF);
	CHECK_EQUAL(_kern_pipe(ends, 0), 0);
	CHECK_EQUAL(_kern_fsync(ends[0]), -EINVAL);
	CHECK_EQUAL(_kern_sync(), 0);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}
