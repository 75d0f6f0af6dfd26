/* The system calls about processes; syscalls.def says what each does. */
#include "kernel/arch.h"
#include "kernel/address_space.h"
#include "kernel/heap.h"
#include "kernel/process.h"
#include "kernel/string.h"
#include "syscall_handlers.h"

pid_t _user_fork(void)
{
	return process_fork();
}

int _user_exec(const char *path, const char *const *argv, const char *const *envp)
{
	return process_exec(path, argv, envp);
}

/* Whether the `pid` of wait() means `child`. */
static bool is_meant(const struct process *parent, const struct process *child, pid_t pid)
{
	if (pid > 0)
		return child->pid == pid;
	return pid == -1 || child->pgid == (pid == 0 ? parent->pgid : -pid);
}

/*
 * A child that `pid` means and that has something to tell, which is put into
 * *_status; *_any: whether there is one at all. What is told of a child that
 * lives is told once.
 */
static struct process *find_told(
	struct process *parent, pid_t pid, int options, bool *_any, int *_status)
{
	*_any = false;
	LIST_FOR_EACH(link, &parent->children)
	{
		struct process *child = LIST_ENTRY(link, struct process, sibling);

		if (!is_meant(parent, child, pid))
			continue;
		*_any = true;
		if (child->state == PROCESS_ZOMBIE) {
			*_status = child->status;
			return child;
		}
		if (options & WAIT_STOPPED && child->stop_unreported) {
			child->stop_unreported = false;
			*_status = WAIT_STATUS_STOPPED(child->stop_signal);
			return child;
		}
		if (options & WAIT_CONTINUED && child->continue_unreported) {
			child->continue_unreported = false;
			*_status = WAIT_STATUS_CONTINUED;
			return child;
		}
	}
	return NULL;
}

/* The lock is held. */
static pid_t wait_for(struct process *self, pid_t pid, int *status, int options)
{
	for (;;) {
		bool any;
		int told;
		struct process *child = find_told(self, pid, options, &any, &told);
		int error;

		if (child != NULL) {
			pid = child->pid;
			if (status != NULL)
				*status = told;
			if (child->state == PROCESS_ZOMBIE)
				process_reap(child);
			return pid;
		}
		if (!any)
			return -ECHILD;
		if (options & WAIT_NO_HANG)
			return 0;
		error = process_wait(&self->child_ended);
		if (error != 0)
			return error;
	}
}

pid_t _user_wait(pid_t pid, int *status, int options)
{
	if ((options & ~(WAIT_NO_HANG | WAIT_STOPPED | WAIT_CONTINUED)) != 0
		|| pid == INT32_MIN)
		return -EINVAL;
	process_lock();
	pid = wait_for(process_current(), pid, status, options);
	process_unlock();
	return pid;
}

pid_t _user_getpid(void)
{
	return process_current()->pid;
}

pid_t _user_getppid(void)
{
	struct process *parent;
	pid_t pid;

	process_lock();
	parent = process_current()->parent;
	pid = parent != NULL ? parent->pid : 0;
	process_unlock();
	return pid;
}

/* The lock is held. */
static int set_group(struct process *self, pid_t pid, pid_t pgid)
{
	struct process *process = pid == 0 ? self : process_find(pid);

	if (process == NULL || process->state == PROCESS_ZOMBIE
		|| (process != self && process->parent != self))
		return -ESRCH;
	if (pgid == 0)
		pgid = process->pid;
	if (pgid != process->pid && !process_group_exists(pgid))
		return -EPERM;
	process->pgid = pgid;
	return 0;
}

int _user_setpgid(pid_t pid, pid_t pgid)
{
	int error;

	if (pgid < 0)
		return -EINVAL;
	process_lock();
	error = set_group(process_current(), pid, pgid);
	process_unlock();
	return error;
}

pid_t _user_getpgid(pid_t pid)
{
	const struct process *process;

	process_lock();
	process = pid == 0 ? process_current() : process_find(pid);
	pid = process != NULL ? process->pgid : -ESRCH;
	process_unlock();
	return pid;
}

pid_t _user_process_create(
	const char *path, const char *const *argv, const char *const *envp)
{
	return process_make(path, argv, envp);
}

/* These two have the lock held. */
static int start_child(const struct process *self, struct process *child)
{
	if (child == NULL || child->parent != self)
		return -ESRCH;
	if (child->state != PROCESS_NEW)
		return -EINVAL;
	process_begin(child);
	return 0;
}

static int delete_process(const struct process *self, struct process *process)
{
	if (process == NULL || process->state == PROCESS_ZOMBIE)
		return -ESRCH;
	if (!process_is_ancestor(self, process))
		return -EPERM;
	process_end(process, SIGKILL);
	return 0;
}

int _user_process_start(pid_t pid)
{
	int error;

	process_lock();
	error = start_child(process_current(), process_find(pid));
	process_unlock();
	return error;
}

int _user_process_delete(pid_t pid)
{
	int error;

	process_lock();
	error = delete_process(process_current(), process_find(pid));
	process_unlock();
	return error;
}

struct status_visit {
	struct process_status *statuses;
	size_t room;
	size_t count;
};

static time_us_t ticks_to_time(uint64_t ticks)
{
	return (time_us_t)ticks * 1000;
}

static void describe(struct process *process, struct process_status *status)
{
	uint64_t ticks;

	memset(status, 0, sizeof *status);
	process_usage(process, &ticks, &status->calls);
	status->pid = process->pid;
	status->parent = process->parent != NULL ? process->parent->pid : 0;
	status->state = process_state(process);
	status->threads = process->thread_count;
	status->pages = process->space != NULL ? process->space->resident : 0;
	status->cpu_time = ticks_to_time(ticks);
	status->started = process->started;
	strlcpy(status->name, process->path, sizeof status->name);
	status->children_time = ticks_to_time(process->children_ticks);
	status->children_calls = process->children_calls;
}

static bool visit_status(struct process *process, void *context)
{
	struct status_visit *visit = context;

	if (visit->count < visit->room)
		describe(process, &visit->statuses[visit->count]);
	visit->count++;
	return true;
}

/*
 * All at one moment, for which the lock is held; so they go to the program from
 * memory of the kernel's, which is allocated before it is known how much it takes.
 */
ssize_t _user_process_status(struct user_out entries, size_t count)
{
	struct status_visit visit = {.room = 16};
	ssize_t result;
	int error;

	for (;;) {
		if (visit.room > count)
			visit.room = count;
		visit.statuses = heap_allocate(visit.room * sizeof visit.statuses[0]);
		if (visit.statuses == NULL)
			return -ENOMEM;
		visit.count = 0;
		process_lock();
		process_visit(visit_status, &visit);
		process_unlock();
		if (visit.count <= visit.room || visit.room == count)
			break;
		heap_free(visit.statuses);
		visit.room = visit.count + visit.count / 4; /* and some that come meanwhile */
	}
	result = (ssize_t)visit.count;
	if (visit.room > visit.count)
		visit.room = visit.count;
	error =
		user_out_write(entries, 0, visit.statuses, visit.room * sizeof visit.statuses[0]);
	heap_free(visit.statuses);
	return error != 0 ? error : result;
}

ssize_t _user_process_get_name(pid_t pid, struct user_out buffer, size_t size)
{
	char command[PROCESS_COMMAND_MAX];
	const struct process *process;
	size_t length;
	int error;

	if (size == 0)
		return -EINVAL;
	process_lock();
	process = process_find(pid);
	if (process != NULL)
		strlcpy(command, process->command, sizeof command);
	process_unlock();
	if (process == NULL)
		return -ESRCH;
	length = strlen(command);
	if (length >= size)
		command[size - 1] = '\0';
	error = user_out_write(buffer, 0, command, length < size ? length + 1 : size);
	return error != 0 ? error : (ssize_t)length;
}
