/* ls [-aldR1] [PATH...]: lists directories, sorted. -l says kind, mode, links, size,
 * date. */
#include "entry.h"
#include "output.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool sAll, sLong, sPlain, sDeep, sSingle;
static int sStatus;
static unsigned sWidth = 80;

static void complain(const char *path)
{
	fprintf(stderr, "ls: %s: %s\n", path, strerror(errno));
	sStatus = 1;
}

static void print_long(const char *path, const char *name)
{
	static const char kKinds[] = "?pc?d?b?-?l?s???";
	static const char kRights[] = "rwxrwxrwx";
	char mode[11], date[32], target[PATH_MAX];
	struct stat status;
	ssize_t length;

	if (lstat(path, &status) < 0) {
		complain(path);
		return;
	}
	mode[0] = kKinds[(status.st_mode & S_IFMT) >> 12];
	for (int i = 0; i < 9; i++)
		mode[i + 1] = status.st_mode >> (8 - i) & 1 ? kRights[i] : '-';
	mode[10] = '\0';
	strftime(date, sizeof date, "%Y-%m-%d %H:%M", localtime(&status.st_mtime));
	printf("%s %3u %10lld %s %s", mode, (unsigned)status.st_nlink,
		(long long)status.st_size, date, name);
	if (S_ISLNK(status.st_mode)
		&& (length = readlink(path, target, sizeof target - 1)) >= 0) {
		target[length] = '\0';
		printf(" -> %s", target);
	}
	putchar('\n');
}

/* In columns on a terminal, one to a line elsewhere. */
static void print_names(struct dirent **entries, int count)
{
	size_t widest = 1;
	unsigned columns, rows;

	for (int i = 0; i < count; i++) {
		if (strlen(entries[i]->d_name) > widest)
			widest = strlen(entries[i]->d_name);
	}
	columns = sSingle ? 1 : (unsigned)(sWidth / (widest + 2));
	columns = columns < 1 ? 1 : columns;
	rows = ((unsigned)count + columns - 1) / columns;
	for (unsigned row = 0; row < rows; row++) {
		for (unsigned i = row; i < (unsigned)count; i += rows)
			printf("%-*s", i + rows < (unsigned)count ? (int)widest + 2 : 0,
				entries[i]->d_name);
		putchar('\n');
	}
}

static int is_shown(const struct dirent *entry)
{
	return sAll || entry->d_name[0] != '.';
}

static void list(const char *path, bool heading)
{
	struct dirent **entries;
	char inside[PATH_MAX];
	int count = scandir(path, &entries, is_shown, alphasort);

	if (count < 0) {
		complain(path);
		return;
	}
	if (heading)
		printf("%s:\n", path);
	if (!sLong)
		print_names(entries, count);
	for (int i = 0; sLong && i < count; i++) {
		snprintf(inside, sizeof inside, "%s/%s", path, entries[i]->d_name);
		print_long(inside, entries[i]->d_name);
	}
	for (int i = 0; sDeep && i < count; i++) {
		if (entries[i]->d_type != DT_DIR || !is_inside(entries[i]))
			continue;
		snprintf(inside, sizeof inside, "%s/%s", path, entries[i]->d_name);
		putchar('\n');
		list(inside, true);
	}
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
}

int main(int argc, char **argv)
{
	struct winsize window;
	int option;

	sSingle = !isatty(STDOUT_FILENO);
	if (!sSingle && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
		sWidth = window.ws_col;
	while ((option = getopt(argc, argv, "aldR1")) != -1) {
		switch (option) {
		case 'a':
			sAll = true;
			break;
		case 'l':
			sLong = true;
			break;
		case 'd':
			sPlain = true;
			break;
		case 'R':
			sDeep = true;
			break;
		case '1':
			sSingle = true;
			break;
		default:
			fprintf(stderr, "usage: ls [-aldR1] [PATH...]\n");
			return 2;
		}
	}
	if (optind == argc)
		list(".", sDeep);
	for (int i = optind; i < argc; i++) {
		struct stat status;

		if (stat(argv[i], &status) < 0 && lstat(argv[i], &status) < 0)
			complain(argv[i]);
		else if (S_ISDIR(status.st_mode) && !sPlain)
			list(argv[i], sDeep || optind + 1 < argc);
		else if (sLong)
			print_long(argv[i], argv[i]);
		else
			puts(argv[i]);
	}
	return end_of_output("ls", sStatus);
}
