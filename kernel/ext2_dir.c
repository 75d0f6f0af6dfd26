/*
 * Names in ext2's directories. See ext2.h.
 *
 * A directory is a file of entries, one behind the other; none crosses the end of
 * a block, and those of a block fill it. Hash indexes (of ext3) are not followed:
 * their blocks look like free entries, and the flag goes when the directory
 * changes.
 */
#include "kernel/ext2.h"

#include "kernel/string.h"
#include <postern/errno.h>

#define NO_ENTRY UINT32_MAX

/* A name's place. */
struct place {
	struct buffer *buffer; /* held */
	uint32_t index;		   /* of the block in the directory */
	uint32_t offset;
	uint32_t previous; /* the entry before it in the block, or NO_ENTRY */
};

static struct ext2_entry *entry_at(const struct buffer *buffer, uint32_t offset)
{
	return (void *)(buffer->data + offset);
}

static struct ext2_entry *entry_of(const struct place *place)
{
	return entry_at(place->buffer, place->offset);
}

static uint32_t block_total(const struct ext2_node *directory)
{
	return (uint32_t)(ext2_size(directory) / directory->fs->block_size);
}

static int get_block(struct ext2_node *directory, uint32_t index, struct buffer **_buffer)
{
	struct ext2 *fs = directory->fs;
	uint32_t block;
	int error = ext2_map(directory, index, &block);

	if (error == 0 && block == 0)
		error = ext2_damaged(fs, "a directory with a hole", directory->number);
	return error != 0 ? error : block_get(&fs->cache, block, _buffer);
}

static int check_entry(
	struct ext2_node *directory, const struct buffer *buffer, uint32_t offset)
{
	struct ext2 *fs = directory->fs;
	const struct ext2_entry *entry = entry_at(buffer, offset);
	uint32_t left = fs->block_size - offset;

	if (left < EXT2_ENTRY_SIZE(1) || entry->length < EXT2_ENTRY_SIZE(1)
		|| entry->length % 4 != 0 || entry->length > left
		|| EXT2_ENTRY_SIZE(entry->name_length) > entry->length
		|| entry->inode > fs->inode_count
		|| (entry->inode != 0 && entry->name_length == 0))
		return ext2_damaged(fs, "a directory's entry", directory->number);
	return 0;
}

static bool is_name(const struct ext2_entry *entry, const char *name, size_t length)
{
	return entry->inode != 0 && entry->name_length == length
		   && memcmp(entry->name, name, length) == 0;
}

/* -ENOENT where there is no such name; else the place's buffer is to be put. */
static int find(
	struct ext2_node *directory, const char *name, size_t length, struct place *place)
{
	struct ext2 *fs = directory->fs;
	uint32_t total = block_total(directory);
	int error;

	for (place->index = 0; place->index < total; place->index++) {
		error = get_block(directory, place->index, &place->buffer);
		if (error != 0)
			return error;
		place->previous = NO_ENTRY;
		for (place->offset = 0; place->offset < fs->block_size;
			 place->offset += entry_of(place)->length) {
			error = check_entry(directory, place->buffer, place->offset);
			if (error != 0) {
				block_put(&fs->cache, place->buffer);
				return error;
			}
			if (is_name(entry_of(place), name, length))
				return 0;
			place->previous = place->offset;
		}
		block_put(&fs->cache, place->buffer);
	}
	return -ENOENT;
}

static uint8_t type_of_mode(const struct ext2 *fs, mode_t mode)
{
	static const uint8_t kTypes[16] = {
		[EXT2_REGULAR >> 12] = 1,
		[EXT2_DIRECTORY >> 12] = 2,
		[EXT2_CHARACTER >> 12] = 3,
		[EXT2_BLOCK >> 12] = 4,
		[EXT2_FIFO >> 12] = 5,
		[EXT2_SOCKET >> 12] = 6,
		[EXT2_SYMLINK >> 12] = 7,
	};

	return fs->has_types ? kTypes[(mode & EXT2_TYPE_MASK) >> 12] : 0;
}

static mode_t mode_of_type(const struct ext2 *fs, uint8_t type)
{
	static const uint16_t kModes[8] = {0, EXT2_REGULAR, EXT2_DIRECTORY, EXT2_CHARACTER,
		EXT2_BLOCK, EXT2_FIFO, EXT2_SOCKET, EXT2_SYMLINK};

	return fs->has_types && type < 8 ? kModes[type] : 0;
}

static void directory_changed(struct ext2_node *directory, struct buffer *buffer)
{
	ext2_metadata_changed(directory->fs, buffer);
	directory->disk->flags &= ~EXT2_INDEX_FLAG;
	directory->disk->modified = directory->disk->changed = ext2_now(directory->fs);
	ext2_store(directory);
}

static void fill_entry(const struct ext2 *fs, struct ext2_entry *entry, uint32_t length,
	const char *name, size_t name_length, const struct ext2_node *node)
{
	entry->inode = node->number;
	entry->length = (uint16_t)length;
	entry->name_length = (uint8_t)name_length;
	entry->type = type_of_mode(fs, node->disk->mode);
	memcpy(entry->name, name, name_length);
}

/* Whether the entry at `offset` has room for `size` bytes; makes it one of its own. */
static bool make_room(struct buffer *buffer, uint32_t *offset, uint32_t size)
{
	struct ext2_entry *entry = entry_at(buffer, *offset);
	uint32_t used = entry->inode == 0 ? 0 : EXT2_ENTRY_SIZE(entry->name_length);
	uint32_t length = entry->length;

	if (length - used < size)
		return false;
	if (used > 0) {
		entry->length = (uint16_t)used;
		*offset += used;
		entry_at(buffer, *offset)->length = (uint16_t)(length - used);
	}
	return true;
}

/* A new block at the directory's end, of which one entry is all. */
static int append_block(struct ext2_node *directory, struct buffer **_buffer)
{
	struct ext2 *fs = directory->fs;
	uint32_t index = block_total(directory);
	bool is_new;
	uint32_t block;
	int error;

	if (ext2_size(directory) + fs->block_size > INT32_MAX)
		return -EFBIG;
	error = ext2_map_new(directory, index, &block, &is_new);
	if (error == 0)
		error = block_get(&fs->cache, block, _buffer);
	if (error != 0)
		return error;
	memset((*_buffer)->data, 0, fs->block_size);
	entry_at(*_buffer, 0)->length = (uint16_t)fs->block_size;
	ext2_metadata_changed(fs, *_buffer);
	ext2_set_size(directory, ext2_size(directory) + fs->block_size);
	return 0;
}

/* An error leaves the directory as it was. */
static int add(struct ext2_node *directory, const char *name, size_t length,
	const struct ext2_node *node)
{
	struct ext2 *fs = directory->fs;
	uint32_t size = EXT2_ENTRY_SIZE(length);
	uint32_t total = block_total(directory);
	struct buffer *buffer = NULL;
	uint32_t offset = 0;
	uint32_t index;
	bool is_found = false;
	int error = 0;

	for (index = directory->insert_hint; index < total && !is_found; index++) {
		error = get_block(directory, index, &buffer);
		if (error != 0)
			return error;
		for (offset = 0; offset < fs->block_size;
			 offset += entry_at(buffer, offset)->length) {
			error = check_entry(directory, buffer, offset);
			if (error != 0)
				break;
			is_found = make_room(buffer, &offset, size);
			if (is_found)
				break;
		}
		if (is_found)
			break;
		block_put(&fs->cache, buffer);
		if (error != 0)
			return error;
	}
	if (!is_found) {
		error = append_block(directory, &buffer);
		if (error != 0)
			return error;
		offset = 0;
	}
	/* What is shorter may still fit before it; that does not matter. */
	directory->insert_hint = index;
	fill_entry(fs, entry_at(buffer, offset), entry_at(buffer, offset)->length, name,
		length, node);
	directory_changed(directory, buffer);
	block_put(&fs->cache, buffer);
	return 0;
}

/* Again: a new name may have been put between the place and what was before it. */
static void find_previous(struct place *place)
{
	uint32_t offset;

	place->previous = NO_ENTRY;
	for (offset = 0; offset < place->offset;
		 offset += entry_at(place->buffer, offset)->length)
		place->previous = offset;
}

/* Puts the place's buffer. */
static void remove_entry(struct ext2_node *directory, struct place *place)
{
	struct ext2_entry *entry = entry_of(place);

	if (place->previous != NO_ENTRY) {
		struct ext2_entry *previous = entry_at(place->buffer, place->previous);

		previous->length = (uint16_t)(previous->length + entry->length);
	} else {
		entry->inode = 0;
	}
	if (directory->insert_hint > place->index)
		directory->insert_hint = place->index;
	directory_changed(directory, place->buffer);
	block_put(&directory->fs->cache, place->buffer);
}

/* Whether there are but "." and ".." in the block: 1, 0 or an error. */
static int is_block_empty(struct ext2_node *directory, const struct buffer *buffer)
{
	uint32_t offset = 0;

	while (offset < directory->fs->block_size) {
		const struct ext2_entry *entry = entry_at(buffer, offset);
		int error = check_entry(directory, buffer, offset);

		if (error != 0)
			return error;
		if (entry->inode != 0 && !is_name(entry, ".", 1) && !is_name(entry, "..", 2))
			return 0;
		offset += entry->length;
	}
	return 1;
}

/* The same of a whole directory. */
static int is_empty(struct ext2_node *directory)
{
	uint32_t total = block_total(directory);
	int result = 1;
	uint32_t index;

	for (index = 0; index < total && result == 1; index++) {
		struct buffer *buffer;

		result = get_block(directory, index, &buffer);
		if (result == 0) {
			result = is_block_empty(directory, buffer);
			block_put(&directory->fs->cache, buffer);
		}
	}
	return result;
}

int ext2_lookup(
	struct ext2_node *directory, const char *name, size_t length, uint32_t *_number)
{
	struct ext2 *fs = directory->fs;
	struct place place;
	int error;

	mutex_lock(&fs->lock);
	error = find(directory, name, length, &place);
	if (error == 0) {
		*_number = entry_of(&place)->inode;
		block_put(&fs->cache, place.buffer);
		/* Who locks a directory and then what is in it must not meet it again. */
		if (*_number == directory->number && !(length == 2 && memcmp(name, "..", 2) == 0))
			error = ext2_damaged(fs, "a directory in itself", directory->number);
	}
	mutex_unlock(&fs->lock);
	return error;
}

/* ---- New names -------------------------------------------------------------------- */

/* An inode, empty and with one link, in *node. */
static int make_inode(struct ext2_node *directory, mode_t mode, struct ext2_node *node)
{
	struct ext2 *fs = directory->fs;
	bool is_directory = (mode & EXT2_TYPE_MASK) == EXT2_DIRECTORY;
	uint32_t generation;
	uint32_t offset;
	int error;

	memset(node, 0, sizeof *node);
	node->fs = fs;
	error = ext2_allocate_inode(fs, directory, is_directory, &node->number);
	if (error != 0)
		return error;
	error = ext2_inode_buffer(fs, node->number, &node->place, &offset);
	if (error != 0) {
		ext2_free_inode(fs, node->number, is_directory);
		return error;
	}
	node->disk = (void *)(node->place->data + offset);
	generation = node->disk->generation;
	memset(node->disk, 0, fs->inode_size);
	node->disk->generation = generation + 1;
	node->disk->mode = (uint16_t)mode;
	node->disk->links = is_directory ? 2 : 1;
	node->disk->accessed = node->disk->modified = node->disk->changed = ext2_now(fs);
	ext2_store(node);
	return 0;
}

/* "." and "..". */
static int fill_directory(struct ext2_node *node, const struct ext2_node *parent)
{
	struct ext2 *fs = node->fs;
	struct buffer *buffer;
	int error = append_block(node, &buffer);

	if (error != 0)
		return error;
	fill_entry(fs, entry_at(buffer, 0), EXT2_ENTRY_SIZE(1), ".", 1, node);
	fill_entry(fs, entry_at(buffer, EXT2_ENTRY_SIZE(1)),
		fs->block_size - EXT2_ENTRY_SIZE(1), "..", 2, parent);
	block_put(&fs->cache, buffer);
	return 0;
}

static int fill_symlink(struct ext2_node *node, const char *target, size_t length)
{
	struct ext2 *fs = node->fs;
	struct buffer *buffer;
	bool is_new;
	uint32_t block;
	int error;

	if (length <= EXT2_FAST_SYMLINK_MAX) {
		memcpy(node->disk->block, target, length);
		ext2_set_size(node, length);
		return 0;
	}
	error = ext2_map_new(node, 0, &block, &is_new);
	if (error == 0)
		error = block_get(&fs->cache, block, &buffer);
	if (error != 0)
		return error;
	memcpy(buffer->data, target, length);
	block_changed(&fs->cache, buffer, BUFFER_DATA);
	block_put(&fs->cache, buffer);
	ext2_set_size(node, length);
	return 0;
}

static int create_locked(struct ext2_node *directory, const char *name, size_t length,
	mode_t mode, const char *target, size_t target_length, uint32_t *_number)
{
	bool is_directory = (mode & EXT2_TYPE_MASK) == EXT2_DIRECTORY;
	struct ext2_node node;
	int error;

	if (is_directory && directory->disk->links >= EXT2_LINKS_MAX)
		return -EMLINK;
	error = make_inode(directory, mode, &node);
	if (error != 0)
		return error;
	if (is_directory)
		error = fill_directory(&node, directory);
	if (error == 0 && target != NULL)
		error = fill_symlink(&node, target, target_length);
	if (error == 0)
		error = add(directory, name, length, &node);
	if (error != 0) {
		ext2_delete(&node);
	} else {
		*_number = node.number;
		if (is_directory) {
			directory->disk->links++;
			ext2_store(directory);
		}
	}
	ext2_unload(&node);
	return error;
}

static int create(struct ext2_node *directory, const char *name, size_t length,
	mode_t mode, const char *target, size_t target_length, uint32_t *_number)
{
	struct ext2 *fs = directory->fs;
	int error = ext2_begin(fs);

	if (error != 0)
		return error;
	if (directory->disk->links == 0)
		error = -ENOENT;
	else
		error =
			create_locked(directory, name, length, mode, target, target_length, _number);
	if (error == -ENOSPC && ext2_reclaim(fs))
		error =
			create_locked(directory, name, length, mode, target, target_length, _number);
	ext2_end(fs);
	return error;
}

int ext2_create(struct ext2_node *directory, const char *name, size_t length, mode_t mode,
	uint32_t *_number)
{
	return create(directory, name, length, mode, NULL, 0, _number);
}

int ext2_symlink(struct ext2_node *directory, const char *name, size_t length,
	const char *target, size_t target_length, uint32_t *_number)
{
	if (target_length == 0)
		return -ENOENT;
	if (target_length >= directory->fs->block_size)
		return -ENAMETOOLONG;
	return create(
		directory, name, length, EXT2_SYMLINK | 0777, target, target_length, _number);
}

int ext2_link(
	struct ext2_node *directory, const char *name, size_t length, struct ext2_node *node)
{
	struct ext2 *fs = directory->fs;
	int error = ext2_begin(fs);

	if (error != 0)
		return error;
	if (node->disk->links >= EXT2_LINKS_MAX)
		error = -EMLINK;
	else if (node->disk->links == 0 || directory->disk->links == 0)
		error = -ENOENT;
	else
		error = add(directory, name, length, node);
	if (error == -ENOSPC && ext2_reclaim(fs))
		error = add(directory, name, length, node);
	if (error == 0) {
		node->disk->links++;
		node->disk->changed = ext2_now(fs);
		ext2_store(node);
	}
	ext2_end(fs);
	return error;
}

/* ---- Names that go ---------------------------------------------------------------- */

/* It has one name less; `parent` is the directory that had it. */
static void drop_link(struct ext2_node *node, struct ext2_node *parent)
{
	if (ext2_is_directory(node)) {
		node->disk->links = 0;
		if (parent->disk->links > 2)
			parent->disk->links--;
		ext2_store(parent);
	} else {
		node->disk->links--;
	}
	node->disk->changed = ext2_now(node->fs);
	ext2_store(node);
	if (node->disk->links == 0)
		ext2_add_orphan(node);
}

/* find(), where the name has to be that of `node`. */
static int find_node(struct ext2_node *directory, const char *name, size_t length,
	const struct ext2_node *node, struct place *place)
{
	int error = find(directory, name, length, place);

	if (error == 0
		&& (entry_of(place)->inode != node->number || node->disk->links == 0)) {
		block_put(&directory->fs->cache, place->buffer);
		error = -ENOENT;
	}
	return error;
}

/* Whether it may be removed: a directory only if it is empty. */
static int check_removable(struct ext2_node *node)
{
	int result;

	if (!ext2_is_directory(node))
		return 0;
	result = is_empty(node);
	return result < 0 ? result : result == 1 ? 0 : -ENOTEMPTY;
}

int ext2_unlink(
	struct ext2_node *directory, const char *name, size_t length, struct ext2_node *node)
{
	struct ext2 *fs = directory->fs;
	struct place place;
	int error = ext2_begin(fs);

	if (error != 0)
		return error;
	error = check_removable(node);
	if (error == 0)
		error = find_node(directory, name, length, node, &place);
	if (error == 0) {
		remove_entry(directory, &place);
		drop_link(node, directory);
	}
	ext2_end(fs);
	return error;
}

/* Gives the new name to `node`: the target's entry, or a new one. */
static int take_name(struct ext2_node *node, struct ext2_node *new_directory,
	const char *new_name, size_t new_length, struct ext2_node *target)
{
	struct place place;
	int error;

	if (target == NULL)
		return add(new_directory, new_name, new_length, node);
	error = find_node(new_directory, new_name, new_length, target, &place);
	if (error != 0)
		return error;
	fill_entry(
		node->fs, entry_of(&place), entry_of(&place)->length, new_name, new_length, node);
	directory_changed(new_directory, place.buffer);
	block_put(&node->fs->cache, place.buffer);
	return 0;
}

static int rename_locked(struct ext2_node *directory, const char *name, size_t length,
	struct ext2_node *node, struct ext2_node *new_directory, const char *new_name,
	size_t new_length, struct ext2_node *target)
{
	struct ext2 *fs = directory->fs;
	bool changes_parent = ext2_is_directory(node) && directory != new_directory;
	struct place parent = {0};
	struct place old;
	int error;

	if (new_directory->disk->links == 0)
		return -ENOENT;
	if (changes_parent && target == NULL && new_directory->disk->links >= EXT2_LINKS_MAX)
		return -EMLINK;
	/* First whatever may fail. */
	error = target != NULL ? check_removable(target) : 0;
	if (error == 0)
		error = find_node(directory, name, length, node, &old);
	if (error != 0)
		return error;
	if (changes_parent) {
		error = find(node, "..", 2, &parent);
		if (error != 0)
			parent.buffer = NULL;
		if (error == -ENOENT)
			error = ext2_damaged(fs, "a directory without ..", node->number);
	}
	if (error == 0)
		error = take_name(node, new_directory, new_name, new_length, target);
	if (error != 0) {
		block_put(&fs->cache, old.buffer);
		if (parent.buffer != NULL)
			block_put(&fs->cache, parent.buffer);
		return error;
	}
	/* The block is held: there is nothing that may fail any more. */
	find_previous(&old);
	remove_entry(directory, &old);
	if (changes_parent) {
		entry_of(&parent)->inode = new_directory->number;
		directory_changed(node, parent.buffer);
		if (directory->disk->links > 2)
			directory->disk->links--;
		new_directory->disk->links++;
		ext2_store(directory);
		ext2_store(new_directory);
	}
	if (parent.buffer != NULL)
		block_put(&fs->cache, parent.buffer);
	if (target != NULL)
		drop_link(target, new_directory);
	node->disk->changed = ext2_now(fs);
	ext2_store(node);
	return 0;
}

int ext2_rename(struct ext2_node *directory, const char *name, size_t length,
	struct ext2_node *node, struct ext2_node *new_directory, const char *new_name,
	size_t new_length, struct ext2_node *target)
{
	struct ext2 *fs = directory->fs;
	int error;

	/* POSIX, rename(): two names of the same file stay. */
	if (target != NULL && target->number == node->number)
		return 0;
	error = ext2_begin(fs);
	if (error != 0)
		return error;
	error = rename_locked(
		directory, name, length, node, new_directory, new_name, new_length, target);
	if (error == -ENOSPC && ext2_reclaim(fs))
		error = rename_locked(
			directory, name, length, node, new_directory, new_name, new_length, target);
	ext2_end(fs);
	return error;
}

/* ---- Reading a directory ---------------------------------------------------------- */

int ext2_readdir(
	struct ext2_node *directory, uint64_t *cookie, ext2_visitor *visit, void *context)
{
	struct ext2 *fs = directory->fs;
	bool is_full = false;
	int error = 0;

	mutex_lock(&fs->lock);
	while (error == 0 && !is_full && *cookie < ext2_size(directory)) {
		uint64_t start = *cookie - *cookie % fs->block_size;
		struct buffer *buffer;
		uint32_t offset = 0;

		error = get_block(directory, (uint32_t)(start / fs->block_size), &buffer);
		if (error != 0)
			break;
		/* From the block's beginning: entries may have been merged since. */
		while (offset < fs->block_size && error == 0) {
			const struct ext2_entry *entry = entry_at(buffer, offset);

			error = check_entry(directory, buffer, offset);
			if (error != 0)
				break;
			if (start + offset >= *cookie && entry->inode != 0) {
				if (!visit(context, entry->inode, mode_of_type(fs, entry->type),
						entry->name, entry->name_length)) {
					is_full = true;
					break;
				}
				*cookie = start + offset + 1;
			}
			offset += entry->length;
		}
		block_put(&fs->cache, buffer);
		if (error == 0 && !is_full)
			*cookie = start + fs->block_size;
	}
	mutex_unlock(&fs->lock);
	return error;
}
