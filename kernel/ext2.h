/*
 * ext2, read and written, with the journal of ext3 where the disk has one.
 *
 * The part that knows no vnode: ext2_vnode.c calls it for the kernel, and
 * tests/host/ does on the host, with a file as the disk. The files are
 *
 *   ext2.c          mounting, syncing, what the superblock says
 *   ext2_alloc.c    blocks and inodes, used and free
 *   ext2_inode.c    inodes and the blocks of a file
 *   ext2_dir.c      names
 *   ext2_journal.c  the journal
 *
 * One mutex a file system: each function of the first part below takes it, those
 * of the second want it held. So each call is one step, and whatever is in memory
 * between two of them is consistent. ext2_commit() brings just that to the disk:
 * first the files' data, then all changed metadata as one transaction into the
 * journal. A machine that stops at any moment leaves what the last commit
 * wrote, once the journal has been read again (by e2fsck, or here by mounting).
 * Two rules make that true: metadata is never written to its own place before
 * the journal has it; and a block that was freed is not used again before the
 * commit that frees it, or, if the journal may have a copy of it, before that
 * copy is of no more use (the next checkpoint).
 *
 * Without a journal the same happens without the transaction: nothing that was
 * synced is lost by a crash at any other time than during a commit, and e2fsck
 * has to look at the disk.
 *
 * Every number that comes from the disk is checked before it is used: what is
 * wrong is a line in the log and -EIO. After an error in writing, the file system
 * is read-only: the disk stays as the last commit left it.
 */
#pragma once

#include "kernel/block_cache.h"
#include "kernel/ext2_format.h"
#include "kernel/lock.h"
#include <postern/types.h>

struct ext2_journal {
	bool exists;
	uint32_t *blocks; /* of the disk, for each of the journal's */
	uint32_t length;
	uint32_t first;
	uint32_t head; /* where the next transaction goes */
	uint32_t sequence;
	uint8_t *super;		 /* block 0 of it */
	uint8_t *descriptor; /* room to make one in */
	uint8_t *copies;	 /* room for escaped blocks */
};

struct ext2 {
	struct mutex lock;
	struct list link;
	struct block_device *device;
	struct block_cache cache;
	bool read_only;
	bool is_writing; /* the disk says so */
	bool broken;	 /* by an error in writing */
	bool has_types;
	uint32_t (*now)(void); /* seconds since 1970 */
	/* Behind a call that has left something to be written; NULL: nobody wants to know. It
	 * is called with the lock held, and takes no mutex. */
	void (*changed)(void);
	uint32_t clock_offset; /* added: a clock that was not set is behind the disk */
	uint32_t block_size;
	uint32_t slots; /* block numbers in a block */
	uint32_t first_block;
	uint32_t block_count;
	uint32_t inode_count;
	uint32_t first_inode; /* that is nobody's in particular */
	uint32_t inode_size;
	uint32_t blocks_per_group;
	uint32_t inodes_per_group;
	uint32_t inode_blocks; /* of a group's inode table */
	uint32_t group_count;
	uint32_t descriptor_blocks;
	uint32_t operation_blocks; /* the most metadata that one call changes */
	struct buffer *super_buffer;
	struct ext2_super *super;	 /* in it */
	struct buffer **descriptors; /* all of them, held */
	uint32_t *until_commit;		 /* a bit a block: freed, not to be used yet */
	uint32_t *until_checkpoint;	 /* the same */
	bool any_until_commit;
	bool any_until_checkpoint;
	uint32_t next_group; /* where the next directory goes */
	uint32_t complaints;
	uint32_t committed; /* when, by now() */
	struct ext2_journal journal;
};

/* An inode in memory: one at a time for each number. */
struct ext2_node {
	struct ext2 *fs;
	uint32_t number;
	struct buffer *place; /* held, with the inode in it: */
	struct ext2_inode *disk;
	uint32_t insert_hint; /* directories: no room for a name before this block */
	uint32_t read_next;	  /* where a sequential read would go on */
	uint32_t goal;		  /* where its next block would be best */
};

struct ext2_status {
	uint64_t blocks;
	uint64_t free_blocks;
	uint64_t files;
	uint64_t free_files;
	uint32_t block_size;
};

/* ---- Mounts -------------------------------------------------------------------- */

/*
 * *_fs is to be given back by ext2_unmount(). `cache_limit` is in bytes. -EINVAL:
 * this is no ext2; -EUCLEAN: it is, but damaged or with features that are
 * unknown here, as the log then says.
 */
int ext2_mount(struct block_device *device, bool read_only, uint32_t cache_limit,
	uint32_t (*now)(void), struct ext2 **_fs);

/* Frees it when all was written; with an error, it stays. */
int ext2_unmount(struct ext2 *fs);

/* The same without writing: as if the machine had stopped. For tests. */
void ext2_abandon(struct ext2 *fs);

/* Everything is on the disk, and will be there after a loss of power. */
int ext2_sync(struct ext2 *fs);

/* The same, where anything has changed at all. An error is in the log. */
void ext2_write_back(struct ext2 *fs);

/*
 * The same, and the disk says that it was left in order. Then it is read-only, and files
 * that have lost their names are gone: the machine is about to stop.
 */
int ext2_shut_down(struct ext2 *fs);

void ext2_status(struct ext2 *fs, struct ext2_status *_status);

/* ---- Files: `node` is in use; its functions are in the order of vnode_operations -- */

/*
 * Moves `size` bytes between a file's block and whoever reads or writes; `data`
 * NULL in a read: zeros. 0 or -EFAULT.
 */
typedef int ext2_mover(void *context, void *data, size_t size);

/* Offers a name. False: no room for it. */
typedef bool ext2_visitor(
	void *context, uint32_t number, mode_t type, const char *name, size_t length);

/* Fills in *node. -EIO for an inode that is not in use or makes no sense. */
int ext2_load(struct ext2 *fs, uint32_t number, struct ext2_node *node);

/* Nobody has it any more: where it has no links, it goes. */
void ext2_release(struct ext2_node *node);

int ext2_lookup(
	struct ext2_node *directory, const char *name, size_t length, uint32_t *_number);
/* A file, a directory, a device: what `mode` says. The name is not there. */
int ext2_create(struct ext2_node *directory, const char *name, size_t length, mode_t mode,
	uint32_t *_number);
int ext2_symlink(struct ext2_node *directory, const char *name, size_t length,
	const char *target, size_t target_length, uint32_t *_number);
int ext2_link(
	struct ext2_node *directory, const char *name, size_t length, struct ext2_node *node);
/* Of files and of directories, which have to be empty. */
int ext2_unlink(
	struct ext2_node *directory, const char *name, size_t length, struct ext2_node *node);
int ext2_rename(struct ext2_node *directory, const char *name, size_t length,
	struct ext2_node *node, struct ext2_node *new_directory, const char *new_name,
	size_t new_length, struct ext2_node *target);
int ext2_readdir(
	struct ext2_node *directory, uint64_t *cookie, ext2_visitor *visit, void *context);
/* *_done counts the bytes that were moved, whatever is returned. */
int ext2_read(struct ext2_node *node, uint64_t position, size_t size, ext2_mover *give,
	void *context, size_t *_done);
int ext2_write(struct ext2_node *node, uint64_t position, size_t size, ext2_mover *take,
	void *context, size_t *_done);
int ext2_truncate(struct ext2_node *node, uint64_t size);
ssize_t ext2_readlink(struct ext2_node *node, char *target, size_t size);

/* The permissions and times, in seconds since 1970. */
int ext2_set_attributes(struct ext2_node *node, mode_t mode, uint32_t accessed,
	uint32_t modified, uint32_t changed);

uint64_t ext2_size(const struct ext2_node *node);

/* ---- Between the files of ext2: fs->lock is held ----------------------------------- */

static inline uint32_t ext2_now(const struct ext2 *fs)
{
	return fs->now() + fs->clock_offset;
}

/* Says in the log what is wrong with the disk. Returns -EIO. */
int ext2_damaged(struct ext2 *fs, const char *what, uint32_t number);

/* Takes the lock for a call that changes something. 0, or an error without it. */
int ext2_begin(struct ext2 *fs);
/* In a long call, where all is consistent: commits where that is due. */
int ext2_continue(struct ext2 *fs);
void ext2_end(struct ext2 *fs);
/* Whether blocks that waited are free now: commits. For a second try after -ENOSPC,
 * where all is consistent. */
bool ext2_reclaim(struct ext2 *fs);
int ext2_commit(struct ext2 *fs);

static inline void ext2_metadata_changed(struct ext2 *fs, struct buffer *buffer)
{
	block_changed(&fs->cache, buffer, BUFFER_METADATA);
}

struct ext2_group *ext2_group(struct ext2 *fs, uint32_t group);
void ext2_group_changed(struct ext2 *fs, uint32_t group);
void ext2_super_changed(struct ext2 *fs);

/* Whether a file may have this block: it exists, and is not the file system's own. */
bool ext2_is_data_block(struct ext2 *fs, uint32_t block);
/* Whether its bit is set. */
int ext2_block_in_use(struct ext2 *fs, uint32_t block);
/* Near `goal`. -ENOSPC, -EIO, -ENOMEM. */
int ext2_allocate_block(struct ext2 *fs, uint32_t goal, uint32_t *_block);
/* `logged`: it was metadata, of which the journal may have a copy. */
int ext2_free_block(struct ext2 *fs, uint32_t block, bool logged);
int ext2_allocate_inode(struct ext2 *fs, const struct ext2_node *directory,
	bool is_directory, uint32_t *_number);
int ext2_free_inode(struct ext2 *fs, uint32_t number, bool is_directory);
/* Of the bitmaps of blocks that wait. */
void ext2_release_waiting(struct ext2 *fs, bool checkpoint);

/* The inode's place, held. */
int ext2_inode_buffer(
	struct ext2 *fs, uint32_t number, struct buffer **_buffer, uint32_t *_offset);
int ext2_load_locked(struct ext2 *fs, uint32_t number, struct ext2_node *node);
void ext2_unload(struct ext2_node *node);
void ext2_set_size(struct ext2_node *node, uint64_t size);
/* The disk's block for one of the file's; 0 for a hole. */
int ext2_map(struct ext2_node *node, uint32_t index, uint32_t *_block);
/* The same, and makes one of zeros where there is none. */
int ext2_map_new(struct ext2_node *node, uint32_t index, uint32_t *_block, bool *_is_new);
int ext2_truncate_locked(struct ext2_node *node, uint64_t size);
/* The inode has no links: its blocks and number become free. */
int ext2_delete(struct ext2_node *node);
int ext2_add_orphan(struct ext2_node *node);
int ext2_remove_orphan(struct ext2_node *node);

static inline void ext2_store(struct ext2_node *node)
{
	ext2_metadata_changed(node->fs, node->place);
}

static inline bool ext2_is_directory(const struct ext2_node *node)
{
	return (node->disk->mode & EXT2_TYPE_MASK) == EXT2_DIRECTORY;
}

/* Finds the journal, if there is one; 1 when it had to be read: mount again. */
int ext2_journal_open(struct ext2 *fs, bool may_write);
void ext2_journal_close(struct ext2 *fs);
/* Blocks of the log that a transaction of `count` blocks takes. */
uint32_t ext2_journal_need(const struct ext2 *fs, uint32_t count);
uint32_t ext2_journal_room(const struct ext2 *fs);
/* All metadata that changed, as one transaction. */
int ext2_journal_write(struct ext2 *fs);
/* The log begins anew (`in_use`), or is left empty for good. */
int ext2_journal_reset(struct ext2 *fs, bool in_use);
