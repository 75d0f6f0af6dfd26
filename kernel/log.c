/*
 * The kernel's log. See log.h.
 *
 * Needs arch_log_write() and arch_screen_write() ready; they may write
 * nothing while their devices are not yet found.
 */
#include "kernel/log.h"

#include "kernel/arch.h"
#include "kernel/format.h"
#include "kernel/lock.h"

#include <stdarg.h>

static enum log_level sLevel = LOG_INFO;
static bool sScreen = true;

/* A line goes out whole, whoever writes one at the same time. */
static struct spinlock sLock = SPINLOCK("log", RANK_LOG);

static void write_bytes(const char *bytes, size_t size, bool screen)
{
	bool enabled = spin_lock_irq(&sLock);

	arch_log_write(bytes, size);
	if (screen)
		arch_screen_write(bytes, size);
	spin_unlock_irq(&sLock, enabled);
}

static void write_line(enum log_level level, const char *format, va_list arguments)
{
	char line[LOG_LINE_MAX];

	if (level > sLevel)
		return;

	/* The NUL's place is the newline's. */
	size_t length = (size_t)format_string_v(line, sizeof(line), format, arguments);
	if (length > sizeof(line) - 1)
		length = sizeof(line) - 1;
	line[length++] = '\n';

	write_bytes(line, length, sScreen);
}

void log_set_level(enum log_level level)
{
	sLevel = level;
}

void log_set_screen(bool on)
{
	sScreen = on;
}

void log_write(enum log_level level, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line(level, format, arguments);
	va_end(arguments);
}

void log_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line(LOG_ERROR, format, arguments);
	va_end(arguments);
}

void log_warn(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line(LOG_WARN, format, arguments);
	va_end(arguments);
}

void log_info(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line(LOG_INFO, format, arguments);
	va_end(arguments);
}

void log_debug(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line(LOG_DEBUG, format, arguments);
	va_end(arguments);
}

void log_raw(const char *bytes, size_t size)
{
	write_bytes(bytes, size, false);
}
