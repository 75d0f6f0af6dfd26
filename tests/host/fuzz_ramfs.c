// fuzz: FILES_SOURCES
/*
 * The root filled from archives: kernel/archive.c and kernel/ramfs.c with what lies
 * between them. Whatever is in the archives, all that comes of it can be found, read,
 * written and removed, and nothing is left then. An input is a byte that says how, one
 * that says which allocation fails, where one does, and either any bytes, or entries to
 * make an archive of, four bytes each, which gets it further than damage would.
 */
#include "archive_bytes.h"
#include "files_around.h"
#include "fuzz.h"

enum {
	HOW_MENDED = 0x3, /* archive_of_bytes()'s */
	HOW_BYTES = 0x4,
	HOW_FAILS = 0x8,
	HOW_TWO = 0x10, /* archives: the bytes' halves */
};

static long sAtFirst; /* allocations of the root itself */

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	files_start();
	sAtFirst = sAllocations;
	return 0;
}

/* ---- Archives made of entries ------------------------------------------------------ */

static const char *const kWords[] = {"a", "b", "c", "..", "link", "a/b", "b/./c", "", "/",
	"file", "a/b/c/d/e", "link/x", "a/../..", ".",
	"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", "tmp"};

static struct archive archive_of_entries(const uint8_t *data, size_t size)
{
	static const char kKinds[] = "000005522\0007136";
	static uint8_t sText[9000];

	for (size_t i = 0; i < sizeof sText; i++)
		sText[i] = (uint8_t)(i * 7 + i / 256);
	start();
	for (; size >= 4; data += 4, size -= 4) {
		size_t length = data[3] * 35u;
		char name[100];

		if (sUsed + length + 2048 > sizeof sBytes)
			break;
		snprintf(name, sizeof name, "%s/%s", kWords[data[1] & 15], kWords[data[1] >> 4]);
		add_bytes("", name, kKinds[data[0] % (sizeof kKinds - 1)], kWords[data[2] & 15],
			data[2] >> 4 << 5, sText, length);
	}
	end();
	return take();
}

/* ---- What has come of them -------------------------------------------------------- */

static uint32_t sSeen;

static void check_file(struct vnode *vnode)
{
	static uint8_t sBefore[sizeof sMoved];
	size_t size = (size_t)vnode->size, half = size / 2;

	REQUIRE(vnode->size <= (off_t)sizeof sMoved - PAGE_SIZE);
	REQUIRE(file_read(vnode, 0, size + 10) == (ssize_t)size);
	memcpy(sBefore, sMoved, size);
	REQUIRE(file_read(vnode, (off_t)half, size) == (ssize_t)(size - half));
	REQUIRE(memcmp(sMoved, sBefore + half, size - half) == 0);
	memset(sMoved, 'w', 10);
	if (file_write(vnode, (off_t)half, 10) != 10)
		return; /* as many pages are there as there are */
	memset(sBefore + half, 'w', 10);
	if (size < half + 10)
		size = half + 10;
	REQUIRE(vnode->size == (off_t)size);
	REQUIRE(file_read(vnode, 0, size) == (ssize_t)size);
	REQUIRE(memcmp(sMoved, sBefore, size) == 0);
	REQUIRE(vfs_truncate(vnode, (off_t)half + 5) == 0);
	REQUIRE(vfs_truncate(vnode, (off_t)size + 100) == 0);
	memset(sBefore + half + 5, 0, size + 100 - half - 5);
	REQUIRE(file_read(vnode, 0, size + 100) == (ssize_t)size + 100);
	REQUIRE(memcmp(sMoved, sBefore, size + 100) == 0);
}

static void check_directory(struct vnode *directory)
{
	struct found found;
	struct vnode *vnode;
	uint64_t cookie = 0;
	uint32_t directories = 0;
	char target[ARCHIVE_TARGET_MAX];

	sSeen++;
	while ((vnode = next_name(directory, &cookie, &found)) != NULL) {
		REQUIRE(vnode->number == found.number && (vnode->mode & S_IFMT) == found.type);
		REQUIRE(vnode->references == 2); /* the name's and this one */
		REQUIRE(found.length > 0 && memchr(found.name, '/', found.length) == NULL);
		if (S_ISDIR(vnode->mode)) {
			directories++;
			check_directory(vnode);
		} else {
			sSeen++;
			REQUIRE(vnode->links == 1);
			if (S_ISREG(vnode->mode))
				check_file(vnode);
			else
				REQUIRE(
					path_read_link(vnode, target, sizeof target) == (ssize_t)vnode->size);
		}
		vnode_put(vnode);
	}
	REQUIRE(directory->links == directories + 2);
}

/* What comes last is as the archive has it, whatever came before. */
static void check_last(const struct archive *archive)
{
	char target[ARCHIVE_TARGET_MAX], path[ARCHIVE_NAME_MAX + 1];
	struct archive_file file;
	enum archive_kind kind = ARCHIVE_DIRECTORY;
	struct vnode *vnode;
	size_t offset = 0;

	while (archive_next(archive, &offset, &kind, &file, target) == 1)
		;
	if (kind == ARCHIVE_DIRECTORY)
		return; /* there may have been something of that name */
	snprintf(path, sizeof path, "/%s", file.name);
	REQUIRE(vfs_find(path, false, &vnode) == 0);
	if (kind == ARCHIVE_FILE) {
		REQUIRE(vnode->mode == (S_IFREG | file.mode));
		REQUIRE(file_read(vnode, 0, file.size + 1) == (ssize_t)file.size);
		REQUIRE(memcmp(sMoved, file.data, file.size) == 0);
	} else {
		REQUIRE(S_ISLNK(vnode->mode) && (size_t)vnode->size == strlen(target));
		REQUIRE(path_read_link(vnode, target, sizeof target) == (ssize_t)vnode->size);
	}
	vnode_put(vnode);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct archive archives[2];
	size_t count, each, i;
	uint32_t pages = page_free_count();
	uint8_t how;

	if (size < 4)
		return 0;
	how = data[0];
	count = how & HOW_TWO ? 2 : 1;
	each = (size - 2) / count;
	sAllocationsLeft = how & HOW_FAILS ? data[1] : -1;
	for (i = 0; i < count; i++)
		archives[i] = how & HOW_BYTES
						  ? archive_of_bytes(how & HOW_MENDED, data + 2 + i * each, each)
						  : archive_of_entries(data + 2 + i * each, each);
	sLogged = 0;
	ramfs_fill(archives, count);
	sAllocationsLeft = -1;
	if (sLogged == 0)
		check_last(&archives[count - 1]);
	sSeen = 0;
	check_directory(vfs_root());
	REQUIRE(sSeen == vfs_root()->mount->vnodes && vfs_root()->references == 1);
	remove_all(vfs_root());
	REQUIRE(sAllocations == sAtFirst && vfs_root()->mount->vnodes == 1);
	REQUIRE(page_free_count() == pages);
	for (i = 0; i < count; i++)
		release(archives[i]);
	return 0;
}
