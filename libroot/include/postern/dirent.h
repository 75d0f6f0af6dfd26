/*
 * What read_dir() writes: records one behind the other, each `size` bytes and
 * on 8 bytes, with the NUL-ended name in it.
 */
#pragma once

#include <postern/types.h>

#define DT_UNKNOWN 0
#define DT_FIFO 1
#define DT_CHR 2
#define DT_DIR 4
#define DT_BLK 6
#define DT_REG 8
#define DT_LNK 10

struct dirent_record {
	uint64_t number;
	uint16_t size;
	uint8_t type; /* DT_* */
	char name[];
};

_Static_assert(offsetof(struct dirent_record, name) == 11, "both sides agree on it");
