/*
 * Signals: sent to processes, taken by their threads on the way back to ring 3.
 */
#pragma once

#include <postern/signal.h>
#include <postern/types.h>

struct iframe;
struct process;
struct thread;

#define SIGNAL_BIT(signal) (1u << ((signal)-1))

/* What a process does with signals; fork copies it, exec resets it. */
struct signal_actions {
	struct signal_action actions[SIGNAL_COUNT]; /* [0] is unused */
};

/* Sends `signal` to a process. `sender` is a pid, 0 for the kernel. The process lock
 * is held. */
void signal_send(struct process *process, int signal, pid_t sender);

/* The same to every process of a group. 0 or -ESRCH. Signal 0 only asks. */
int signal_send_group(pid_t group, int signal, pid_t sender);

/*
 * Around the making of a child that is a copy: what was sent to the group since the
 * first, when the child was not in it yet, the second sends to the child, too. So no
 * signal to a group misses one. The first is false when the running thread is to end;
 * for the second the process lock is held.
 */
bool signal_begin_fork(void);
void signal_end_fork(struct process *child);

/* Whether a process's children that end leave nothing for its wait(): POSIX.1-2017,
 * sigaction(), SA_NOCLDWAIT. The process lock is held. */
bool signal_wants_no_zombies(const struct process *parent);

/*
 * For a wait of the running thread with the signal mask `mask`: the change and the wait
 * are one step. Where -EINTR ended the wait, signal_take() goes back to the mask of
 * before; else signal_resume() does.
 */
void signal_suspend(uint32_t mask);
void signal_resume(void);

/* Whether the running thread ignores or blocks `signal`. */
bool signal_has_no_effect(int signal);

/*
 * A fault of the running thread: arranges for its handler and returns true, or
 * returns false when there is none, or it waits, or cannot run.
 */
bool signal_fault(int signal, uintptr_t address);

/*
 * Takes the signals that are pending for the running thread, before it goes
 * back to ring 3. May end it. Interrupts are on and stay so.
 */
void signal_take(void);

/* The running thread ends: what it would have taken is left to the others. */
void signal_take_no_more(void);

/* Whether one is pending that the thread would take. A look without the lock: what
 * comes now has thread_interrupt() behind it. */
bool signal_pending(const struct thread *thread);

/* For exec, with the process lock held: handlers back to their defaults; what is ignored
 * stays so. */
void signal_reset(struct process *process);
