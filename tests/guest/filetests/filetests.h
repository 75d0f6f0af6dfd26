/*
 * What the files of filetests share. Its tests run as tests/harness/ has it, each in an
 * empty directory.
 */
#pragma once

#include "harness.h"
#include <postern/dirent.h>
#include <postern/fcntl.h>
#include <postern/file_system_status.h>
#include <postern/file_times.h>
#include <postern/iovec.h>
#include <postern/limits.h>
#include <postern/poll.h>
#include <postern/stat.h>

#define PIPE_SIZE 65536u
#define BAD ((void *)0x1000) /* nothing is there */

/* Open, write, close: a file of `size` bytes, the pattern from `seed`. */
int check_open(const char *path, int flags);
void check_make(const char *path, size_t size, uint32_t seed);
/* It has that pattern, and nothing behind. */
void check_content(const char *path, size_t size, uint32_t seed);
void fill_pattern(uint8_t *bytes, size_t size, uint32_t seed, uint32_t position);
bool is_pattern(const uint8_t *bytes, size_t size, uint32_t seed, uint32_t position);

/* From now on the signal counts in gSignals. `flags` as sigaction() has them. */
void count_signals(int signal, uint32_t flags);
extern volatile int gSignals;

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
	X(cut_short)                                                                         \
	X(vectors_cut_short)                                                                 \
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
	X(busy_writer)                                                                       \
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
	X(mount_where_removed)                                                               \
	X(unmount_while_used)                                                                \
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
	X(results_cut_short)                                                                 \
	X(pipe_errors)                                                                       \
	X(pipe_carries)                                                                      \
	X(pipe_full_and_empty)                                                               \
	X(pipe_nonblocking)                                                                  \
	X(pipe_end)                                                                          \
	X(pipe_bad_vector)                                                                   \
	X(pipe_broken)                                                                       \
	X(pipe_many_writers)                                                                 \
	X(pipe_vectors_are_atomic)                                                           \
	X(pipe_interrupted)                                                                  \
	X(poll_pipes)                                                                        \
	X(poll_waits)                                                                        \
	X(poll_errors)                                                                       \
	X(poll_with_mask)                                                                    \
	/* named_pipes.c */                                                                  \
	X(fifo_names)                                                                        \
	X(fifo_nonblocking)                                                                  \
	X(fifo_open_waits)                                                                   \
	X(fifo_open_interrupted)                                                             \
	X(fifo_open_met)                                                                     \
	X(fifo_broken)                                                                       \
	X(fifo_poll)                                                                         \
	X(fifo_carries)
/* clang-format on */

FILETESTS(DECLARE_TEST)
