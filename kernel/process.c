/* Processes; see process.h. */
#include "kernel/process.h"
#include "kernel/address_space.h"
#include "kernel/arch.h"
#include "kernel/ext2_vnode.h"
#include "kernel/file_table.h"
#include "kernel/format.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/main.h"
#include "kernel/panic.h"
#include "kernel/program.h"
#include "kernel/string.h"
#include "kernel/terminal.h"
#include "kernel/user_memory.h"
#include "kernel/vfs.h"
#include <postern/errno.h>

/* Statuses of the machine; a program's own are 0 to STATUS_LAST_OWN. */
enum { STATUS_LAST_OWN = 123, STATUS_FAULT = 123, STATUS_NO_PROGRAM = 127 };

#define HASH_SLOTS 256u

static struct spinlock sLock = SPINLOCK("process", RANK_PROCESS);
static struct list sProcesses = {&sProcesses, &sProcesses};
static struct list sByPid[HASH_SLOTS];
static unsigned sProcessCount, sProcessLimit = UINT32_MAX;
static struct process *sFirst;

void process_lock(void)
{
	spin_lock(&sLock);
}

void process_unlock(void)
{
	spin_unlock(&sLock);
}

int process_wait(struct wait_queue *queue)
{
	return wait_on(queue, &sLock, NO_DEADLINE);
}

void process_set_limit(unsigned limit)
{
	sProcessLimit = limit;
}

struct process *process_current(void)
{
	const struct thread *thread = thread_current();

	return thread != NULL ? thread->process : NULL;
}

const char *process_name(void)
{
	struct process *process = process_current();

	return process != NULL ? process->path : NULL;
}

static struct list *slot_of(pid_t pid)
{
	return list_made(&sByPid[(uint32_t)pid % HASH_SLOTS]);
}

struct process *process_find(pid_t pid)
{
	struct list *slot = slot_of(pid);

	ASSERT(spin_held(&sLock));
	LIST_FOR_EACH(link, slot)
	{
		struct process *process = LIST_ENTRY(link, struct process, hashed);

		if (process->pid == pid)
			return process;
	}
	return NULL;
}

struct process *process_next_of_group(pid_t group, struct process *after)
{
	struct list *link = after != NULL ? after->all.next : sProcesses.next;

	for (; link != &sProcesses; link = link->next) {
		struct process *process = LIST_ENTRY(link, struct process, all);

		if (process->pgid == group && process->state != PROCESS_ZOMBIE)
			return process;
	}
	return NULL;
}

bool process_group_exists(pid_t group)
{
	return process_next_of_group(group, NULL) != NULL;
}

bool process_group_orphaned(pid_t group)
{
	struct process *process = NULL;

	while ((process = process_next_of_group(group, process)) != NULL) {
		if (process->parent != NULL && process->parent->pgid != group)
			return false;
	}
	return true;
}

bool process_is_ancestor(const struct process *ancestor, const struct process *process)
{
	for (; process != NULL; process = process->parent) {
		if (process == ancestor)
			return true;
	}
	return false;
}

void process_visit(bool (*visit)(struct process *process, void *context), void *context)
{
	LIST_FOR_EACH(link, &sProcesses)
	{
		if (!visit(LIST_ENTRY(link, struct process, all), context))
			return;
	}
}

enum process_state process_state(const struct process *process)
{
	if (process->state != PROCESS_RUNNING)
		return process->state;
	/* Their states change under other locks: what is told is how they just were. */
	LIST_FOR_EACH(link, &process->threads)
	{
		const struct thread *thread = LIST_ENTRY(link, struct thread, siblings);

		if (__atomic_load_n(&thread->state, __ATOMIC_RELAXED) != THREAD_WAITING)
			return PROCESS_RUNNING;
	}
	return process->stopped ? PROCESS_STOPPED : PROCESS_WAITING;
}

void process_usage(struct process *process, uint64_t *_ticks, uint64_t *_calls)
{
	*_ticks = process->ended_ticks;
	*_calls = process->ended_calls;
	LIST_FOR_EACH(link, &process->threads)
	{
		uint64_t ticks, calls;

		thread_usage(LIST_ENTRY(link, struct thread, siblings), &ticks, &calls);
		*_ticks += ticks;
		*_calls += calls;
	}
}

/* ---- Programs --------------------------------------------------------------------- */

static void set_program(struct process *process, const struct program *program,
	const char *path, const char *const *arguments)
{
	size_t used = 0;
	size_t i;

	process->program = program->file;
	process->space = program->space;
	strlcpy(process->path, path, sizeof process->path);
	process->command[0] = '\0';
	for (i = 0; arguments[i] != NULL && used < sizeof process->command; i++) {
		if (i > 0 && used + 1 < sizeof process->command)
			process->command[used++] = ' ';
		used += strlcpy(
			process->command + used, arguments[i], sizeof process->command - used);
	}
}

/* ---- Making them ------------------------------------------------------------------ */

/* One that nobody knows yet, and its first thread; NULL without memory. */
static struct process *allocate_process(struct thread **_first)
{
	struct process *process = heap_allocate(sizeof *process);
	struct thread *thread = thread_allocate();

	if (process == NULL || thread == NULL) {
		heap_free(process);
		if (thread != NULL)
			thread_discard(thread);
		return NULL;
	}
	*_first = thread;
	list_init(&process->all);
	list_init(&process->hashed);
	list_init(&process->children);
	list_init(&process->sibling);
	list_init(&process->threads);
	list_init(&process->exited);
	wait_queue_init(&process->child_ended);
	wait_queue_init(&process->alone);
	wait_queue_init(&process->resumed);
	timer_init(&process->alarm);
	process->state = PROCESS_NEW;
	process->started = arch_system_time();
	return process;
}

/* Frees one that nobody knows. */
static void discard_process(struct process *process, struct thread *first)
{
	thread_discard(first);
	files_exit(process);
	vnode_put(process->program);
	if (process->space != NULL)
		address_space_destroy(process->space);
	heap_free(process);
}

/*
 * Makes it known, with its first thread, whose number is the process's, too.
 * False where there are too many. The lock is held.
 */
static bool register_process(
	struct process *process, struct thread *thread, struct process *parent)
{
	if (sProcessCount >= sProcessLimit || !thread_register(thread, process))
		return false;
	process->pid = thread->tid;
	process->parent = parent;
	process->pgid = parent != NULL ? parent->pgid : process->pid;
	list_add(&sProcesses, &process->all);
	list_add(slot_of(process->pid), &process->hashed);
	if (parent != NULL)
		list_add(&parent->children, &process->sibling);
	sProcessCount++;
	return true;
}

void process_forget_exited(struct process *process, unsigned limit)
{
	while (process->exited_count > limit) {
		struct exited *oldest = LIST_ENTRY(process->exited.next, struct exited, link);

		list_remove(&oldest->link);
		heap_free(oldest);
		process->exited_count--;
	}
}

/* The lock is held; its memory is gone already. */
static void free_process(struct process *process)
{
	ASSERT(process->space == NULL && process->thread_count == 0);
	list_remove(&process->all);
	list_remove(&process->hashed);
	list_remove(&process->sibling);
	process_forget_exited(process, 0);
	heap_free(process);
	sProcessCount--;
}

static pid_t make_process(struct process *parent, const char *path,
	const char *const *arguments, const char *const *environment,
	struct process **_process, const char **_why)
{
	struct thread *thread;
	struct process *process = allocate_process(&thread);
	struct program program;
	pid_t pid;
	int error;

	if (process == NULL)
		return -ENOMEM;
	error = program_load(path, arguments, environment, &program, _why);
	if (error != 0) {
		discard_process(process, thread);
		return error;
	}
	set_program(process, &program, path, arguments);
	error = parent != NULL ? files_fork(process, parent) : files_create(process);
	if (error != 0) {
		discard_process(process, thread);
		return error;
	}
	process_lock();
	if (!register_process(process, thread, parent)) {
		process_unlock();
		discard_process(process, thread);
		return -EAGAIN;
	}
	arch_thread_start_at(&thread->arch, program.elf.entry, program.stack);
	*_process = process;
	pid = process->pid;
	process_unlock();
	return pid;
}

pid_t process_make(
	const char *path, const char *const *arguments, const char *const *environment)
{
	struct process *process;
	const char *why;

	return make_process(process_current(), path, arguments, environment, &process, &why);
}

pid_t process_fork(void)
{
	struct process *parent = process_current();
	struct thread *self = thread_current();
	struct thread *thread;
	struct process *process = allocate_process(&thread);
	pid_t pid;

	if (process == NULL)
		return -ENOMEM;
	if (!signal_begin_fork()) {
		discard_process(process, thread);
		return -EAGAIN; /* which nobody sees: the thread ends before it is back */
	}
	process->space =
		address_space_clone(parent->space, arch_frame_sp(arch_current_user_frame()));
	if (process->space == NULL) {
		discard_process(process, thread);
		return -ENOMEM;
	}
	if (files_fork(process, parent) != 0) {
		discard_process(process, thread);
		return -ENOMEM;
	}
	process->program = parent->program;
	vnode_reference(process->program);
	memcpy(process->path, parent->path, sizeof process->path);
	memcpy(process->command, parent->command, sizeof process->command);
	process_lock();
	if (!register_process(process, thread, parent)) {
		process_unlock();
		discard_process(process, thread);
		return -EAGAIN;
	}
	process->signals = parent->signals;
	thread->blocked = self->blocked;
	/* The child's one thread has a copy of the stack, too, and gives it back. */
	thread->made_stack = self->made_stack;
	thread->made_stack_size = self->made_stack_size;
	arch_thread_fork(&thread->arch, &self->arch, 0);
	pid = process->pid;
	process_begin(process);
	signal_end_fork(process);
	process_unlock();
	return pid;
}

void process_begin(struct process *process)
{
	ASSERT(spin_held(&sLock));
	ASSERT(process->state == PROCESS_NEW);
	process->state = PROCESS_RUNNING;
	thread_make_ready(LIST_ENTRY(process->threads.next, struct thread, siblings));
}

/* ---- Exec ------------------------------------------------------------------------- */

/* 0, or -EINTR when somebody ends this one, too. */
static int end_other_threads(struct process *process)
{
	struct thread *self = thread_current();
	uint32_t blocked;
	int error = 0;

	process_lock();
	if (self->ending) { /* another thread's exec was first, or the process ends */
		process_unlock();
		return -EINTR;
	}
	LIST_FOR_EACH(link, &process->threads)
	{
		struct thread *thread = LIST_ENTRY(link, struct thread, siblings);

		if (thread != self) {
			thread->ending = true;
			thread_interrupt(thread);
		}
	}
	/* There is no way back from here: signals wait for the new program. */
	blocked = self->blocked;
	self->blocked = ~0u;
	while (process->thread_count > 1 && error == 0)
		error = process_wait(&process->alone);
	self->blocked = blocked;
	process_unlock();
	return error;
}

/* The running thread is the only one, and the new program's first. */
static void become_first_thread(struct process *process)
{
	struct thread *thread = thread_current();

	process_lock();
	process_forget_exited(process, 0);
	thread->made_stack = 0; /* it goes with the old memory */
	if (thread->tid != process->pid)
		thread_renumber(thread, process->pid);
	process_unlock();
}

int process_exec(
	const char *path, const char *const *arguments, const char *const *environment)
{
	struct process *process = process_current();
	struct thread *thread = thread_current();
	struct address_space *old = process->space;
	struct vnode *before;
	struct program program;
	const char *why;
	int error = program_load(path, arguments, environment, &program, &why);

	if (error != 0)
		return error;
	error = end_other_threads(process);
	if (error != 0) {
		address_space_destroy(program.space);
		vnode_put(program.file);
		return error;
	}
	become_first_thread(process);
	files_exec(process);
	before = process->program;
	process_lock();
	set_program(process, &program, path, arguments);
	signal_reset(process);
	thread->space = program.space;
	process_unlock();
	arch_space_activate(&program.space->arch);
	address_space_destroy(old);
	vnode_put(before);
	arch_thread_restart_at(&thread->arch, program.elf.entry, program.stack);
	return 0;
}

/* ---- The first program ------------------------------------------------------------ */

void process_load_first(const char *const *arguments)
{
	const char *path = arguments[0];
	const char *why = NULL;
	int error = make_process(NULL, path, arguments, NULL, &sFirst, &why);

	if (error < 0) {
		log_error("process: %s: %s%s", path,
			error == -ENOENT	? "no such program"
			: error == -EISDIR	? "is a directory"
			: error == -EACCES	? "is no regular file"
			: error == -ENOEXEC ? "not a program for this system: "
								: "not enough memory",
			error == -ENOEXEC && why != NULL ? why : "");
		disks_shut_down();
		kernel_end(STATUS_NO_PROGRAM);
	}
	terminal_set_foreground(sFirst->pgid);
	log_debug("process: %s is process %d", path, sFirst->pid);
}

void process_start_first(void)
{
	log_set_screen(false);
	process_lock();
	process_begin(sFirst);
	process_unlock();
	thread_run_idle();
}

/* ---- The end ---------------------------------------------------------------------- */

void process_shut_down(void)
{
	if (vfs_sync() != 0)
		log_error("files: not everything could be written back");
	disks_shut_down();
	terminal_drain();
}

/* The machine ends as its first program did. */
static void end_machine(const struct process *process)
{
	int status = WAIT_EXIT_STATUS(process->status);

	if (!WAIT_EXITED(process->status)) {
		status = STATUS_FAULT;
	} else if (status > STATUS_LAST_OWN) {
		log_warn("process: %s: exit status %d is not in 0 to %d, reported as %d",
			process->path, status, STATUS_LAST_OWN, STATUS_LAST_OWN);
		status = STATUS_LAST_OWN;
	}
	process_shut_down();
	kernel_end(status);
}

/*
 * What needs a thread of the process that may wait: the last one that ends does
 * it. The others, if any are left, use none of this any more.
 */
static void tear_down(struct process *process)
{
	struct address_space *space = process->space;

	/* Closing may sleep, and ends what others wait for at a pipe's other end. */
	files_exit(process);
	if (process == sFirst)
		end_machine(process);
	timer_stop(&process->alarm);
	vnode_put(process->program);
	process->program = NULL;
	process_lock();
	process->space = NULL;
	process_unlock();
	address_space_destroy(space);
}

/*
 * A group that has lost the last one who could resume it, and of which something is
 * stopped, hears of it and goes on: POSIX.1-2017, _exit(). The lock is held.
 */
static void resume_orphaned(pid_t group)
{
	struct process *process = NULL;
	bool any_stopped = false;

	while ((process = process_next_of_group(group, process)) != NULL)
		any_stopped = any_stopped || process->stopped;
	if (!any_stopped || !process_group_orphaned(group))
		return;
	signal_send_group(group, SIGHUP, 0);
	signal_send_group(group, SIGCONT, 0);
}

/* No thread is left. The lock is held. */
static void become_zombie(struct process *process)
{
	struct process *parent = process->parent;

	process->state = PROCESS_ZOMBIE;
	LIST_FOR_EACH_SAFE(link, following, &process->children)
	{
		struct process *child = LIST_ENTRY(link, struct process, sibling);

		list_remove(&child->sibling);
		child->parent = NULL;
		if (child->state == PROCESS_ZOMBIE)
			free_process(child);
		else if (child->state == PROCESS_NEW) /* nobody is left to start it */
			process_end(child, SIGKILL);
		else if (child->pgid != process->pgid)
			resume_orphaned(child->pgid);
	}
	if (parent == NULL) {
		free_process(process);
		return;
	}
	if (parent->pgid != process->pgid)
		resume_orphaned(process->pgid);
	signal_send(parent, SIGCHLD, process->pid);
	if (signal_wants_no_zombies(parent))
		free_process(process);
	/* Also for who finds only then that there is no child any more. */
	wait_queue_wake(&parent->child_ended, UINT32_MAX);
}

void process_reap(struct process *process)
{
	struct process *parent = process->parent;

	ASSERT(process->state == PROCESS_ZOMBIE);
	parent->children_ticks += process->ended_ticks + process->children_ticks;
	parent->children_calls += process->ended_calls + process->children_calls;
	free_process(process);
}

void process_end(struct process *process, int32_t status)
{
	ASSERT(spin_held(&sLock));
	if (process->ending || process->state == PROCESS_ZOMBIE)
		return;
	process->ending = true;
	process->status = status;
	LIST_FOR_EACH(link, &process->threads)
	{
		struct thread *thread = LIST_ENTRY(link, struct thread, siblings);

		thread->ending = true;
		thread_interrupt(thread);
	}
	wait_queue_wake(&process->resumed, UINT32_MAX);
	/* It starts only to find that it has to end. */
	if (process->state == PROCESS_NEW)
		process_begin(process);
}

void process_end_thread(void)
{
	struct thread *thread = thread_current();
	struct process *process = thread->process;
	bool last;

	arch_interrupts_restore(true);
	signal_take_no_more(); /* what comes from here on is for the others */
	if (thread->made_stack != 0)
		address_space_remove(process->space, thread->made_stack, thread->made_stack_size);
	thread->space = NULL; /* so that arch_space_flush() leaves it, where it is the last */
	process_lock();
	last = --process->live == 0;
	process_unlock();
	if (last)
		tear_down(process);
	thread_exit_current();
}

void process_thread_gone(struct thread *thread)
{
	struct process *process = thread->process;
	uint64_t ticks, calls;

	process_lock();
	thread_usage(thread, &ticks, &calls);
	process->ended_ticks += ticks;
	process->ended_calls += calls;
	if (thread->told) {
		list_add(&process->exited, &thread->exited->link);
		thread->exited = NULL;
		process->exited_count++;
		process_forget_exited(process, EXITED_MAX);
	}
	wait_queue_wake(&thread->joiners, UINT32_MAX);
	thread_destroy(thread);
	if (process->thread_count == 1)
		wait_queue_wake(&process->alone, UINT32_MAX);
	else if (process->thread_count == 0)
		become_zombie(process);
	process_unlock();
}

/* ---- Faults ------------------------------------------------------------------------ */

int process_handle_fault(uintptr_t address, unsigned access)
{
	struct thread *thread = thread_current();

	if (thread == NULL || thread->space == NULL)
		return -EFAULT;
	return address_space_fault(thread->space, address, access);
}

static void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void report(const char *format, ...)
{
	char line[200];
	va_list arguments;

	va_start(arguments, format);
	format_string_v(line, sizeof line, format, arguments);
	va_end(arguments);
	log_raw(line, strlen(line));
	arch_screen_write(line, strlen(line));
}

static void print_address(const struct elf_source *source, uintptr_t address,
	bool is_return, void (*print)(const char *format, ...))
{
	char name[81];
	uint32_t offset;
	uintptr_t back = is_return ? 1 : 0;

	if (address >= COMMPAGE_BASE)
		print("  0x%08x commpage+0x%x\n", (unsigned)address,
			(unsigned)(address - COMMPAGE_BASE));
	else if (elf_find_symbol(source, address - back, name, sizeof name, &offset))
		print("  0x%08x %s+0x%x\n", (unsigned)address, name, (unsigned)(offset + back));
	else
		print("  0x%08x ?\n", (unsigned)address);
}

void process_print_address(
	uintptr_t address, bool is_return, void (*print)(const char *format, ...))
{
	struct elf_source source = program_source(process_current()->program);

	print_address(&source, address, is_return, print);
}

void process_print_address_in_panic(
	uintptr_t address, void (*print)(const char *format, ...))
{
	struct elf_source source = program_source_in_panic(process_current()->program);

	print_address(&source, address, false, print);
}

#define BACKTRACE_MAX 24

/* Reports of faults at the same moment come one after the other. */
static struct mutex sReport = MUTEX(sReport, "fault report");

void process_fault(const struct iframe *frame, const char *what, int signal)
{
	struct process *process = process_current();
	uintptr_t fp = arch_frame_fp(frame);
	unsigned depth;

	mutex_lock(&sReport);
	report("fault: %s: %s\n", process->path, what);
	process_print_address(arch_frame_ip(frame), false, report);
	arch_print_frame(frame, report);
	report("  called from\n");
	for (depth = 0; depth < BACKTRACE_MAX; depth++) {
		uintptr_t link[2]; /* the caller's frame pointer, the return address */

		if (!user_range_valid(fp, sizeof link) || user_copy_in(link, fp, sizeof link) != 0
			|| link[1] == 0)
			break;
		process_print_address(link[1], true, report);
		if (link[0] <= fp) /* stacks grow down: anything else is no chain */
			break;
		fp = link[0];
	}
	mutex_unlock(&sReport);
	process_lock();
	process_end(process, signal);
	process_unlock();
	process_end_thread();
}
