/* The name cache; see name_cache.h. */
#include "kernel/name_cache.h"
#include "kernel/heap.h"
#include "kernel/name_table.h"
#include "kernel/vfs.h"

#define SLOTS 256
#define ENTRIES_MAX 1024

/* It holds a reference to both vnodes. */
struct entry {
	struct name_key key;
	struct list by_use;	 /* the first was used longest ago */
	struct vnode *vnode; /* NULL: the name is not there */
	char name[];
};

/* A released vnode may come here again, so nothing is released with the lock. */
static struct spinlock sLock = SPINLOCK("names", RANK_FILES);
static struct list sSlots[SLOTS];
static const struct name_table kNames = {sSlots, SLOTS};
static struct list sByUse = {&sByUse, &sByUse};
static unsigned sCount;

static struct entry *find(const struct vnode *directory, const char *name, size_t length)
{
	struct name_key *key = name_table_find(&kNames, directory, name, length);

	return key != NULL ? LIST_ENTRY(key, struct entry, key) : NULL;
}

static void take_off(struct entry *entry)
{
	list_remove(&entry->key.hashed);
	list_remove(&entry->by_use);
	sCount--;
}

static void release(struct entry *entry)
{
	if (entry == NULL)
		return;
	vnode_put(entry->vnode);
	vnode_put(entry->key.directory);
	heap_free(entry);
}

bool name_cache_find(
	struct vnode *directory, const char *name, size_t length, struct vnode **_vnode)
{
	struct entry *entry;

	spin_lock(&sLock);
	entry = find(directory, name, length);
	if (entry != NULL) {
		list_remove(&entry->by_use);
		list_add(&sByUse, &entry->by_use);
		*_vnode = entry->vnode;
		if (entry->vnode != NULL)
			vnode_reference(entry->vnode);
	}
	spin_unlock(&sLock);
	return entry != NULL;
}

void name_cache_add(
	struct vnode *directory, const char *name, size_t length, struct vnode *vnode)
{
	struct entry *entry = heap_allocate(sizeof *entry + length);
	struct entry *oldest = NULL;

	if (entry == NULL)
		return; /* it is only a cache */
	name_key_init(&entry->key, directory, entry->name, name, length);
	entry->vnode = vnode;
	vnode_reference(directory);
	if (vnode != NULL)
		vnode_reference(vnode);
	spin_lock(&sLock);
	if (sCount == ENTRIES_MAX) {
		oldest = LIST_ENTRY(sByUse.next, struct entry, by_use);
		take_off(oldest);
	}
	name_table_add(&kNames, &entry->key);
	list_add(&sByUse, &entry->by_use);
	sCount++;
	spin_unlock(&sLock);
	release(oldest);
}

void name_cache_remove(struct vnode *directory, const char *name, size_t length)
{
	struct entry *entry;

	spin_lock(&sLock);
	entry = find(directory, name, length);
	if (entry != NULL)
		take_off(entry);
	spin_unlock(&sLock);
	release(entry);
}

/* One entry that is of the directory, or of the mount. */
static struct entry *take_one(const struct vnode *directory, const struct mount *mount)
{
	struct entry *found = NULL;

	spin_lock(&sLock);
	LIST_FOR_EACH(link, &sByUse)
	{
		struct entry *entry = LIST_ENTRY(link, struct entry, by_use);

		if (entry->key.directory == directory || entry->key.directory->mount == mount) {
			found = entry;
			take_off(entry);
			break;
		}
	}
	spin_unlock(&sLock);
	return found;
}

void name_cache_remove_directory(struct vnode *directory)
{
	struct entry *entry;

	while ((entry = take_one(directory, NULL)) != NULL)
		release(entry);
}

void name_cache_remove_mount(struct mount *mount)
{
	struct entry *entry;

	while ((entry = take_one(NULL, mount)) != NULL)
		release(entry);
}
