/*
 * The journal of ext3, written and read again. See ext2.h.
 *
 * It is a file of the disk, used as a log of transactions: a block that names
 * the blocks that follow, copies of these, and a block that commits them. What
 * has no commit block never happened. This writes one transaction after the
 * other from the log's beginning; ext2.c's checkpoint() puts everything in its
 * place before the room ends, and the log begins anew. So what is written here
 * never wraps, but what others left may.
 *
 * The sequence number of a transaction is one more than that of the one
 * before, also across a beginning anew: old blocks of the log are no danger.
 */
#include "kernel/ext2.h"

#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/string.h"
#include <postern/errno.h>

/* Blocks of the log that are written at once, and so escaped ones at once. */
#define BATCH_MAX 32u
/* The uuid behind the first tag of a descriptor. */
#define UUID_SIZE 16u

static uint32_t big(uint32_t value)
{
	return __builtin_bswap32(value);
}

static int transfer_block(struct ext2 *fs, bool write, uint32_t journal_block, void *data)
{
	struct block_segment segment = {data, fs->block_size};
	uint32_t sectors = fs->block_size / SECTOR_SIZE;

	return block_transfer(fs->device, write,
		(uint64_t)fs->journal.blocks[journal_block] * sectors, &segment, 1);
}

/* ---- Opening ----------------------------------------------------------------------- */

/* Where its blocks are. */
static int map_journal(struct ext2 *fs)
{
	struct ext2_journal *journal = &fs->journal;
	struct ext2_node node;
	uint64_t length;
	uint32_t i;
	int error;

	if (fs->super->journal_inode == 0)
		return ext2_damaged(fs, "the journal is on another disk", 0);
	error = ext2_load_locked(fs, fs->super->journal_inode, &node);
	if (error != 0)
		return error;
	length = ext2_size(&node) / fs->block_size;
	if ((node.disk->mode & EXT2_TYPE_MASK) != EXT2_REGULAR || node.disk->links == 0
		|| length < 16 || length > fs->block_count) {
		error = ext2_damaged(fs, "the journal's inode", node.number);
		goto unload;
	}
	journal->length = (uint32_t)length;
	journal->blocks = heap_allocate(journal->length * sizeof *journal->blocks);
	if (journal->blocks == NULL) {
		error = -ENOMEM;
		goto unload;
	}
	for (i = 0; error == 0 && i < journal->length; i++) {
		error = ext2_map(&node, i, &journal->blocks[i]);
		if (error == 0 && journal->blocks[i] == 0)
			error = ext2_damaged(fs, "the journal has a hole", i);
	}
unload:
	ext2_unload(&node);
	return error;
}

static int check_journal_super(struct ext2 *fs)
{
	struct ext2_journal *journal = &fs->journal;
	struct journal_super *super = (void *)journal->super;
	uint32_t type = big(super->header.type);
	uint32_t start = big(super->start);

	if (big(super->header.magic) != JOURNAL_MAGIC
		|| (type != JOURNAL_SUPER_1 && type != JOURNAL_SUPER_2)
		|| big(super->block_size) != fs->block_size)
		return ext2_damaged(fs, "the journal's superblock", type);
	if (type == JOURNAL_SUPER_2
		&& ((big(super->incompat) & ~JOURNAL_INCOMPAT_REVOKE) != 0
			|| super->ro_compat != 0))
		return ext2_damaged(
			fs, "the journal has features that are unknown here", big(super->incompat));
	if (big(super->length) > journal->length || big(super->length) < 16
		|| big(super->first) == 0 || big(super->first) >= big(super->length)
		|| start >= big(super->length) || (start != 0 && start < big(super->first)))
		return ext2_damaged(fs, "the journal's size", big(super->length));
	journal->length = big(super->length);
	journal->first = big(super->first);
	journal->sequence = big(super->sequence);
	journal->head = journal->first;
	return 0;
}

/* ---- Reading it again ------------------------------------------------------------- */

/* A block that must not be written by transactions before or with `sequence`. */
struct revoked {
	uint32_t block;
	uint32_t sequence;
};

struct replay {
	struct ext2 *fs;
	uint8_t *descriptor;
	uint8_t *data;
	struct revoked *revoked;
	uint32_t revoked_count;
	uint32_t revoked_room;
	uint32_t written;
};

static uint32_t next_block(const struct ext2 *fs, uint32_t block)
{
	return block + 1 < fs->journal.length ? block + 1 : fs->journal.first;
}

static int note_revoked(struct replay *replay, uint32_t block, uint32_t sequence)
{
	if (replay->revoked_count == replay->revoked_room) {
		uint32_t room = replay->revoked_room == 0 ? 64 : replay->revoked_room * 2;
		struct revoked *more = heap_allocate(room * sizeof *more);

		if (more == NULL)
			return -ENOMEM;
		if (replay->revoked_count > 0)
			memcpy(more, replay->revoked, replay->revoked_count * sizeof *more);
		heap_free(replay->revoked);
		replay->revoked = more;
		replay->revoked_room = room;
	}
	replay->revoked[replay->revoked_count].block = block;
	replay->revoked[replay->revoked_count++].sequence = sequence;
	return 0;
}

static bool is_revoked(const struct replay *replay, uint32_t block, uint32_t sequence)
{
	uint32_t i;

	for (i = 0; i < replay->revoked_count; i++) {
		if (replay->revoked[i].block == block
			&& (int32_t)(replay->revoked[i].sequence - sequence) >= 0)
			return true;
	}
	return false;
}

static int read_revoked(struct replay *replay, uint32_t sequence)
{
	const struct journal_revoke *header = (const void *)replay->descriptor;
	uint32_t size = big(header->size);
	uint32_t offset;
	int error = 0;

	if (size > replay->fs->block_size)
		return ext2_damaged(replay->fs, "a list in the journal", size);
	for (offset = sizeof *header; error == 0 && offset + 4 <= size; offset += 4) {
		uint32_t block;

		memcpy(&block, replay->descriptor + offset, sizeof block);
		error = note_revoked(replay, big(block), sequence);
	}
	return error;
}

/* One block of a transaction to its place. */
static int replay_block(struct replay *replay, uint32_t block, uint32_t flags,
	uint32_t journal_block, uint32_t sequence)
{
	struct ext2 *fs = replay->fs;
	struct block_segment segment = {replay->data, fs->block_size};
	int error;

	if (block >= fs->block_count)
		return ext2_damaged(fs, "a block in the journal", block);
	if ((flags & JOURNAL_TAG_DELETED) != 0 || is_revoked(replay, block, sequence))
		return 0;
	error = transfer_block(fs, false, journal_block, replay->data);
	if (error != 0)
		return error;
	if ((flags & JOURNAL_TAG_ESCAPED) != 0)
		*(uint32_t *)(void *)replay->data = big(JOURNAL_MAGIC);
	replay->written++;
	return block_transfer(
		fs->device, true, (uint64_t)block * (fs->block_size / SECTOR_SIZE), &segment, 1);
}

/*
 * The blocks that the descriptor names; *position is moved behind them. With
 * `write`, they are put in their places.
 */
static int replay_descriptor(struct replay *replay, bool write, uint32_t *position,
	uint32_t *_left, uint32_t sequence)
{
	struct ext2 *fs = replay->fs;
	uint32_t offset = sizeof(struct journal_header);
	uint32_t flags = 0;
	int error = 0;

	while (error == 0 && (flags & JOURNAL_TAG_LAST) == 0
		   && offset + sizeof(struct journal_tag) <= fs->block_size) {
		struct journal_tag tag;

		memcpy(&tag, replay->descriptor + offset, sizeof tag);
		flags = big(tag.flags);
		offset += sizeof tag;
		if ((flags & JOURNAL_TAG_SAME_UUID) == 0)
			offset += UUID_SIZE;
		if (*_left == 0)
			return ext2_damaged(fs, "a transaction is longer than the journal", sequence);
		if (write)
			error = replay_block(replay, big(tag.block), flags, *position, sequence);
		*position = next_block(fs, *position);
		(*_left)--;
	}
	return error;
}

enum pass { PASS_SCAN, PASS_REVOKE, PASS_WRITE };

/*
 * Goes through the log up to transaction *end, or as far as there are whole ones,
 * which PASS_SCAN puts into *end.
 */
static int replay_pass(struct replay *replay, enum pass pass, uint32_t *end)
{
	struct ext2 *fs = replay->fs;
	const struct journal_super *super = (const void *)fs->journal.super;
	uint32_t sequence = fs->journal.sequence;
	uint32_t position = big(super->start);
	uint32_t left = fs->journal.length - fs->journal.first;
	int error = 0;

	while (error == 0 && left > 0 && (pass == PASS_SCAN || sequence != *end)) {
		const struct journal_header *header = (const void *)replay->descriptor;

		error = transfer_block(fs, false, position, replay->descriptor);
		if (error != 0)
			break;
		if (big(header->magic) != JOURNAL_MAGIC || big(header->sequence) != sequence)
			break;
		position = next_block(fs, position);
		left--;
		switch (big(header->type)) {
		case JOURNAL_DESCRIPTOR:
			error =
				replay_descriptor(replay, pass == PASS_WRITE, &position, &left, sequence);
			break;
		case JOURNAL_COMMIT:
			sequence++;
			break;
		case JOURNAL_REVOKE:
			if (pass == PASS_REVOKE)
				error = read_revoked(replay, sequence);
			break;
		default:
			left = 0;
		}
	}
	if (pass == PASS_SCAN)
		*end = sequence;
	return error;
}

static int replay_journal(struct ext2 *fs)
{
	struct journal_super *super = (void *)fs->journal.super;
	struct replay replay = {.fs = fs};
	uint32_t end = 0;
	int error = -ENOMEM;

	replay.descriptor = heap_allocate(fs->block_size);
	replay.data = heap_allocate(fs->block_size);
	if (replay.descriptor != NULL && replay.data != NULL)
		error = replay_pass(&replay, PASS_SCAN, &end);
	if (error == 0)
		error = replay_pass(&replay, PASS_REVOKE, &end);
	if (error == 0)
		error = replay_pass(&replay, PASS_WRITE, &end);
	if (error == 0)
		error = block_flush(fs->device);
	if (error == 0) {
		log_info("ext2: %s: journal read: %u transactions, %u blocks", fs->device->name,
			end - fs->journal.sequence, replay.written);
		fs->journal.sequence = end + 1;
		super->start = 0;
		super->sequence = big(fs->journal.sequence);
		error = transfer_block(fs, true, 0, fs->journal.super);
	}
	if (error == 0)
		error = block_flush(fs->device);
	heap_free(replay.descriptor);
	heap_free(replay.data);
	heap_free(replay.revoked);
	return error;
}

int ext2_journal_open(struct ext2 *fs, bool may_write)
{
	struct ext2_journal *journal = &fs->journal;
	int error;

	if (fs->super->revision == 0 || (fs->super->compat & EXT2_COMPAT_JOURNAL) == 0) {
		if (fs->super->revision > 0 && (fs->super->incompat & EXT2_INCOMPAT_RECOVER) != 0)
			return ext2_damaged(fs, "a journal is to be read that is not there", 0);
		return 0;
	}
	error = map_journal(fs);
	if (error != 0)
		return error == -EIO ? -EUCLEAN : error;
	journal->super = heap_allocate(fs->block_size);
	journal->descriptor = heap_allocate(fs->block_size);
	journal->copies = heap_allocate(fs->block_size * BATCH_MAX);
	if (journal->super == NULL || journal->descriptor == NULL || journal->copies == NULL)
		return -ENOMEM;
	error = transfer_block(fs, false, 0, journal->super);
	if (error == 0)
		error = check_journal_super(fs);
	if (error != 0)
		return error == -EIO ? -EUCLEAN : error;
	journal->exists = true;
	if (((const struct journal_super *)(const void *)journal->super)->start != 0) {
		if (!may_write) {
			log_warn("ext2: %s: its journal has to be read, but the disk is read only",
				fs->device->name);
			return -EROFS;
		}
		error = replay_journal(fs);
		return error != 0 ? error : 1;
	}
	if (ext2_journal_need(fs, fs->operation_blocks) * 4 > ext2_journal_room(fs)
		&& !fs->read_only) {
		log_warn("ext2: %s: its journal is too small: read only", fs->device->name);
		fs->read_only = true;
	}
	return 0;
}

void ext2_journal_close(struct ext2 *fs)
{
	heap_free(fs->journal.blocks);
	heap_free(fs->journal.super);
	heap_free(fs->journal.descriptor);
	heap_free(fs->journal.copies);
	memset(&fs->journal, 0, sizeof fs->journal);
}

/* ---- Writing ---------------------------------------------------------------------- */

/* The blocks that a descriptor can name. */
static uint32_t tags_max(const struct ext2 *fs)
{
	return (fs->block_size - (uint32_t)sizeof(struct journal_header) - UUID_SIZE)
		   / (uint32_t)sizeof(struct journal_tag);
}

uint32_t ext2_journal_need(const struct ext2 *fs, uint32_t count)
{
	uint32_t tags = tags_max(fs);

	return count + (count + tags - 1) / tags + 1;
}

uint32_t ext2_journal_room(const struct ext2 *fs)
{
	return fs->journal.length - fs->journal.head;
}

int ext2_journal_reset(struct ext2 *fs, bool in_use)
{
	struct ext2_journal *journal = &fs->journal;
	struct journal_super *super = (void *)journal->super;

	journal->head = journal->first;
	super->start = in_use ? big(journal->first) : 0;
	super->sequence = big(journal->sequence);
	return transfer_block(fs, true, 0, journal->super);
}

/* Blocks of the log that are yet to be written, side by side on the disk. */
struct batch {
	struct block_segment segments[BATCH_MAX];
	uint32_t first; /* of the disk */
	uint32_t count;
	uint32_t copies; /* made so far, in journal->copies one after the other, round */
};

static int write_batch(struct ext2 *fs, struct batch *batch)
{
	int error = 0;

	if (batch->count > 0)
		error = block_transfer(fs->device, true,
			(uint64_t)batch->first * (fs->block_size / SECTOR_SIZE), batch->segments,
			batch->count);
	batch->count = 0;
	return error;
}

/* `data` is the log's next block. It must stay as it is until the batch is written. */
static int append(struct ext2 *fs, struct batch *batch, void *data)
{
	struct ext2_journal *journal = &fs->journal;
	uint32_t block;
	int error = 0;

	if (journal->head >= journal->length)
		return -ENOSPC; /* ext2_continue() has seen to it that this is not so */
	block = journal->blocks[journal->head++];
	if (batch->count == BATCH_MAX
		|| (batch->count + 1) * fs->block_size > BLOCK_SECTORS_MAX * SECTOR_SIZE
		|| (batch->count > 0 && block != batch->first + batch->count))
		error = write_batch(fs, batch);
	if (batch->count == 0)
		batch->first = block;
	batch->segments[batch->count].data = data;
	batch->segments[batch->count++].size = fs->block_size;
	return error;
}

/* A block's copy, which must not begin as the log's own blocks do. */
static int append_copy(struct ext2 *fs, struct batch *batch, const struct buffer *buffer)
{
	struct ext2_journal *journal = &fs->journal;
	uint8_t *copy;
	int error = 0;

	if (*(const uint32_t *)(const void *)buffer->data != big(JOURNAL_MAGIC))
		return append(fs, batch, buffer->data);
	/* Fewer than BATCH_MAX in the batch: the copy that this one replaces is written. */
	if (batch->count == BATCH_MAX)
		error = write_batch(fs, batch);
	copy = journal->copies + batch->copies++ % BATCH_MAX * fs->block_size;
	memcpy(copy, buffer->data, fs->block_size);
	memset(copy, 0, sizeof(uint32_t));
	return error != 0 ? error : append(fs, batch, copy);
}

/* A descriptor for up to tags_max() blocks from `link` on; returns how many. */
static uint32_t fill_descriptor(struct ext2 *fs, const struct list *link)
{
	const struct list *head = &fs->cache.states[BUFFER_METADATA];
	struct journal_header *header = (void *)fs->journal.descriptor;
	uint32_t offset = sizeof *header;
	uint32_t count = 0;

	memset(header, 0, fs->block_size);
	header->magic = big(JOURNAL_MAGIC);
	header->type = big(JOURNAL_DESCRIPTOR);
	header->sequence = big(fs->journal.sequence);
	while (link != head && count < tags_max(fs)) {
		const struct buffer *buffer = LIST_ENTRY(link, struct buffer, listed);
		struct journal_tag *tag = (void *)(fs->journal.descriptor + offset);
		uint32_t flags = count > 0 ? JOURNAL_TAG_SAME_UUID : 0;

		if (*(const uint32_t *)(const void *)buffer->data == big(JOURNAL_MAGIC))
			flags |= JOURNAL_TAG_ESCAPED;
		link = link->next;
		if (link == head || count + 1 == tags_max(fs))
			flags |= JOURNAL_TAG_LAST;
		tag->block = big(buffer->block);
		tag->flags = big(flags);
		offset += sizeof *tag;
		if (count == 0) {
			memcpy(fs->journal.descriptor + offset,
				((const struct journal_super *)(const void *)fs->journal.super)->uuid,
				UUID_SIZE);
			offset += UUID_SIZE;
		}
		count++;
	}
	return count;
}

static int write_copies(struct ext2 *fs)
{
	const struct list *head = &fs->cache.states[BUFFER_METADATA];
	const struct list *link = head->next;
	struct batch batch = {.count = 0};
	int error = 0;

	while (error == 0 && link != head) {
		uint32_t count = fill_descriptor(fs, link);

		error = append(fs, &batch, fs->journal.descriptor);
		while (error == 0 && count-- > 0) {
			error = append_copy(fs, &batch, LIST_ENTRY(link, struct buffer, listed));
			link = link->next;
		}
		/* The descriptor's memory is wanted again. */
		if (error == 0)
			error = write_batch(fs, &batch);
	}
	return error;
}

int ext2_journal_write(struct ext2 *fs)
{
	struct ext2_journal *journal = &fs->journal;
	struct journal_header *header = (void *)journal->descriptor;
	struct batch batch = {.count = 0};
	int error;

	if (fs->cache.counts[BUFFER_METADATA] == 0)
		return block_flush(fs->device);
	error = write_copies(fs);
	if (error == 0)
		error = block_flush(fs->device);
	if (error != 0)
		return error;
	memset(header, 0, fs->block_size);
	header->magic = big(JOURNAL_MAGIC);
	header->type = big(JOURNAL_COMMIT);
	header->sequence = big(journal->sequence);
	error = append(fs, &batch, header);
	if (error == 0)
		error = write_batch(fs, &batch);
	if (error == 0)
		error = block_flush(fs->device);
	if (error != 0)
		return error;
	journal->sequence++;
	block_metadata_logged(&fs->cache);
	return 0;
}
