/*
 * grep [-EFcilnoqrvw] {PATTERN | -e PATTERN...} [FILE...]: prints the lines that match a
 * regular expression, or with -F have that text in them; -o prints only what matches, and
 * -w wants it to be whole words. A line break in a pattern begins another one. -r goes
 * through directories; the file "-" is standard input.
 * Exit status: 0 when there were some, 1 when there were none, 2 for an error (POSIX).
 */
#include "entry.h"
#include "output.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool sCount, sFixed, sInvert, sList, sNames, sNumber, sOnly, sQuiet, sDeep, sWords;
static bool sFailed;
static int sFlags;
static unsigned long sMatches;

struct pattern {
	regex_t expression;
	struct pattern *next;
};

static struct pattern *sPatterns;

static void fail(const char *name)
{
	fprintf(stderr, "grep: %s: %s\n", name, strerror(errno));
	sFailed = true;
}

static void *allocate(size_t size)
{
	void *memory = malloc(size);

	if (memory == NULL) {
		perror("grep");
		exit(2);
	}
	return memory;
}

/* ---- Patterns -------------------------------------------------------------------- */

static void add_pattern(const char *text, size_t length)
{
	struct pattern *pattern = allocate(sizeof *pattern);
	char *expression = allocate(2 * length + 2), *place = expression;
	int error;

	for (size_t i = 0; i < length; i++) {
		if (sFixed && strchr(".[]*^$\\", text[i]) != NULL)
			*place++ = '\\';
		*place++ = text[i];
	}
	/* An empty pattern matches every line. newlib's regcomp() wants something in it. */
	if (length == 0)
		*place++ = '^';
	*place = '\0';
	error = regcomp(&pattern->expression, expression, sFlags);
	if (error != 0) {
		char reason[100];

		regerror(error, &pattern->expression, reason, sizeof reason);
		fprintf(stderr, "grep: %.*s: %s\n", (int)length, text, reason);
		exit(2);
	}
	free(expression);
	pattern->next = sPatterns;
	sPatterns = pattern;
}

/* POSIX, grep, -e: a pattern list, whose patterns stand on lines. */
static void add_patterns(const char *list)
{
	for (;;) {
		size_t length = strcspn(list, "\n");

		add_pattern(list, length);
		if (list[length] == '\0')
			return;
		list += length + 1;
	}
}

static bool is_word_byte(char byte)
{
	return isalnum((unsigned char)byte) || byte == '_';
}

static bool is_word(const char *line, size_t length, const regmatch_t *found)
{
	size_t begin = (size_t)found->rm_so, end = (size_t)found->rm_eo;

	return (begin == 0 || !is_word_byte(line[begin - 1]))
		   && (end == length || !is_word_byte(line[end]));
}

/* The first match at or behind `from`, the longest there. Of one that is no word, a
 * shorter one may be, and then one further on. */
static bool match_one(const struct pattern *pattern, const char *line, size_t length,
	size_t from, regmatch_t *found)
{
	size_t end = length;

	for (;;) {
		bool is_shorter = end < length;

		found->rm_so = (regoff_t)from;
		found->rm_eo = (regoff_t)end;
		if (regexec(&pattern->expression, line, 1, found,
				REG_STARTEND | (from > 0 ? REG_NOTBOL : 0)
					| (is_shorter ? REG_NOTEOL : 0))
			== 0) {
			if (!sWords)
				return true;
			if (!is_shorter)
				from = (size_t)found->rm_so;
			if ((size_t)found->rm_so == from) {
				if (is_word(line, length, found))
					return true;
				if ((size_t)found->rm_eo > from) {
					end = (size_t)found->rm_eo - 1;
					continue;
				}
			}
		} else if (!is_shorter) {
			return false;
		}
		if (from++ == length)
			return false;
		end = length;
	}
}

/* The same of all patterns. Without -o and -w it only tells whether there is one. */
static bool match(const char *line, size_t length, size_t from, regmatch_t *first)
{
	bool is_found = false;
	regmatch_t found;

	for (const struct pattern *pattern = sPatterns; pattern != NULL;
		 pattern = pattern->next) {
		if (!match_one(pattern, line, length, from, &found))
			continue;
		if (!sOnly)
			return true;
		if (!is_found || found.rm_so < first->rm_so
			|| (found.rm_so == first->rm_so && found.rm_eo > first->rm_eo))
			*first = found;
		is_found = true;
	}
	return is_found;
}

/* ---- Files ------------------------------------------------------------------------- */

static void print(const char *name, unsigned long number, const char *text, size_t length)
{
	if (sNames)
		printf("%s:", name);
	if (sNumber)
		printf("%lu:", number);
	fwrite(text, 1, length, stdout);
	putchar('\n');
}

static void print_matches(
	const char *name, unsigned long number, const char *line, size_t length)
{
	regmatch_t found;
	size_t from = 0;

	while (from <= length && match(line, length, from, &found)) {
		size_t begin = (size_t)found.rm_so, end = (size_t)found.rm_eo;

		if (end > begin)
			print(name, number, line + begin, end - begin);
		from = end > begin ? end : end + 1;
	}
}

static void search(FILE *file, const char *name)
{
	const char *shown = file == stdin ? "(standard input)" : name;
	unsigned long matches = 0, number = 0;
	char *line = NULL;
	size_t room = 0;
	ssize_t size;

	errno = 0;
	while ((size = getline(&line, &room, file)) >= 0) {
		size_t length = (size_t)size;
		regmatch_t found;

		number++;
		if (length > 0 && line[length - 1] == '\n')
			length--;
		if (match(line, length, 0, &found) == sInvert)
			continue;
		matches++;
		/* POSIX: with -q, a line that matched is enough, whatever failed. */
		if (sQuiet)
			exit(0);
		if (sList) {
			printf("%s\n", shown);
			break;
		}
		if (sCount)
			continue;
		if (!sOnly)
			print(shown, number, line, length);
		else if (!sInvert)
			print_matches(shown, number, line, length);
	}
	/* Before the end it stops when it cannot be read, or a line is larger than memory. */
	if (size < 0 && !feof(file))
		fail(name);
	free(line);
	if (sCount && !sList && !sQuiet) {
		if (sNames)
			printf("%s:", shown);
		printf("%lu\n", matches);
	}
	sMatches += matches;
}

static bool is_directory(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static void search_path(const char *path);

/* All that is below it; of what is neither a file nor a directory, a pipe say, nobody
 * knows when it would end. `shown` is what its names begin with. */
static void search_directory(const char *path, const char *shown)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_inside, alphasort);

	if (count < 0) {
		fail(path);
		return;
	}
	for (int i = 0; i < count; i++) {
		size_t room = strlen(shown) + strlen(entries[i]->d_name) + 2;
		char *inside = allocate(room);
		struct stat status;

		snprintf(inside, room, "%s%s%s", shown,
			*shown != '\0' && shown[strlen(shown) - 1] != '/' ? "/" : "",
			entries[i]->d_name);
		if (lstat(inside, &status) < 0)
			fail(inside);
		else if (S_ISDIR(status.st_mode))
			search_directory(inside, inside);
		else if (S_ISREG(status.st_mode))
			search_path(inside);
		free(inside);
		free(entries[i]);
	}
	free(entries);
}

static void search_path(const char *path)
{
	FILE *file = fopen(path, "r");

	if (file == NULL) {
		fail(path);
		return;
	}
	search(file, path);
	fclose(file);
}

static void __attribute__((noreturn)) usage(void)
{
	fprintf(stderr, "usage: grep [-EFcilnoqrvw] {PATTERN | -e PATTERN...} [FILE...]\n");
	exit(2);
}

int main(int argc, char **argv)
{
	const char **lists = allocate((size_t)argc * sizeof *lists);
	int option, count = 0;

	while ((option = getopt(argc, argv, "EFce:ilnoqrvw")) != -1) {
		switch (option) {
		case 'E':
			sFlags |= REG_EXTENDED;
			sFixed = false;
			break;
		case 'F':
			sFlags &= ~REG_EXTENDED;
			sFixed = true;
			break;
		case 'c':
			sCount = true;
			break;
		case 'e':
			lists[count++] = optarg;
			break;
		case 'i':
			sFlags |= REG_ICASE;
			break;
		case 'l':
			sList = true;
			break;
		case 'n':
			sNumber = true;
			break;
		case 'o':
			sOnly = true;
			break;
		case 'q':
			sQuiet = true;
			break;
		case 'r':
			sDeep = true;
			break;
		case 'v':
			sInvert = true;
			break;
		case 'w':
			sWords = true;
			break;
		default:
			usage();
		}
	}
	if (count == 0 && optind == argc)
		usage();
	if (count == 0)
		lists[count++] = argv[optind++];
	/* Where the match is need not be known by whoever prints whole lines. */
	if (!sOnly && !sWords)
		sFlags |= REG_NOSUB;
	for (int i = 0; i < count; i++)
		add_patterns(lists[i]);
	free(lists);

	sNames =
		argc - optind > 1 || (sDeep && (optind == argc || is_directory(argv[optind])));
	if (optind == argc && sDeep)
		search_directory(".", "");
	else if (optind == argc)
		search(stdin, "standard input");
	for (int i = optind; i < argc; i++) {
		if (strcmp(argv[i], "-") == 0)
			search(stdin, "standard input");
		else if (sDeep && is_directory(argv[i]))
			search_directory(argv[i], argv[i]);
		else
			search_path(argv[i]);
	}
	return end_of_output("grep", 0) != 0 || sFailed ? 2 : sMatches == 0;
}
