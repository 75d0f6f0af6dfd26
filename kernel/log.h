/*
 * The kernel's log: lines of text to COM2 and, until the first program runs,
 * to the screen. Nothing is put before a line, so that those which tools look
 * for start in column 1.
 *
 * Usable from everywhere, interrupts included; a line then may stand between
 * two of the interrupted code, and never within one that is shorter than
 * LOG_LINE_MAX, as a line is written by a single call.
 */
#pragma once

#include <postern/types.h>

/* Bytes of a line with its newline. What is longer is cut. */
#define LOG_LINE_MAX 512

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Lines less important than `level` are left out. LOG_INFO at the start. */
void log_set_level(enum log_level level);

/* Whether lines go to the screen as well. They do at the start. */
void log_set_screen(bool on);

/* One line; `format` as in kernel/format.h, without a newline at its end. */
void log_write(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Bytes as they are, to COM2 only, whatever the level. */
void log_raw(const char *bytes, size_t size);
