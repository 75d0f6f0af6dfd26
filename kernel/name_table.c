/* Hash tables of names in directories; see name_table.h. */
#include "kernel/name_table.h"
#include "kernel/string.h"

static struct list *slot_of(const struct name_table *table, const struct vnode *directory,
	const char *name, size_t length)
{
	uint32_t hash = 2166136261u ^ (uint32_t)(uintptr_t)directory >> 4; /* FNV-1a */

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (uint8_t)name[i]) * 16777619u;
	return list_made(&table->slots[(hash ^ hash >> 16) % table->count]);
}

void name_key_init(struct name_key *key, struct vnode *directory, char *copy,
	const char *name, size_t length)
{
	memcpy(copy, name, length);
	key->directory = directory;
	key->length = length;
	key->name = copy;
}

void name_table_add(const struct name_table *table, struct name_key *key)
{
	list_add(slot_of(table, key->directory, key->name, key->length), &key->hashed);
}

struct name_key *name_table_find(const struct name_table *table,
	const struct vnode *directory, const char *name, size_t length)
{
	struct list *slot = slot_of(table, directory, name, length);

	LIST_FOR_EACH(link, slot)
	{
		struct name_key *key = LIST_ENTRY(link, struct name_key, hashed);

		if (key->directory == directory && key->length == length
			&& memcmp(key->name, name, length) == 0)
			return key;
	}
	return NULL;
}
