/* Pipes: 64 KiB from the ends that write to those that read. */
#pragma once

#include "kernel/vfs.h"

/* Both ends; `flags` may have O_NONBLOCK. 0, -ENFILE, -ENOMEM. */
int pipe_create(uint32_t flags, struct open_file **_read, struct open_file **_write);

/* What to do with a file of the kind S_IFIFO that is opened with `flags`. Its open()
 * waits until the other end is open, too. */
const struct device_operations *pipe_named_operations(uint32_t flags);
