/*
 * Signals; see signal.h. The rules are POSIX.1-2017's, System Interfaces, 2.4.
 *
 * A signal is pending for its process until one of the threads that let it
 * through takes it. A thread that waits is woken for it (-EINTR).
 */
#include "kernel/signal.h"
#include "kernel/arch.h"
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "syscall_handlers.h"

#define NEVER_BLOCKED (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))
#define STOPS                                                                            \
	(SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN)                     \
		| SIGNAL_BIT(SIGTTOU))
#define IGNORED_BY_DEFAULT                                                               \
	(SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGURG)                      \
		| SIGNAL_BIT(SIGWINCH))

static bool valid(int signal)
{
	return signal > 0 && signal < SIGNAL_COUNT;
}

static bool ignored(const struct process *process, int signal)
{
	uint32_t handler = process->signals.actions[signal].handler;

	return handler == SIG_IGN
		   || (handler == SIG_DFL && SIGNAL_BIT(signal) & IGNORED_BY_DEFAULT);
}

bool signal_pending(const struct thread *thread)
{
	const struct process *process = thread->process;

	/* A thread of the kernel's own gets none. */
	return process != NULL
		   && ((thread->pending | process->pending) & ~thread->blocked) != 0;
}

/* The parent hears that a child was stopped or goes on: POSIX.1-2017, 2.4.1, SIGCHLD. */
static void tell_parent(struct process *process)
{
	struct process *parent = process->parent;

	if (parent == NULL)
		return;
	if (!(parent->signals.actions[SIGCHLD].flags & SA_NOCLDSTOP))
		signal_send(parent, SIGCHLD, process->pid);
	wait_queue_wake(&parent->child_ended, UINT32_MAX);
}

static void resume(struct process *process)
{
	if (!process->stopped)
		return;
	process->stopped = false;
	process->stop_unreported = false;
	process->continue_unreported = !process->ending;
	wait_queue_wake(&process->resumed, UINT32_MAX);
	if (!process->ending)
		tell_parent(process);
}

void signal_send(struct process *process, int signal, pid_t sender)
{
	uint32_t bit = SIGNAL_BIT(signal);

	if (process->state == PROCESS_ZOMBIE || process->ending)
		return;
	if (signal == SIGKILL) {
		process_end(process, SIGKILL);
		resume(process);
		return;
	}
	if (signal == SIGCONT) {
		process->pending &= ~STOPS;
		resume(process);
	} else if (bit & STOPS) {
		process->pending &= ~SIGNAL_BIT(SIGCONT);
	}
	if (ignored(process, signal))
		return;
	process->pending |= bit;
	process->senders[signal] = sender;
	LIST_FOR_EACH(link, &process->threads)
	{
		struct thread *thread = LIST_ENTRY(link, struct thread, siblings);

		if (!(thread->blocked & bit)) {
			thread_interrupt(thread);
			return;
		}
	}
}

static void note_for_forks(struct process *process, int signal)
{
	uint32_t bit = SIGNAL_BIT(signal);
	uint32_t undone = signal == SIGCONT ? STOPS : bit & STOPS ? SIGNAL_BIT(SIGCONT) : 0;

	LIST_FOR_EACH(link, &process->threads)
	{
		struct thread *thread = LIST_ENTRY(link, struct thread, siblings);

		thread->group_signals = (thread->group_signals & ~undone) | bit;
	}
}

int signal_send_group(pid_t group, int signal, pid_t sender)
{
	struct process *process = process_next_of_group(group, NULL);
	int result = -ESRCH;

	while (process != NULL) {
		/* Looked for before: SIGKILL frees one that was never started. */
		struct process *next = process_next_of_group(group, process);

		result = 0;
		if (signal != 0) {
			note_for_forks(process, signal);
			signal_send(process, signal, sender);
		}
		process = next;
	}
	return result;
}

bool signal_begin_fork(void)
{
	struct thread *self = thread_current();
	bool ending;

	process_lock();
	/* What has come and is not taken yet might as well have come a moment later. */
	self->group_signals &= self->process->pending & ~self->blocked;
	ending = self->ending;
	process_unlock();
	return !ending;
}

void signal_end_fork(struct process *child)
{
	const struct thread *self = thread_current();
	uint32_t left = self->group_signals;

	while (left != 0) {
		int signal = __builtin_ctz(left) + 1;

		signal_send(child, signal, self->process->senders[signal]);
		left &= left - 1;
	}
}

bool signal_wants_no_zombies(const struct process *parent)
{
	const struct signal_action *action = &parent->signals.actions[SIGCHLD];

	return action->handler == SIG_IGN || action->flags & SA_NOCLDWAIT;
}

bool signal_has_no_effect(int signal)
{
	return (thread_current()->blocked & SIGNAL_BIT(signal)) != 0
		   || ignored(process_current(), signal);
}

/*
 * Changes what the running thread blocks. A signal that has come and was left to it
 * may be one that it takes no more: then who else lets it through is told, who may
 * be asleep. It is done with the lock, with which signal_send() looks at this.
 */
static void change_blocked(uint32_t blocked)
{
	struct process *process = process_current();
	struct thread *self = thread_current();
	uint32_t left;

	process_lock();
	left = process->pending & blocked & ~self->blocked;
	self->blocked = blocked;
	LIST_FOR_EACH(link, &process->threads)
	{
		struct thread *thread = LIST_ENTRY(link, struct thread, siblings);

		if (left == 0)
			break;
		if ((left & ~thread->blocked) != 0) {
			left &= thread->blocked;
			thread_interrupt(thread);
		}
	}
	process_unlock();
}

void signal_take_no_more(void)
{
	change_blocked(~0u);
}

/* ---- Taking them -------------------------------------------------------------- */

/*
 * Runs the handler of `signal`; false when its frame cannot be written. Without the
 * lock, for the frame is user memory; only the running thread changes what it
 * blocks.
 */
static bool deliver(
	int signal, const struct signal_action *action, uint32_t sender, uintptr_t address)
{
	struct thread *thread = thread_current();
	struct signal_info info = {
		.signal = signal, .pid = (int32_t)sender, .address = (uint32_t)address};

	uint32_t mask = action->mask;

	/* Behind the handler the mask is what it was before sigsuspend(). */
	if (arch_signal_enter(action->handler, &info,
			thread->suspended ? thread->blocked_before : thread->blocked)
		!= 0)
		return false;
	thread->suspended = false;
	if (!(action->flags & SA_NODEFER))
		mask |= SIGNAL_BIT(signal);
	change_blocked(thread->blocked | (mask & ~NEVER_BLOCKED));
	return true;
}

/* What to do, and for SA_RESETHAND no second time. The lock is held. */
static struct signal_action use_action(struct process *process, int signal)
{
	struct signal_action *action = &process->signals.actions[signal];
	struct signal_action copy = *action;

	if (copy.handler != SIG_DFL && copy.handler != SIG_IGN && copy.flags & SA_RESETHAND)
		action->handler = SIG_DFL;
	return copy;
}

/* The lowest signal that the running thread lets through, or 0. The lock is held. */
static int take_one(pid_t *_sender)
{
	struct process *process = process_current();
	struct thread *thread = thread_current();
	uint32_t ready = (thread->pending | process->pending) & ~thread->blocked;
	int signal;

	if (ready == 0)
		return 0;
	signal = __builtin_ctz(ready) + 1;
	*_sender = thread->pending & SIGNAL_BIT(signal) ? 0 : process->senders[signal];
	thread->pending &= ~SIGNAL_BIT(signal);
	process->pending &= ~SIGNAL_BIT(signal);
	return signal;
}

/*
 * All threads of a stopped process wait here, each when it comes by. What is
 * sent meanwhile waits, too (POSIX.1-2017, 2.4.3), and so must not end the wait.
 * The lock is held.
 */
static void stay_stopped(struct process *process)
{
	struct thread *thread = thread_current();
	uint32_t blocked = thread->blocked;
	uint32_t call = thread->interrupted_call; /* this wait is none */

	thread->blocked = ~0u;
	while (process->stopped && !thread->ending)
		process_wait(&process->resumed);
	thread->blocked = blocked;
	thread->interrupted_call = call;
}

static void stop(struct process *process, int signal)
{
	process->stopped = true;
	process->stop_signal = (uint8_t)signal;
	process->stop_unreported = true;
	process->continue_unreported = false;
	tell_parent(process);
	LIST_FOR_EACH(link, &process->threads)
	{
		struct thread *thread = LIST_ENTRY(link, struct thread, siblings);

		if (thread != thread_current())
			thread_interrupt(thread);
	}
}

/*
 * Enters the call that a signal has interrupted, which has returned -EINTR, again: where
 * a handler has run, if its line says `restarts` and the handler was set with SA_RESTART.
 * Without one always: EINTR is for a signal that was caught (POSIX.1-2017, 2.3), and who
 * was only stopped for a while has seen none.
 */
static void restart_call(const struct signal_action *action)
{
	uint32_t number = thread_current()->interrupted_call;

	if (number == NO_CALL)
		return;
	if (action == NULL
		|| (kSyscallDetails[number].restarts && action->flags & SA_RESTART))
		arch_restart_call(number);
	thread_current()->interrupted_call = NO_CALL;
}

/*
 * Takes signals until one has a handler to run, whose number it returns with
 * *_action, or until none is left: 0. The lock is held.
 */
static int take_until_handled(
	struct process *process, struct signal_action *_action, pid_t *_sender)
{
	int signal;

	stay_stopped(process);
	while (!thread_current()->ending && (signal = take_one(_sender)) != 0) {
		if (ignored(process, signal))
			continue;
		*_action = use_action(process, signal);
		if (_action->handler != SIG_DFL)
			return signal;
		if (SIGNAL_BIT(signal) & STOPS) {
			/* A terminal's stop is for those whom somebody can resume. */
			if (signal != SIGSTOP && process_group_orphaned(process->pgid))
				continue;
			stop(process, signal);
			stay_stopped(process);
			continue;
		}
		process_end(process, signal);
	}
	return 0;
}

static void end_for(struct process *process, int signal)
{
	process_lock();
	process_end(process, signal);
	process_unlock();
}

void signal_take(void)
{
	struct process *process = process_current();
	struct thread *thread = thread_current();
	struct signal_action action;
	pid_t sender = 0;
	int signal;

	process_lock();
	signal = take_until_handled(process, &action, &sender);
	process_unlock();
	if (thread->suspended && signal != 0) {
		/* POSIX, sigsuspend(): a handler ends it, whatever SA_RESTART says. */
		thread->interrupted_call = NO_CALL;
	} else if (thread->suspended) {
		signal_resume();
	}
	/* Without a handler: woken for a signal that another thread took, or that did
	 * nothing. */
	restart_call(signal != 0 ? &action : NULL);
	if (signal != 0 && !deliver(signal, &action, (uint32_t)sender, 0))
		end_for(process, SIGSEGV);
}

bool signal_fault(int signal, uintptr_t address)
{
	struct process *process = process_current();
	struct signal_action action;

	process_lock();
	action = process->signals.actions[signal];
	if (action.handler != SIG_DFL && action.handler != SIG_IGN
		&& !(thread_current()->blocked & SIGNAL_BIT(signal)))
		action = use_action(process, signal);
	else
		action.handler = SIG_DFL;
	process_unlock();
	return action.handler != SIG_DFL && deliver(signal, &action, 0, address);
}

void signal_reset(struct process *process)
{
	int signal;

	for (signal = 1; signal < SIGNAL_COUNT; signal++) {
		struct signal_action *action = &process->signals.actions[signal];

		if (action->handler != SIG_IGN)
			*action = (struct signal_action){.handler = SIG_DFL};
	}
}

/* ---- The calls ------------------------------------------------------------------- */

/* The lock is held. */
static int send(struct process *self, struct process *process, int signal)
{
	if (process == NULL)
		return -ESRCH;
	if (signal != 0)
		signal_send(process, signal, self->pid);
	return 0;
}

int _user_kill(pid_t pid, int signal)
{
	struct process *self = process_current();
	int error;

	if ((signal != 0 && !valid(signal)) || pid == -1 || pid == INT32_MIN)
		return -EINVAL;
	process_lock();
	error = pid > 0 ? send(self, process_find(pid), signal)
					: signal_send_group(pid == 0 ? self->pgid : -pid, signal, self->pid);
	process_unlock();
	return error;
}

int _user_sigaction(
	int signal, const struct signal_action *action, struct signal_action *old)
{
	struct process *process = process_current();

	if (!valid(signal) || (action != NULL && SIGNAL_BIT(signal) & NEVER_BLOCKED))
		return -EINVAL;
	process_lock();
	if (old != NULL)
		*old = process->signals.actions[signal];
	if (action != NULL) {
		process->signals.actions[signal] = *action;
		if (ignored(process, signal))
			process->pending &= ~SIGNAL_BIT(signal);
	}
	process_unlock();
	return 0;
}

/* -EINVAL when `how` is nothing. */
static int change_mask(uint32_t *_blocked, int how, uint32_t mask)
{
	switch (how) {
	case SIG_BLOCK:
		*_blocked |= mask;
		break;
	case SIG_UNBLOCK:
		*_blocked &= ~mask;
		break;
	case SIG_SETMASK:
		*_blocked = mask;
		break;
	default:
		return -EINVAL;
	}
	*_blocked &= ~NEVER_BLOCKED;
	return 0;
}

int _user_sigprocmask(int how, const uint32_t *mask, uint32_t *old)
{
	struct thread *thread = thread_current();
	uint32_t before = thread->blocked;
	uint32_t blocked = before;

	if (mask != NULL) {
		int error = change_mask(&blocked, how, *mask);

		if (error != 0)
			return error;
		change_blocked(blocked);
	}
	if (old != NULL)
		*old = before;
	if (signal_pending(thread))
		arch_request_return_work();
	return 0;
}

int _user_sigpending(uint32_t *set)
{
	const struct thread *thread = thread_current();

	*set = (thread->pending | thread->process->pending) & thread->blocked;
	return 0;
}

/* A signal that is pending under the new mask ends the wait at once. What it does then
 * is signal_take()'s. */
void signal_suspend(uint32_t mask)
{
	struct thread *thread = thread_current();

	thread->blocked_before = thread->blocked;
	thread->suspended = true;
	change_blocked(mask & ~NEVER_BLOCKED);
}

void signal_resume(void)
{
	struct thread *thread = thread_current();

	change_blocked(thread->blocked_before);
	thread->suspended = false;
}

int _user_sigsuspend(uint32_t mask)
{
	signal_suspend(mask);
	while (wait_on(NULL, NULL, NO_DEADLINE) != -EINTR)
		;
	return -EINTR;
}

uint32_t _user_sigreturn(uint32_t context)
{
	uint32_t mask, result;

	if (arch_signal_leave(context, &mask, &result) != 0) {
		end_for(process_current(), SIGSEGV);
		return 0;
	}
	change_blocked(mask & ~NEVER_BLOCKED);
	return result;
}

/* The longest that a timer can run; what is later comes then. */
#define TIMER_MAX (INT64_MAX / 4)

static void ring(void *argument)
{
	struct process *process = argument;

	process_lock();
	signal_send(process, SIGALRM, 0);
	/* From now, not from when it was due: what is late does not come twice. */
	if (process->alarm_interval > 0 && !process->ending)
		timer_start(
			&process->alarm, arch_system_time() + process->alarm_interval, ring, process);
	process_unlock();
}

/* What was left of the time before, as timer_left() has it. */
static time_us_t set_alarm(struct process *process, time_us_t time, time_us_t interval)
{
	/* It waits for ring(), which takes the lock. */
	time_us_t left = timer_stop(&process->alarm);

	process_lock();
	process->alarm_interval = time > 0 && interval > TIMER_MAX ? TIMER_MAX : interval;
	if (time > 0)
		timer_start(&process->alarm,
			arch_system_time() + (time > TIMER_MAX ? TIMER_MAX : time), ring, process);
	process_unlock();
	return left;
}

uint32_t _user_alarm(uint32_t seconds)
{
	time_us_t left = set_alarm(process_current(), (time_us_t)seconds * 1000000, 0);

	/* To the nearest second, but never 0 for a time that is left. */
	return left > 0 && left < 1000000 ? 1 : (uint32_t)((left + 500000) / 1000000);
}

int _user_setitimer(const struct timer_value *value, struct timer_value *old)
{
	struct process *process = process_current();

	if (value != NULL && (value->left < 0 || value->interval < 0))
		return -EINVAL;
	if (old != NULL) {
		process_lock();
		*old = (struct timer_value){timer_left(&process->alarm), process->alarm_interval};
		process_unlock();
	}
	if (value != NULL)
		set_alarm(process, value->left, value->interval);
	return 0;
}
