/* mkdir [-p] PATH...: makes directories, with -p those above them, too. */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int make(const char *path, bool above)
{
	char part[PATH_MAX];
	struct stat status;

	for (const char *slash = path; above && (slash = strchr(slash + 1, '/')) != NULL;) {
		size_t length = (size_t)(slash - path);

		if (length >= sizeof part)
			break;
		memcpy(part, path, length);
		part[length] = '\0';
		if (mkdir(part, 0777) < 0 && errno != EEXIST)
			break;
	}
	if (mkdir(path, 0777) == 0)
		return 0;
	if (above && errno == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return 0;
	fprintf(stderr, "mkdir: %s: %s\n", path, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	bool above = false;
	int option, result = 0;

	while ((option = getopt(argc, argv, "p")) != -1) {
		if (option == '?') {
			fprintf(stderr, "usage: mkdir [-p] PATH...\n");
			return 2;
		}
		above = true;
	}
	if (optind == argc) {
		fprintf(stderr, "usage: mkdir [-p] PATH...\n");
		return 2;
	}
	for (int i = optind; i < argc; i++)
		result |= make(argv[i], above);
	return result;
}
