// fuzz: kernel/path.c
/*
 * kernel/path.c over any path: it ends, what it answers fits together, and no
 * reference is lost. The first byte says the flags; of the others some stand for
 * names of the tree, so that most of them are found.
 */
#include <stdint.h>
#include <stdio.h>

#include <postern/limits.h>

#include "fake_tree.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const kWords[] = {"/", "..", "./", "../", "//", "home/", "file",
		"deep/", "er", "to_file", "to_deep", "to_root/", "to_none", "loop", "broken",
		"to_empty"};
	struct path path;
	size_t used = 0;
	char *text;
	int error;

	if (size < 1)
		return 0;
	text = malloc(size * 8 + 1);
	for (size_t i = 1; i < size; i++) {
		const char byte[2] = {(char)data[i], '\0'};
		const char *word = data[i] >= 0xf0 ? kWords[data[i] & 15] : byte;

		memcpy(text + used, word, strlen(word));
		used += strlen(word);
	}
	text[used] = '\0';
	text = realloc(text, used + 1);

	error = path_walk(&gTree[0], &gTree[FAKE_START], text, data[0] & 7, &path);
	if (error == 0) {
		REQUIRE(path.vnode != NULL || (data[0] & PATH_MAKE));
		REQUIRE((path.parent != NULL) == (path.last == PATH_IS_NAME));
		REQUIRE(path.parent == NULL || path_is_directory(path.parent));
		REQUIRE(path.parent == NULL || (path.length > 0 && path.length <= NAME_MAX));
		REQUIRE(path.parent == NULL || memchr(path.name, '/', path.length) == NULL);
		if (path.vnode != NULL && path.parent != NULL)
			REQUIRE(strlen(path.vnode->name) == path.length
					&& memcmp(path.vnode->name, path.name, path.length) == 0);
		if (path.vnode != NULL && path_is_link(path.vnode))
			REQUIRE(!(data[0] & PATH_FOLLOW));
		path_end(&path);
	} else {
		REQUIRE(error == -ENOENT || error == -ENOTDIR || error == -ENAMETOOLONG
				|| error == -ELOOP || error == -EIO);
	}
	REQUIRE(fake_references() == 0 && sAllocations == 0);
	free(text);
	return 0;
}
