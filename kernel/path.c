/*
 * The walk along a path; see path.h. Called by vfs.c, with nothing locked. No
 * recursion: a symbolic link puts its target in front of what is left.
 */
#include "kernel/path.h"
#include "kernel/heap.h"
#include "kernel/string.h"
#include <postern/errno.h>
#include <postern/limits.h>

/*
 * Makes "target/rest" of a symbolic link, in a buffer that replaces path->buffer.
 * `rest` may be in that one.
 */
static int follow(struct path *path, struct vnode *link, const char *rest)
{
	char *buffer = heap_allocate(PATH_MAX);
	size_t rest_length = strlen(rest);
	ssize_t length;
	int error = -ENOMEM;

	if (buffer == NULL)
		return error;
	length = path_read_link(link, buffer, PATH_MAX);
	if (length <= 0)
		error = length < 0 ? (int)length : -ENOENT;
	else if ((size_t)length + rest_length >= PATH_MAX)
		error = -ENAMETOOLONG;
	else
		error = 0;
	if (error != 0) {
		heap_free(buffer);
		return error;
	}
	/* What is left is empty or begins with a slash. */
	memcpy(buffer + length, rest, rest_length + 1);
	heap_free(path->buffer);
	path->buffer = buffer;
	return 0;
}

static bool is_dot(const char *name, size_t length)
{
	return length == 1 && name[0] == '.';
}

static bool is_dot_dot(const char *name, size_t length)
{
	return length == 2 && name[0] == '.' && name[1] == '.';
}

int path_walk(struct vnode *root, struct vnode *start, const char *text, unsigned flags,
	struct path *_path)
{
	struct vnode *at = text[0] == '/' ? root : start;
	unsigned links = 0;
	int error;

	memset(_path, 0, sizeof *_path);
	if (text[0] == '\0')
		return -ENOENT;
	if (strnlen(text, PATH_MAX) == PATH_MAX)
		return -ENAMETOOLONG;
	_path->last = PATH_IS_ROOT;
	path_reference(at);
	for (;;) {
		const char *name, *rest, *next;
		struct vnode *vnode;
		size_t length;
		bool last;

		while (*text == '/')
			text++;
		if (*text == '\0')
			break; /* `at` is it, and was reached by "/", "." or ".." */
		name = text;
		while (*text != '/' && *text != '\0')
			text++;
		rest = next = text;
		length = (size_t)(text - name);
		while (*next == '/')
			next++;
		last = *next == '\0';
		if (length > NAME_MAX) {
			error = -ENAMETOOLONG;
			goto fail;
		}
		if (!path_is_directory(at)) {
			error = -ENOTDIR;
			goto fail;
		}
		if (is_dot(name, length)) {
			_path->last = PATH_IS_DOT;
			continue;
		}
		if (is_dot_dot(name, length)) {
			_path->last = PATH_IS_DOT_DOT;
			if (at == root)
				continue;
			error = path_lookup(at, name, length, &vnode);
			if (error != 0)
				goto fail;
			path_put(at);
			at = vnode;
			continue;
		}

		error = path_lookup(at, name, length, &vnode);
		if (error == -ENOENT && last && (flags & PATH_MAKE))
			vnode = NULL;
		else if (error != 0)
			goto fail;
		if (vnode != NULL && path_is_link(vnode)
			&& (!last || (flags & PATH_FOLLOW)
				|| (rest != next && !(flags & PATH_NAME)))) {
			error = ++links > PATH_LINKS_MAX ? -ELOOP : follow(_path, vnode, rest);
			path_put(vnode);
			if (error != 0)
				goto fail;
			text = _path->buffer;
			if (text[0] == '/') {
				path_put(at);
				at = root;
				path_reference(at);
				_path->last = PATH_IS_ROOT;
			}
			continue;
		}
		if (last) {
			if (rest != next && vnode != NULL && !path_is_directory(vnode)) {
				path_put(vnode);
				error = -ENOTDIR;
				goto fail;
			}
			_path->vnode = vnode;
			_path->parent = at;
			_path->last = PATH_IS_NAME;
			_path->name = name;
			_path->length = length;
			_path->slash = rest != next;
			return 0;
		}
		path_put(at);
		at = vnode;
		_path->last = PATH_IS_NAME;
	}
	_path->vnode = at;
	return 0;

fail:
	path_put(at);
	heap_free(_path->buffer);
	_path->buffer = NULL;
	return error;
}

void path_end(struct path *path)
{
	if (path->vnode != NULL)
		path_put(path->vnode);
	if (path->parent != NULL)
		path_put(path->parent);
	heap_free(path->buffer);
	memset(path, 0, sizeof *path);
}
