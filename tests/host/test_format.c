// build: kernel/format.c
/*
 * kernel/format.c: by a table, and against libc's snprintf over random
 * conversions, values and buffer sizes.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "check.h"
#include "kernel/format.h"

#define CHECK_FORMAT(expected, ...)                                                      \
	do {                                                                                 \
		char text[200];                                                                  \
		CHECK_NUMBER(format_string(text, sizeof(text), __VA_ARGS__), strlen(expected));  \
		CHECK_STRING(text, expected);                                                    \
	} while (0)

static void test_table(void)
{
	CHECK_FORMAT("", "%s", "");
	CHECK_FORMAT("plain text", "plain text");
	CHECK_FORMAT("100%", "%d%%", 100);
	CHECK_FORMAT("[x]", "[%c]", 'x');
	CHECK_FORMAT("[  x][x  ]", "[%3c][%-3c]", 'x', 'x');
	CHECK_FORMAT("[   ab][ab   ][ab]", "[%5s][%-5s][%1s]", "ab", "ab", "ab");
	CHECK_FORMAT("[abc][  abc]", "[%.3s][%5.3s]", "abcdef", "abcdef");
	CHECK_FORMAT("-2147483648 2147483647", "%d %i", INT32_MIN, INT32_MAX);
	CHECK_FORMAT(
		"4294967295 ffffffff FFFFFFFF", "%u %x %X", UINT32_MAX, UINT32_MAX, UINT32_MAX);
	CHECK_FORMAT("-9223372036854775808", "%lld", (long long)INT64_MIN);
	CHECK_FORMAT("18446744073709551615", "%llu", (unsigned long long)UINT64_MAX);
	CHECK_FORMAT("0xdeadbeef", "0x%08x", 0xdeadbeefu);
	CHECK_FORMAT("0x0000002a", "0x%08x", 42);
	CHECK_FORMAT("[-0042][-42  ][  -42]", "[%05d][%-5d][%5d]", -42, -42, -42);
	CHECK_FORMAT("[   7][7   ]", "[%*d][%*d]", 4, 7, -4, 7);
	CHECK_FORMAT("abc", "%.*s", 3, "abcdef");
	CHECK_FORMAT("0", "%x", 0);
	CHECK_FORMAT("-1 255", "%hhd %hhu", (signed char)-1, (unsigned char)255);
	CHECK_FORMAT("12 -3 9", "%zu %td %jd", (size_t)12, (ptrdiff_t)-3, (intmax_t)9);

	char pointer[32];
	char expected[32];
	format_string(pointer, sizeof(pointer), "%p", (void *)0x1234);
	snprintf(expected, sizeof(expected), "0x%0*x", (int)(2 * sizeof(void *)), 0x1234);
	CHECK_STRING(pointer, expected);

	/* These the compiler would warn of, and they must do no harm. */
	const char *odd[][2] = {
		{"%q", "%q"}, {"%", "%"}, {"a%5", "a%5"}, {"%-08.3lk|", "%-08.3lk|"}};
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		CHECK_FORMAT(odd[i][1], odd[i][0], 1);
	const char *null = NULL;
	CHECK_FORMAT("(null)", "%s", null);

	/* A precision bounds what is read, too. */
	char *unended = malloc(3);
	memcpy(unended, "abc", 3);
	CHECK_FORMAT("abc", "%.3s", unended);
	free(unended);
}

static void test_sizes(void)
{
	char text[8] = "xxxxxxx";

	CHECK_NUMBER(format_string(NULL, 0, "%d", 12345), 5);
	CHECK_NUMBER(format_string(text, 1, "%d", 12345), 5);
	CHECK_STRING(text, "");
	CHECK(text[1] == 'x');
	CHECK_NUMBER(format_string(text, 4, "%d", 12345), 5);
	CHECK_STRING(text, "123");
	CHECK(text[4] == 'x');
	CHECK_NUMBER(format_string(text, 6, "%d", 12345), 5);
	CHECK_STRING(text, "12345");

	/* Quick, and never longer than an int can say. */
	CHECK_NUMBER(format_string(text, sizeof(text), "%2147483647d", 1), INT32_MAX);
	CHECK_STRING(text, "       ");
	CHECK_NUMBER(
		format_string(text, sizeof(text), "%*d%*d%*d", INT32_MAX, 1, INT32_MAX, 1, 9, 1),
		INT32_MAX);
	CHECK_NUMBER(format_string(text, sizeof(text), "%.999999999999d", 1), INT32_MAX);
	CHECK_STRING(text, "0000000");
}

static uint32_t random_below(uint32_t limit)
{
	return (uint32_t)rand() % limit;
}

static uint64_t random_value(void)
{
	uint64_t value = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();

	/* Numbers of every length, and their negatives. */
	value >>= random_below(64);
	return random_below(2) ? value : 0 - value;
}

static void test_against_libc(void)
{
	static const char *const kLengths[] = {"", "hh", "h", "l", "ll", "z", "j"};

	srand(1);
	for (int i = 0; i < 200000; i++) {
		char format[64], actual[80], expected[80];
		char letter = "diuxXsc"[random_below(7)];
		bool number = letter != 's' && letter != 'c';
		unsigned length = number ? random_below(7) : 0;
		size_t size = 1 + random_below(sizeof(actual) - 1);
		size_t used = 0;

		format[used++] = '<';
		format[used++] = '%';
		if (random_below(3) == 0)
			format[used++] = '-';
		else if (number && random_below(2) == 0)
			format[used++] = '0';
		if (random_below(2) == 0)
			used += (size_t)sprintf(format + used, "%u", 1 + random_below(30));
		if (letter != 'c' && random_below(3) == 0)
			used += (size_t)sprintf(format + used, ".%u", random_below(30));
		sprintf(format + used, "%s%c>", kLengths[length], letter);

		memset(actual, 'x', sizeof(actual));
		memset(expected, 'x', sizeof(expected));
		int actual_length, expected_length;
		if (letter == 's') {
			const char *string = &"a string of some length"[random_below(24)];

			actual_length = format_string(actual, size, format, string);
			expected_length = snprintf(expected, size, format, string);
		} else {
			uint64_t value = letter == 'c' ? 'c' : random_value();

			/* Both read the int as the low half of the same argument. */
			if (length == 0 || length == 1 || length == 2) {
				actual_length = format_string(actual, size, format, (unsigned)value);
				expected_length = snprintf(expected, size, format, (unsigned)value);
			} else {
				actual_length = format_string(actual, size, format, value);
				expected_length = snprintf(expected, size, format, value);
			}
		}
		if (actual_length != expected_length || memcmp(actual, expected, size) != 0) {
			printf("%s into %zu bytes: %d \"%s\", libc %d \"%s\"\n", format, size,
				actual_length, actual, expected_length, expected);
			sFailures++;
			if (sFailures > 20)
				return;
		}
		sChecks++;
	}
}

int main(void)
{
	test_table();
	test_sizes();
	test_against_libc();
	return check_result();
}
