/*
 * Mounts the first virtio disk on /tmp and becomes another program: the tests that
 * work there (tests/guest/filetests/) then work on it.
 *
 *   ondisk PROGRAM ARGUMENT...
 */
#include <postern/print.h>
#include <postern/syscalls.h>

int main(int argc, char **argv, char **envp)
{
	int error;

	if (argc < 2)
		return 2;
	_kern_unmount("/home");
	error = _kern_mount("/dev/virtio0", "/tmp", "ext2", 0, NULL);
	if (error != 0) {
		print("mount: %d\n", error);
		return 3;
	}
	error = _kern_exec(argv[1], (const char *const *)argv + 1, (const char *const *)envp);
	print("exec %s: %d\n", argv[1], error);
	return 3;
}
