// fuzz: kernel/options.c
/*
 * kernel/options.c over any line and any size of storage; and, the other way
 * round, any words quoted as GRUB does it come back as they were.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "kernel/options.h"

static size_t sWarnings;

static void count_warning(const char *message, const char *word)
{
	REQUIRE(message[0] != '\0' && strlen(word) < 100000);
	sWarnings++;
}

static void check_options(
	const struct kernel_options *options, const char *storage, size_t size)
{
	REQUIRE(options->syscall >= SYSCALL_AUTO && options->syscall <= SYSCALL_SYSENTER);
	REQUIRE(options->log_level >= LOG_ERROR && options->log_level <= LOG_DEBUG);
	REQUIRE(options->argc >= 1 && options->argc < OPTIONS_ARGUMENTS_MAX);
	REQUIRE(options->argv[options->argc] == NULL);
	REQUIRE(options->argv[0] == options->init);
	REQUIRE(options->init == NULL || options->init[0] == '/');
	for (int i = 0; i < options->argc; i++) {
		const char *word = options->argv[i];

		if (i == 0 && word == NULL)
			continue;
		REQUIRE(word >= storage && word < storage + size);
		REQUIRE(memchr(word, '\0', size - (size_t)(word - storage)) != NULL);
	}
	if (options->has_watch) {
		uint8_t length = options->watch_length;

		REQUIRE(length == 1 || length == 2 || length == 4);
		REQUIRE(options->watch % length == 0);
	}
	REQUIRE(options->cpus >= 1 && options->cpus <= OPTIONS_CPUS_MOST);
	REQUIRE(options->processes >= OPTIONS_TASKS_LEAST
			&& options->processes <= OPTIONS_TASKS_MOST);
	REQUIRE(options->threads >= OPTIONS_TASKS_LEAST
			&& options->threads <= OPTIONS_TASKS_MOST);
	REQUIRE(options->process_memory <= OPTIONS_MEMORY_MOST);
}

static void parse_line(const uint8_t *data, size_t size, size_t storage_size)
{
	struct kernel_options options;
	char *line = malloc(size + 1);
	char *storage = malloc(storage_size);

	memcpy(line, data, size);
	line[size] = '\0';
	options_parse(&options, storage, storage_size, line, count_warning);
	check_options(&options, storage, storage_size);
	free(storage);
	free(line);
}

/* The words are the pieces between the NULs of the input. */
static void parse_words(const uint8_t *data, size_t size)
{
	struct kernel_options options;
	char *line = malloc(2 * size + 3 * OPTIONS_ARGUMENTS_MAX + 8);
	const char *words[OPTIONS_ARGUMENTS_MAX];
	char *copy = malloc(size + 1);
	size_t count = 0;
	size_t length = 0;

	memcpy(copy, data, size);
	copy[size] = '\0';
	/* What stands for nothing cannot come back. */
	for (size_t i = 0; i < size; i++) {
		if (copy[i] == 0x1f)
			copy[i] = ' ';
	}
	memcpy(line, "--", 2);
	length = 2;
	for (size_t at = 0; at <= size && count < OPTIONS_ARGUMENTS_MAX - 2; count++) {
		words[count] = copy + at;

		bool quoted = strchr(words[count], ' ') != NULL || words[count][0] == '\0';
		line[length++] = ' ';
		if (quoted)
			line[length++] = '"';
		for (const char *c = words[count]; *c != '\0'; c++) {
			if (*c == '\\' || *c == '\'' || *c == '"')
				line[length++] = '\\';
			line[length++] = *c;
		}
		if (quoted)
			line[length++] = '"';
		at += strlen(words[count]) + 1;
	}
	line[length] = '\0';

	char *storage = malloc(length + 1);
	sWarnings = 0;
	options_parse(&options, storage, length + 1, line, count_warning);
	check_options(&options, storage, length + 1);
	REQUIRE(sWarnings == 0);
	REQUIRE((size_t)options.argc == count + 1);
	for (size_t i = 0; i < count; i++)
		REQUIRE(strcmp(options.argv[i + 1], words[i]) == 0);
	free(storage);
	free(copy);
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	parse_line(data + 1, size - 1, size);
	parse_line(data + 1, size - 1, data[0]);
	parse_words(data, size);
	return 0;
}
