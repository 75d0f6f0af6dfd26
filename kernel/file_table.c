/* Descriptors; see file_table.h. */
#include "kernel/file_table.h"
#include "kernel/heap.h"
#include "kernel/process.h"
#include "kernel/record_lock.h"
#include "kernel/string.h"
#include "kernel/vfs_internal.h"
#include "syscall_constants.h"
#include <postern/errno.h>
#include <postern/fcntl.h>

#define BIT(fd) (1u << (fd) % 32)

static struct file_table *allocate(void)
{
	static const struct spinlock kLock = SPINLOCK("files", RANK_FILES);
	struct file_table *table = heap_allocate(sizeof *table);

	if (table != NULL) {
		table->lock = kLock;
		table->umask = 022;
	}
	return table;
}

static struct file_table *current(void)
{
	struct process *process = process_current();

	return process != NULL ? process->files : NULL;
}

int files_create(struct process *process)
{
	struct file_table *table = allocate();
	struct open_file *console;
	int fd, error;

	if (table == NULL)
		return -ENOMEM;
	error = vfs_open("/dev/console", O_RDWR, 0, &console);
	if (error != 0) {
		heap_free(table);
		return error;
	}
	for (fd = 0; fd < 3; fd++) {
		if (fd > 0)
			file_reference(console);
		table->files[fd] = console;
		table->reserved[0] |= BIT(fd);
	}
	table->directory = vfs_root();
	vnode_reference(table->directory);
	process->files = table;
	return 0;
}

/* The first number from `fd` on that is taken, or OPEN_MAX: most are not. */
static int next_taken(const struct file_table *table, int fd)
{
	while (fd < OPEN_MAX) {
		uint32_t bits = table->reserved[fd / 32] >> fd % 32;

		if (bits != 0)
			return fd + __builtin_ctz(bits);
		fd = (fd | 31) + 1;
	}
	return OPEN_MAX;
}

int files_fork(struct process *child, struct process *parent)
{
	struct file_table *from = parent->files;
	struct file_table *table = allocate();
	int fd;

	if (table == NULL)
		return -ENOMEM;
	spin_lock(&from->lock);
	for (fd = next_taken(from, 0); fd < OPEN_MAX; fd = next_taken(from, fd + 1)) {
		if (from->files[fd] == NULL)
			continue;
		file_reference(from->files[fd]);
		table->files[fd] = from->files[fd];
		table->reserved[fd / 32] |= BIT(fd);
	}
	memcpy(table->close_on_exec, from->close_on_exec, sizeof table->close_on_exec);
	table->directory = from->directory;
	vnode_reference(table->directory);
	table->umask = from->umask;
	spin_unlock(&from->lock);
	child->files = table;
	return 0;
}

/* Takes the number's open file, or NULL. */
static struct open_file *take(struct file_table *table, int fd)
{
	struct open_file *file;

	spin_lock(&table->lock);
	file = table->files[fd];
	if (file != NULL) {
		table->files[fd] = NULL;
		table->reserved[fd / 32] &= ~BIT(fd);
		table->close_on_exec[fd / 32] &= ~BIT(fd);
	}
	spin_unlock(&table->lock);
	return file;
}

/* A descriptor of `process` for it is gone. */
static void put_closed(struct process *process, struct open_file *file)
{
	record_lock_closed(file->vnode, process->pid);
	file_put(file);
}

void files_exec(struct process *process)
{
	struct file_table *table = process->files;
	unsigned word;

	for (word = 0; word < OPEN_MAX / 32; word++) {
		uint32_t bits;

		for (bits = table->close_on_exec[word]; bits != 0; bits &= bits - 1) {
			struct open_file *file = take(table, (int)(word * 32) + __builtin_ctz(bits));

			if (file != NULL)
				put_closed(process, file);
		}
	}
}

void files_exit(struct process *process)
{
	struct file_table *table = process->files;
	int fd;

	if (table == NULL)
		return;
	process->files = NULL;
	for (fd = next_taken(table, 0); fd < OPEN_MAX; fd = next_taken(table, fd + 1)) {
		if (table->files[fd] != NULL)
			put_closed(process, table->files[fd]);
	}
	vnode_put(table->directory);
	heap_free(table);
}

/* ---- The directory --------------------------------------------------------------- */

struct vnode *files_directory(void)
{
	struct file_table *table = current();
	struct vnode *directory;

	if (table == NULL) {
		vnode_reference(vfs_root());
		return vfs_root();
	}
	spin_lock(&table->lock);
	directory = table->directory;
	vnode_reference(directory);
	spin_unlock(&table->lock);
	return directory;
}

void files_set_directory(struct vnode *directory)
{
	struct file_table *table = current();
	struct vnode *before;

	spin_lock(&table->lock);
	before = table->directory;
	table->directory = directory;
	spin_unlock(&table->lock);
	vnode_put(before);
}

mode_t files_set_umask(mode_t umask)
{
	return __atomic_exchange_n(&current()->umask, umask & 0777, __ATOMIC_SEQ_CST);
}

mode_t files_umask(void)
{
	return current()->umask;
}

/* ---- Descriptors ------------------------------------------------------------------- */

int file_get(int fd, struct open_file **_file)
{
	struct file_table *table = current();
	struct open_file *file;

	if (fd < 0 || fd >= OPEN_MAX)
		return -EBADF;
	spin_lock(&table->lock);
	file = table->files[fd];
	if (file != NULL)
		file_reference(file);
	spin_unlock(&table->lock);
	*_file = file;
	return file != NULL ? 0 : -EBADF;
}

int file_reserve(int lowest)
{
	struct file_table *table = current();
	int fd;

	spin_lock(&table->lock);
	for (fd = lowest; fd < OPEN_MAX; fd++) {
		if (!(table->reserved[fd / 32] & BIT(fd))) {
			table->reserved[fd / 32] |= BIT(fd);
			break;
		}
	}
	spin_unlock(&table->lock);
	return fd < OPEN_MAX ? fd : -EMFILE;
}

void file_unreserve(int fd)
{
	struct file_table *table = current();

	spin_lock(&table->lock);
	table->reserved[fd / 32] &= ~BIT(fd);
	spin_unlock(&table->lock);
}

static void set_close_on_exec(struct file_table *table, int fd, bool on)
{
	if (on)
		table->close_on_exec[fd / 32] |= BIT(fd);
	else
		table->close_on_exec[fd / 32] &= ~BIT(fd);
}

void file_install(int fd, struct open_file *file, bool close_on_exec)
{
	struct file_table *table = current();

	spin_lock(&table->lock);
	table->files[fd] = file;
	set_close_on_exec(table, fd, close_on_exec);
	spin_unlock(&table->lock);
}

int file_take(int fd, struct open_file **_file)
{
	if (fd < 0 || fd >= OPEN_MAX)
		return -EBADF;
	*_file = take(current(), fd);
	if (*_file == NULL)
		return -EBADF;
	record_lock_closed((*_file)->vnode, process_current()->pid);
	return 0;
}

int file_replace(int fd, struct open_file *file, bool close_on_exec)
{
	struct file_table *table = current();
	struct open_file *before;

	if (fd < 0 || fd >= OPEN_MAX)
		return -EBADF;
	spin_lock(&table->lock);
	before = table->files[fd];
	if (before == NULL && (table->reserved[fd / 32] & BIT(fd))) {
		spin_unlock(&table->lock);
		return -EBUSY;
	}
	table->reserved[fd / 32] |= BIT(fd);
	table->files[fd] = file;
	set_close_on_exec(table, fd, close_on_exec);
	spin_unlock(&table->lock);
	if (before != NULL)
		put_closed(process_current(), before);
	return 0;
}

int file_get_close_on_exec(int fd)
{
	struct file_table *table = current();
	int result = -EBADF;

	if (fd < 0 || fd >= OPEN_MAX)
		return -EBADF;
	spin_lock(&table->lock);
	if (table->files[fd] != NULL)
		result = table->close_on_exec[fd / 32] & BIT(fd) ? FD_CLOEXEC : 0;
	spin_unlock(&table->lock);
	return result;
}

int file_set_close_on_exec(int fd, bool on)
{
	struct file_table *table = current();
	int result = -EBADF;

	if (fd < 0 || fd >= OPEN_MAX)
		return -EBADF;
	spin_lock(&table->lock);
	if (table->files[fd] != NULL) {
		set_close_on_exec(table, fd, on);
		result = 0;
	}
	spin_unlock(&table->lock);
	return result;
}
