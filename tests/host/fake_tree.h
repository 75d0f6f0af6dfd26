/*
 * What kernel/path.c asks of the rest of the kernel, over a tree that does not
 * change. For test_path.c and fuzz_path.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <postern/errno.h>

#include "kernel/path.h"
#include "kernel_around.h"

enum fake_kind { DIRECTORY, FILE_NODE, LINK };

struct vnode {
	const char *name;
	int parent;
	enum fake_kind kind;
	const char *target; /* NULL: cannot be read */
	int references;
};

#define FAKE_START 1

static struct vnode gTree[] = {
	{"/", 0, DIRECTORY, NULL, 0},
	{"home", 0, DIRECTORY, NULL, 0},
	{"file", 1, FILE_NODE, NULL, 0},
	{"deep", 1, DIRECTORY, NULL, 0},
	{"er", 3, DIRECTORY, NULL, 0},
	{"to_file", 1, LINK, "file", 0},
	{"to_deep", 1, LINK, "./deep//", 0},
	{"to_root", 1, LINK, "/", 0},
	{"to_none", 1, LINK, "../home/none", 0},
	{"to_empty", 1, LINK, "", 0},
	{"loop", 1, LINK, "deep/../loop", 0},
	{"broken", 1, LINK, NULL, 0},
};
#define FAKE_COUNT (sizeof gTree / sizeof gTree[0])

static inline int fake_references(void)
{
	int sum = 0;

	for (size_t i = 0; i < FAKE_COUNT; i++)
		sum += gTree[i].references;
	return sum;
}

bool path_is_directory(const struct vnode *vnode)
{
	return vnode->kind == DIRECTORY;
}

bool path_is_link(const struct vnode *vnode)
{
	return vnode->kind == LINK;
}

int path_lookup(
	struct vnode *directory, const char *name, size_t length, struct vnode **_vnode)
{
	int parent = (int)(directory - gTree);

	if (directory->kind != DIRECTORY || length == 0 || length > 255
		|| directory->references <= 0 || memchr(name, '/', length) != NULL
		|| memchr(name, '\0', length) != NULL || (length == 1 && name[0] == '.'))
		abort();
	for (size_t i = 0; i < FAKE_COUNT; i++) {
		bool up = length == 2 && memcmp(name, "..", 2) == 0;

		if (up ? (int)i == directory->parent
			   : i > 0 && gTree[i].parent == parent && strlen(gTree[i].name) == length
					 && memcmp(gTree[i].name, name, length) == 0) {
			gTree[i].references++;
			*_vnode = &gTree[i];
			return 0;
		}
	}
	return -ENOENT;
}

ssize_t path_read_link(struct vnode *link, char *target, size_t size)
{
	size_t length;

	if (link->kind != LINK || link->references <= 0)
		abort();
	if (link->target == NULL)
		return -EIO;
	length = strlen(link->target) < size ? strlen(link->target) : size;
	memcpy(target, link->target, length);
	return (ssize_t)length;
}

void path_reference(struct vnode *vnode)
{
	vnode->references++;
}

void path_put(struct vnode *vnode)
{
	if (vnode->references-- <= 0)
		abort();
}
