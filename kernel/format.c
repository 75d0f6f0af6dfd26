/*
 * printf's formatting into a buffer. See format.h.
 *
 * Called by the log, the panic and the reports; must therefore hold no state
 * and need nothing but its stack, of which it takes about 100 bytes.
 */
#include "kernel/format.h"

#include <stdbool.h>
#include <stdint.h>

/* The text so far. `length` counts what did not fit as well. */
struct output {
	char *buffer;
	size_t size;
	size_t length;
};

/* One conversion, between the % and its letter. */
struct conversion {
	bool left;
	bool zero;
	size_t width;
	bool has_precision;
	size_t precision;
	char length; /* 'H' for hh, 'h', 'l', 'L' for ll, 'z', 't', 'j', or 0 */
};

/* Whether a byte more fits, and the NUL behind it. */
static bool has_room(const struct output *out)
{
	return out->size > 0 && out->length < out->size - 1;
}

static void put(struct output *out, char character)
{
	if (has_room(out))
		out->buffer[out->length] = character;
	if (out->length < SIZE_MAX)
		out->length++;
}

static void put_repeated(struct output *out, char character, size_t count)
{
	for (; count > 0 && has_room(out); count--)
		put(out, character);
	/* What the buffer cannot take need only be counted: the width of a
	 * conversion may be in the thousands of millions. */
	out->length += count < SIZE_MAX - out->length ? count : SIZE_MAX - out->length;
}

/* `text` of `length` bytes, padded to the width. */
static void put_padded(struct output *out, const struct conversion *conversion,
	const char *text, size_t length)
{
	size_t padding = conversion->width > length ? conversion->width - length : 0;

	if (!conversion->left)
		put_repeated(out, ' ', padding);
	for (size_t i = 0; i < length; i++)
		put(out, text[i]);
	if (conversion->left)
		put_repeated(out, ' ', padding);
}

static void put_string(
	struct output *out, const struct conversion *conversion, const char *string)
{
	size_t length = 0;

	if (string == NULL)
		string = "(null)";
	/* With a precision the string need not have a NUL. */
	while ((!conversion->has_precision || length < conversion->precision)
		   && string[length] != '\0')
		length++;
	put_padded(out, conversion, string, length);
}

/* `sign` is what goes before the padding of zeroes: "", "-" or "0x". */
static void put_number(struct output *out, const struct conversion *conversion,
	const char *sign, uint64_t value, unsigned base, bool capitals)
{
	const char *digit_names = capitals ? "0123456789ABCDEF" : "0123456789abcdef";
	char digits[20]; /* UINT64_MAX has 20 decimal digits */
	size_t count = 0;

	/* 64 bits are divided by a function, so only where there are so many. */
	while (value > UINT32_MAX) {
		uint64_t quotient = value / base;

		digits[count++] = digit_names[(unsigned)(value - quotient * base)];
		value = quotient;
	}
	for (uint32_t rest = (uint32_t)value; rest > 0; rest /= base)
		digits[count++] = digit_names[rest % base];

	size_t sign_length = 0;
	while (sign[sign_length] != '\0')
		sign_length++;

	size_t minimum = conversion->has_precision ? conversion->precision : 1;
	if (conversion->zero && !conversion->left && !conversion->has_precision
		&& conversion->width > sign_length)
		minimum = conversion->width - sign_length;

	size_t zeroes = minimum > count ? minimum - count : 0;
	size_t length = sign_length + zeroes + count;
	size_t padding = conversion->width > length ? conversion->width - length : 0;

	if (!conversion->left)
		put_repeated(out, ' ', padding);
	for (size_t i = 0; i < sign_length; i++)
		put(out, sign[i]);
	put_repeated(out, '0', zeroes);
	while (count > 0)
		put(out, digits[--count]);
	if (conversion->left)
		put_repeated(out, ' ', padding);
}

/* A decimal number at *_format, which moves behind it; INT32_MAX at the most. */
static size_t parse_count(const char **_format)
{
	size_t count = 0;

	while (**_format >= '0' && **_format <= '9') {
		size_t digit = (size_t)(**_format - '0');

		if (count > ((size_t)INT32_MAX - digit) / 10)
			count = INT32_MAX;
		else
			count = count * 10 + digit;
		(*_format)++;
	}
	return count;
}

static char parse_length(const char **_format)
{
	char length = **_format;

	switch (length) {
	case 'h':
	case 'l':
		(*_format)++;
		if (**_format == length) {
			(*_format)++;
			return length == 'h' ? 'H' : 'L';
		}
		return length;
	case 'z':
	case 't':
	case 'j':
		(*_format)++;
		return length;
	}
	return 0;
}

/* A va_list is an array on some machines, so a pointer to it needs a struct. */
struct arguments {
	va_list list;
};

static int64_t next_signed(struct arguments *arguments, char length)
{
	switch (length) {
	case 'H':
		return (signed char)va_arg(arguments->list, int);
	case 'h':
		return (short)va_arg(arguments->list, int);
	case 'l':
		return va_arg(arguments->list, long);
	case 'L':
		return va_arg(arguments->list, long long);
	case 'z':
	case 't':
		return va_arg(arguments->list, ptrdiff_t);
	case 'j':
		return va_arg(arguments->list, intmax_t);
	}
	return va_arg(arguments->list, int);
}

static uint64_t next_unsigned(struct arguments *arguments, char length)
{
	switch (length) {
	case 'H':
		return (unsigned char)va_arg(arguments->list, unsigned);
	case 'h':
		return (unsigned short)va_arg(arguments->list, unsigned);
	case 'l':
		return va_arg(arguments->list, unsigned long);
	case 'L':
		return va_arg(arguments->list, unsigned long long);
	case 'z':
	case 't':
		return va_arg(arguments->list, size_t);
	case 'j':
		return va_arg(arguments->list, uintmax_t);
	}
	return va_arg(arguments->list, unsigned);
}

/* Flags, width, precision and length at *_format, which moves behind them. */
static void parse_conversion(
	const char **_format, struct conversion *_conversion, struct arguments *arguments)
{
	for (;; (*_format)++) {
		if (**_format == '-')
			_conversion->left = true;
		else if (**_format == '0')
			_conversion->zero = true;
		else
			break;
	}

	if (**_format == '*') {
		int width = va_arg(arguments->list, int);

		if (width < 0) {
			_conversion->left = true;
			_conversion->width = 0u - (unsigned)width;
		} else
			_conversion->width = (unsigned)width;
		(*_format)++;
	} else
		_conversion->width = parse_count(_format);

	if (**_format == '.') {
		(*_format)++;
		_conversion->has_precision = true;
		if (**_format == '*') {
			int precision = va_arg(arguments->list, int);

			/* A negative one counts as none at all (ISO C, fprintf). */
			if (precision < 0)
				_conversion->has_precision = false;
			else
				_conversion->precision = (unsigned)precision;
			(*_format)++;
		} else
			_conversion->precision = parse_count(_format);
	}

	_conversion->length = parse_length(_format);
}

/* Returns false for a letter that is no conversion. */
static bool put_conversion(struct output *out, const struct conversion *conversion,
	char letter, struct arguments *arguments)
{
	switch (letter) {
	case 'c': {
		char character = (char)va_arg(arguments->list, int);

		put_padded(out, conversion, &character, 1);
		return true;
	}
	case 's':
		put_string(out, conversion, va_arg(arguments->list, const char *));
		return true;
	case 'd':
	case 'i': {
		int64_t value = next_signed(arguments, conversion->length);

		/* Negated unsigned: INT64_MIN has no positive counterpart. */
		if (value < 0)
			put_number(out, conversion, "-", 0u - (uint64_t)value, 10, false);
		else
			put_number(out, conversion, "", (uint64_t)value, 10, false);
		return true;
	}
	case 'u':
		put_number(
			out, conversion, "", next_unsigned(arguments, conversion->length), 10, false);
		return true;
	case 'x':
	case 'X':
		put_number(out, conversion, "", next_unsigned(arguments, conversion->length), 16,
			letter == 'X');
		return true;
	case 'p': {
		struct conversion pointer = *conversion;

		pointer.has_precision = true;
		pointer.precision = 2 * sizeof(void *);
		put_number(
			out, &pointer, "0x", (uintptr_t)va_arg(arguments->list, void *), 16, false);
		return true;
	}
	case '%':
		put(out, '%');
		return true;
	}
	return false;
}

int format_string_v(char *buffer, size_t size, const char *format, va_list list)
{
	struct output out = {buffer, size, 0};
	struct arguments arguments;

	va_copy(arguments.list, list);
	while (*format != '\0') {
		if (*format != '%') {
			put(&out, *format++);
			continue;
		}

		struct conversion conversion = {0};
		const char *start = format++;

		parse_conversion(&format, &conversion, &arguments);
		if (*format != '\0' && put_conversion(&out, &conversion, *format, &arguments)) {
			format++;
			continue;
		}
		while (start < format)
			put(&out, *start++);
	}
	va_end(arguments.list);

	if (size > 0)
		buffer[out.length < size ? out.length : size - 1] = '\0';
	return out.length > INT32_MAX ? INT32_MAX : (int)out.length;
}

int format_string(char *buffer, size_t size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int length = format_string_v(buffer, size, format, arguments);
	va_end(arguments);
	return length;
}
