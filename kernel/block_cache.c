/*
 * Blocks in memory, by number and by last use. See block_cache.h.
 *
 * What holds between calls: a buffer is in the hash table as long as it is; on
 * the LRU list where nobody refers to it and it is no metadata that is still to
 * be logged; and on its state's list unless it is clean.
 */
#include "kernel/block_cache.h"

#include "kernel/heap.h"
#include "kernel/panic.h"
#include "kernel/string.h"
#include <postern/errno.h>

/* Buffers that a cache has at least, whatever its limit. */
#define LIMIT_MIN 64u

static struct list *bucket_of(struct block_cache *cache, uint32_t block)
{
	return &cache->buckets[block & cache->bucket_mask];
}

static struct buffer *find_buffer(struct block_cache *cache, uint32_t block)
{
	LIST_FOR_EACH(link, bucket_of(cache, block))
	{
		struct buffer *buffer = LIST_ENTRY(link, struct buffer, hashed);

		if (buffer->block == block)
			return buffer;
	}
	return NULL;
}

static void set_state(
	struct block_cache *cache, struct buffer *buffer, enum buffer_state state)
{
	if (buffer->state == state)
		return;
	if (buffer->state != BUFFER_CLEAN) {
		list_remove(&buffer->listed);
		cache->counts[buffer->state]--;
	}
	buffer->state = state;
	if (state != BUFFER_CLEAN) {
		list_add(&cache->states[state], &buffer->listed);
		cache->counts[state]++;
	}
	if (state == BUFFER_METADATA)
		list_remove(&buffer->lru);
}

/* Takes a buffer out of the cache; its memory stays. */
static void detach(struct block_cache *cache, struct buffer *buffer)
{
	set_state(cache, buffer, BUFFER_CLEAN);
	list_remove(&buffer->hashed);
	list_remove(&buffer->lru);
	cache->count--;
}

static void free_memory(struct buffer *buffer)
{
	if (buffer != NULL)
		heap_free(buffer->data);
	heap_free(buffer);
}

static void free_buffer(struct block_cache *cache, struct buffer *buffer)
{
	detach(cache, buffer);
	free_memory(buffer);
}

/*
 * Writes `buffer` and those neighbours of its state that go with it in one
 * transfer.
 */
static int write_run(struct block_cache *cache, struct buffer *buffer)
{
	struct buffer *run[BLOCK_SEGMENTS_MAX];
	struct block_segment segments[BLOCK_SEGMENTS_MAX];
	uint32_t sectors = cache->block_size / SECTOR_SIZE;
	enum buffer_state state = buffer->state;
	uint32_t most = BLOCK_SECTORS_MAX / sectors;
	uint32_t first = buffer->block;
	struct buffer *next;
	uint32_t i;
	uint32_t count;
	int error;

	if (most > BLOCK_SEGMENTS_MAX)
		most = BLOCK_SEGMENTS_MAX;
	segments[0].size = 0;
	for (i = 1; i < most && first > 0; i++) {
		struct buffer *before = find_buffer(cache, first - 1);

		if (before == NULL || before->state != state)
			break;
		first--;
	}
	count = 0;
	for (next = find_buffer(cache, first);
		 next != NULL && next->state == state && count < most;
		 next = find_buffer(cache, first + count)) {
		run[count] = next;
		segments[count].data = next->data;
		segments[count++].size = cache->block_size;
	}
	ASSERT(count > 0); /* the buffer itself */
	cache->writes++;
	error =
		block_transfer(cache->device, true, (uint64_t)first * sectors, segments, count);
	if (error != 0)
		return error;
	for (i = 0; i < count; i++)
		set_state(cache, run[i], BUFFER_CLEAN);
	return 0;
}

/*
 * The one that is longest unused and can go, out of the cache; NULL: none. What cannot be
 * written stays, and whoever commits meets the error.
 */
static struct buffer *take_oldest(struct block_cache *cache)
{
	bool failed = false;

	LIST_FOR_EACH(link, &cache->lru)
	{
		struct buffer *buffer = LIST_ENTRY(link, struct buffer, lru);

		if (buffer->state != BUFFER_CLEAN && (failed || write_run(cache, buffer) != 0)) {
			failed = true;
			continue;
		}
		detach(cache, buffer);
		memset(buffer->data, 0, cache->block_size);
		return buffer;
	}
	return NULL;
}

static struct buffer *allocate(const struct block_cache *cache)
{
	struct buffer *buffer = heap_allocate(sizeof *buffer);

	if (buffer == NULL)
		return NULL;
	buffer->data = heap_allocate(cache->block_size);
	if (buffer->data == NULL) {
		heap_free(buffer);
		return NULL;
	}
	return buffer;
}

/* A buffer that nobody has, for a block that is not in memory. */
static struct buffer *add_buffer(struct block_cache *cache, uint32_t block)
{
	struct buffer *buffer = NULL;
	struct buffer *oldest;

	while (cache->count >= cache->limit && (oldest = take_oldest(cache)) != NULL) {
		free_memory(buffer);
		buffer = oldest;
	}
	if (buffer == NULL)
		buffer = allocate(cache);
	/* Without memory the cache gets no larger, but what is begun can be ended. */
	if (buffer == NULL)
		buffer = take_oldest(cache);
	if (buffer == NULL)
		return NULL;
	buffer->block = block;
	buffer->state = BUFFER_CLEAN;
	buffer->references = 0;
	list_init(&buffer->lru);
	list_init(&buffer->listed);
	list_add(bucket_of(cache, block), &buffer->hashed);
	cache->count++;
	return buffer;
}

static void refer(struct buffer *buffer)
{
	buffer->references++;
	list_remove(&buffer->lru);
}

int block_cache_init(struct block_cache *cache, struct block_device *device,
	uint32_t block_size, uint32_t block_count, uint32_t limit)
{
	uint32_t buckets = 64;
	uint32_t i;

	if (limit < LIMIT_MIN)
		limit = LIMIT_MIN;
	while (buckets < limit && buckets < 65536)
		buckets *= 2;
	memset(cache, 0, sizeof *cache);
	cache->buckets = heap_allocate(buckets * sizeof *cache->buckets);
	if (cache->buckets == NULL)
		return -ENOMEM;
	for (i = 0; i < buckets; i++)
		list_init(&cache->buckets[i]);
	for (i = 0; i < BUFFER_STATES; i++)
		list_init(&cache->states[i]);
	list_init(&cache->lru);
	cache->bucket_mask = buckets - 1;
	cache->device = device;
	cache->block_size = block_size;
	cache->block_count = block_count;
	cache->limit = limit;
	return 0;
}

void block_cache_destroy(struct block_cache *cache)
{
	uint32_t i;

	if (cache->buckets == NULL)
		return;
	for (i = 0; i <= cache->bucket_mask; i++) {
		LIST_FOR_EACH_SAFE(link, following, &cache->buckets[i])
		{
			struct buffer *buffer = LIST_ENTRY(link, struct buffer, hashed);

			free_buffer(cache, buffer);
		}
	}
	heap_free(cache->buckets);
	cache->buckets = NULL;
}

int block_get(struct block_cache *cache, uint32_t block, struct buffer **_buffer)
{
	struct block_segment segment;
	struct buffer *buffer = find_buffer(cache, block);
	int error;

	if (buffer == NULL) {
		if (block >= cache->block_count)
			return -EIO;
		buffer = add_buffer(cache, block);
		if (buffer == NULL)
			return -ENOMEM;
		segment.data = buffer->data;
		segment.size = cache->block_size;
		cache->reads++;
		error = block_transfer(cache->device, false,
			(uint64_t)block * (cache->block_size / SECTOR_SIZE), &segment, 1);
		if (error != 0) {
			free_buffer(cache, buffer);
			return error == -ENOMEM ? error : -EIO;
		}
	}
	refer(buffer);
	*_buffer = buffer;
	return 0;
}

int block_get_new(
	struct block_cache *cache, uint32_t block, struct buffer **_buffer, bool *_fresh)
{
	struct buffer *buffer = find_buffer(cache, block);

	*_fresh = buffer == NULL;
	if (buffer == NULL) {
		if (block >= cache->block_count)
			return -EIO;
		buffer = add_buffer(cache, block);
		if (buffer == NULL)
			return -ENOMEM;
	}
	refer(buffer);
	*_buffer = buffer;
	return 0;
}

void block_put(struct block_cache *cache, struct buffer *buffer)
{
	ASSERT(buffer->references > 0);
	if (--buffer->references == 0 && buffer->state != BUFFER_METADATA)
		list_add(&cache->lru, &buffer->lru);
}

void block_changed(
	struct block_cache *cache, struct buffer *buffer, enum buffer_state state)
{
	ASSERT(buffer->references > 0);
	if (buffer->state != BUFFER_METADATA)
		set_state(cache, buffer, state);
}

void block_forget(struct block_cache *cache, uint32_t block)
{
	struct buffer *buffer = find_buffer(cache, block);

	if (buffer == NULL)
		return;
	if (buffer->references == 0) {
		free_buffer(cache, buffer);
		return;
	}
	/* Who has it does not write to it any more. */
	set_state(cache, buffer, BUFFER_CLEAN);
}

bool block_is_cached(struct block_cache *cache, uint32_t block)
{
	return find_buffer(cache, block) != NULL;
}

void block_read_ahead(struct block_cache *cache, uint32_t block, uint32_t count)
{
	struct block_segment segments[BLOCK_SEGMENTS_MAX];
	struct buffer *run[BLOCK_SEGMENTS_MAX];
	uint32_t sectors = cache->block_size / SECTOR_SIZE;
	uint32_t most = BLOCK_SECTORS_MAX / sectors;
	uint32_t got = 0;
	uint32_t i;
	int error = 0;

	if (most > BLOCK_SEGMENTS_MAX)
		most = BLOCK_SEGMENTS_MAX;
	if (most > cache->limit / 4)
		most = cache->limit / 4;
	if (count > most)
		count = most;
	while (got < count && block + got < cache->block_count
		   && find_buffer(cache, block + got) == NULL) {
		run[got] = add_buffer(cache, block + got);
		if (run[got] == NULL)
			break;
		/* So that making room for the next does not take this one. */
		run[got]->references = 1;
		segments[got].data = run[got]->data;
		segments[got].size = cache->block_size;
		got++;
	}
	if (got == 0)
		return;
	cache->reads++;
	error =
		block_transfer(cache->device, false, (uint64_t)block * sectors, segments, got);
	for (i = 0; i < got; i++) {
		block_put(cache, run[i]);
		if (error != 0)
			free_buffer(cache, run[i]);
	}
}

int block_write_all(struct block_cache *cache, enum buffer_state state)
{
	ASSERT(state == BUFFER_DATA || state == BUFFER_LOGGED);
	while (!list_empty(&cache->states[state])) {
		struct buffer *buffer =
			LIST_ENTRY(cache->states[state].next, struct buffer, listed);
		int error = write_run(cache, buffer);

		if (error != 0)
			return error;
	}
	return 0;
}

void block_metadata_logged(struct block_cache *cache)
{
	LIST_FOR_EACH_SAFE(link, following, &cache->states[BUFFER_METADATA])
	{
		struct buffer *buffer = LIST_ENTRY(link, struct buffer, listed);

		set_state(cache, buffer, BUFFER_LOGGED);
		if (buffer->references == 0)
			list_add(&cache->lru, &buffer->lru);
	}
}

bool block_cache_is_full(const struct block_cache *cache)
{
	return cache->count > cache->limit
		   || cache->counts[BUFFER_METADATA] > cache->limit / 2;
}
