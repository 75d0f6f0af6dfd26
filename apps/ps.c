/* ps: the processes that there are. */
#include "operands.h"
#include "output.h"
#include <postern/list_processes.h>
#include <postern/syscalls.h>
#include <stdio.h>
#include <stdlib.h>

static const char *state_name(uint32_t state)
{
	static const char *const kNames[] = PROCESS_STATE_NAMES;

	return state < sizeof kNames / sizeof kNames[0] ? kNames[state] : "?";
}

int main(int argc, char **argv)
{
	struct process_status *all;
	size_t count;

	only_operands(argc, argv, 0, "ps");
	all = list_processes(&count);
	if (all == NULL) {
		perror("ps");
		return 1;
	}
	printf("  PID  PPID STATE    THR  MEMORY      TIME COMMAND\n");
	for (size_t i = 0; i < count; i++) {
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
