/* The name cache; see name_cache.h. */
#include "kernel/name_cache.h"
#include "kernel/heap.h"
#include "kernel/list.h"
#include "kernel/string.h"
#include "kernel/vfs.h"

#define SLOTS 256
#define ENTRIES_MAX 1024

/* It holds a reference to both vnodes. */
struct entry {
	struct list hashed;
	struct list by_use; /* the first was used longest ago */
	struct vnode *directory;
	struct vnode *vnode; /* NULL: the name is not there */
	size_t length;
	char name[];
};

/* A released vnode may come here again, so nothing is released with the lock. */
static struct spinlock sLock = SPINLOCK("names", RANK_FILES);
static struct list sSlots[SLOTS];
static struct list sByUse = {&sByUse, &sByUse};
static unsigned sCount;

static struct list *slot_of(
	const struct vnode *directory, const char *name, size_t length)
{
	uint32_t hash = 2166136261u ^ (uint32_t)(uintptr_t)directory >> 4; /* FNV-1a */
	struct list *slot;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (uint8_t)name[i]) * 16777619u;
	slot = &sSlots[(hash ^ hash >> 16) % SLOTS];
	if (slot->next == NULL)
		list_init(slot);
	return slot;
}

static struct entry *find(const struct vnode *directory, const char *name, size_t length)
{
	struct list *slot = slot_of(directory, name, length);

	LIST_FOR_EACH(link, slot)
	{
		struct entry *entry = LIST_ENTRY(link, struct entry, hashed);

		if (entry->directory == directory && entry->length == length
			&& memcmp(entry->name, name, length) == 0)
			return entry;
	}
	return NULL;
}

static void take_off(struct entry *entry)
{
	list_remove(&entry->hashed);
	list_remove(&entry->by_use);
	sCount--;
}

static void release(struct entry *entry)
{
	if (entry == NULL)
		return;
	vnode_put(entry->vnode);
	vnode_put(entry->directory);
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
	entry->directory = directory;
	entry->vnode = vnode;
	entry->length = length;
	memcpy(entry->name, name, length);
	vnode_reference(directory);
	if (vnode != NULL)
		vnode_reference(vnode);
	spin_lock(&sLock);
	if (sCount == ENTRIES_MAX) {
		oldest = LIST_ENTRY(sByUse.next, struct entry, by_use);
		take_off(oldest);
	}
	list_add(slot_of(directory, name, length), &entry->hashed);
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

		if (entry->directory == directory || entry->directory->mount == mount) {
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
