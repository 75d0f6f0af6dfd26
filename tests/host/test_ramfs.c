// build: FILES_SOURCES
/*
 * The root filled from archives: which of two that have the same name counts, what
 * stands in the way of what, and where a corrupt archive ends.
 */
#include "archive_maker.h"
#include "check.h"
#include "files_around.h"

static long sAtFirst;

/* Fills the empty root; this many warnings come of it. */
static void fill(const struct archive *archives, size_t count, long warnings)
{
	sLogged = 0;
	ramfs_fill(archives, count);
	CHECK_NUMBER(sLogged, warnings);
}

static void empty(void)
{
	remove_all(vfs_root());
	CHECK_NUMBER(sAllocations, sAtFirst);
	CHECK_NUMBER(page_free_count(), HOST_PAGES - 1);
}

/* What is at the end of the path, without following a link there; 0: nothing. */
static mode_t type_of(const char *path)
{
	struct vnode *vnode;
	mode_t type;

	if (vfs_find(path, false, &vnode) != 0)
		return 0;
	type = vnode->mode & S_IFMT;
	vnode_put(vnode);
	return type;
}

static void check_file(const char *path, const char *text)
{
	struct vnode *vnode;
	int failures = sFailures;
	int error = vfs_find(path, true, &vnode);

	CHECK_NUMBER(error, 0);
	if (error == 0) {
		CHECK_NUMBER(file_read(vnode, 0, 100), strlen(text));
		CHECK(memcmp(sMoved, text, strlen(text)) == 0);
		vnode_put(vnode);
	}
	if (sFailures != failures)
		printf("    for %s\n", path);
}

static void test_kinds(void)
{
	struct archive archive;
	struct vnode *vnode;

	start();
	add_entry("", "etc", '5', "", 0750);
	add_entry("", "etc/deep/er/file", '0', "deep", 04711);
	add_file("/absolute", "1");
	add_file("./empty", "");
	add_entry("", "device", '3', "", 0666);
	add_entry("", "hard", '1', "", 0666);
	add_link("link", "etc/deep");
	add_file("link/through", "2");
	end();
	archive = take();
	fill(&archive, 1, 0);

	CHECK_NUMBER(type_of("/etc/deep/er"), S_IFDIR); /* only part of a name */
	check_file("/etc/deep/er/file", "deep");
	check_file("/absolute", "1");
	check_file("/empty", "");
	CHECK_NUMBER(type_of("/device"), 0);
	CHECK_NUMBER(type_of("/hard"), 0);
	CHECK_NUMBER(type_of("/link"), S_IFLNK);
	check_file("/etc/deep/through", "2");
	CHECK_NUMBER(vfs_find("/etc/deep/er/file", true, &vnode), 0);
	CHECK_NUMBER(vnode->mode, S_IFREG | 04711);
	vnode_put(vnode);
	CHECK_NUMBER(vfs_find("/etc", true, &vnode), 0);
	CHECK_NUMBER(vnode->mode, S_IFDIR | 0750);
	vnode_put(vnode);
	empty();
	release(archive);
}

static void test_last_wins(void)
{
	struct archive archives[2];

	start();
	add_file("twice", "first");
	add_file("./twice", "second");
	add_file("both", "lower");
	add_file("linked", "file");
	add_link("unlinked", "twice");
	add_entry("", "was", '5', "", 0755);
	add_file("was", "now a file");
	add_file("turned", "a file still");
	end();
	archives[0] = take();
	start();
	add_file("both", "upper");
	add_link("linked", "both");
	add_file("unlinked", "file");
	add_entry("", "turned", '5', "", 0755);
	add_file("turned/in", "nowhere");
	/* Without the blocks of zeroes at the end: whole all the same. */
	archives[1] = take();

	fill(archives, 1, 1); /* no file in the place of a directory */
	check_file("/both", "lower");
	empty();
	fill(archives, 2, 2); /* nor anything in a file */
	check_file("/twice", "second");
	check_file("/both", "upper");
	CHECK_NUMBER(type_of("/linked"), S_IFLNK);
	check_file("/linked", "upper");
	check_file("/unlinked", "file");
	check_file("/twice", "second"); /* it was not the link's target that went */
	CHECK_NUMBER(type_of("/was"), S_IFDIR);
	check_file("/turned", "a file still");
	empty();
	release(archives[0]);
	release(archives[1]);
}

/* What comes before the damage is there, and the other archives are. */
static void test_corrupt(void)
{
	struct archive archives[3];
	uint8_t *header;

	start();
	add_file("a", "1");
	end();
	archives[0] = take();
	start();
	add_file("before", "2");
	header = add_file("damaged", "3");
	header[0] = 'x'; /* the checksum does not say so */
	add_file("behind", "4");
	archives[1] = take();
	start();
	add_file("b", "5");
	end();
	archives[2] = take();
	fill(archives, 3, 1);
	check_file("/a", "1");
	check_file("/before", "2");
	check_file("/b", "5");
	CHECK_NUMBER(type_of("/xamaged"), 0);
	CHECK_NUMBER(type_of("/behind"), 0);
	empty();
	release(archives[0]);
	release(archives[1]);
	release(archives[2]);
}

static void test_bad_names(void)
{
	struct archive archive;

	start();
	add_link("loop", "loop");
	add_file("loop/in", "nowhere");
	add_link("broken", "none");
	add_file("broken/in", "nowhere");
	add_link("none_at_all", "");
	add_file(".", "the root");
	add_file("x/..", "the root again");
	add_entry("", ".", '5', "", 0755);
	add_file("x/../good", "1");
	end();
	archive = take();
	fill(&archive, 1, 5);
	check_file("/good", "1");
	CHECK_NUMBER(type_of("/broken"), S_IFLNK);
	empty();
	release(archive);
}

/* Each allocation fails once: a warning, and nothing is lost. */
static void test_no_memory(void)
{
	struct archive archive;
	long most;

	start();
	add_file("a/b/file", "1");
	add_link("a/link", "b");
	add_file("a/link/other", "2");
	end();
	archive = take();
	for (most = 0;; most++) {
		sLogged = 0;
		sAllocationsLeft = most;
		ramfs_fill(&archive, 1);
		sAllocationsLeft = -1;
		if (sLogged == 0)
			break;
		empty();
	}
	CHECK(most >= 10);
	check_file("/a/b/file", "1");
	check_file("/a/b/other", "2");
	empty();
	release(archive);
}

int main(void)
{
	files_start();
	sAtFirst = sAllocations;
	test_kinds();
	test_last_wins();
	test_corrupt();
	test_bad_names();
	test_no_memory();
	return check_result();
}
