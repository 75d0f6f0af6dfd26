/*
 * What libroot gives a program beside the raw calls (_kern_*, see
 * <postern/syscalls.h>): the functions of POSIX and of the system that are more
 * than one call or answer in another way.
 */
#pragma once

#include <postern/types.h>

/* The last error of a function below that returned -1. Never set to 0. */
extern int errno;

/* 1: the computer is on. There is no error and no other answer. */
int is_computer_on(void);

/* Ends the program. The low 8 bits count, of which 0 to 123 are its own. */
void exit(int status) __attribute__((noreturn));

/*
 * Writes up to `size` bytes to the descriptor `fd`; returns how many, or -1
 * with errno as _kern_write() says. For all of them, see print().
 */
ssize_t write(int fd, const void *buffer, size_t size);

/* Microseconds since the system started. */
time_us_t system_time(void);
