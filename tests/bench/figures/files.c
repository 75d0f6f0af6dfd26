/*
 * Files, pipes and disks. As in rows.c: each function is called twice, and nothing is
 * left when it returns.
 */
#include "figures.h"
#include <postern/fcntl.h>
#include <postern/print.h>
#include <postern/signal.h>
#include <postern/syscalls.h>

#define BLOCK 65536u /* bytes of a sample of the pipe's and the disk's rows */
#define FILE_PATH "/bench-file"
#define DISK_PATH "/dev/virtio0"

static uint8_t sBytes[BLOCK];

static int open_file(const char *path, int flags)
{
	return must(_kern_open(path, flags, 0600), path);
}

void measure_write_null(uint32_t *samples, unsigned count)
{
	int fd = open_file("/dev/null", O_WRONLY);

	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, _kern_write(fd, -1, sBytes, 1));
	_kern_close(fd);
}

/* ---- The file system in memory ---------------------------------------------------- */

static int make_file(void)
{
	int fd = open_file(FILE_PATH, O_RDWR | O_CREAT);

	must(_kern_write(fd, 0, sBytes, PAGE), "write");
	return fd;
}

void measure_read_ram(uint32_t *samples, unsigned count)
{
	int fd = make_file();

	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, must(_kern_read(fd, 0, sBytes, PAGE), "read"));
	_kern_close(fd);
	_kern_unlink(FILE_PATH);
}

void measure_open_close(uint32_t *samples, unsigned count)
{
	_kern_close(make_file());
	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, _kern_close(open_file(FILE_PATH, O_RDONLY)));
	_kern_unlink(FILE_PATH);
}

void measure_stat(uint32_t *samples, unsigned count)
{
	struct stat info;

	_kern_close(make_file());
	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, must(_kern_stat(FILE_PATH, &info), "stat"));
	_kern_unlink(FILE_PATH);
}

static void create_and_unlink(void)
{
	_kern_close(open_file(FILE_PATH, O_RDWR | O_CREAT | O_EXCL));
	must(_kern_unlink(FILE_PATH), "unlink");
}

void measure_create_unlink(uint32_t *samples, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, create_and_unlink());
}

/* ---- Pipes to another process ----------------------------------------------------- */

static void read_all(int fd, size_t size)
{
	while (size > 0) {
		int32_t part = must(_kern_read(fd, -1, sBytes, size), "read");

		if (part == 0) {
			print("the other end of a pipe is closed\n");
			_kern_exit(1);
		}
		size -= (size_t)part;
	}
}

static void end_child(pid_t pid)
{
	must(_kern_kill(pid, SIGKILL), "kill");
	must(_kern_wait(pid, NULL, 0), "wait");
}

void measure_pipe_bytes(uint32_t *samples, unsigned count)
{
	int ends[2];
	pid_t pid;

	must(_kern_pipe(ends, 0), "pipe");
	pid = must(_kern_fork(), "fork");
	while (pid == 0)
		must(_kern_write(ends[1], -1, sBytes, BLOCK), "write");
	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, read_all(ends[0], BLOCK));
	end_child(pid);
	_kern_close(ends[0]);
	_kern_close(ends[1]);
}

static void there_and_back(int there, int back)
{
	must(_kern_write(there, -1, sBytes, 1), "write");
	read_all(back, 1);
}

void measure_pipe_turns(uint32_t *samples, unsigned count)
{
	int there[2], back[2];
	pid_t pid;

	must(_kern_pipe(there, 0), "pipe");
	must(_kern_pipe(back, 0), "pipe");
	pid = must(_kern_fork(), "fork");
	while (pid == 0) {
		read_all(there[0], 1);
		must(_kern_write(back[1], -1, sBytes, 1), "write");
	}
	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, there_and_back(there[1], back[0]));
	end_child(pid);
	for (unsigned i = 0; i < 2; i++) {
		_kern_close(there[i]);
		_kern_close(back[i]);
	}
}

/* ---- The disk itself, which is read and written past the cache -------------------- */

bool disk_is_there(void)
{
	int fd = _kern_open(DISK_PATH, O_RDWR, 0);

	return fd >= 0 && _kern_close(fd) == 0;
}

void measure_disk_read(uint32_t *samples, unsigned count)
{
	int fd = open_file(DISK_PATH, O_RDONLY);

	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, read_all(fd, BLOCK));
	_kern_close(fd);
}

static void write_through(int fd)
{
	must(_kern_write(fd, -1, sBytes, BLOCK), "write");
	must(_kern_fsync(fd), "fsync");
}

void measure_disk_write(uint32_t *samples, unsigned count)
{
	int fd = open_file(DISK_PATH, O_WRONLY);

	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, write_through(fd));
	_kern_close(fd);
}
