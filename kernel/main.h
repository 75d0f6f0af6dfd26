/* Where arch/i386/start.c hands over to the generic kernel. */
#pragma once

#include <postern/types.h>

struct archive;
struct kernel_options;

#define KERNEL_VERSION_MAJOR 0
#define KERNEL_VERSION_MINOR 1
#define KERNEL_VERSION_PATCH 0
#define KERNEL_VERSION_TEXT "Postern 0.1.0"

/* Runs the first program; the machine is up and interrupts are on. */
void kernel_main(const struct kernel_options *options, const struct archive *archives,
	size_t archive_count) __attribute__((noreturn));

/* A warning for options_parse(). */
void log_unknown_option(const char *message, const char *word);

/* The option hold=1; set early, so that it serves a panic of the boot as well. */
void kernel_hold_at_end(bool hold);

/*
 * Ends the run: the log's last line, then power off with `status` (0 to 127),
 * or, when it is held, a halt, so that the screen can be looked at.
 */
void kernel_end(int status) __attribute__((noreturn));

/* The same, but the machine starts again. */
void kernel_restart(void) __attribute__((noreturn));
