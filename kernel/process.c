/*
 * Processes; see process.h. The program start state is that of the i386 System
 * V ABI, fourth edition, 3-27 ff., and the auxiliary vector's.
 */
#include "kernel/process.h"
#include "kernel/address_space.h"
#include "kernel/arch.h"
#include "kernel/elf.h"
#include "kernel/ext2_vnode.h"
#include "kernel/file_table.h"
#include "kernel/format.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/main.h"
#include "kernel/page_allocator.h"
#include "kernel/panic.h"
#include "kernel/string.h"
#include "kernel/random.h"
#include "kernel/terminal.h"
#include "kernel/user_memory.h"
#include "kernel/vfs.h"
#include <postern/auxv.h>
#include <postern/errno.h>

#define STACK_TOP KERNEL_BASE
#define STACK_SIZE (8u << 20)			/* a page at a time, on demand */
#define ARGUMENT_BYTES_MAX (128u << 10) /* of strings on a first stack */

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

/* ---- Writing into an address space that is not in use ------------------------- */

/* The kernel's address of a user address that has a region, or NULL: no memory. */
static char *reach(struct address_space *space, uintptr_t address)
{
	uintptr_t offset = address % PAGE_SIZE;
	unsigned protection;
	uint32_t page = arch_space_lookup(&space->arch, address - offset, &protection);

	if (page == PAGE_NONE) {
		if (!address_space_fault(space, address, PAGE_READABLE))
			return NULL;
		page = arch_space_lookup(&space->arch, address - offset, &protection);
	}
	return (char *)arch_physical_to_virtual(page) + offset;
}

/* Copies to a range that has a region, whatever its protection. 0 or -ENOMEM. */
static int fill(
	struct address_space *space, uintptr_t address, const void *bytes, size_t size)
{
	const uint8_t *from = bytes;

	while (size > 0) {
		uintptr_t room = PAGE_SIZE - address % PAGE_SIZE;
		size_t count = room < size ? room : size;
		char *to = reach(space, address);

		if (to == NULL)
			return -ENOMEM;
		memcpy(to, from, count);
		address += count;
		from += count;
		size -= count;
	}
	return 0;
}

/* Reads `size` bytes of a file; -EIO where it is shorter. */
static int read_file(struct vnode *vnode, uint64_t position, void *to, size_t size)
{
	struct io io;
	int error;

	io_init_kernel(&io, to, size);
	mutex_lock(&vnode->lock);
	error = vnode->operations->read(vnode, (off_t)position, &io);
	mutex_unlock(&vnode->lock);
	return error == 0 && io.left > 0 ? -EIO : error;
}

/* The same, to a range that has a region. */
static int fill_from(struct address_space *space, uintptr_t address, struct vnode *vnode,
	uint64_t position, size_t size)
{
	while (size > 0) {
		uintptr_t room = PAGE_SIZE - address % PAGE_SIZE;
		size_t count = room < size ? room : size;
		char *to = reach(space, address);
		int error = to == NULL ? -ENOMEM : read_file(vnode, position, to, count);

		if (error != 0)
			return error;
		address += count;
		position += count;
		size -= count;
	}
	return 0;
}

/* ---- Loading --------------------------------------------------------------------- */

static unsigned segment_protection(const struct elf_segment *segment)
{
	return PAGE_READABLE | (segment->writable ? PAGE_WRITABLE : 0)
		   | (segment->executable ? PAGE_EXECUTABLE : 0);
}

/* A page that two segments share gets what either asks for. */
static int map_segment(struct address_space *space, const struct elf_segment *segment)
{
	uintptr_t start = segment->vaddr & ~(uintptr_t)(PAGE_SIZE - 1);
	uintptr_t end = (segment->vaddr + segment->memory_size + PAGE_SIZE - 1)
					& ~(uintptr_t)(PAGE_SIZE - 1);
	unsigned protection = segment_protection(segment);
	uintptr_t page;

	for (page = start; page < end; page += PAGE_SIZE) {
		uintptr_t run = page;
		unsigned there;

		while (run < end && address_space_query(space, run) == 0)
			run += PAGE_SIZE;
		if (run > page) {
			int error = address_space_add(space, page, run - page, protection);

			if (error != 0)
				return error;
			page = run;
		}
		if (page < end) {
			there = address_space_query(space, page);
			if (address_space_protect(space, page, PAGE_SIZE, there | protection) != 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static int load(
	struct address_space *space, struct vnode *file, const struct elf_image *elf)
{
	uintptr_t end = 0;
	size_t i;
	int error;

	for (i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *segment = &elf->segments[i];

		if ((error = map_segment(space, segment)) != 0
			|| (error = fill_from(
					space, segment->vaddr, file, segment->offset, segment->file_size))
				   != 0)
			return error;
		if (segment->vaddr + segment->memory_size > end)
			end = segment->vaddr + segment->memory_size;
	}
	end = (end + PAGE_SIZE - 1) & ~(uintptr_t)(PAGE_SIZE - 1);
	space->break_start = space->break_end = end;
	return address_space_add(
		space, STACK_TOP - STACK_SIZE, STACK_SIZE, PAGE_READABLE | PAGE_WRITABLE);
}

/* ---- The first stack ----------------------------------------------------------------
 */

static size_t count_strings(const char *const *strings, size_t *bytes)
{
	size_t count = 0;

	if (strings == NULL)
		return 0;
	for (; strings[count] != NULL; count++)
		*bytes += strlen(strings[count]) + 1 + sizeof(uint32_t);
	return count;
}

/* Puts the strings below *stack, and their addresses into words. */
static int push_strings(struct address_space *space, uintptr_t *stack,
	const char *const *strings, size_t count, uint32_t *words)
{
	size_t i;

	for (i = 0; i < count; i++) {
		size_t size = strlen(strings[i]) + 1;

		*stack -= size;
		if (fill(space, *stack, strings[i], size) != 0)
			return -ENOMEM;
		words[i] = (uint32_t)*stack;
	}
	words[count] = 0;
	return 0;
}

/* Builds argc, argv, envp and the auxiliary vector; *_stack is the first ESP. */
static int build_stack(struct address_space *space, const struct elf_image *elf,
	const char *const *arguments, const char *const *environment, uintptr_t *_stack)
{
	uintptr_t stack = STACK_TOP - 16; /* a zero word ends it */
	size_t bytes = 0;
	size_t argument_count = count_strings(arguments, &bytes);
	size_t environment_count = count_strings(environment, &bytes);
	uint32_t random[4];
	uint32_t *words;
	size_t used, size;
	int error;

	if (bytes > ARGUMENT_BYTES_MAX)
		return -E2BIG;
	random_fill(random, sizeof random);
	stack -= sizeof random;

	const uint32_t vector[] = {
		AT_PHDR,
		elf->headers_address,
		AT_PHENT,
		ELF_PROGRAM_HEADER_SIZE,
		AT_PHNUM,
		elf->header_count,
		AT_PAGESZ,
		PAGE_SIZE,
		AT_ENTRY,
		elf->entry,
		AT_RANDOM,
		(uint32_t)stack,
		AT_SYSINFO,
		(uint32_t)arch_syscall_entry(),
		AT_NULL,
		0,
	};

	if ((error = fill(space, stack, random, sizeof random)) != 0)
		return error;
	used = 1 + argument_count + 1 + environment_count + 1;
	size = used * sizeof *words + sizeof vector;
	words = heap_allocate(size);
	if (words == NULL)
		return -ENOMEM;
	words[0] = (uint32_t)argument_count;
	error = push_strings(space, &stack, arguments, argument_count, words + 1);
	if (error == 0)
		error = push_strings(space, &stack, environment, environment_count,
			words + 1 + argument_count + 1);
	memcpy(words + used, vector, sizeof vector);
	stack = (stack - size) & ~(uintptr_t)15;
	if (error == 0)
		error = fill(space, stack, words, size);
	heap_free(words);
	*_stack = stack;
	return error;
}

/* ---- Programs
 * ----------------------------------------------------------------------------- */

struct program {
	struct vnode *file;
	struct elf_image elf;
	struct address_space *space;
	uintptr_t stack;
};

static bool read_source(
	const struct elf_source *source, uint64_t offset, void *to, size_t length)
{
	return read_file(source->file, offset, to, length) == 0;
}

/* The same in a panic, where whoever holds a lock will not let go of it. */
static bool read_source_unlocked(
	const struct elf_source *source, uint64_t offset, void *to, size_t length)
{
	struct vnode *file = source->file;
	struct io io;

	io_init_kernel(&io, to, length);
	return (file->mount->type->flags & FILE_SYSTEM_READS_ANYWHERE)
		   && file->operations->read(file, (off_t)offset, &io) == 0 && io.left == 0;
}

static struct elf_source source_of(struct vnode *file)
{
	return (struct elf_source){read_source, (uint64_t)file->size, file};
}

/* A regular file that may be run; what the machine was started for always may. */
static int check_runnable(const struct vnode *file)
{
	bool is_first = process_current() == NULL;

	if (S_ISDIR(file->mode))
		return -EISDIR;
	if (!S_ISREG(file->mode) || (!is_first && (file->mode & 0111) == 0))
		return -EACCES;
	return 0;
}

/* Loads program->file into an address space of its own. */
static int load_file(const char *const *arguments, const char *const *environment,
	struct program *program, const char **_why)
{
	struct elf_source source = source_of(program->file);
	int error = check_runnable(program->file);

	if (error == 0)
		error = elf_parse(&source, &program->elf, _why);
	if (error != 0)
		return error;
	program->space = address_space_create();
	if (program->space == NULL)
		return -ENOMEM;
	error = load(program->space, program->file, &program->elf);
	if (error == 0)
		error = build_stack(
			program->space, &program->elf, arguments, environment, &program->stack);
	if (error != 0) {
		address_space_destroy(program->space);
		program->space = NULL;
		/* An image that meets the stack cannot be run, whatever the memory. */
		return error == -EEXIST ? -ENOEXEC : error;
	}
	return 0;
}

/*
 * Finds, checks and loads a program. *_why says what is wrong with a file that is
 * none.
 */
static int load_program(const char *path, const char *const *arguments,
	const char *const *environment, struct program *program, const char **_why)
{
	int error = vfs_find(path, true, &program->file);

	if (error != 0)
		return error;
	error = load_file(arguments, environment, program, _why);
	if (error != 0)
		vnode_put(program->file);
	return error;
}

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

/* ---- Making them
 * ---------------------------------------------------------------------------- */

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
	error = load_program(path, arguments, environment, &program, _why);
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

/* ---- Exec
 * --------------------------------------------------------------------------------- */

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
	int error = load_program(path, arguments, environment, &program, &why);

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

/* ---- The first program
 * ------------------------------------------------------------------------ */

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

/* ---- The end
 * ------------------------------------------------------------------------------- */

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

/* No thread is left. The lock is held. */
static void become_zombie(struct process *process)
{
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
	}
	if (process->parent == NULL) {
		free_process(process);
		return;
	}
	signal_send(process->parent, SIGCHLD, process->pid);
	wait_queue_wake(&process->parent->child_ended, UINT32_MAX);
}

void process_reap(struct process *process)
{
	ASSERT(process->state == PROCESS_ZOMBIE);
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

/* ---- Faults
 * --------------------------------------------------------------------------------- */

bool process_handle_fault(uintptr_t address, unsigned access)
{
	struct thread *thread = thread_current();

	return thread != NULL && thread->space != NULL
		   && address_space_fault(thread->space, address, access);
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
	struct elf_source source = source_of(process_current()->program);

	print_address(&source, address, is_return, print);
}

void process_print_address_in_panic(
	uintptr_t address, void (*print)(const char *format, ...))
{
	struct elf_source source = source_of(process_current()->program);

	source.read = read_source_unlocked;
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
