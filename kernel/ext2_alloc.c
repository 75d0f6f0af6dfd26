/*
 * Which blocks and inodes of an ext2 file system are used. See ext2.h.
 *
 * The bitmaps say what will be free; a block that has just been freed waits in
 * one of two further bitmaps, in memory only, until it may be used again.
 */
#include "kernel/ext2.h"

#include "kernel/string.h"
#include <postern/errno.h>

static uint32_t group_start(const struct ext2 *fs, uint32_t group)
{
	return fs->first_block + group * fs->blocks_per_group;
}

static uint32_t group_size(const struct ext2 *fs, uint32_t group)
{
	uint32_t left = fs->block_count - group_start(fs, group);

	return left < fs->blocks_per_group ? left : fs->blocks_per_group;
}

static bool is_power(uint32_t number, uint32_t base)
{
	while (number > base && number % base == 0)
		number /= base;
	return number == base;
}

/* Whether a group begins with a copy of the superblock and the descriptors. */
static bool has_super(const struct ext2 *fs, uint32_t group)
{
	bool sparse = fs->super->revision > 0
				  && (fs->super->ro_compat & EXT2_RO_COMPAT_SPARSE_SUPER) != 0;

	return !sparse || group <= 1 || is_power(group, 3) || is_power(group, 5)
		   || is_power(group, 7);
}

bool ext2_is_data_block(struct ext2 *fs, uint32_t block)
{
	const struct ext2_group *group;
	uint32_t number;
	uint32_t own = 0;

	if (block <= fs->first_block || block >= fs->block_count)
		return false;
	number = (block - fs->first_block) / fs->blocks_per_group;
	group = ext2_group(fs, number);
	if (has_super(fs, number))
		own = 1 + fs->descriptor_blocks;
	return block - group_start(fs, number) >= own && block != group->block_bitmap
		   && block != group->inode_bitmap
		   && block - group->inode_table >= fs->inode_blocks;
}

static bool get_bit(const void *map, uint32_t bit)
{
	return (((const uint8_t *)map)[bit / 8] >> bit % 8 & 1) != 0;
}

static void set_bit(void *map, uint32_t bit)
{
	((uint8_t *)map)[bit / 8] |= (uint8_t)(1u << bit % 8);
}

static void clear_bit(void *map, uint32_t bit)
{
	((uint8_t *)map)[bit / 8] &= (uint8_t) ~(1u << bit % 8);
}

void ext2_release_waiting(struct ext2 *fs, bool checkpoint)
{
	size_t size = ((size_t)fs->block_count + 31) / 32 * sizeof(uint32_t);

	if (checkpoint && fs->any_until_checkpoint) {
		memset(fs->until_checkpoint, 0, size);
		fs->any_until_checkpoint = false;
	}
	if (!checkpoint && fs->any_until_commit) {
		memset(fs->until_commit, 0, size);
		fs->any_until_commit = false;
	}
}

/* The block that may be used in `group` from `bit` on, and is marked; or -ENOSPC. */
static int allocate_in_group(
	struct ext2 *fs, uint32_t number, uint32_t bit, uint32_t *_block)
{
	struct ext2_group *group = ext2_group(fs, number);
	uint32_t start = group_start(fs, number);
	uint32_t size = group_size(fs, number);
	struct buffer *bitmap;
	int error;

	if (group->free_blocks_count == 0)
		return -ENOSPC;
	error = block_get(&fs->cache, group->block_bitmap, &bitmap);
	if (error != 0)
		return error;
	for (; bit < size; bit++) {
		uint32_t block = start + bit;

		if (bit % 8 == 0 && bitmap->data[bit / 8] == 0xff) {
			bit += 7;
			continue;
		}
		if (get_bit(bitmap->data, bit) || get_bit(fs->until_commit, block)
			|| get_bit(fs->until_checkpoint, block) || !ext2_is_data_block(fs, block))
			continue;
		set_bit(bitmap->data, bit);
		ext2_metadata_changed(fs, bitmap);
		block_put(&fs->cache, bitmap);
		group->free_blocks_count--;
		ext2_group_changed(fs, number);
		if (fs->super->free_blocks_count > 0)
			fs->super->free_blocks_count--;
		ext2_super_changed(fs);
		*_block = block;
		return 0;
	}
	block_put(&fs->cache, bitmap);
	return -ENOSPC;
}

int ext2_allocate_block(struct ext2 *fs, uint32_t goal, uint32_t *_block)
{
	uint32_t first;
	uint32_t i;
	int error;

	if (goal < fs->first_block || goal >= fs->block_count)
		goal = fs->first_block;
	first = (goal - fs->first_block) / fs->blocks_per_group;
	error = allocate_in_group(
		fs, first, (goal - fs->first_block) % fs->blocks_per_group, _block);
	/* And all others, the first one's beginning last. */
	for (i = 1; error == -ENOSPC && i <= fs->group_count; i++)
		error = allocate_in_group(fs, (first + i) % fs->group_count, 0, _block);
	return error;
}

/* The bitmap with a block's bit. */
static int block_bitmap(
	struct ext2 *fs, uint32_t block, struct buffer **_bitmap, uint32_t *_bit)
{
	uint32_t number = (block - fs->first_block) / fs->blocks_per_group;

	*_bit = (block - fs->first_block) % fs->blocks_per_group;
	return block_get(&fs->cache, ext2_group(fs, number)->block_bitmap, _bitmap);
}

int ext2_block_in_use(struct ext2 *fs, uint32_t block)
{
	struct buffer *bitmap;
	uint32_t bit;
	int result;

	if (!ext2_is_data_block(fs, block))
		return 0;
	result = block_bitmap(fs, block, &bitmap, &bit);
	if (result != 0)
		return result;
	result = get_bit(bitmap->data, bit);
	block_put(&fs->cache, bitmap);
	return result;
}

int ext2_free_block(struct ext2 *fs, uint32_t block, bool logged)
{
	uint32_t number;
	struct buffer *bitmap;
	uint32_t bit;
	int error;

	if (!ext2_is_data_block(fs, block))
		return ext2_damaged(fs, "a file's block", block);
	number = (block - fs->first_block) / fs->blocks_per_group;
	error = block_bitmap(fs, block, &bitmap, &bit);
	if (error != 0)
		return error;
	if (!get_bit(bitmap->data, bit)) {
		block_put(&fs->cache, bitmap);
		return ext2_damaged(fs, "a file's block is free", block);
	}
	clear_bit(bitmap->data, bit);
	ext2_metadata_changed(fs, bitmap);
	block_put(&fs->cache, bitmap);
	block_forget(&fs->cache, block);
	ext2_group(fs, number)->free_blocks_count++;
	ext2_group_changed(fs, number);
	fs->super->free_blocks_count++;
	ext2_super_changed(fs);
	if (logged) {
		set_bit(fs->until_checkpoint, block);
		fs->any_until_checkpoint = true;
	} else {
		set_bit(fs->until_commit, block);
		fs->any_until_commit = true;
	}
	return 0;
}

/* ---- Inodes -------------------------------------------------------------------- */

static int allocate_inode_in_group(
	struct ext2 *fs, uint32_t number, bool is_directory, uint32_t *_number)
{
	struct ext2_group *group = ext2_group(fs, number);
	uint32_t bit = 0;
	struct buffer *bitmap;
	int error;

	if (group->free_inodes_count == 0)
		return -ENOSPC;
	error = block_get(&fs->cache, group->inode_bitmap, &bitmap);
	if (error != 0)
		return error;
	if (number == 0)
		bit = fs->first_inode - 1;
	while (bit < fs->inodes_per_group && get_bit(bitmap->data, bit))
		bit++;
	if (bit >= fs->inodes_per_group) {
		block_put(&fs->cache, bitmap);
		return -ENOSPC;
	}
	set_bit(bitmap->data, bit);
	ext2_metadata_changed(fs, bitmap);
	block_put(&fs->cache, bitmap);
	group->free_inodes_count--;
	if (is_directory)
		group->used_directories_count++;
	ext2_group_changed(fs, number);
	if (fs->super->free_inodes_count > 0)
		fs->super->free_inodes_count--;
	ext2_super_changed(fs);
	*_number = number * fs->inodes_per_group + bit + 1;
	return 0;
}

int ext2_allocate_inode(struct ext2 *fs, const struct ext2_node *directory,
	bool is_directory, uint32_t *_number)
{
	uint32_t first = (directory->number - 1) / fs->inodes_per_group;
	uint32_t i;
	int error = -ENOSPC;

	/* Files beside their directory; directories all over the disk. */
	if (is_directory && directory->number == EXT2_ROOT_INODE)
		first = fs->next_group++ % fs->group_count;
	for (i = 0; error == -ENOSPC && i < fs->group_count; i++)
		error = allocate_inode_in_group(
			fs, (first + i) % fs->group_count, is_directory, _number);
	return error;
}

int ext2_free_inode(struct ext2 *fs, uint32_t number, bool is_directory)
{
	uint32_t in_group = (number - 1) / fs->inodes_per_group;
	uint32_t bit = (number - 1) % fs->inodes_per_group;
	struct ext2_group *group = ext2_group(fs, in_group);
	struct buffer *bitmap;
	int error;

	error = block_get(&fs->cache, group->inode_bitmap, &bitmap);
	if (error != 0)
		return error;
	if (!get_bit(bitmap->data, bit)) {
		block_put(&fs->cache, bitmap);
		return ext2_damaged(fs, "an inode in use is free", number);
	}
	clear_bit(bitmap->data, bit);
	ext2_metadata_changed(fs, bitmap);
	block_put(&fs->cache, bitmap);
	group->free_inodes_count++;
	if (is_directory && group->used_directories_count > 0)
		group->used_directories_count--;
	ext2_group_changed(fs, in_group);
	fs->super->free_inodes_count++;
	ext2_super_changed(fs);
	return 0;
}
