/* Pipes: 64 KiB from the ends that write to those that read. */
#pragma once

#include "kernel/vfs.h"

/* Both ends; `flags` may have O_NONBLOCK. 0, -ENFILE, -ENOMEM. */
int pipe_create(uint32_t flags, struct open_file **_read, struct open_file **_write);
