/* list_processes() and find_process(); a file of its own, so that a program may have
 * another one. */
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

int find_process(pid_t pid, struct process_status *status)
{
	size_t count;
	struct process_status *all = list_processes(&count);
	bool found = false;

	if (all == NULL)
		return -1;
	for (size_t i = 0; i < count && !found; i++) {
		found = all[i].pid == pid;
		if (found)
			*status = all[i];
	}
	free(all);
	return found ? 0 : posix_error(ESRCH);
}
