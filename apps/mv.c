/*
 * mv [-f] FROM... TO: renames a file, or moves several into a directory. To another file
 * system a file is copied, by cp, and then removed, by rm.
 */
#include "target.h"
#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whether a program, which has said why if not, has done what it was asked for. */
static bool run(const char *name, const char *options, const char *one, const char *other)
{
	const char *const argv[] = {name, options, "--", one, other, NULL};
	pid_t child;
	int status, error = posix_spawnp(&child, name, NULL, NULL, (char *const *)argv, NULL);

	if (error != 0) {
		fprintf(stderr, "mv: %s: %s\n", name, strerror(error));
		return false;
	}
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return false;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Out of the way goes what rename() would have replaced: a file, or an empty directory.
 */
static int make_room(const char *from, const char *to)
{
	struct stat source, target;

	if (lstat(from, &source) < 0)
		return -1;
	if (lstat(to, &target) < 0)
		return errno == ENOENT ? 0 : -1;
	if (S_ISDIR(target.st_mode))
		return rmdir(to);
	if (S_ISDIR(source.st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	return unlink(to);
}

static int move(const char *from, const char *to)
{
	if (rename(from, to) == 0)
		return 0;
	if (errno == EXDEV && make_room(from, to) == 0)
		return run("cp", "-pr", from, to) && run("rm", "-r", from, NULL) ? 0 : 1;
	fprintf(stderr, "mv: %s to %s: %s\n", from, to, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	const char *last = argv[argc - 1];
	int option, result = 0;
	struct stat status;
	bool into;

	while ((option = getopt(argc, argv, "f")) != -1) {
		if (option == '?')
			optind = argc;
	}
	if (argc - optind < 2) {
		fprintf(stderr, "usage: mv [-f] FROM... TO\n");
		return 2;
	}
	into = stat(last, &status) == 0 && S_ISDIR(status.st_mode);
	if (argc - optind > 2 && !into) {
		fprintf(stderr, "mv: %s is not a directory\n", last);
		return 1;
	}
	for (int i = optind; i < argc - 1; i++)
		result |= move(argv[i], into ? target_in(last, argv[i]) : last);
	return result;
}
