/* df [PATH...]: how full file systems are, in KiB; the root's by default. */
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

int main(int argc, char **argv)
{
	int result = 0;

	printf("%-8s %12s %12s %12s  Use Path\n", "Kind", "KiB", "Used", "Free");
	if (argc < 2)
		return show("/");
	for (int i = 1; i < argc; i++)
		result |= show(argv[i]);
	return result;
}
