/* Pipes, and waiting for several of them. */
#include "filetests.h"

static int sEnds[2];

static void make_pipe(int flags)
{
	CHECK_EQUAL(_kern_pipe(sEnds, flags), 0);
}

/* Results that end where no memory is any more: nothing of them is written. */
void test_results_cut_short(void)
{
	uint8_t *page = check_map(2 * PAGE, false);
	int *last = (int *)(void *)(page + PAGE - 4);
	int fd = check_open("/bin", O_RDONLY | O_DIRECTORY);

	CHECK_EQUAL(_kern_unmap((uint32_t)(uintptr_t)(page + PAGE), PAGE), 0);
	CHECK_EQUAL(_kern_pipe(last, 0), -EFAULT);
	CHECK_EQUAL(_kern_getcwd((char *)page + PAGE - 1, 100), -EFAULT);
	CHECK_EQUAL(_kern_read_dir(fd, last, 280), -EFAULT);
	CHECK_EQUAL(_kern_process_status((void *)last, 1), -EFAULT);
	CHECK_EQUAL(*last, 0);
	CHECK_EQUAL(_kern_close(fd), 0);
	make_pipe(0);
	CHECK_EQUAL(sEnds[0], fd);
	CHECK_EQUAL(_kern_close(sEnds[0]), 0);
	CHECK_EQUAL(_kern_close(sEnds[1]), 0);
	CHECK_EQUAL(_kern_unmap((uint32_t)(uintptr_t)page, PAGE), 0);
}

void test_pipe_errors(void)
{
	char byte;

	CHECK_EQUAL(_kern_pipe(BAD, 0), -EFAULT);
	CHECK_EQUAL(_kern_pipe((int *)(KERNEL_BASE - 4), 0), -EFAULT);
	CHECK_EQUAL(_kern_pipe(sEnds, O_APPEND), -EINVAL);
	make_pipe(O_CLOEXEC);
	CHECK_EQUAL(sEnds[0], 3);
	CHECK_EQUAL(sEnds[1], 4);
	CHECK_EQUAL(_kern_fcntl(3, F_GETFD, 0), FD_CLOEXEC);
	CHECK_EQUAL(_kern_read(sEnds[1], -1, &byte, 1), -EBADF);
	CHECK_EQUAL(_kern_write(sEnds[0], -1, &byte, 1), -EBADF);
	CHECK_EQUAL(_kern_write(sEnds[1], -1, BAD, 1), -EFAULT);
	CHECK_EQUAL(_kern_write(sEnds[1], -1, "x", 1), 1);
	CHECK_EQUAL(_kern_read(sEnds[0], -1, BAD, 1), -EFAULT);
	CHECK_EQUAL(_kern_read(sEnds[0], -1, &byte, 1), 1); /* it was not lost */
	CHECK_EQUAL(byte, 'x');
	struct stat info;
	CHECK_EQUAL(_kern_fstat(sEnds[0], &info), 0);
	CHECK(S_ISFIFO(info.mode));
}

/* Every size, through a ring that is smaller, to a reader with pieces of its own. */
void test_pipe_carries(void)
{
	static const size_t kSizes[] = {
		1, 511, 512, 513, 4095, 4096, 4097, 65535, 65536, 65537, 200000, 1 << 20};
	static uint8_t bytes[1 << 20];

	for (size_t i = 0; i < sizeof kSizes / sizeof kSizes[0]; i++) {
		size_t done = 0;
		pid_t pid;

		make_pipe(0);
		pid = check_fork();
		if (pid == 0) {
			CHECK_EQUAL(_kern_close(sEnds[0]), 0);
			fill_pattern(bytes, kSizes[i], (uint32_t)i, 0);
			CHECK_EQUAL(_kern_write(sEnds[1], -1, bytes, kSizes[i]), kSizes[i]);
			end(0);
		}
		CHECK_EQUAL(_kern_close(sEnds[1]), 0);
		for (;;) {
			ssize_t count = _kern_read(sEnds[0], -1, bytes, 1000 + done % 9000);

			CHECK(count >= 0);
			if (count == 0)
				break;
			CHECK(is_pattern(bytes, (size_t)count, (uint32_t)i, done));
			done += (size_t)count;
		}
		CHECK_EQUAL(done, kSizes[i]);
		check_exit(pid, 0);
		CHECK_EQUAL(_kern_close(sEnds[0]), 0);
	}
}

void test_pipe_full_and_empty(void)
{
	static uint8_t bytes[PIPE_SIZE];
	time_us_t start;
	pid_t pid;

	make_pipe(0);
	CHECK_EQUAL(_kern_write(sEnds[1], -1, bytes, PIPE_SIZE), PIPE_SIZE);
	/* Full: a writer waits until somebody reads. */
	start = _kern_system_time();
	pid = check_fork();
	if (pid == 0) {
		sleep_us(50000);
		CHECK_EQUAL(_kern_read(sEnds[0], -1, bytes, PIPE_SIZE), PIPE_SIZE);
		end(0);
	}
	CHECK_EQUAL(_kern_write(sEnds[1], -1, "x", 1), 1);
	CHECK(_kern_system_time() - start >= 50000);
	check_exit(pid, 0);
	CHECK_EQUAL(_kern_read(sEnds[0], -1, bytes, PIPE_SIZE), 1);
	/* Empty: a reader waits until somebody writes. */
	start = _kern_system_time();
	pid = check_fork();
	if (pid == 0) {
		sleep_us(50000);
		CHECK_EQUAL(_kern_write(sEnds[1], -1, "y", 1), 1);
		end(0);
	}
	CHECK_EQUAL(_kern_read(sEnds[0], -1, bytes, 10), 1);
	CHECK(_kern_system_time() - start >= 50000);
	CHECK_EQUAL(bytes[0], 'y');
	check_exit(pid, 0);
	CHECK_EQUAL(_kern_read(sEnds[0], -1, bytes, 0), 0);
	CHECK_EQUAL(_kern_write(sEnds[1], -1, bytes, 0), 0);
}

void test_pipe_nonblocking(void)
{
	static uint8_t bytes[2 * PIPE_SIZE];

	make_pipe(O_NONBLOCK);
	CHECK_EQUAL(_kern_read(sEnds[0], -1, bytes, 1), -EAGAIN);
	/* As much as fits; and of at most PIPE_BUF bytes all or none. */
	CHECK_EQUAL(_kern_write(sEnds[1], -1, bytes, PIPE_SIZE - 4095), PIPE_SIZE - 4095);
	CHECK_EQUAL(_kern_write(sEnds[1], -1, bytes, PIPE_BUF), -EAGAIN);
	CHECK_EQUAL(_kern_write(sEnds[1], -1, bytes, PIPE_BUF + 1), 4095);
	CHECK_EQUAL(_kern_write(sEnds[1], -1, bytes, 1), -EAGAIN);
	CHECK_EQUAL(_kern_write(sEnds[1], -1, bytes, 2 * PIPE_SIZE), -EAGAIN);
	CHECK_EQUAL(_kern_read(sEnds[0], -1, bytes, 2 * PIPE_SIZE), PIPE_SIZE);
	CHECK_EQUAL(_kern_write(sEnds[1], -1, bytes, 2 * PIPE_SIZE), PIPE_SIZE);
	CHECK_EQUAL(_kern_fcntl(sEnds[0], F_SETFL, 0), 0);
	CHECK_EQUAL(_kern_read(sEnds[0], -1, bytes, 2 * PIPE_SIZE), PIPE_SIZE);
}

void test_pipe_end(void)
{
	char bytes[8];
	int copy;

	make_pipe(0);
	copy = _kern_dup(sEnds[1]);
	CHECK_EQUAL(_kern_write(sEnds[1], -1, "abc", 3), 3);
	CHECK_EQUAL(_kern_close(sEnds[1]), 0);
	CHECK_EQUAL(_kern_fcntl(sEnds[0], F_SETFL, O_NONBLOCK), 0);
	CHECK_EQUAL(_kern_read(sEnds[0], -1, bytes, 8), 3);
	CHECK_EQUAL(_kern_read(sEnds[0], -1, bytes, 8), -EAGAIN); /* the copy is open */
	CHECK_EQUAL(_kern_close(copy), 0);
	CHECK_EQUAL(_kern_read(sEnds[0], -1, bytes, 8), 0);
	CHECK_EQUAL(_kern_read(sEnds[0], -1, bytes, 8), 0);
}

/* What has reached the good part has been read, once. */
void test_pipe_bad_vector(void)
{
	char bytes[8];
	struct iovec parts[2] = {{bytes, 3}, {BAD, 3}};

	make_pipe(O_NONBLOCK);
	CHECK_EQUAL(_kern_write(sEnds[1], -1, "abcdef", 6), 6);
	CHECK_EQUAL(_kern_readv(sEnds[0], -1, parts, 2), 3);
	CHECK_EQUAL(memcmp(bytes, "abc", 3), 0);
	CHECK_EQUAL(_kern_read(sEnds[0], -1, bytes, sizeof bytes), 3);
	CHECK_EQUAL(memcmp(bytes, "def", 3), 0);
}

void test_pipe_broken(void)
{
	pid_t self = _kern_getpid();
	pid_t pid = check_fork();
	int status;

	/* It ends who does not care. */
	if (pid == 0) {
		make_pipe(0);
		_kern_close(sEnds[0]);
		_kern_write(sEnds[1], -1, "x", 1);
		end(0);
	}
	CHECK_EQUAL(_kern_wait(pid, &status, 0), pid);
	CHECK_EQUAL(WAIT_SIGNAL(status), SIGPIPE);
	make_pipe(0);
	count_signals(SIGPIPE, 0);
	CHECK_EQUAL(_kern_close(sEnds[0]), 0);
	CHECK_EQUAL(_kern_write(sEnds[1], -1, "x", 1), -EPIPE);
	CHECK_EQUAL(gSignals, 1);
	CHECK_EQUAL(_kern_write(sEnds[1], -1, "x", 0), 0);
	/* The reader goes while the writer waits. */
	make_pipe(0);
	pid = check_fork();
	if (pid == 0) {
		CHECK_EQUAL(_kern_close(sEnds[1]), 0);
		let_wait(self);
		end(0);
	}
	CHECK_EQUAL(_kern_close(sEnds[0]), 0);
	static uint8_t bytes[2 * PIPE_SIZE];
	CHECK_EQUAL(_kern_write(sEnds[1], -1, bytes, 2 * PIPE_SIZE), PIPE_SIZE);
	CHECK_EQUAL(_kern_write(sEnds[1], -1, bytes, 1), -EPIPE);
	CHECK_EQUAL(gSignals, 2);
	check_exit(pid, 0);
}

#define WRITERS 6
#define PIECES 40

/* Pieces of up to PIPE_BUF come whole, whoever else writes. */
void test_pipe_many_writers(void)
{
	static uint8_t piece[PIPE_BUF];
	unsigned counts[WRITERS] = {0};
	pid_t pids[WRITERS];

	make_pipe(0);
	for (unsigned i = 0; i < WRITERS; i++) {
		pids[i] = check_fork();
		if (pids[i] != 0)
			continue;
		memset(piece, (int)i, sizeof piece);
		for (unsigned j = 0; j < PIECES; j++)
			CHECK_EQUAL(_kern_write(sEnds[1], -1, piece, PIPE_BUF), PIPE_BUF);
		end(0);
	}
	CHECK_EQUAL(_kern_close(sEnds[1]), 0);
	for (;;) {
		size_t done = 0;

		while (done < PIPE_BUF) {
			ssize_t count = _kern_read(sEnds[0], -1, piece + done, PIPE_BUF - done);

			CHECK(count >= 0);
			if (count == 0)
				break;
			done += (size_t)count;
		}
		if (done == 0)
			break;
		CHECK_EQUAL(done, PIPE_BUF);
		for (unsigned i = 0; i < PIPE_BUF; i++)
			CHECK_EQUAL(piece[i], piece[0]);
		counts[piece[0]]++;
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		CHECK_EQUAL(counts[i], PIECES);
		check_exit(pids[i], 0);
	}
}

void test_pipe_vectors_are_atomic(void)
{
	static uint8_t bytes[PIPE_SIZE];
	struct iovec parts[2] = {{bytes, 2000}, {bytes, 2096}};

	make_pipe(O_NONBLOCK);
	CHECK_EQUAL(_kern_write(sEnds[1], -1, bytes, PIPE_SIZE - 4095), PIPE_SIZE - 4095);
	CHECK_EQUAL(_kern_writev(sEnds[1], -1, parts, 2), -EAGAIN);
	CHECK_EQUAL(_kern_read(sEnds[0], -1, bytes, 1), 1);
	CHECK_EQUAL(_kern_writev(sEnds[1], -1, parts, 2), 4096);
	/* Half of a piece that faults is not there either. */
	CHECK_EQUAL(_kern_read(sEnds[0], -1, bytes, PIPE_SIZE), PIPE_SIZE);
	parts[1].iov_base = BAD;
	CHECK_EQUAL(_kern_writev(sEnds[1], -1, parts, 2), -EFAULT);
	CHECK_EQUAL(_kern_read(sEnds[0], -1, bytes, 1), -EAGAIN);
}

void test_pipe_interrupted(void)
{
	static uint8_t bytes[2 * PIPE_SIZE];
	pid_t self = _kern_getpid();
	pid_t pid;

	count_signals(SIGALRM, 0);
	make_pipe(0);
	pid = check_fork();
	if (pid == 0) {
		let_wait(self);
		_kern_kill(self, SIGALRM);
		let_wait(self);
		_kern_kill(self, SIGALRM);
		end(0);
	}
	CHECK_EQUAL(_kern_read(sEnds[0], -1, bytes, 1), -EINTR);
	/* What has been written counts. */
	CHECK_EQUAL(_kern_write(sEnds[1], -1, bytes, 2 * PIPE_SIZE), PIPE_SIZE);
	CHECK_EQUAL(gSignals, 2);
	check_exit(pid, 0);
}

static int look(int fd, int events, int timeout)
{
	struct pollfd one = {fd, (int16_t)events, -1};
	int count = _kern_poll(&one, 1, timeout);

	CHECK(count == (one.revents != 0));
	return one.revents;
}

void test_poll_pipes(void)
{
	static uint8_t bytes[PIPE_SIZE];

	make_pipe(0);
	CHECK_EQUAL(look(sEnds[0], POLLIN, 0), 0);
	CHECK_EQUAL(look(sEnds[1], POLLOUT, 0), POLLOUT);
	CHECK_EQUAL(_kern_write(sEnds[1], -1, "x", 1), 1);
	CHECK_EQUAL(look(sEnds[0], POLLIN, 0), POLLIN);
	CHECK_EQUAL(look(sEnds[0], POLLOUT, 0), 0);
	CHECK_EQUAL(
		_kern_write(sEnds[1], -1, bytes, PIPE_SIZE - PIPE_BUF), PIPE_SIZE - PIPE_BUF);
	CHECK_EQUAL(look(sEnds[1], POLLOUT, 0), 0);
	CHECK_EQUAL(_kern_read(sEnds[0], -1, bytes, 1), 1);
	CHECK_EQUAL(look(sEnds[1], POLLOUT, 0), POLLOUT);
	CHECK_EQUAL(_kern_close(sEnds[1]), 0);
	CHECK_EQUAL(look(sEnds[0], POLLIN, -1), POLLIN | POLLHUP);
	CHECK_EQUAL(_kern_read(sEnds[0], -1, bytes, PIPE_SIZE), PIPE_SIZE - PIPE_BUF);
	CHECK_EQUAL(look(sEnds[0], 0, -1), POLLHUP);
	CHECK_EQUAL(_kern_close(sEnds[0]), 0);
	make_pipe(0);
	CHECK_EQUAL(_kern_close(sEnds[0]), 0);
	CHECK_EQUAL(look(sEnds[1], 0, -1), POLLERR);
	int fd = check_open("file", O_RDWR | O_CREAT);
	CHECK_EQUAL(look(fd, POLLIN | POLLOUT, -1), POLLIN | POLLOUT);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_poll_waits(void)
{
	struct pollfd polls[3];
	pid_t self = _kern_getpid();
	pid_t pid;
	time_us_t start;
	int second[2];

	make_pipe(0);
	CHECK_EQUAL(_kern_pipe(second, 0), 0);
	polls[0] = (struct pollfd){sEnds[0], POLLIN, 0};
	polls[1] = (struct pollfd){-1, POLLIN, 99};
	polls[2] = (struct pollfd){second[0], POLLIN, 0};
	start = _kern_system_time();
	CHECK_EQUAL(_kern_poll(polls, 3, 30), 0);
	CHECK(_kern_system_time() - start >= 30000);
	CHECK_EQUAL(polls[1].revents, 0);
	CHECK_EQUAL(_kern_poll(NULL, 0, 10), 0);
	pid = check_fork();
	if (pid == 0) {
		let_wait(self);
		CHECK_EQUAL(_kern_write(second[1], -1, "x", 1), 1);
		let_wait(self);
		CHECK_EQUAL(_kern_write(sEnds[1], -1, "x", 1), 1);
		end(0);
	}
	CHECK_EQUAL(_kern_poll(polls, 3, -1), 1);
	CHECK_EQUAL(polls[0].revents, 0);
	CHECK_EQUAL(polls[2].revents, POLLIN);
	CHECK_EQUAL(_kern_poll(polls, 1, PATIENCE / 1000), 1);
	CHECK_EQUAL(polls[0].revents, POLLIN);
	CHECK_EQUAL(_kern_poll(polls, 3, 0), 2);
	check_exit(pid, 0);
}

void test_poll_errors(void)
{
	static struct pollfd polls[OPEN_MAX + 1];
	pid_t self = _kern_getpid();
	pid_t pid;

	CHECK_EQUAL(look(99, POLLIN, -1), POLLNVAL);
	CHECK_EQUAL(_kern_poll(BAD, 1, 0), -EFAULT);
	for (unsigned i = 0; i < OPEN_MAX + 1; i++)
		polls[i].fd = -1;
	CHECK_EQUAL(_kern_poll(polls, OPEN_MAX, 0), 0);
	CHECK_EQUAL(_kern_poll(polls, OPEN_MAX + 1, 0), -EINVAL);
	CHECK_EQUAL(_kern_ppoll(polls, OPEN_MAX + 1, 0, NULL), -EINVAL);
	count_signals(SIGALRM, 0);
	pid = check_fork();
	if (pid == 0) {
		let_wait(self);
		_kern_kill(self, SIGALRM);
		end(0);
	}
	CHECK_EQUAL(_kern_poll(polls, 1, PATIENCE / 1000), -EINTR);
	check_exit(pid, 0);
}

static uint32_t blocked(void)
{
	uint32_t mask;

	CHECK_EQUAL(_kern_sigprocmask(SIG_BLOCK, NULL, &mask), 0);
	return mask;
}

/* ppoll(): what its mask lets through ends the wait, and before and behind it nothing of
 * that comes through. */
void test_poll_with_mask(void)
{
	static const uint32_t kAlarm = 1u << (SIGALRM - 1), kUser = 1u << (SIGUSR1 - 1);
	uint32_t both = kAlarm | kUser, mask = kUser;
	struct pollfd poll = {.events = POLLIN};
	pid_t self = _kern_getpid();
	time_us_t start;
	int ends[2];
	pid_t pid;

	CHECK_EQUAL(_kern_pipe(ends, 0), 0);
	poll.fd = ends[0];
	count_signals(SIGALRM, SA_RESTART);
	count_signals(SIGUSR1, SA_RESTART);
	CHECK_EQUAL(_kern_sigprocmask(SIG_SETMASK, &both, NULL), 0);
	/* It has come before the wait. */
	_kern_kill(self, SIGALRM);
	CHECK_EQUAL(gSignals, 0);
	CHECK_EQUAL(_kern_ppoll(&poll, 1, -1, &mask), -EINTR);
	CHECK_EQUAL(gSignals, 1);
	CHECK_EQUAL(blocked(), both);
	/* It comes during the wait, behind one that the mask keeps back, and one that stops
	 * for a while, which is none. */
	pid = check_fork();
	if (pid == 0) {
		let_wait(self);
		_kern_kill(self, SIGUSR1);
		_kern_kill(self, SIGSTOP);
		CHECK_SOON(status_of(self).state == PROCESS_STOPPED);
		_kern_kill(self, SIGCONT);
		let_wait(self);
		_kern_kill(self, SIGALRM);
		end(0);
	}
	CHECK_EQUAL(_kern_ppoll(&poll, 1, -1, &mask), -EINTR);
	CHECK_EQUAL(gSignals, 2);
	CHECK_EQUAL(blocked(), both);
	check_exit(pid, 0);
	/* Ready, and time up: the mask is back, and the signal still to come. */
	CHECK_EQUAL(_kern_write(ends[1], -1, "x", 1), 1);
	mask = both;
	CHECK_EQUAL(_kern_ppoll(&poll, 1, -1, &mask), 1);
	CHECK(poll.revents == POLLIN && blocked() == both);
	poll.events = 0;
	start = _kern_system_time();
	CHECK_EQUAL(_kern_ppoll(&poll, 1, 12345, &mask), 0);
	CHECK(_kern_system_time() - start >= 12345 && blocked() == both);
	CHECK_EQUAL(_kern_ppoll(&poll, 1, 0, NULL), 0);
	CHECK_EQUAL(gSignals, 2);
	mask = 0;
	CHECK_EQUAL(_kern_ppoll(&poll, 1, INT64_MAX, &mask), -EINTR);
	CHECK_EQUAL(gSignals, 3);
	/* SIGKILL and SIGSTOP cannot be kept back. */
	mask = ~0u;
	pid = check_fork();
	if (pid == 0) {
		_kern_ppoll(&poll, 1, -1, &mask);
		end(0);
	}
	let_wait(pid);
	_kern_kill(pid, SIGKILL);
	check_killed(pid, SIGKILL);
	CHECK_EQUAL(_kern_ppoll(&poll, 1, 0, BAD), -EFAULT);
}
