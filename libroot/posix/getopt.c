/*
 * The options of a command line: getopt() as POSIX has it, and GNU's with long ones. What
 * is no option is passed over, and moved behind those that are, unless the environment
 * has POSIXLY_CORRECT or the letters begin with "+"; "-" there gives each as option 1.
 * Messages are GNU's.
 *
 * newlib's own begins at 0 and not at 1, takes "-" for a word of options, drops the "="
 * that an argument begins with, and does not tell in optopt which option was wrong.
 */
#include <getopt.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *optarg;
int optind = 1, opterr = 1, optopt = '?';

/* Of "-abc", what comes next; 0 between two words. */
static size_t sPlace;

/* What the three functions have been told. */
struct request {
	int count;
	char *const *words;
	const char *letters; /* behind what they may begin with */
	const struct option *names;
	int *which;			 /* where the index in `names` goes, or NULL */
	bool is_dash_enough; /* getopt_long_only(): -name is --name */
	bool has_colon;		 /* no message, and ':' for a missing argument */
};

static bool speaks(const struct request *request)
{
	return opterr != 0 && !request->has_colon;
}

static const char *find_letter(const struct request *request, char letter)
{
	return letter == ':' || letter == '\0' ? NULL : strchr(request->letters, letter);
}

static int short_option(const struct request *request)
{
	const char *program = request->words[0];
	char *word = request->words[optind];
	char letter = word[sPlace++];
	const char *found = find_letter(request, letter);
	bool is_last = word[sPlace] == '\0';

	if (found == NULL || found[1] != ':') {
		if (is_last) {
			optind++;
			sPlace = 0;
		}
		if (found != NULL)
			return letter;
		optopt = letter;
		if (speaks(request))
			fprintf(stderr, "%s: invalid option -- '%c'\n", program, letter);
		return '?';
	}
	if (!is_last)
		optarg = word + sPlace;
	optind++;
	sPlace = 0;
	if (is_last && found[2] != ':') {
		if (optind >= request->count) {
			optopt = letter;
			if (speaks(request))
				fprintf(
					stderr, "%s: option requires an argument -- '%c'\n", program, letter);
			return request->has_colon ? ':' : '?';
		}
		optarg = request->words[optind++];
	}
	return letter;
}

/* The index of the option that `length` bytes of `name` mean: it, or the beginning of no
 * other one. -1 when there is none, -2 when there are several. */
static int find_name(const struct option *names, const char *name, size_t length)
{
	int found = -1;

	for (int i = 0; names[i].name != NULL; i++) {
		if (strncmp(names[i].name, name, length) != 0)
			continue;
		if (names[i].name[length] == '\0')
			return i;
		/* Two names of one option are not two. */
		if (found == -1)
			found = i;
		else if (found >= 0
				 && (names[i].has_arg != names[found].has_arg
					 || names[i].flag != names[found].flag
					 || names[i].val != names[found].val))
			found = -2;
	}
	return found;
}

static int long_option(const struct request *request, int index, const char *name)
{
	const struct option *option = &request->names[index];
	int dashes = (int)(name - request->words[optind]);
	char *equals = strchr(name, '=');
	const char *wrong = NULL;

	optind++;
	if (request->which != NULL)
		*request->which = index;
	if (equals != NULL && option->has_arg == no_argument)
		wrong = "doesn't allow an argument";
	else if (equals != NULL)
		optarg = equals + 1;
	else if (option->has_arg == required_argument && optind < request->count)
		optarg = request->words[optind++];
	else if (option->has_arg == required_argument)
		wrong = "requires an argument";
	if (wrong != NULL) {
		optopt = option->val;
		if (speaks(request))
			fprintf(stderr, "%s: option '%.*s%s' %s\n", request->words[0], dashes, "--",
				option->name, wrong);
		return request->has_colon && equals == NULL ? ':' : '?';
	}
	if (option->flag == NULL)
		return option->val;
	*option->flag = option->val;
	return 0;
}

/* The option at words[optind], a word that begins with "-" and is more than that. */
static int option_here(const struct request *request)
{
	const char *word = request->words[optind];
	bool is_long = word[1] == '-';
	int index;

	if (sPlace == 0 && request->names != NULL
		&& (is_long
			|| (request->is_dash_enough
				&& (word[2] != '\0' || find_letter(request, word[1]) == NULL)))) {
		const char *name = word + 1 + is_long;

		index = find_name(request->names, name, strcspn(name, "="));
		if (index >= 0)
			return long_option(request, index, name);
		if (is_long || index == -2 || find_letter(request, word[1]) == NULL) {
			optind++;
			optopt = 0;
			if (speaks(request))
				fprintf(stderr,
					index == -2 ? "%s: option '%s' is ambiguous\n"
								: "%s: unrecognized option '%s'\n",
					request->words[0], word);
			return '?';
		}
	}
	if (sPlace == 0)
		sPlace = 1;
	return short_option(request);
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] != '\0';
}

static int next_option(struct request *request)
{
	char **words = (char **)request->words;
	bool is_in_order = getenv("POSIXLY_CORRECT") != NULL, gives_all = false;
	int passed = optind, begin, dealt, option;

	/* GNU: 0 is for who begins again, perhaps with other words. */
	if (optind == 0) {
		passed = optind = 1;
		sPlace = 0;
	}
	optarg = NULL;
	if (request->letters[0] == '+' || request->letters[0] == '-') {
		is_in_order = true;
		gives_all = *request->letters++ == '-';
	}
	request->has_colon = request->letters[0] == ':';

	if (!is_in_order) {
		while (optind < request->count && !is_option(words[optind]))
			optind++;
		if (optind >= request->count) {
			optind = passed;
			return -1;
		}
	}
	if (optind >= request->count || words[optind] == NULL)
		return -1;
	if (!is_option(words[optind])) {
		if (!gives_all)
			return -1;
		optarg = words[optind++];
		return 1;
	}
	begin = optind;
	if (sPlace == 0 && strcmp(words[optind], "--") == 0) {
		optind++;
		option = -1;
	} else {
		option = option_here(request);
	}
	/* What has been dealt with, nothing yet while there is more in its word, goes in
	 * front of what was passed over. */
	dealt = optind - begin;
	for (int i = 0; i < dealt; i++) {
		char *word = words[begin + i];

		memmove(words + passed + i + 1, words + passed + i,
			(size_t)(begin - passed) * sizeof words[0]);
		words[passed + i] = word;
	}
	optind = passed + dealt;
	return option;
}

int getopt(int count, char *const words[], const char *letters)
{
	struct request request = {.count = count, .words = words, .letters = letters};

	return next_option(&request);
}

int getopt_long(int count, char *const words[], const char *letters,
	const struct option *names, int *which)
{
	struct request request = {.count = count,
		.words = words,
		.letters = letters,
		.names = names,
		.which = which};

	return next_option(&request);
}

int getopt_long_only(int count, char *const words[], const char *letters,
	const struct option *names, int *which)
{
	struct request request = {.count = count,
		.words = words,
		.letters = letters,
		.names = names,
		.which = which,
		.is_dash_enough = true};

	return next_option(&request);
}
