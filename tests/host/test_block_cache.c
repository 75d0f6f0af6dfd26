// build: -iquote tests/host/include kernel/block.c kernel/block_cache.c -DPOSTERN_DEBUG=1
/*
 * kernel/block_cache.c on a disk in memory: against a model of what each block
 * holds, what is on the disk and what must not be there yet; under a limit that is
 * far below what is used; and with a disk that fails.
 */
#include "check.h"
#include "disk_image.h"
#include "kernel/block_cache.h"

#define BLOCKS 500u
#define BLOCK_SIZE 1024u
#define LIMIT 80u

static struct disk_image sDisk;
static struct block_cache sCache;

static void start(uint32_t limit)
{
	uint8_t *data = calloc(BLOCKS, BLOCK_SIZE);

	for (uint32_t i = 0; i < BLOCKS; i++)
		data[i * BLOCK_SIZE] = (uint8_t)i;
	disk_init(&sDisk, data, BLOCKS * BLOCK_SIZE);
	CHECK_NUMBER(block_cache_init(&sCache, &sDisk.device, BLOCK_SIZE, BLOCKS, limit), 0);
}

static void end(void)
{
	block_cache_destroy(&sCache);
	CHECK_NUMBER(sAllocations, 0);
	disk_free(&sDisk);
}

static uint8_t on_disk(uint32_t block)
{
	return sDisk.data[block * BLOCK_SIZE + 1];
}

static void change(uint32_t block, uint8_t value, enum buffer_state state)
{
	struct buffer *buffer;

	CHECK_NUMBER(block_get(&sCache, block, &buffer), 0);
	CHECK_NUMBER(buffer->data[0], (uint8_t)block);
	buffer->data[1] = value;
	block_changed(&sCache, buffer, state);
	block_put(&sCache, buffer);
}

static uint8_t value_of(uint32_t block)
{
	struct buffer *buffer;
	uint8_t value;

	CHECK_NUMBER(block_get(&sCache, block, &buffer), 0);
	value = buffer->data[1];
	block_put(&sCache, buffer);
	return value;
}

static void test_states(void)
{
	start(LIMIT);
	change(7, 1, BUFFER_DATA);
	change(8, 2, BUFFER_METADATA);
	/* Metadata stays that until it is logged. */
	change(8, 3, BUFFER_DATA);
	CHECK_NUMBER(sCache.counts[BUFFER_METADATA], 1);
	CHECK_NUMBER(on_disk(7), 0);
	CHECK_NUMBER(block_write_all(&sCache, BUFFER_DATA), 0);
	CHECK_NUMBER(on_disk(7), 1);
	CHECK_NUMBER(on_disk(8), 0);
	block_metadata_logged(&sCache);
	CHECK_NUMBER(sCache.counts[BUFFER_METADATA], 0);
	CHECK_NUMBER(block_write_all(&sCache, BUFFER_LOGGED), 0);
	CHECK_NUMBER(on_disk(8), 3);
	change(9, 4, BUFFER_METADATA);
	block_forget(&sCache, 9);
	CHECK_NUMBER(sCache.counts[BUFFER_METADATA], 0);
	CHECK_NUMBER(value_of(9), 0);
	end();
}

static void test_runs(void)
{
	uint32_t before;

	start(LIMIT);
	for (uint32_t i = 0; i < 40; i++)
		change(100 + (i * 7) % 40, 5, BUFFER_DATA);
	before = sCache.writes;
	CHECK_NUMBER(block_write_all(&sCache, BUFFER_DATA), 0);
	CHECK_NUMBER(sCache.writes - before, 1);
	for (uint32_t i = 0; i < 40; i++)
		CHECK_NUMBER(on_disk(100 + i), 5);
	before = sCache.reads;
	block_read_ahead(&sCache, 300, 15);
	CHECK_NUMBER(sCache.reads - before, 1);
	CHECK(block_is_cached(&sCache, 314) && !block_is_cached(&sCache, 315));
	block_read_ahead(&sCache, BLOCKS - 2, 10);
	CHECK(block_is_cached(&sCache, BLOCKS - 1));
	end();
}

/* What cannot be written stays, and does not keep what can go. */
static void test_writes_fail(void)
{
	start(LIMIT);
	for (uint32_t i = 0; i < LIMIT / 2; i++)
		change(i, 9, BUFFER_DATA);
	sDisk.device.read_only = true;
	for (uint32_t i = 0; i < BLOCKS; i++)
		CHECK_NUMBER(value_of(i), i < LIMIT / 2 ? 9 : 0);
	CHECK(sCache.count <= LIMIT);
	sDisk.device.read_only = false;
	CHECK_NUMBER(block_write_all(&sCache, BUFFER_DATA), 0);
	CHECK_NUMBER(on_disk(LIMIT / 2 - 1), 9);
	end();
}

/* Without memory, what is longest unused gives its own. */
static void test_no_memory(void)
{
	struct buffer *buffer, *other;
	bool fresh;

	start(LIMIT);
	change(1, 9, BUFFER_DATA);
	change(2, 9, BUFFER_METADATA);
	sAllocationsLeft = 0;
	CHECK_NUMBER(value_of(3), 0);
	CHECK_NUMBER(on_disk(1), 9);
	CHECK_NUMBER(block_get_new(&sCache, 4, &buffer, &fresh), 0);
	CHECK(fresh && buffer->data[0] == 0);
	CHECK_NUMBER(sCache.count, 2);
	/* There is none that may go. */
	for (long left = 0; left < 2; left++) {
		sAllocationsLeft = left;
		CHECK_NUMBER(block_get(&sCache, 5, &other), -ENOMEM);
	}
	block_put(&sCache, buffer);
	sAllocationsLeft = -1;
	CHECK_NUMBER(value_of(2), 9);
	end();
}

static void test_random(void)
{
	uint8_t values[BLOCKS] = {0};
	uint8_t logged[BLOCKS] = {0};
	bool is_metadata[BLOCKS] = {false};

	start(LIMIT);
	for (unsigned i = 0; i < 40000 && sFailures == 0; i++) {
		uint32_t block = (uint32_t)rand() % BLOCKS;

		switch (rand() % 8) {
		case 0:
		case 1:
			/* The lower half is metadata, as a file system keeps the two apart. */
			values[block] = (uint8_t)rand();
			is_metadata[block] = block < BLOCKS / 2;
			change(
				block, values[block], is_metadata[block] ? BUFFER_METADATA : BUFFER_DATA);
			break;
		case 2:
			block_read_ahead(&sCache, block, 8);
			break;
		default:
			CHECK_NUMBER(value_of(block), values[block]);
			/* What is not logged has not gone to the disk. */
			if (is_metadata[block])
				CHECK_NUMBER(on_disk(block), logged[block]);
		}
		if (block_cache_is_full(&sCache)) {
			block_metadata_logged(&sCache);
			CHECK_NUMBER(block_write_all(&sCache, BUFFER_LOGGED), 0);
			memcpy(logged, values, sizeof logged);
			memset(is_metadata, 0, sizeof is_metadata);
		}
		CHECK(sCache.count <= LIMIT + LIMIT / 2 + 2);
	}
	CHECK_NUMBER(block_write_all(&sCache, BUFFER_DATA), 0);
	block_metadata_logged(&sCache);
	CHECK_NUMBER(block_write_all(&sCache, BUFFER_LOGGED), 0);
	for (uint32_t i = 0; i < BLOCKS; i++)
		CHECK_NUMBER(on_disk(i), values[i]);
	end();
}

static void test_errors(void)
{
	struct buffer *buffer;

	start(LIMIT);
	CHECK_NUMBER(block_get(&sCache, BLOCKS, &buffer), -EIO);
	change(3, 9, BUFFER_DATA);
	sDisk.fail_after = 0;
	CHECK_NUMBER(block_get(&sCache, 4, &buffer), -EIO);
	CHECK_NUMBER(block_write_all(&sCache, BUFFER_DATA), -EIO);
	block_read_ahead(&sCache, 20, 10);
	CHECK(!block_is_cached(&sCache, 20));
	CHECK_NUMBER(sCache.counts[BUFFER_DATA], 1);
	sDisk.fail_after = -1;
	CHECK_NUMBER(block_write_all(&sCache, BUFFER_DATA), 0);
	CHECK_NUMBER(on_disk(3), 9);
	end();
}

static void test_device(void)
{
	uint8_t memory[SECTOR_SIZE] = {0};
	struct block_segment segment = {memory, sizeof memory};
	struct block_segment odd = {memory, 100};

	start(LIMIT);
	CHECK_NUMBER(block_transfer(&sDisk.device, false, BLOCKS * 2 - 1, &segment, 1), 0);
	CHECK_NUMBER(block_transfer(&sDisk.device, false, BLOCKS * 2, &segment, 1), -EINVAL);
	CHECK_NUMBER(block_transfer(&sDisk.device, false, UINT64_MAX, &segment, 1), -EINVAL);
	CHECK_NUMBER(block_transfer(&sDisk.device, false, 0, &odd, 1), -EINVAL);
	CHECK_NUMBER(block_transfer(&sDisk.device, false, 0, &segment, 0), -EINVAL);
	sDisk.device.read_only = true;
	CHECK_NUMBER(block_transfer(&sDisk.device, true, 0, &segment, 1), -EROFS);
	end();
}

int main(void)
{
	srand(1);
	test_states();
	test_runs();
	test_writes_fail();
	test_no_memory();
	test_random();
	test_errors();
	test_device();
	return check_result();
}
