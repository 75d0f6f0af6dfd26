/*
 * Mounting an ext2 file system, and bringing it to the disk. See ext2.h.
 */
#include "kernel/ext2.h"

#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/string.h"
#include <postern/errno.h>

/* What a call changes beside bitmaps and descriptors: inodes, directories, the
 * path of indirect blocks, the superblock. */
#define OPERATION_BLOCKS 32u

/* Seconds after which a call brings to the disk what others have changed. */
#define COMMIT_INTERVAL 5u

/* Lines in the log about one damaged disk. */
#define COMPLAINTS_MAX 20u

int ext2_damaged(struct ext2 *fs, const char *what, uint32_t number)
{
	if (fs->complaints++ < COMPLAINTS_MAX)
		log_warn("ext2: %s: damaged: %s (%u)", fs->device->name, what, number);
	/* So that e2fsck looks at everything, whoever mounts it next. */
	if (fs->is_writing && (fs->super->state & EXT2_STATE_ERROR) == 0) {
		fs->super->state |= EXT2_STATE_ERROR;
		ext2_super_changed(fs);
	}
	return -EIO;
}

/* ---- Mounting -------------------------------------------------------------------- */

static int read_super(struct ext2 *fs, struct ext2_super *super)
{
	struct block_segment segment = {super, EXT2_SUPER_SIZE};

	if (fs->device->sectors < (EXT2_SUPER_OFFSET + EXT2_SUPER_SIZE) / SECTOR_SIZE)
		return -EINVAL;
	return block_transfer(
		fs->device, false, EXT2_SUPER_OFFSET / SECTOR_SIZE, &segment, 1);
}

static int refuse(const struct ext2 *fs, const char *why, uint32_t number)
{
	log_warn("ext2: %s: not mounted: %s (0x%x)", fs->device->name, why, number);
	return -EUCLEAN;
}

/* Takes over what the superblock says, where it makes sense. */
static int check_super(struct ext2 *fs, const struct ext2_super *super)
{
	uint32_t incompat = super->revision == 0 ? 0 : super->incompat;
	uint32_t ro_compat = super->revision == 0 ? 0 : super->ro_compat;
	uint32_t bits;
	uint64_t groups;

	if (super->magic != EXT2_MAGIC)
		return -EINVAL;
	if (super->revision > 1)
		return refuse(fs, "an unknown revision", super->revision);
	if ((incompat & ~(EXT2_INCOMPAT_FILETYPE | EXT2_INCOMPAT_RECOVER)) != 0)
		return refuse(fs, "it has features that are unknown here", incompat);
	if ((ro_compat
			& ~(EXT2_RO_COMPAT_SPARSE_SUPER | EXT2_RO_COMPAT_LARGE_FILE
				| EXT2_RO_COMPAT_BTREE_DIR))
		!= 0) {
		log_warn("ext2: %s: features that are unknown here (0x%x): read only",
			fs->device->name, ro_compat);
		fs->read_only = true;
	}
	if (super->log_block_size > 2)
		return refuse(fs, "an unknown size of blocks", super->log_block_size);
	fs->block_size = EXT2_BLOCK_SIZE_MIN << super->log_block_size;
	fs->slots = fs->block_size / sizeof(uint32_t);
	bits = fs->block_size * 8;
	fs->has_types = (incompat & EXT2_INCOMPAT_FILETYPE) != 0;
	fs->first_block = super->first_data_block;
	fs->block_count = super->blocks_count;
	fs->inode_count = super->inodes_count;
	fs->blocks_per_group = super->blocks_per_group;
	fs->inodes_per_group = super->inodes_per_group;
	fs->inode_size = super->revision == 0 ? EXT2_INODE_SIZE_OLD : super->inode_size;
	fs->first_inode = super->revision == 0 ? EXT2_FIRST_INODE_OLD : super->first_inode;

	if (fs->first_block != (fs->block_size == 1024 ? 1u : 0u))
		return refuse(fs, "its first block", fs->first_block);
	if (fs->block_count <= fs->first_block + 3
		|| fs->block_count > fs->device->sectors / (fs->block_size / SECTOR_SIZE))
		return refuse(fs, "more or fewer blocks than the disk has", fs->block_count);
	if (fs->blocks_per_group < 256 || fs->blocks_per_group > bits
		|| fs->blocks_per_group % 8 != 0)
		return refuse(fs, "the size of its groups", fs->blocks_per_group);
	if (fs->inode_size < EXT2_INODE_SIZE_OLD || fs->inode_size > fs->block_size
		|| (fs->inode_size & (fs->inode_size - 1)) != 0)
		return refuse(fs, "the size of its inodes", fs->inode_size);
	if (fs->inodes_per_group < 8 || fs->inodes_per_group > bits
		|| fs->inodes_per_group % 8 != 0)
		return refuse(fs, "the inodes of a group", fs->inodes_per_group);
	groups = ((uint64_t)fs->block_count - fs->first_block + fs->blocks_per_group - 1)
			 / fs->blocks_per_group;
	if (groups * fs->inodes_per_group != fs->inode_count)
		return refuse(fs, "the number of its inodes", fs->inode_count);
	if (fs->first_inode < EXT2_FIRST_INODE_OLD || fs->first_inode > fs->inode_count)
		return refuse(fs, "its first inode", fs->first_inode);
	fs->group_count = (uint32_t)groups;
	fs->inode_blocks =
		(fs->inodes_per_group * fs->inode_size + fs->block_size - 1) / fs->block_size;
	fs->descriptor_blocks =
		(uint32_t)(groups * sizeof(struct ext2_group) + fs->block_size - 1)
		/ fs->block_size;
	if (fs->now() < super->write_time)
		fs->clock_offset = super->write_time - fs->now();
	fs->operation_blocks = fs->group_count + fs->descriptor_blocks + OPERATION_BLOCKS;
	return 0;
}

/* Each group's tables lie in the group, behind its copy of the superblock. */
static int check_groups(struct ext2 *fs)
{
	uint32_t i;

	for (i = 0; i < fs->group_count; i++) {
		const struct ext2_group *group = ext2_group(fs, i);
		uint32_t start = fs->first_block + i * fs->blocks_per_group;
		uint32_t size = fs->block_count - start;

		if (size > fs->blocks_per_group)
			size = fs->blocks_per_group;
		if (group->block_bitmap - start >= size || group->inode_bitmap - start >= size
			|| group->inode_table - start >= size
			|| fs->inode_blocks > size - (group->inode_table - start)
			|| group->block_bitmap == group->inode_bitmap
			|| group->block_bitmap - group->inode_table < fs->inode_blocks
			|| group->inode_bitmap - group->inode_table < fs->inode_blocks
			|| group->block_bitmap < fs->first_block + 1 + fs->descriptor_blocks
			|| group->inode_bitmap < fs->first_block + 1 + fs->descriptor_blocks
			|| group->inode_table < fs->first_block + 1 + fs->descriptor_blocks)
			return refuse(fs, "where a group's tables are", i);
	}
	return 0;
}

static void free_mount(struct ext2 *fs)
{
	uint32_t i;

	ext2_journal_close(fs);
	if (fs->super_buffer != NULL)
		block_put(&fs->cache, fs->super_buffer);
	for (i = 0; fs->descriptors != NULL && i < fs->descriptor_blocks; i++) {
		if (fs->descriptors[i] != NULL)
			block_put(&fs->cache, fs->descriptors[i]);
	}
	heap_free(fs->descriptors);
	heap_free(fs->until_commit);
	heap_free(fs->until_checkpoint);
	block_cache_destroy(&fs->cache);
	heap_free(fs);
}

static int load_tables(struct ext2 *fs, uint32_t cache_limit)
{
	size_t map_size = ((size_t)fs->block_count + 31) / 32 * sizeof(uint32_t);
	uint32_t i;
	int error;

	error = block_cache_init(&fs->cache, fs->device, fs->block_size, fs->block_count,
		cache_limit / fs->block_size + fs->descriptor_blocks);
	if (error != 0)
		return error;
	error = block_get(&fs->cache, EXT2_SUPER_OFFSET / fs->block_size, &fs->super_buffer);
	if (error != 0)
		return error;
	fs->super = (void *)(fs->super_buffer->data + EXT2_SUPER_OFFSET % fs->block_size);
	fs->descriptors = heap_allocate(fs->descriptor_blocks * sizeof *fs->descriptors);
	fs->until_commit = heap_allocate(map_size);
	fs->until_checkpoint = heap_allocate(map_size);
	if (fs->descriptors == NULL || fs->until_commit == NULL
		|| fs->until_checkpoint == NULL)
		return -ENOMEM;
	for (i = 0; i < fs->descriptor_blocks; i++) {
		error = block_get(&fs->cache, fs->first_block + 1 + i, &fs->descriptors[i]);
		if (error != 0)
			return error;
	}
	return check_groups(fs);
}

/* Whether the disk says that it was left in order. */
static bool is_clean(const struct ext2 *fs)
{
	return (fs->super->state & EXT2_STATE_VALID) != 0
		   && (fs->super->state & EXT2_STATE_ERROR) == 0;
}

/* Files that had no name when the machine stopped. */
static void delete_orphans(struct ext2 *fs)
{
	uint32_t number = fs->super->last_orphan;
	uint32_t count = 0;
	struct ext2_node node;

	for (; number != 0 && count < fs->inode_count; count++) {
		bool is_removed = false;
		uint32_t next = 0;

		if (number < fs->first_inode || ext2_load_locked(fs, number, &node) != 0)
			break;
		if (node.disk->links == 0) {
			next = node.disk->deleted;
			is_removed = ext2_delete(&node) == 0;
		}
		ext2_unload(&node);
		if (!is_removed)
			break;
		number = next;
		fs->super->last_orphan = next;
		ext2_super_changed(fs);
		/* Only now: it must not be committed that the list has an inode that is free. */
		if (ext2_continue(fs) != 0)
			break;
	}
	if (count > 0)
		log_info(
			"ext2: %s: %u files without a name were removed", fs->device->name, count);
	if (number == 0)
		return;
	ext2_damaged(fs, "the list of files without a name", number);
	fs->super->last_orphan = 0;
	ext2_super_changed(fs);
}

/* From here on the disk says that somebody writes to it. */
static int start_writing(struct ext2 *fs)
{
	int error;

	if (fs->journal.exists) {
		fs->super->incompat |= EXT2_INCOMPAT_RECOVER;
		error = ext2_journal_reset(fs, true);
		if (error != 0)
			return error;
	} else {
		fs->super->state &= (uint16_t)~EXT2_STATE_VALID;
	}
	fs->super->mount_count++;
	fs->super->mount_time = ext2_now(fs);
	/* This block alone, in its place: nothing else has changed yet. */
	block_changed(&fs->cache, fs->super_buffer, BUFFER_LOGGED);
	error = block_write_all(&fs->cache, BUFFER_LOGGED);
	if (error == 0)
		error = block_flush(fs->device);
	if (error != 0)
		return error;
	fs->is_writing = true;
	delete_orphans(fs);
	return ext2_commit(fs);
}

static int mount_once(struct ext2 *fs, uint32_t cache_limit)
{
	struct ext2_super *super = heap_allocate(sizeof *super);
	bool may_write = !fs->device->read_only;
	struct ext2_node root;
	int error;

	if (super == NULL)
		return -ENOMEM;
	error = read_super(fs, super);
	if (error == 0)
		error = check_super(fs, super);
	heap_free(super);
	if (error != 0)
		return error;
	error = load_tables(fs, cache_limit);
	if (error != 0)
		return error;
	error = ext2_journal_open(fs, may_write);
	if (error != 0)
		return error;
	error = ext2_load_locked(fs, EXT2_ROOT_INODE, &root);
	if (error == 0) {
		if (!ext2_is_directory(&root) || root.disk->links == 0)
			error = ext2_damaged(fs, "the root is no directory", root.disk->mode);
		ext2_unload(&root);
	}
	if (error != 0)
		return error == -EIO ? -EUCLEAN : error;
	if (!fs->read_only && !is_clean(fs)) {
		log_warn("ext2: %s: not left in order: read only; e2fsck -p mends it",
			fs->device->name);
		fs->read_only = true;
	}
	return fs->read_only ? 0 : start_writing(fs);
}

int ext2_mount(struct block_device *device, bool read_only, uint32_t cache_limit,
	uint32_t (*now)(void), struct ext2 **_fs)
{
	struct ext2 *fs;
	unsigned tries = 0;
	int error;

	do {
		fs = heap_allocate(sizeof *fs);
		if (fs == NULL)
			return -ENOMEM;
		mutex_init(&fs->lock, "ext2");
		list_init(&fs->link);
		fs->device = device;
		fs->now = now;
		fs->read_only = read_only || device->read_only;
		mutex_lock(&fs->lock);
		error = mount_once(fs, cache_limit);
		mutex_unlock(&fs->lock);
		if (error != 0)
			free_mount(fs);
		/* 1: the journal has changed everything; once more. */
	} while (error > 0 && tries++ == 0);
	if (error > 0)
		return -EUCLEAN;
	if (error != 0)
		return error;
	log_info("ext2: %s: %u blocks of %u bytes, %s%s", device->name, fs->block_count,
		fs->block_size, fs->journal.exists ? "a journal" : "no journal",
		fs->read_only ? ", read only" : "");
	*_fs = fs;
	return 0;
}

static int shut_down_locked(struct ext2 *fs)
{
	int error;

	if (fs->read_only || fs->broken)
		return fs->broken ? -EIO : 0;
	/* Whoever still has one of these open will not read it any more. */
	delete_orphans(fs);
	error = ext2_commit(fs);
	if (error == 0)
		error = block_write_all(&fs->cache, BUFFER_LOGGED);
	if (error == 0)
		error = block_flush(fs->device);
	if (error == 0 && fs->journal.exists)
		error = ext2_journal_reset(fs, false);
	if (error == 0)
		error = block_flush(fs->device);
	if (error != 0)
		return error;
	fs->is_writing = false;
	fs->super->incompat &= ~EXT2_INCOMPAT_RECOVER;
	fs->super->state |= EXT2_STATE_VALID;
	block_changed(&fs->cache, fs->super_buffer, BUFFER_LOGGED);
	error = block_write_all(&fs->cache, BUFFER_LOGGED);
	if (error == 0)
		error = block_flush(fs->device);
	if (error == 0)
		fs->read_only = true;
	return error;
}

int ext2_shut_down(struct ext2 *fs)
{
	int error;

	mutex_lock(&fs->lock);
	error = shut_down_locked(fs);
	mutex_unlock(&fs->lock);
	return error;
}

int ext2_unmount(struct ext2 *fs)
{
	bool broken = fs->broken;
	int error = ext2_shut_down(fs);

	/* What cannot be written will not be later either. */
	if (error != 0 && !broken)
		return error;
	free_mount(fs);
	return 0;
}

void ext2_abandon(struct ext2 *fs)
{
	free_mount(fs);
}

/* ---- Changes and commits ---------------------------------------------------------- */

/* All that the journal has is in its place; the log begins anew. */
static int checkpoint(struct ext2 *fs)
{
	int error = block_write_all(&fs->cache, BUFFER_LOGGED);

	if (error == 0)
		error = block_flush(fs->device);
	if (error == 0)
		error = ext2_journal_reset(fs, true);
	/* Before the next transaction's copies lie where those of the old log were: else it
	 * might be read again with them. */
	if (error == 0)
		error = block_flush(fs->device);
	if (error == 0)
		ext2_release_waiting(fs, true);
	return error;
}

static int commit(struct ext2 *fs)
{
	int error = block_write_all(&fs->cache, BUFFER_DATA);

	if (error != 0)
		return error;
	if (fs->journal.exists)
		return ext2_journal_write(fs);
	block_metadata_logged(&fs->cache);
	error = block_write_all(&fs->cache, BUFFER_LOGGED);
	if (error == 0)
		error = block_flush(fs->device);
	if (error == 0)
		ext2_release_waiting(fs, true);
	return error;
}

int ext2_commit(struct ext2 *fs)
{
	int error;

	if (fs->broken)
		return -EIO;
	if (fs->read_only)
		return 0;
	if (fs->cache.counts[BUFFER_METADATA] > 0) {
		fs->super->write_time = ext2_now(fs);
		ext2_super_changed(fs);
	}
	fs->committed = fs->now();
	error = commit(fs);
	if (error == 0)
		ext2_release_waiting(fs, false);
	if (error == 0 && fs->journal.exists
		&& ext2_journal_room(fs) < ext2_journal_need(fs, fs->operation_blocks) * 2)
		error = checkpoint(fs);
	if (error != 0) {
		log_error("ext2: %s: error %d in writing; read only from now on",
			fs->device->name, -error);
		fs->broken = true;
		return -EIO;
	}
	return 0;
}

int ext2_continue(struct ext2 *fs)
{
	uint32_t metadata = fs->cache.counts[BUFFER_METADATA] + fs->operation_blocks;

	if (fs->broken)
		return -EIO;
	if (fs->read_only)
		return -EROFS;
	if (!block_cache_is_full(&fs->cache) && fs->now() - fs->committed < COMMIT_INTERVAL
		&& (!fs->journal.exists
			|| ext2_journal_need(fs, metadata) <= ext2_journal_room(fs)))
		return 0;
	return ext2_commit(fs);
}

bool ext2_reclaim(struct ext2 *fs)
{
	if (!fs->any_until_commit && !fs->any_until_checkpoint)
		return false;
	if (ext2_commit(fs) != 0)
		return false;
	if (fs->any_until_checkpoint && fs->journal.exists && checkpoint(fs) != 0) {
		fs->broken = true;
		return false;
	}
	return true;
}

int ext2_begin(struct ext2 *fs)
{
	int error;

	mutex_lock(&fs->lock);
	error = ext2_continue(fs);
	if (error != 0)
		mutex_unlock(&fs->lock);
	return error;
}

static bool is_dirty(const struct ext2 *fs)
{
	return !fs->broken && !fs->read_only
		   && (fs->cache.counts[BUFFER_DATA] > 0
			   || fs->cache.counts[BUFFER_METADATA] > 0);
}

void ext2_end(struct ext2 *fs)
{
	if (fs->changed != NULL && is_dirty(fs))
		fs->changed();
	mutex_unlock(&fs->lock);
}

void ext2_write_back(struct ext2 *fs)
{
	mutex_lock(&fs->lock);
	if (is_dirty(fs))
		ext2_commit(fs);
	mutex_unlock(&fs->lock);
}

int ext2_sync(struct ext2 *fs)
{
	int error;

	mutex_lock(&fs->lock);
	error = ext2_commit(fs);
	mutex_unlock(&fs->lock);
	return error;
}

/* ---- The superblock and the groups ------------------------------------------------ */

struct ext2_group *ext2_group(struct ext2 *fs, uint32_t group)
{
	uint32_t per_block = fs->block_size / sizeof(struct ext2_group);
	struct ext2_group *groups = (void *)fs->descriptors[group / per_block]->data;

	return &groups[group % per_block];
}

void ext2_group_changed(struct ext2 *fs, uint32_t group)
{
	uint32_t per_block = fs->block_size / sizeof(struct ext2_group);

	ext2_metadata_changed(fs, fs->descriptors[group / per_block]);
}

void ext2_super_changed(struct ext2 *fs)
{
	ext2_metadata_changed(fs, fs->super_buffer);
}

void ext2_status(struct ext2 *fs, struct ext2_status *_status)
{
	mutex_lock(&fs->lock);
	_status->blocks = fs->block_count;
	_status->free_blocks = fs->super->free_blocks_count;
	_status->files = fs->inode_count;
	_status->free_files = fs->super->free_inodes_count;
	_status->block_size = fs->block_size;
	mutex_unlock(&fs->lock);
}
