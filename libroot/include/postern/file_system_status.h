/* What file_system_status() tells, and df shows. */
#pragma once

#include <postern/types.h>

struct file_system_status {
	uint64_t blocks;
	uint64_t free_blocks;
	uint64_t files; /* 0 where there is no limit */
	uint64_t free_files;
	uint32_t block_size;
	uint32_t flags; /* MOUNT_* */
	char type[16];
};

_Static_assert(sizeof(struct file_system_status) == 56, "both sides agree on it");
