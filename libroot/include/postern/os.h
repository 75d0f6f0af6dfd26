/*
 * What libroot gives a program beside the raw calls (_kern_*, see
 * <postern/syscalls.h>): the functions of POSIX and of the system that are more
 * than one call or answer in another way.
 */
#pragma once

#include <postern/types.h>

/*
 * The calling thread's last error of a function below that returned -1. Never
 * set to 0. A thread that has put a segment of its own into GS has no errno: it
 * uses the raw calls, which return their errors.
 */
#ifndef errno /* in a program with the C library that library's is the one */
#define errno (*errno_location())
#endif
int *errno_location(void);

/* 1: the computer is on. There is no error and no other answer. */
int is_computer_on(void);

/* Ends the program. The low 8 bits count, of which 0 to 123 are its own. */
void exit(int status) __attribute__((noreturn));

/*
 * Writes up to `size` bytes to the descriptor `fd`; returns how many, or -1
 * with errno as _kern_write() says. For all of them, see write_all() in
 * <postern/write_all.h>.
 */
ssize_t write(int fd, const void *buffer, size_t size);

/*
 * Microseconds since the system started: as _kern_system_time() has it, but without
 * entering the kernel where the commpage has time data.
 */
time_us_t system_time(void);

/* ---- Processes: as POSIX says, -1 and errno as the raw call's error ---------- */

/* The child's number, and 0 in the child, which has only the calling thread. */
pid_t fork(void);

/* Returns only when it fails. `envp` may be NULL for none. */
int execve(const char *path, char *const argv[], char *const envp[]);

/*
 * Waits for the child `pid`, -1 for any. `options` are WAIT_NO_HANG and its kin of
 * <postern/syscalls.h>, or 0; <postern/process.h> takes *status apart.
 */
pid_t waitpid(pid_t pid, int *status, int options);

pid_t getpid(void);
