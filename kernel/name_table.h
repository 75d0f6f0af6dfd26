/*
 * Hash tables of names in directories, for name_cache.c and ramfs.c. Neither
 * allocates nor locks: a table is guarded by a lock of its owner's, which is
 * held.
 */
#pragma once

#include "kernel/list.h"

struct vnode;

/* A part of what is found by the name. */
struct name_key {
	struct list hashed;
	struct vnode *directory;
	size_t length;
	const char *name; /* no NUL */
};

struct name_table {
	struct list *slots; /* zeros at first */
	size_t count;
};

/* `copy` is where the name is kept, as long as the key. */
void name_key_init(struct name_key *key, struct vnode *directory, char *copy,
	const char *name, size_t length);

/* The name is not there. list_remove(&key->hashed) takes it off again. */
void name_table_add(const struct name_table *table, struct name_key *key);

/* NULL: it is not there. */
struct name_key *name_table_find(const struct name_table *table,
	const struct vnode *directory, const char *name, size_t length);
