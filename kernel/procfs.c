/*
 * The file system "proc": a directory of files whose text is made when they are
 * read. Its nodes are there from the mount on, and nothing in it can be changed.
 */
#include "kernel/procfs.h"
#include "kernel/address_space.h"
#include "kernel/arch.h"
#include "kernel/format.h"
#include "kernel/heap.h"
#include "kernel/main.h"
#include "kernel/page_allocator.h"
#include "kernel/process.h"
#include "kernel/string.h"
#include "kernel/vfs.h"
#include "syscall_constants.h"
#include <postern/errno.h>
#include <stdarg.h>

/* A text is at most this long: a line for each process that there can be. */
#define TEXT_MAX ((64u << 10) - 64) /* with the heap's header, whole pages */

struct text {
	size_t length;
	char bytes[TEXT_MAX];
};

static void add(struct text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
	size_t room = sizeof text->bytes - text->length;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = format_string_v(text->bytes + text->length, room, format, arguments);
	va_end(arguments);
	text->length += (size_t)length < room ? (size_t)length : room - 1;
}

/* ---- The texts ----------------------------------------------------------------- */

static void write_version(struct text *text)
{
	add(text, "Postern %s\n", KERNEL_VERSION_TEXT);
}

static void write_memory(struct text *text)
{
	add(text, "total %u KiB\nfree %u KiB\n", (unsigned)page_total_count() * 4,
		(unsigned)page_free_count() * 4);
}

static void add_mount(const struct mount *mount, void *context)
{
	add(context, "%s %s %s %s\n", mount->source, mount->path, mount->type->name,
		mount->flags & MOUNT_READ_ONLY ? "ro" : "rw");
}

static void write_mounts(struct text *text)
{
	mount_visit(add_mount, text);
}

static bool add_process(struct process *process, void *context)
{
	static const char *const kStates[] = PROCESS_STATE_NAMES;

	add(context, "%d %d %s %u %u %s\n", (int)process->pid,
		process->parent != NULL ? (int)process->parent->pid : 0,
		kStates[process_state(process)], process->thread_count,
		process->space != NULL ? (unsigned)process->space->resident * 4 : 0,
		process->command);
	return true;
}

static void write_processes(struct text *text)
{
	process_lock();
	process_visit(add_process, text);
	process_unlock();
}

/* A line each, with its number: those that run. */
static void write_processors(struct text *text)
{
	for (unsigned i = 0; i < arch_cpu_count(); i++)
		add(text, "%u\n", i);
}

static const struct {
	const char *name;
	void (*write)(struct text *text);
} kFiles[] = {
	{"memory", write_memory},
	{"mounts", write_mounts},
	{"processes", write_processes},
	{"processors", write_processors},
	{"version", write_version},
};

#define FILES (sizeof kFiles / sizeof kFiles[0])
#define ROOT_NUMBER 1u
#define FIRST_NUMBER 2u /* of kFiles[0] */

/* ---- The files -------------------------------------------------------------------- */

static int procfs_read(struct vnode *vnode, off_t position, struct io *io)
{
	struct text *text = heap_allocate(sizeof *text);
	int error = 0;

	if (text == NULL)
		return -ENOMEM;
	kFiles[vnode->number - FIRST_NUMBER].write(text);
	if (position < (off_t)text->length) {
		size_t count = text->length - (size_t)position;

		error = io_give(io, text->bytes + position, count < io->left ? count : io->left);
	}
	heap_free(text);
	return error;
}

static int procfs_lookup(
	struct vnode *directory, const char *name, size_t length, struct vnode **_vnode)
{
	if (length == 2 && memcmp(name, "..", 2) == 0) {
		vnode_reference(directory);
		*_vnode = directory;
		return 0;
	}
	for (size_t i = 0; i < FILES; i++) {
		if (strlen(kFiles[i].name) == length && memcmp(kFiles[i].name, name, length) == 0)
			return vnode_get(directory->mount, FIRST_NUMBER + i, _vnode);
	}
	return -ENOENT;
}

static int procfs_readdir(
	struct vnode *directory, uint64_t *cookie, directory_visitor *visit, void *context)
{
	struct directory_entry entry;

	(void)directory;
	for (; *cookie < FILES + 2; ++*cookie) {
		if (*cookie < 2) {
			entry.number = ROOT_NUMBER;
			entry.type = S_IFDIR;
			entry.name = *cookie == 0 ? "." : "..";
		} else {
			entry.number = FIRST_NUMBER + *cookie - 2;
			entry.type = S_IFREG;
			entry.name = kFiles[*cookie - 2].name;
		}
		entry.length = strlen(entry.name);
		if (!visit(context, &entry))
			break;
	}
	return 0;
}

static void procfs_release(struct vnode *vnode)
{
	heap_free(vnode);
}

static const struct vnode_operations kDirectory = {
	.lookup = procfs_lookup,
	.readdir = procfs_readdir,
	.release = procfs_release,
};

static const struct vnode_operations kFile = {
	.read = procfs_read,
	.release = procfs_release,
};

/* ---- The file system -------------------------------------------------------------- */

static int procfs_load(struct mount *mount, uint64_t number, struct vnode **_vnode)
{
	struct vnode *vnode = heap_allocate(sizeof *vnode);

	if (vnode == NULL)
		return -ENOMEM;
	if (number == ROOT_NUMBER) {
		vnode_init(vnode, mount, number, &kDirectory, S_IFDIR | 0555);
		vnode->links = 2;
	} else {
		vnode_init(vnode, mount, number, &kFile, S_IFREG | 0444);
	}
	*_vnode = vnode;
	return 0;
}

static int procfs_mount(struct mount *mount, struct vnode *source, const char *options)
{
	(void)source;
	(void)options;
	mount->flags |= MOUNT_READ_ONLY;
	return vnode_get(mount, ROOT_NUMBER, &mount->root);
}

static int procfs_unmount(struct mount *mount)
{
	vnode_put(mount->root);
	return 0;
}

static struct file_system_type sType = {
	.name = "proc",
	.mount = procfs_mount,
	.unmount = procfs_unmount,
	.load = procfs_load,
};

void procfs_init(void)
{
	file_system_register(&sType);
}
