/* ps: the processes that there are. */
#include "output.h"
#include <postern/process_status.h>
#include <postern/syscalls.h>
#include <stdio.h>
#include <stdlib.h>

static const char *state_name(uint32_t state)
{
	static const char *const kNames[] = PROCESS_STATE_NAMES;

	return state < sizeof kNames / sizeof kNames[0] ? kNames[state] : "?";
}

int main(void)
{
	struct process_status *all = NULL;
	ssize_t room = 32, count;

	for (;; room = count + 8) {
		all = malloc((size_t)room * sizeof *all);
		if (all == NULL || (count = _kern_process_status(all, (size_t)room)) < 0) {
			fprintf(stderr, "ps: cannot list the processes\n");
			return 1;
		}
		if (count <= room)
			break;
		free(all); /* there were more than expected */
	}
	printf("  PID  PPID STATE    THR  MEMORY      TIME COMMAND\n");
	for (ssize_t i = 0; i < count; i++) {
		char command[PROCESS_COMMAND_MAX];

		if (_kern_process_get_name(all[i].pid, command, sizeof command) < 0)
			snprintf(command, sizeof command, "[%s]", all[i].name);
		printf("%5d %5d %-8s %3u %6uK %9.3f %s\n", (int)all[i].pid, (int)all[i].parent,
			state_name(all[i].state), (unsigned)all[i].threads,
			(unsigned)all[i].pages * 4, (double)all[i].cpu_time / 1e6, command);
	}
	free(all);
	return end_of_output("ps", 0);
}
