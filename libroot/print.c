/*
 * print(): the kernel's own formatter (kernel/format.c is built for both
 * sides), one buffer, and writing until all of it is out.
 */
#include <postern/os.h>
#include <postern/print.h>
#include <postern/write_all.h>
#include <stdarg.h>

int format_string_v(char *buffer, size_t size, const char *format, va_list arguments);

int print(const char *format, ...)
{
	char text[512];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = format_string_v(text, sizeof text, format, arguments);
	va_end(arguments);
	if (length >= (int)sizeof text)
		length = sizeof text - 1;
	return write_all(1, text, (size_t)length) == 0 ? length : -1;
}
