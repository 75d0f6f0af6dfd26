/*
 * What read_dir() writes: records one behind the other, each `size` bytes and
 * on 8 bytes, with the NUL-ended name in it.
 */
#pragma once

#include <postern/file_type.h>
#include <postern/types.h>

struct dirent_record {
	uint64_t number;
	uint16_t size;
	uint8_t type; /* DT_* */
	char name[];
};

_Static_assert(offsetof(struct dirent_record, name) == 11, "both sides agree on it");
