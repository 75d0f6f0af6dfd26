/*
 * What programs of tests share: checks, small helpers, and a runner. A test is a
 * function without arguments that runs in a process of its own and passes by returning.
 * Whatever its processes and threads find wrong goes through CHECK. A program has a
 * table of its tests and calls run_tests(); the Makefile says which programs
 * (HARNESSED) this is linked with.
 */
#pragma once

#include <postern/errno.h>
#include <postern/print.h>
#include <postern/process.h>
#include <postern/process_status.h>
#include <postern/signal.h>
#include <postern/syscalls.h>
#include <postern/thread.h>
#include <postern/types.h>

#define PAGE 4096u
#define KERNEL_BASE 0xc0000000u
#define SECOND 1000000ll /* microseconds */

/* Of kernel/string.h, which is built for programs, too. */
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *string);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);
int format_string(char *buffer, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- Checking ------------------------------------------------------------------- */

/* The first failure of a test, from whichever of its processes, is what is shown;
 * the process that has found it ends. */
void check_failed(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

#define CHECK(condition)                                                                 \
	do {                                                                                 \
		if (!(condition))                                                                \
			check_failed(__FILE__, __LINE__, "%s", #condition);                          \
	} while (0)

/* For results and error numbers: both values are shown. */
#define CHECK_EQUAL(actual, expected)                                                    \
	do {                                                                                 \
		int64_t actual_value = (int64_t)(actual);                                        \
		int64_t expected_value = (int64_t)(expected);                                    \
		if (actual_value != expected_value)                                              \
			check_failed(__FILE__, __LINE__, "%s is %lld (0x%llx), not %s (%lld)",       \
				#actual, actual_value, actual_value, #expected, expected_value);         \
	} while (0)

/*
 * For what others are about to do: it becomes true within PATIENCE. How long that takes
 * is the host's affair as much as the kernel's, so no test counts on less.
 */
#define CHECK_SOON(condition)                                                            \
	do {                                                                                 \
		time_us_t check_deadline = _kern_system_time() + PATIENCE;                       \
		while (!(condition)) {                                                           \
			if (_kern_system_time() > check_deadline)                                    \
				check_failed(__FILE__, __LINE__, "never: %s", #condition);               \
			sleep_us(1000);                                                              \
		}                                                                                \
	} while (0)

#define PATIENCE (60 * SECOND)

/* ---- Processes ------------------------------------------------------------------- */

void end(int status) __attribute__((noreturn));

/* fork() that has to work. */
pid_t check_fork(void);

/* Waits for the child `pid`; it must have ended by exit(status), or by `signal`. */
void check_exit(pid_t pid, int status);
void check_killed(pid_t pid, int signal);

/* In a child: what must end with `signal`. The log then has its fault report. */
void check_dies(void (*function)(uintptr_t argument), uintptr_t argument, int signal);

ssize_t process_count(void); /* zombies included */
struct process_status status_of(pid_t pid);

/* Return when all threads of the process, or all other threads of this one, wait: in the
 * call that the test is about, that is. */
void let_wait(pid_t pid);
void let_others_wait(void);

/* ---- Memory, time, threads --------------------------------------------------------- */

/* Memory that has to be there; `shared` is one with that of the children. */
void *check_map(size_t size, bool shared);
#define SHARED true
#define PRIVATE false
uint32_t free_pages(void);

/* That of `before` free pages at most so many are not back, soon: a thread that has ended
 * leaves its kernel stack only when its processor turns away. */
void check_pages_back(uint32_t before, uint32_t missing);
void sleep_us(time_us_t time);

#define ADDRESS(pointer) ((uint32_t)(uintptr_t)(pointer))

/* spawn_thread() with a made stack. `entry` must end with exit_thread(). */
tid_t spawn(void (*entry)(void *argument), const void *argument);
void check_join(tid_t thread, int value);

/* ---- Running them ------------------------------------------------------------------ */

struct test {
	void (*function)(void);
	const char *name;
};

/* From a table X(name)...: the functions' prototypes, and what test_set.tests is. */
#define DECLARE_TEST(name) void test_##name(void);
#define TEST_ENTRY(name) {test_##name, #name},

struct test_set {
	const struct test *tests;
	size_t count;
	/* A path: each test begins in a new directory there, and has to leave it empty.
	 * NULL: it begins where the program does. */
	const char *directory;
};

/*
 * Runs the tests that the arguments name, or all, or behind `--but` all others; or with
 * `--list` says which there are.
 * When a test and all its descendants have ended, as many pages must be free, and as many
 * processes be there, as before. With `--pages-vary` as the first argument the pages are
 * not looked at: a disk's blocks stay in memory. Gives the program's status: 0 when all
 * have passed, 1 when one has not, 2 for a wrong name.
 */
int run_tests(const struct test_set *set, int argc, char **argv);

/* The same for one that is in no table and writes lines itself: its name comes behind. */
int run_teller(const char *name, void (*function)(void));
