/* What programs of tests share; see harness.h. */
#include "harness.h"
#include <stdarg.h>

int format_string_v(char *buffer, size_t size, const char *format, va_list arguments);

#define SETTLE PATIENCE /* orphans of a test may take a moment to end */

/* Shared with all processes of a test. */
struct report {
	uint32_t taken;
	char why[240];
};

static struct report *sReport;
static bool sPagesVary;

#define PROCESSES 300 /* more than the kernel's own limit */
static struct process_status sProcesses[PROCESSES];

/* ---- Checking ------------------------------------------------------------------- */

void check_failed(const char *file, int line, const char *format, ...)
{
	const char *base = file;
	va_list arguments;
	int length;

	for (; *file != '\0'; file++) {
		if (*file == '/')
			base = file + 1;
	}
	if (sReport != NULL
		&& __atomic_exchange_n(&sReport->taken, 1, __ATOMIC_SEQ_CST) == 0) {
		length = format_string(sReport->why, sizeof sReport->why, "%s:%d: ", base, line);
		va_start(arguments, format);
		format_string_v(sReport->why + length, sizeof sReport->why - (size_t)length,
			format, arguments);
		va_end(arguments);
	}
	end(1);
}

/* ---- Processes ------------------------------------------------------------------- */

void end(int status)
{
	_kern_exit(status);
	__builtin_unreachable();
}

pid_t check_fork(void)
{
	pid_t pid = _kern_fork();

	CHECK(pid >= 0);
	return pid;
}

static int wait_for(pid_t pid)
{
	int status = -1;

	CHECK_EQUAL(_kern_wait(pid, &status, 0), pid);
	return status;
}

void check_exit(pid_t pid, int expected)
{
	int status = wait_for(pid);

	CHECK_EQUAL(WAIT_SIGNAL(status), 0);
	CHECK(WAIT_EXITED(status));
	CHECK_EQUAL(WAIT_EXIT_STATUS(status), expected);
}

void check_killed(pid_t pid, int signal)
{
	int status = wait_for(pid);

	CHECK_EQUAL(WAIT_SIGNAL(status), signal);
	CHECK(!WAIT_EXITED(status));
}

void check_dies(void (*function)(uintptr_t argument), uintptr_t argument, int signal)
{
	pid_t pid = check_fork();
	int status;

	if (pid == 0) {
		function(argument);
		end(77);
	}
	status = wait_for(pid);
	if (status != signal)
		check_failed(__FILE__, __LINE__,
			"argument 0x%x: ended with status 0x%x, not by %d", (unsigned)argument,
			(unsigned)status, signal);
}

ssize_t process_count(void)
{
	struct process_status none;
	ssize_t count = _kern_process_status(&none, 0);

	CHECK(count > 0);
	return count;
}

struct process_status status_of(pid_t pid)
{
	ssize_t count = _kern_process_status(sProcesses, PROCESSES);

	CHECK(count > 0 && count <= PROCESSES);
	for (ssize_t i = 0; i < count; i++) {
		if (sProcesses[i].pid == pid)
			return sProcesses[i];
	}
	check_failed(__FILE__, __LINE__, "process %d is not listed", pid);
}

void let_wait(pid_t pid)
{
	time_us_t deadline = _kern_system_time() + PATIENCE;
	int seen = 0;

	/* More than once: waiting for a page or for a lock of the kernel is soon over. */
	while (seen < 3) {
		sleep_us(1000);
		seen = status_of(pid).state == PROCESS_WAITING ? seen + 1 : 0;
		CHECK(_kern_system_time() < deadline);
	}
}

void let_others_wait(void)
{
	pid_t self = _kern_getpid();
	pid_t pid = check_fork();

	if (pid == 0) {
		let_wait(self); /* of whose threads this one waits for the child */
		end(0);
	}
	check_exit(pid, 0);
}

/* ---- Memory, time, threads --------------------------------------------------------- */

void *check_map(size_t size, bool shared)
{
	uint32_t address =
		_kern_map(0, size, PROT_READ | PROT_WRITE, shared ? MAP_SHARED : MAP_PRIVATE);

	CHECK(address < KERNEL_BASE);
	return (void *)(uintptr_t)address;
}

uint32_t free_pages(void)
{
	struct system_info info;

	CHECK_EQUAL(_kern_get_info(&info), 0);
	return info.memory_free_pages;
}

void check_pages_back(uint32_t before, uint32_t missing)
{
	time_us_t deadline = _kern_system_time() + PATIENCE;

	while ((int32_t)(before - free_pages()) > (int32_t)missing) {
		if (_kern_system_time() > deadline)
			check_failed(__FILE__, __LINE__, "%u pages of %u are not back",
				before - free_pages(), before);
		sleep_us(1000);
	}
}

void sleep_us(time_us_t time)
{
	CHECK_EQUAL(_kern_snooze(time, 0), 0);
}

tid_t spawn(void (*entry)(void *argument), const void *argument)
{
	tid_t thread = _kern_spawn_thread(ADDRESS(entry), ADDRESS(argument), 0, 0);

	CHECK(thread > 0);
	return thread;
}

void check_join(tid_t thread, int expected)
{
	int value = ~expected;

	CHECK_EQUAL(_kern_join_thread(thread, &value), 0);
	CHECK_EQUAL(value, expected);
}

/* ---- Running them ------------------------------------------------------------------ */

static bool settle(uint32_t pages, ssize_t processes, char *why, size_t size)
{
	time_us_t deadline = _kern_system_time() + SETTLE;

	for (;;) {
		uint32_t pages_now = free_pages();
		ssize_t processes_now = process_count();

		if ((sPagesVary || pages_now == pages) && processes_now == processes)
			return true;
		if (_kern_system_time() > deadline) {
			int length =
				format_string(why, size, "%u pages free, were %u", pages_now, pages);

			if (processes_now != processes)
				format_string(why + length, size - (size_t)length,
					"; %d processes, were %d", (int)processes_now, (int)processes);
			return false;
		}
		sleep_us(1000);
	}
}

static void kill_since(time_us_t start)
{
	ssize_t count = _kern_process_status(sProcesses, PROCESSES);

	for (ssize_t i = 0; i < count && i < PROCESSES; i++) {
		if (sProcesses[i].started >= start)
			_kern_kill(sProcesses[i].pid, SIGKILL);
	}
}

/* In the test's own process. */
static void begin(const char *directory, void (*function)(void))
{
	if (directory != NULL)
		CHECK_EQUAL(_kern_chdir(directory), 0);
	function();
	end(0);
}

static bool run(
	const char *name, void (*function)(void), const char *directory, bool tells)
{
	time_us_t start = _kern_system_time();
	uint32_t pages;
	ssize_t processes;
	int status = -1, error = 0;
	char why[sizeof sReport->why];
	bool passed = false;
	pid_t pid;

	memset(sReport, 0, sizeof *sReport);
	memset(why, 0, sizeof why);
	if (directory != NULL)
		_kern_rmdir(directory);
	pages = free_pages();
	processes = process_count();
	/* First, so that a test that hangs is named. */
	if (!tells)
		print("%s: ", name);
	if (directory != NULL && (error = _kern_mkdir(directory, 0777)) != 0)
		format_string(why, sizeof why, "no directory: %d", error);
	pid = error != 0 ? error : _kern_fork();
	if (pid == 0)
		begin(directory, function);
	if (pid < 0 || _kern_wait(pid, &status, 0) != pid)
		format_string(why, sizeof why, "could not be run: %d", (int)pid);
	else if (sReport->taken)
		memcpy(why, sReport->why, sizeof why);
	else if (!WAIT_EXITED(status))
		format_string(why, sizeof why, "killed by signal %d", WAIT_SIGNAL(status));
	else if (WAIT_EXIT_STATUS(status) != 0)
		format_string(why, sizeof why, "exit status %d", WAIT_EXIT_STATUS(status));
	else if (directory != NULL && (error = _kern_rmdir(directory)) != 0)
		format_string(why, sizeof why, "the directory does not go: %d", error);
	else
		passed = settle(pages, processes, why, sizeof why);
	/* What a failed test has left must not spoil the next one. */
	if (!passed) {
		kill_since(start);
		if (directory != NULL) {
			char aside[64];

			format_string(aside, sizeof aside, "%s.%s", directory, name);
			_kern_rename(directory, aside);
		}
		sleep_us(100000);
	}
	if (tells)
		print("%s: ", name);
	print(passed ? "ok\n" : "FAILED: %s\n", why);
	return passed;
}

static void nothing(void)
{
}

static void warm_up(const char *directory)
{
	sReport = check_map(PAGE, SHARED);
	/* Whatever pages the runner itself touches, it has touched from now on. */
	run("warming_up", nothing, directory, false);
	run("warming_up", nothing, directory, false);
}

static int tell_total(unsigned passed, unsigned failed)
{
	print("%u passed, %u failed\n", passed, failed);
	return failed > 0 ? 1 : 0;
}

static const struct test *find(const struct test_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++) {
		if (strcmp(set->tests[i].name, name) == 0)
			return &set->tests[i];
	}
	return NULL;
}

static bool is_named(const struct test *test, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], test->name) == 0)
			return true;
	}
	return false;
}

int run_tests(const struct test_set *set, int argc, char **argv)
{
	unsigned passed = 0, failed = 0;
	bool others, named;
	size_t i, count;

	if (argc > 1 && strcmp(argv[1], "--list") == 0) {
		for (i = 0; i < set->count; i++)
			print("%s\n", set->tests[i].name);
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "--pages-vary") == 0) {
		sPagesVary = true;
		argc--;
		argv++;
	}
	others = argc > 1 && strcmp(argv[1], "--but") == 0;
	named = argc > 1 && !others;
	argc -= others;
	argv += others;
	count = named ? (size_t)argc - 1 : set->count;
	for (i = 1; i < (size_t)argc; i++) {
		if (find(set, argv[i]) == NULL) {
			print("there is no test %s\n", argv[i]);
			return 2;
		}
	}
	warm_up(set->directory);
	for (i = 0; i < count; i++) {
		const struct test *test = named ? find(set, argv[i + 1]) : &set->tests[i];

		if (others && is_named(test, argc, argv))
			continue;
		*(run(test->name, test->function, set->directory, false) ? &passed : &failed) +=
			1;
	}
	return tell_total(passed, failed);
}

int run_teller(const char *name, void (*function)(void))
{
	bool passed;

	warm_up(NULL);
	passed = run(name, function, NULL, true);
	return tell_total(passed, !passed);
}
