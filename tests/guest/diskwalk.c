/*
 * Mounts disks that may hold anything, one after the other, looks at all that
 * is on them and changes some of it. Whatever the calls answer is right; the kernel
 * has to live. tests/boot/test_disk.py gives it damaged images.
 *
 *   diskwalk NAME...         names of /dev
 */
#include <postern/dirent.h>
#include <postern/print.h>
#include <postern/syscalls.h>

#define MOUNT_POINT "/tmp/walk"
#define DEPTH_MAX 6
#define NAMES_MAX 300
#define PATH_SIZE 2048
#define READ_MAX 40

static char sBuffer[65536];
static unsigned sNames;

static void join(char *path, const char *folder, const char *name)
{
	unsigned used = 0;

	while (*folder != '\0')
		path[used++] = *folder++;
	path[used++] = '/';
	while (*name != '\0' && used < PATH_SIZE - 1)
		path[used++] = *name++;
	path[used] = '\0';
}

static void look_at(const char *path)
{
	int fd = _kern_open(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW, 0);
	int i;

	_kern_readlink(path, sBuffer, sizeof sBuffer);
	if (fd < 0)
		return;
	for (i = 0; i < READ_MAX; i++) {
		if (_kern_read(fd, -1, sBuffer, sizeof sBuffer) <= 0)
			break;
	}
	_kern_write(fd, 100000, "some", 4);
	_kern_ftruncate(fd, 3000);
	_kern_close(fd);
}

static void walk(const char *folder, int depth)
{
	char names[4096];
	char path[PATH_SIZE];
	int fd = _kern_open(folder, O_RDONLY | O_DIRECTORY, 0);
	ssize_t size;
	unsigned length = 0;

	while (folder[length] != '\0')
		length++;
	if (fd < 0 || length > PATH_SIZE - 300)
		return;
	while ((size = _kern_read_dir(fd, names, sizeof names)) > 0 && sNames < NAMES_MAX) {
		ssize_t offset = 0;

		while (offset < size && sNames++ < NAMES_MAX) {
			const struct dirent_record *record = (const void *)(names + offset);

			offset += record->size;
			if (record->name[0] == '.'
				&& (record->name[1] == '\0'
					|| (record->name[1] == '.' && record->name[2] == '\0')))
				continue;
			join(path, folder, record->name);
			look_at(path);
			if (depth < DEPTH_MAX)
				walk(path, depth + 1);
			if (sNames % 3 == 0)
				_kern_unlink(path);
			else if (sNames % 3 == 1)
				_kern_rmdir(path);
		}
	}
	_kern_close(fd);
}

static void change(void)
{
	int fd = _kern_open(MOUNT_POINT "/new", O_RDWR | O_CREAT, 0644);

	if (fd >= 0) {
		_kern_write(fd, -1, sBuffer, sizeof sBuffer);
		_kern_write(fd, 9000000, sBuffer, 5000);
		_kern_fsync(fd);
		_kern_close(fd);
	}
	_kern_mkdir(MOUNT_POINT "/folder", 0755);
	_kern_rename(MOUNT_POINT "/new", MOUNT_POINT "/folder/old");
	_kern_symlink("somewhere", MOUNT_POINT "/link");
	_kern_link(MOUNT_POINT "/folder/old", MOUNT_POINT "/again");
	_kern_unlink(MOUNT_POINT "/folder/old");
	_kern_sync();
}

int main(int argc, char **argv)
{
	int i;

	_kern_unmount("/home");
	_kern_mkdir(MOUNT_POINT, 0755);
	for (i = 1; i < argc; i++) {
		char path[PATH_SIZE];
		int error;

		join(path, "/dev", argv[i]);
		error = _kern_mount(path, MOUNT_POINT, "ext2", 0, NULL);
		if (error != 0) {
			print("%s refused %d\n", argv[i], error);
			continue;
		}
		sNames = 0;
		walk(MOUNT_POINT, 0);
		change();
		error = _kern_unmount(MOUNT_POINT);
		print("%s walked %u names, unmounted %d\n", argv[i], sNames, error);
	}
	print("lived\n");
	return 0;
}
