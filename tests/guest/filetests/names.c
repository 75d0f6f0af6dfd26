/* Names: made, removed, moved, walked. */
#include "filetests.h"

void test_open_flags(void)
{
	struct stat info;
	char byte;
	int fd = _kern_open("file", O_RDWR | O_CREAT | O_EXCL, 0777);

	CHECK(fd >= 3);
	CHECK_EQUAL(_kern_fstat(fd, &info), 0);
	CHECK_EQUAL(info.mode, S_IFREG | 0755); /* the umask is 022 */
	CHECK_EQUAL(_kern_write(fd, -1, "x", 1), 1);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_open("file", O_RDWR | O_CREAT | O_EXCL, 0777), -EEXIST);
	fd = check_open("file", O_RDONLY | O_CREAT);
	CHECK_EQUAL(_kern_read(fd, -1, &byte, 1), 1);
	CHECK_EQUAL(_kern_close(fd), 0);
	fd = check_open("file", O_RDWR | O_TRUNC);
	CHECK_EQUAL(_kern_read(fd, -1, &byte, 1), 0);
	CHECK_EQUAL(_kern_close(fd), 0);
	/* The lowest number that is free. */
	CHECK_EQUAL(check_open("file", O_RDONLY), 3);
	CHECK_EQUAL(check_open("file", O_RDONLY), 4);
	CHECK_EQUAL(_kern_close(3), 0);
	CHECK_EQUAL(check_open("file", O_RDONLY), 3);
	CHECK_EQUAL(check_open("file", O_RDONLY), 5);
	CHECK_EQUAL(check_open(".", O_RDONLY | O_DIRECTORY), 6);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_open_errors(void)
{
	check_make("file", 1, 0);
	CHECK_EQUAL(_kern_open("none", O_RDONLY, 0), -ENOENT);
	CHECK_EQUAL(_kern_open("", O_RDONLY, 0), -ENOENT);
	CHECK_EQUAL(_kern_open("", O_RDWR | O_CREAT, 0), -ENOENT);
	CHECK_EQUAL(_kern_open("none/file", O_RDONLY | O_CREAT, 0666), -ENOENT);
	CHECK_EQUAL(_kern_open("file/x", O_RDONLY, 0), -ENOTDIR);
	CHECK_EQUAL(_kern_open("file/", O_RDONLY, 0), -ENOTDIR);
	CHECK_EQUAL(_kern_open("file/.", O_RDONLY, 0), -ENOTDIR);
	CHECK_EQUAL(_kern_open("file/..", O_RDONLY, 0), -ENOTDIR);
	CHECK_EQUAL(_kern_open("file", O_RDONLY | O_DIRECTORY, 0), -ENOTDIR);
	CHECK_EQUAL(_kern_open(".", O_WRONLY, 0), -EISDIR);
	CHECK_EQUAL(_kern_open(".", O_RDWR, 0), -EISDIR);
	CHECK_EQUAL(_kern_open(".", O_RDONLY | O_TRUNC, 0), -EISDIR);
	CHECK_EQUAL(_kern_open(".", O_RDONLY | O_CREAT, 0), -EISDIR);
	CHECK_EQUAL(_kern_open("/", O_RDONLY | O_CREAT | O_EXCL, 0), -EEXIST);
	CHECK_EQUAL(_kern_open("none/", O_RDONLY | O_CREAT, 0666), -EISDIR);
	CHECK_EQUAL(_kern_open("none", O_CREAT | O_DIRECTORY, 0666), -EINVAL);
	CHECK_EQUAL(_kern_open("file", 3, 0), -EINVAL);
	CHECK_EQUAL(_kern_open("file", 0x40000000, 0), -EINVAL);
	CHECK_EQUAL(_kern_open(NULL, O_RDONLY, 0), -EFAULT);
	CHECK_EQUAL(_kern_open(BAD, O_RDONLY, 0), -EFAULT);
	CHECK_EQUAL(_kern_open((char *)KERNEL_BASE, O_RDONLY, 0), -EFAULT);
	CHECK_EQUAL(check_open("file", O_RDONLY), 3); /* none of them took a number */
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_make_and_remove_directories(void)
{
	struct stat info;

	CHECK_EQUAL(_kern_mkdir("a", 0777), 0);
	CHECK_EQUAL(_kern_stat(".", &info), 0);
	CHECK_EQUAL(info.links, 3);
	CHECK_EQUAL(_kern_mkdir("a", 0777), -EEXIST);
	CHECK_EQUAL(_kern_mkdir("a/", 0777), -EEXIST);
	CHECK_EQUAL(_kern_mkdir("a/b/", 0700), 0);
	CHECK_EQUAL(_kern_stat("a/b", &info), 0);
	CHECK_EQUAL(info.mode, S_IFDIR | 0700);
	CHECK_EQUAL(info.links, 2);
	CHECK_EQUAL(_kern_mkdir("none/b", 0777), -ENOENT);
	CHECK_EQUAL(_kern_mkdir("", 0777), -ENOENT);
	CHECK_EQUAL(_kern_mkdir(".", 0777), -EEXIST);
	CHECK_EQUAL(_kern_mkdir("..", 0777), -EEXIST);
	CHECK_EQUAL(_kern_mkdir("/", 0777), -EEXIST);
	check_make("file", 1, 0);
	CHECK_EQUAL(_kern_mkdir("file", 0777), -EEXIST);
	CHECK_EQUAL(_kern_mkdir("file/x", 0777), -ENOTDIR);
	CHECK_EQUAL(_kern_mkdir(BAD, 0777), -EFAULT);
	CHECK_EQUAL(_kern_rmdir("a"), -ENOTEMPTY);
	CHECK_EQUAL(_kern_rmdir("a/b/."), -EINVAL);
	CHECK_EQUAL(_kern_rmdir("a/b/.."), -ENOTEMPTY);
	CHECK_EQUAL(_kern_rmdir("/"), -EBUSY);
	CHECK_EQUAL(_kern_rmdir("file"), -ENOTDIR);
	CHECK_EQUAL(_kern_rmdir("none"), -ENOENT);
	CHECK_EQUAL(_kern_rmdir("file/x"), -ENOTDIR);
	CHECK_EQUAL(_kern_rmdir(BAD), -EFAULT);
	/* One that somebody is in can go; then nothing is there, nor can be made. */
	CHECK_EQUAL(_kern_chdir("a/b"), 0);
	CHECK_EQUAL(_kern_rmdir("../b"), 0);
	CHECK_EQUAL(_kern_mkdir("c", 0777), -ENOENT);
	CHECK_EQUAL(_kern_open("c", O_RDWR | O_CREAT, 0666), -ENOENT);
	CHECK_EQUAL(_kern_stat("..", &info), -ENOENT);
	CHECK_EQUAL(_kern_stat(".", &info), 0);
	CHECK_EQUAL(info.links, 0);
	CHECK_EQUAL(_kern_chdir("/tmp/test"), 0);
	CHECK_EQUAL(_kern_rmdir("a/"), 0);
	CHECK_EQUAL(_kern_unlink("file"), 0);
	CHECK_EQUAL(_kern_stat(".", &info), 0);
	CHECK_EQUAL(info.links, 2);
}

void test_unlink_files(void)
{
	check_make("file", 1, 0);
	CHECK_EQUAL(_kern_unlink("none"), -ENOENT);
	CHECK_EQUAL(_kern_unlink("file/"), -ENOTDIR);
	CHECK_EQUAL(_kern_unlink("file/x"), -ENOTDIR);
	CHECK_EQUAL(_kern_unlink("."), -EISDIR);
	CHECK_EQUAL(_kern_unlink("/"), -EISDIR);
	CHECK_EQUAL(_kern_unlink("/tmp"), -EISDIR);
	CHECK_EQUAL(_kern_unlink(""), -ENOENT);
	CHECK_EQUAL(_kern_unlink(BAD), -EFAULT);
	CHECK_EQUAL(_kern_unlink("file"), 0);
	CHECK_EQUAL(_kern_unlink("file"), -ENOENT);
}

void test_unlink_open(void)
{
	struct stat info;
	char buffer[8];
	int fd;

	check_make("file", 100000, 4);
	fd = check_open("file", O_RDWR);
	CHECK_EQUAL(_kern_unlink("file"), 0);
	CHECK_EQUAL(_kern_stat("file", &info), -ENOENT);
	CHECK_EQUAL(_kern_fstat(fd, &info), 0);
	CHECK_EQUAL(info.links, 0);
	CHECK_EQUAL(info.size, 100000);
	CHECK_EQUAL(_kern_write(fd, 5, "abc", 3), 3);
	/* Another one has the name now. */
	check_make("file", 3, 8);
	CHECK_EQUAL(_kern_read(fd, 5, buffer, 3), 3);
	CHECK(memcmp(buffer, "abc", 3) == 0);
	check_content("file", 3, 8);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_rename_files(void)
{
	struct stat info;
	int fd;

	check_make("a", 10, 1);
	check_make("b", 20, 2);
	CHECK_EQUAL(_kern_mkdir("d", 0777), 0);
	fd = check_open("b", O_RDONLY);
	CHECK_EQUAL(_kern_rename("a", "b"), 0);
	CHECK_EQUAL(_kern_stat("a", &info), -ENOENT);
	check_content("b", 10, 1);
	CHECK_EQUAL(_kern_fstat(fd, &info), 0); /* the old one lives on */
	CHECK_EQUAL(info.size, 20);
	CHECK_EQUAL(info.links, 0);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_rename("b", "d/c"), 0);
	check_content("d/c", 10, 1);
	CHECK_EQUAL(_kern_rename("d/c", "b"), 0);
	CHECK_EQUAL(_kern_rename("b", "b"), 0);
	CHECK_EQUAL(_kern_link("b", "e"), 0);
	CHECK_EQUAL(_kern_rename("b", "e"), 0); /* the same file: both stay */
	check_content("b", 10, 1);
	check_content("e", 10, 1);
	CHECK_EQUAL(_kern_rename("none", "x"), -ENOENT);
	CHECK_EQUAL(_kern_rename("b", "none/x"), -ENOENT);
	CHECK_EQUAL(_kern_rename("b", "e/x"), -ENOTDIR);
	CHECK_EQUAL(_kern_rename("b/x", "y"), -ENOTDIR);
	CHECK_EQUAL(_kern_rename("b", "d"), -EISDIR);
	CHECK_EQUAL(_kern_rename("d", "b"), -ENOTDIR);
	CHECK_EQUAL(_kern_rename("b/", "x"), -ENOTDIR);
	CHECK_EQUAL(_kern_rename("b", "x/"), -ENOTDIR);
	CHECK_EQUAL(_kern_rename(".", "x"), -EINVAL);
	CHECK_EQUAL(_kern_rename("d/..", "x"), -EINVAL);
	CHECK_EQUAL(_kern_rename("d", "."), -EINVAL);
	CHECK_EQUAL(_kern_rename("/", "x"), -EBUSY);
	CHECK_EQUAL(_kern_rename("", "x"), -ENOENT);
	CHECK_EQUAL(_kern_rename("b", ""), -ENOENT);
	CHECK_EQUAL(_kern_rename(BAD, "x"), -EFAULT);
	CHECK_EQUAL(_kern_rename("b", BAD), -EFAULT);
	CHECK_EQUAL(_kern_unlink("b"), 0);
	CHECK_EQUAL(_kern_unlink("e"), 0);
	CHECK_EQUAL(_kern_rmdir("d"), 0);
}

void test_rename_directories(void)
{
	struct stat info;

	CHECK_EQUAL(_kern_mkdir("a", 0777), 0);
	CHECK_EQUAL(_kern_mkdir("a/b", 0777), 0);
	CHECK_EQUAL(_kern_mkdir("a/b/c", 0777), 0);
	CHECK_EQUAL(_kern_mkdir("x", 0777), 0);
	check_make("a/b/file", 5, 1);
	CHECK_EQUAL(_kern_rename("a", "a/b/c/d"), -EINVAL);
	CHECK_EQUAL(_kern_rename("a", "a/b"), -EINVAL);
	CHECK_EQUAL(_kern_rename("a/b/c", "a"), -ENOTEMPTY);
	CHECK_EQUAL(_kern_rename("a/b/file", "a"), -EISDIR);
	CHECK_EQUAL(_kern_rename("a/b", "x"), 0); /* an empty one is replaced */
	check_content("x/file", 5, 1);
	CHECK_EQUAL(_kern_rename("a", "x"), -ENOTEMPTY);
	CHECK_EQUAL(_kern_stat("a", &info), 0);
	CHECK_EQUAL(info.links, 2);
	CHECK_EQUAL(_kern_rename("x/", "a/y/"), 0);
	check_content("a/y/file", 5, 1);
	CHECK_EQUAL(_kern_stat("a/y/..", &info), 0);
	CHECK_EQUAL(info.links, 3);
	CHECK_EQUAL(_kern_chdir("a/y/c"), 0);
	CHECK_EQUAL(_kern_rename("../../../a/y/c", "../../../z"), 0);
	check_content("../a/y/file", 5, 1); /* ".." is where it is now */
	CHECK_EQUAL(_kern_chdir(".."), 0);
	CHECK_EQUAL(_kern_unlink("a/y/file"), 0);
	CHECK_EQUAL(_kern_rmdir("a/y"), 0);
	CHECK_EQUAL(_kern_rmdir("a"), 0);
	CHECK_EQUAL(_kern_rmdir("z"), 0);
}

/* Removes a directory and the directories in it. */
static void remove_tree(const char *path)
{
	char name[NAME_MAX + 1];
	int fd;

	CHECK_EQUAL(_kern_chdir(path), 0);
	fd = check_open(".", O_RDONLY);
	for (unsigned i = 0; _kern_getdirent(fd, i, name, sizeof name) > 0;) {
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			i++;
		else
			remove_tree(name);
	}
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_chdir(".."), 0);
	CHECK_EQUAL(_kern_rmdir(path), 0);
}

/* Directories moved about by several: no deadlock, none lost. */
void test_rename_races(void)
{
	static const char *const kPlaces[] = {"a", "a/b", "a/c", "d", "d/e", "d/e/f"};
	pid_t pids[4];

	CHECK_EQUAL(_kern_mkdir("a", 0777), 0);
	CHECK_EQUAL(_kern_mkdir("a/b", 0777), 0);
	CHECK_EQUAL(_kern_mkdir("d", 0777), 0);
	CHECK_EQUAL(_kern_mkdir("d/e", 0777), 0);
	for (unsigned i = 0; i < 4; i++) {
		pids[i] = check_fork();
		if (pids[i] != 0)
			continue;
		for (unsigned j = 0; j < 300; j++) {
			uint32_t n = (j * 4 + i) * 2654435761u >> 16;
			const char *from = kPlaces[n % 6], *to = kPlaces[n / 6 % 6];
			int error = _kern_rename(from, to);

			CHECK(error == 0 || error == -ENOENT || error == -EINVAL
				  || error == -ENOTEMPTY);
			if (j % 8 == 0)
				_kern_yield();
		}
		end(0);
	}
	for (unsigned i = 0; i < 4; i++)
		check_exit(pids[i], 0);
	/* Each directory is somewhere, once; those that were replaced are gone. */
	CHECK_EQUAL(_kern_mkdir("all", 0777), 0);
	_kern_rename("a", "all/a");
	_kern_rename("d", "all/d");
	remove_tree("all");
}

void test_links(void)
{
	struct stat info, other;

	check_make("a", 10, 1);
	CHECK_EQUAL(_kern_mkdir("d", 0777), 0);
	CHECK_EQUAL(_kern_link("a", "d/b"), 0);
	CHECK_EQUAL(_kern_stat("a", &info), 0);
	CHECK_EQUAL(_kern_stat("d/b", &other), 0);
	CHECK_EQUAL(info.number, other.number);
	CHECK_EQUAL(info.links, 2);
	CHECK_EQUAL(_kern_unlink("a"), 0);
	check_content("d/b", 10, 1);
	CHECK_EQUAL(_kern_link("d/b", "d/b"), -EEXIST);
	CHECK_EQUAL(_kern_link("d", "e"), -EPERM);
	CHECK_EQUAL(_kern_link("none", "e"), -ENOENT);
	CHECK_EQUAL(_kern_link("d/b", "none/e"), -ENOENT);
	CHECK_EQUAL(_kern_link("d/b", "d"), -EEXIST);
	CHECK_EQUAL(_kern_link("d/b", "e/"), -ENOENT);
	CHECK_EQUAL(_kern_link("d/b/x", "e"), -ENOTDIR);
	CHECK_EQUAL(_kern_link(BAD, "e"), -EFAULT);
	CHECK_EQUAL(_kern_link("d/b", BAD), -EFAULT);
	CHECK_EQUAL(_kern_unlink("d/b"), 0);
	CHECK_EQUAL(_kern_rmdir("d"), 0);
}

void test_symbolic_links(void)
{
	struct stat info;
	char buffer[64];
	int fd;

	CHECK_EQUAL(_kern_mkdir("d", 0777), 0);
	check_make("d/file", 10, 1);
	CHECK_EQUAL(_kern_symlink("d/file", "s"), 0);
	check_content("s", 10, 1);
	CHECK_EQUAL(_kern_lstat("s", &info), 0);
	CHECK(S_ISLNK(info.mode));
	CHECK_EQUAL(info.size, 6);
	CHECK_EQUAL(_kern_stat("s", &info), 0);
	CHECK(S_ISREG(info.mode));
	memset(buffer, 'x', sizeof buffer);
	CHECK_EQUAL(_kern_readlink("s", buffer, sizeof buffer), 6);
	CHECK(memcmp(buffer, "d/filex", 7) == 0);
	CHECK_EQUAL(_kern_readlink("s", buffer, 3), 3);
	CHECK_EQUAL(_kern_readlink("s", buffer, 0), -EINVAL);
	CHECK_EQUAL(_kern_readlink("d/file", buffer, 9), -EINVAL);
	CHECK_EQUAL(_kern_readlink("none", buffer, 9), -ENOENT);
	CHECK_EQUAL(_kern_readlink("s", BAD, 9), -EFAULT);
	CHECK_EQUAL(_kern_open("s", O_RDONLY | O_NOFOLLOW, 0), -ELOOP);
	CHECK_EQUAL(_kern_symlink("d", "s"), -EEXIST);
	CHECK_EQUAL(_kern_symlink("", "t"), -ENOENT);
	CHECK_EQUAL(_kern_symlink("x", "none/t"), -ENOENT);
	CHECK_EQUAL(_kern_symlink(BAD, "t"), -EFAULT);
	CHECK_EQUAL(_kern_symlink("x", BAD), -EFAULT);
	/* To a directory; a slash behind it follows. */
	CHECK_EQUAL(_kern_symlink("d/", "t"), 0);
	check_content("t/file", 10, 1);
	CHECK_EQUAL(_kern_lstat("t/", &info), 0);
	CHECK(S_ISDIR(info.mode));
	CHECK_EQUAL(_kern_rmdir("t"), -ENOTDIR);
	CHECK_EQUAL(_kern_unlink("t"), 0);
	/* To nothing: open() makes what it points to. */
	CHECK_EQUAL(_kern_symlink("/tmp/test/d/new", "t"), 0);
	CHECK_EQUAL(_kern_open("t", O_RDONLY, 0), -ENOENT);
	CHECK_EQUAL(_kern_open("t", O_RDWR | O_CREAT | O_EXCL, 0666), -EEXIST);
	CHECK_EQUAL(_kern_mkdir("t", 0777), -EEXIST);
	fd = check_open("t", O_RDWR | O_CREAT);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_stat("d/new", &info), 0);
	CHECK_EQUAL(_kern_rename("t", "u"), 0); /* the link itself */
	CHECK_EQUAL(_kern_readlink("u", buffer, 64), 15);
	CHECK_EQUAL(_kern_unlink("u"), 0);
	CHECK_EQUAL(_kern_unlink("d/new"), 0);
	CHECK_EQUAL(_kern_unlink("s"), 0);
	CHECK_EQUAL(_kern_unlink("d/file"), 0);
	CHECK_EQUAL(_kern_rmdir("d"), 0);
}

void test_symbolic_loops(void)
{
	char name[16], target[16];
	struct stat info;

	CHECK_EQUAL(_kern_symlink("loop", "loop"), 0);
	CHECK_EQUAL(_kern_stat("loop", &info), -ELOOP);
	CHECK_EQUAL(_kern_open("loop", O_RDWR | O_CREAT, 0666), -ELOOP);
	CHECK_EQUAL(_kern_stat("loop/x", &info), -ELOOP);
	CHECK_EQUAL(_kern_chdir("loop"), -ELOOP);
	CHECK_EQUAL(_kern_lstat("loop", &info), 0);
	CHECK_EQUAL(_kern_unlink("loop"), 0);
	CHECK_EQUAL(_kern_symlink("q", "p"), 0);
	CHECK_EQUAL(_kern_symlink("p/../p", "q"), 0);
	CHECK_EQUAL(_kern_stat("p", &info), -ELOOP);
	CHECK_EQUAL(_kern_unlink("p"), 0);
	CHECK_EQUAL(_kern_unlink("q"), 0);
	/* 40 are followed, 41 are not. */
	check_make("l0", 3, 3);
	for (int i = 1; i <= 41; i++) {
		format_string(target, sizeof target, "l%d", i - 1);
		format_string(name, sizeof name, "l%d", i);
		CHECK_EQUAL(_kern_symlink(target, name), 0);
	}
	check_content("l40", 3, 3);
	CHECK_EQUAL(_kern_stat("l41", &info), -ELOOP);
	for (int i = 0; i <= 41; i++) {
		format_string(name, sizeof name, "l%d", i);
		CHECK_EQUAL(_kern_unlink(name), 0);
	}
}

void test_path_lengths(void)
{
	char *path = check_map(4 * PAGE, false);
	struct stat info;

	/* Names. */
	for (size_t length = NAME_MAX - 2; length <= NAME_MAX + 2; length++) {
		memset(path, 'n', length);
		path[length] = '\0';
		if (length > NAME_MAX) {
			CHECK_EQUAL(_kern_open(path, O_RDWR | O_CREAT, 0666), -ENAMETOOLONG);
			CHECK_EQUAL(_kern_mkdir(path, 0777), -ENAMETOOLONG);
			CHECK_EQUAL(_kern_symlink("x", path), -ENAMETOOLONG);
			CHECK_EQUAL(_kern_stat(path, &info), -ENAMETOOLONG);
		} else {
			check_make(path, length, 1);
			check_content(path, length, 1);
			CHECK_EQUAL(_kern_unlink(path), 0);
		}
	}
	/* Paths: "./././..f". */
	check_make("f", 1, 1);
	for (size_t length = PATH_MAX - 4; length <= PATH_MAX + 4; length++) {
		memset(path, '/', length);
		for (size_t i = 0; i < length; i += 2)
			path[i] = '.';
		path[length - 1] = 'f';
		path[length - 2] = '/';
		path[length] = '\0';
		CHECK_EQUAL(_kern_stat(path, &info), length < PATH_MAX ? 0 : -ENAMETOOLONG);
	}
	/* A symbolic link that makes it too long. */
	memset(path, '/', 3000);
	path[0] = '.';
	path[3000] = '\0';
	CHECK_EQUAL(_kern_symlink(path, "s"), 0);
	CHECK_EQUAL(_kern_stat("s", &info), 0);
	path[0] = 's';
	CHECK_EQUAL(_kern_stat(path, &info), -ENAMETOOLONG);
	CHECK_EQUAL(_kern_unlink("s"), 0);
	CHECK_EQUAL(_kern_unlink("f"), 0);
}

void test_path_forms(void)
{
	static const char *const kSame[] = {"d/f", "./d/f", "d//f", ".//d/./f", "d/../d/f",
		"/tmp/test/d/f", "//tmp///test/d/f", "/../../tmp/test/d/f", "d/e/../f",
		"../test/d/f", "/tmp/../tmp/./test/d/f"};
	struct stat info, other;

	CHECK_EQUAL(_kern_mkdir("d", 0777), 0);
	CHECK_EQUAL(_kern_mkdir("d/e", 0777), 0);
	check_make("d/f", 9, 9);
	CHECK_EQUAL(_kern_stat("d/f", &info), 0);
	for (size_t i = 0; i < sizeof kSame / sizeof kSame[0]; i++) {
		if (_kern_stat(kSame[i], &other) != 0 || other.number != info.number)
			check_failed(__FILE__, __LINE__, "%s is not the file", kSame[i]);
	}
	CHECK_EQUAL(_kern_stat("d/f/", &other), -ENOTDIR);
	CHECK_EQUAL(_kern_stat("d/f/..", &other), -ENOTDIR);
	CHECK_EQUAL(_kern_stat("d/none/..", &other), -ENOENT);
	CHECK_EQUAL(_kern_stat("...", &other), -ENOENT);
	CHECK_EQUAL(_kern_stat("d/", &other), 0);
	CHECK_EQUAL(_kern_stat("/", &info), 0);
	CHECK_EQUAL(_kern_stat("/..", &other), 0);
	CHECK_EQUAL(info.number, other.number);
	CHECK_EQUAL(_kern_unlink("d/f"), 0);
	CHECK_EQUAL(_kern_rmdir("d/e"), 0);
	CHECK_EQUAL(_kern_rmdir("d"), 0);
}

void test_stat_tells(void)
{
	struct stat info, other;
	int fd;

	check_make("file", 5000, 1);
	CHECK_EQUAL(_kern_stat("file", &info), 0);
	CHECK_EQUAL(info.size, 5000);
	CHECK_EQUAL(info.mode, S_IFREG | 0644);
	CHECK_EQUAL(info.links, 1);
	CHECK_EQUAL(info.blocks, 16);
	CHECK(info.modified > 0);
	fd = check_open("file", O_RDONLY);
	CHECK_EQUAL(_kern_fstat(fd, &other), 0);
	CHECK(memcmp(&info, &other, sizeof info) == 0);
	CHECK_EQUAL(_kern_fstat(99, &other), -EBADF);
	CHECK_EQUAL(_kern_fstat(fd, BAD), -EFAULT);
	CHECK_EQUAL(_kern_stat("file", BAD), -EFAULT);
	CHECK_EQUAL(_kern_lstat("file", BAD), -EFAULT);
	CHECK_EQUAL(_kern_stat(BAD, &info), -EFAULT);
	CHECK_EQUAL(_kern_stat("none", &info), -ENOENT);
	CHECK_EQUAL(_kern_lstat("none", &info), -ENOENT);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_access_and_modes(void)
{
	struct stat info;
	int fd;

	check_make("file", 1, 1);
	CHECK_EQUAL(_kern_access("file", F_OK), 0);
	CHECK_EQUAL(_kern_access("file", R_OK | W_OK), 0);
	CHECK_EQUAL(_kern_access("file", X_OK), -EACCES);
	CHECK_EQUAL(_kern_access("file", 8), -EINVAL);
	CHECK_EQUAL(_kern_access("none", F_OK), -ENOENT);
	CHECK_EQUAL(_kern_access("file/x", F_OK), -ENOTDIR);
	CHECK_EQUAL(_kern_access(BAD, F_OK), -EFAULT);
	CHECK_EQUAL(_kern_chmod("file", 04751), 0);
	CHECK_EQUAL(_kern_stat("file", &info), 0);
	CHECK_EQUAL(info.mode, S_IFREG | 04751);
	CHECK_EQUAL(_kern_access("file", X_OK), 0);
	fd = check_open("file", O_RDWR);
	CHECK_EQUAL(_kern_write(fd, 0, "x", 1), 1); /* takes the set-id bits */
	CHECK_EQUAL(_kern_fstat(fd, &info), 0);
	CHECK_EQUAL(info.mode, S_IFREG | 0751);
	CHECK_EQUAL(_kern_fchmod(fd, 0600), 0);
	CHECK_EQUAL(_kern_fstat(fd, &info), 0);
	CHECK_EQUAL(info.mode, S_IFREG | 0600);
	CHECK_EQUAL(_kern_fchmod(99, 0600), -EBADF);
	CHECK_EQUAL(_kern_chmod("none", 0600), -ENOENT);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_unlink("file"), 0);
	CHECK_EQUAL(_kern_umask(0077), 0022);
	check_make("file", 1, 1);
	CHECK_EQUAL(_kern_stat("file", &info), 0);
	CHECK_EQUAL(info.mode, S_IFREG | 0600);
	CHECK_EQUAL(_kern_umask(0), 0077);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_times(void)
{
	const struct file_times set = {123456789, FILE_TIME_OMIT};
	struct stat before, info;
	char byte;
	int fd;

	check_make("file", 1, 1);
	CHECK_EQUAL(_kern_stat("file", &before), 0);
	sleep_us(3000);
	fd = check_open("file", O_RDWR);
	CHECK_EQUAL(_kern_read(fd, 0, &byte, 1), 1);
	CHECK_EQUAL(_kern_fstat(fd, &info), 0);
	CHECK(info.accessed > before.accessed && info.modified == before.modified);
	CHECK_EQUAL(_kern_write(fd, 0, "x", 1), 1);
	CHECK_EQUAL(_kern_fstat(fd, &info), 0);
	CHECK(info.modified > before.modified && info.changed == info.modified);
	CHECK_EQUAL(_kern_set_times("file", &set, 0), 0);
	CHECK_EQUAL(_kern_fstat(fd, &before), 0);
	CHECK_EQUAL(before.accessed, 123456789);
	CHECK_EQUAL(before.modified, info.modified);
	CHECK_EQUAL(_kern_set_times("file", NULL, 0), 0);
	CHECK_EQUAL(_kern_set_times("file", NULL, 2), -EINVAL);
	CHECK_EQUAL(_kern_set_times("none", NULL, 0), -ENOENT);
	CHECK_EQUAL(_kern_set_times("file", BAD, 0), -EFAULT);
	CHECK_EQUAL(_kern_fstat(fd, &info), 0);
	CHECK(info.accessed != 123456789 && info.modified > before.modified);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

#define FILES 200

/* Counts the records, whose names "fNNN" are ticked off in `seen`. */
static unsigned tick_off(const uint8_t *bytes, ssize_t size, uint8_t *seen)
{
	unsigned count = 0;

	for (ssize_t at = 0; at < size;) {
		const struct dirent_record *record =
			(const struct dirent_record *)(const void *)(bytes + at);

		CHECK(record->size >= 16 && record->size % 8 == 0 && at + record->size <= size);
		CHECK(strlen(record->name) < record->size - offsetof(struct dirent_record, name));
		if (record->name[0] == 'f') {
			int number = (record->name[1] - '0') * 100 + (record->name[2] - '0') * 10
						 + record->name[3] - '0';

			CHECK(number >= 0 && number < FILES && seen[number] == 0);
			CHECK_EQUAL(record->type, DT_REG);
			seen[number] = 1;
		} else {
			CHECK_EQUAL(record->name[0], '.');
			CHECK_EQUAL(record->type, DT_DIR);
		}
		count++;
		at += record->size;
	}
	return count;
}

static void make_files(void)
{
	char name[8];

	for (int i = 0; i < FILES; i++) {
		format_string(name, sizeof name, "f%03d", i);
		check_make(name, 0, 0);
	}
}

static void remove_files(void)
{
	char name[8];

	for (int i = 0; i < FILES; i++) {
		format_string(name, sizeof name, "f%03d", i);
		_kern_unlink(name);
	}
}

void test_directory_reading(void)
{
	static const size_t kSizes[] = {280, 281, 300, 511, 4096, 65536};
	static uint8_t bytes[65536];
	uint8_t seen[FILES];
	char name[NAME_MAX + 1];
	ssize_t size;
	int fd, file;

	make_files();
	fd = check_open(".", O_RDONLY | O_DIRECTORY);
	for (size_t i = 0; i < sizeof kSizes / sizeof kSizes[0]; i++) {
		unsigned count = 0;

		memset(seen, 0, sizeof seen);
		CHECK_EQUAL(_kern_seek(fd, 0, SEEK_SET), 0);
		while ((size = _kern_read_dir(fd, bytes, kSizes[i])) > 0)
			count += tick_off(bytes, size, seen);
		CHECK_EQUAL(size, 0);
		CHECK_EQUAL(count, FILES + 2);
	}
	for (unsigned i = 0; i < FILES + 2; i++) {
		ssize_t length = _kern_getdirent(fd, i, name, sizeof name);

		CHECK(length > 0);
		CHECK_EQUAL(strlen(name), length);
	}
	CHECK_EQUAL(_kern_getdirent(fd, FILES + 2, name, sizeof name), -ENOENT);
	CHECK_EQUAL(_kern_getdirent(fd, 0xffffffff, name, sizeof name), -ENOENT);
	CHECK_EQUAL(_kern_getdirent(fd, 5, name, 4), -ERANGE);
	CHECK_EQUAL(_kern_getdirent(fd, 5, name, 5), 4);
	CHECK_EQUAL(_kern_getdirent(fd, 5, BAD, 5), -EFAULT);
	CHECK_EQUAL(_kern_getdirent(99, 0, name, 5), -EBADF);
	CHECK_EQUAL(_kern_seek(fd, 0, SEEK_SET), 0);
	CHECK_EQUAL(_kern_read_dir(fd, bytes, 7), -EINVAL);
	CHECK_EQUAL(_kern_read_dir(fd, bytes, 0), -EINVAL);
	CHECK_EQUAL(_kern_read_dir(fd, BAD, 4096), -EFAULT);
	/* None of them has gone on. */
	memset(seen, 0, sizeof seen);
	CHECK_EQUAL(_kern_read_dir(fd, bytes, 16), 16);
	CHECK_EQUAL(bytes[11], '.');
	CHECK_EQUAL(_kern_read_dir(99, bytes, 4096), -EBADF);
	file = check_open("f000", O_RDONLY);
	CHECK_EQUAL(_kern_read_dir(file, bytes, 4096), -ENOTDIR);
	CHECK_EQUAL(_kern_getdirent(file, 0, name, 5), -ENOTDIR);
	remove_files();
}

void test_directory_reading_while_changing(void)
{
	uint8_t bytes[512], seen[FILES];
	char name[8];
	ssize_t size;
	int fd, next = 0;

	make_files();
	fd = check_open(".", O_RDONLY | O_DIRECTORY);
	memset(seen, 0, sizeof seen);
	/* Every even one goes while the reading goes on. */
	while ((size = _kern_read_dir(fd, bytes, sizeof bytes)) > 0) {
		tick_off(bytes, size, seen);
		for (int i = 0; i < 10 && next < FILES; i++, next += 2) {
			format_string(name, sizeof name, "f%03d", next);
			CHECK_EQUAL(_kern_unlink(name), 0);
		}
	}
	CHECK_EQUAL(size, 0);
	for (int i = 1; i < FILES; i += 2)
		CHECK_EQUAL(seen[i], 1);
	remove_files();
}

/* Names come and go before the place that has been reached, and at it. */
void test_directory_listing_while_changing(void)
{
	char name[NAME_MAX + 1], other[NAME_MAX + 1];
	unsigned index, found = 0;
	int fd;

	make_files();
	fd = check_open(".", O_RDONLY | O_DIRECTORY);
	for (index = 0; _kern_getdirent(fd, index, name, sizeof name) > 0; index++) {
		if (name[0] == '.')
			continue;
		found++;
		/* The same one again; then it goes, and the next one has its index. */
		CHECK(_kern_getdirent(fd, index, other, sizeof other) > 0);
		CHECK_EQUAL(strcmp(name, other), 0);
		if (found % 3 == 0) {
			CHECK_EQUAL(_kern_unlink(name), 0);
			CHECK_EQUAL(_kern_close(check_open(name, O_WRONLY | O_CREAT)), 0);
			CHECK_EQUAL(_kern_unlink(name), 0);
			index--;
		}
	}
	CHECK_EQUAL(found, FILES);
	CHECK_EQUAL(index, 2 + FILES - FILES / 3);
	/* From the start it is what is there now. */
	for (index = 0; _kern_getdirent(fd, index, name, sizeof name) > 0; index++)
		CHECK_EQUAL(_kern_getdirent(fd, 0, other, sizeof other), 1);
	CHECK_EQUAL(index, 2 + FILES - FILES / 3);
	remove_files();
}

#define MANY 4000

static time_us_t time_to_list(unsigned count)
{
	int fd = check_open(".", O_RDONLY | O_DIRECTORY);
	time_us_t start = _kern_system_time();
	char name[NAME_MAX + 1];

	for (unsigned i = 0; i < count; i++)
		CHECK(_kern_getdirent(fd, i, name, sizeof name) > 0);
	CHECK_EQUAL(_kern_close(fd), 0);
	return _kern_system_time() - start;
}

/* Four times the names take four times as long to list, not sixteen times. */
void test_directory_listing_is_linear(void)
{
	bool linear = false;
	char name[16];

	for (unsigned i = 0; i < MANY; i++) {
		format_string(name, sizeof name, "n%u", i);
		CHECK_EQUAL(_kern_close(check_open(name, O_WRONLY | O_CREAT)), 0);
	}
	/* Whatever else the machine does may come between once, but not always. */
	for (unsigned round = 0; round < 10 && !linear; round++)
		linear = time_to_list(MANY) < 8 * time_to_list(MANY / 4);
	CHECK(linear);
	for (unsigned i = 0; i < MANY; i++) {
		format_string(name, sizeof name, "n%u", i);
		CHECK_EQUAL(_kern_unlink(name), 0);
	}
}

void test_working_directory(void)
{
	char path[PATH_MAX];
	int fd;

	CHECK_EQUAL(_kern_getcwd(path, sizeof path), 9);
	CHECK_EQUAL(strcmp(path, "/tmp/test"), 0);
	CHECK_EQUAL(_kern_getcwd(path, 10), 9);
	CHECK_EQUAL(_kern_getcwd(path, 9), -ERANGE);
	CHECK_EQUAL(_kern_getcwd(path, 0), -EINVAL);
	CHECK_EQUAL(_kern_getcwd(BAD, 100), -EFAULT);
	CHECK_EQUAL(_kern_chdir("/"), 0);
	CHECK_EQUAL(_kern_getcwd(path, sizeof path), 1);
	CHECK_EQUAL(_kern_chdir("tmp/test"), 0);
	CHECK_EQUAL(_kern_mkdir("d", 0777), 0);
	fd = check_open("d", O_RDONLY);
	CHECK_EQUAL(_kern_fchdir(fd), 0);
	CHECK_EQUAL(_kern_getcwd(path, sizeof path), 11);
	CHECK_EQUAL(strcmp(path, "/tmp/test/d"), 0);
	/* A child has its own. */
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_EQUAL(_kern_chdir("/dev"), 0);
		end(0);
	}
	check_exit(pid, 0);
	CHECK_EQUAL(_kern_getcwd(path, sizeof path), 11);
	CHECK_EQUAL(_kern_rmdir("/tmp/test/d"), 0);
	CHECK_EQUAL(_kern_getcwd(path, sizeof path), -ENOENT);
	CHECK_EQUAL(_kern_chdir("/tmp/test"), 0);
	check_make("file", 1, 1);
	CHECK_EQUAL(_kern_chdir("file"), -ENOTDIR);
	CHECK_EQUAL(_kern_chdir("none"), -ENOENT);
	CHECK_EQUAL(_kern_chdir(""), -ENOENT);
	CHECK_EQUAL(_kern_chdir(BAD), -EFAULT);
	CHECK_EQUAL(_kern_fchdir(1), -ENOTDIR);
	CHECK_EQUAL(_kern_fchdir(99), -EBADF);
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_mounts(void)
{
	struct file_system_status status;
	struct stat info, other;
	char path[64];
	int fd;

	CHECK_EQUAL(_kern_mkdir("m", 0777), 0);
	check_make("m/below", 3, 3);
	CHECK_EQUAL(_kern_mount(NULL, "m", "nonesuch", 0, NULL), -ENODEV);
	CHECK_EQUAL(_kern_mount(NULL, "none", "ramfs", 0, NULL), -ENOENT);
	CHECK_EQUAL(_kern_mount(NULL, "m/below", "ramfs", 0, NULL), -ENOTDIR);
	CHECK_EQUAL(_kern_mount(NULL, "m", "ramfs", 0x100, NULL), -EINVAL);
	CHECK_EQUAL(_kern_mount("none", "m", "ramfs", 0, NULL), -ENOENT);
	CHECK_EQUAL(_kern_mount(NULL, BAD, "ramfs", 0, NULL), -EFAULT);
	CHECK_EQUAL(_kern_mount(NULL, "m", "ramfs", 0, ""), 0);
	CHECK_EQUAL(_kern_stat("m/below", &info), -ENOENT);
	check_make("m/file", 100, 1);
	CHECK_EQUAL(_kern_mkdir("m/d", 0777), 0);
	CHECK_EQUAL(_kern_mkdir("m/d/e", 0777), 0);
	check_make("m/d/e/file", 10000, 1);
	CHECK_EQUAL(_kern_link("m/file", "m/d/link"), 0);
	CHECK_EQUAL(_kern_symlink("file", "m/symbolic"), 0);
	CHECK_EQUAL(_kern_stat("m/..", &info), 0);
	CHECK_EQUAL(_kern_stat(".", &other), 0);
	CHECK_EQUAL(info.number, other.number);
	CHECK_EQUAL(info.device, other.device);
	CHECK_EQUAL(_kern_stat("m", &other), 0);
	CHECK(info.device != other.device);
	CHECK_EQUAL(_kern_file_system_status("m/file", &status), 0);
	CHECK_EQUAL(strcmp(status.type, "ramfs"), 0);
	CHECK(status.free_blocks > 0 && status.free_blocks <= status.blocks);
	CHECK_EQUAL(_kern_file_system_status("none", &status), -ENOENT);
	CHECK_EQUAL(_kern_file_system_status("m", BAD), -EFAULT);
	CHECK_EQUAL(_kern_rename("m/file", "file"), -EXDEV);
	CHECK_EQUAL(_kern_link("m/file", "file"), -EXDEV);
	CHECK_EQUAL(_kern_rename("m", "n"), -EBUSY);
	CHECK_EQUAL(_kern_rmdir("m"), -EBUSY);
	CHECK_EQUAL(_kern_chdir("m/d/e"), 0);
	CHECK_EQUAL(_kern_getcwd(path, sizeof path), 15);
	CHECK_EQUAL(strcmp(path, "/tmp/test/m/d/e"), 0);
	CHECK_EQUAL(_kern_unmount("/tmp/test/m"), -EBUSY);
	CHECK_EQUAL(_kern_chdir("/tmp/test"), 0);
	fd = check_open("m/file", O_RDONLY);
	CHECK_EQUAL(_kern_unmount("m"), -EBUSY);
	CHECK_EQUAL(_kern_unlink("m/file"), 0);
	CHECK_EQUAL(_kern_unlink("m/d/link"), 0);
	CHECK_EQUAL(_kern_unmount("m"), -EBUSY); /* open, though without a name */
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_unmount("m/d"), -EINVAL);
	CHECK_EQUAL(_kern_unmount("none"), -ENOENT);
	CHECK_EQUAL(_kern_unmount("/"), -EBUSY);
	CHECK_EQUAL(_kern_unmount("m"), 0);
	CHECK_EQUAL(_kern_unmount("m"), -EINVAL);
	check_content("m/below", 3, 3);
	/* Read-only. */
	CHECK_EQUAL(_kern_mount(NULL, "m", "ramfs", MOUNT_READ_ONLY, NULL), 0);
	CHECK_EQUAL(_kern_open("m/x", O_RDWR | O_CREAT, 0666), -EROFS);
	CHECK_EQUAL(_kern_mkdir("m/x", 0777), -EROFS);
	CHECK_EQUAL(_kern_symlink("x", "m/x"), -EROFS);
	CHECK_EQUAL(_kern_chmod("m", 0777), -EROFS);
	CHECK_EQUAL(_kern_access("m", W_OK), -EROFS);
	CHECK_EQUAL(_kern_access("m", R_OK), 0);
	CHECK_EQUAL(_kern_unmount("m"), 0);
	CHECK_EQUAL(_kern_unlink("m/below"), 0);
	CHECK_EQUAL(_kern_rmdir("m"), 0);
}

/* What is mounted can be reached, and unmounted again. */
void test_mount_where_removed(void)
{
	pid_t pid;

	CHECK_EQUAL(_kern_mkdir("m", 0777), 0);
	pid = check_fork();
	if (pid == 0) {
		for (;;) {
			int error = _kern_rmdir("m");

			CHECK(error == 0 || error == -EBUSY);
			if (error == 0)
				CHECK_EQUAL(_kern_mkdir("m", 0777), 0);
		}
	}
	for (unsigned i = 0; i < 3000; i++) {
		int error = _kern_mount(NULL, "m", "ramfs", 0, NULL);

		if (error == -ENOENT)
			continue;
		CHECK_EQUAL(error, 0);
		do /* the other one may be in it, on its way */
			error = _kern_unmount("m");
		while (error == -EBUSY);
		CHECK_EQUAL(error, 0);
	}
	CHECK_EQUAL(_kern_kill(pid, SIGKILL), 0);
	check_killed(pid, SIGKILL);
	_kern_rmdir("m");
}

/* Goes about in a file system that the others try to unmount, and changes it. */
static void use_mount(unsigned who, volatile int *turns)
{
	char path[32];

	CHECK_EQUAL(_kern_chdir("m/z"), 0);
	for (unsigned i = 0;; i++) {
		format_string(path, sizeof path, "../a/%u-%u", who, i % 50);
		CHECK_EQUAL(_kern_mkdir(path, 0777), 0);
		CHECK_EQUAL(_kern_rmdir(path), 0);
		/* Nobody may be in the one for a moment, and then in the other. */
		CHECK_EQUAL(_kern_chdir("../a"), 0);
		CHECK_EQUAL(_kern_chdir("../z"), 0);
		++*turns;
	}
}

/* A file system that is in use stays, and so does its mount point. */
void test_unmount_while_used(void)
{
	int *turns = check_map(PAGE, SHARED);
	time_us_t end_of_it;
	char path[32];
	pid_t pids[3];

	CHECK_EQUAL(_kern_mkdir("m", 0777), 0);
	CHECK_EQUAL(_kern_mount(NULL, "m", "ramfs", 0, NULL), 0);
	CHECK_EQUAL(_kern_mkdir("m/a", 0777), 0);
	CHECK_EQUAL(_kern_mkdir("m/z", 0777), 0);
	/* So that it takes a while to look at all. */
	for (unsigned i = 0; i < 1000; i++) {
		format_string(path, sizeof path, "m/a/%u", i);
		CHECK_EQUAL(_kern_mkdir(path, 0777), 0);
	}
	for (unsigned i = 0; i < 3; i++) {
		pids[i] = check_fork();
		if (pids[i] != 0)
			continue;
		if (i < 2)
			use_mount(i, &turns[i]);
		for (;;)
			CHECK_EQUAL(_kern_rmdir("m"), -EBUSY);
	}
	CHECK_SOON(*(volatile int *)&turns[0] > 0 && *(volatile int *)&turns[1] > 0);
	end_of_it = _kern_system_time() + 2 * SECOND;
	while (_kern_system_time() < end_of_it)
		CHECK_EQUAL(_kern_unmount("m"), -EBUSY);
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQUAL(_kern_kill(pids[i], SIGKILL), 0);
		check_killed(pids[i], SIGKILL);
	}
	CHECK_SOON(_kern_unmount("m") == 0);
	CHECK_EQUAL(_kern_rmdir("m"), 0);
}

static bool contains(const char *text, const char *part)
{
	for (; *text != '\0'; text++) {
		if (memcmp(text, part, strlen(part)) == 0)
			return true;
	}
	return false;
}

void test_proc_texts(void)
{
	static const char *const kFiles[][2] = {{"mounts", "proc /proc proc ro\n"},
		{"processes", "filetests"}, {"memory", "free "}, {"version", "Postern "},
		{"processors", "0\n"}};
	static char text[8192], again[8192];
	char path[32];
	struct stat info;

	CHECK_EQUAL(_kern_mkdir("/proc/x", 0777), -EROFS);
	CHECK_EQUAL(_kern_unlink("/proc/mounts"), -EROFS);
	CHECK_EQUAL(_kern_open("/proc/mounts", O_RDWR, 0), -EROFS);
	CHECK_EQUAL(_kern_open("/proc/none", O_RDONLY, 0), -ENOENT);
	CHECK_EQUAL(_kern_stat("/proc/..", &info), 0);
	CHECK_EQUAL(_kern_unmount("/proc/version"), -EINVAL);
	for (size_t i = 0; i < sizeof kFiles / sizeof kFiles[0]; i++) {
		ssize_t size, done = 0, count;
		int fd;

		format_string(path, sizeof path, "/proc/%s", kFiles[i][0]);
		fd = check_open(path, O_RDONLY);
		size = _kern_read(fd, 0, text, sizeof text - 1);
		CHECK(size > 0);
		text[size] = '\0';
		CHECK(contains(text, kFiles[i][1]));
		/* In small pieces it is the same. */
		while ((count = _kern_read(fd, -1, again + done, 7)) > 0)
			done += count;
		if (i != 2)
			CHECK(done == size && memcmp(text, again, (size_t)size) == 0);
		CHECK_EQUAL(_kern_unmount("/proc"), -EBUSY);
		CHECK_EQUAL(_kern_close(fd), 0);
	}
	/* Elsewhere as well, and gone again. (/proc itself would come back in other pages of
	 * the kernel's heap, perhaps one more.) */
	CHECK_EQUAL(_kern_mkdir("p", 0777), 0);
	CHECK_EQUAL(_kern_mount(NULL, "p", "proc", 0, NULL), 0);
	CHECK_EQUAL(_kern_stat("p/version", &info), 0);
	CHECK_EQUAL(_kern_unmount("p"), 0);
	CHECK_EQUAL(_kern_stat("p/version", &info), -ENOENT);
	CHECK_EQUAL(_kern_rmdir("p"), 0);
}

/* As mkstemp() does it: of those who want a name one gets it. */
void test_creating_from_many_processes(void)
{
	uint32_t *made = check_map(PAGE, true);
	pid_t pids[8];
	char name[16];

	for (unsigned i = 0; i < 8; i++) {
		pids[i] = check_fork();
		if (pids[i] != 0)
			continue;
		for (unsigned j = 0; j < 100; j++) {
			int fd;

			format_string(name, sizeof name, "t%u", j);
			fd = _kern_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
			CHECK(fd >= 0 || fd == -EEXIST);
			if (fd >= 0) {
				__atomic_add_fetch(&made[j], 1, __ATOMIC_SEQ_CST);
				CHECK_EQUAL(_kern_write(fd, -1, &i, sizeof i), sizeof i);
				CHECK_EQUAL(_kern_close(fd), 0);
			}
			_kern_yield();
		}
		end(0);
	}
	for (unsigned i = 0; i < 8; i++)
		check_exit(pids[i], 0);
	for (unsigned j = 0; j < 100; j++) {
		CHECK_EQUAL(made[j], 1);
		format_string(name, sizeof name, "t%u", j);
		CHECK_EQUAL(_kern_unlink(name), 0);
	}
}

static int run_program(const char *path)
{
	const char *const arguments[] = {path, NULL};
	pid_t pid = check_fork();
	int status;

	if (pid == 0) {
		CHECK_EQUAL(_kern_dup2(check_open("/dev/null", O_WRONLY), 1), 1);
		end(-_kern_exec(path, arguments, NULL));
	}
	CHECK_EQUAL(_kern_wait(pid, &status, 0), pid);
	CHECK(WAIT_EXITED(status));
	return WAIT_EXIT_STATUS(status);
}

/* Copies of a program, wherever they are, run; what is none does not. */
void test_exec_files(void)
{
	static char bytes[8192];
	int from = check_open("/bin/is_computer_on", O_RDONLY);
	int to = check_open("copy", O_WRONLY | O_CREAT);
	ssize_t count;

	while ((count = _kern_read(from, -1, bytes, sizeof bytes)) > 0)
		CHECK_EQUAL(_kern_write(to, -1, bytes, (size_t)count), count);
	/* Of any size. */
	CHECK_EQUAL(_kern_ftruncate(to, 20 << 20), 0);
	CHECK_EQUAL(_kern_close(to), 0);
	CHECK_EQUAL(_kern_close(from), 0);
	CHECK_EQUAL(run_program("copy"), EACCES);
	CHECK_EQUAL(_kern_chmod("copy", 0755), 0);
	CHECK_EQUAL(_kern_symlink("copy", "link"), 0);
	CHECK_EQUAL(run_program("copy"), 0);
	CHECK_EQUAL(run_program("./link"), 0);
	CHECK_EQUAL(run_program("none"), ENOENT);
	CHECK_EQUAL(run_program("."), EISDIR);
	CHECK_EQUAL(run_program("copy/x"), ENOTDIR);
	CHECK_EQUAL(run_program("/dev/null"), EACCES);
	CHECK_EQUAL(_kern_truncate("copy", 100), 0);
	CHECK_EQUAL(run_program("copy"), ENOEXEC);
	CHECK_EQUAL(_kern_truncate("copy", 0), 0);
	CHECK_EQUAL(run_program("copy"), ENOEXEC);
	CHECK_EQUAL(_kern_unlink("copy"), 0);
	CHECK_EQUAL(_kern_unlink("link"), 0);
}

/* Whoever is always at the files leaves the others their turns. */
void test_busy_writer(void)
{
	int fd = check_open("busy", O_WRONLY | O_CREAT);
	pid_t busy = check_fork();

	if (busy == 0) {
		for (;;) {
			CHECK_EQUAL(_kern_write(fd, 0, "x", 1), 1);
			CHECK_EQUAL(_kern_fsync(fd), 0);
		}
	}
	for (int i = 0; i < 300; i++) {
		check_make("a", 10, 1);
		CHECK_EQUAL(_kern_rename("a", "b"), 0);
		CHECK_EQUAL(_kern_unlink("b"), 0);
	}
	CHECK_EQUAL(_kern_kill(busy, SIGKILL), 0);
	check_killed(busy, SIGKILL);
	CHECK_EQUAL(_kern_close(fd), 0);
	CHECK_EQUAL(_kern_unlink("busy"), 0);
}
