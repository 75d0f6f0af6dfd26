/*
 * ext2 and its journal as they are on disk: what mke2fs writes and e2fsck
 * checks. Little-endian, as this machine is; the journal alone is big-endian.
 */
#pragma once

#include <postern/types.h>

#define EXT2_SUPER_OFFSET 1024u
#define EXT2_SUPER_SIZE 1024u
#define EXT2_MAGIC 0xef53u
#define EXT2_BLOCK_SIZE_MIN 1024u
#define EXT2_BLOCK_SIZE_MAX 4096u

#define EXT2_STATE_VALID 1u
#define EXT2_STATE_ERROR 2u

#define EXT2_COMPAT_JOURNAL 0x4u
#define EXT2_INCOMPAT_FILETYPE 0x2u
#define EXT2_INCOMPAT_RECOVER 0x4u /* the journal has to be read */
#define EXT2_RO_COMPAT_SPARSE_SUPER 0x1u
#define EXT2_RO_COMPAT_LARGE_FILE 0x2u
#define EXT2_RO_COMPAT_BTREE_DIR 0x4u

struct ext2_super {
	uint32_t inodes_count;
	uint32_t blocks_count;
	uint32_t reserved_blocks_count;
	uint32_t free_blocks_count;
	uint32_t free_inodes_count;
	uint32_t first_data_block;
	uint32_t log_block_size; /* 1024 << this */
	uint32_t log_fragment_size;
	uint32_t blocks_per_group;
	uint32_t fragments_per_group;
	uint32_t inodes_per_group;
	uint32_t mount_time;
	uint32_t write_time;
	uint16_t mount_count;
	uint16_t mount_count_max;
	uint16_t magic;
	uint16_t state;
	uint16_t errors;
	uint16_t minor_revision;
	uint32_t last_check;
	uint32_t check_interval;
	uint32_t creator;
	uint32_t revision;
	uint16_t reserved_uid;
	uint16_t reserved_gid;
	/* From revision 1 on: */
	uint32_t first_inode;
	uint16_t inode_size;
	uint16_t group_number;
	uint32_t compat;
	uint32_t incompat;
	uint32_t ro_compat;
	uint8_t uuid[16];
	char volume_name[16];
	char last_mounted[64];
	uint32_t algorithms;
	uint8_t preallocate_blocks;
	uint8_t preallocate_directory_blocks;
	uint16_t reserved_descriptor_blocks;
	uint8_t journal_uuid[16];
	uint32_t journal_inode;
	uint32_t journal_device;
	uint32_t last_orphan;
	uint8_t rest[1024 - 236];
};
_Static_assert(sizeof(struct ext2_super) == EXT2_SUPER_SIZE, "the superblock's layout");
_Static_assert(offsetof(struct ext2_super, magic) == 56, "the superblock's layout");
_Static_assert(
	offsetof(struct ext2_super, last_orphan) == 232, "the superblock's layout");

struct ext2_group {
	uint32_t block_bitmap;
	uint32_t inode_bitmap;
	uint32_t inode_table;
	uint16_t free_blocks_count;
	uint16_t free_inodes_count;
	uint16_t used_directories_count;
	uint16_t pad;
	uint32_t reserved[3];
};
_Static_assert(sizeof(struct ext2_group) == 32, "a group descriptor's layout");

#define EXT2_ROOT_INODE 2u
#define EXT2_FIRST_INODE_OLD 11u
#define EXT2_INODE_SIZE_OLD 128u
#define EXT2_DIRECT 12u
#define EXT2_SLOTS 15u
#define EXT2_FAST_SYMLINK_MAX 59u

#define EXT2_INDEX_FLAG 0x1000u /* a directory with a hash index */

struct ext2_inode {
	uint16_t mode;
	uint16_t uid;
	uint32_t size;
	uint32_t accessed;
	uint32_t changed;
	uint32_t modified;
	uint32_t deleted; /* or the next on the list of orphans */
	uint16_t gid;
	uint16_t links;
	uint32_t sectors; /* of 512 bytes, indirect blocks among them */
	uint32_t flags;
	uint32_t os1;
	uint32_t block[EXT2_SLOTS];
	uint32_t generation;
	uint32_t attributes; /* a block of extended attributes */
	uint32_t size_high;	 /* of regular files */
	uint32_t fragment;
	uint8_t os2[12];
};
_Static_assert(sizeof(struct ext2_inode) == EXT2_INODE_SIZE_OLD, "an inode's layout");

/* The bits of a mode, as POSIX systems number them. */
#define EXT2_TYPE_MASK 0170000u
#define EXT2_FIFO 0010000u
#define EXT2_CHARACTER 0020000u
#define EXT2_DIRECTORY 0040000u
#define EXT2_BLOCK 0060000u
#define EXT2_REGULAR 0100000u
#define EXT2_SYMLINK 0120000u
#define EXT2_SOCKET 0140000u

#define EXT2_NAME_MAX 255u
#define EXT2_LINKS_MAX 32000u

struct ext2_entry {
	uint32_t inode;	 /* 0: unused */
	uint16_t length; /* to the next, in the same block */
	uint8_t name_length;
	uint8_t type; /* with EXT2_INCOMPAT_FILETYPE, else the length's high byte: 0 */
	char name[];
};
#define EXT2_ENTRY_SIZE(name_length) ((8u + (uint32_t)(name_length) + 3u) & ~3u)

#define EXT2_ATTRIBUTES_MAGIC 0xea020000u

struct ext2_attributes {
	uint32_t magic;
	uint32_t references;
};

/* ---- The journal: all numbers big-endian ------------------------------------- */

#define JOURNAL_MAGIC 0xc03b3998u

enum {
	JOURNAL_DESCRIPTOR = 1,
	JOURNAL_COMMIT = 2,
	JOURNAL_SUPER_1 = 3,
	JOURNAL_SUPER_2 = 4,
	JOURNAL_REVOKE = 5
};

#define JOURNAL_INCOMPAT_REVOKE 0x1u

struct journal_header {
	uint32_t magic;
	uint32_t type;
	uint32_t sequence;
};

struct journal_super {
	struct journal_header header;
	uint32_t block_size;
	uint32_t length;   /* blocks, this one among them */
	uint32_t first;	   /* block of the log */
	uint32_t sequence; /* of the first transaction that counts */
	uint32_t start;	   /* its block; 0: the log is empty */
	uint32_t error;
	/* Only in JOURNAL_SUPER_2: */
	uint32_t compat;
	uint32_t incompat;
	uint32_t ro_compat;
	uint8_t uuid[16];
};

/* A descriptor has one for each block that follows it. */
struct journal_tag {
	uint32_t block;
	uint32_t flags;
};
#define JOURNAL_TAG_ESCAPED 0x1u   /* the block began with the magic number */
#define JOURNAL_TAG_SAME_UUID 0x2u /* no 16 bytes of UUID follow the tag */
#define JOURNAL_TAG_DELETED 0x4u
#define JOURNAL_TAG_LAST 0x8u

struct journal_revoke {
	struct journal_header header;
	uint32_t size; /* bytes of this block that are used; then block numbers */
};
