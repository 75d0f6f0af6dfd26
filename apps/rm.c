/* rm [-fr] PATH...: removes files, and with -r directories and all that is in them. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool sForce, sDeep;

static int complain(const char *path)
{
	if (sForce && errno == ENOENT)
		return 0;
	fprintf(stderr, "rm: %s: %s\n", path, strerror(errno));
	return 1;
}

static int is_inside(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int remove_path(const char *path)
{
	struct dirent **entries;
	struct stat status;
	char inside[PATH_MAX];
	int count, result = 0;

	if (lstat(path, &status) < 0)
		return complain(path);
	if (!S_ISDIR(status.st_mode) || !sDeep)
		return unlink(path) < 0 ? complain(path) : 0;
	count = scandir(path, &entries, is_inside, NULL);
	if (count < 0)
		return complain(path);
	for (int i = 0; i < count; i++) {
		snprintf(inside, sizeof inside, "%s/%s", path, entries[i]->d_name);
		result |= remove_path(inside);
		free(entries[i]);
	}
	free(entries);
	return rmdir(path) < 0 ? complain(path) : result;
}

int main(int argc, char **argv)
{
	int option, result = 0;

	while ((option = getopt(argc, argv, "frR")) != -1) {
		if (option == '?') {
			fprintf(stderr, "usage: rm [-fr] PATH...\n");
			return 2;
		}
		if (option == 'f')
			sForce = true;
		else
			sDeep = true;
	}
	for (int i = optind; i < argc; i++)
		result |= remove_path(argv[i]);
	return result;
}
