// build: kernel/archive.c
/*
 * kernel/archive.c: archives made here, entry by entry, each kind of damage,
 * and one that the host's tar made. Archives lie at the end of an allocation
 * of their size, so that the sanitizers see a byte read too far.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <postern/errno.h>

#include "check.h"
#include "kernel/archive.h"

static uint8_t sBytes[64 * 1024];
static size_t sUsed;

static void start(void)
{
	sUsed = 0;
}

/* Writes the checksum into a header: six digits, a NUL, a space. */
static void seal(uint8_t *header)
{
	unsigned sum = 0;

	memset(header + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += header[i];
	snprintf((char *)header + 148, 8, "%06o", sum);
}

static uint8_t *add_entry(
	const char *prefix, const char *name, char type, const char *text, unsigned mode)
{
	uint8_t *header = sBytes + sUsed;
	size_t size = strlen(text);

	memset(header, 0, 512 + (size + 511) / 512 * 512);
	memcpy(header, name, strlen(name));
	sprintf((char *)header + 100, "%07o", mode);
	sprintf((char *)header + 108, "%07o", 0);
	sprintf((char *)header + 116, "%07o", 0);
	sprintf((char *)header + 124, "%011o", (unsigned)size);
	sprintf((char *)header + 136, "%011o", 1);
	header[156] = (uint8_t)type;
	memcpy(header + 257, "ustar\00000", 8);
	memcpy(header + 345, prefix, strlen(prefix));
	memcpy(header + 512, text, size);
	seal(header);
	sUsed += 512 + (size + 511) / 512 * 512;
	return header;
}

static uint8_t *add_file(const char *name, const char *text)
{
	return add_entry("", name, '0', text, 0644);
}

static void end(void)
{
	memset(sBytes + sUsed, 0, 1024);
	sUsed += 1024;
}

/* A copy of its exact size. */
static struct archive take(void)
{
	uint8_t *data = malloc(sUsed);

	memcpy(data, sBytes, sUsed);
	return (struct archive){data, sUsed};
}

static void release(struct archive archive)
{
	free((void *)archive.data);
}

static void check_text(const struct archive_file *file, const char *text)
{
	CHECK_NUMBER(file->size, strlen(text));
	CHECK(file->size == strlen(text) && memcmp(file->data, text, file->size) == 0);
}

static void check_find(
	const struct archive *archives, size_t count, const char *path, const char *text)
{
	struct archive_file file;
	int failures = sFailures;
	int result = archive_find(archives, count, path, &file);

	CHECK_NUMBER(result, 0);
	if (result == 0)
		check_text(&file, text);
	if (sFailures != failures)
		printf("    for %s\n", path);
}

static void check_find_fails(
	const struct archive *archives, size_t count, const char *path, int error)
{
	struct archive_file file;
	int failures = sFailures;

	CHECK_NUMBER(archive_find(archives, count, path, &file), error);
	if (sFailures != failures)
		printf("    for %s\n", path);
}

static void test_names(void)
{
	char long_name[101], long_prefix[156], long_path[300];

	memset(long_name, 'n', 100);
	long_name[100] = '\0';
	memset(long_prefix, 'p', 155);
	long_prefix[155] = '\0';
	snprintf(long_path, sizeof(long_path), "/%s/%s", long_prefix, long_name);

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
	check_find(&archive, 1, "/plain", "1");
	check_find(&archive, 1, "//./plain", "1");
	check_find(&archive, 1, "/absolute", "2");
	check_find(&archive, 1, "/dotted", "3");
	check_find(&archive, 1, "/a/b/c", "4");
	check_find(&archive, 1, "/bin/hello", "hello, world");
	check_find(&archive, 1, "/usr/share/text", "5");
	check_find(&archive, 1, long_path, "long");
	check_find(&archive, 1, "/empty", "");
	check_find(&archive, 1, "/..hidden/..", "6");
	check_find(&archive, 1, "/old", "7");
	check_find(&archive, 1, "/contiguous", "8");

	check_find_fails(&archive, 1, "/bin", -EISDIR);
	check_find_fails(&archive, 1, "/bin/", -EISDIR);
	check_find_fails(&archive, 1, "/a", -EISDIR); /* only part of a name */
	check_find_fails(&archive, 1, "/a/b", -EISDIR);
	check_find_fails(&archive, 1, "/usr/share", -EISDIR);
	check_find_fails(&archive, 1, "/", -EISDIR);
	check_find_fails(&archive, 1, "/.//", -EISDIR);
	check_find_fails(&archive, 1, "plain", -ENOENT); /* not absolute */
	check_find_fails(&archive, 1, "", -ENOENT);
	check_find_fails(&archive, 1, "/plai", -ENOENT);
	check_find_fails(&archive, 1, "/plainer", -ENOENT);
	check_find_fails(&archive, 1, "/bin/hello/x", -ENOENT);
	check_find_fails(&archive, 1, "/bin/hell", -ENOENT);
	check_find_fails(&archive, 1, "/bi", -ENOENT);
	check_find_fails(&archive, 1, "/bin/../plain", -ENOENT);
	check_find_fails(NULL, 0, "/plain", -ENOENT);
	strcat(long_path, "x");
	check_find_fails(&archive, 1, long_path, -ENOENT);

	CHECK_NUMBER(archive_find(&archive, 1, "/old", &file), 0);
	CHECK_NUMBER(file.mode, 04755);
	CHECK_STRING(file.name, "old");
	CHECK_NUMBER(archive_find(&archive, 1, "/a/b/c", &file), 0);
	CHECK_STRING(file.name, "a/b/c");
	release(archive);
}

static void test_last_wins(void)
{
	struct archive archives[2];

	start();
	add_file("twice", "first");
	add_file("./twice", "second");
	add_file("both", "lower");
	add_file("turned", "file");
	add_entry("", "was", '5', "", 0755);
	add_file("was", "now a file");
	end();
	archives[0] = take();
	start();
	add_file("both", "upper");
	add_entry("", "turned", '5', "", 0755);
	add_entry("", "link", '2', "", 0777);
	/* Without the blocks of zeroes at the end: whole all the same. */
	archives[1] = take();

	check_find(archives, 2, "/twice", "second");
	check_find(archives, 2, "/both", "upper");
	check_find(archives, 1, "/both", "lower");
	check_find(archives, 2, "/was", "now a file");
	check_find(archives, 1, "/turned", "file");
	check_find_fails(archives, 2, "/turned", -EISDIR);
	check_find_fails(archives, 2, "/link", -ENOENT);
	release(archives[0]);
	release(archives[1]);
}

static void test_iteration(void)
{
	static const char *const kTypes = "12346gxLK";
	struct archive_file file;
	size_t offset = 0;

	start();
	add_entry("", "d", '5', "", 0755);
	add_file("one", "1");
	for (int i = 0; kTypes[i] != '\0'; i++) {
		/* Data behind all but links, devices and FIFOs. */
		add_entry("", "other", kTypes[i], strchr("gxLK", kTypes[i]) ? "data" : "", 0);
	}
	add_file("two", "22");
	end();
	add_file("behind the end", "3");

	struct archive archive = take();
	CHECK_NUMBER(archive_next(&archive, &offset, &file), 1);
	CHECK_STRING(file.name, "one");
	check_text(&file, "1");
	CHECK_NUMBER(archive_next(&archive, &offset, &file), 1);
	CHECK_STRING(file.name, "two");
	check_text(&file, "22");
	CHECK_NUMBER(archive_next(&archive, &offset, &file), 0);
	CHECK_NUMBER(archive_next(&archive, &offset, &file), 0);
	CHECK_STRING(file.name, "two");

	offset = archive.size + 1;
	CHECK_NUMBER(archive_next(&archive, &offset, &file), -EINVAL);
	offset = SIZE_MAX;
	CHECK_NUMBER(archive_next(&archive, &offset, &file), -EINVAL);
	release(archive);

	archive = (struct archive){NULL, 0};
	offset = 0;
	CHECK_NUMBER(archive_next(&archive, &offset, &file), 0);
}

/* What the root file system is made of: directories and symbolic links, too. */
static void test_any(void)
{
	char target[ARCHIVE_TARGET_MAX], longest[101];
	struct archive_file file;
	enum archive_kind kind;
	size_t offset = 0;
	uint8_t *header;

	memset(longest, 't', 100);
	longest[100] = '\0';
	start();
	add_entry("", "./etc/", '5', "", 0750);
	add_file("etc/file", "text");
	header = add_entry("", "bin/sh", '2', "", 0777);
	memcpy(header + 157, "dash", 4);
	seal(header);
	header = add_entry("", "long", '2', "", 0777);
	memcpy(header + 157, longest, 100); /* it has no NUL */
	seal(header);
	add_entry("", "device", '3', "", 0600);
	end();

	struct archive archive = take();
	CHECK_NUMBER(archive_next_any(&archive, &offset, &kind, &file, target), 1);
	CHECK_NUMBER(kind, ARCHIVE_DIRECTORY);
	CHECK_STRING(file.name, "etc");
	CHECK_NUMBER(file.mode, 0750);
	CHECK_STRING(target, "");
	CHECK_NUMBER(archive_next_any(&archive, &offset, &kind, &file, target), 1);
	CHECK_NUMBER(kind, ARCHIVE_FILE);
	check_text(&file, "text");
	CHECK_NUMBER(archive_next_any(&archive, &offset, &kind, &file, target), 1);
	CHECK_NUMBER(kind, ARCHIVE_LINK);
	CHECK_STRING(file.name, "bin/sh");
	CHECK_STRING(target, "dash");
	CHECK_NUMBER(archive_next_any(&archive, &offset, &kind, &file, target), 1);
	CHECK_STRING(target, longest);
	CHECK_NUMBER(archive_next_any(&archive, &offset, &kind, &file, target), 0);
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
	CHECK_NUMBER(archive_find(&archive, 1, "/file", &file), expected);
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

		CHECK_NUMBER(archive_find(&archive, 1, "/b", &file), expected);
		release(archive);
	}

	/* The filling of the last block belongs to its file. */
	start();
	add_file("a", "1");
	sUsed -= 511;
	struct archive cut = take();
	struct archive_file file;
	size_t offset = 0;
	CHECK_NUMBER(archive_next(&cut, &offset, &file), -EINVAL);
	CHECK_NUMBER(offset, 0);
	release(cut);

	/* A corrupt archive is in the way of those below it only. */
	struct archive archives[2];
	start();
	add_file("a", "1");
	end();
	archives[0] = take();
	sBytes[0] = 'b';
	archives[1] = take();
	check_find_fails(archives, 2, "/a", -EINVAL);
	check_find_fails((struct archive[]){archives[1], archives[0]}, 2, "/b", -EINVAL);
	check_find((struct archive[]){archives[1], archives[0]}, 2, "/a", "1");
	release(archives[0]);
	release(archives[1]);
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
	static const char *const kFiles[] = {"kernel/archive.c", "./kernel/archive.h"};
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
		char path[64];
		size_t expected_size;
		char *expected = read_file(kFiles[i], &expected_size);

		snprintf(path, sizeof(path), "/%s", kFiles[i]);
		CHECK(expected_size > 0);
		CHECK_NUMBER(archive_find(&archive, 1, path, &file), 0);
		CHECK(file.size == expected_size
			  && memcmp(file.data, expected, expected_size) == 0);
		free(expected);
	}
	free(bytes);
}

int main(void)
{
	test_names();
	test_last_wins();
	test_iteration();
	test_any();
	test_damage();
	test_real_tar();
	return check_result();
}
