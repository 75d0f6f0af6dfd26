// fuzz: -iquote tests/host/include kernel/block.c kernel/block_cache.c kernel/ext2.c
//       kernel/ext2_alloc.c kernel/ext2_inode.c kernel/ext2_dir.c kernel/ext2_journal.c
//       -DPOSTERN_DEBUG=1
/*
 * kernel/ext2*.c on damaged images: nothing outside its memory is touched, every
 * call comes back, and nothing is left allocated. The images are those of mke2fs,
 * small and with some files in them, one with a journal that has to be read. An
 * input is which of them, and what to change in it:
 *
 *   IMAGE { OFFSET OFFSET OFFSET COUNT BYTE... }...
 *
 * Where the highest bit of an offset is set, it counts within the first 32 KiB,
 * where most of what the file system keeps is.
 */
#include "disk_image.h"
#include "fuzz.h"
#include "kernel/ext2.h"

#include <sys/stat.h>
#include <unistd.h>

#define BASES 4
#define FRONT 32768u
#define READ_MAX 300000u
#define NAMES_MAX 200
#define DEPTH_MAX 4

static struct {
	uint8_t *data;
	size_t size;
} sBases[BASES];

int LLVMFuzzerInitialize(int *argc, char ***argv);
static uint32_t now(void)
{
	return 1000;
}

static uint32_t sSum;

static int move(void *context, void *data, size_t size)
{
	(void)context;
	/* Every byte has to be there. */
	for (size_t i = 0; data != NULL && i < size; i++)
		sSum += ((uint8_t *)data)[i];
	return 0;
}

static int fill(void *context, void *data, size_t size)
{
	memset(data, *(char *)context, size);
	return 0;
}

/* ---- What is done with an image --------------------------------------------------- */

struct walk {
	struct ext2 *fs;
	struct ext2_node *directory;
	int depth;
	int names;
	uint32_t numbers[NAMES_MAX];
	char texts[NAMES_MAX][256];
	size_t lengths[NAMES_MAX];
};

static bool visit(
	void *context, uint32_t number, mode_t type, const char *name, size_t length)
{
	struct walk *walk = context;

	(void)type;
	if (walk->names == NAMES_MAX)
		return false;
	memcpy(walk->texts[walk->names], name, length);
	walk->lengths[walk->names] = length;
	walk->numbers[walk->names++] = number;
	return true;
}

static int sLeft; /* names that are still looked at */

static void look_at(
	struct ext2_node *directory, const char *name, size_t length, int depth);

static void walk_directory(struct ext2_node *directory, int depth)
{
	struct walk *walk = calloc(1, sizeof *walk);
	uint64_t cookie = 0;

	ext2_readdir(directory, &cookie, visit, walk);
	for (int i = 0; i < walk->names && sLeft > 0; i++) {
		if (walk->lengths[i] <= 2 && walk->texts[i][0] == '.')
			continue;
		sLeft--;
		look_at(directory, walk->texts[i], walk->lengths[i], depth);
	}
	free(walk);
}

/*
 * Numbers of inodes that are in use now: the kernel never has a second node for
 * one, so that a damaged tree that comes back to itself ends here.
 */
static uint32_t sOpen[DEPTH_MAX + 4];

static void look_at(
	struct ext2_node *directory, const char *name, size_t length, int depth)
{
	struct ext2_node node;
	uint32_t number;
	size_t done;
	char target[512];
	char byte = 'w';

	if (ext2_lookup(directory, name, length, &number) != 0)
		return;
	for (int i = 0; i <= depth; i++) {
		if (sOpen[i] == number)
			return;
	}
	if (ext2_load(directory->fs, number, &node) != 0)
		return;
	sOpen[depth + 1] = number;
	switch (node.disk->mode & EXT2_TYPE_MASK) {
	case EXT2_DIRECTORY:
		if (depth < DEPTH_MAX)
			walk_directory(&node, depth + 1);
		break;
	case EXT2_SYMLINK:
		ext2_readlink(&node, target, sizeof target);
		break;
	case EXT2_REGULAR:
		ext2_read(&node, 0, READ_MAX, move, NULL, &done);
		ext2_read(&node, ext2_size(&node) - 1, 2, move, NULL, &done);
		ext2_write(&node, 5000, 3000, fill, &byte, &done);
		if (number % 2 == 0)
			ext2_truncate(&node, 2000);
		break;
	}
	if (number % 3 == 0)
		ext2_unlink(directory, name, length, &node);
	else if (number % 3 == 1)
		ext2_rename(directory, name, length, &node, directory, "renamed", 7, NULL);
	sOpen[depth + 1] = 0;
	ext2_release(&node);
}

static void use(struct ext2 *fs)
{
	struct ext2_node root;
	struct ext2_status status;
	uint32_t number;

	ext2_status(fs, &status);
	if (ext2_load(fs, EXT2_ROOT_INODE, &root) != 0)
		return;
	memset(sOpen, 0, sizeof sOpen);
	sOpen[0] = EXT2_ROOT_INODE;
	sLeft = NAMES_MAX;
	ext2_create(&root, "new", 3, EXT2_REGULAR | 0644, &number);
	ext2_create(&root, "folder", 6, EXT2_DIRECTORY | 0755, &number);
	walk_directory(&root, 0);
	ext2_symlink(&root, "link", 4, "somewhere", 9, &number);
	ext2_release(&root);
	ext2_sync(fs);
}

/* ---- The images ------------------------------------------------------------------- */

static void make_base(
	int index, const char *folder, const char *options, const char *size)
{
	char command[512];
	FILE *file;

	snprintf(command, sizeof command,
		"mke2fs -q -F -d %s/files %s %s/image %s >/dev/null 2>&1", folder, options,
		folder, size);
	if (system(command) != 0) {
		fprintf(stderr, "mke2fs failed: %s\n", command);
		exit(1);
	}
	snprintf(command, sizeof command, "%s/image", folder);
	file = fopen(command, "rb");
	fseek(file, 0, SEEK_END);
	sBases[index].size = (size_t)ftell(file);
	rewind(file);
	sBases[index].data = malloc(sBases[index].size);
	if (fread(sBases[index].data, 1, sBases[index].size, file) != sBases[index].size)
		exit(1);
	fclose(file);
	unlink(command);
}

/* Stops with everything in the journal and nothing in its place. */
static void leave_journal(int index)
{
	struct disk_image disk;
	struct ext2_node root;
	uint8_t *copy = malloc(sBases[index].size);
	struct ext2 *fs;
	uint32_t number;

	memcpy(copy, sBases[index].data, sBases[index].size);
	disk_init(&disk, copy, sBases[index].size);
	if (ext2_mount(&disk.device, false, 1 << 20, now, &fs) != 0
		|| ext2_load(fs, EXT2_ROOT_INODE, &root) != 0)
		exit(1);
	ext2_create(&root, "one", 3, EXT2_REGULAR | 0644, &number);
	ext2_sync(fs);
	ext2_create(&root, "two", 3, EXT2_DIRECTORY | 0644, &number);
	ext2_sync(fs);
	ext2_release(&root);
	ext2_abandon(fs);
	free(sBases[index].data);
	sBases[index].data = copy;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char folder[] = "/tmp/postern-fuzz-XXXXXX";
	char command[256];

	(void)argc;
	(void)argv;
	if (mkdtemp(folder) == NULL)
		exit(1);
	snprintf(command, sizeof command,
		"cd %s && mkdir -p files/a/b && seq 1 30000 >files/a/numbers &&"
		" seq 1 400 >files/small && ln -s $(printf 'x%%.0s' $(seq 100)) files/a/b/long &&"
		" ln -s a files/short && touch files/a/b/empty",
		folder);
	if (system(command) != 0)
		exit(1);
	make_base(0, folder, "-t ext2 -b 1024 -N 64", "512K");
	make_base(1, folder, "-t ext2 -b 4096 -N 64 -O ^resize_inode", "1M");
	make_base(2, folder, "-t ext3 -b 1024 -N 64 -O ^resize_inode", "2M");
	make_base(3, folder, "-t ext3 -b 1024 -N 64 -O ^resize_inode", "2M");
	leave_journal(3);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct disk_image disk;
	uint8_t *copy;
	struct ext2 *fs;
	int base;

	if (size < 1)
		return 0;
	base = data[0] % BASES;
	data++;
	size--;
	copy = malloc(sBases[base].size);
	memcpy(copy, sBases[base].data, sBases[base].size);
	while (size >= 5) {
		uint32_t offset = data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16;
		uint32_t count = data[3] % 16 + 1u;

		offset = (offset & 0x800000) != 0 ? offset % FRONT
										  : offset % (uint32_t)sBases[base].size;
		data += 4;
		size -= 4;
		while (count-- > 0 && size > 0) {
			if (offset < sBases[base].size)
				copy[offset++] = *data;
			data++;
			size--;
		}
	}
	disk_init(&disk, copy, sBases[base].size);
	if (ext2_mount(&disk.device, false, 65536, now, &fs) == 0) {
		use(fs);
		if (ext2_unmount(fs) != 0)
			ext2_abandon(fs);
	}
	REQUIRE(sAllocations == 0);
	disk_free(&disk);
	return sSum == UINT32_MAX ? -1 : 0;
}
