/*
 * The kernel's command line. See options.h.
 *
 * Called once by the kernel's start; pure, so that the host tests and the
 * fuzzer run the same code.
 */
#include "kernel/options.h"

#include "kernel/string.h"

struct parser {
	const char *next; /* in the command line */
	char *storage;
	size_t size;
	size_t used; /* bytes of `storage` */
	void (*warn)(const char *message, const char *word);
};

/*
 * Stands for nothing, and so for an empty word: GRUB drops those on the way,
 * and tools/boot.py sends this in their place.
 */
#define EMPTY_WORD 0x1f

enum word_result { WORD_READ, WORD_END, WORD_TOO_LONG };

static void warn(struct parser *parser, const char *message, const char *word)
{
	if (parser->warn != NULL)
		parser->warn(message, word);
}

/*
 * Reads the next word into storage, unquoted and NUL-ended. At WORD_TOO_LONG
 * nothing of it is kept.
 */
static enum word_result next_word(struct parser *parser, const char **_word)
{
	while (*parser->next == ' ')
		parser->next++;
	if (*parser->next == '\0')
		return WORD_END;

	size_t start = parser->used;
	size_t end = start;
	char quote = '\0';

	for (; *parser->next != '\0'; parser->next++) {
		char character = *parser->next;

		if (character == EMPTY_WORD)
			continue;
		if (quote != '\0' && character == quote) {
			quote = '\0';
			continue;
		}
		if (quote == '\0') {
			if (character == ' ')
				break;
			if (character == '"' || character == '\'') {
				quote = character;
				continue;
			}
		}
		/* A backslash at the very end stands for itself. */
		if (character == '\\' && quote != '\'' && parser->next[1] != '\0')
			character = *++parser->next;

		if (end == parser->size)
			return WORD_TOO_LONG;
		parser->storage[end++] = character;
	}
	if (end == parser->size)
		return WORD_TOO_LONG;
	parser->storage[end] = '\0';
	parser->used = end + 1;

	*_word = parser->storage + start;
	if (quote != '\0')
		warn(parser, "quote without an end", *_word);
	return WORD_READ;
}

/* The index of `value` in `names`, which NULL ends; -1 when it is not there. */
static int find_name(const char *value, const char *const *names)
{
	for (int i = 0; names[i] != NULL; i++) {
		if (strcmp(value, names[i]) == 0)
			return i;
	}
	return -1;
}

/* 0x and one to eight digits at *_text, which moves behind them. */
static bool parse_hex(const char **_text, uint32_t *_number)
{
	const char *text = *_text;
	uint32_t number = 0;
	int digits = 0;

	if (text[0] != '0' || (text[1] != 'x' && text[1] != 'X'))
		return false;
	for (text += 2;; text++) {
		uint32_t digit;

		if (*text >= '0' && *text <= '9')
			digit = (uint32_t)(*text - '0');
		else if (*text >= 'a' && *text <= 'f')
			digit = (uint32_t)(*text - 'a') + 10;
		else if (*text >= 'A' && *text <= 'F')
			digit = (uint32_t)(*text - 'A') + 10;
		else
			break;
		if (++digits > 8)
			return false;
		number = number << 4 | digit;
	}
	*_text = text;
	*_number = number;
	return digits > 0;
}

static bool parse_watch(struct kernel_options *options, const char *value)
{
	uint32_t address;
	bool write_only = false;
	uint8_t length = 1;

	if (!parse_hex(&value, &address))
		return false;
	if (value[0] == ',' && (value[1] == 'r' || value[1] == 'w')) {
		write_only = value[1] == 'w';
		value += 2;
	}
	if (value[0] == ',' && (value[1] == '1' || value[1] == '2' || value[1] == '4')) {
		length = (uint8_t)(value[1] - '0');
		value += 2;
	}
	/* Intel SDM 3B, 18.2.5 "Breakpoint Field Recognition": the processor
	 * ignores the low bits of an address that is not a multiple of the length. */
	if (*value != '\0' || address % length != 0)
		return false;

	options->has_watch = true;
	options->watch = address;
	options->watch_write_only = write_only;
	options->watch_length = length;
	return true;
}

static bool set_syscall(struct kernel_options *options, const char *value)
{
	static const char *const kNames[] = {
		[SYSCALL_AUTO] = "auto",
		[SYSCALL_INT] = "int",
		[SYSCALL_SYSENTER] = "sysenter",
		NULL,
	};
	int index = find_name(value, kNames);

	if (index >= 0)
		options->syscall = (enum syscall_choice)index;
	return index >= 0;
}

static bool set_log_level(struct kernel_options *options, const char *value)
{
	static const char *const kNames[] = {
		[LOG_ERROR] = "error",
		[LOG_WARN] = "warn",
		[LOG_INFO] = "info",
		[LOG_DEBUG] = "debug",
		NULL,
	};
	int index = find_name(value, kNames);

	if (index >= 0)
		options->log_level = (enum log_level)index;
	return index >= 0;
}

static bool set_init(struct kernel_options *options, const char *value)
{
	if (value[0] != '/')
		return false;
	options->init = value;
	return true;
}

static bool set_hold(struct kernel_options *options, const char *value)
{
	static const char *const kNames[] = {"0", "1", NULL};
	int index = find_name(value, kNames);

	if (index >= 0)
		options->hold = index == 1;
	return index >= 0;
}

static bool set_nx(struct kernel_options *options, const char *value)
{
	static const char *const kNames[] = {"off", "auto", NULL};
	int index = find_name(value, kNames);

	if (index >= 0)
		options->nx = index == 1;
	return index >= 0;
}

static bool set_tsc(struct kernel_options *options, const char *value)
{
	static const char *const kNames[] = {
		[TSC_AUTO] = "auto",
		[TSC_INVARIANT] = "invariant",
		[TSC_OFF] = "off",
		NULL,
	};
	int index = find_name(value, kNames);

	if (index >= 0)
		options->tsc = (enum tsc_choice)index;
	return index >= 0;
}

/* Decimal digits and nothing else, up to `most`. */
static bool parse_decimal(const char *text, uint32_t most, uint32_t *_number)
{
	uint32_t number = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		uint32_t digit = (uint32_t)(*text - '0');

		if (*text < '0' || *text > '9' || number > most / 10
			|| digit > most - number * 10)
			return false;
		number = number * 10 + digit;
	}
	*_number = number;
	return true;
}

/* The same, and not below `least`. */
static bool parse_count(
	const char *text, uint32_t least, uint32_t most, uint32_t *_number)
{
	uint32_t number;

	if (!parse_decimal(text, most, &number) || number < least)
		return false;
	*_number = number;
	return true;
}

static bool set_schedule(struct kernel_options *options, const char *value)
{
	static const char kRandom[] = "random";
	const size_t length = sizeof kRandom - 1;
	uint32_t seed = OPTIONS_DEFAULT_SEED;

	if (strcmp(value, "normal") == 0) {
		options->random_schedule = false;
		return true;
	}
	if (strncmp(value, kRandom, length) != 0)
		return false;
	value += length;
	if (*value == ':') {
		value++;
		if (value[0] == '0' && (value[1] == 'x' || value[1] == 'X')) {
			if (!parse_hex(&value, &seed) || *value != '\0')
				return false;
		} else if (!parse_decimal(value, UINT32_MAX, &seed)) {
			return false;
		}
	} else if (*value != '\0') {
		return false;
	}
	options->random_schedule = true;
	options->schedule_seed = seed;
	return true;
}

static bool set_processes(struct kernel_options *options, const char *value)
{
	return parse_count(
		value, OPTIONS_TASKS_LEAST, OPTIONS_TASKS_MOST, &options->processes);
}

static bool set_threads(struct kernel_options *options, const char *value)
{
	return parse_count(value, OPTIONS_TASKS_LEAST, OPTIONS_TASKS_MOST, &options->threads);
}

static bool set_process_memory(struct kernel_options *options, const char *value)
{
	return parse_count(value, 0, OPTIONS_MEMORY_MOST, &options->process_memory);
}

static bool set_cpus(struct kernel_options *options, const char *value)
{
	return parse_count(value, 1, OPTIONS_CPUS_MOST, &options->cpus);
}

/* One to four digits, not all 0, at *_text, which moves behind them. */
static bool parse_size(const char **_text, uint16_t *_size)
{
	const char *text = *_text;
	uint32_t size = 0;

	for (; *text >= '0' && *text <= '9' && text - *_text < 5; text++)
		size = size * 10 + (uint32_t)(*text - '0');
	if (size == 0 || size > 9999)
		return false;
	*_text = text;
	*_size = (uint16_t)size;
	return true;
}

static bool set_console(struct kernel_options *options, const char *value)
{
	static const char kTerminal[] = "terminal";
	uint16_t columns = 0, rows = 0;

	if (strcmp(value, "plain") == 0) {
		options->console_plain = true;
		return true;
	}
	if (strncmp(value, kTerminal, sizeof kTerminal - 1) != 0)
		return false;
	value += sizeof kTerminal - 1;
	if (*value != '\0') {
		if (*value++ != ',' || !parse_size(&value, &columns) || *value++ != 'x'
			|| !parse_size(&value, &rows) || *value != '\0')
			return false;
	}
	options->console_plain = false;
	options->console_columns = columns;
	options->console_rows = rows;
	return true;
}

/* To add an option: a line here, one in options.h. */
static const struct {
	const char *name; /* with its = */
	bool (*set)(struct kernel_options *options, const char *value);
} kOptions[] = {
	{"syscall=", set_syscall},
	{"init=", set_init},
	{"loglevel=", set_log_level},
	{"hold=", set_hold},
	{"nx=", set_nx},
	{"tsc=", set_tsc},
	{"watch=", parse_watch},
	{"schedule=", set_schedule},
	{"cpus=", set_cpus},
	{"processes=", set_processes},
	{"threads=", set_threads},
	{"process-memory=", set_process_memory},
	{"console=", set_console},
};

static void parse_option(
	struct parser *parser, struct kernel_options *options, const char *word)
{
	for (size_t i = 0; i < sizeof(kOptions) / sizeof(kOptions[0]); i++) {
		size_t length = strlen(kOptions[i].name);

		if (strncmp(word, kOptions[i].name, length) != 0)
			continue;
		if (!kOptions[i].set(options, word + length))
			warn(parser, "bad value of a kernel option", word);
		return;
	}
	warn(parser, "unknown kernel option", word);
}

void options_parse(struct kernel_options *options, char *storage, size_t storage_size,
	const char *command_line, void (*tell)(const char *message, const char *word))
{
	struct parser parser = {command_line, storage, storage_size, 0, tell};
	bool in_arguments = false;
	enum word_result result;
	const char *word;

	*options = (struct kernel_options){
		.syscall = SYSCALL_AUTO,
		.log_level = LOG_INFO,
		.nx = true,
		.tsc = TSC_AUTO,
		.argc = 1,
		.cpus = OPTIONS_CPUS_MOST,
		.processes = OPTIONS_DEFAULT_PROCESSES,
		.threads = OPTIONS_DEFAULT_THREADS,
	};

	while ((result = next_word(&parser, &word)) == WORD_READ) {
		if (!in_arguments) {
			if (strcmp(word, "--") == 0)
				in_arguments = true;
			else
				parse_option(&parser, options, word);
			continue;
		}
		if (options->argc == OPTIONS_ARGUMENTS_MAX - 1) {
			warn(&parser, "too many arguments, left out from here on", word);
			break;
		}
		options->argv[options->argc++] = word;
	}
	if (result == WORD_TOO_LONG)
		warn(&parser, "command line too long, the rest is left out", "");

	options->argv[0] = options->init;
}
