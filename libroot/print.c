/*
 * print(): the kernel's own formatter (kernel/format.c is built for both
 * sides), one buffer, and writing until all of it is out.
 */
#include <postern/os.h>
#include <postern/print.h>
#include <stdarg.h>

int format_string_v(char *buffer, size_t size, const char *format, va_list arguments);

int print(const char *format, ...)
{
	char text[512];
	va_list arguments;
	int length, done = 0;

	va_start(arguments, format);
	length = format_string_v(text, sizeof text, format, arguments);
	va_end(arguments);
	if (length >= (int)sizeof text)
		length = sizeof text - 1;
	while (done < length) {
		ssize_t count = write(1, text + done, (size_t)(length - done));

		if (count <= 0)
			return -1;
		done += count;
	}
	return length;
}
