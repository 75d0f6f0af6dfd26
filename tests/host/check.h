/*
 * Checks for the C tests of this folder. A check that fails prints a line and
 * is counted; main() ends with `return check_result();`.
 */
#pragma once

#include <stdio.h>
#include <string.h>

static int sChecks;
static int sFailures;

#define CHECK(condition)                                                                 \
	do {                                                                                 \
		sChecks++;                                                                       \
		if (!(condition)) {                                                              \
			printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);               \
			sFailures++;                                                                 \
		}                                                                                \
	} while (0)

/* The same for whole numbers and strings, with what they are. */
#define CHECK_NUMBER(actual, expected)                                                   \
	check_number(__FILE__, __LINE__, #actual, (long long)(actual), (long long)(expected))
#define CHECK_STRING(actual, expected)                                                   \
	check_string(__FILE__, __LINE__, #actual, (actual), (expected))

static inline void check_number(
	const char *file, int line, const char *text, long long actual, long long expected)
{
	sChecks++;
	if (actual == expected)
		return;
	printf("%s:%d: %s is %lld (0x%llx), not %lld (0x%llx)\n", file, line, text, actual,
		(unsigned long long)actual, expected, (unsigned long long)expected);
	sFailures++;
}

static inline void check_string(const char *file, int line, const char *text,
	const char *actual, const char *expected)
{
	sChecks++;
	if (actual == NULL || expected == NULL ? actual == expected
										   : strcmp(actual, expected) == 0)
		return;
	printf("%s:%d: %s is \"%s\", not \"%s\"\n", file, line, text,
		actual != NULL ? actual : "(NULL)", expected != NULL ? expected : "(NULL)");
	sFailures++;
}

static inline int check_result(void)
{
	printf("%d checks, %d failed\n", sChecks, sFailures);
	return sFailures == 0 ? 0 : 1;
}
