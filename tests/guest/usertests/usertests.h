/*
 * What the files of usertests share. A test is a function without arguments
 * that runs in a process of its own and passes by returning: main.c has the
 * table. Whatever its processes and threads find wrong goes through CHECK.
 */
#pragma once

#include <postern/errno.h>
#include <postern/print.h>
#include <postern/process.h>
#include <postern/process_status.h>
#include <postern/signal.h>
#include <postern/sync.h>
#include <postern/syscalls.h>
#include <postern/thread.h>
#include <postern/types.h>

#define PAGE 4096u
#define KERNEL_BASE 0xc0000000u
#define STACK_BYTES (8u << 20)
#define SECOND 1000000ll /* microseconds */

/* From kernel/string.c, which is built for programs, too. */
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *string);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);
int format_string(char *buffer, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- Checking ------------------------------------------------------------------- */

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

/* ---- Processes ------------------------------------------------------------------- */

/*
 * --loose: threads may run at the same moment, or in an order that is drawn, so what
 * only turns on one processor give is not checked.
 */
extern bool gLoose;

extern const char *gSelf; /* the path of this program, to exec it */
extern char **gEnvironment;

/* fork() that has to work. */
pid_t check_fork(void);

/* Waits for the child `pid`; it must have ended by exit(status), or by `signal`. */
void check_exit(pid_t pid, int status);
void check_killed(pid_t pid, int signal);

/* In a child: what must end with `signal`. The log then has its fault report. */
void check_dies(void (*function)(uintptr_t argument), uintptr_t argument, int signal);

void end(int status) __attribute__((noreturn));

/* ---- Memory, time, threads --------------------------------------------------------- */

/* Memory that has to be there; `shared` is one with that of the children. */
void *check_map(size_t size, bool shared);
#define SHARED true
#define PRIVATE false

uint32_t free_pages(void);
/* That of `before` free pages at most so many are not back, in a moment at the latest:
 * a thread that has ended leaves its kernel stack only when its processor turns away. */
void check_pages_back(uint32_t before, uint32_t missing);
ssize_t process_count(void); /* zombies included */
void sleep_us(time_us_t time);

#define ADDRESS(pointer) ((uint32_t)(uintptr_t)(pointer))

/* spawn_thread() with a made stack. `entry` must end with exit_thread(). */
tid_t spawn(void (*entry)(void *argument), const void *argument);
void check_join(tid_t thread, int value);

/* ---- The tests -----------------------------------------------------------------------
 */

#define USERTESTS(X)                                                                     \
	/* processes.c */                                                                    \
	X(fork_copies_memory)                                                                \
	X(fork_shares_shared)                                                                \
	X(fork_nested)                                                                       \
	X(fork_bomb)                                                                         \
	X(fork_bomb_tree)                                                                    \
	X(wait_any_order)                                                                    \
	X(wait_no_hang)                                                                      \
	X(wait_errors)                                                                       \
	X(wait_status)                                                                       \
	X(wait_two_threads)                                                                  \
	X(orphans)                                                                           \
	X(grandchildren)                                                                     \
	X(zombies)                                                                           \
	X(parent_numbers) X(process_create_start) X(process_create_errors)                   \
		X(process_create_left) X(process_create_signal) X(process_delete_errors)         \
			X(process_status_lists) X(process_status_calls) X(process_names)             \
				X(kill_blocked) X(kill_running) X(kill_runs_no_more) X(kill_many)        \
					X(signal_keeps_flags) X(signal_selectors) /* programs.c */           \
		X(exec_arguments) X(exec_environment) X(exec_errors) X(exec_limits)              \
			X(exec_bad_files) X(exec_resets) X(exec_from_thread) X(exec_with_threads)    \
				X(exec_drops_threads) X(exec_with_signals) /* sharing.c */               \
		X(program_pages_shared) X(program_file_changes) X(program_pages_written)         \
			X(program_archive_changes) X(program_odd_segments) /* threads.c */           \
		X(thread_values) X(thread_thousands) X(thread_limit) X(thread_unjoined)          \
			X(join_errors) X(join_waits) X(spawn_given_stack) X(spawn_errors)            \
				X(made_stack_returns) X(made_stack_guard) X(thread_returns_to_zero)      \
					X(main_thread_exits) X(last_thread_exits) X(fork_with_threads)       \
						X(exit_with_blocked) X(closures) X(closure_errno)                \
							X(tls_per_thread) X(tls_fork) /* futexes.c */                \
		X(futex_errors) X(futex_timeouts) X(futex_wakes) X(futex_private)                \
			X(futex_shared) X(futex_ping_pong) X(mutex_stress) X(condition_stress)       \
				X(semaphore_stress) X(lock_timeouts) X(mutex_shared) /* times.c */       \
		X(snooze_never_early) X(snooze_many) X(snooze_errors) X(yield_fair)              \
			X(preemption_threads) X(preemption_processes) X(time_goes_on) X(time_agrees) \
				X(time_between_threads) X(time_real) /* fpu.c */                         \
		X(fpu_preemption) X(fpu_control_word) X(fpu_fork) X(fpu_threads)                 \
			X(fpu_first_state) X(sse_preemption) /* memory.c */                          \
		X(brk_grows) X(brk_limits) X(map_zeros) X(map_errors) X(map_fixed) X(map_huge)   \
			X(unmap_holes) X(unmap_errors) X(protect_splits) X(protect_errors)           \
				X(protect_kinds) X(unmap_everything) X(shared_outlives) X(out_of_memory) \
					X(out_of_memory_kernel) X(fork_out_of_memory) X(stack_grows)         \
						X(cow_kernel_writes) X(cow_straddles)                            \
							X(cow_siblings) /* faults.c */                               \
		X(stack_overflows) X(bad_reads) X(bad_writes) X(bad_jumps) X(bad_instructions)   \
			X(bad_call_pointers) /* signals.c */                                         \
		X(signal_errors) X(signal_handler) X(signal_default_actions) X(signal_mask)      \
			X(signal_nesting) X(signal_registers) X(signal_fault) X(signal_bad_frames)   \
				X(signal_interrupts_calls) X(signal_ignored_while_waiting)               \
					X(signal_alarm) X(signal_child) X(signal_stop_and_continue)          \
						X(signal_fork_and_exec) X(signal_storm) X(wait_stopped)          \
							X(wait_stopped_order) /* groups.c */ X(process_groups)       \
								X(kill_groups) X(wait_untraced) /* crowds.c */           \
		X(futex_hammer) X(locks_hammered) X(futex_unmapped) X(thread_limit_crowd)        \
			X(thread_stacks_crowd) X(join_crowd) X(wait_crowd) X(orphans_crowd)          \
				X(fork_crowd) X(process_status_crowd) X(exec_crowd) X(kill_crowd)        \
					X(end_crowd) X(signal_storm_crowd)                                   \
						X(signal_yielding) /* coherence.c */ X(remap_zeros)              \
							X(protect_is_seen) X(map_storm) X(brk_crowd)                 \
								X(fork_under_writers) X(cow_kernel_crowd)                \
									X(same_addresses) X(fpu_crowd) X(time_crowd)

#define DECLARE_TEST(name) void test_##name(void);
USERTESTS(DECLARE_TEST)
#undef DECLARE_TEST

/* Mixed load, the same for the same seed; soak.c. */
void soak(time_us_t duration, uint32_t seed);

/* programs.c: what this program does when it is started as a part of a test. */
int run_part(int argc, char **argv, char **envp);

/* sharing.c: the same for its tests. */
int steady_part(void);
int writing_part(const char *path);

/* fpu.c: what a new program finds in the registers. 60 when all is right. */
int fpu_part(void);
