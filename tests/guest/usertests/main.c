/*
 * usertests: what processes, threads, memory and futexes promise, tried from
 * outside.
 *
 *	usertests [--loose] [NAME...]	these tests, or all of them; usertests.h says how
 *loose usertests --list usertests --soak SECONDS [SEED] usertests --limits		how many
 *processes and threads and how much memory
 *
 * Each test runs in a process of its own. When it and all its descendants have
 * ended, as many pages must be free, and as many processes be there, as before.
 * The status is 0 when all have passed, 1 when one has not, 2 for a wrong name.
 */
#include "usertests.h"
#include <postern/os.h>
#include <stdarg.h>

int format_string_v(char *buffer, size_t size, const char *format, va_list arguments);

struct test {
	void (*function)(void);
	const char *name;
};

#define ENTRY(name) {test_##name, #name},
static const struct test kTests[] = {USERTESTS(ENTRY)};
#undef ENTRY
#define TEST_COUNT (sizeof kTests / sizeof kTests[0])

/* Shared with all processes of a test. */
struct report {
	uint32_t taken;
	char why[240];
};

static struct report *sReport;
const char *gSelf;
bool gLoose;
char **gEnvironment;

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
	time_us_t deadline = _kern_system_time() + SECOND;

	while ((int32_t)(before - free_pages()) > (int32_t)missing) {
		if (_kern_system_time() > deadline)
			check_failed(__FILE__, __LINE__, "%u pages of %u are not back",
				before - free_pages(), before);
		sleep_us(1000);
	}
}

ssize_t process_count(void)
{
	struct process_status none;
	ssize_t count = _kern_process_status(&none, 0);

	CHECK(count > 0);
	return count;
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

/* ---- Running them ---------------------------------------------------------------- */

/* Orphans of a test may take a moment to end. */
#define SETTLE (3 * SECOND)

static bool settle(uint32_t pages, ssize_t processes, char *why, size_t size)
{
	time_us_t deadline = _kern_system_time() + SETTLE;

	for (;;) {
		uint32_t pages_now = free_pages();
		ssize_t processes_now = process_count();

		if (pages_now == pages && processes_now == processes)
			return true;
		if (_kern_system_time() > deadline) {
			format_string(why, size, "%u pages free, were %u; %d processes, were %d",
				pages_now, pages, (int)processes_now, (int)processes);
			return false;
		}
		sleep_us(1000);
	}
}

/* With `tells`, the function writes lines itself, and the name comes behind them. */
static bool run(const char *name, void (*function)(void), bool tells)
{
	uint32_t pages;
	ssize_t processes;
	int status = -1;
	char why[sizeof sReport->why];
	bool passed = false;
	pid_t pid;

	memset(sReport, 0, sizeof *sReport);
	memset(why, 0, sizeof why);
	pages = free_pages();
	processes = process_count();
	/* First, so that a test that hangs is named. */
	if (!tells)
		print("%s: ", name);
	pid = _kern_fork();
	if (pid == 0) {
		function();
		end(0);
	}
	if (pid < 0 || _kern_wait(pid, &status, 0) != pid)
		format_string(why, sizeof why, "could not be run: %d", (int)pid);
	else if (sReport->taken)
		memcpy(why, sReport->why, sizeof why);
	else if (!WAIT_EXITED(status))
		format_string(why, sizeof why, "killed by signal %d", WAIT_SIGNAL(status));
	else if (WAIT_EXIT_STATUS(status) != 0)
		format_string(why, sizeof why, "exit status %d", WAIT_EXIT_STATUS(status));
	else
		passed = settle(pages, processes, why, sizeof why);
	/* What a failed test has left must not spoil the next one. */
	if (!passed)
		sleep_us(100000);
	if (tells)
		print("%s: ", name);
	print(passed ? "ok\n" : "FAILED: %s\n", why);
	return passed;
}

static void nothing(void)
{
}

static void list(void)
{
	for (size_t i = 0; i < TEST_COUNT; i++)
		print("%s\n", kTests[i].name);
}

static void wait_for_ever(void *word)
{
	for (;;)
		_kern_futex_wait(ADDRESS(word), 0, -1);
}

/* One by one until there are no more: processes, memory by the MiB, and threads. */
static void tell_limits(void)
{
	uint32_t *gate = check_map(PAGE, SHARED);
	unsigned count = 0;
	uint32_t address;
	int last;

	while ((last = _kern_fork()) > 0)
		count++;
	if (last == 0) {
		while (*(volatile uint32_t *)gate == 0)
			_kern_futex_wait(ADDRESS(gate), 0, -1);
		end(0);
	}
	print("%u processes, then %d\n", count, last);
	*gate = 1;
	_kern_futex_wake(ADDRESS(gate), INT32_MAX);
	while (_kern_wait(-1, NULL, 0) > 0)
		;
	for (count = 0;; count++) {
		address = _kern_map(0, 1u << 20, PROT_NONE, MAP_PRIVATE);
		if (address >= KERNEL_BASE)
			break;
	}
	last = (int)address;
	print("%u MiB, then %d\n", count, last);
	/* Nor by these. */
	address = _kern_brk(0);
	print("brk %s\n", _kern_brk(address + (2u << 20)) == address ? "stays" : "moves");
}

static void tell_thread_limit(void)
{
	static uint32_t sNever;
	unsigned count = 0;
	int last;

	while (
		(last = _kern_spawn_thread(ADDRESS(wait_for_ever), ADDRESS(&sNever), 0, 0)) > 0)
		count++;
	print("%u threads, then %d\n", count, last);
}

static const struct test *find(const char *name)
{
	for (size_t i = 0; i < TEST_COUNT; i++) {
		if (strcmp(kTests[i].name, name) == 0)
			return &kTests[i];
	}
	return NULL;
}

static time_us_t sSoakTime;
static uint32_t sSoakSeed = 1;

static void run_soak(void)
{
	soak(sSoakTime, sSoakSeed);
}

static unsigned number(const char *text)
{
	unsigned value = 0;

	if (text[0] == '0' && text[1] == 'x') {
		for (text += 2; *text != '\0'; text++)
			value = value << 4
					| (unsigned)(*text <= '9' ? *text - '0' : (*text | 32) - 'a' + 10);
		return value;
	}
	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (unsigned)(*text - '0');
	return value;
}

int main(int argc, char **argv, char **envp)
{
	unsigned passed = 0, failed = 0;
	int i;

	gSelf = argv[0];
	gEnvironment = envp;
	if (argc > 1 && strcmp(argv[1], "--part") == 0)
		return run_part(argc, argv, envp);
	if (argc > 1 && strcmp(argv[1], "--list") == 0) {
		list();
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "--loose") == 0) {
		gLoose = true;
		argc--;
		argv++;
	}
	for (i = 1; i < argc && argv[1][0] != '-'; i++) {
		if (find(argv[i]) == NULL) {
			print("there is no test %s\n", argv[i]);
			return 2;
		}
	}
	if (argc > 1 && strcmp(argv[1], "--limits") == 0) {
		pid_t pid = _kern_fork();

		if (pid == 0) {
			tell_limits();
			return 0;
		}
		_kern_wait(pid, NULL, 0);
		tell_thread_limit();
		return 0;
	}
	sReport = check_map(PAGE, SHARED);
	/* Whatever pages the runner itself touches, it has touched from now on. */
	run("warming_up", nothing, false);
	run("warming_up", nothing, false);

	if (argc > 2 && strcmp(argv[1], "--soak") == 0) {
		sSoakTime = number(argv[2]) * SECOND;
		if (argc > 3)
			sSoakSeed = number(argv[3]);
		*(run("soak", run_soak, true) ? &passed : &failed) += 1;
	} else if (argc > 1) {
		for (i = 1; i < argc; i++)
			*(run(argv[i], find(argv[i])->function, false) ? &passed : &failed) += 1;
	} else {
		for (size_t t = 0; t < TEST_COUNT; t++)
			*(run(kTests[t].name, kTests[t].function, false) ? &passed : &failed) += 1;
	}
	print("%u passed, %u failed\n", passed, failed);
	return failed > 0 ? 1 : 0;
}
