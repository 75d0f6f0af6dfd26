/*
 * The blocks of a disk that are in memory, written back later.
 *
 * A file system makes one for its device and calls everything here under its
 * own lock, so that what it does to several blocks is one step to all others:
 * the cache itself takes none. A buffer stays where it is as long as somebody
 * refers to it.
 *
 * What a changed block is decides when it may reach the disk:
 *
 *   BUFFER_DATA      at any time: a file's contents, which nothing on the disk
 *                    refers to yet, or which may be replaced in their place
 *   BUFFER_METADATA  not before the file system says so: it first writes it to
 *                    its journal, with everything else that changed with it
 *   BUFFER_LOGGED    at any time: the journal has it as it is
 *
 * Memory: at most `limit` buffers, of which those that are longest unused go
 * first. BUFFER_METADATA cannot go, so the file system has to look at
 * block_cache_is_full() where it can commit.
 */
#pragma once

#include "kernel/block.h"
#include "kernel/list.h"
#include <postern/types.h>

enum buffer_state { BUFFER_CLEAN, BUFFER_DATA, BUFFER_METADATA, BUFFER_LOGGED };
#define BUFFER_STATES 4

struct buffer {
	struct list hashed;
	struct list lru;	/* while nobody refers to it and it may go */
	struct list listed; /* of its state, but for clean ones */
	uint32_t block;
	uint32_t references;
	enum buffer_state state;
	uint8_t *data;
};

struct block_cache {
	struct block_device *device;
	uint32_t block_size;
	uint32_t block_count;
	uint32_t limit;
	uint32_t count;
	uint32_t counts[BUFFER_STATES]; /* of those that are not clean */
	struct list states[BUFFER_STATES];
	struct list lru; /* the first is longest unused */
	struct list *buckets;
	uint32_t bucket_mask;
	uint32_t reads, writes; /* transfers, for tests and figures */
};

/* 0 or -ENOMEM. `block_count` blocks of `block_size` bytes are on the device. */
int block_cache_init(struct block_cache *cache, struct block_device *device,
	uint32_t block_size, uint32_t block_count, uint32_t limit);

/* Forgets everything, written or not. Nobody may use a buffer any more. */
void block_cache_destroy(struct block_cache *cache);

/* A block with its contents: 0, -EIO (also for a block that there is not), -ENOMEM. */
int block_get(struct block_cache *cache, uint32_t block, struct buffer **_buffer);

/*
 * The same without reading it, for a block that is about to be overwritten.
 * *_fresh says that it was not in memory: its bytes are 0, whatever is on disk.
 */
int block_get_new(
	struct block_cache *cache, uint32_t block, struct buffer **_buffer, bool *_fresh);
void block_put(struct block_cache *cache, struct buffer *buffer);

/* Marks it changed. Metadata stays metadata whatever else it is called. */
void block_changed(
	struct block_cache *cache, struct buffer *buffer, enum buffer_state state);

/* What is in memory of that block is of no use any more, and never to be written. */
void block_forget(struct block_cache *cache, uint32_t block);

/* Whether it is in memory. */
bool block_is_cached(struct block_cache *cache, uint32_t block);

/*
 * Reads `count` blocks from `block` on, those that are not in memory, in one
 * transfer as far as that goes. An error does not matter here: block_get() will
 * meet it again.
 */
void block_read_ahead(struct block_cache *cache, uint32_t block, uint32_t count);

/*
 * Writes all that are in `state`, which is not metadata, neighbours together, and
 * makes them clean. The first error, with those that it concerns left as they were.
 */
int block_write_all(struct block_cache *cache, enum buffer_state state);

/* The journal has all metadata as it is now. */
void block_metadata_logged(struct block_cache *cache);

/* Whether more is in memory than may be, for it cannot be written yet. */
bool block_cache_is_full(const struct block_cache *cache);
