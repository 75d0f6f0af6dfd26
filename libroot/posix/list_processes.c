/* list_processes(); a file of its own, so that a program may have another one. */
#include "posix.h"
#include <postern/list_processes.h>
#include <stdlib.h>

struct process_status *list_processes(size_t *_count)
{
	size_t room = 32;

	for (;;) {
		struct process_status *all = malloc(room * sizeof *all);
		ssize_t count;

		if (all == NULL)
			return NULL;
		count = _kern_process_status(all, room);
		if (count >= 0 && (size_t)count <= room) {
			*_count = (size_t)count;
			return all;
		}
		free(all);
		if (count < 0) {
			posix_error((int)-count);
			return NULL;
		}
		room = (size_t)count + 8; /* some may come before the next look */
	}
}
