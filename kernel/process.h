/*
 * The program: loaded from the boot archives, started in ring 3, ended by its
 * exit or by a fault. One at a time; when it ends, the machine does.
 */
#pragma once

#include <postern/types.h>

struct archive;
struct iframe;

/*
 * Loads arguments[0] from the archives and runs it with `arguments`, ended by
 * NULL. Powers off with status 127 when there is no such program.
 */
void process_run(const struct archive *archives, size_t archive_count,
	const char *const *arguments) __attribute__((noreturn));

/* The path of the running program, or NULL before there is one. */
const char *process_name(void);

/*
 * Ends the program. Of `status` the low 8 bits count; above 123, where the
 * machine's own exit statuses begin, it is logged and reported as 123.
 */
void process_exit(int status) __attribute__((noreturn));

/*
 * Ends the program after an exception of its own: a report of `what`, where,
 * the registers and the backtrace goes to the log and the screen.
 */
void process_fault(const struct iframe *frame, const char *what) __attribute__((noreturn));

/*
 * A page that is not mapped was touched at the user address `address`: maps
 * one when it belongs to the stack. Returns whether it did. Interrupts off.
 */
bool process_handle_fault(uintptr_t address);

/*
 * Prints "  0xADDRESS name+offset" for an address of the program, through
 * `print`. With `is_return`, the name is that of the call before the address:
 * a function that ends in a call returns to the one behind it.
 */
void process_print_address(
	uintptr_t address, bool is_return, void (*print)(const char *format, ...));
