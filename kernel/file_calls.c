/* The system calls about files; syscalls.def says what each does. */
#include "kernel/arch.h"
#include "kernel/file_table.h"
#include "kernel/heap.h"
#include "kernel/names.h"
#include "kernel/pipe.h"
#include "kernel/string.h"
#include "kernel/user_memory.h"
#include "kernel/vfs_internal.h"
#include "syscall_handlers.h"
#include <postern/dirent.h>
#include <postern/errno.h>
#include <postern/fcntl.h>

/* ---- Open and close -------------------------------------------------------------- */

#define OPEN_FLAGS                                                                       \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK           \
		| O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | 0x8000 /* O_LARGEFILE */)

int _user_open(const char *path, int flags, mode_t mode)
{
	struct open_file *file;
	int fd, error;

	if ((flags & ~OPEN_FLAGS) != 0 || (flags & O_ACCMODE) == O_ACCMODE
		|| ((flags & O_CREAT) && (flags & O_DIRECTORY)))
		return -EINVAL;
	fd = file_reserve(0);
	if (fd < 0)
		return fd;
	error = vfs_open(path, (uint32_t)flags, mode & 07777 & ~files_umask(), &file);
	if (error != 0) {
		file_unreserve(fd);
		return error;
	}
	file_install(fd, file, (flags & O_CLOEXEC) != 0);
	return fd;
}

int _user_close(int fd)
{
	struct open_file *file;
	int error = file_take(fd, &file);

	if (error == 0)
		file_put(file);
	return error;
}

/* ---- Bytes ------------------------------------------------------------------------- */

/* What a result can say. */
static size_t capped(size_t size)
{
	return size < INT32_MAX ? size : INT32_MAX;
}

typedef ssize_t mover(struct open_file *file, off_t position, struct io *io);

static ssize_t move(
	int fd, off_t position, uintptr_t address, size_t size, mover *function)
{
	struct open_file *file;
	struct io io;
	ssize_t result = file_get(fd, &file);

	if (result != 0)
		return result;
	io_init_user(&io, address, capped(size));
	result = function(file, position, &io);
	file_put(file);
	return result;
}

ssize_t _user_read(int fd, off_t position, struct user_out buffer, size_t size)
{
	return move(fd, position, buffer.address, size, vfs_read);
}

ssize_t _user_write(int fd, off_t position, struct user_in buffer, size_t size)
{
	return move(fd, position, buffer.address, size, vfs_write);
}

/* Reads and checks the parts; *_total is their sum. */
static int copy_parts(
	struct user_in from, size_t count, struct io_part *parts, size_t *_total)
{
	int error = user_in_read(from, 0, parts, count * sizeof *parts);
	size_t total = 0;

	for (size_t i = 0; i < count && error == 0; i++) {
		if (!user_range_valid(parts[i].address, parts[i].size))
			error = -EFAULT;
		else if (parts[i].size > INT32_MAX - total)
			error = -EINVAL;
		else
			total += parts[i].size;
	}
	*_total = total;
	return error;
}

static ssize_t move_parts(
	int fd, off_t position, struct user_in from, size_t count, mover *function)
{
	struct io_part *parts = NULL;
	struct open_file *file;
	size_t total = 0;
	struct io io;
	ssize_t result = file_get(fd, &file);

	if (result != 0)
		return result;
	if (count > IOV_MAX) {
		result = -EINVAL;
	} else if (count > 0) {
		parts = heap_allocate(count * sizeof *parts);
		result = parts == NULL ? -ENOMEM : copy_parts(from, count, parts, &total);
	}
	if (result == 0) {
		io_init_parts(&io, parts, total);
		result = function(file, position, &io);
	}
	heap_free(parts);
	file_put(file);
	return result;
}

ssize_t _user_readv(int fd, off_t position, struct user_in parts, size_t count)
{
	return move_parts(fd, position, parts, count, vfs_read);
}

ssize_t _user_writev(int fd, off_t position, struct user_in parts, size_t count)
{
	return move_parts(fd, position, parts, count, vfs_write);
}

/* Where SEEK_END counts from, or an error. */
static off_t end_of(struct open_file *file)
{
	off_t size;

	if (file->device != NULL && file->operations->size != NULL)
		return file->operations->size(file->device);
	if (file->operations != NULL)
		return -ESPIPE;
	mutex_lock(&file->vnode->lock);
	size = file->vnode->size;
	mutex_unlock(&file->vnode->lock);
	return size;
}

off_t _user_seek(int fd, off_t offset, int whence)
{
	struct open_file *file;
	off_t base = 0, result = file_get(fd, &file);
	off_t end;

	if (result != 0)
		return result;
	end = end_of(file);
	mutex_lock(&file->lock);
	if (end < 0)
		result = end;
	else if (whence == SEEK_CUR)
		base = file->position;
	else if (whence == SEEK_END)
		base = end;
	else if (whence != SEEK_SET)
		result = -EINVAL;
	if (result == 0 && __builtin_add_overflow(base, offset, &result))
		result = -EOVERFLOW;
	else if (end >= 0 && result < 0)
		result = -EINVAL;
	if (result >= 0) {
		file->position = result;
		if (S_ISDIR(file->vnode->mode))
			file->cookie = (uint64_t)result;
	}
	mutex_unlock(&file->lock);
	file_put(file);
	return result;
}

/* ---- Directories ------------------------------------------------------------------ */

static int get_directory(int fd, struct open_file **_file)
{
	int error = file_get(fd, _file);

	if (error == 0 && !S_ISDIR((*_file)->vnode->mode)) {
		file_put(*_file);
		error = -ENOTDIR;
	}
	return error;
}

struct name_visit {
	unsigned skip;
	size_t length; /* 0 until it is found */
	char name[NAME_MAX + 1];
};

static bool visit_name(void *context, const struct directory_entry *entry)
{
	struct name_visit *visit = context;

	if (visit->skip > 0) {
		visit->skip--;
		return true;
	}
	visit->length = entry->length;
	memcpy(visit->name, entry->name, entry->length);
	visit->name[entry->length] = '\0';
	return false;
}

ssize_t _user_getdirent(int fd, unsigned index, struct user_out buffer, size_t size)
{
	struct name_visit visit = {.skip = index};
	struct open_file *file;
	uint64_t cookie = 0;
	ssize_t result = get_directory(fd, &file);

	if (result != 0)
		return result;
	mutex_lock(&file->lock);
	/* Who lists by index asks for the next one most often: not from the start each time.
	 */
	if (index >= file->listed) {
		visit.skip = index - file->listed;
		cookie = file->listed_cookie;
	}
	mutex_lock(&file->vnode->lock);
	result = file->vnode->operations->readdir(file->vnode, &cookie, visit_name, &visit);
	mutex_unlock(&file->vnode->lock);
	if (result == 0 && visit.length > 0) {
		file->listed = index;
		file->listed_cookie = cookie; /* before that name, as it was not taken */
	}
	mutex_unlock(&file->lock);
	file_put(file);
	if (result != 0)
		return result;
	if (visit.length == 0)
		return -ENOENT;
	if (visit.length >= size)
		return -ERANGE;
	result = user_out_write(buffer, 0, visit.name, visit.length + 1);
	return result != 0 ? result : (ssize_t)visit.length;
}

/* Entries are gathered here, and copied out when the directory is not locked. */
#define RECORDS_SIZE 2000

struct records {
	size_t used, room;
	uint8_t bytes[RECORDS_SIZE];
};

static uint8_t record_type(mode_t type)
{
	return (uint8_t)((type & S_IFMT) >> 12); /* DT_* are S_IF* so */
}

static bool add_record(void *context, const struct directory_entry *entry)
{
	struct records *records = context;
	size_t size =
		(offsetof(struct dirent_record, name) + entry->length + 1 + 7) & ~(size_t)7;
	struct dirent_record *record =
		(struct dirent_record *)(void *)(records->bytes + records->used);

	if (size > records->room - records->used)
		return false;
	memset(record, 0, size);
	record->number = entry->number;
	record->size = (uint16_t)size;
	record->type = record_type(entry->type);
	memcpy(record->name, entry->name, entry->length);
	records->used += size;
	return true;
}

ssize_t _user_read_dir(int fd, struct user_out buffer, size_t size)
{
	struct records *records;
	struct open_file *file;
	ssize_t result = get_directory(fd, &file);
	uint64_t cookie;

	if (result != 0)
		return result;
	records = heap_allocate(sizeof *records);
	if (records == NULL) {
		file_put(file);
		return -ENOMEM;
	}
	records->room = size < RECORDS_SIZE ? size & ~(size_t)7 : RECORDS_SIZE;
	mutex_lock(&file->lock);
	mutex_lock(&file->vnode->lock);
	cookie = file->cookie;
	result = file->vnode->operations->readdir(file->vnode, &cookie, add_record, records);
	if (result == 0 && records->used == 0) {
		/* The end, or a buffer that is too small for what comes next? */
		records->room = RECORDS_SIZE;
		result =
			file->vnode->operations->readdir(file->vnode, &cookie, add_record, records);
		if (result == 0 && records->used > 0)
			result = -EINVAL;
	}
	mutex_unlock(&file->vnode->lock);
	if (result == 0)
		result = user_out_write(buffer, 0, records->bytes, records->used);
	if (result == 0) {
		file->cookie = cookie;
		result = (ssize_t)records->used;
	}
	mutex_unlock(&file->lock);
	heap_free(records);
	file_put(file);
	return result;
}

/* ---- What files are --------------------------------------------------------------- */

static int stat_path(const char *path, bool follow, struct stat *info)
{
	struct vnode *vnode;
	int error = vfs_find(path, follow, &vnode);

	if (error == 0) {
		vfs_fill_stat(vnode, info);
		vnode_put(vnode);
	}
	return error;
}

int _user_stat(const char *path, struct stat *info)
{
	return stat_path(path, true, info);
}

int _user_lstat(const char *path, struct stat *info)
{
	return stat_path(path, false, info);
}

int _user_fstat(int fd, struct stat *info)
{
	struct open_file *file;
	int error = file_get(fd, &file);

	if (error == 0) {
		vfs_fill_stat(file->vnode, info);
		file_put(file);
	}
	return error;
}

int _user_access(const char *path, int mode)
{
	struct vnode *vnode;
	int error;

	if ((mode & ~(R_OK | W_OK | X_OK)) != 0)
		return -EINVAL;
	error = vfs_find(path, true, &vnode);
	if (error != 0)
		return error;
	if ((mode & X_OK) && (vnode->mode & 0111) == 0)
		error = -EACCES;
	else if ((mode & W_OK) && mount_is_read_only(vnode))
		error = -EROFS;
	vnode_put(vnode);
	return error;
}

static int change_mode(struct vnode *vnode, mode_t mode)
{
	int error = 0;

	if (mount_is_read_only(vnode))
		return -EROFS;
	mutex_lock(&vnode->lock);
	vnode->mode = (vnode->mode & S_IFMT) | (mode & 07777);
	vnode->changed = vfs_time();
	if (vnode->operations->attributes_changed != NULL)
		error = vnode->operations->attributes_changed(vnode);
	mutex_unlock(&vnode->lock);
	return error;
}

int _user_chmod(const char *path, mode_t mode)
{
	struct vnode *vnode;
	int error = vfs_find(path, true, &vnode);

	if (error == 0) {
		error = change_mode(vnode, mode);
		vnode_put(vnode);
	}
	return error;
}

int _user_fchmod(int fd, mode_t mode)
{
	struct open_file *file;
	int error = file_get(fd, &file);

	if (error == 0) {
		error = change_mode(file->vnode, mode);
		file_put(file);
	}
	return error;
}

static int change_times(struct vnode *vnode, const struct file_times *times)
{
	int error = 0;

	if (mount_is_read_only(vnode))
		return -EROFS;
	mutex_lock(&vnode->lock);
	vnode->changed = vfs_time();
	if (times == NULL || times->accessed != FILE_TIME_OMIT)
		vnode->accessed = times != NULL ? times->accessed : vnode->changed;
	if (times == NULL || times->modified != FILE_TIME_OMIT)
		vnode->modified = times != NULL ? times->modified : vnode->changed;
	if (vnode->operations->attributes_changed != NULL)
		error = vnode->operations->attributes_changed(vnode);
	mutex_unlock(&vnode->lock);
	return error;
}

int _user_set_times(const char *path, const struct file_times *times, int flags)
{
	struct vnode *vnode;
	int error;

	if ((flags & ~TIMES_NO_FOLLOW) != 0)
		return -EINVAL;
	error = vfs_find(path, !(flags & TIMES_NO_FOLLOW), &vnode);
	if (error == 0) {
		error = change_times(vnode, times);
		vnode_put(vnode);
	}
	return error;
}

int _user_fset_times(int fd, const struct file_times *times)
{
	struct open_file *file;
	int error = file_get(fd, &file);

	if (error == 0) {
		error = change_times(file->vnode, times);
		file_put(file);
	}
	return error;
}

static int tell_status(const struct vnode *vnode, struct file_system_status *status)
{
	struct mount *mount = vnode->mount;

	memset(status, 0, sizeof *status);
	if (mount == NULL) {
		status->block_size = PAGE_SIZE;
		strlcpy(status->type, "pipe", sizeof status->type);
		return 0;
	}
	status->flags = mount->flags;
	strlcpy(status->type, mount->type->name, sizeof status->type);
	return mount->type->status != NULL ? mount->type->status(mount, status) : 0;
}

int _user_file_system_status(const char *path, struct file_system_status *status)
{
	struct vnode *vnode;
	int error = vfs_find(path, true, &vnode);

	if (error == 0) {
		error = tell_status(vnode, status);
		vnode_put(vnode);
	}
	return error;
}

int _user_ffile_system_status(int fd, struct file_system_status *status)
{
	struct open_file *file;
	int error = file_get(fd, &file);

	if (error == 0) {
		error = tell_status(file->vnode, status);
		file_put(file);
	}
	return error;
}

/* ---- Names ------------------------------------------------------------------------ */

int _user_mkdir(const char *path, mode_t mode)
{
	return vfs_mkdir(path, mode & 07777 & ~files_umask());
}

int _user_mkfifo(const char *path, mode_t mode)
{
	return vfs_mkfifo(path, mode & 07777 & ~files_umask());
}

int _user_rmdir(const char *path)
{
	return vfs_rmdir(path);
}

int _user_unlink(const char *path)
{
	return vfs_unlink(path);
}

int _user_rename(const char *old_path, const char *new_path)
{
	return vfs_rename(old_path, new_path);
}

int _user_link(const char *old_path, const char *new_path)
{
	return vfs_link(old_path, new_path);
}

int _user_symlink(const char *target, const char *path)
{
	return vfs_symlink(target, path);
}

ssize_t _user_readlink(const char *path, struct user_out buffer, size_t size)
{
	struct vnode *vnode;
	char *target;
	ssize_t result = vfs_find(path, false, &vnode);

	if (result != 0)
		return result;
	target = heap_allocate(PATH_MAX);
	if (target == NULL)
		result = -ENOMEM;
	else if (!S_ISLNK(vnode->mode) || size == 0)
		result = -EINVAL;
	else
		result = path_read_link(vnode, target, size < PATH_MAX ? size : PATH_MAX);
	vnode_put(vnode);
	if (result > 0) {
		int error = user_out_write(buffer, 0, target, (size_t)result);

		if (error != 0)
			result = error;
	}
	heap_free(target);
	return result;
}

int _user_truncate(const char *path, off_t size)
{
	struct vnode *vnode;
	int error = vfs_find(path, true, &vnode);

	if (error == 0) {
		error = vfs_truncate(vnode, size);
		vnode_put(vnode);
	}
	return error;
}

int _user_ftruncate(int fd, off_t size)
{
	struct open_file *file;
	int error = file_get(fd, &file);

	if (error != 0)
		return error;
	if ((file->flags & O_ACCMODE) == O_RDONLY)
		error = -EINVAL;
	else
		error = vfs_truncate(file->vnode, size);
	file_put(file);
	return error;
}

/* ---- The directory that paths begin in -------------------------------------------- */

int _user_chdir(const char *path)
{
	struct vnode *vnode;
	int error = vfs_find(path, true, &vnode);

	if (error != 0)
		return error;
	if (!S_ISDIR(vnode->mode)) {
		vnode_put(vnode);
		return -ENOTDIR;
	}
	files_set_directory(vnode);
	return 0;
}

int _user_fchdir(int fd)
{
	struct open_file *file;
	int error = get_directory(fd, &file);

	if (error != 0)
		return error;
	vnode_reference(file->vnode);
	files_set_directory(file->vnode);
	file_put(file);
	return 0;
}

struct number_visit {
	uint64_t number;
	size_t length;
	char name[NAME_MAX];
};

static bool visit_number(void *context, const struct directory_entry *entry)
{
	struct number_visit *visit = context;

	if (entry->number != visit->number || (entry->length == 1 && entry->name[0] == '.')
		|| (entry->length == 2 && memcmp(entry->name, "..", 2) == 0))
		return true;
	visit->length = entry->length;
	memcpy(visit->name, entry->name, entry->length);
	return false;
}

/* The name of `*_at`, which becomes the directory above. */
static int step_up(struct vnode **_at, struct number_visit *visit)
{
	struct vnode *below = mount_uncross(*_at);
	struct vnode *above;
	uint64_t cookie = 0;
	int error = path_lookup(*_at, "..", 2, &above);

	visit->number = below->number;
	visit->length = 0;
	vnode_put(below);
	if (error != 0)
		return error;
	mutex_lock(&above->lock);
	error = above->operations->readdir(above, &cookie, visit_number, visit);
	mutex_unlock(&above->lock);
	if (error == 0 && visit->length == 0)
		error = -ENOENT;
	if (error != 0) {
		vnode_put(above);
		return error;
	}
	vnode_put(*_at);
	*_at = above;
	return 0;
}

ssize_t _user_getcwd(struct user_out buffer, size_t size)
{
	struct vnode *at = files_directory();
	char *path = heap_allocate(PATH_MAX + sizeof(struct number_visit));
	struct number_visit *visit = (struct number_visit *)(void *)(path + PATH_MAX);
	size_t start = PATH_MAX - 1; /* of the path, that grows towards its beginning */
	ssize_t result = 0;

	if (path == NULL)
		result = -ENOMEM;
	else if (size == 0)
		result = -EINVAL;
	while (result == 0 && at != vfs_root()) {
		result = step_up(&at, visit);
		if (result == 0 && visit->length + 1 > start) {
			result = -ENAMETOOLONG;
		} else if (result == 0) {
			start -= visit->length;
			memcpy(path + start, visit->name, visit->length);
			path[--start] = '/';
		}
	}
	vnode_put(at);
	if (result == 0) {
		if (start == PATH_MAX - 1)
			path[--start] = '/';
		if (PATH_MAX - start > size)
			result = -ERANGE;
		else
			result = user_out_write(buffer, 0, path + start, PATH_MAX - start);
		if (result == 0)
			result = (ssize_t)(PATH_MAX - 1 - start);
	}
	heap_free(path);
	return result;
}

mode_t _user_umask(mode_t mask)
{
	return files_set_umask(mask);
}

/* ---- Descriptors ------------------------------------------------------------------ */

static int duplicate(int fd, int lowest, bool close_on_exec)
{
	struct open_file *file;
	int error = file_get(fd, &file);

	if (error != 0)
		return error;
	fd = file_reserve(lowest);
	if (fd < 0)
		file_put(file);
	else
		file_install(fd, file, close_on_exec);
	return fd;
}

int _user_dup(int fd)
{
	return duplicate(fd, 0, false);
}

int _user_dup2(int fd, int new_fd)
{
	struct open_file *file;
	int error = file_get(fd, &file);

	if (error != 0)
		return error;
	if (fd == new_fd) {
		file_put(file);
		return fd;
	}
	error = file_replace(new_fd, file, false);
	if (error != 0) {
		file_put(file);
		return error;
	}
	return new_fd;
}

int _user_pipe(struct user_out buffer, int flags)
{
	struct open_file *files[2];
	int32_t fds[2];
	int error;

	if ((flags & ~(O_NONBLOCK | O_CLOEXEC)) != 0)
		return -EINVAL;
	fds[0] = file_reserve(0);
	if (fds[0] < 0)
		return fds[0];
	fds[1] = file_reserve(0);
	error = fds[1] < 0 ? fds[1] : user_out_write(buffer, 0, fds, sizeof fds);
	if (error == 0)
		error = pipe_create((uint32_t)flags, &files[0], &files[1]);
	if (error != 0) {
		file_unreserve(fds[0]);
		if (fds[1] >= 0)
			file_unreserve(fds[1]);
		return error;
	}
	file_install(fds[0], files[0], (flags & O_CLOEXEC) != 0);
	file_install(fds[1], files[1], (flags & O_CLOEXEC) != 0);
	return 0;
}

static int change_flags(struct open_file *file, int argument)
{
	const uint32_t changeable = O_APPEND | O_NONBLOCK;

	mutex_lock(&file->lock);
	__atomic_store_n(&file->flags,
		(file->flags & ~changeable) | ((uint32_t)argument & changeable),
		__ATOMIC_RELAXED);
	mutex_unlock(&file->lock);
	return 0;
}

int _user_fcntl(int fd, int command, int argument)
{
	struct open_file *file;
	int result = file_get(fd, &file);

	if (result != 0)
		return result;
	switch (command) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		result = argument < 0 || argument >= OPEN_MAX
					 ? -EINVAL
					 : duplicate(fd, argument, command == F_DUPFD_CLOEXEC);
		break;
	case F_GETFD:
		result = file_get_close_on_exec(fd);
		break;
	case F_SETFD:
		result = file_set_close_on_exec(fd, (argument & FD_CLOEXEC) != 0);
		break;
	case F_GETFL:
		result = (int)file->flags;
		break;
	case F_SETFL:
		result = change_flags(file, argument);
		break;
	default:
		result = -EINVAL;
		break;
	}
	file_put(file);
	return result;
}

int _user_ioctl(int fd, uint32_t request, uint32_t argument)
{
	struct open_file *file;
	int result = file_get(fd, &file);

	if (result != 0)
		return result;
	if (file->operations == NULL || file->operations->ioctl == NULL)
		result = -ENOTTY;
	else
		result = file->operations->ioctl(file, request, argument);
	file_put(file);
	return result;
}

/* ---- File systems ----------------------------------------------------------------- */

int _user_sync(void)
{
	return vfs_sync();
}

int _user_fsync(int fd)
{
	struct open_file *file;
	int error = file_get(fd, &file);

	if (error != 0)
		return error;
	if (file->device != NULL) {
		if (file->operations->sync != NULL)
			error = file->operations->sync(file->device);
	} else if (file->operations != NULL) {
		error = -EINVAL;
	} else if (file->vnode->operations->sync != NULL) {
		mutex_lock(&file->vnode->lock);
		error = file->vnode->operations->sync(file->vnode);
		mutex_unlock(&file->vnode->lock);
	}
	file_put(file);
	return error;
}

int _user_mount(const char *source, const char *path, const char *type, int flags,
	const char *options)
{
	if ((flags & ~MOUNT_READ_ONLY) != 0)
		return -EINVAL;
	return vfs_mount(source, path, type, (uint32_t)flags, options);
}

int _user_unmount(const char *path)
{
	return vfs_unmount(path);
}
