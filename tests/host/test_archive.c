// build: kernel/archive.c
/*
 * kernel/archive.c: archives made here, entry by entry, each kind of damage,
 * and one that the host's tar made.
 */
#include <postern/errno.h>

#include "archive_maker.h"
#include "check.h"

static void check_text(const struct archive_file *file, const char *text)
{
	CHECK_NUMBER(file->size, strlen(text));
	CHECK(file->size == strlen(text) && memcmp(file->data, text, file->size) == 0);
}

/* The last file of the name. 0, -ENOENT, or -EINVAL where the archive is corrupt. */
static int find(
	const struct archive *archive, const char *name, struct archive_file *_file)
{
	char target[ARCHIVE_TARGET_MAX];
	struct archive_file file;
	enum archive_kind kind;
	size_t offset = 0;
	int result, found = -ENOENT;

	while ((result = archive_next(archive, &offset, &kind, &file, target)) == 1) {
		if (kind != ARCHIVE_FILE || strcmp(file.name, name) != 0)
			continue;
		*_file = file;
		found = 0;
	}
	return result < 0 ? result : found;
}

static void check_find(const struct archive *archive, const char *name, const char *text)
{
	struct archive_file file;
	int failures = sFailures;
	int result = find(archive, name, &file);

	CHECK_NUMBER(result, 0);
	if (result == 0)
		check_text(&file, text);
	if (sFailures != failures)
		printf("    for %s\n", name);
}

static void test_names(void)
{
	char long_name[101], long_prefix[156], long_path[300];

	memset(long_name, 'n', 100);
	long_name[100] = '\0';
	memset(long_prefix, 'p', 155);
	long_prefix[155] = '\0';
	snprintf(long_path, sizeof(long_path), "%s/%s", long_prefix, long_name);

	start();
	add_file("plain", "1");
	add_file("/absolute", "2");
	add_file("./dotted", "3");
	add_file(".//./a/.//b/./c", "4");
	add_entry("", "bin/", '5', "", 0755);
	add_file("bin/hello", "hello, world");
	add_entry("usr/share", "text", '0', "5", 0600);
	add_entry(long_prefix, long_name, '0', "long", 0600);
	add_file("empty", "");
	add_file("..hidden/..", "6");
	add_entry("", "old", '\0', "7", 04755);
	add_entry("", "contiguous", '7', "8", 0);
	end();

	struct archive archive = take();
	struct archive_file file;
	check_find(&archive, "plain", "1");
	check_find(&archive, "absolute", "2");
	check_find(&archive, "dotted", "3");
	check_find(&archive, "a/b/c", "4");
	check_find(&archive, "bin/hello", "hello, world");
	check_find(&archive, "usr/share/text", "5");
	check_find(&archive, long_path, "long");
	check_find(&archive, "empty", "");
	check_find(&archive, "..hidden/..", "6");
	check_find(&archive, "old", "7");
	check_find(&archive, "contiguous", "8");

	CHECK_NUMBER(find(&archive, "old", &file), 0);
	CHECK_NUMBER(file.mode, 04755);
	CHECK_STRING(file.name, "old");
	CHECK_NUMBER(find(&archive, "a/b/c", &file), 0);
	CHECK_STRING(file.name, "a/b/c");
	release(archive);
}

static void test_iteration(void)
{
	static const char *const kTypes = "1346gxLK";
	char target[ARCHIVE_TARGET_MAX];
	struct archive_file file;
	enum archive_kind kind;
	size_t offset = 0;

	start();
	add_file("one", "1");
	for (int i = 0; kTypes[i] != '\0'; i++) {
		/* Data behind all but links, devices and FIFOs. */
		add_entry("", "other", kTypes[i], strchr("gxLK", kTypes[i]) ? "data" : "", 0);
	}
	add_file("two", "22");
	end();
	add_file("behind the end", "3");

	struct archive archive = take();
	CHECK_NUMBER(archive_next(&archive, &offset, &kind, &file, target), 1);
	CHECK_STRING(file.name, "one");
	check_text(&file, "1");
	CHECK_NUMBER(archive_next(&archive, &offset, &kind, &file, target), 1);
	CHECK_STRING(file.name, "two");
	check_text(&file, "22");
	CHECK_NUMBER(archive_next(&archive, &offset, &kind, &file, target), 0);
	CHECK_NUMBER(archive_next(&archive, &offset, &kind, &file, target), 0);
	CHECK_STRING(file.name, "two");

	offset = archive.size + 1;
	CHECK_NUMBER(archive_next(&archive, &offset, &kind, &file, target), -EINVAL);
	offset = SIZE_MAX;
	CHECK_NUMBER(archive_next(&archive, &offset, &kind, &file, target), -EINVAL);
	release(archive);

	archive = (struct archive){NULL, 0};
	offset = 0;
	CHECK_NUMBER(archive_next(&archive, &offset, &kind, &file, target), 0);
}

/* What the root file system is made of: directories and symbolic links, too. */
static void test_any(void)
{
	char target[ARCHIVE_TARGET_MAX], longest[101];
	struct archive_file file;
	enum archive_kind kind;
	size_t offset = 0;

	memset(longest, 't', 100);
	longest[100] = '\0';
	start();
	add_entry("", "./etc/", '5', "", 0750);
	add_file("etc/file", "text");
	add_link("bin/sh", "dash");
	add_link("long", longest); /* it has no NUL */
	add_entry("", "device", '3', "", 0600);
	end();

	struct archive archive = take();
	CHECK_NUMBER(archive_next(&archive, &offset, &kind, &file, target), 1);
	CHECK_NUMBER(kind, ARCHIVE_DIRECTORY);
	CHECK_STRING(file.name, "etc");
	CHECK_NUMBER(file.mode, 0750);
	CHECK_STRING(target, "");
	CHECK_NUMBER(archive_next(&archive, &offset, &kind, &file, target), 1);
	CHECK_NUMBER(kind, ARCHIVE_FILE);
	check_text(&file, "text");
	CHECK_NUMBER(archive_next(&archive, &offset, &kind, &file, target), 1);
	CHECK_NUMBER(kind, ARCHIVE_LINK);
	CHECK_STRING(file.name, "bin/sh");
	CHECK_STRING(target, "dash");
	CHECK_NUMBER(archive_next(&archive, &offset, &kind, &file, target), 1);
	CHECK_STRING(target, longest);
	CHECK_NUMBER(archive_next(&archive, &offset, &kind, &file, target), 0);
	release(archive);
}

/* A header with one field changed must make the archive corrupt, or not. */
static void check_damage(
	size_t offset, const char *bytes, size_t count, bool sealed, int expected)
{
	int failures = sFailures;

	start();
	add_file("before", "1");
	uint8_t *header = add_file("file", "22");
	end();
	memcpy(header + offset, bytes, count);
	if (sealed)
		seal(header);

	struct archive archive = take();
	struct archive_file file;
	CHECK_NUMBER(find(&archive, "file", &file), expected);
	if (sFailures != failures)
		printf("    for \"%s\" at %zu\n", bytes, offset);
	release(archive);
}

static void test_damage(void)
{
	check_damage(0, "file", 4, true, 0);
	check_damage(0, "fil", 4, true, -ENOENT);
	check_damage(0, "file2", 5, false, -EINVAL); /* the checksum */
	check_damage(148, "777777", 6, false, -EINVAL);
	check_damage(148, "\0\0\0\0\0\0\0\0", 8, false, -EINVAL);
	check_damage(148, "99999999", 8, false, -EINVAL);
	check_damage(257, "ustar  ", 8, true, -EINVAL); /* GNU's own */
	check_damage(257, "ustar\00001", 8, true, -EINVAL);
	check_damage(257, "\0\0\0\0\0\0\0\0", 8, true, -EINVAL);

	/* Sizes: two bytes of data, filled up to one block. */
	check_damage(124, "          2 ", 12, true, 0);
	check_damage(124, "000000000002", 12, true, 0);
	check_damage(124, "00000001000", 11, true, 0); /* the block, whole */
	check_damage(124, "2\0\0\0\0\0\0\0\0\0\0\0", 12, true, 0);
	check_damage(124, "00000003001", 11, true, -EINVAL); /* a byte too much */
	check_damage(124, "00000003000", 11, true, 0);		 /* up to the end */
	check_damage(124, "37777777777", 11, true, -EINVAL); /* UINT32_MAX */
	check_damage(124, "37777777001", 11, true, -EINVAL); /* filled up, wraps */
	check_damage(124, "40000000002", 11, true, -EINVAL); /* 2^32 + 2 */
	check_damage(124, "777777777777", 12, true, -EINVAL);
	check_damage(124, "00000000008", 11, true, -EINVAL);
	check_damage(124, "-0000000002", 11, true, -EINVAL);
	check_damage(124, "0000 000002", 11, true, -EINVAL);
	check_damage(124, "            ", 12, true, -EINVAL);
	check_damage(124, "\0\0\0\0\0\0\0\0\0\0\0\0", 12, true, -EINVAL);
	check_damage(124, "\200\0\0\0\0\0\0\0\0\0\0\002", 12, true, -EINVAL);
	check_damage(100, "rw-r--r", 7, true, -EINVAL);
	check_damage(100, "0100644", 7, true, 0);

	/* Cut anywhere: what is whole is found or the archive is corrupt. */
	start();
	add_file("a", "1");
	add_file("b", "2");
	end();
	size_t whole = sUsed;
	for (size_t size = 0; size <= whole; size += 128) {
		sUsed = size;
		struct archive archive = take();
		struct archive_file file;
		int expected = size == 0 || size == 1024	  ? -ENOENT
					   : size == 2048 || size >= 2560 ? 0
													  : -EINVAL;

		CHECK_NUMBER(find(&archive, "b", &file), expected);
		release(archive);
	}

	/* The filling of the last block belongs to its file. */
	start();
	add_file("a", "1");
	sUsed -= 511;
	struct archive cut = take();
	char target[ARCHIVE_TARGET_MAX];
	struct archive_file file;
	enum archive_kind kind;
	size_t offset = 0;
	CHECK_NUMBER(archive_next(&cut, &offset, &kind, &file, target), -EINVAL);
	CHECK_NUMBER(offset, 0);
	release(cut);
}

static char *read_file(const char *path, size_t *_size)
{
	FILE *file = fopen(path, "rb");
	char *bytes = malloc(1024 * 1024);

	*_size = file != NULL ? fread(bytes, 1, 1024 * 1024, file) : 0;
	if (file != NULL)
		fclose(file);
	return realloc(bytes, *_size + 1);
}

/* What the host's tar makes of two files of this tree is what is found. */
static void test_real_tar(void)
{
	static const char *const kFiles[] = {"kernel/archive.c", "kernel/archive.h"};
	size_t size;

	if (system("tar --format=ustar -cf build/host/archive.tar kernel/archive.c "
			   "./kernel/archive.h")
		!= 0) {
		printf("no tar here: its part is left out\n");
		return;
	}
	char *bytes = read_file("build/host/archive.tar", &size);
	struct archive archive = {(const uint8_t *)bytes, size};

	for (int i = 0; i < 2; i++) {
		struct archive_file file;
		size_t expected_size;
		char *expected = read_file(kFiles[i], &expected_size);

		CHECK(expected_size > 0);
		CHECK_NUMBER(find(&archive, kFiles[i], &file), 0);
		CHECK(file.size == expected_size
			  && memcmp(file.data, expected, expected_size) == 0);
		free(expected);
	}
	free(bytes);
}

int main(void)
{
	test_names();
	test_iteration();
	test_any();
	test_damage();
	test_real_tar();
	return check_result();
}
