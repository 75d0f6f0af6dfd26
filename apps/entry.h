/* What programs that go through directories ask of scandir(). */
#pragma once

#include <dirent.h>
#include <string.h>

/* Whether it is inside, and neither the directory itself nor the one above. */
static inline int is_inside(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}
