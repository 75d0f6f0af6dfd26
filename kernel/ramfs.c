/*
 * The file system in memory; see ramfs.h. Called by vfs.c, with vnodes locked
 * as vfs.h says.
 *
 * A node is its vnode, and lives as long as somebody has a reference; a name in
 * a directory is one. A file's pages hang on a radix tree that is as high as
 * the size needs; what is not there reads as the archive's bytes, where the file came
 * from one, and as zeros otherwise. Programs are run from these pages: one that is
 * mapped somewhere has another reference, and is not written to in its place.
 */
#include "kernel/ramfs.h"
#include "kernel/arch.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/name_table.h"
#include "kernel/names.h"
#include "kernel/page_allocator.h"
#include "kernel/string.h"
#include "kernel/vfs_internal.h"
#include <postern/errno.h>

#define FANOUT 1024u /* of a page of the tree */
#define FANOUT_BITS 10
#define HEIGHT_MAX 3 /* 2^30 pages: 4 TiB */
#define NO_PAGE 0u	 /* page 0 is never the allocator's to give */
#define NAME_SLOTS 1024

/* Between two looks at whether others want the processor, while bytes are copied. */
#define PAGES_BETWEEN_YIELDS 64

struct entry {
	struct list link; /* in the directory, by age */
	struct name_key key;
	struct node *node; /* with a reference */
	uint64_t age;	   /* for readdir's cookies */
	char name[];
};

struct node {
	struct vnode vnode;
	union {
		struct {
			uint32_t tree; /* physical page, or NO_PAGE */
			uint8_t height;
			bool gives_archive;		/* its whole pages can be mapped */
			uint32_t pages;			/* that hold data, for `allocated` */
			const uint8_t *archive; /* NULL: none */
			uint32_t archive_size;
		} file;
		struct {
			struct list entries;
			struct node *parent; /* sNames; NULL once removed. The root is its own */
			struct entry *name;	 /* in `parent`; the root has none */
			uint64_t last_age;
			struct entry *reached; /* by readdir, NULL: none: where the next goes on */
		} directory;
		char *target;
	};
};

struct ramfs {
	uint64_t last_number;
	uint64_t lookups; /* that have found something */
	uint32_t named;	  /* nodes that have a name, or are the root */
};

/* Guards the names' hash, the nodes' parents and the numbers of struct ramfs. */
static struct spinlock sNames = SPINLOCK("ramfs names", RANK_FILES);
static struct list sSlots[NAME_SLOTS];
static const struct name_table kNameTable = {sSlots, NAME_SLOTS};

static const struct vnode_operations kDirectoryOperations;
static const struct vnode_operations kFileOperations;
static const struct vnode_operations kLinkOperations;
static const struct vnode_operations kDeviceOperations;

static struct node *node_of(struct vnode *vnode)
{
	return (struct node *)(void *)((char *)vnode - offsetof(struct node, vnode));
}

/* ---- Pages ---------------------------------------------------------------------- */

/*
 * Files leave the last pages to what cannot say "no space": page tables, stacks, the
 * next program.
 */
static uint32_t allocate_page(bool data)
{
	uint32_t reserve = page_total_count() / 32;
	uint32_t page = page_free_count() > reserve ? page_allocate(0) : PAGE_NONE;

	if (page == PAGE_NONE)
		return NO_PAGE;
	if (!data)
		memset(arch_physical_to_virtual(page), 0, PAGE_SIZE);
	return page;
}

static uint32_t *slots_of(uint32_t page)
{
	return arch_physical_to_virtual(page);
}

static uint64_t capacity(unsigned height)
{
	return height == 0 ? 0 : 1ull << FANOUT_BITS * height;
}

/* The page at `index`, or NO_PAGE. */
static uint32_t find_page(const struct node *node, uint64_t index)
{
	uint32_t page = node->file.tree;
	unsigned level;

	if (index >= capacity(node->file.height))
		return NO_PAGE;
	for (level = node->file.height; level-- > 0 && page != NO_PAGE;)
		page = slots_of(page)[index >> FANOUT_BITS * level & (FANOUT - 1)];
	return page;
}

/* Where the page at `index` is to be put, or NULL: no memory. */
static uint32_t *make_slot(struct node *node, uint64_t index)
{
	uint32_t *slot = &node->file.tree;
	unsigned level;

	while (index >= capacity(node->file.height)) {
		uint32_t page = allocate_page(false);

		if (page == NO_PAGE)
			return NULL;
		slots_of(page)[0] = node->file.tree;
		node->file.tree = page;
		node->file.height++;
	}
	for (level = node->file.height; level > 0; level--) {
		if (*slot == NO_PAGE && (*slot = allocate_page(false)) == NO_PAGE)
			return NULL;
		slot = &slots_of(*slot)[index >> FANOUT_BITS * (level - 1) & (FANOUT - 1)];
	}
	return slot;
}

/* The archive's bytes of a page that starts at `position`: how many there are. */
static size_t archive_bytes(const struct node *node, off_t position)
{
	if (position >= (off_t)node->file.archive_size)
		return 0;
	return node->file.archive_size - (uint32_t)position < PAGE_SIZE
			   ? node->file.archive_size - (uint32_t)position
			   : PAGE_SIZE;
}

/* What a page that has not been written to holds. */
static void fill_page(const struct node *node, uint64_t index, uint32_t page)
{
	char *bytes = arch_physical_to_virtual(page);
	size_t given = archive_bytes(node, (off_t)(index * PAGE_SIZE));

	if (given > 0)
		memcpy(bytes, node->file.archive + index * PAGE_SIZE, given);
	memset(bytes + given, 0, PAGE_SIZE - given);
}

/* Behind the file's end, what of it is in that page, are zeros. */
static void clear_behind(const struct node *node, uint64_t index, uint32_t page)
{
	off_t start = (off_t)(index * PAGE_SIZE);
	size_t used = 0;

	if (node->vnode.size > start)
		used = node->vnode.size - start < PAGE_SIZE ? (size_t)(node->vnode.size - start)
													: PAGE_SIZE;
	memset((char *)arch_physical_to_virtual(page) + used, 0, PAGE_SIZE - used);
}

/* Makes the page that a slot has one that nobody else has. */
static int own_page(uint32_t *slot)
{
	uint32_t page;

	/* Only who has the vnode locked gives another reference, so 1 stays 1. */
	if (page_references(*slot) == 1)
		return 0;
	page = allocate_page(true);
	if (page == NO_PAGE)
		return -ENOSPC;
	memcpy(arch_physical_to_virtual(page), arch_physical_to_virtual(*slot), PAGE_SIZE);
	page_release(*slot);
	*slot = page;
	return 0;
}

/*
 * Takes `count` bytes to the page at `index` and what is at `offset` in it. -ENOSPC,
 * -EFAULT.
 */
static int write_page(
	struct node *node, uint64_t index, uint32_t offset, size_t count, struct io *io)
{
	uint32_t *slot = make_slot(node, index);
	bool is_new, whole = count == PAGE_SIZE;
	int error;

	if (slot == NULL)
		return -ENOSPC;
	is_new = *slot == NO_PAGE;
	if (is_new) {
		uint32_t page = allocate_page(true);

		if (page == NO_PAGE)
			return -ENOSPC;
		*slot = page;
		node->file.pages++;
		if (!whole)
			fill_page(node, index, page);
	} else if ((error = own_page(slot)) != 0) {
		return error;
	}
	error = io_take(io, (char *)arch_physical_to_virtual(*slot) + offset, count);
	/* A copy that fails half way must not show what was in the page before, nor leave
	 * anything behind the file's end. */
	if (error != 0 && is_new)
		fill_page(node, index, *slot);
	else if (error != 0)
		clear_behind(node, index, *slot);
	return error;
}

/* Frees the pages from `first` on below a page of the tree; whether nothing is left. */
static bool prune(struct node *node, uint32_t page, unsigned height, uint64_t first)
{
	uint32_t *slots = slots_of(page);
	uint64_t each = height == 1 ? 1 : capacity(height - 1);
	bool empty = true;
	unsigned i;

	for (i = 0; i < FANOUT; i++) {
		uint64_t start = i * each;

		if (slots[i] == NO_PAGE)
			continue;
		if (start + each <= first) {
			empty = false;
		} else if (height == 1) {
			page_release(slots[i]);
			slots[i] = NO_PAGE;
			node->file.pages--;
		} else if (prune(node, slots[i], height - 1, first > start ? first - start : 0)) {
			slots[i] = NO_PAGE;
		} else {
			empty = false;
		}
	}
	if (empty)
		page_free(page, 0);
	return empty;
}

static void free_pages(struct node *node, uint64_t first)
{
	if (node->file.height > 0 && prune(node, node->file.tree, node->file.height, first)) {
		node->file.tree = NO_PAGE;
		node->file.height = 0;
	}
}

/* ---- Files ------------------------------------------------------------------------ */

static int ramfs_read(struct vnode *vnode, off_t position, struct io *io)
{
	struct node *node = node_of(vnode);
	unsigned pages = 0;

	while (io->left > 0 && position < vnode->size) {
		uint32_t offset = (uint32_t)position % PAGE_SIZE;
		size_t count = PAGE_SIZE - offset;
		uint32_t page = find_page(node, (uint64_t)position / PAGE_SIZE);
		size_t given = page == NO_PAGE ? archive_bytes(node, position - offset) : 0;
		int error;

		if ((off_t)count > vnode->size - position)
			count = (size_t)(vnode->size - position);
		if (count > io->left)
			count = io->left;
		if (page != NO_PAGE) {
			error =
				io_give(io, (const char *)arch_physical_to_virtual(page) + offset, count);
		} else if (given > offset) {
			if (count > given - offset)
				count = given - offset;
			error = io_give(io, node->file.archive + position, count);
		} else {
			error = io_give_zeros(io, count);
		}
		if (error != 0)
			return error;
		position += (off_t)count;
		if (++pages % PAGES_BETWEEN_YIELDS == 0)
			thread_yield();
	}
	return 0;
}

static int ramfs_write(struct vnode *vnode, off_t position, struct io *io)
{
	struct node *node = node_of(vnode);
	off_t limit = (off_t)(capacity(HEIGHT_MAX) * PAGE_SIZE);
	unsigned pages = 0;

	while (io->left > 0) {
		uint32_t offset = (uint32_t)position % PAGE_SIZE;
		size_t count = PAGE_SIZE - offset < io->left ? PAGE_SIZE - offset : io->left;
		size_t before = io->done;
		int error;

		if (position >= limit)
			return -EFBIG;
		error = write_page(node, (uint64_t)position / PAGE_SIZE, offset, count, io);
		position += (off_t)(io->done - before);
		if (io->done > before && position > vnode->size)
			vnode->size = position;
		if (error != 0)
			return error;
		if (++pages % PAGES_BETWEEN_YIELDS == 0)
			thread_yield();
	}
	return 0;
}

static int ramfs_truncate(struct vnode *vnode, off_t size)
{
	struct node *node = node_of(vnode);
	uint32_t offset = (uint32_t)size % PAGE_SIZE;

	if (size > (off_t)(capacity(HEIGHT_MAX) * PAGE_SIZE))
		return -EFBIG;
	if (size < vnode->size) {
		uint64_t last = (uint64_t)size / PAGE_SIZE;

		/* When it grows again there are zeros behind what is left. */
		if (offset != 0 && find_page(node, last) != NO_PAGE) {
			uint32_t *slot = make_slot(node, last); /* it is there */

			if (own_page(slot) != 0)
				return -ENOSPC;
			memset(
				(char *)arch_physical_to_virtual(*slot) + offset, 0, PAGE_SIZE - offset);
		}
		if (size < (off_t)node->file.archive_size)
			node->file.archive_size = (uint32_t)size;
		free_pages(node, ((uint64_t)size + PAGE_SIZE - 1) / PAGE_SIZE);
	}
	vnode->size = size;
	return 0;
}

static unsigned ramfs_pages(
	struct vnode *vnode, uint64_t index, uint32_t *pages, unsigned count)
{
	struct node *node = node_of(vnode);
	uint32_t in_archive =
		node->file.gives_archive ? node->file.archive_size / PAGE_SIZE : 0;
	unsigned i;

	for (i = 0; i < count; i++, index++) {
		uint32_t page = find_page(node, index);

		if (page == NO_PAGE && index < in_archive)
			page = arch_virtual_to_physical(node->file.archive + index * PAGE_SIZE);
		if (page == NO_PAGE)
			break;
		page_reference(page);
		pages[i] = page;
	}
	return i;
}

static uint64_t ramfs_allocated(struct vnode *vnode)
{
	return (uint64_t)node_of(vnode)->file.pages * PAGE_SIZE;
}

/* ---- Nodes ------------------------------------------------------------------------ */

static struct node *make_node(
	struct mount *mount, mode_t mode, const struct vnode_operations *operations)
{
	struct ramfs *fs = mount->data;
	struct node *node;
	uint64_t number;

	if (page_free_count() <= page_total_count() / 32)
		return NULL;
	node = heap_allocate(sizeof *node);
	if (node == NULL)
		return NULL;
	spin_lock(&sNames);
	number = ++fs->last_number;
	spin_unlock(&sNames);
	vnode_init(&node->vnode, mount, number, operations, mode);
	if (S_ISDIR(mode)) {
		list_init(&node->directory.entries);
		node->vnode.links = 2;
	}
	return node;
}

static void count_named(struct vnode *vnode, int difference)
{
	struct ramfs *fs = vnode->mount->data;

	spin_lock(&sNames);
	fs->named += (uint32_t)difference;
	spin_unlock(&sNames);
}

static void ramfs_release(struct vnode *vnode)
{
	struct node *node = node_of(vnode);

	if (S_ISREG(vnode->mode))
		free_pages(node, 0);
	else if (S_ISLNK(vnode->mode))
		heap_free(node->target);
	heap_free(node);
}

/* ---- Names ------------------------------------------------------------------------ */

/* With sNames. */
static struct entry *find_entry(struct vnode *directory, const char *name, size_t length)
{
	struct name_key *key = name_table_find(&kNameTable, directory, name, length);

	return key != NULL ? LIST_ENTRY(key, struct entry, key) : NULL;
}

static struct entry *make_entry(struct vnode *directory, const char *name, size_t length)
{
	struct entry *entry = heap_allocate(sizeof *entry + length);

	if (entry != NULL)
		name_key_init(&entry->key, directory, entry->name, name, length);
	return entry;
}

/* Puts the name into the directory, which is locked; takes the reference to the node. */
static void add_entry(struct entry *entry, struct node *node)
{
	struct node *directory = node_of(entry->key.directory);

	entry->node = node;
	/* 1 and 2 are "." and ".." to readdir. */
	entry->age = ++directory->directory.last_age + 2;
	spin_lock(&sNames);
	name_table_add(&kNameTable, &entry->key);
	if (S_ISDIR(node->vnode.mode)) {
		node->directory.parent = directory;
		node->directory.name = entry;
	}
	spin_unlock(&sNames);
	list_add(&directory->directory.entries, &entry->link);
	if (S_ISDIR(node->vnode.mode))
		directory->vnode.links++;
	directory->vnode.modified = directory->vnode.changed = vfs_time();
}

/* What a link of the directory's list is in, NULL for the list's own. */
static struct entry *entry_at(const struct node *directory, struct list *link)
{
	return link == &directory->directory.entries ? NULL
												 : LIST_ENTRY(link, struct entry, link);
}

/* The reverse; the reference is the caller's then. */
static void remove_entry(struct entry *entry)
{
	struct node *directory = node_of(entry->key.directory);

	spin_lock(&sNames);
	list_remove(&entry->key.hashed);
	spin_unlock(&sNames);
	if (directory->directory.reached == entry)
		directory->directory.reached = entry_at(directory, entry->link.previous);
	list_remove(&entry->link);
	if (S_ISDIR(entry->node->vnode.mode))
		directory->vnode.links--;
	directory->vnode.modified = directory->vnode.changed = vfs_time();
	heap_free(entry);
}

static int ramfs_lookup(
	struct vnode *vnode, const char *name, size_t length, struct vnode **_vnode)
{
	struct node *directory = node_of(vnode);
	struct node *found;

	spin_lock(&sNames);
	if (length == 2 && name[0] == '.' && name[1] == '.') {
		found = directory->directory.parent;
	} else {
		struct entry *entry = find_entry(vnode, name, length);

		found = entry != NULL ? entry->node : NULL;
	}
	if (found != NULL) {
		vnode_reference(&found->vnode);
		((struct ramfs *)vnode->mount->data)->lookups++;
	}
	spin_unlock(&sNames);
	if (found == NULL)
		return -ENOENT;
	*_vnode = &found->vnode;
	return 0;
}

/* A node with its name; *_node has a reference for the caller, too, where it is wanted.
 */
static int add_node(struct vnode *vnode, const char *name, size_t length, mode_t mode,
	const struct vnode_operations *operations, struct node **_node)
{
	struct entry *entry = make_entry(vnode, name, length);
	struct node *node = entry != NULL ? make_node(vnode->mount, mode, operations) : NULL;

	if (node == NULL) {
		heap_free(entry);
		return -ENOSPC;
	}
	add_entry(entry, node);
	count_named(vnode, 1);
	*_node = node;
	return 0;
}

static int ramfs_create(struct vnode *vnode, const char *name, size_t length, mode_t mode,
	struct vnode **_vnode)
{
	struct node *node;
	int error =
		S_ISFIFO(mode)
			? add_node(vnode, name, length, mode, &kDeviceOperations, &node)
			: add_node(vnode, name, length, S_IFREG | mode, &kFileOperations, &node);

	if (error != 0)
		return error;
	vnode_reference(&node->vnode);
	*_vnode = &node->vnode;
	return 0;
}

static int ramfs_mkdir(struct vnode *vnode, const char *name, size_t length, mode_t mode)
{
	struct node *node;

	return add_node(vnode, name, length, S_IFDIR | mode, &kDirectoryOperations, &node);
}

static int ramfs_symlink(struct vnode *vnode, const char *name, size_t length,
	const char *target, size_t target_length)
{
	char *copy = heap_allocate(target_length + 1);
	struct node *node;
	int error;

	if (copy == NULL)
		return -ENOSPC;
	memcpy(copy, target, target_length);
	error = add_node(vnode, name, length, S_IFLNK | 0777, &kLinkOperations, &node);
	if (error != 0) {
		heap_free(copy);
		return error;
	}
	/* The directory is locked: nobody has seen it without. */
	node->target = copy;
	node->vnode.size = (off_t)target_length;
	return 0;
}

int ramfs_make_device(
	struct vnode *directory, const char *name, mode_t mode, uint32_t number)
{
	struct vnode *there;
	struct node *node;
	int error;

	mutex_lock(&directory->lock);
	if (ramfs_lookup(directory, name, strlen(name), &there) == 0) {
		vnode_put(there);
		error = -EEXIST;
	} else {
		error = add_node(directory, name, strlen(name), mode, &kDeviceOperations, &node);
	}
	if (error == 0)
		node->vnode.device_number = number;
	mutex_unlock(&directory->lock);
	return error == -ENOSPC ? -ENOMEM : error;
}

static int ramfs_link(
	struct vnode *directory, const char *name, size_t length, struct vnode *vnode)
{
	struct entry *entry = make_entry(directory, name, length);

	if (entry == NULL)
		return -ENOSPC;
	vnode_reference(vnode);
	vnode->links++;
	vnode->changed = vfs_time();
	add_entry(entry, node_of(vnode));
	return 0;
}

static struct entry *find_locked(struct vnode *directory, const char *name, size_t length)
{
	struct entry *entry;

	spin_lock(&sNames);
	entry = find_entry(directory, name, length);
	spin_unlock(&sNames);
	return entry;
}

static int ramfs_unlink(
	struct vnode *directory, const char *name, size_t length, struct vnode *vnode)
{
	remove_entry(find_locked(directory, name, length));
	if (--vnode->links == 0)
		count_named(vnode, -1);
	vnode->changed = vfs_time();
	vnode_put(vnode); /* the name's; the caller has another */
	return 0;
}

static int ramfs_rmdir(
	struct vnode *directory, const char *name, size_t length, struct vnode *vnode)
{
	struct node *node = node_of(vnode);

	if (!list_empty(&node->directory.entries))
		return -ENOTEMPTY;
	remove_entry(find_locked(directory, name, length));
	spin_lock(&sNames);
	node->directory.parent = NULL;
	spin_unlock(&sNames);
	vnode->links = 0;
	count_named(vnode, -1);
	vnode_put(vnode);
	return 0;
}

static int ramfs_rename(struct vnode *directory, const char *name, size_t length,
	struct vnode *vnode, struct vnode *new_directory, const char *new_name,
	size_t new_length, struct vnode *target)
{
	struct entry *entry;

	if (target != NULL && S_ISDIR(target->mode)
		&& !list_empty(&node_of(target)->directory.entries))
		return -ENOTEMPTY;
	entry = make_entry(new_directory, new_name, new_length);
	if (entry == NULL)
		return -ENOSPC;
	if (target != NULL) {
		if (S_ISDIR(target->mode))
			ramfs_rmdir(new_directory, new_name, new_length, target);
		else
			ramfs_unlink(new_directory, new_name, new_length, target);
	}
	remove_entry(find_locked(directory, name, length));
	/* The old name's reference is the new one's now. */
	add_entry(entry, node_of(vnode));
	return 0;
}

/*
 * The first entry that is younger than the cookie says. The search begins where the
 * reading before has ended, as most do; so a directory that is read piece by piece is
 * gone through once.
 */
static struct entry *first_behind(const struct node *directory, uint64_t cookie)
{
	struct entry *entry = directory->directory.reached;

	if (entry == NULL || cookie <= 2)
		entry = entry_at(directory, directory->directory.entries.next);
	while (entry != NULL && entry->age > cookie) {
		struct entry *before = entry_at(directory, entry->link.previous);

		if (before == NULL || before->age <= cookie)
			return entry;
		entry = before;
	}
	while (entry != NULL && entry->age <= cookie)
		entry = entry_at(directory, entry->link.next);
	return entry;
}

static int ramfs_readdir(
	struct vnode *vnode, uint64_t *cookie, directory_visitor *visit, void *context)
{
	struct node *directory = node_of(vnode);
	struct directory_entry offered = {.number = vnode->number, .type = S_IFDIR};
	struct entry *entry;

	if (*cookie < 1) {
		offered.name = ".";
		offered.length = 1;
		if (!visit(context, &offered))
			return 0;
		*cookie = 1;
	}
	if (*cookie < 2) {
		spin_lock(&sNames);
		if (directory->directory.parent != NULL)
			offered.number = directory->directory.parent->vnode.number;
		spin_unlock(&sNames);
		offered.name = "..";
		offered.length = 2;
		if (!visit(context, &offered))
			return 0;
		*cookie = 2;
	}
	for (entry = first_behind(directory, *cookie); entry != NULL;
		 entry = entry_at(directory, entry->link.next)) {
		offered.number = entry->node->vnode.number;
		offered.type = entry->node->vnode.mode & S_IFMT;
		offered.name = entry->name;
		offered.length = entry->key.length;
		if (!visit(context, &offered))
			return 0;
		*cookie = entry->age;
		directory->directory.reached = entry;
	}
	return 0;
}

static ssize_t ramfs_readlink(struct vnode *vnode, char *target, size_t size)
{
	size_t length = (size_t)vnode->size < size ? (size_t)vnode->size : size;

	memcpy(target, node_of(vnode)->target, length);
	return (ssize_t)length;
}

static const struct vnode_operations kDirectoryOperations = {
	.lookup = ramfs_lookup,
	.create = ramfs_create,
	.mkdir = ramfs_mkdir,
	.symlink = ramfs_symlink,
	.link = ramfs_link,
	.unlink = ramfs_unlink,
	.rmdir = ramfs_rmdir,
	.rename = ramfs_rename,
	.readdir = ramfs_readdir,
	.release = ramfs_release,
};

static const struct vnode_operations kFileOperations = {
	.read = ramfs_read,
	.write = ramfs_write,
	.truncate = ramfs_truncate,
	.pages = ramfs_pages,
	.allocated = ramfs_allocated,
	.release = ramfs_release,
};

static const struct vnode_operations kLinkOperations = {
	.readlink = ramfs_readlink,
	.release = ramfs_release,
};

static const struct vnode_operations kDeviceOperations = {
	.release = ramfs_release,
};

/* ---- The file system -------------------------------------------------------------- */

static int ramfs_mount(struct mount *mount, struct vnode *source, const char *options)
{
	struct node *root;

	(void)source;
	(void)options;
	mount->data = heap_allocate(sizeof(struct ramfs));
	if (mount->data == NULL)
		return -ENOMEM;
	root = make_node(mount, S_IFDIR | 0755, &kDirectoryOperations);
	if (root == NULL) {
		heap_free(mount->data);
		return -ENOMEM;
	}
	root->directory.parent = root;
	count_named(&root->vnode, 1);
	mount->root = &root->vnode;
	return 0;
}

static struct entry *first_entry(struct node *directory)
{
	return list_empty(&directory->directory.entries)
			   ? NULL
			   : LIST_ENTRY(directory->directory.entries.next, struct entry, link);
}

static struct entry *next_entry(struct entry *entry)
{
	return entry_at(node_of(entry->key.directory), entry->link.next);
}

/*
 * Whether somebody has a reference to more than the names, of those that are met on the
 * way. All directories above the place are locked, so that it is there; below them nobody
 * comes to one that was met without a lookup.
 */
static bool is_any_referenced(struct node *root)
{
	struct node *directory = root;
	struct entry *entry;
	bool is = false;

	mutex_lock(&root->vnode.lock);
	entry = first_entry(root);
	for (;;) {
		while (entry == NULL || is) {
			mutex_unlock(&directory->vnode.lock);
			if (directory == root)
				return is || root->vnode.references != 1;
			entry = next_entry(directory->directory.name);
			directory = directory->directory.parent;
		}
		/* Several names of a file are several references. */
		is = entry->node->vnode.references
			 != (S_ISDIR(entry->node->vnode.mode) ? 1 : entry->node->vnode.links);
		if (!is && S_ISDIR(entry->node->vnode.mode)) {
			directory = entry->node;
			mutex_lock(&directory->vnode.lock);
			entry = first_entry(directory);
		} else {
			entry = next_entry(entry);
		}
	}
}

/*
 * The same of all, where nobody comes in any more. Who is in it has a reference all the
 * time, but goes from one to another by lookups: there were none meanwhile. Who has one
 * to what has no name makes the two counts differ.
 */
static bool in_use(struct mount *mount)
{
	struct ramfs *fs = mount->data;
	uint64_t lookups;
	bool is;

	spin_lock(&sNames);
	lookups = fs->lookups;
	spin_unlock(&sNames);
	if (is_any_referenced(node_of(mount->root)))
		return true;
	spin_lock(&sNames);
	is = fs->lookups != lookups
		 || __atomic_load_n(&mount->vnodes, __ATOMIC_SEQ_CST) != fs->named;
	spin_unlock(&sNames);
	return is;
}

static int ramfs_unmount(struct mount *mount)
{
	struct node *root = node_of(mount->root);
	struct node *directory = root;

	if (in_use(mount))
		return -EBUSY;
	/* From the leaves up: no recursion, however deep it is. */
	for (;;) {
		struct entry *entry = first_entry(directory);
		struct node *node;

		if (entry == NULL) {
			struct node *parent = directory->directory.parent;

			if (directory == root)
				break;
			remove_entry(directory->directory.name);
			vnode_put(&directory->vnode);
			directory = parent;
			continue;
		}
		node = entry->node;
		if (S_ISDIR(node->vnode.mode)) {
			directory = node;
			continue;
		}
		remove_entry(entry);
		vnode_put(&node->vnode);
	}
	vnode_put(mount->root);
	heap_free(mount->data);
	return 0;
}

static int ramfs_status(struct mount *mount, struct file_system_status *_status)
{
	uint32_t reserve = page_total_count() / 32;
	uint32_t free = page_free_count();

	(void)mount;
	_status->block_size = PAGE_SIZE;
	_status->blocks = page_total_count();
	_status->free_blocks = free > reserve ? free - reserve : 0;
	return 0;
}

static struct file_system_type sType = {
	.name = "ramfs",
	.flags = FILE_SYSTEM_READS_ANYWHERE,
	.mount = ramfs_mount,
	.unmount = ramfs_unmount,
	.status = ramfs_status,
};

void ramfs_init(void)
{
	file_system_register(&sType);
}

/* ---- The boot archives ------------------------------------------------------------ */

/* Makes the directories above the last component of `path`, which may be changed. */
static void make_parents(char *path)
{
	char *at;

	for (at = path + 1; *at != '\0'; at++) {
		if (*at == '/') {
			*at = '\0';
			vfs_mkdir(path, 0755); /* it may be there */
			*at = '/';
		}
	}
}

/* Whether the file lies on whole pages, which then are for programs to be run from. */
static bool keep_pages(const struct archive_file *file)
{
	return (uintptr_t)file->data % PAGE_SIZE == 0 && file->size >= PAGE_SIZE
		   && arch_is_direct(file->data)
		   && page_keep(arch_virtual_to_physical(file->data), file->size / PAGE_SIZE);
}

/* A file whose bytes stay in the archive. The name is free. */
static int add_file(const char *path, const struct archive_file *file)
{
	struct path walked;
	struct node *node;
	int error = vfs_walk(path, PATH_MAKE | PATH_NAME, &walked);

	if (error != 0)
		return error;
	if (walked.vnode != NULL || walked.last != PATH_IS_NAME)
		error = -EEXIST;
	if (error == 0) {
		mutex_lock(&walked.parent->lock);
		error = add_node(walked.parent, walked.name, walked.length,
			S_IFREG | (file->mode & 07777), &kFileOperations, &node);
		if (error == 0) {
			node->file.archive = file->data;
			node->file.archive_size = (uint32_t)file->size;
			node->file.gives_archive = keep_pages(file);
			node->vnode.size = (off_t)file->size;
		}
		mutex_unlock(&walked.parent->lock);
	}
	path_end(&walked);
	return error;
}

static int add_any(
	enum archive_kind kind, const struct archive_file *file, const char *target)
{
	char path[ARCHIVE_NAME_MAX + 1];
	int error;

	path[0] = '/';
	strlcpy(path + 1, file->name, sizeof path - 1);
	make_parents(path);
	if (kind == ARCHIVE_DIRECTORY) {
		error = vfs_mkdir(path, file->mode & 07777);
		return error == -EEXIST ? 0 : error;
	}
	error = vfs_unlink(path);
	if (error != 0 && error != -ENOENT)
		return error;
	return kind == ARCHIVE_LINK ? vfs_symlink(target, path) : add_file(path, file);
}

void ramfs_fill(const struct archive *archives, size_t count)
{
	char target[ARCHIVE_TARGET_MAX];
	struct archive_file file;
	enum archive_kind kind;
	size_t i;

	for (i = 0; i < count; i++) {
		size_t offset = 0;
		int result;

		while (
			(result = archive_next(&archives[i], &offset, &kind, &file, target)) == 1) {
			int error = add_any(kind, &file, target);

			if (error != 0)
				log_warn("files: /%s of a boot archive: error %d", file.name, -error);
		}
		if (result < 0)
			log_warn("files: boot archive %u is corrupt from byte %u on", (unsigned)i,
				(unsigned)offset);
	}
}
