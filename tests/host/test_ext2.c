// build: -iquote tests/host/include kernel/block.c kernel/block_cache.c kernel/ext2.c
//        kernel/ext2_alloc.c kernel/ext2_inode.c kernel/ext2_dir.c kernel/ext2_journal.c
//        -DPOSTERN_DEBUG=1
/*
 * kernel/ext2*.c on images of mke2fs, against a model in memory: random calls,
 * the same to both; then e2fsck has to find nothing wrong, and what is on the
 * disk has to be what the model says. Then the machine is stopped at random
 * moments: after e2fsck -p, or after the journal was read by mounting again, all
 * that a sync had confirmed and nobody has changed since must be there.
 *
 * EXT2_SEED=N EXT2_ROUNDS=N EXT2_LOG=1 are for looking closer.
 */
#include "check.h"
#include "disk_image.h"
#include "kernel/ext2.h"

#include <unistd.h>

#define OBJECTS_MAX 400
#define FILE_MAX 400000u
#define NAME_LENGTH_MAX 255

enum kind { FREE, FILE_OBJECT, DIRECTORY_OBJECT, SYMLINK_OBJECT };

struct object {
	enum kind kind;
	int parent; /* of a directory */
	unsigned links;
	uint32_t number;
	uint8_t *data;
	size_t size;
	unsigned stamp; /* when it was changed */
	struct ext2_node node;
	unsigned opened;
	bool kept_open;
};

struct name {
	bool used;
	int directory;
	int object;
	unsigned stamp;
	char text[NAME_LENGTH_MAX + 1];
};

#define NAMES_MAX 800

struct model {
	struct object objects[OBJECTS_MAX]; /* the first is the root */
	struct name names[NAMES_MAX];
};

static struct model sModel;
static struct model *sSynced; /* as it was at the last sync */
static struct disk_image sDisk;
static struct ext2 *sFs;
static unsigned sStamp;
static unsigned sStep; /* seconds from one look at the clock to the next */
static char sFolder[] = "/tmp/postern-ext2-XXXXXX";
static char sImage[64];

static uint32_t below(uint32_t limit)
{
	return ((uint32_t)rand() << 15 ^ (uint32_t)rand()) % limit;
}

static uint32_t now(void)
{
	return sStamp += sStep; /* a clock that was never set */
}

/* ---- Programs of the host --------------------------------------------------------- */

static int run(const char *format, const char *options)
{
	char command[512];

	snprintf(command, sizeof command, format, options, sImage);
	return system(command) >> 8;
}

static bool make_image(const char *options)
{
	size_t size;
	uint8_t *data;
	FILE *file;

	if (run("rm -f %2$s; mke2fs -q -F %1$s %2$s 8M >/dev/null 2>&1", options) != 0
		&& run("mke2fs -q -F %s %s 8M", options) != 0)
		return false;
	file = fopen(sImage, "rb");
	fseek(file, 0, SEEK_END);
	size = (size_t)ftell(file);
	rewind(file);
	data = malloc(size);
	CHECK_NUMBER(fread(data, 1, size, file), size);
	fclose(file);
	disk_init(&sDisk, data, size);
	return true;
}

static void save_image(void)
{
	FILE *file = fopen(sImage, "wb");

	fwrite(sDisk.data, 1, sDisk.size, file);
	fclose(file);
}

static void load_image(void)
{
	FILE *file = fopen(sImage, "rb");

	CHECK_NUMBER(fread(sDisk.data, 1, sDisk.size, file), sDisk.size);
	fclose(file);
}

static void check_image(const char *when)
{
	save_image();
	if (run("e2fsck -fn %s%s >/tmp/postern-e2fsck.$PPID 2>&1", "") != 0) {
		printf("e2fsck -fn finds, %s:\n", when);
		fflush(stdout);
		run("e2fsck -fn %s%s", "");
		CHECK(!"the file system is in order");
	}
	run("rm -f /tmp/postern-e2fsck.$PPID %s", "");
}

/* ---- The model --------------------------------------------------------------------- */

static void changed(int object)
{
	sModel.objects[object].stamp = ++sStamp;
}

static int find_free_object(void)
{
	for (int i = 1; i < OBJECTS_MAX; i++) {
		if (sModel.objects[i].kind == FREE)
			return i;
	}
	return -1;
}

static int pick(enum kind kind)
{
	for (int tries = 0; tries < 200; tries++) {
		int i = (int)below(OBJECTS_MAX);

		if (sModel.objects[i].kind == kind && sModel.objects[i].links > 0)
			return i;
	}
	return kind == DIRECTORY_OBJECT ? 0 : -1;
}

static int pick_name(void)
{
	for (int tries = 0; tries < 200; tries++) {
		int i = (int)below(NAMES_MAX);

		if (sModel.names[i].used)
			return i;
	}
	return -1;
}

static int find_name(int directory, const char *text)
{
	for (int i = 0; i < NAMES_MAX; i++) {
		if (sModel.names[i].used && sModel.names[i].directory == directory
			&& strcmp(sModel.names[i].text, text) == 0)
			return i;
	}
	return -1;
}

static int free_name(void)
{
	for (int i = 0; i < NAMES_MAX; i++) {
		if (!sModel.names[i].used)
			return i;
	}
	return -1;
}

static int set_name(int slot, int directory, const char *text, int object)
{
	struct name *name = &sModel.names[slot];

	name->used = true;
	name->directory = directory;
	name->object = object;
	name->stamp = ++sStamp;
	strcpy(name->text, text);
	return slot;
}

static bool is_empty(int directory)
{
	for (int i = 0; i < NAMES_MAX; i++) {
		if (sModel.names[i].used && sModel.names[i].directory == directory)
			return false;
	}
	return true;
}

static void make_text(char *text)
{
	static const unsigned kLengths[] = {1, 4, 8, 12, 20, 60, 255};
	unsigned length = kLengths[below(7)];
	unsigned used = (unsigned)sprintf(text, "n%u", below(300));

	while (used < length)
		text[used++] = (char)('a' + below(26));
	text[used] = '\0';
}

static struct ext2_node *open_object(int index)
{
	struct object *object = &sModel.objects[index];

	if (object->opened++ == 0)
		CHECK_NUMBER(ext2_load(sFs, object->number, &object->node), 0);
	return &object->node;
}

static void close_object(int index)
{
	struct object *object = &sModel.objects[index];

	if (--object->opened > 0)
		return;
	ext2_release(&object->node);
	if (object->links == 0) {
		free(object->data);
		memset(object, 0, sizeof *object);
	}
}

/* ---- Calls, to both --------------------------------------------------------------- */

struct bytes {
	uint8_t *data;
	size_t used;
};

static int give(void *context, void *data, size_t size)
{
	struct bytes *bytes = context;

	if (data == NULL)
		memset(bytes->data + bytes->used, 0, size);
	else
		memcpy(bytes->data + bytes->used, data, size);
	bytes->used += size;
	return 0;
}

static int take(void *context, void *data, size_t size)
{
	struct bytes *bytes = context;

	memcpy(data, bytes->data + bytes->used, size);
	bytes->used += size;
	return 0;
}

static void drop_link(int object)
{
	sModel.objects[object].links--;
	changed(object);
}

static void do_create(void)
{
	int directory = pick(DIRECTORY_OBJECT);
	int index = find_free_object();
	int slot = free_name();
	enum kind kind = below(4) == 0	 ? DIRECTORY_OBJECT
					 : below(5) == 0 ? SYMLINK_OBJECT
									 : FILE_OBJECT;
	char text[NAME_LENGTH_MAX + 1];
	struct object *object;
	struct ext2_node *node;
	uint32_t number = 0;
	int error;

	make_text(text);
	if (index < 0 || slot < 0 || find_name(directory, text) >= 0)
		return;
	object = &sModel.objects[index];
	node = open_object(directory);
	if (kind == SYMLINK_OBJECT) {
		size_t length = below(3) == 0 ? 60 + below(900) : 1 + below(59);

		object->data = malloc(length + 1);
		for (size_t i = 0; i < length; i++)
			object->data[i] = (uint8_t)('a' + below(26));
		object->data[length] = 0;
		object->size = length;
		error =
			ext2_symlink(node, text, strlen(text), (char *)object->data, length, &number);
	} else {
		error = ext2_create(node, text, strlen(text),
			kind == DIRECTORY_OBJECT ? EXT2_DIRECTORY | 0755 : EXT2_REGULAR | 0644,
			&number);
	}
	if (error != 0) {
		CHECK_NUMBER(error, -ENOSPC);
		free(object->data);
		memset(object, 0, sizeof *object);
	} else {
		object->kind = kind;
		object->links = 1;
		object->number = number;
		object->parent = directory;
		changed(index);
		changed(directory);
		set_name(slot, directory, text, index);
	}
	close_object(directory);
}

static void grow(struct object *object, size_t size)
{
	if (size <= object->size)
		return;
	object->data = realloc(object->data, size);
	memset(object->data + object->size, 0, size - object->size);
	object->size = size;
}

static int pick_file(void)
{
	/* Those without a name are written to as well. */
	for (int tries = 0; tries < 20; tries++) {
		int i = (int)below(OBJECTS_MAX);

		if (sModel.objects[i].kind == FILE_OBJECT && sModel.objects[i].links == 0)
			return i;
	}
	return pick(FILE_OBJECT);
}

static void do_write(void)
{
	static const uint32_t kSizes[] = {
		1, 511, 512, 513, 1023, 1024, 4096, 4097, 30000, 70000};
	int index = pick_file();
	struct object *object;
	struct bytes bytes = {0};
	size_t position;
	size_t size = kSizes[below(10)];
	size_t done;
	int error;

	if (index < 0)
		return;
	object = &sModel.objects[index];
	position = below(3) == 0 ? below(FILE_MAX - 70000) : object->size;
	if (position + size > FILE_MAX)
		position = 0;
	if (below(2) == 0)
		position -= position % 4096;
	bytes.data = malloc(size);
	for (size_t i = 0; i < size; i++)
		bytes.data[i] = (uint8_t)rand();
	error = ext2_write(open_object(index), position, size, take, &bytes, &done);
	CHECK(error == 0 ? done == size : error == -ENOSPC);
	if (done > 0) {
		grow(object, position + done);
		memcpy(object->data + position, bytes.data, done);
	}
	changed(index);
	close_object(index);
	free(bytes.data);
}

static void check_contents(int index)
{
	struct object *object = &sModel.objects[index];
	struct bytes bytes = {.data = malloc(object->size + 100)};
	size_t done;

	CHECK_NUMBER(ext2_size(open_object(index)), object->size);
	CHECK_NUMBER(ext2_read(&object->node, 0, object->size + 100, give, &bytes, &done), 0);
	CHECK_NUMBER(done, object->size);
	CHECK(done == object->size
		  && (done == 0 || memcmp(bytes.data, object->data, done) == 0));
	free(bytes.data);
	close_object(index);
}

static void do_read(void)
{
	int index = pick_file();

	if (index >= 0)
		check_contents(index);
}

static void do_truncate(void)
{
	int index = pick_file();
	struct object *object;
	size_t size;
	int error;

	if (index < 0)
		return;
	object = &sModel.objects[index];
	size = below(3) == 0 ? 0 : below(FILE_MAX);
	error = ext2_truncate(open_object(index), size);
	CHECK_NUMBER(error, 0);
	if (size < object->size)
		object->size = size;
	else
		grow(object, size);
	changed(index);
	close_object(index);
}

static void do_link(void)
{
	int index = pick(below(5) == 0 ? SYMLINK_OBJECT : FILE_OBJECT);
	int directory = pick(DIRECTORY_OBJECT);
	int slot = free_name();
	char text[NAME_LENGTH_MAX + 1];
	int error;

	make_text(text);
	if (index < 0 || slot < 0 || find_name(directory, text) >= 0)
		return;
	error = ext2_link(open_object(directory), text, strlen(text), open_object(index));
	if (error == 0) {
		set_name(slot, directory, text, index);
		sModel.objects[index].links++;
		changed(index);
		changed(directory);
	} else {
		CHECK_NUMBER(error, -ENOSPC);
	}
	close_object(index);
	close_object(directory);
}

static void do_unlink(void)
{
	int slot = pick_name();
	struct name *name;
	int index;
	int directory;
	bool is_directory;
	int error;

	if (slot < 0)
		return;
	name = &sModel.names[slot];
	index = name->object;
	directory = name->directory;
	is_directory = sModel.objects[index].kind == DIRECTORY_OBJECT;
	error = ext2_unlink(
		open_object(directory), name->text, strlen(name->text), open_object(index));
	if (is_directory && !is_empty(index)) {
		CHECK_NUMBER(error, -ENOTEMPTY);
	} else {
		CHECK_NUMBER(error, 0);
		name->used = false;
		drop_link(index);
		changed(directory);
	}
	close_object(directory);
	close_object(index);
}

static bool is_below(int directory, int ancestor)
{
	for (; directory != 0; directory = sModel.objects[directory].parent) {
		if (directory == ancestor)
			return true;
	}
	return ancestor == 0;
}

static void do_rename(void)
{
	int slot = pick_name();
	int new_directory = pick(DIRECTORY_OBJECT);
	char text[NAME_LENGTH_MAX + 1];
	struct name *name;
	int directory;
	int index;
	int target_slot;
	int target = -1;
	int error;

	if (slot < 0)
		return;
	name = &sModel.names[slot];
	index = name->object;
	directory = name->directory;
	make_text(text);
	if (below(2) == 0 && (target_slot = pick_name()) >= 0) {
		new_directory = sModel.names[target_slot].directory;
		strcpy(text, sModel.names[target_slot].text);
	}
	target_slot = find_name(new_directory, text);
	if (target_slot >= 0)
		target = sModel.names[target_slot].object;
	/* What the kernel's files see to before they call. */
	if (sModel.objects[index].kind == DIRECTORY_OBJECT && is_below(new_directory, index))
		return;
	if (target >= 0
		&& (sModel.objects[index].kind == DIRECTORY_OBJECT)
			   != (sModel.objects[target].kind == DIRECTORY_OBJECT))
		return;
	error = ext2_rename(open_object(directory), name->text, strlen(name->text),
		open_object(index), open_object(new_directory), text, strlen(text),
		target >= 0 ? open_object(target) : NULL);
	if (target >= 0 && target != index && sModel.objects[target].kind == DIRECTORY_OBJECT
		&& !is_empty(target)) {
		CHECK_NUMBER(error, -ENOTEMPTY);
	} else if (error == 0 && target != index) {
		if (target_slot >= 0) {
			sModel.names[target_slot].used = false;
			drop_link(target);
		}
		set_name(slot, new_directory, text, index);
		if (sModel.objects[index].kind == DIRECTORY_OBJECT)
			sModel.objects[index].parent = new_directory;
		changed(index);
		changed(directory);
		changed(new_directory);
	} else {
		CHECK(error == 0 || error == -ENOSPC);
	}
	if (target >= 0)
		close_object(target);
	close_object(new_directory);
	close_object(index);
	close_object(directory);
}

/* Keeps a file open for a while, so that it may lose its names meanwhile. */
static void do_keep(void)
{
	int index = pick(FILE_OBJECT);

	if (index >= 0 && !sModel.objects[index].kept_open) {
		open_object(index);
		sModel.objects[index].kept_open = true;
		return;
	}
	for (int i = 0; i < OBJECTS_MAX; i++) {
		if (sModel.objects[i].kept_open && below(3) == 0) {
			sModel.objects[i].kept_open = false;
			close_object(i);
		}
	}
}

static void close_all(void)
{
	for (int i = 0; i < OBJECTS_MAX; i++) {
		if (sModel.objects[i].kept_open) {
			sModel.objects[i].kept_open = false;
			close_object(i);
		}
	}
}

static void forget_open(void)
{
	for (int i = 0; i < OBJECTS_MAX; i++) {
		sModel.objects[i].kept_open = false;
		sModel.objects[i].opened = 0;
	}
}

static void free_model(struct model *model)
{
	for (int i = 0; i < OBJECTS_MAX; i++)
		free(model->objects[i].data);
	memset(model, 0, sizeof *model);
}

static void copy_model(struct model *to, const struct model *from)
{
	free_model(to);
	*to = *from;
	for (int i = 0; i < OBJECTS_MAX; i++) {
		const struct object *object = &from->objects[i];

		if (object->data == NULL)
			continue;
		to->objects[i].data = malloc(object->size + 1);
		memcpy(to->objects[i].data, object->data, object->size);
	}
}

static void do_sync(void)
{
	CHECK_NUMBER(ext2_sync(sFs), 0);
	copy_model(sSynced, &sModel);
}

static void start_model(void)
{
	free_model(&sModel);
	sModel.objects[0].kind = DIRECTORY_OBJECT;
	sModel.objects[0].links = 1;
	sModel.objects[0].number = EXT2_ROOT_INODE;
	copy_model(sSynced, &sModel);
}

static void random_call(bool may_sync)
{
	switch (below(14)) {
	case 0:
	case 1:
	case 2:
		do_create();
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		do_write();
		break;
	case 7:
		do_read();
		break;
	case 8:
		do_truncate();
		break;
	case 9:
		do_link();
		break;
	case 10:
		do_unlink();
		break;
	case 11:
		do_rename();
		break;
	case 12:
		do_keep();
		break;
	default:
		if (may_sync && below(4) == 0)
			do_sync();
	}
}

/* ---- What is on the disk, against the model --------------------------------------- */

struct listing {
	int directory;
	int count;
};

static bool visit(
	void *context, uint32_t number, mode_t type, const char *text, size_t length)
{
	struct listing *listing = context;
	char copy[NAME_LENGTH_MAX + 1];
	int slot;

	(void)type;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (strcmp(copy, ".") == 0 || strcmp(copy, "..") == 0
		|| (listing->directory == 0 && strcmp(copy, "lost+found") == 0))
		return true;
	listing->count++;
	slot = find_name(listing->directory, copy);
	CHECK(slot >= 0);
	if (slot >= 0)
		CHECK_NUMBER(number, sModel.objects[sModel.names[slot].object].number);
	return true;
}

static void check_link(int index, struct model *model)
{
	char target[1100];

	CHECK_NUMBER(ext2_readlink(open_object(index), target, sizeof target),
		model->objects[index].size);
	CHECK(memcmp(target, model->objects[index].data, model->objects[index].size) == 0);
	close_object(index);
}

static void check_all(void)
{
	for (int i = 0; i < OBJECTS_MAX; i++) {
		struct listing listing = {i, 0};
		uint64_t cookie = 0;
		int expected = 0;

		switch (sModel.objects[i].kind) {
		case DIRECTORY_OBJECT:
			CHECK_NUMBER(ext2_readdir(open_object(i), &cookie, visit, &listing), 0);
			close_object(i);
			for (int j = 0; j < NAMES_MAX; j++)
				expected += sModel.names[j].used && sModel.names[j].directory == i;
			CHECK_NUMBER(listing.count, expected);
			break;
		case FILE_OBJECT:
			check_contents(i);
			break;
		case SYMLINK_OBJECT:
			check_link(i, &sModel);
			break;
		default:
			break;
		}
	}
}

static int mount_image(void)
{
	int error = ext2_mount(&sDisk.device, false, 256 * 1024, now, &sFs);

	CHECK_NUMBER(error, 0);
	return error;
}

/* ---- Tests ------------------------------------------------------------------------ */

static void test_random(const char *options, int calls)
{
	long before = sAllocations;

	if (!make_image(options)) {
		CHECK(!"mke2fs works");
		return;
	}
	start_model();
	if (mount_image() != 0)
		return;
	for (int i = 0; i < calls && sFailures == 0; i++) {
		random_call(true);
		if (i % 1000 == 999) {
			close_all();
			check_all();
			CHECK_NUMBER(ext2_unmount(sFs), 0);
			check_image(options);
			mount_image();
			check_all();
		}
	}
	close_all();
	CHECK_NUMBER(ext2_unmount(sFs), 0);
	check_image(options);
	CHECK_NUMBER(sAllocations, before);
	free_model(&sModel);
	disk_free(&sDisk);
}

/*
 * After a stop: whatever the last sync had and nobody has changed since. A name
 * is checked with all directories above it.
 */
static bool is_untouched(int directory, unsigned synced)
{
	for (;;) {
		/* Only what moved the directory itself matters, and that changes it. */
		if (sModel.objects[directory].kind != DIRECTORY_OBJECT)
			return false;
		if (directory == 0)
			return true;
		if (sModel.objects[directory].parent != sSynced->objects[directory].parent)
			return false;
		for (int i = 0; i < NAMES_MAX; i++) {
			if (sSynced->names[i].used && sSynced->names[i].object == directory
				&& (!sModel.names[i].used || sModel.names[i].stamp > synced))
				return false;
		}
		directory = sSynced->objects[directory].parent;
	}
}

static int find_directory(int directory, uint32_t *_number)
{
	struct ext2_node node;
	uint32_t parent;
	int error;

	if (directory == 0) {
		*_number = EXT2_ROOT_INODE;
		return 0;
	}
	error = find_directory(sSynced->objects[directory].parent, &parent);
	if (error == 0)
		error = ext2_load(sFs, parent, &node);
	if (error != 0)
		return error;
	error = -ENOENT;
	for (int i = 0; i < NAMES_MAX; i++) {
		const struct name *name = &sSynced->names[i];

		if (name->used && name->object == directory)
			error = ext2_lookup(&node, name->text, strlen(name->text), _number);
	}
	ext2_release(&node);
	return error;
}

static int check_confirmed(unsigned synced)
{
	int checked = 0;

	for (int i = 0; i < NAMES_MAX; i++) {
		const struct name *name = &sSynced->names[i];
		struct ext2_node node;
		uint32_t number;
		struct object *object = &sSynced->objects[name->object];
		struct bytes bytes = {0};
		size_t done;
		int error;

		if (!name->used || !sModel.names[i].used || sModel.names[i].stamp > synced
			|| !is_untouched(name->directory, synced))
			continue;
		error = find_directory(name->directory, &number);
		if (error == 0)
			error = ext2_load(sFs, number, &node);
		CHECK_NUMBER(error, 0);
		if (error != 0)
			continue;
		error = ext2_lookup(&node, name->text, strlen(name->text), &number);
		CHECK_NUMBER(error, 0);
		CHECK_NUMBER(number, object->number);
		ext2_release(&node);
		checked++;
		if (error != 0 || object->kind != FILE_OBJECT
			|| sModel.objects[name->object].stamp > synced)
			continue;
		bytes.data = malloc(object->size + 1);
		CHECK_NUMBER(ext2_load(sFs, number, &node), 0);
		CHECK_NUMBER(ext2_size(&node), object->size);
		CHECK_NUMBER(ext2_read(&node, 0, object->size, give, &bytes, &done), 0);
		CHECK(done == object->size
			  && (done == 0 || memcmp(bytes.data, object->data, done) == 0));
		ext2_release(&node);
		free(bytes.data);
	}
	return checked;
}

static void test_stops(const char *options, int rounds)
{
	int checked = 0;

	if (!make_image(options)) {
		CHECK(!"mke2fs works");
		return;
	}
	save_image();
	for (int round = 0; round < rounds && sFailures == 0; round++) {
		int how = (int)below(3);
		unsigned synced;

		run("mke2fs -q -F %s %s 8M >/dev/null 2>&1", options);
		load_image();
		start_model();
		if (mount_image() != 0)
			return;
		disk_watch(&sDisk);
		for (int i = (int)below(300); i > 0; i--)
			random_call(true);
		do_sync();
		synced = sStamp;
		/* It stops in the midst of something, or between. */
		if (below(2) == 0)
			sDisk.stop_after = (long)below(40);
		for (int i = (int)below(150); i > 0 && !sDisk.frozen; i--)
			random_call(false);
		if (below(2) == 0)
			ext2_sync(sFs);
		disk_stop(&sDisk, how == 0 ? -1 : how == 1 ? 50 : 0);
		ext2_abandon(sFs);
		forget_open();
		if (below(2) == 0) {
			int status;

			save_image();
			status = run("e2fsck -p %s%s >/dev/null 2>&1", "");
			CHECK(status == 0 || status == 1);
			load_image();
		} else {
			mount_image();
			CHECK_NUMBER(ext2_unmount(sFs), 0);
		}
		check_image("after a stop");
		if (mount_image() != 0)
			return;
		checked += check_confirmed(synced);
		CHECK_NUMBER(ext2_unmount(sFs), 0);
		free(sDisk.stable);
		sDisk.stable = NULL;
	}
	CHECK(checked > rounds);
	free_model(&sModel);
	disk_free(&sDisk);
}

/* A file of `size` bytes, all of them `byte`. */
static void fill(const char *name, uint8_t byte, size_t size, bool is_new)
{
	struct ext2_node root, node;
	struct bytes bytes = {.data = malloc(size)};
	uint32_t number;
	size_t done;

	memset(bytes.data, byte, size);
	CHECK_NUMBER(ext2_load(sFs, EXT2_ROOT_INODE, &root), 0);
	if (is_new)
		CHECK_NUMBER(
			ext2_create(&root, name, strlen(name), EXT2_REGULAR | 0644, &number), 0);
	else
		CHECK_NUMBER(ext2_lookup(&root, name, strlen(name), &number), 0);
	CHECK_NUMBER(ext2_load(sFs, number, &node), 0);
	CHECK_NUMBER(ext2_truncate(&node, 0), 0);
	CHECK_NUMBER(ext2_write(&node, 0, size, take, &bytes, &done), 0);
	ext2_release(&node);
	ext2_release(&root);
	free(bytes.data);
}

static bool holds(const char *name, uint8_t byte, size_t size)
{
	struct ext2_node root, node;
	struct bytes bytes = {.data = malloc(size + 1)};
	uint32_t number;
	size_t done = 0;
	bool is_right = false;

	CHECK_NUMBER(ext2_load(sFs, EXT2_ROOT_INODE, &root), 0);
	if (ext2_lookup(&root, name, strlen(name), &number) == 0
		&& ext2_load(sFs, number, &node) == 0) {
		CHECK_NUMBER(ext2_read(&node, 0, size + 1, give, &bytes, &done), 0);
		is_right = done == size;
		for (size_t i = 0; i < done; i++)
			is_right = is_right && bytes.data[i] == byte;
		ext2_release(&node);
	}
	ext2_release(&root);
	free(bytes.data);
	return is_right;
}

/* A file's blocks are not another's before the disk knows that it lost them. */
static void test_reuse(void)
{
	const size_t size = 200000;

	for (int stop = 0; stop < 40 && sFailures == 0; stop++) {
		make_image("-t ext3 -b 1024 -N 64");
		if (mount_image() != 0)
			return;
		fill("old", 'o', size, true);
		ext2_sync(sFs);
		disk_watch(&sDisk);
		sDisk.stop_after = stop;
		fill("old", 'n', 10, false);
		/* So that all blocks are used once. */
		for (int i = 0; i < 45; i++) {
			char name[12];

			sprintf(name, "new%d", i);
			fill(name, 'n', size / 2, true);
		}
		ext2_sync(sFs);
		disk_stop(&sDisk, -1);
		ext2_abandon(sFs);
		if (mount_image() != 0)
			return;
		CHECK(holds("old", 'o', size) || holds("old", 'n', 10) || holds("old", 0, 0));
		ext2_unmount(sFs);
		check_image("after blocks were used again");
		disk_free(&sDisk);
	}
}

/* A block of metadata that begins as those of the journal do. */
static void test_escape(void)
{
	static const uint8_t kMagic[] = {0xc0, 0x3b, 0x39, 0x98};
	const uint32_t block = 7000;

	for (int by_e2fsck = 0; by_e2fsck < 2; by_e2fsck++) {
		struct buffer *buffer;

		make_image("-t ext3 -b 1024 -N 64");
		if (mount_image() != 0)
			return;
		disk_watch(&sDisk);
		CHECK_NUMBER(block_get(&sFs->cache, block, &buffer), 0);
		memset(buffer->data, 'x', 1024);
		memcpy(buffer->data, kMagic, sizeof kMagic);
		block_changed(&sFs->cache, buffer, BUFFER_METADATA);
		block_put(&sFs->cache, buffer);
		fill("file", 'f', 1000, true);
		CHECK_NUMBER(ext2_sync(sFs), 0);
		disk_stop(&sDisk, -1);
		ext2_abandon(sFs);
		CHECK(sDisk.data[block * 1024] == 0);
		if (by_e2fsck) {
			save_image();
			run("e2fsck -p %s%s >/dev/null", "");
			load_image();
		}
		if (mount_image() != 0)
			return;
		CHECK(holds("file", 'f', 1000));
		CHECK(memcmp(sDisk.data + block * 1024, kMagic, sizeof kMagic) == 0);
		CHECK(sDisk.data[block * 1024 + 4] == 'x');
		ext2_unmount(sFs);
		disk_free(&sDisk);
	}
}

/*
 * The log begins anew, and the machine stops in the midst of what comes next: of that,
 * and of nothing else, any part may be on the disk. What was there before still is.
 */
static void test_log_begins_anew(void)
{
	for (int round = 0; round < 12 && sFailures == 0; round++) {
		uint32_t head;

		make_image("-t ext3 -b 1024 -N 512");
		if (mount_image() != 0)
			return;
		disk_watch(&sDisk);
		/* Until the log has begun anew, without a flush since of the test's own. */
		for (int i = 0; i < 500; i++) {
			char name[12];

			sprintf(name, "f%d", i % 200);
			fill(name, 'x', 3000, i < 200);
			head = sFs->journal.head;
			CHECK_NUMBER(ext2_sync(sFs), 0);
			if (sFs->journal.head < head)
				break;
		}
		CHECK_NUMBER(sFs->journal.head, sFs->journal.first);
		for (int i = 0; i < 20; i++) {
			char name[12];

			sprintf(name, "g%d", i);
			fill(name, 'y', 3000, true);
		}
		sDisk.stop_after = 1 + round % 6;
		ext2_sync(sFs);
		disk_stop(&sDisk, 50);
		ext2_abandon(sFs);
		if (mount_image() != 0)
			return;
		CHECK(holds("f1", 'x', 3000));
		CHECK_NUMBER(ext2_unmount(sFs), 0);
		check_image("after the log began anew");
		disk_free(&sDisk);
	}
}

/* Files that are open without a name when the machine is turned off, or stops. */
static void test_orphans(void)
{
	static const char *const kNames[] = {"a", "b", "c"};

	for (int is_stopped = 0; is_stopped < 2; is_stopped++) {
		struct ext2_node root, nodes[3];
		uint32_t number;

		make_image("-t ext3 -b 1024 -N 64");
		if (mount_image() != 0)
			return;
		disk_watch(&sDisk);
		for (int i = 0; i < 3; i++)
			fill(kNames[i], 'x', 30000, true);
		CHECK_NUMBER(ext2_load(sFs, EXT2_ROOT_INODE, &root), 0);
		for (int i = 0; i < 3; i++) {
			CHECK_NUMBER(ext2_lookup(&root, kNames[i], 1, &number), 0);
			CHECK_NUMBER(ext2_load(sFs, number, &nodes[i]), 0);
			CHECK_NUMBER(ext2_unlink(&root, kNames[i], 1, &nodes[i]), 0);
		}
		/* From the middle of the list. */
		ext2_release(&nodes[1]);
		if (is_stopped) {
			CHECK_NUMBER(ext2_sync(sFs), 0);
			disk_stop(&sDisk, -1);
			ext2_abandon(sFs);
			mount_image();
		} else {
			CHECK_NUMBER(ext2_shut_down(sFs), 0);
			check_image("with files open at the end");
			ext2_release(&nodes[0]);
			ext2_release(&nodes[2]);
			ext2_release(&root);
		}
		CHECK_NUMBER(ext2_unmount(sFs), 0);
		check_image("after files lost their names");
		CHECK_NUMBER(sAllocations, 0);
		disk_free(&sDisk);
	}
}

/* The machine stops again while it removes what had no name when it stopped. */
static void test_orphans_again(void)
{
	enum { COUNT = 40 };
	struct ext2_node root, nodes[COUNT];
	uint32_t number;
	bool is_stopped = true;

	for (int stop = 0; is_stopped && sFailures == 0; stop += 9) {
		make_image("-t ext3 -b 1024 -N 512 -g 1024");
		if (mount_image() != 0)
			return;
		disk_watch(&sDisk);
		CHECK_NUMBER(ext2_load(sFs, EXT2_ROOT_INODE, &root), 0);
		for (int i = 0; i < COUNT; i++) {
			char name[12];

			sprintf(name, "f%d", i);
			fill(name, 'x', 40000, true);
			CHECK_NUMBER(ext2_lookup(&root, name, strlen(name), &number), 0);
			CHECK_NUMBER(ext2_load(sFs, number, &nodes[i]), 0);
			CHECK_NUMBER(ext2_unlink(&root, name, strlen(name), &nodes[i]), 0);
		}
		CHECK_NUMBER(ext2_sync(sFs), 0);
		disk_stop(&sDisk, -1);
		ext2_abandon(sFs);
		/* So that whatever may be committed is. */
		sStep = 10;
		sDisk.stop_after = stop;
		mount_image();
		is_stopped = sDisk.frozen;
		disk_stop(&sDisk, -1);
		ext2_abandon(sFs);
		sStep = 0;
		if (mount_image() != 0)
			return;
		CHECK((sFs->super->state & EXT2_STATE_ERROR) == 0);
		CHECK_NUMBER(ext2_unmount(sFs), 0);
		check_image("after files without a name were removed twice");
		disk_free(&sDisk);
	}
}

/* What is damaged is an error, and told to e2fsck and to who mounts it next. */
static void test_damaged(void)
{
	struct ext2_node root, node;
	uint32_t number;
	uint32_t block = 0x7fffffff;
	struct bytes bytes = {.data = malloc(20000)};
	size_t done;

	make_image("-t ext3 -b 1024 -N 64");
	if (mount_image() != 0)
		return;
	fill("file", 'x', 20000, true);
	CHECK_NUMBER(ext2_load(sFs, EXT2_ROOT_INODE, &root), 0);
	CHECK_NUMBER(ext2_lookup(&root, "file", 4, &number), 0);
	CHECK_NUMBER(ext2_load(sFs, number, &node), 0);
	node.disk->block[3] = block;
	CHECK_NUMBER(ext2_read(&node, 0, 20000, give, &bytes, &done), -EIO);
	CHECK_NUMBER(done, 3072);
	ext2_release(&node);
	ext2_release(&root);
	CHECK_NUMBER(ext2_unmount(sFs), 0);
	CHECK_NUMBER(ext2_mount(&sDisk.device, false, 65536, now, &sFs), 0);
	CHECK(sFs->read_only);
	CHECK_NUMBER(ext2_unmount(sFs), 0);
	CHECK_NUMBER(sAllocations, 0);
	disk_free(&sDisk);
	free(bytes.data);
}

/* A disk that fails: errors, and nothing else. */
static void test_failures(void)
{
	for (int round = 0; round < 40; round++) {
		uint32_t number;
		struct ext2_node root;
		int error;

		make_image(round % 2 == 0 ? "-t ext3" : "-t ext2");
		sDisk.fail_after = round;
		error = ext2_mount(&sDisk.device, false, 65536, now, &sFs);
		if (error == 0) {
			if (ext2_load(sFs, EXT2_ROOT_INODE, &root) == 0) {
				ext2_create(&root, "a", 1, EXT2_REGULAR | 0644, &number);
				error = ext2_sync(sFs);
				CHECK(error == 0 || error == -EIO);
				error = ext2_create(&root, "b", 1, EXT2_REGULAR | 0644, &number);
				ext2_release(&root);
			}
			ext2_abandon(sFs);
		} else {
			CHECK(error == -EIO || error == -EUCLEAN);
		}
		CHECK_NUMBER(sAllocations, 0);
		disk_free(&sDisk);
	}
}

static bool is_there(struct ext2_node *directory, const char *name)
{
	uint32_t number;
	int error = ext2_lookup(directory, name, strlen(name), &number);

	CHECK(error == 0 || error == -ENOENT);
	return error == 0;
}

/* A rename that fails has done nothing, wherever in directories larger than the cache. */
static void test_rename_fails(void)
{
	static const char *const kNames[] = {"from", "to"};
	struct ext2_node root, node, directories[2];
	uint32_t number;
	int at = 0;

	make_image("-t ext3 -b 1024 -N 2048");
	if (ext2_mount(&sDisk.device, false, 0, now, &sFs) != 0)
		return;
	CHECK_NUMBER(ext2_load(sFs, EXT2_ROOT_INODE, &root), 0);
	for (int i = 0; i < 2; i++) {
		CHECK_NUMBER(ext2_create(&root, kNames[i], strlen(kNames[i]),
						 EXT2_DIRECTORY | 0755, &number),
			0);
		CHECK_NUMBER(ext2_load(sFs, number, &directories[i]), 0);
		for (int j = 0; j < 300; j++) {
			char name[201];

			sprintf(name, "%0200d", j);
			CHECK_NUMBER(
				ext2_create(&directories[i], name, 200, EXT2_REGULAR | 0644, &number), 0);
		}
	}
	CHECK_NUMBER(ext2_create(&directories[0], "x", 1, EXT2_REGULAR | 0644, &number), 0);
	CHECK_NUMBER(ext2_load(sFs, number, &node), 0);
	for (int round = 0; round < 300 && sFailures == 0; round++) {
		int error;

		CHECK_NUMBER(ext2_sync(sFs), 0);
		sDisk.fail_after = round;
		error =
			ext2_rename(&directories[at], "x", 1, &node, &directories[!at], "x", 1, NULL);
		sDisk.fail_after = -1;
		at = error == 0 ? !at : at;
		CHECK(is_there(&directories[at], "x") && !is_there(&directories[!at], "x"));
	}
	ext2_release(&node);
	ext2_release(&directories[0]);
	ext2_release(&directories[1]);
	ext2_release(&root);
	CHECK_NUMBER(ext2_unmount(sFs), 0);
	check_image("after renames that failed");
	disk_free(&sDisk);
}

static void test_refused(void)
{
	make_image("-t ext4");
	CHECK_NUMBER(ext2_mount(&sDisk.device, false, 65536, now, &sFs), -EUCLEAN);
	disk_free(&sDisk);
	make_image("-t ext2");
	sDisk.data[1024 + 56] = 0;
	CHECK_NUMBER(ext2_mount(&sDisk.device, false, 65536, now, &sFs), -EINVAL);
	sDisk.data[1024 + 56] = 0x53;
	sDisk.data[1024 + 58] = 0; /* not left in order */
	CHECK_NUMBER(ext2_mount(&sDisk.device, false, 65536, now, &sFs), 0);
	CHECK(sFs->read_only);
	CHECK_NUMBER(ext2_unmount(sFs), 0);
	CHECK_NUMBER(sAllocations, 0);
	disk_free(&sDisk);
}

int main(void)
{
	static const char *const kOptions[] = {
		"-t ext3 -b 1024 -N 512",
		"-t ext3 -b 4096 -O ^dir_index,^resize_inode",
		"-t ext2 -b 1024 -I 128 -O ^filetype",
		"-t ext3 -b 2048 -O ^sparse_super,^large_file,^resize_inode",
		"-t ext2 -b 4096 -N 64",
		"-t ext3 -b 1024 -g 1024 -N 1024",
	};
	const char *seed = getenv("EXT2_SEED");
	const char *rounds = getenv("EXT2_ROUNDS");

	sLogShown = getenv("EXT2_LOG") != NULL;
	setvbuf(stdout, NULL, _IOLBF, 0);
	srand(seed != NULL ? (unsigned)atoi(seed) : 1);
	CHECK(mkdtemp(sFolder) != NULL);
	snprintf(sImage, sizeof sImage, "%s/image", sFolder);
	sSynced = calloc(1, sizeof *sSynced);
	test_refused();
	for (size_t i = 0; i < sizeof kOptions / sizeof *kOptions && sFailures == 0; i++)
		test_random(kOptions[i], 2000);
	for (size_t i = 0; i < sizeof kOptions / sizeof *kOptions && sFailures == 0; i++) {
		if (strstr(kOptions[i], "ext3") != NULL)
			test_stops(kOptions[i], rounds != NULL ? atoi(rounds) : 12);
	}
	test_reuse();
	test_escape();
	test_log_begins_anew();
	test_orphans();
	test_orphans_again();
	test_damaged();
	if (sFailures == 0)
		test_failures();
	test_rename_fails();
	unlink(sImage);
	rmdir(sFolder);
	free_model(sSynced);
	free(sSynced);
	return check_result();
}
