/* Mounts, and the kinds of file system that there are; see vfs.h. */
#include "kernel/heap.h"
#include "kernel/name_cache.h"
#include "kernel/procfs.h"
#include "kernel/string.h"
#include "kernel/vfs_internal.h"
#include "syscall_constants.h"
#include <postern/errno.h>

static struct list sTypes = {&sTypes, &sTypes};
static struct list sMounts = {&sMounts, &sMounts}; /* by age */
static struct mutex sLock =
	MUTEX(sLock, "mounts"); /* the two lists; one mount at a time */
/* vnode->mounted_here, mount->covered and mount->leaving */
static struct spinlock sTreeLock = SPINLOCK("mount tree", RANK_FILES);
static uint32_t sLastNumber;
static struct vnode *sRoot;

struct vnode *vfs_root(void)
{
	return sRoot;
}

struct vnode *mount_cross(struct vnode *vnode)
{
	for (;;) {
		struct vnode *root = NULL;

		if (__atomic_load_n(&vnode->mounted_here, __ATOMIC_ACQUIRE) == NULL)
			return vnode;
		spin_lock(&sTreeLock);
		if (vnode->mounted_here != NULL && !vnode->mounted_here->leaving) {
			root = vnode->mounted_here->root;
			vnode_reference(root);
		}
		spin_unlock(&sTreeLock);
		if (root == NULL)
			return vnode;
		vnode_put(vnode);
		vnode = root;
	}
}

struct vnode *mount_uncross(struct vnode *vnode)
{
	vnode_reference(vnode);
	for (;;) {
		struct vnode *covered = NULL;

		spin_lock(&sTreeLock);
		if (vnode == vnode->mount->root && vnode->mount->covered != NULL) {
			covered = vnode->mount->covered;
			vnode_reference(covered);
		}
		spin_unlock(&sTreeLock);
		if (covered == NULL)
			return vnode;
		vnode_put(vnode);
		vnode = covered;
	}
}

bool mount_is_read_only(const struct vnode *vnode)
{
	return vnode->mount != NULL && (vnode->mount->flags & MOUNT_READ_ONLY) != 0;
}

void file_system_register(struct file_system_type *type)
{
	mutex_lock(&sLock);
	list_add(&sTypes, &type->link);
	mutex_unlock(&sLock);
}

static const struct file_system_type *find_type(const char *name)
{
	LIST_FOR_EACH(link, &sTypes)
	{
		const struct file_system_type *type =
			LIST_ENTRY(link, struct file_system_type, link);

		if (strcmp(type->name, name) == 0)
			return type;
	}
	return NULL;
}

/* Attaches the mount to the directory, which then can be neither removed nor moved. */
static int attach(struct mount *mount, struct vnode *directory)
{
	int error = 0;

	mutex_lock(&directory->lock);
	spin_lock(&sTreeLock);
	if (directory->flags & VNODE_REMOVED)
		error = -ENOENT;
	else if (directory->mounted_here != NULL)
		error = -EBUSY;
	else
		__atomic_store_n(&directory->mounted_here, mount, __ATOMIC_RELEASE);
	spin_unlock(&sTreeLock);
	mutex_unlock(&directory->lock);
	return error;
}

static void detach(struct mount *mount)
{
	spin_lock(&sTreeLock);
	__atomic_store_n(&mount->covered->mounted_here, NULL, __ATOMIC_RELEASE);
	spin_unlock(&sTreeLock);
}

/* Whether paths lead into the mount; its directory is not to be removed either way. */
static void set_leaving(struct mount *mount, bool leaving)
{
	spin_lock(&sTreeLock);
	mount->leaving = leaving;
	spin_unlock(&sTreeLock);
}

/*
 * Whether somebody has a vnode of a file system that loads them. Nobody comes in, and
 * under the lock none is loaded or released: who has one cannot have another, of which
 * the first look knew nothing, by the second.
 */
static bool in_use(struct mount *mount)
{
	bool is;

	mutex_lock(&mount->load_lock);
	is = mount->vnodes != 1 || mount->root->references != 1;
	mutex_unlock(&mount->load_lock);
	return is;
}

/* With sLock. Takes the reference to `directory` when it succeeds. */
static int mount_at(struct vnode *directory, const char *path, const char *source_path,
	struct vnode *source, const char *type_name, uint32_t flags, const char *options)
{
	const struct file_system_type *type = find_type(type_name);
	struct mount *mount;
	int error;

	if (type == NULL)
		return -ENODEV;
	mount = heap_allocate(sizeof *mount);
	if (mount == NULL)
		return -ENOMEM;
	mount->type = type;
	mount->flags = flags;
	mount->covered = directory;
	mount->number = ++sLastNumber;
	mutex_init(&mount->rename_lock, "rename");
	mutex_init(&mount->load_lock, "vnodes of a mount");
	strlcpy(mount->source, source_path != NULL ? source_path : type_name,
		sizeof mount->source);
	strlcpy(mount->path, path, sizeof mount->path);
	error = type->mount(mount, source, options != NULL ? options : "");
	if (error != 0) {
		heap_free(mount);
		return error;
	}
	if (directory == NULL) {
		sRoot = mount->root;
	} else if ((error = attach(mount, directory)) != 0) {
		type->unmount(mount);
		heap_free(mount);
		return error;
	}
	list_add(&sMounts, &mount->link);
	return 0;
}

int vfs_mount(const char *source_path, const char *path, const char *type, uint32_t flags,
	const char *options)
{
	struct vnode *source = NULL, *directory = NULL;
	int error = 0;

	if (sRoot != NULL) {
		error = vfs_find(path, true, &directory);
		if (error == 0 && !S_ISDIR(directory->mode))
			error = -ENOTDIR;
		if (error == 0 && source_path != NULL)
			error = vfs_find(source_path, true, &source);
	}
	if (error == 0) {
		mutex_lock(&sLock);
		error = mount_at(directory, path, source_path, source, type, flags, options);
		mutex_unlock(&sLock);
	}
	vnode_put(source);
	if (error != 0)
		vnode_put(directory);
	return error;
}

/* With sLock. */
static int unmount(struct mount *mount)
{
	struct vnode *covered = mount->covered;
	int error;

	if (covered == NULL)
		return -EBUSY; /* the root of all */
	/* From here on nobody comes in, so what is not in use stays so. */
	set_leaving(mount, true);
	name_cache_remove_mount(mount);
	if (mount->type->load != NULL && in_use(mount))
		error = -EBUSY;
	else
		error = mount->type->unmount(mount);
	if (error != 0) {
		set_leaving(mount, false);
		return error;
	}
	detach(mount);
	list_remove(&mount->link);
	heap_free(mount);
	vnode_put(covered);
	return 0;
}

int vfs_unmount(const char *path)
{
	struct vnode *vnode;
	struct mount *mount;
	int error = vfs_find(path, true, &vnode);

	if (error != 0)
		return error;
	mutex_lock(&sLock);
	mount = vnode->mount;
	error = mount == NULL || vnode != mount->root ? -EINVAL : 0;
	/* The lock keeps the mount. */
	vnode_put(vnode);
	if (error == 0)
		error = unmount(mount);
	mutex_unlock(&sLock);
	return error;
}

int vfs_sync(void)
{
	int error = 0;

	mutex_lock(&sLock);
	LIST_FOR_EACH(link, &sMounts)
	{
		struct mount *mount = LIST_ENTRY(link, struct mount, link);

		if (mount->type->sync != NULL && !(mount->flags & MOUNT_READ_ONLY)) {
			int result = mount->type->sync(mount);

			error = error != 0 ? error : result;
		}
	}
	mutex_unlock(&sLock);
	return error;
}

void mount_visit(void (*visit)(const struct mount *mount, void *context), void *context)
{
	mutex_lock(&sLock);
	LIST_FOR_EACH(link, &sMounts)
	{
		visit(LIST_ENTRY(link, struct mount, link), context);
	}
	mutex_unlock(&sLock);
}
