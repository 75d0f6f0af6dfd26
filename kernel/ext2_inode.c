/*
 * Inodes of ext2 and the blocks of their files. See ext2.h.
 *
 * A file's blocks are numbered in block[]: twelve of them themselves, then a
 * block of numbers, a block of blocks of numbers, and once more.
 */
#include "kernel/ext2.h"

#include "kernel/log.h"
#include "kernel/string.h"
#include <postern/errno.h>

#define PATH_LEVELS 4u
#define READ_AHEAD 131072u /* bytes */
#define LARGE_FILE 0x80000000u

/* ---- Inodes ------------------------------------------------------------------------ */

int ext2_inode_buffer(
	struct ext2 *fs, uint32_t number, struct buffer **_buffer, uint32_t *_offset)
{
	uint32_t byte;
	uint32_t block;

	if (number == 0 || number > fs->inode_count)
		return ext2_damaged(fs, "an inode's number", number);
	byte = (number - 1) % fs->inodes_per_group * fs->inode_size;
	block = ext2_group(fs, (number - 1) / fs->inodes_per_group)->inode_table
			+ byte / fs->block_size;
	*_offset = byte % fs->block_size;
	return block_get(&fs->cache, block, _buffer);
}

uint64_t ext2_size(const struct ext2_node *node)
{
	uint64_t size = node->disk->size;

	if ((node->disk->mode & EXT2_TYPE_MASK) == EXT2_REGULAR)
		size |= (uint64_t)node->disk->size_high << 32;
	return size;
}

void ext2_set_size(struct ext2_node *node, uint64_t size)
{
	struct ext2 *fs = node->fs;

	node->disk->size = (uint32_t)size;
	if ((node->disk->mode & EXT2_TYPE_MASK) == EXT2_REGULAR)
		node->disk->size_high = (uint32_t)(size >> 32);
	if (size >= LARGE_FILE && fs->super->revision > 0
		&& (fs->super->ro_compat & EXT2_RO_COMPAT_LARGE_FILE) == 0) {
		fs->super->ro_compat |= EXT2_RO_COMPAT_LARGE_FILE;
		ext2_super_changed(fs);
	}
	ext2_store(node);
}

/* The blocks that a file can have. */
static uint64_t blocks_max(const struct ext2 *fs)
{
	uint64_t slots = fs->slots;
	uint64_t most = EXT2_DIRECT + slots + slots * slots + slots * slots * slots;
	/* `sectors` counts them, with the indirect ones: at most an eighth more. */
	uint64_t counted = (uint64_t)UINT32_MAX / (fs->block_size / SECTOR_SIZE) / 8 * 7;

	if (most > UINT32_MAX)
		most = UINT32_MAX;
	return most < counted ? most : counted;
}

static bool is_fast_symlink(const struct ext2_node *node)
{
	uint32_t attributes =
		node->disk->attributes != 0 ? node->fs->block_size / SECTOR_SIZE : 0;

	return (node->disk->mode & EXT2_TYPE_MASK) == EXT2_SYMLINK
		   && node->disk->sectors <= attributes;
}

/* Whether block[] holds numbers of blocks. */
static bool has_blocks(const struct ext2_node *node)
{
	switch (node->disk->mode & EXT2_TYPE_MASK) {
	case EXT2_REGULAR:
	case EXT2_DIRECTORY:
		return true;
	case EXT2_SYMLINK:
		return !is_fast_symlink(node);
	default:
		return false;
	}
}

static int check_inode(const struct ext2_node *node)
{
	struct ext2 *fs = node->fs;
	uint64_t size = ext2_size(node);

	switch (node->disk->mode & EXT2_TYPE_MASK) {
	case EXT2_REGULAR:
		if (size > blocks_max(fs) * fs->block_size)
			return ext2_damaged(fs, "a file's size", node->number);
		break;
	case EXT2_DIRECTORY:
		if (size == 0 || size % fs->block_size != 0 || size >= LARGE_FILE)
			return ext2_damaged(fs, "a directory's size", node->number);
		break;
	case EXT2_SYMLINK:
		if (size == 0
			|| size
				   > (is_fast_symlink(node) ? EXT2_FAST_SYMLINK_MAX : fs->block_size - 1))
			return ext2_damaged(fs, "a symbolic link's size", node->number);
		break;
	case EXT2_FIFO:
	case EXT2_CHARACTER:
	case EXT2_BLOCK:
	case EXT2_SOCKET:
		break;
	default:
		return ext2_damaged(fs, "an inode's kind", node->number);
	}
	return 0;
}

int ext2_load_locked(struct ext2 *fs, uint32_t number, struct ext2_node *node)
{
	uint32_t offset;
	int error;

	memset(node, 0, sizeof *node);
	node->fs = fs;
	node->number = number;
	error = ext2_inode_buffer(fs, number, &node->place, &offset);
	if (error != 0)
		return error;
	node->disk = (void *)(node->place->data + offset);
	error = check_inode(node);
	if (error != 0)
		ext2_unload(node);
	return error;
}

void ext2_unload(struct ext2_node *node)
{
	block_put(&node->fs->cache, node->place);
	node->place = NULL;
	node->disk = NULL;
}

int ext2_load(struct ext2 *fs, uint32_t number, struct ext2_node *node)
{
	int error;

	mutex_lock(&fs->lock);
	if (number != EXT2_ROOT_INODE && number < fs->first_inode)
		error = ext2_damaged(fs, "a name of an inode that has none", number);
	else
		error = ext2_load_locked(fs, number, node);
	if (error == 0 && node->disk->links == 0) {
		error = ext2_damaged(fs, "a name of an inode that is free", number);
		ext2_unload(node);
	}
	mutex_unlock(&fs->lock);
	return error;
}

void ext2_release(struct ext2_node *node)
{
	struct ext2 *fs = node->fs;

	mutex_lock(&fs->lock);
	/* Where it cannot be removed now, the next mount will. */
	if (node->disk->links == 0 && ext2_continue(fs) == 0 && ext2_remove_orphan(node) == 0)
		ext2_delete(node);
	ext2_unload(node);
	ext2_end(fs);
}

int ext2_set_attributes(struct ext2_node *node, mode_t mode, uint32_t accessed,
	uint32_t modified, uint32_t changed)
{
	int error = ext2_begin(node->fs);

	if (error != 0)
		return error;
	node->disk->mode = (uint16_t)((node->disk->mode & EXT2_TYPE_MASK) | (mode & 07777));
	node->disk->accessed = accessed;
	node->disk->modified = modified;
	node->disk->changed = changed;
	ext2_store(node);
	ext2_end(node->fs);
	return 0;
}

/* ---- From a file's block to the disk's -------------------------------------------- */

/* The slots to follow, from block[] on. How many, or -EFBIG. */
static int find_path(const struct ext2 *fs, uint64_t index, uint32_t slots[PATH_LEVELS])
{
	uint64_t span = 1; /* blocks below one slot of the first level */
	unsigned levels;
	unsigned i;

	if (index < EXT2_DIRECT) {
		slots[0] = (uint32_t)index;
		return 1;
	}
	index -= EXT2_DIRECT;
	for (levels = 2; levels <= PATH_LEVELS; levels++) {
		if (index < span * fs->slots)
			break;
		index -= span * fs->slots;
		span *= fs->slots;
	}
	if (levels > PATH_LEVELS)
		return -EFBIG;
	slots[0] = EXT2_DIRECT + levels - 2;
	for (i = 1; i < levels; i++) {
		slots[i] = (uint32_t)(index / span);
		index %= span;
		span /= fs->slots;
	}
	return (int)levels;
}

static int get_zeroed(struct ext2 *fs, uint32_t block, struct buffer **_buffer)
{
	bool is_fresh;
	int error = block_get_new(&fs->cache, block, _buffer, &is_fresh);

	if (error == 0 && !is_fresh)
		memset((*_buffer)->data, 0, fs->block_size);
	return error;
}

/* A block of zeros for an empty slot; `is_table`: for numbers of blocks. */
static int fill_slot(struct ext2_node *node, uint32_t *slot, bool is_table)
{
	struct ext2 *fs = node->fs;
	struct buffer *buffer;
	uint32_t goal = node->goal;
	uint32_t block;
	int error;

	if (goal == 0)
		goal = fs->first_block
			   + (node->number - 1) / fs->inodes_per_group * fs->blocks_per_group;
	error = ext2_allocate_block(fs, goal, &block);
	if (error != 0)
		return error;
	error = get_zeroed(fs, block, &buffer);
	if (error != 0) {
		ext2_free_block(fs, block, true);
		return error;
	}
	block_changed(&fs->cache, buffer, is_table ? BUFFER_METADATA : BUFFER_DATA);
	block_put(&fs->cache, buffer);
	node->goal = block + 1;
	*slot = block;
	node->disk->sectors += fs->block_size / SECTOR_SIZE;
	ext2_store(node);
	return 0;
}

/* The block for `index`; makes what is missing where `_is_new` is not NULL. */
static int walk(struct ext2_node *node, uint32_t index, uint32_t *_block, bool *_is_new)
{
	struct ext2 *fs = node->fs;
	uint32_t path[PATH_LEVELS] = {0};
	int levels = find_path(fs, index, path);
	struct buffer *table = NULL;
	uint32_t *slot;
	int level = 0;
	int error = 0;

	if (levels < 0)
		return levels;
	slot = &node->disk->block[path[0]];
	for (;;) {
		bool is_last = level == levels - 1;
		struct buffer *next;

		if (*slot == 0 && _is_new == NULL)
			break;
		if (*slot == 0) {
			error = fill_slot(node, slot, !is_last);
			if (error != 0)
				break;
			if (table != NULL)
				ext2_metadata_changed(fs, table);
			if (is_last)
				*_is_new = true;
		} else if (!ext2_is_data_block(fs, *slot)) {
			error = ext2_damaged(fs, "the number of a file's block", *slot);
			break;
		}
		if (is_last)
			break;
		error = block_get(&fs->cache, *slot, &next);
		if (error != 0)
			break;
		if (table != NULL)
			block_put(&fs->cache, table);
		table = next;
		slot = (uint32_t *)(void *)table->data + path[++level];
	}
	*_block = error == 0 ? *slot : 0;
	if (table != NULL)
		block_put(&fs->cache, table);
	return error;
}

int ext2_map(struct ext2_node *node, uint32_t index, uint32_t *_block)
{
	return walk(node, index, _block, NULL);
}

int ext2_map_new(struct ext2_node *node, uint32_t index, uint32_t *_block, bool *_is_new)
{
	*_is_new = false;
	return walk(node, index, _block, _is_new);
}

/* ---- Truncating ------------------------------------------------------------------- */

static void count_freed(struct ext2_node *node)
{
	uint32_t sectors = node->fs->block_size / SECTOR_SIZE;

	if (node->disk->sectors >= sectors)
		node->disk->sectors -= sectors;
}

/*
 * Frees what is below *slot, of which the first `keep` blocks stay; with none to
 * stay, the slot is empty afterwards, whatever went wrong. `levels` of numbers are
 * between the slot and the file's blocks. Returns the first error.
 */
static int free_branch(
	struct ext2_node *node, uint32_t *slot, unsigned levels, uint64_t keep)
{
	struct ext2 *fs = node->fs;
	uint32_t block = *slot;
	int result = 0;
	int error;

	if (block == 0)
		return 0;
	if (levels > 0) {
		struct buffer *table;
		uint64_t span = 1;
		uint32_t i;
		unsigned level;

		for (level = 1; level < levels; level++)
			span *= fs->slots;
		/* What was freed once is not followed again: so this ends. */
		result = ext2_block_in_use(fs, block);
		if (result == 0)
			result = ext2_damaged(fs, "a table of blocks is free", block);
		else if (result > 0)
			result = block_get(&fs->cache, block, &table);
		if (result == 0) {
			for (i = (uint32_t)(keep / span); i < fs->slots; i++) {
				uint64_t before = i * span;
				uint32_t *next = (uint32_t *)(void *)table->data + i;

				error = free_branch(
					node, next, levels - 1, keep > before ? keep - before : 0);
				if (result == 0)
					result = error;
			}
			if (keep > 0)
				ext2_metadata_changed(fs, table);
			block_put(&fs->cache, table);
		} else if (keep == 0) {
			*slot = 0;
		}
	}
	if (keep > 0 || *slot == 0)
		return result;
	error = ext2_free_block(fs, block, levels > 0 || ext2_is_directory(node));
	if (error == 0)
		count_freed(node);
	*slot = 0;
	return result != 0 ? result : error;
}

int ext2_truncate_locked(struct ext2_node *node, uint64_t size)
{
	struct ext2 *fs = node->fs;
	uint64_t keep = (size + fs->block_size - 1) / fs->block_size;
	uint64_t before = 0; /* blocks before the slot */
	uint64_t span = 1;
	int result = 0;
	uint32_t i;

	for (i = 0; i < EXT2_SLOTS; i++) {
		unsigned levels = i < EXT2_DIRECT ? 0 : i - EXT2_DIRECT + 1;

		if (levels > 0)
			span *= fs->slots;
		if (keep < before + span) {
			int error = free_branch(
				node, &node->disk->block[i], levels, keep > before ? keep - before : 0);

			if (result == 0)
				result = error;
		}
		before += span;
	}
	node->goal = 0;
	ext2_set_size(node, size);
	return result;
}

/* The bytes between the end of the file and that of its last block. */
static int clear_tail(struct ext2_node *node)
{
	struct ext2 *fs = node->fs;
	uint64_t size = ext2_size(node);
	uint32_t used = (uint32_t)(size % fs->block_size);
	struct buffer *buffer;
	uint32_t block;
	int error;

	if (used == 0)
		return 0;
	error = ext2_map(node, (uint32_t)(size / fs->block_size), &block);
	if (error != 0 || block == 0)
		return error;
	error = block_get(&fs->cache, block, &buffer);
	if (error != 0)
		return error;
	memset(buffer->data + used, 0, fs->block_size - used);
	block_changed(&fs->cache, buffer, BUFFER_DATA);
	block_put(&fs->cache, buffer);
	return 0;
}

int ext2_truncate(struct ext2_node *node, uint64_t size)
{
	struct ext2 *fs = node->fs;
	int error;

	if (size > blocks_max(fs) * fs->block_size)
		return -EFBIG;
	error = ext2_begin(fs);
	if (error != 0)
		return error;
	if (size > ext2_size(node)) {
		error = clear_tail(node);
		if (error == 0)
			ext2_set_size(node, size);
	} else {
		error = ext2_truncate_locked(node, size);
	}
	node->disk->modified = node->disk->changed = ext2_now(fs);
	ext2_store(node);
	ext2_end(fs);
	return error;
}

/* ---- Deleting --------------------------------------------------------------------- */

/* The block of extended attributes, which several inodes may share. */
static int free_attributes(struct ext2_node *node)
{
	struct ext2 *fs = node->fs;
	uint32_t block = node->disk->attributes;
	struct ext2_attributes *attributes;
	struct buffer *buffer;
	bool is_last;
	int error;

	if (block == 0)
		return 0;
	node->disk->attributes = 0;
	if (!ext2_is_data_block(fs, block))
		return ext2_damaged(fs, "the block of an inode's attributes", block);
	error = block_get(&fs->cache, block, &buffer);
	if (error != 0)
		return error;
	attributes = (void *)buffer->data;
	if (attributes->magic != EXT2_ATTRIBUTES_MAGIC || attributes->references == 0) {
		block_put(&fs->cache, buffer);
		return ext2_damaged(fs, "an inode's attributes", block);
	}
	is_last = attributes->references == 1;
	if (!is_last) {
		attributes->references--;
		ext2_metadata_changed(fs, buffer);
	}
	block_put(&fs->cache, buffer);
	return is_last ? ext2_free_block(fs, block, true) : 0;
}

int ext2_delete(struct ext2_node *node)
{
	struct ext2 *fs = node->fs;
	bool is_directory = ext2_is_directory(node);
	int result = free_attributes(node);
	int error = 0;

	if (has_blocks(node))
		error = ext2_truncate_locked(node, 0);
	if (result == 0)
		result = error;
	node->disk->links = 0;
	node->disk->deleted = ext2_now(fs);
	/* A lower one would be taken for an inode on the list of orphans. */
	if (node->disk->deleted <= fs->inode_count)
		node->disk->deleted = fs->inode_count + 1;
	ext2_store(node);
	error = ext2_free_inode(fs, node->number, is_directory);
	return result != 0 ? result : error;
}

int ext2_add_orphan(struct ext2_node *node)
{
	struct ext2 *fs = node->fs;

	node->disk->deleted = fs->super->last_orphan;
	fs->super->last_orphan = node->number;
	ext2_store(node);
	ext2_super_changed(fs);
	return 0;
}

int ext2_remove_orphan(struct ext2_node *node)
{
	struct ext2 *fs = node->fs;
	uint32_t number = fs->super->last_orphan;
	uint32_t count;

	if (number == node->number) {
		fs->super->last_orphan = node->disk->deleted;
		ext2_super_changed(fs);
		return 0;
	}
	for (count = 0; number != 0 && count < fs->inode_count; count++) {
		struct ext2_inode *inode;
		struct buffer *buffer;
		uint32_t offset;
		int error = ext2_inode_buffer(fs, number, &buffer, &offset);

		if (error != 0)
			return error;
		inode = (void *)(buffer->data + offset);
		number = inode->deleted;
		if (number == node->number) {
			inode->deleted = node->disk->deleted;
			ext2_metadata_changed(fs, buffer);
		}
		block_put(&fs->cache, buffer);
		if (number == node->number)
			return 0;
	}
	return ext2_damaged(fs, "the list of files without a name", node->number);
}

/* ---- Reading and writing ---------------------------------------------------------- */

/* Reads `block`, and what follows it in the file and on the disk alike. */
static void read_ahead(struct ext2_node *node, uint32_t index, uint32_t block)
{
	struct ext2 *fs = node->fs;
	uint32_t most = READ_AHEAD / fs->block_size;
	uint64_t last = (ext2_size(node) + fs->block_size - 1) / fs->block_size;
	uint32_t count = 1;

	while (count < most && (uint64_t)index + count < last) {
		uint32_t next;

		if (ext2_map(node, index + count, &next) != 0 || next != block + count)
			break;
		count++;
	}
	if (count > 1)
		block_read_ahead(&fs->cache, block, count);
}

static int read_block(struct ext2_node *node, uint32_t index, uint32_t offset,
	size_t size, ext2_mover *give, void *context)
{
	struct ext2 *fs = node->fs;
	struct buffer *buffer;
	uint32_t block;
	int error = ext2_map(node, index, &block);

	if (error != 0)
		return error;
	if (block == 0)
		return give(context, NULL, size);
	if (index == node->read_next && !block_is_cached(&fs->cache, block))
		read_ahead(node, index, block);
	node->read_next = index + 1;
	error = block_get(&fs->cache, block, &buffer);
	if (error != 0)
		return error;
	error = give(context, buffer->data + offset, size);
	block_put(&fs->cache, buffer);
	return error;
}

int ext2_read(struct ext2_node *node, uint64_t position, size_t size, ext2_mover *give,
	void *context, size_t *_done)
{
	struct ext2 *fs = node->fs;
	uint64_t end;
	int error = 0;

	*_done = 0;
	mutex_lock(&fs->lock);
	end = ext2_size(node);
	if (position < end && size > end - position)
		size = (size_t)(end - position);
	while (error == 0 && position < end && size > 0) {
		uint32_t offset = (uint32_t)(position % fs->block_size);
		size_t part = fs->block_size - offset;

		if (part > size)
			part = size;
		error = read_block(
			node, (uint32_t)(position / fs->block_size), offset, part, give, context);
		if (error == 0) {
			position += part;
			size -= part;
			*_done += part;
		}
	}
	mutex_unlock(&fs->lock);
	return error;
}

static int write_block(struct ext2_node *node, uint32_t index, uint32_t offset,
	size_t size, ext2_mover *take, void *context)
{
	struct ext2 *fs = node->fs;
	bool is_new;
	bool is_fresh = false;
	struct buffer *buffer;
	uint32_t block;
	int error = ext2_map_new(node, index, &block, &is_new);

	if (error != 0)
		return error;
	if (!is_new && size == fs->block_size)
		error = block_get_new(&fs->cache, block, &buffer, &is_fresh);
	else
		error = block_get(&fs->cache, block, &buffer);
	if (error != 0)
		return error;
	error = take(context, buffer->data + offset, size);
	if (error != 0 && is_new) /* a part of it may have come */
		memset(buffer->data + offset, 0, size);
	if (error == 0 || !is_fresh)
		block_changed(&fs->cache, buffer, BUFFER_DATA);
	block_put(&fs->cache, buffer);
	if (error != 0 && is_fresh)
		block_forget(&fs->cache, block);
	return error;
}

/* What of it is beyond the end makes the file longer. */
static int write_locked(struct ext2_node *node, uint64_t position, size_t size,
	ext2_mover *take, void *context, size_t *_done)
{
	struct ext2 *fs = node->fs;
	int error = 0;

	if (position > ext2_size(node))
		error = clear_tail(node);
	while (error == 0 && size > 0) {
		uint32_t offset = (uint32_t)(position % fs->block_size);
		uint64_t index = position / fs->block_size;
		size_t part = fs->block_size - offset;

		if (part > size)
			part = size;
		if (index >= blocks_max(fs))
			return -EFBIG;
		error = write_block(node, (uint32_t)index, offset, part, take, context);
		if (error == -ENOSPC && ext2_reclaim(fs))
			error = write_block(node, (uint32_t)index, offset, part, take, context);
		if (error != 0) {
			/* Blocks that nothing was written to do not stay behind the end. */
			if (error != -EIO)
				ext2_truncate_locked(node, ext2_size(node));
			break;
		}
		position += part;
		size -= part;
		*_done += part;
		if (position > ext2_size(node))
			ext2_set_size(node, position);
		error = ext2_continue(fs);
	}
	return error;
}

int ext2_write(struct ext2_node *node, uint64_t position, size_t size, ext2_mover *take,
	void *context, size_t *_done)
{
	struct ext2 *fs = node->fs;
	int error;

	*_done = 0;
	error = ext2_begin(fs);
	if (error != 0)
		return error;
	error = write_locked(node, position, size, take, context, _done);
	if (*_done > 0) {
		node->disk->modified = node->disk->changed = ext2_now(fs);
		ext2_store(node);
	}
	ext2_end(fs);
	return error;
}

ssize_t ext2_readlink(struct ext2_node *node, char *target, size_t size)
{
	struct ext2 *fs = node->fs;
	size_t length;
	struct buffer *buffer;
	uint32_t block;
	int error = 0;

	mutex_lock(&fs->lock);
	length = (size_t)ext2_size(node);
	if (length > size)
		length = size;
	if (is_fast_symlink(node)) {
		memcpy(target, node->disk->block, length);
	} else {
		error = ext2_map(node, 0, &block);
		if (error == 0 && block == 0)
			error = ext2_damaged(fs, "a symbolic link without a text", node->number);
		if (error == 0)
			error = block_get(&fs->cache, block, &buffer);
		if (error == 0) {
			memcpy(target, buffer->data, length);
			block_put(&fs->cache, buffer);
		}
	}
	mutex_unlock(&fs->lock);
	return error != 0 ? error : (ssize_t)length;
}
