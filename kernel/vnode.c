/* Vnodes: how they are counted, found and given back; see vfs.h. */
#include "kernel/heap.h"
#include "kernel/panic.h"
#include "kernel/vfs.h"
#include <postern/errno.h>

#define HASH_SLOTS 256

static struct spinlock sLock = SPINLOCK("vnodes", RANK_FILES);
static struct list sHash[HASH_SLOTS]; /* those with VNODE_HASHED */

static struct list *slot_of(const struct mount *mount, uint64_t number)
{
	uint32_t hash = (uint32_t)number ^ (uint32_t)(number >> 32) ^ mount->number * 31;

	return list_made(&sHash[hash % HASH_SLOTS]);
}

void vnode_init(struct vnode *vnode, struct mount *mount, uint64_t number,
	const struct vnode_operations *operations, mode_t mode)
{
	*vnode = (struct vnode){
		.operations = operations,
		.mount = mount,
		.number = number,
		.references = 1,
		.mode = mode,
		.links = 1,
	};
	list_init(&vnode->hashed);
	mutex_init(&vnode->lock, "vnode");
	vnode->accessed = vnode->modified = vnode->changed = vfs_time();
	if (mount != NULL)
		__atomic_add_fetch(&mount->vnodes, 1, __ATOMIC_SEQ_CST);
}

void vnode_reference(struct vnode *vnode)
{
	ASSERT(vnode->references > 0);
	__atomic_add_fetch(&vnode->references, 1, __ATOMIC_SEQ_CST);
}

/* Whether it was the last one; then nobody can find the vnode any more. */
static bool drop(struct vnode *vnode)
{
	bool last;

	/* With the lock, so that vnode_get() never finds one without references. */
	spin_lock(&sLock);
	last = __atomic_sub_fetch(&vnode->references, 1, __ATOMIC_SEQ_CST) == 0;
	if (last)
		list_remove(&vnode->hashed);
	spin_unlock(&sLock);
	return last;
}

static void release(struct vnode *vnode)
{
	struct mount *mount = vnode->mount;

	ASSERT(vnode->locks == NULL);
	vnode->operations->release(vnode);
	if (mount != NULL)
		__atomic_sub_fetch(&mount->vnodes, 1, __ATOMIC_SEQ_CST);
}

void vnode_put(struct vnode *vnode)
{
	uint32_t references;

	if (vnode == NULL)
		return;
	if (!(vnode->flags & VNODE_HASHED)) {
		if (__atomic_sub_fetch(&vnode->references, 1, __ATOMIC_SEQ_CST) == 0)
			release(vnode);
		return;
	}
	/* Most often it is not the last. */
	references = __atomic_load_n(&vnode->references, __ATOMIC_SEQ_CST);
	while (references > 1) {
		if (__atomic_compare_exchange_n(&vnode->references, &references, references - 1,
				false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return;
	}
	struct mount *mount = vnode->mount;

	/* Whoever asks for the number meanwhile waits until it is on the medium. */
	mutex_lock(&mount->load_lock);
	if (drop(vnode))
		release(vnode);
	mutex_unlock(&mount->load_lock);
}

static struct vnode *find(struct mount *mount, uint64_t number)
{
	struct vnode *found = NULL;
	struct list *slot;

	spin_lock(&sLock);
	slot = slot_of(mount, number);
	LIST_FOR_EACH(link, slot)
	{
		struct vnode *vnode = LIST_ENTRY(link, struct vnode, hashed);

		if (vnode->mount == mount && vnode->number == number) {
			vnode_reference(vnode);
			found = vnode;
			break;
		}
	}
	spin_unlock(&sLock);
	return found;
}

void vnode_publish(struct vnode *vnode)
{
	spin_lock(&sLock);
	vnode->flags |= VNODE_HASHED;
	list_add(slot_of(vnode->mount, vnode->number), &vnode->hashed);
	spin_unlock(&sLock);
}

int vnode_get(struct mount *mount, uint64_t number, struct vnode **_vnode)
{
	int error = 0;

	*_vnode = find(mount, number);
	if (*_vnode != NULL)
		return 0;
	mutex_lock(&mount->load_lock);
	*_vnode = find(mount, number);
	if (*_vnode == NULL) {
		error = mount->type->load(mount, number, _vnode);
		if (error == 0)
			vnode_publish(*_vnode);
	}
	mutex_unlock(&mount->load_lock);
	return error;
}
