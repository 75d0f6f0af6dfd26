/*
 * mount -t KIND [-r] [-o OPTIONS] [SOURCE] DIRECTORY; mount -u DIRECTORY to unmount; and
 * without arguments what is mounted.
 */
#include <errno.h>
#include <limits.h>
#include <postern/syscalls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int show(void)
{
	FILE *mounts = fopen("/proc/mounts", "r");
	int byte;

	if (mounts == NULL) {
		perror("mount: /proc/mounts");
		return 1;
	}
	while ((byte = getc(mounts)) != EOF)
		putchar(byte);
	fclose(mounts);
	return 0;
}

int main(int argc, char **argv)
{
	const char *kind = NULL, *options = "";
	char where[PATH_MAX];
	int flags = 0, option, error, undo = 0;

	if (argc == 1)
		return show();
	while ((option = getopt(argc, argv, "t:ro:u")) != -1) {
		if (option == 't')
			kind = optarg;
		else if (option == 'o')
			options = optarg;
		else if (option == 'r')
			flags |= MOUNT_READ_ONLY;
		else if (option == 'u')
			undo = 1;
		else
			optind = argc + 1;
	}
	if (optind >= argc || argc - optind > 2 || (kind == NULL) != undo) {
		fprintf(stderr, "usage: mount -t KIND [-r] [-o OPTIONS] [SOURCE] DIRECTORY\n"
						"       mount -u DIRECTORY\n");
		return 2;
	}
	if (undo)
		error = _kern_unmount(argv[optind]);
	else
		/* /proc/mounts says where, wherever its reader is. */
		error = realpath(argv[argc - 1], where) == NULL
					? -errno
					: _kern_mount(argc - optind == 2 ? argv[optind] : NULL, where, kind,
						flags, options);
	if (error < 0) {
		fprintf(stderr, "mount: %s: %s\n", argv[argc - 1], strerror(-error));
		return 1;
	}
	return 0;
}
