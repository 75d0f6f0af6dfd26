/* The system calls about processes; syscalls.def says what each does. */
#include "kernel/arch.h"
#include "kernel/address_space.h"
#include "kernel/process.h"
#include "kernel/string.h"
#include "syscall_handlers.h"

pid_t _user_fork(void)
{
	struct process *child;
	int error = process_fork(&child);

	if (error != 0)
		return error;
	process_begin(child);
	return child->pid;
}

int _user_exec(const char *path, const char *const *argv, const char *const *envp)
{
	return process_exec(path, argv, envp);
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

		if (pid != -1 && child->pid != pid)
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

pid_t _user_wait(pid_t pid, int *status, int options)
{
	struct process *self = process_current();

	if ((options & ~(WAIT_NO_HANG | WAIT_STOPPED | WAIT_CONTINUED)) != 0 || pid == 0
		|| pid < -1)
		return -EINVAL;
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
		error = wait_on(&self->child_ended, NO_DEADLINE);
		if (error != 0)
			return error;
	}
}

pid_t _user_getpid(void)
{
	return process_current()->pid;
}

pid_t _user_getppid(void)
{
	struct process *parent = process_current()->parent;

	return parent != NULL ? parent->pid : 0;
}

pid_t _user_process_create(
	const char *path, const char *const *argv, const char *const *envp)
{
	struct process *child;
	int error = process_make(path, argv, envp, &child);

	return error != 0 ? error : child->pid;
}

int _user_process_start(pid_t pid)
{
	struct process *child = process_find(pid);

	if (child == NULL || child->parent != process_current())
		return -ESRCH;
	if (child->state != PROCESS_NEW)
		return -EINVAL;
	process_begin(child);
	return 0;
}

int _user_process_delete(pid_t pid)
{
	struct process *process = process_find(pid);

	if (process == NULL || process->state == PROCESS_ZOMBIE)
		return -ESRCH;
	if (!process_is_ancestor(process_current(), process))
		return -EPERM;
	process_end(process, SIGKILL);
	return 0;
}

struct status_visit {
	struct user_out entries;
	size_t room;
	size_t count;
	int error;
};

static bool write_status(const struct process *process, void *context)
{
	struct status_visit *visit = context;
	struct process_status status;

	if (visit->count < visit->room) {
		memset(&status, 0, sizeof status);
		status.pid = process->pid;
		status.parent = process->parent != NULL ? process->parent->pid : 0;
		status.state = process->state;
		status.threads = process->thread_count;
		status.pages = process->space != NULL ? process->space->resident : 0;
		status.cpu_time = (time_us_t)process_ticks(process) * 1000;
		status.started = process->started;
		strlcpy(status.name, process->path, sizeof status.name);
		status.calls = process_calls(process);
		visit->error = user_out_write(
			visit->entries, visit->count * sizeof status, &status, sizeof status);
		if (visit->error != 0)
			return false;
	}
	visit->count++;
	return true;
}

ssize_t _user_process_status(struct user_out entries, size_t count)
{
	struct status_visit visit = {.entries = entries, .room = count};

	process_visit(write_status, &visit);
	return visit.error != 0 ? visit.error : (ssize_t)visit.count;
}

ssize_t _user_process_get_name(pid_t pid, struct user_out buffer, size_t size)
{
	static const char kEnd = '\0';
	const struct process *process = process_find(pid);
	size_t length, count;
	int error;

	if (size == 0)
		return -EINVAL;
	if (process == NULL)
		return -ESRCH;
	length = strlen(process->command);
	count = length < size ? length : size - 1;
	if ((error = user_out_write(buffer, 0, process->command, count)) != 0
		|| (error = user_out_write(buffer, count, &kEnd, 1)) != 0)
		return error;
	return (ssize_t)length;
}
