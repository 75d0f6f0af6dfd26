// build:
/*
 * kernel/string.c and arch/i386/string.c, built in twice under other names: with the string
 * instructions where the host has them, and with its portable loops. Every
 * small size, alignment and distance, against libc, with guard bytes around:
 * the sanitizers do not see what an instruction of inline assembly writes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define memcpy fast_memcpy
#define memmove fast_memmove
#define memset fast_memset
#define memcmp fast_memcmp
#define strlen fast_strlen
#define strnlen fast_strnlen
#define strcmp fast_strcmp
#define strncmp fast_strncmp
#define strlcpy fast_strlcpy
#define copy_upwards fast_copy_upwards
#include "arch/i386/string.c"
#include "kernel/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strlcpy
#undef copy_upwards

#undef __i386__
#undef __x86_64__
#define memcpy plain_memcpy
#define memmove plain_memmove
#define memset plain_memset
#define memcmp plain_memcmp
#define strlen plain_strlen
#define strnlen plain_strnlen
#define strcmp plain_strcmp
#define strncmp plain_strncmp
#define strlcpy plain_strlcpy
#define copy_upwards plain_copy_upwards
#include "arch/i386/string.c"
#include "kernel/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strlcpy
#undef copy_upwards

static const struct functions {
	const char *name;
	void *(*copy)(void *, const void *, size_t);
	void *(*move)(void *, const void *, size_t);
	void *(*set)(void *, int, size_t);
	int (*compare)(const void *, const void *, size_t);
	size_t (*length)(const char *);
	size_t (*length_in)(const char *, size_t);
	int (*compare_strings)(const char *, const char *);
	int (*compare_in)(const char *, const char *, size_t);
	size_t (*copy_string)(char *, const char *, size_t);
} kFunctions[] = {
	{"fast", fast_memcpy, fast_memmove, fast_memset, fast_memcmp, fast_strlen,
		fast_strnlen, fast_strcmp, fast_strncmp, fast_strlcpy},
	{"plain", plain_memcpy, plain_memmove, plain_memset, plain_memcmp, plain_strlen,
		plain_strnlen, plain_strcmp, plain_strncmp, plain_strlcpy},
};

#define AREA 128

static void fill(uint8_t *area)
{
	for (int i = 0; i < AREA; i++)
		area[i] = (uint8_t)(i * 37 + 11);
}

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static void test_memory(const struct functions *f)
{
	uint8_t actual[AREA], expected[AREA], source[AREA];
	int wrong = 0;

	fill(source);
	for (size_t size = 0; size <= 40; size++) {
		for (size_t to = 8; to < 16; to++) {
			for (size_t from = 0; from < 8; from++) {
				memset(actual, 0xee, AREA);
				memset(expected, 0xee, AREA);
				memcpy(expected + to, source + from, size);
				wrong += f->copy(actual + to, source + from, size) != actual + to;
				wrong += memcmp(actual, expected, AREA) != 0;
			}
			fill(actual);
			fill(expected);
			memset(expected + to, (int)(size * 3 + 0x180), size);
			wrong += f->set(actual + to, (int)(size * 3 + 0x180), size) != actual + to;
			wrong += memcmp(actual, expected, AREA) != 0;
		}
		for (size_t to = 0; to < AREA - 40; to++) {
			size_t from = 40;

			fill(actual);
			fill(expected);
			memmove(expected + to, expected + from, size);
			wrong += f->move(actual + to, actual + from, size) != actual + to;
			wrong += memcmp(actual, expected, AREA) != 0;
		}
		for (size_t at = 0; at < size; at++) {
			memcpy(actual, source, AREA);
			wrong += f->compare(actual, source, size) != 0;
			actual[at] ^= 0x80;
			wrong += sign(f->compare(actual, source, size))
					 != sign(memcmp(actual, source, size));
			wrong += f->compare(actual, source, at) != 0;
		}
	}
	if (wrong != 0)
		printf("%s: %d of the memory functions' results are wrong\n", f->name, wrong);
	CHECK(wrong == 0);
}

static void test_strings(const struct functions *f)
{
	static const char *const kStrings[] = {
		"", "a", "b", "ab", "abc", "abd", "ab\xff", "ab\x01", "a much longer string"};
	size_t count = sizeof(kStrings) / sizeof(kStrings[0]);

	for (size_t i = 0; i < count; i++) {
		const char *a = kStrings[i];

		CHECK_NUMBER(f->length(a), strlen(a));
		for (size_t size = 0; size < 24; size++) {
			char buffer[32];
			/* The last byte of an allocation, so that a byte too far shows. */
			char *exact = malloc(size + 1);
			size_t expected = strlen(a) < size ? strlen(a) : size;

			memset(exact, 'x', size + 1);
			memcpy(exact, a, expected);
			if (expected < size)
				exact[expected] = '\0';
			CHECK_NUMBER(f->length_in(exact, size), expected);
			free(exact);

			memset(buffer, 'x', sizeof(buffer));
			CHECK_NUMBER(f->copy_string(buffer, a, size), strlen(a));
			if (size > 0) {
				size_t kept = strlen(a) < size ? strlen(a) : size - 1;

				CHECK(memcmp(buffer, a, kept) == 0 && buffer[kept] == '\0');
			}
			CHECK(buffer[size] == 'x');
		}
		for (size_t j = 0; j < count; j++) {
			const char *b = kStrings[j];

			CHECK_NUMBER(sign(f->compare_strings(a, b)), sign(strcmp(a, b)));
			for (size_t size = 0; size < 24; size++)
				CHECK_NUMBER(sign(f->compare_in(a, b, size)), sign(strncmp(a, b, size)));
		}
	}
}

int main(void)
{
	for (size_t i = 0; i < sizeof(kFunctions) / sizeof(kFunctions[0]); i++) {
		test_memory(&kFunctions[i]);
		test_strings(&kFunctions[i]);
	}
	return check_result();
}
