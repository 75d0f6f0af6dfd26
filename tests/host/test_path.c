// build: kernel/path.c
/*
 * kernel/path.c over a small tree: every form of a path, and that each
 * reference that the walk takes is given back.
 */
#include <stdlib.h>

#include <postern/errno.h>
#include <postern/limits.h>

#include "fake_tree.h"
#include "check.h"

#undef CHECK_PATH
#define CHECK_PATH(path, flags, expected) check_path(__LINE__, path, flags, expected)

/* `expected`: the vnode's name, "-" for none, or NULL and *_error. */
static int check_path(int line, const char *text, unsigned flags, const char *expected)
{
	struct path path;
	int failures = sFailures;
	int error = path_walk(&gTree[0], &gTree[FAKE_START], text, flags, &path);

	if (error != 0) {
		CHECK(expected == NULL);
	} else {
		CHECK_STRING(path.vnode != NULL ? path.vnode->name : "-", expected);
		CHECK((path.parent != NULL) == (path.last == PATH_IS_NAME));
		path_end(&path);
	}
	CHECK_NUMBER(fake_references(), 0);
	CHECK_NUMBER(sAllocations, 0);
	if (sFailures != failures)
		printf("    line %d: %s\n", line, text);
	return error;
}

static void test_forms(void)
{
	CHECK_PATH("/", 0, "/");
	CHECK_PATH("///", 0, "/");
	CHECK_PATH(".", 0, "home");
	CHECK_PATH("..", 0, "/");
	CHECK_PATH("../..", 0, "/");
	CHECK_PATH("/..", 0, "/");
	CHECK_PATH("/../home/.", 0, "home");
	CHECK_PATH("file", 0, "file");
	CHECK_PATH("./file", 0, "file");
	CHECK_PATH("/home//file", 0, "file");
	CHECK_PATH("deep/er/../er/./", 0, "er");
	CHECK_PATH("deep/er/../../file", 0, "file");
	CHECK_NUMBER(CHECK_PATH("", 0, NULL), -ENOENT);
	CHECK_NUMBER(CHECK_PATH("none", 0, NULL), -ENOENT);
	CHECK_NUMBER(CHECK_PATH("none/x", 0, NULL), -ENOENT);
	CHECK_NUMBER(CHECK_PATH("none/x", PATH_MAKE, NULL), -ENOENT);
	CHECK_NUMBER(CHECK_PATH("file/", 0, NULL), -ENOTDIR);
	CHECK_NUMBER(CHECK_PATH("file/.", 0, NULL), -ENOTDIR);
	CHECK_NUMBER(CHECK_PATH("file/..", 0, NULL), -ENOTDIR);
	CHECK_NUMBER(CHECK_PATH("file/x", PATH_MAKE, NULL), -ENOTDIR);
	CHECK_PATH("none", PATH_MAKE, "-");
	CHECK_PATH("none/", PATH_MAKE, "-");
}

static void test_results(void)
{
	struct path path;

	CHECK_NUMBER(
		path_walk(&gTree[0], &gTree[FAKE_START], "deep//new///", PATH_MAKE, &path), 0);
	CHECK_STRING(path.parent->name, "deep");
	CHECK_NUMBER(path.length, 3);
	CHECK(strncmp(path.name, "new", 3) == 0);
	CHECK(path.slash && path.last == PATH_IS_NAME && path.vnode == NULL);
	path_end(&path);
	CHECK_NUMBER(path_walk(&gTree[0], &gTree[FAKE_START], "deep/.", 0, &path), 0);
	CHECK_NUMBER(path.last, PATH_IS_DOT);
	path_end(&path);
	CHECK_NUMBER(path_walk(&gTree[0], &gTree[FAKE_START], "deep/..", 0, &path), 0);
	CHECK_NUMBER(path.last, PATH_IS_DOT_DOT);
	path_end(&path);
	CHECK_NUMBER(path_walk(&gTree[0], &gTree[FAKE_START], "//", 0, &path), 0);
	CHECK_NUMBER(path.last, PATH_IS_ROOT);
	path_end(&path);
	CHECK_NUMBER(path_walk(&gTree[0], &gTree[FAKE_START], "to_none",
					 PATH_MAKE | PATH_FOLLOW, &path),
		0);
	CHECK_STRING(path.parent->name, "home");
	CHECK(path.length == 4 && strncmp(path.name, "none", 4) == 0);
	path_end(&path);
	CHECK_NUMBER(fake_references(), 0);
}

static void test_links(void)
{
	CHECK_PATH("to_file", 0, "to_file");
	CHECK_PATH("to_file", PATH_FOLLOW, "file");
	CHECK_PATH("to_deep", 0, "to_deep");
	CHECK_PATH("to_deep/", 0, "deep");
	CHECK_NUMBER(CHECK_PATH("to_deep/", PATH_NAME, NULL), -ENOTDIR);
	CHECK_PATH("to_deep/er", 0, "er");
	CHECK_PATH("to_deep/..", 0, "home");
	CHECK_PATH("to_root", PATH_FOLLOW, "/");
	CHECK_PATH("to_root/home/to_root/home/file", 0, "file");
	CHECK_NUMBER(CHECK_PATH("to_none", PATH_FOLLOW, NULL), -ENOENT);
	CHECK_PATH("to_none", PATH_MAKE, "to_none");
	CHECK_NUMBER(CHECK_PATH("loop", PATH_FOLLOW, NULL), -ELOOP);
	CHECK_NUMBER(CHECK_PATH("loop/x", 0, NULL), -ELOOP);
	CHECK_NUMBER(CHECK_PATH("loop", PATH_FOLLOW | PATH_MAKE, NULL), -ELOOP);
	CHECK_PATH("loop", 0, "loop");
	CHECK_NUMBER(CHECK_PATH("to_empty", PATH_FOLLOW, NULL), -ENOENT);
	CHECK_NUMBER(CHECK_PATH("broken", PATH_FOLLOW, NULL), -EIO);
}

static void test_lengths(void)
{
	char path[PATH_MAX + 8];
	size_t length;

	for (length = NAME_MAX - 1; length <= NAME_MAX + 1; length++) {
		memset(path, 'n', length);
		path[length] = '\0';
		CHECK_NUMBER(
			CHECK_PATH(path, 0, NULL), length <= NAME_MAX ? -ENOENT : -ENAMETOOLONG);
		CHECK_NUMBER(CHECK_PATH(path, PATH_MAKE, length <= NAME_MAX ? "-" : NULL),
			length <= NAME_MAX ? 0 : -ENAMETOOLONG);
	}
	for (length = PATH_MAX - 2; length <= PATH_MAX + 1; length++) {
		memset(path, '/', length);
		path[length] = '\0';
		CHECK_NUMBER(CHECK_PATH(path, 0, length < PATH_MAX ? "/" : NULL),
			length < PATH_MAX ? 0 : -ENAMETOOLONG);
	}
	/* What a symbolic link makes of it is too long: its target has 8 bytes. */
	for (length = PATH_MAX - 12; length < PATH_MAX; length++) {
		memset(path, '/', length);
		memcpy(path, "to_deep", 7);
		path[length] = '\0';
		CHECK_NUMBER(CHECK_PATH(path, 0, length + 1 < PATH_MAX ? "deep" : NULL),
			length + 1 < PATH_MAX ? 0 : -ENAMETOOLONG);
	}
	for (unsigned links = 39; links <= 41; links++) {
		path[0] = '\0';
		for (unsigned i = 0; i < links; i++)
			strcat(path, "to_root/home/");
		CHECK_NUMBER(
			CHECK_PATH(path, 0, links <= 40 ? "home" : NULL), links <= 40 ? 0 : -ELOOP);
	}
}

static void test_no_memory(void)
{
	sAllocationsLeft = 0;
	CHECK_NUMBER(CHECK_PATH("to_file", PATH_FOLLOW, NULL), -ENOMEM);
	sAllocationsLeft = -1;
}

int main(void)
{
	test_forms();
	test_results();
	test_links();
	test_lengths();
	test_no_memory();
	return check_result();
}
