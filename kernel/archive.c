/*
 * Read-only view of ustar archives in memory. See archive.h.
 *
 * Called when the root is filled; pure, so that the host tests and the fuzzer run the
 * same code.
 */
#include "kernel/archive.h"

#include "kernel/string.h"

#include <postern/errno.h>

#define BLOCK_SIZE 512

/* The header: one block. Text without a NUL fills its field. */
struct ustar_header {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char link_name[100];
	char magic[8]; /* with the version */
	char user_name[32];
	char group_name[32];
	char device_major[8];
	char device_minor[8];
	char prefix[155];
	char padding[12];
};

_Static_assert(sizeof(struct ustar_header) == BLOCK_SIZE, "a ustar header is one block");

/* "ustar", a NUL and the version "00". GNU tar's own format has spaces here, and
 * other things where the prefix would be. */
static const char kMagic[8] = {'u', 's', 't', 'a', 'r', '\0', '0', '0'};

enum entry_kind { ENTRY_FILE, ENTRY_DIRECTORY, ENTRY_LINK, ENTRY_OTHER };

struct entry {
	enum entry_kind kind;
	const char *target; /* of an ENTRY_LINK: 100 bytes, or a NUL before */
	struct archive_file file;
};

/*
 * An octal number in a field: spaces, digits, then NULs or spaces. GNU's
 * base-256 numbers, whose first byte has its high bit set, are for sizes from
 * 8 GiB up and fail here like any other byte.
 */
static bool parse_octal(const char *field, size_t size, uint32_t *_value)
{
	size_t i = 0;
	uint32_t value = 0;

	while (i < size && field[i] == ' ')
		i++;

	size_t first = i;
	for (; i < size && field[i] >= '0' && field[i] <= '7'; i++) {
		if (value > UINT32_MAX >> 3)
			return false;
		value = value << 3 | (uint32_t)(field[i] - '0');
	}
	if (i == first)
		return false;

	for (; i < size; i++) {
		if (field[i] != ' ' && field[i] != '\0')
			return false;
	}
	*_value = value;
	return true;
}

static bool checksum_matches(const uint8_t *block)
{
	const struct ustar_header *header = (const struct ustar_header *)block;
	size_t field = offsetof(struct ustar_header, checksum);
	uint32_t expected;
	uint32_t sum = 0;

	if (!parse_octal(header->checksum, sizeof(header->checksum), &expected))
		return false;
	/* The checksum counts as spaces in its own sum. */
	for (size_t i = 0; i < BLOCK_SIZE; i++) {
		bool own = i >= field && i < field + sizeof(header->checksum);

		sum += own ? ' ' : block[i];
	}
	return sum == expected;
}

static bool is_zero(const uint8_t *block)
{
	for (size_t i = 0; i < BLOCK_SIZE; i++) {
		if (block[i] != 0)
			return false;
	}
	return true;
}

/*
 * The next component of `path`, which is neither empty nor `.`. Returns its
 * length, 0 at the end; *_path is moved behind it.
 */
static size_t next_component(const char **_path, const char **_component)
{
	for (;;) {
		const char *start = *_path;

		while (*start == '/')
			start++;

		const char *end = start;
		while (*end != '/' && *end != '\0')
			end++;

		*_path = end;
		*_component = start;
		if (end - start != 1 || *start != '.')
			return (size_t)(end - start);
	}
}

/* The header's name, its components joined by single slashes. */
static void read_name(const struct ustar_header *header, char name[ARCHIVE_NAME_MAX])
{
	char raw[ARCHIVE_NAME_MAX];
	size_t length = strnlen(header->prefix, sizeof(header->prefix));
	size_t name_length = strnlen(header->name, sizeof(header->name));

	memcpy(raw, header->prefix, length);
	if (length > 0)
		raw[length++] = '/';
	memcpy(raw + length, header->name, name_length);
	raw[length + name_length] = '\0';

	const char *next = raw;
	const char *component;
	size_t component_length;
	size_t used = 0;

	/* Never longer than `raw`: only slashes and dots are left out. */
	while ((component_length = next_component(&next, &component)) > 0) {
		if (used > 0)
			name[used++] = '/';
		memcpy(name + used, component, component_length);
		used += component_length;
	}
	name[used] = '\0';
}

/* As archive_next(), but for those that are passed over, too. */
static int next_entry(
	const struct archive *archive, size_t *_offset, struct entry *_entry)
{
	size_t offset = *_offset;

	/* Two blocks of zeroes end an archive. One is taken for it, too, and so
	 * is the end of the memory: every file before it is whole. */
	if (offset == archive->size)
		return 0;
	if (offset > archive->size || archive->size - offset < BLOCK_SIZE)
		return -EINVAL;

	const uint8_t *block = archive->data + offset;
	const struct ustar_header *header = (const struct ustar_header *)block;

	if (is_zero(block))
		return 0;
	if (memcmp(header->magic, kMagic, sizeof(kMagic)) != 0 || !checksum_matches(block))
		return -EINVAL;
	offset += BLOCK_SIZE;

	uint32_t size;
	uint32_t mode;
	if (!parse_octal(header->size, sizeof(header->size), &size)
		|| !parse_octal(header->mode, sizeof(header->mode), &mode))
		return -EINVAL;

	switch (header->type) {
	case '0':
	case '\0':
	case '7': /* contiguous, which means nothing here */
		_entry->kind = ENTRY_FILE;
		break;
	case '5':
		_entry->kind = ENTRY_DIRECTORY;
		size = 0; /* no data follows, whatever the field says */
		break;
	case '2': /* symbolic link */
		_entry->kind = ENTRY_LINK;
		_entry->target = header->link_name;
		size = 0;
		break;
	case '1': /* hard link */
	case '3': /* character device */
	case '4': /* block device */
	case '6': /* FIFO */
		_entry->kind = ENTRY_OTHER;
		size = 0;
		break;
	default:
		_entry->kind = ENTRY_OTHER;
		break;
	}

	/* The data are filled up to a whole block; that must be there, too. */
	size_t remaining = archive->size - offset;
	size_t filled = (size_t)size + (BLOCK_SIZE - size % BLOCK_SIZE) % BLOCK_SIZE;
	if (filled < size || filled > remaining)
		return -EINVAL;

	read_name(header, _entry->file.name);
	_entry->file.data = archive->data + offset;
	_entry->file.size = size;
	_entry->file.mode = mode & 07777;
	*_offset = offset + filled;
	return 1;
}

int archive_next(const struct archive *archive, size_t *offset, enum archive_kind *_kind,
	struct archive_file *_file, char target[ARCHIVE_TARGET_MAX])
{
	struct entry entry;
	size_t next = *offset;
	int result;

	while ((result = next_entry(archive, &next, &entry)) > 0) {
		if (entry.kind == ENTRY_OTHER)
			continue;
		target[0] = '\0';
		if (entry.kind == ENTRY_LINK) {
			size_t length = strnlen(entry.target, ARCHIVE_TARGET_MAX - 1);

			memcpy(target, entry.target, length);
			target[length] = '\0';
		}
		*_kind = entry.kind == ENTRY_FILE		 ? ARCHIVE_FILE
				 : entry.kind == ENTRY_DIRECTORY ? ARCHIVE_DIRECTORY
												 : ARCHIVE_LINK;
		*_file = entry.file;
		*offset = next;
		return 1;
	}
	return result;
}
