/*
 * Processes: made, loaded, waited for, ended. The first one is what the
 * machine was started for; when it ends, so does the machine.
 */
#pragma once

#include "kernel/list.h"
#include "kernel/signal.h"
#include "kernel/thread.h"
#include <postern/process.h>
#include <postern/process_status.h>
#include <postern/types.h>

struct iframe;
struct address_space;
struct file_table;
struct vnode;

/*
 * One lock for all processes: their lists, states, threads and signals. A
 * process that was found may be gone as soon as it is released, but the one
 * that runs.
 */
void process_lock(void);
void process_unlock(void);
int process_wait(struct wait_queue *queue); /* wait_on(), with it */

struct process {
	pid_t pid;
	pid_t pgid;				  /* its process group: that of the first process in it */
	enum process_state state; /* new, running or zombie; process_state() tells more */
	struct process *parent;	  /* NULL for the first, and for orphans */
	struct list children;	  /* of `sibling` */
	struct list sibling;
	struct list all;	 /* every process, by age */
	struct list hashed;	 /* by pid */
	struct list threads; /* of struct thread.siblings */
	unsigned thread_count;
	unsigned live;		/* threads that have not begun to end */
	struct list exited; /* threads that nobody has joined: struct exited, by age */
	unsigned exited_count;
	struct address_space *space; /* NULL once its last thread ends */
	struct wait_queue child_ended;
	struct wait_queue alone; /* an exec waits until its thread is the only one */
	bool ending;
	bool stopped;			  /* by a signal */
	bool stop_unreported;	  /* stopped, and no wait() has told */
	bool continue_unreported; /* and the same when it goes on */
	uint8_t stop_signal;
	struct wait_queue resumed;
	struct signal_actions signals;
	uint32_t pending; /* signals: bit n - 1 is signal n */
	pid_t senders[SIGNAL_COUNT];
	struct timer alarm;
	time_us_t alarm_interval; /* how far apart SIGALRM comes, 0: once */
	int32_t status;			  /* as wait() tells it */
	time_us_t started;
	uint64_t ended_ticks;	 /* processor time of threads that have ended, */
	uint64_t ended_calls;	 /* and their system calls */
	uint64_t children_ticks; /* the same of children that were waited for, */
	uint64_t children_calls; /* and of theirs */
	char path[PROCESS_NAME_MAX];
	char command[PROCESS_COMMAND_MAX]; /* path and arguments */
	struct vnode *program;			   /* its file, for symbols */
	struct file_table *files;		   /* NULL once it has ended */
};

/* What is left of a thread that has ended, until it is joined. */
struct exited {
	struct list link;
	tid_t tid;
	int32_t value;
};

/* Of more threads that nobody joins, what they ended with is forgotten. */
#define EXITED_MAX 4096

/* Forgets the oldest of them, down to `limit`. The lock is held. */
void process_forget_exited(struct process *process, unsigned limit);

/* At most so many processes, those that nobody has waited for included. */
void process_set_limit(unsigned limit);
/* Whether a process is in that group. */
bool process_group_exists(pid_t group);

/*
 * Whether nobody would resume the group once it is stopped: no process of it has
 * a parent in another group (POSIX Base Definitions 3.264).
 */
bool process_group_orphaned(pid_t group);

/* The first process of the group behind `after` (NULL: of all), or NULL. */
struct process *process_next_of_group(pid_t group, struct process *after);

/*
 * Loads arguments[0] as the first program. Powers off with status 127 when
 * there is none.
 */
void process_load_first(const char *const *arguments);

/* Runs it; the caller becomes the idle thread. */
void process_start_first(void) __attribute__((noreturn));

/* The one that runs, or NULL. */
struct process *process_current(void);

/* Whether `ancestor` is `process`, or its parent, or that one's, and so on. The
 * lock is held. */
bool process_is_ancestor(const struct process *ancestor, const struct process *process);

/* Any process, zombies included, or NULL. The lock is held. */
struct process *process_find(pid_t pid);

/*
 * A child of the running process that has loaded `path` and is not started: its
 * pid, or -ENOENT, -EISDIR, -ENOEXEC, -E2BIG, -ENOMEM, -EAGAIN: too many.
 */
pid_t process_make(
	const char *path, const char *const *arguments, const char *const *environment);

/* A child that is a copy of the running process, and runs. As process_make(). */
pid_t process_fork(void);

/* Starts the first thread of a new process. The lock is held. */
void process_begin(struct process *process);

/* Replaces the running process's program; does not return on success. */
int process_exec(
	const char *path, const char *const *arguments, const char *const *environment);

/*
 * Makes `process` end with `status`, each of its threads when it next looks for
 * work: at once where it waits. The lock is held.
 */
void process_end(struct process *process, int32_t status);

/* Puts all that is written on the disks and lets output leave: before kernel_end() and
 * kernel_restart(), by a thread that may wait. */
void process_shut_down(void);

/* Removes a zombie that its parent has waited for. The lock is held. */
void process_reap(struct process *process);

/* Ends the running thread. */
void process_end_thread(void) __attribute__((noreturn));

/*
 * What is left to do for a thread that has ended, once another one runs on its
 * processor: with a process's last one the process becomes a zombie. So who has
 * waited for either knows that its memory is free. Interrupts are off.
 */
void process_thread_gone(struct thread *thread);

/*
 * Ends the running program after an exception of its own: a report of `what`,
 * where, the registers and the backtrace goes to the log. `signal` is what
 * wait() tells.
 */
void process_fault(const struct iframe *frame, const char *what, int signal)
	__attribute__((noreturn));

/* A page fault at a user address, for PAGE_READABLE and so on: 0 when it has been
 * resolved, or the error of address_space_fault(). Interrupts are on. */
int process_handle_fault(uintptr_t address, unsigned access);

/* The path of the running program, or NULL before there is one. */
const char *process_name(void);

/*
 * Prints "  0xADDRESS name+offset" for an address of the running program. With
 * `is_return`, the name is that of the call before the address: a function
 * that ends in a call returns to the one behind it.
 */
void process_print_address(
	uintptr_t address, bool is_return, void (*print)(const char *format, ...));

/* The same, taking no lock; then not all have names. */
void process_print_address_in_panic(
	uintptr_t address, void (*print)(const char *format, ...));

/* Calls `visit` with each process until it returns false. The lock is held. */
void process_visit(bool (*visit)(struct process *process, void *context), void *context);

/* As process_status() tells it. The lock is held. */
enum process_state process_state(const struct process *process);

/* Ticks of processor time, and system calls, of all threads. The lock is held. */
void process_usage(struct process *process, uint64_t *_ticks, uint64_t *_calls);
