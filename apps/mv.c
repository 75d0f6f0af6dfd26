/* mv FROM... TO: renames a file, or moves several into a directory. Within one file
 * system: elsewhere, copy and remove. */
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int main(int argc, char **argv)
{
	char inside[PATH_MAX], name[PATH_MAX];
	struct stat status;
	bool into;
	int result = 0;

	if (argc < 3) {
		fprintf(stderr, "usage: mv FROM... TO\n");
		return 2;
	}
	into = stat(argv[argc - 1], &status) == 0 && S_ISDIR(status.st_mode);
	if (argc > 3 && !into) {
		fprintf(stderr, "mv: %s is not a directory\n", argv[argc - 1]);
		return 1;
	}
	for (int i = 1; i < argc - 1; i++) {
		const char *to = argv[argc - 1];

		if (into) {
			strlcpy(name, argv[i], sizeof name);
			snprintf(inside, sizeof inside, "%s/%s", to, basename(name));
			to = inside;
		}
		if (rename(argv[i], to) < 0) {
			fprintf(stderr, "mv: ");
			perror(argv[i]);
			result = 1;
		}
	}
	return result;
}
