/*
 * What the files of usertests share. Its tests run as tests/harness/ has it.
 */
#pragma once

#include "harness.h"
#include <postern/sync.h>

#define STACK_BYTES (8u << 20)

/*
 * --loose: threads may run at the same moment, or in an order that is drawn, so what
 * only turns on one processor give is not checked.
 */
extern bool gLoose;

extern const char *gSelf; /* the path of this program, to exec it */
extern char **gEnvironment;

/* ---- For many threads -------------------------------------------------------------- */

/* Threads: one that ends with the value, and one that does when the gate is not 0. */
void end_with(void *value);
void wait_for_gate(void *gate);
void open_gate(uint32_t *gate);

/* A thread that is in one of four calls and never goes on. */
void be_blocked(void *how);

/* The same numbers for the same seed. */
uint32_t next_random(uint32_t *seed);

/* ---- The tests -------------------------------------------------------------------- */

/* clang-format off */
#define USERTESTS(X)                                                                \
	/* processes.c */                                                               \
	X(fork_copies_memory)                                                           \
	X(fork_shares_shared)                                                           \
	X(fork_nested)                                                                  \
	X(fork_bomb)                                                                    \
	X(fork_bomb_tree)                                                               \
	X(wait_any_order)                                                               \
	X(wait_no_hang)                                                                 \
	X(wait_errors)                                                                  \
	X(wait_status)                                                                  \
	X(wait_two_threads)                                                             \
	X(orphans)                                                                      \
	X(grandchildren)                                                                \
	X(zombies)                                                                      \
	X(parent_numbers)                                                               \
	X(process_create_start)                                                         \
	X(process_create_errors)                                                        \
	X(process_create_left)                                                          \
	X(process_create_signal)                                                        \
	X(process_delete_errors)                                                        \
	X(process_status_lists)                                                         \
	X(process_status_of_children)                                                   \
	X(process_status_calls)                                                         \
	X(process_names)                                                                \
	X(kill_blocked)                                                                 \
	X(kill_running)                                                                 \
	X(kill_runs_no_more)                                                            \
	X(kill_many)                                                                    \
	X(signal_keeps_flags)                                                           \
	X(signal_selectors)                                                             \
	/* programs.c */                                                                \
	X(exec_arguments)                                                               \
	X(exec_environment)                                                             \
	X(exec_errors)                                                                  \
	X(exec_limits)                                                                  \
	X(exec_bad_files)                                                               \
	X(exec_places)                                                                  \
	X(exec_resets)                                                                  \
	X(exec_from_thread)                                                             \
	X(exec_with_threads)                                                            \
	X(exec_drops_threads)                                                           \
	X(exec_with_signals)                                                            \
	/* sharing.c */                                                                 \
	X(program_pages_shared)                                                         \
	X(program_file_changes)                                                         \
	X(program_pages_written)                                                        \
	X(program_archive_changes)                                                      \
	X(program_odd_segments)                                                         \
	/* threads.c */                                                                 \
	X(thread_values)                                                                \
	X(thread_thousands)                                                             \
	X(thread_limit)                                                                 \
	X(thread_unjoined)                                                              \
	X(join_errors)                                                                  \
	X(join_waits)                                                                   \
	X(spawn_given_stack)                                                            \
	X(spawn_errors)                                                                 \
	X(made_stack_returns)                                                           \
	X(made_stack_guard)                                                             \
	X(thread_returns_to_zero)                                                       \
	X(main_thread_exits)                                                            \
	X(last_thread_exits)                                                            \
	X(fork_with_threads)                                                            \
	X(exit_with_blocked)                                                            \
	X(closures)                                                                     \
	X(closure_errno)                                                                \
	X(tls_per_thread)                                                               \
	X(tls_fork)                                                                     \
	/* futexes.c */                                                                 \
	X(futex_errors)                                                                 \
	X(futex_timeouts)                                                               \
	X(futex_wakes)                                                                  \
	X(futex_private)                                                                \
	X(futex_shared)                                                                 \
	X(futex_ping_pong)                                                              \
	X(mutex_stress)                                                                 \
	X(condition_stress)                                                             \
	X(semaphore_stress)                                                             \
	X(semaphore_shared)                                                             \
	X(semaphore_gone)                                                               \
	X(semaphore_interrupted)                                                        \
	X(lock_timeouts)                                                                \
	X(mutex_shared)                                                                 \
	/* times.c */                                                                   \
	X(snooze_never_early)                                                           \
	X(snooze_many)                                                                  \
	X(snooze_errors)                                                                \
	X(yield_fair)                                                                   \
	X(preemption_threads)                                                           \
	X(preemption_processes)                                                         \
	X(time_goes_on)                                                                 \
	X(time_agrees)                                                                  \
	X(time_between_threads)                                                         \
	X(time_real)                                                                    \
	/* fpu.c */                                                                     \
	X(fpu_preemption)                                                               \
	X(fpu_control_word)                                                             \
	X(fpu_fork)                                                                     \
	X(fpu_threads)                                                                  \
	X(fpu_first_state)                                                              \
	X(fpu_exception_left)                                                           \
	X(sse_preemption)                                                               \
	/* memory.c */                                                                  \
	X(brk_grows)                                                                    \
	X(brk_limits)                                                                   \
	X(map_zeros)                                                                    \
	X(map_errors)                                                                   \
	X(map_fixed)                                                                    \
	X(map_huge)                                                                     \
	X(unmap_holes)                                                                  \
	X(unmap_errors)                                                                 \
	X(protect_splits)                                                               \
	X(protect_errors)                                                               \
	X(protect_kinds)                                                                \
	X(unmap_everything)                                                             \
	X(shared_outlives)                                                              \
	X(out_of_memory)                                                                \
	X(out_of_memory_kernel)                                                         \
	X(fork_out_of_memory)                                                           \
	X(stack_grows)                                                                  \
	X(cow_kernel_writes)                                                            \
	X(cow_straddles)                                                                \
	X(cow_siblings)                                                                 \
	/* faults.c */                                                                  \
	X(stack_overflows)                                                              \
	X(bad_reads)                                                                    \
	X(bad_writes)                                                                   \
	X(bad_jumps)                                                                    \
	X(bad_instructions)                                                             \
	X(bad_call_pointers)                                                            \
	/* signals.c */                                                                 \
	X(signal_errors)                                                                \
	X(signal_handler)                                                               \
	X(signal_default_actions)                                                       \
	X(signal_mask)                                                                  \
	X(signal_nesting)                                                               \
	X(signal_registers)                                                             \
	X(signal_fault)                                                                 \
	X(signal_bad_frames)                                                            \
	X(signal_interrupts_calls)                                                      \
	X(signal_ignored_while_waiting)                                                 \
	X(signal_alarm)                                                                 \
	X(signal_interval_timer)                                                        \
	X(signal_child)                                                                 \
	X(signal_child_unwanted)                                                        \
	X(signal_stop_and_continue)                                                     \
	X(signal_fork_and_exec)                                                         \
	X(signal_storm)                                                                 \
	X(wait_stopped)                                                                 \
	X(wait_stopped_order)                                                           \
	/* groups.c */                                                                  \
	X(process_groups)                                                               \
	X(kill_groups)                                                                  \
	X(wait_untraced)                                                                \
	X(orphaned_groups)                                                              \
	X(kill_group_that_forks)                                                        \
	/* crowds.c */                                                                  \
	X(futex_hammer)                                                                 \
	X(locks_hammered)                                                               \
	X(futex_unmapped)                                                               \
	X(thread_limit_crowd)                                                           \
	X(thread_stacks_crowd)                                                          \
	X(join_crowd)                                                                   \
	X(wait_crowd)                                                                   \
	X(orphans_crowd)                                                                \
	X(fork_crowd)                                                                   \
	X(process_status_crowd)                                                         \
	X(exec_crowd)                                                                   \
	X(kill_crowd)                                                                   \
	X(end_crowd)                                                                    \
	X(signal_storm_crowd)                                                           \
	X(signal_between_calls)                                                         \
	X(signal_yielding)                                                              \
	/* coherence.c */                                                               \
	X(remap_zeros)                                                                  \
	X(protect_is_seen)                                                              \
	X(map_storm)                                                                    \
	X(brk_crowd)                                                                    \
	X(fork_under_writers)                                                           \
	X(cow_kernel_crowd)                                                             \
	X(cow_is_seen)                                                                  \
	X(same_addresses)                                                               \
	X(fpu_crowd)                                                                    \
	X(time_crowd)
/* clang-format on */

USERTESTS(DECLARE_TEST)

/* Mixed load, the same for the same seed; soak.c. */
void soak(time_us_t duration, uint32_t seed);

/* programs.c: what this program does when it is started as a part of a test. */
int run_part(int argc, char **argv, char **envp);

/* sharing.c: the same for its tests. */
int steady_part(void);
int writing_part(const char *path);

/* fpu.c: what a new program finds in the registers. 60 when all is right. */
int fpu_part(void);
