/*
 * What is done with names: looked up, made, removed, moved. Called by
 * file_calls.c, and by the kernel for itself; see vfs.h for the locks.
 */
#include "kernel/vfs.h"
#include "kernel/arch.h"
#include "kernel/file_table.h"
#include "kernel/name_cache.h"
#include "kernel/names.h"
#include "kernel/process.h"
#include "kernel/string.h"
#include "kernel/vfs_internal.h"
#include "syscall_constants.h"
#include <postern/errno.h>

time_us_t vfs_time(void)
{
	return arch_real_time();
}

/* ---- For path.c --------------------------------------------------------------- */

bool path_is_directory(const struct vnode *vnode)
{
	return S_ISDIR(vnode->mode);
}

bool path_is_link(const struct vnode *vnode)
{
	return S_ISLNK(vnode->mode);
}

void path_reference(struct vnode *vnode)
{
	vnode_reference(vnode);
}

void path_put(struct vnode *vnode)
{
	vnode_put(vnode);
}

ssize_t path_read_link(struct vnode *link, char *target, size_t size)
{
	ssize_t length;

	mutex_lock(&link->lock);
	length = link->operations->readlink(link, target, size);
	mutex_unlock(&link->lock);
	return length;
}

/* With the directory locked. */
static int lookup_locked(
	struct vnode *directory, const char *name, size_t length, struct vnode **_vnode)
{
	bool cached = (directory->mount->type->flags & FILE_SYSTEM_NAMES_CACHED) != 0;
	int error;

	if (directory->flags & VNODE_REMOVED)
		return -ENOENT;
	if (cached && name_cache_find(directory, name, length, _vnode))
		return *_vnode != NULL ? 0 : -ENOENT;
	error = directory->operations->lookup(directory, name, length, _vnode);
	/* ".." is what a rename of the directory changes: not kept. */
	if (cached && (length != 2 || memcmp(name, "..", 2) != 0)
		&& (error == 0 || error == -ENOENT))
		name_cache_add(directory, name, length, error == 0 ? *_vnode : NULL);
	return error;
}

static void forget_name(struct vnode *directory, const char *name, size_t length)
{
	if (directory->mount->type->flags & FILE_SYSTEM_NAMES_CACHED)
		name_cache_remove(directory, name, length);
}

int path_lookup(
	struct vnode *directory, const char *name, size_t length, struct vnode **_vnode)
{
	struct vnode *at = directory;
	bool parent = length == 2 && name[0] == '.' && name[1] == '.';
	int error;

	if (parent)
		at = mount_uncross(directory);
	mutex_lock(&at->lock);
	error = lookup_locked(at, name, length, _vnode);
	mutex_unlock(&at->lock);
	if (parent)
		vnode_put(at);
	if (error == 0)
		*_vnode = mount_cross(*_vnode);
	return error;
}

/* ---- Walks ------------------------------------------------------------------------ */

int vfs_walk(const char *path, unsigned flags, struct path *_path)
{
	struct vnode *start = files_directory();
	int error = path_walk(vfs_root(), start, path, flags, _path);

	vnode_put(start);
	return error;
}

int vfs_find(const char *path, bool follow, struct vnode **_vnode)
{
	struct path walked;
	int error = vfs_walk(path, follow ? PATH_FOLLOW : 0, &walked);

	if (error != 0)
		return error;
	*_vnode = walked.vnode;
	walked.vnode = NULL;
	path_end(&walked);
	return 0;
}

void vfs_fill_stat(struct vnode *vnode, struct stat *_stat)
{
	memset(_stat, 0, sizeof *_stat);
	mutex_lock(&vnode->lock);
	_stat->number = vnode->number;
	_stat->size = vnode->size;
	_stat->blocks = vnode->operations->allocated != NULL
						? vnode->operations->allocated(vnode) / 512
						: (uint64_t)(vnode->size + 511) / 512;
	_stat->accessed = vnode->accessed;
	_stat->modified = vnode->modified;
	_stat->changed = vnode->changed;
	_stat->device = vnode->mount != NULL ? vnode->mount->number : 0;
	_stat->is_device = vnode->device_number;
	_stat->mode = vnode->mode;
	_stat->links = vnode->links;
	_stat->block_size = PAGE_SIZE;
	mutex_unlock(&vnode->lock);
}

/* ---- Making names ------------------------------------------------------------------ */

/*
 * Locks the directory and looks again: somebody may have been faster. Unlocked when
 * it fails.
 */
static int lock_for_new(struct path *path)
{
	struct vnode *vnode;
	int error;

	mutex_lock(&path->parent->lock);
	if (path->parent->flags & VNODE_REMOVED) {
		error = -ENOENT;
	} else {
		error = lookup_locked(path->parent, path->name, path->length, &vnode);
		if (error == 0) {
			vnode_put(vnode);
			error = -EEXIST;
		} else if (error == -ENOENT) {
			return 0;
		}
	}
	mutex_unlock(&path->parent->lock);
	return error;
}

static void unlock_name(struct path *path)
{
	forget_name(path->parent, path->name, path->length);
	mutex_unlock(&path->parent->lock);
}

/*
 * Walks to a new name and locks its directory. A slash may stand only behind a new
 * directory's. end_new() gives all back; what fails has done so itself.
 */
static int begin_new(const char *path, bool directory, struct path *_path)
{
	int error = vfs_walk(path, PATH_MAKE | PATH_NAME, _path);

	if (error != 0)
		return error;
	if (_path->vnode != NULL)
		error = -EEXIST;
	else if (mount_is_read_only(_path->parent))
		error = -EROFS;
	else if (_path->slash && !directory)
		error = -ENOENT;
	else
		error = lock_for_new(_path);
	if (error != 0)
		path_end(_path);
	return error;
}

static void end_new(struct path *path)
{
	unlock_name(path);
	path_end(path);
}

int vfs_mkdir(const char *path, mode_t mode)
{
	struct path walked;
	int error = begin_new(path, true, &walked);

	if (error != 0)
		return error;
	if (walked.parent->links >= LINKS_MAX)
		error = -EMLINK;
	else if (walked.parent->operations->mkdir == NULL)
		error = -EPERM;
	else
		error = walked.parent->operations->mkdir(
			walked.parent, walked.name, walked.length, mode);
	end_new(&walked);
	return error;
}

int vfs_mkfifo(const char *path, mode_t mode)
{
	struct path walked;
	struct vnode *vnode;
	int error = begin_new(path, false, &walked);

	if (error != 0)
		return error;
	error = walked.parent->operations->create == NULL
				? -EPERM
				: walked.parent->operations->create(
					walked.parent, walked.name, walked.length, S_IFIFO | mode, &vnode);
	end_new(&walked);
	if (error == 0)
		vnode_put(vnode);
	return error;
}

int vfs_symlink(const char *target, const char *path)
{
	struct path walked;
	int error = target[0] == '\0' ? -ENOENT : begin_new(path, false, &walked);

	if (error != 0)
		return error;
	error = walked.parent->operations->symlink == NULL
				? -EPERM
				: walked.parent->operations->symlink(
					walked.parent, walked.name, walked.length, target, strlen(target));
	end_new(&walked);
	return error;
}

int vfs_link(const char *old_path, const char *new_path)
{
	struct path walked;
	struct vnode *vnode;
	int error = vfs_find(old_path, false, &vnode);

	if (error != 0)
		return error;
	error = S_ISDIR(vnode->mode) ? -EPERM : begin_new(new_path, false, &walked);
	if (error != 0) {
		vnode_put(vnode);
		return error;
	}
	/* Of another file system, no file is locked below a directory. */
	if (walked.parent->mount != vnode->mount) {
		end_new(&walked);
		vnode_put(vnode);
		return -EXDEV;
	}
	mutex_lock(&vnode->lock);
	if (vnode->links == 0)
		error = -ENOENT; /* removed meanwhile, and still open */
	else if (vnode->links >= LINKS_MAX)
		error = -EMLINK;
	else if (walked.parent->operations->link == NULL)
		error = -EPERM;
	else
		error = walked.parent->operations->link(
			walked.parent, walked.name, walked.length, vnode);
	mutex_unlock(&vnode->lock);
	end_new(&walked);
	vnode_put(vnode);
	return error;
}

/* ---- Removing them ---------------------------------------------------------------- */

/*
 * Locks the directory of a walked name, and what has the name, into *_victim with a
 * reference. Unlocked when it fails.
 */
static int lock_victim(struct path *path, struct vnode **_victim)
{
	struct vnode *victim;
	int error;

	mutex_lock(&path->parent->lock);
	error = lookup_locked(path->parent, path->name, path->length, &victim);
	if (error != 0) {
		mutex_unlock(&path->parent->lock);
		return error;
	}
	mutex_lock(&victim->lock);
	*_victim = victim;
	return 0;
}

static void unlock_victim(struct path *path, struct vnode *victim)
{
	forget_name(path->parent, path->name, path->length);
	mutex_unlock(&victim->lock);
	mutex_unlock(&path->parent->lock);
	/* Only now: what goes with the last reference may take long. */
	vnode_put(victim);
}

/* A directory that has no name any more, and is locked. */
static void mark_removed(struct vnode *directory)
{
	directory->flags |= VNODE_REMOVED;
	name_cache_remove_directory(directory);
}

struct removal {
	int errors[4]; /* by enum path_last */
	/* With the directory and the victim locked. */
	int (*remove)(struct path *path, struct vnode *victim);
};

static int unlink_locked(struct path *path, struct vnode *victim)
{
	if (S_ISDIR(victim->mode))
		return -EISDIR;
	if (path->parent->operations->unlink == NULL)
		return -EPERM;
	return path->parent->operations->unlink(
		path->parent, path->name, path->length, victim);
}

static int rmdir_locked(struct path *path, struct vnode *victim)
{
	int error;

	if (!S_ISDIR(victim->mode))
		return -ENOTDIR;
	if (__atomic_load_n(&victim->mounted_here, __ATOMIC_SEQ_CST) != NULL)
		return -EBUSY;
	if (path->parent->operations->rmdir == NULL)
		return -EPERM;
	error =
		path->parent->operations->rmdir(path->parent, path->name, path->length, victim);
	if (error == 0)
		mark_removed(victim);
	return error;
}

static int remove_name(const char *path, const struct removal *removal)
{
	struct path walked;
	struct vnode *victim;
	int error = vfs_walk(path, PATH_NAME, &walked);

	if (error != 0)
		return error;
	error = removal->errors[walked.last];
	if (error == 0)
		error =
			mount_is_read_only(walked.parent) ? -EROFS : lock_victim(&walked, &victim);
	if (error == 0) {
		error = removal->remove(&walked, victim);
		unlock_victim(&walked, victim);
	}
	path_end(&walked);
	return error;
}

int vfs_unlink(const char *path)
{
	static const struct removal kUnlink = {
		{[PATH_IS_DOT] = -EISDIR, [PATH_IS_DOT_DOT] = -EISDIR, [PATH_IS_ROOT] = -EISDIR},
		unlink_locked};

	return remove_name(path, &kUnlink);
}

int vfs_rmdir(const char *path)
{
	static const struct removal kRmdir = {{[PATH_IS_DOT] = -EINVAL,
											  [PATH_IS_DOT_DOT] = -ENOTEMPTY,
											  [PATH_IS_ROOT] = -EBUSY},
		rmdir_locked};

	return remove_name(path, &kRmdir);
}

/* ---- Rename ----------------------------------------------------------------------- */

/*
 * Whether `above` is `vnode` or a directory above it. The mount's rename lock keeps it
 * so. -EIO: the directories of a damaged disk go round in a circle (found as by Brent,
 * "An improved Monte Carlo factorization algorithm", 1980: the place that a step is
 * compared with moves up at each power of two).
 */
static int is_above(struct vnode *above, struct vnode *vnode, bool *_is)
{
	struct vnode *at = vnode, *seen = vnode;
	uint32_t steps = 0;
	int error = 0;

	vnode_reference(at);
	vnode_reference(seen);
	for (;;) {
		struct vnode *parent;

		*_is = at == above;
		if (*_is || at == at->mount->root)
			break;
		mutex_lock(&at->lock);
		error = lookup_locked(at, "..", 2, &parent);
		mutex_unlock(&at->lock);
		if (error == 0 && parent == seen) {
			vnode_put(parent);
			error = -EIO;
		}
		if (error != 0)
			break;
		vnode_put(at);
		at = parent;
		steps++;
		if ((steps & (steps - 1)) == 0) {
			vnode_put(seen);
			vnode_reference(at);
			seen = at;
		}
	}
	vnode_put(at);
	vnode_put(seen);
	return error;
}

/* The directory above goes first; two that are in no line go by their addresses. */
static int lock_two(struct vnode *a, struct vnode *b)
{
	bool a_above, b_above;
	int error;

	if (a == b) {
		mutex_lock(&a->lock);
		return 0;
	}
	if ((error = is_above(a, b, &a_above)) != 0
		|| (error = is_above(b, a, &b_above)) != 0)
		return error;
	if (b_above || (!a_above && b < a)) {
		mutex_lock(&b->lock);
		mutex_lock(&a->lock);
	} else {
		mutex_lock(&a->lock);
		mutex_lock(&b->lock);
	}
	return 0;
}

static void unlock_two(struct vnode *a, struct vnode *b)
{
	mutex_unlock(&a->lock);
	if (a != b)
		mutex_unlock(&b->lock);
}

/* What POSIX asks of the two that a rename is about; 1: they are the same file. */
static int check_rename(
	struct path *from, struct path *to, struct vnode *vnode, struct vnode *target)
{
	bool directory = S_ISDIR(vnode->mode);

	if (vnode == target)
		return 1;
	if (!directory && (from->slash || to->slash))
		return -ENOTDIR;
	if (vnode->mounted_here != NULL || (target != NULL && target->mounted_here != NULL))
		return -EBUSY;
	if (target != NULL && S_ISDIR(target->mode) != directory)
		return directory ? -ENOTDIR : -EISDIR;
	if (directory && from->parent != to->parent && to->parent->links >= LINKS_MAX)
		return -EMLINK;
	return 0;
}

/*
 * What is moved and what it replaces, which may be the same. No directory is in the
 * other, nobody else locks two that are in no line, and there is one rename at a time: so
 * the order does not matter.
 */
static void lock_moved(struct vnode *vnode, struct vnode *target)
{
	mutex_lock(&vnode->lock);
	if (target != NULL && target != vnode)
		mutex_lock(&target->lock);
}

static void unlock_moved(struct vnode *vnode, struct vnode *target)
{
	if (target != NULL && target != vnode)
		mutex_unlock(&target->lock);
	mutex_unlock(&vnode->lock);
}

/* Both directories are locked, and so is the mount's rename lock. */
static int rename_locked(struct path *from, struct path *to, struct vnode **_target)
{
	struct vnode *vnode, *target = NULL;
	int error = lookup_locked(from->parent, from->name, from->length, &vnode);

	if (error != 0)
		return error;
	error = lookup_locked(to->parent, to->name, to->length, &target);
	if (error == -ENOENT) {
		target = NULL;
		error = 0;
	}
	if (error == 0 && (to->parent->flags & VNODE_REMOVED))
		error = -ENOENT;
	/* Somebody may have put another file there since the loops were looked for. */
	if (error == 0 && vnode != from->vnode)
		error = -ENOENT;
	if (error == 0 && target != to->vnode && target != NULL && S_ISDIR(target->mode))
		error = -ENOTEMPTY;
	if (error == 0) {
		lock_moved(vnode, target);
		error = check_rename(from, to, vnode, target);
		if (error == 0 && from->parent->operations->rename == NULL)
			error = -EPERM;
		if (error == 0)
			error = from->parent->operations->rename(from->parent, from->name,
				from->length, vnode, to->parent, to->name, to->length, target);
		if (error == 0 && target != NULL && S_ISDIR(target->mode))
			mark_removed(target);
		unlock_moved(vnode, target);
		forget_name(from->parent, from->name, from->length);
		forget_name(to->parent, to->name, to->length);
	}
	vnode_put(vnode);
	*_target = target;
	return error == 1 ? 0 : error;
}

static int rename_walked(struct path *from, struct path *to)
{
	struct mount *mount = from->parent->mount;
	struct vnode *target = NULL;
	bool loop = false;
	int error = 0;

	mutex_lock(&mount->rename_lock);
	/* A directory cannot go into itself; what it would replace must not hold it. */
	if (S_ISDIR(from->vnode->mode)) {
		error = is_above(from->vnode, to->parent, &loop);
		if (error == 0 && loop)
			error = -EINVAL;
	}
	if (error == 0 && to->vnode != NULL && S_ISDIR(to->vnode->mode)
		&& to->vnode->mount == mount) {
		error = is_above(to->vnode, from->parent, &loop);
		if (error == 0 && loop)
			error = S_ISDIR(from->vnode->mode) ? -ENOTEMPTY : -EISDIR;
	}
	if (error == 0)
		error = lock_two(from->parent, to->parent);
	if (error == 0) {
		error = rename_locked(from, to, &target);
		unlock_two(from->parent, to->parent);
	}
	mutex_unlock(&mount->rename_lock);
	vnode_put(target);
	return error;
}

int vfs_rename(const char *old_path, const char *new_path)
{
	struct path from, to;
	int error = vfs_walk(old_path, PATH_NAME, &from);

	if (error != 0)
		return error;
	error = vfs_walk(new_path, PATH_MAKE | PATH_NAME, &to);
	if (error != 0) {
		path_end(&from);
		return error;
	}
	if (from.last == PATH_IS_DOT || from.last == PATH_IS_DOT_DOT || to.last == PATH_IS_DOT
		|| to.last == PATH_IS_DOT_DOT)
		error = -EINVAL;
	else if (from.last != PATH_IS_NAME || to.last != PATH_IS_NAME)
		error = -EBUSY;
	else if (from.vnode->mount != from.parent->mount
			 || (to.vnode != NULL && to.vnode->mount != to.parent->mount))
		error = -EBUSY; /* something is mounted there */
	else if (from.parent->mount != to.parent->mount)
		error = -EXDEV;
	else if (mount_is_read_only(from.parent))
		error = -EROFS;
	else
		error = rename_walked(&from, &to);
	path_end(&from);
	path_end(&to);
	return error;
}

/* ---- Open ------------------------------------------------------------------------- */

/* The name at the end of a walk is not there: a new file. */
static int create(struct path *path, mode_t mode, struct vnode **_vnode)
{
	int error;

	if (path->slash)
		return -EISDIR;
	if (mount_is_read_only(path->parent))
		return -EROFS;
	error = lock_for_new(path);
	if (error != 0)
		return error;
	error = path->parent->operations->create == NULL
				? -EPERM
				: path->parent->operations->create(
					path->parent, path->name, path->length, mode, _vnode);
	unlock_name(path);
	return error;
}

static int check_open(const struct vnode *vnode, uint32_t flags)
{
	bool write = (flags & 3) != O_RDONLY;

	if (S_ISLNK(vnode->mode))
		return -ELOOP; /* O_NOFOLLOW */
	if ((flags & O_DIRECTORY) && !S_ISDIR(vnode->mode))
		return -ENOTDIR;
	if (S_ISDIR(vnode->mode) && (write || (flags & (O_CREAT | O_TRUNC))))
		return -EISDIR;
	if (write && S_ISREG(vnode->mode) && mount_is_read_only(vnode))
		return -EROFS;
	return 0;
}

/* One try; -EEXIST where the file has appeared between the look and the making. */
static int open_once(const char *path, uint32_t flags, mode_t mode, struct vnode **_vnode)
{
	bool make = (flags & O_CREAT) != 0;
	bool exclusive = make && (flags & O_EXCL);
	bool follow = !exclusive && !(flags & O_NOFOLLOW);
	struct path walked;
	int error = vfs_walk(path,
		(make ? PATH_MAKE : 0) | (follow ? PATH_FOLLOW : 0) | (exclusive ? PATH_NAME : 0),
		&walked);

	if (error != 0)
		return error;
	if (walked.vnode == NULL) {
		error = (flags & O_DIRECTORY) ? -EINVAL : create(&walked, mode, _vnode);
	} else if (exclusive) {
		error = -EEXIST;
	} else {
		error = check_open(walked.vnode, flags);
		if (error == 0 && (flags & O_TRUNC) && S_ISREG(walked.vnode->mode))
			error =
				mount_is_read_only(walked.vnode) ? -EROFS : vfs_truncate(walked.vnode, 0);
		if (error == 0) {
			*_vnode = walked.vnode;
			walked.vnode = NULL;
		}
	}
	path_end(&walked);
	return error;
}

int vfs_open(const char *path, uint32_t flags, mode_t mode, struct open_file **_file)
{
	struct vnode *vnode;
	int error;

	do {
		error = open_once(path, flags, mode, &vnode);
	} while (error == -EEXIST && (flags & O_CREAT) && !(flags & O_EXCL));
	if (error != 0)
		return error;
	error = file_create(vnode, flags, _file);
	if (error != 0)
		vnode_put(vnode);
	return error;
}
