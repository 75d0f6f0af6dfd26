/*
 * The console of the programs: the first serial port and the screen with its
 * keyboard, as one terminal. The line discipline (line_discipline.h) decides
 * what keys mean; this has the buffers, the waiting and the devices.
 */
#pragma once

#include "kernel/options.h"
#include <postern/types.h>

struct poll_source;

/* From boot code, with interrupts off, before the devices interrupt. */
void terminal_init(const struct kernel_options *options);

/* The process group that keys interrupt and that may read. */
void terminal_set_foreground(pid_t group);

/* Waits until everything written is out; nobody else runs any more. */
void terminal_drain(void);

/* ---- What the device files are ------------------------------------------------ */

/*
 * Reads what there is, up to `size` bytes and, of a terminal with lines, up to
 * the end of one. 0 is the end of the file. -EAGAIN only with `nonblocking`;
 * -EINTR; -EIO when a process in the background cannot be stopped for it.
 */
ssize_t terminal_read(char *buffer, size_t size, bool nonblocking);

/* Writes all of it, or what went before a signal or, with `nonblocking`, a wait. */
ssize_t terminal_write(const char *bytes, size_t size, bool nonblocking);

/* The requests of <postern/termios.h>. -ENOTTY where the console is a pipe. */
int terminal_ioctl(uint32_t request, uint32_t argument);

/* POLLIN and POLLOUT, as they are now, and what brings others. */
uint32_t terminal_events(void);
struct poll_source *terminal_poll_source(void);

/* ---- What arch/i386/ calls, from its interrupt handlers ---------------------- */

/* The serial port has bytes, or room for some. */
void terminal_serial_ready(void);

/* A key was pressed, which sends these bytes. */
void terminal_key(const char *bytes, size_t size);
