/* Pipes with a name: mkfifo(), and what open() waits for. */
#include "filetests.h"

static const char kName[] = "fifo";

static void make(void)
{
	CHECK_EQUAL(_kern_mkfifo(kName, 0666), 0);
}

static void finish(void)
{
	CHECK_EQUAL(_kern_unlink(kName), 0);
}

void test_fifo_names(void)
{
	struct stat info;
	static uint8_t bytes[1024];
	struct dirent_record *record = (struct dirent_record *)(void *)bytes;
	ssize_t size, at = 0;
	bool found = false;
	int fd;

	make();
	CHECK_EQUAL(_kern_stat(kName, &info), 0);
	CHECK_EQUAL(info.mode, S_IFIFO | 0644); /* less the umask */
	CHECK_EQUAL(info.size, 0);
	CHECK_EQUAL(info.links, 1);
	CHECK_EQUAL(_kern_mkfifo(kName, 0666), -EEXIST);
	CHECK_EQUAL(_kern_mkfifo("/dev/console", 0666), -EEXIST);
	CHECK_EQUAL(_kern_mkfifo("none/fifo", 0666), -ENOENT);
	CHECK_EQUAL(_kern_mkfifo("slash/", 0666), -ENOENT);
	CHECK_EQUAL(_kern_mkfifo("fifo/below", 0666), -ENOTDIR);
	CHECK_EQUAL(_kern_mkfifo("/proc/fifo", 0666), -EROFS);
	CHECK_EQUAL(_kern_mkfifo(BAD, 0666), -EFAULT);
	CHECK_EQUAL(_kern_open(kName, O_RDONLY | O_DIRECTORY, 0), -ENOTDIR);
	CHECK_EQUAL(_kern_open(kName, O_RDWR | O_CREAT | O_EXCL, 0), -EEXIST);
	CHECK_EQUAL(_kern_truncate(kName, 5), -EINVAL);
	CHECK_EQUAL(_kern_chmod(kName, 0700), 0);
	CHECK_EQUAL(_kern_exec(kName, (const char *const[]){kName, NULL}, NULL), -EACCES);
	fd = check_open(".", O_RDONLY);
	size = _kern_read_dir(fd, bytes, sizeof bytes);
	for (; at < size; at += record->size) {
		record = (struct dirent_record *)(void *)(bytes + at);
		if (strcmp(record->name, kName) == 0) {
			CHECK_EQUAL(record->type, S_IFIFO >> 12);
			found = true;
		}
	}
	CHECK(found);
	/* A name is a name. */
	CHECK_EQUAL(_kern_link(kName, "other"), 0);
	CHECK_EQUAL(_kern_rename("other", "third"), 0);
	fd = check_open(kName, O_RDWR);
	CHECK_EQUAL(_kern_write(fd, -1, "abc", 3), 3);
	CHECK_EQUAL(_kern_read(check_open("third", O_RDONLY | O_NONBLOCK), -1, bytes, 9), 3);
	CHECK_EQUAL(_kern_unlink("third"), 0);
	finish();
	/* And goes without harm while the pipe is open. */
	CHECK_EQUAL(_kern_write(fd, -1, "abcd", 4), 4);
	CHECK_EQUAL(_kern_read(fd, -1, bytes, 9), 4);
	CHECK_EQUAL(_kern_fstat(fd, &info), 0);
	CHECK_EQUAL(info.links, 0);
}

void test_fifo_nonblocking(void)
{
	char bytes[8];
	int reader, writer;

	make();
	CHECK_EQUAL(_kern_open(kName, O_WRONLY | O_NONBLOCK, 0), -ENXIO);
	reader = check_open(kName, O_RDONLY | O_NONBLOCK);
	CHECK_EQUAL(_kern_read(reader, -1, bytes, 8), 0); /* nobody writes */
	CHECK_EQUAL(_kern_write(reader, -1, bytes, 8), -EBADF);
	writer = check_open(kName, O_WRONLY | O_NONBLOCK);
	CHECK_EQUAL(_kern_read(writer, -1, bytes, 8), -EBADF);
	CHECK_EQUAL(_kern_read(reader, -1, bytes, 8), -EAGAIN);
	CHECK_EQUAL(_kern_write(writer, -1, "abc", 3), 3);
	CHECK_EQUAL(_kern_seek(writer, 0, SEEK_SET), -ESPIPE);
	CHECK_EQUAL(_kern_ftruncate(writer, 0), -EINVAL);
	CHECK_EQUAL(_kern_fsync(writer), -EINVAL);
	CHECK_EQUAL(_kern_close(writer), 0);
	CHECK_EQUAL(_kern_read(reader, -1, bytes, 8), 3);
	CHECK_EQUAL(_kern_read(reader, -1, bytes, 8), 0);
	/* The other way round: what is in it stays for the next reader, */
	writer = check_open(kName, O_WRONLY);
	CHECK_EQUAL(_kern_write(writer, -1, "abc", 3), 3);
	CHECK_EQUAL(_kern_close(reader), 0);
	reader = check_open(kName, O_RDONLY);
	CHECK_EQUAL(_kern_read(reader, -1, bytes, 2), 2);
	/* and is gone with the last of both. */
	CHECK_EQUAL(_kern_close(reader), 0);
	CHECK_EQUAL(_kern_close(writer), 0);
	reader = check_open(kName, O_RDONLY | O_NONBLOCK);
	CHECK_EQUAL(_kern_read(reader, -1, bytes, 2), 0);
	finish();
}

/* Whichever end comes first waits for the other one. */
void test_fifo_open_waits(void)
{
	make();
	for (int turn = 0; turn < 4; turn++) {
		bool writes = turn % 2 == 0;
		time_us_t start = _kern_system_time();
		char byte = 0;
		pid_t pid = check_fork();
		int fd;

		if (pid == 0) {
			sleep_us(50000);
			fd = check_open(kName, writes ? O_RDONLY : O_WRONLY);
			if (writes)
				CHECK_EQUAL(_kern_read(fd, -1, &byte, 1), 1);
			else
				CHECK_EQUAL(_kern_write(fd, -1, "x", 1), 1);
			end(0);
		}
		fd = check_open(kName, writes ? O_WRONLY : O_RDONLY);
		CHECK(_kern_system_time() - start >= 50000);
		if (writes)
			CHECK_EQUAL(_kern_write(fd, -1, "x", 1), 1);
		else
			CHECK_EQUAL(_kern_read(fd, -1, &byte, 1), 1);
		CHECK_EQUAL(_kern_close(fd), 0);
		check_exit(pid, 0);
	}
	finish();
}

void test_fifo_open_interrupted(void)
{
	pid_t self = _kern_getpid();
	pid_t pid;
	int fd;

	make();
	count_signals(SIGALRM, 0);
	pid = check_fork();
	if (pid == 0) {
		let_wait(self);
		CHECK_EQUAL(_kern_kill(self, SIGALRM), 0);
		let_wait(self);
		CHECK_EQUAL(_kern_kill(self, SIGALRM), 0);
		let_wait(self);
		check_open(kName, O_WRONLY);
		end(0);
	}
	CHECK_EQUAL(_kern_open(kName, O_RDONLY, 0), -EINTR);
	/* Its number is free again, and nobody is taken for a reader. */
	CHECK_EQUAL(_kern_open(kName, O_WRONLY | O_NONBLOCK, 0), -ENXIO);
	count_signals(SIGALRM, SA_RESTART);
	fd = _kern_open(kName, O_RDONLY, 0);
	CHECK_EQUAL(fd, 3);
	CHECK_EQUAL(gSignals, 2);
	check_exit(pid, 0);
	/* Who is ended while it waits leaves nothing either. */
	CHECK_EQUAL(_kern_close(fd), 0);
	pid = check_fork();
	if (pid == 0) {
		check_open(kName, O_RDONLY);
		end(1);
	}
	let_wait(pid);
	CHECK_EQUAL(_kern_kill(pid, SIGKILL), 0);
	CHECK_EQUAL(_kern_wait(pid, NULL, 0), pid);
	CHECK_EQUAL(_kern_open(kName, O_WRONLY | O_NONBLOCK, 0), -ENXIO);
	finish();
}

/* Who has met somebody has opened it, whatever signal comes at that moment: the other
 * one is through, and may have written and gone. */
void test_fifo_open_met(void)
{
	make();
	for (int turn = 0; turn < 20; turn++) {
		char byte;
		pid_t pid = check_fork();
		int fd;

		if (pid == 0) {
			count_signals(SIGTERM, SA_RESTART);
			_kern_alarm(PATIENCE / SECOND);
			fd = check_open(kName, O_RDONLY);
			CHECK_EQUAL(_kern_read(fd, -1, &byte, 1), 1);
			end(0);
		}
		let_wait(pid);
		CHECK_EQUAL(_kern_kill(pid, SIGTERM), 0);
		fd = check_open(kName, O_WRONLY);
		CHECK_EQUAL(_kern_write(fd, -1, "x", 1), 1);
		CHECK_EQUAL(_kern_close(fd), 0);
		check_exit(pid, 0);
	}
	finish();
}

void test_fifo_broken(void)
{
	int reader, writer;

	make();
	count_signals(SIGPIPE, 0);
	reader = check_open(kName, O_RDONLY | O_NONBLOCK);
	writer = check_open(kName, O_WRONLY);
	CHECK_EQUAL(_kern_close(reader), 0);
	CHECK_EQUAL(_kern_write(writer, -1, "x", 1), -EPIPE);
	CHECK_EQUAL(gSignals, 1);
	/* Another reader, and it is whole again. */
	reader = check_open(kName, O_RDONLY);
	CHECK_EQUAL(_kern_write(writer, -1, "x", 1), 1);
	finish();
}

static int look(int fd, int events)
{
	struct pollfd one = {fd, (int16_t)events, -1};

	CHECK(_kern_poll(&one, 1, 0) >= 0);
	return one.revents;
}

void test_fifo_poll(void)
{
	char byte;
	int reader, writer, second;

	make();
	reader = check_open(kName, O_RDONLY | O_NONBLOCK);
	CHECK_EQUAL(look(reader, POLLIN), 0); /* nobody was there who could hang up */
	writer = check_open(kName, O_WRONLY);
	second = check_open(kName, O_RDONLY);
	CHECK_EQUAL(look(reader, POLLIN), 0);
	CHECK_EQUAL(look(writer, POLLOUT), POLLOUT);
	CHECK_EQUAL(_kern_write(writer, -1, "x", 1), 1);
	CHECK_EQUAL(look(reader, POLLIN), POLLIN);
	CHECK_EQUAL(_kern_read(reader, -1, &byte, 1), 1);
	CHECK_EQUAL(_kern_close(writer), 0);
	CHECK_EQUAL(look(reader, POLLIN), POLLHUP);
	CHECK_EQUAL(look(second, POLLIN), POLLHUP);
	writer = check_open(kName, O_WRONLY);
	CHECK_EQUAL(look(reader, POLLIN), 0);
	CHECK_EQUAL(_kern_close(reader), 0);
	CHECK_EQUAL(_kern_close(second), 0);
	CHECK_EQUAL(look(writer, 0), POLLERR);
	finish();
}

#define WRITERS 5
#define ROUNDS 30

/* Writers that come and go: whole lines, none lost, and an end when all have gone. */
void test_fifo_carries(void)
{
	static char bytes[64];
	unsigned counts[WRITERS] = {0};
	pid_t pids[WRITERS];
	int fd, keep;

	make();
	for (int i = 0; i < WRITERS; i++) {
		pids[i] = check_fork();
		for (int round = 0; pids[i] == 0 && round < ROUNDS; round++) {
			fd = check_open(kName, O_WRONLY);
			memset(bytes, i, sizeof bytes);
			CHECK_EQUAL(_kern_write(fd, -1, bytes, sizeof bytes), sizeof bytes);
			CHECK_EQUAL(_kern_close(fd), 0);
		}
		if (pids[i] == 0)
			end(0);
	}
	fd = check_open(kName, O_RDONLY);
	for (int left = WRITERS * ROUNDS; left > 0; left--) {
		ssize_t count = _kern_read(fd, -1, bytes, sizeof bytes);

		if (count == 0) {
			/* A moment without writers. */
			keep = check_open(kName, O_RDWR);
			count = _kern_read(fd, -1, bytes, sizeof bytes);
			CHECK_EQUAL(_kern_close(keep), 0);
		}
		CHECK_EQUAL(count, sizeof bytes);
		for (size_t i = 0; i < sizeof bytes; i++)
			CHECK_EQUAL(bytes[i], bytes[0]);
		counts[(int)bytes[0]]++;
	}
	for (int i = 0; i < WRITERS; i++) {
		CHECK_EQUAL(counts[i], ROUNDS);
		check_exit(pids[i], 0);
	}
	CHECK_EQUAL(_kern_read(fd, -1, bytes, sizeof bytes), 0);
	finish();
}
