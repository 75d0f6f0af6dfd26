/* df [PATH...]: how full the file systems of paths are, in KiB; by default all that can
   be full. */
#include "operands.h"
#include "output.h"
#include <limits.h>
#include <postern/file_system_status.h>
#include <postern/syscalls.h>
#include <stdio.h>
#include <string.h>

static int show(const char *path)
{
	struct file_system_status status;
	int error = _kern_file_system_status(path, &status);
	unsigned long long size, left;

	if (error < 0) {
		fprintf(stderr, "df: %s: %s\n", path, strerror(-error));
		return 1;
	}
	size = status.blocks * status.block_size / 1024;
	left = status.free_blocks * status.block_size / 1024;
	printf("%-8s %12llu %12llu %12llu %3u%% %s\n", status.type, size, size - left, left,
		size > 0 ? (unsigned)((size - left) * 100 / size) : 0, path);
	return 0;
}

/* All that are mounted, but those that take no room, as /proc. */
static int show_all(void)
{
	char path[PATH_MAX];
	FILE *mounts = fopen("/proc/mounts", "r");
	int result = 0;

	if (mounts == NULL) {
		perror("df: /proc/mounts");
		return 1;
	}
	while (fscanf(mounts, "%*s %4095s %*[^\n]", path) == 1) {
		struct file_system_status status;

		if (_kern_file_system_status(path, &status) < 0 || status.blocks > 0)
			result |= show(path);
	}
	fclose(mounts);
	return result;
}

int main(int argc, char **argv)
{
	int result = 0;

	only_operands(argc, argv, INT_MAX, "df [PATH...]");
	printf("%-8s %12s %12s %12s  Use Path\n", "Kind", "KiB", "Used", "Free");
	if (optind == argc)
		result = show_all();
	for (int i = optind; i < argc; i++)
		result |= show(argv[i]);
	return end_of_output("df", result);
}
