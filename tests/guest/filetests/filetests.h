/*
 * What the files of filetests share. A test is a function without arguments
 * that runs in a process of its own, in an empty directory, and passes by
 * returning: main.c has the table.
 */
#pragma once

#include <postern/dirent.h>
#include <postern/errno.h>
#include <postern/fcntl.h>
#include <postern/file_system_status.h>
#include <postern/file_times.h>
#include <postern/iovec.h>
#include <postern/limits.h>
#include <postern/poll.h>
#include <postern/print.h>
#include <postern/process.h>
#include <postern/process_status.h>
#include <postern/signal.h>
#include <postern/stat.h>
#include <postern/syscalls.h>
#include <postern/thread.h>
#include <postern/types.h>

#define PAGE 4096u
#define KERNEL_BASE 0xc0000000u
#define SECOND 1000000ll /* microseconds */
#define PIPE_SIZE 65536u
#define BAD ((void *)0x1000) /* nothing is there */

/* From kernel/string.c, which is built for programs, too. */
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *string);
int strcmp(const char *a, const char *b);
int format_string(char *buffer, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The first failure of a test, from whichever of its processes, is what is shown;
 * the process that has found it ends. */
void check_failed(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

#define CHECK(condition)                                                                 \
	do {                                                                                 \
		if (!(condition))                                                                \
			check_failed(__FILE__, __LINE__, "%s", #condition);                          \
	} while (0)

/* For results and error numbers: both values are shown. */
#define CHECK_EQUAL(actual, expected)                                                    \
	do {                                                                                 \
		int64_t actual_value = (int64_t)(actual);                                        \
		int64_t expected_value = (int64_t)(expected);                                    \
		if (actual_value != expected_value)                                              \
			check_failed(__FILE__, __LINE__, "%s is %lld (0x%llx), not %s (%lld)",       \
				#actual, actual_value, actual_value, #expected, expected_value);         \
	} while (0)

void end(int status) __attribute__((noreturn));
pid_t check_fork(void);		/* that has to work */
void check_exit(pid_t pid); /* waits for a child, which ends with 0 */
void *check_map(size_t size, bool shared);
uint32_t free_pages(void);
void sleep_us(time_us_t time);

extern uint32_t gMemoryPages;

/* Open, write, close: a file of `size` bytes, the pattern from `seed`. */
int check_open(const char *path, int flags);
void check_make(const char *path, size_t size, uint32_t seed);
/* It has that pattern, and nothing behind. */
void check_content(const char *path, size_t size, uint32_t seed);
void fill_pattern(uint8_t *bytes, size_t size, uint32_t seed, uint32_t position);
bool is_pattern(const uint8_t *bytes, size_t size, uint32_t seed, uint32_t position);

/* clang-format off */
#define FILETESTS(X)                                                                     \
	/* bytes.c */                                                                        \
	X(sizes)                                                                             \
	X(sizes_64_mib)                                                                      \
	X(positions)                                                                         \
	X(append)                                                                            \
	X(sparse)                                                                            \
	X(seek)                                                                              \
	X(truncate)                                                                          \
	X(vectors)                                                                           \
	X(read_errors)                                                                       \
	X(write_errors)                                                                      \
	X(bad_buffers)                                                                       \
	X(disk_full)                                                                         \
	X(long_reads_end)                                                                    \
	X(devices)                                                                           \
	/* names.c */                                                                        \
	X(open_flags)                                                                        \
	X(open_errors)                                                                       \
	X(make_and_remove_directories)                                                       \
	X(unlink_files)                                                                      \
	X(unlink_open)                                                                       \
	X(rename_files)                                                                      \
	X(rename_directories)                                                                \
	X(rename_races)                                                                      \
	X(links)                                                                             \
	X(symbolic_links)                                                                    \
	X(symbolic_loops)                                                                    \
	X(path_lengths)                                                                      \
	X(path_forms)                                                                        \
	X(stat_tells)                                                                        \
	X(access_and_modes)                                                                  \
	X(times)                                                                             \
	X(directory_reading)                                                                 \
	X(directory_reading_while_changing)                                                  \
	X(directory_listing_while_changing)                                                  \
	X(directory_listing_is_linear)                                                       \
	X(working_directory)                                                                 \
	X(mounts)                                                                            \
	X(proc_texts)                                                                        \
	X(creating_from_many_processes)                                                      \
	X(exec_files)                                                                        \
	/* locks.c */                                                                        \
	X(lock_kinds)                                                                        \
	X(lock_ranges)                                                                       \
	X(lock_errors)                                                                       \
	X(lock_release)                                                                      \
	X(lock_ends)                                                                         \
	X(lock_exec)                                                                         \
	X(lock_interrupted)                                                                  \
	X(lock_deadlock)                                                                     \
	X(lock_excludes)                                                                     \
	X(lock_and_close)                                                                    \
	X(lock_limit)                                                                        \
	/* descriptors.c */                                                                  \
	X(close_and_dup)                                                                     \
	X(dup_shares)                                                                        \
	X(fcntl_commands)                                                                    \
	X(ioctl_errors)                                                                      \
	X(limits)                                                                            \
	X(system_limit)                                                                      \
	X(close_on_exec)                                                                     \
	X(fork_shares)                                                                       \
	X(close_while_reading)                                                               \
	X(threads_open_and_close)                                                            \
	X(sync_calls)                                                                        \
	/* pipes.c */                                                                        \
	X(pipe_errors)                                                                       \
	X(pipe_carries)                                                                      \
	X(pipe_full_and_empty)                                                               \
	X(pipe_nonblocking)                                                                  \
	X(pipe_end)                                                                          \
	X(pipe_broken)                                                                       \
	X(pipe_many_writers)                                                                 \
	X(pipe_vectors_are_atomic)                                                           \
	X(pipe_interrupted)                                                                  \
	X(poll_pipes)                                                                        \
	X(poll_waits)                                                                        \
	X(poll_errors)                                                                       \
	/* named_pipes.c */                                                                  \
	X(fifo_names)                                                                        \
	X(fifo_nonblocking)                                                                  \
	X(fifo_open_waits)                                                                   \
	X(fifo_open_interrupted)                                                             \
	X(fifo_broken)                                                                       \
	X(fifo_poll)                                                                         \
	X(fifo_carries)
/* clang-format on */

#define DECLARE_TEST(name) void test_##name(void);
FILETESTS(DECLARE_TEST)
#undef DECLARE_TEST
