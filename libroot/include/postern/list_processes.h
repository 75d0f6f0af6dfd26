/* All processes, as process_status() describes them. For programs with the C library. */
#pragma once

#include <postern/process_status.h>
#include <stddef.h>

/*
 * An array of the *_count processes that there are, which is the caller's to free();
 * NULL, with errno ENOMEM, when there is no memory for it.
 */
struct process_status *list_processes(size_t *_count);

/* The same of one: 0, or -1 with errno ENOMEM or, where there is none of that number,
 * ESRCH. */
int find_process(pid_t pid, struct process_status *status);
