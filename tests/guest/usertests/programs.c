/*
 * exec: what arrives in the new program, what does not, and files that are no
 * programs. The new program is usertests again, as `usertests --part NAME ...`.
 */
#include "usertests.h"

/* ---- The parts ------------------------------------------------------------------- */

static int number(const char *text)
{
	int value = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (*text - '0');
	return value;
}

/* What the parts print goes into no report: they tell by their status. */
#define PART_CHECK(condition)                                                            \
	do {                                                                                 \
		if (!(condition))                                                                \
			return __LINE__ % 100 + 1;                                                   \
	} while (0)

static const char *const kOddArguments[] = {"", "a b", "\"'\\", "\x01\xff", "", "end"};
#define ODD_COUNT (sizeof kOddArguments / sizeof kOddArguments[0])

static int part_arguments(int argc, char **argv, char **envp)
{
	PART_CHECK(argc == 3 + (int)ODD_COUNT);
	PART_CHECK(argv[argc] == NULL);
	for (unsigned i = 0; i < ODD_COUNT; i++)
		PART_CHECK(strcmp(argv[3 + i], kOddArguments[i]) == 0);
	PART_CHECK(envp == argv + argc + 1);
	PART_CHECK(envp[0] == NULL);
	return 0;
}

static int part_environment(int argc, char **argv, char **envp)
{
	PART_CHECK(argc == 3);
	(void)argv;
	for (unsigned i = 0; i < ODD_COUNT; i++)
		PART_CHECK(strcmp(envp[i], kOddArguments[i]) == 0);
	PART_CHECK(envp[ODD_COUNT] == NULL);
	return 0;
}

/* argv[3] arguments of argv[4] bytes each follow. */
static int part_long(int argc, char **argv, char **envp)
{
	int count = number(argv[3]), size = number(argv[4]);

	(void)envp;
	PART_CHECK(argc == 5 + count);
	for (int i = 0; i < count; i++) {
		PART_CHECK((int)strlen(argv[5 + i]) == size);
		for (int k = 0; k < size; k++)
			PART_CHECK(argv[5 + i][k] == 'a' + (i + k) % 26);
	}
	return 0;
}

/* argv[3] is the address of something that the old program had. */
static int part_fresh(int argc, char **argv, char **envp)
{
	static volatile int sZero[PAGE];
	static volatile int sData = 42;
	uint32_t old = (uint32_t)number(argv[3]);
	uint32_t gs;

	(void)envp;
	PART_CHECK(argc == 4);
	for (unsigned i = 0; i < PAGE; i++)
		PART_CHECK(sZero[i] == 0);
	PART_CHECK(sData == 42);
	sZero[5] = sData = 1;
	PART_CHECK(_kern_thread_id() == _kern_getpid());
	__asm__ volatile("mov %%gs, %0" : "=r"(gs));
	PART_CHECK((gs & 0xffff) == 0);
	/* Nothing is left at the old mapping: it can be protected by nobody. */
	PART_CHECK(_kern_protect(old, PAGE, PROT_READ, 0) == -ENOMEM);
	return 50;
}

/* Whatever was to be joined or taken away belonged to the old program. */
static int part_drops(int argc, char **argv, char **envp)
{
	uint32_t old_stack = (uint32_t)number(argv[4]);
	volatile int *page;

	(void)envp;
	PART_CHECK(argc == 5);
	PART_CHECK(_kern_join_thread(number(argv[3]), NULL) == -ESRCH);
	PART_CHECK(_kern_thread_id() == _kern_getpid());
	/* Ours now, where the stack was that the kernel had made: it stays when the
	 * thread ends that had it. */
	PART_CHECK(_kern_map(old_stack, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED)
			   == old_stack);
	page = (volatile int *)(uintptr_t)old_stack;
	*page = 7;
	extern void part_drops_go_on(void *);
	spawn(part_drops_go_on, (void *)(uintptr_t)old_stack);
	_kern_exit_thread(0);
	return 1;
}

void part_drops_go_on(void *);
void part_drops_go_on(void *address)
{
	sleep_us(3000); /* the first thread is gone then, or dies of a fault */
	end(*(volatile int *)address == 7 ? 51 : 52);
}

int run_part(int argc, char **argv, char **envp)
{
	static const struct {
		const char *name;
		int (*function)(int argc, char **argv, char **envp);
	} kParts[] = {
		{"arguments", part_arguments},
		{"environment", part_environment},
		{"long", part_long},
		{"fresh", part_fresh},
		{"drops", part_drops},
	};

	if (argc < 3)
		return 99;
	if (strcmp(argv[2], "fpu") == 0)
		return fpu_part();
	if (strcmp(argv[2], "steady") == 0)
		return steady_part();
	if (strcmp(argv[2], "writing") == 0)
		return writing_part(argv[3]);
	if (strcmp(argv[2], "exit") == 0)
		return number(argv[3]);
	for (unsigned i = 0; i < sizeof kParts / sizeof kParts[0]; i++) {
		if (strcmp(argv[2], kParts[i].name) == 0)
			return kParts[i].function(argc, argv, envp);
	}
	return 98;
}

/* ---- What arrives ------------------------------------------------------------------ */

static void check_exec(
	const char *const *arguments, const char *const *environment, int status)
{
	pid_t pid = check_fork();

	if (pid == 0) {
		int error = _kern_exec(gSelf, arguments, environment);

		check_failed(__FILE__, __LINE__, "exec: %d", error);
	}
	check_exit(pid, status);
}

void test_exec_arguments(void)
{
	const char *arguments[4 + ODD_COUNT] = {gSelf, "--part", "arguments"};
	const char *none[] = {NULL};
	pid_t pid;

	memcpy(arguments + 3, kOddArguments, sizeof kOddArguments);
	check_exec(arguments, NULL, 0);
	check_exec(arguments, none, 0);
	pid = _kern_process_create(gSelf, arguments, NULL);
	CHECK(pid > 0);
	CHECK_EQUAL(_kern_process_start(pid), 0);
	check_exit(pid, 0);
}

void test_exec_environment(void)
{
	const char *arguments[] = {gSelf, "--part", "environment", NULL};
	const char *environment[ODD_COUNT + 1] = {NULL};

	memcpy(environment, kOddArguments, sizeof kOddArguments);
	check_exec(arguments, environment, 0);
}

void test_exec_errors(void)
{
	const char *arguments[] = {"x", NULL};
	const char *bad[] = {"x", (const char *)0xc0000000, NULL};
	static char sLong[5000];

	memset(sLong, 'x', sizeof sLong - 1);
	CHECK_EQUAL(_kern_exec("/bin/none", arguments, NULL), -ENOENT);
	CHECK_EQUAL(_kern_exec("/none/none", arguments, NULL), -ENOENT);
	CHECK_EQUAL(_kern_exec("", arguments, NULL), -ENOENT);
	CHECK_EQUAL(_kern_exec("/", arguments, NULL), -EISDIR);
	CHECK_EQUAL(_kern_exec("/bin", arguments, NULL), -EISDIR);
	CHECK_EQUAL(_kern_exec(sLong, arguments, NULL), -ENAMETOOLONG);
	CHECK_EQUAL(_kern_exec(NULL, arguments, NULL), -EFAULT);
	CHECK_EQUAL(_kern_exec((const char *)0xc0000000, arguments, NULL), -EFAULT);
	CHECK_EQUAL(_kern_exec(gSelf, NULL, NULL), -EFAULT);
	CHECK_EQUAL(_kern_exec(gSelf, bad, NULL), -EFAULT);
	CHECK_EQUAL(_kern_exec(gSelf, (const char *const *)4, NULL), -EFAULT);
	CHECK_EQUAL(_kern_exec(gSelf, arguments, bad), -EFAULT);
	CHECK_EQUAL(_kern_exec(gSelf, arguments, (const char *const *)0xfffff000), -EFAULT);
}

/* ---- Limits ----------------------------------------------------------------------- */

#define STRINGS_MAX 65536u /* bytes of argv or of envp, pointers included */

static char sText[STRINGS_MAX + 1];
static const char *sMany[20000];
static char sCount[12], sSize[12];

/* exec with `count` arguments of `size` bytes: 0 when it ran and found them. */
static int exec_long(unsigned count, unsigned size)
{
	/* Each argument begins at another letter. */
	static char sTexts[26][2100];
	pid_t pid;
	int status = -1;

	for (unsigned i = 0; i < 26 && size < 2100; i++) {
		for (unsigned k = 0; k < size; k++)
			sTexts[i][k] = (char)('a' + (i + k) % 26);
		sTexts[i][size] = '\0';
	}
	for (unsigned k = 0; k < size; k++)
		sText[k] = (char)('a' + k % 26);
	sText[size] = '\0';
	format_string(sCount, sizeof sCount, "%u", count);
	format_string(sSize, sizeof sSize, "%u", size);
	sMany[0] = gSelf;
	sMany[1] = "--part";
	sMany[2] = "long";
	sMany[3] = sCount;
	sMany[4] = sSize;
	for (unsigned i = 0; i < count; i++)
		sMany[5 + i] = size < 2100 ? sTexts[i % 26] : sText;
	sMany[5 + count] = NULL;
	pid = check_fork();
	if (pid == 0) {
		int error = _kern_exec(gSelf, sMany, NULL);

		CHECK_EQUAL(error, -E2BIG);
		end(97);
	}
	CHECK_EQUAL(_kern_wait(pid, &status, 0), pid);
	return WAIT_EXITED(status) ? WAIT_EXIT_STATUS(status) : -1;
}

static unsigned bytes_of(unsigned count, unsigned size)
{
	char text[12];

	return (6 + count) * 4 + strlen(gSelf) + 1 + 7 + 5
		   + (unsigned)format_string(text, sizeof text, "%u", count) + 1
		   + (unsigned)format_string(text, sizeof text, "%u", size) + 1
		   + count * (size + 1);
}

void test_exec_limits(void)
{
	unsigned size = 60000;

	CHECK_EQUAL(exec_long(0, 0), 0);
	CHECK_EQUAL(exec_long(1, 4096), 0);
	CHECK_EQUAL(exec_long(500, 100), 0);
	CHECK_EQUAL(exec_long(12000, 0), 0);
	/* To the byte. */
	while (bytes_of(1, size) < STRINGS_MAX)
		size++;
	CHECK_EQUAL(bytes_of(1, size), STRINGS_MAX);
	CHECK_EQUAL(exec_long(1, size), 0);
	CHECK_EQUAL(exec_long(1, size + 1), 97);
	CHECK_EQUAL(exec_long(700, 100), 97);
	CHECK_EQUAL(exec_long(19000, 0), 97);
}

/* ---- Files that are no programs --------------------------------------------------- */

/* tests/boot/bad_programs.py makes them; all but the first of each line differ
 * from a program that runs in one thing. */
static const char *const kBadFiles[] = {"empty", "garbage", "text", "short_header",
	"short_program_headers", "short_segment", "class_64", "big_endian", "machine",
	"shared_object", "relocatable", "no_program_headers", "huge_header_count",
	"huge_header_offset", "header_size", "overlapping", "kernel_address", "kernel_end",
	"wraps", "below_64k", "null_page", "file_larger", "huge_memory", "entry_outside",
	"entry_kernel", "entry_in_data", "everywhere", "dynamic", "nothing_to_load",
	"many_segments"};

void test_exec_bad_files(void)
{
	const char *arguments[] = {"bad", NULL};
	char path[64];
	int error;

	for (unsigned i = 0; i < sizeof kBadFiles / sizeof kBadFiles[0]; i++) {
		format_string(path, sizeof path, "/bad/%s", kBadFiles[i]);
		error = _kern_exec(path, arguments, NULL);
		if (error != -ENOEXEC)
			check_failed(__FILE__, __LINE__, "exec %s: %d, not ENOEXEC", path, error);
		error = _kern_process_create(path, arguments, NULL);
		if (error != -ENOEXEC)
			check_failed(
				__FILE__, __LINE__, "process_create %s: %d, not ENOEXEC", path, error);
	}
}

/* The one that they were made from, and programs in unusual places. */
static const char *const kGoodFiles[] = {"good", "on_the_stack", "below_the_stack",
	"at_the_end", "at_the_beginning", "in_the_middle"};

void test_exec_places(void)
{
	const char *arguments[] = {"good", NULL};
	char path[64];
	int error;
	pid_t pid;

	for (unsigned i = 0; i < sizeof kGoodFiles / sizeof kGoodFiles[0]; i++) {
		format_string(path, sizeof path, "/bad/%s", kGoodFiles[i]);
		pid = check_fork();
		if (pid == 0) {
			error = _kern_exec(path, arguments, NULL);
			check_failed(__FILE__, __LINE__, "exec %s: %d", path, error);
			end(97);
		}
		check_exit(pid, 42);
	}
}

/* ---- What does not arrive --------------------------------------------------------- */

static volatile int sDirty = 1;

void test_exec_resets(void)
{
	char text[12];
	const char *arguments[] = {gSelf, "--part", "fresh", text, NULL};
	pid_t pid = check_fork();

	if (pid == 0) {
		volatile int *page = check_map(PAGE, SHARED);
		uint32_t gs = (uint32_t)_kern_set_thread_area(ADDRESS(page));

		__asm__ volatile("mov %0, %%gs" : : "r"(gs));
		*page = sDirty = 2;
		_kern_brk(_kern_brk(0) + 10 * PAGE);
		format_string(text, sizeof text, "%u", ADDRESS(page));
		CHECK_EQUAL(_kern_exec(gSelf, arguments, NULL), 0);
	}
	check_exit(pid, 50);
}

static char sFreshPage[12];

static void exec_fresh(void *unused)
{
	const char *arguments[] = {gSelf, "--part", "fresh", sFreshPage, NULL};

	(void)unused;
	CHECK_EQUAL(_kern_exec(gSelf, arguments, NULL), 0);
}

/* The process keeps its number, and the new first thread has it. */
void test_exec_from_thread(void)
{
	int round;

	format_string(sFreshPage, sizeof sFreshPage, "%u", ADDRESS(check_map(PAGE, SHARED)));
	for (round = 0; round < 3; round++) {
		pid_t pid = check_fork();

		if (pid == 0) {
			tid_t thread = spawn(exec_fresh, NULL);

			if (round == 0)
				_kern_exit_thread(0);
			else if (round == 1)
				_kern_join_thread(thread, NULL);
			for (;;)
				;
		}
		check_exit(pid, 50);
	}
}

static uint32_t sNever;

static void be_busy(void *how)
{
	switch ((int)(uintptr_t)how % 5) {
	case 0:
		for (;;)
			;
	case 1:
		_kern_futex_wait(ADDRESS(&sNever), 0, -1);
		break;
	case 2:
		_kern_snooze(3600 * SECOND, 0);
		break;
	case 3:
		for (;;)
			_kern_yield();
	case 4:
		for (;;) {
			uint32_t page = _kern_map(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);

			*(volatile int *)(uintptr_t)page = 1;
			_kern_unmap(page, PAGE);
		}
	}
	check_failed(__FILE__, __LINE__, "a thread went on behind an exec");
}

void test_exec_with_threads(void)
{
	int round, i;

	format_string(sFreshPage, sizeof sFreshPage, "%u", ADDRESS(check_map(PAGE, SHARED)));
	for (round = 0; round < 5; round++) {
		pid_t pid = check_fork();

		if (pid == 0) {
			for (i = 0; i < 10; i++)
				spawn(be_busy, (void *)(uintptr_t)i);
			sleep_us(round * 7000);
			if (round % 2 == 0) {
				exec_fresh(NULL);
			} else {
				/* Several at once: one of them succeeds. */
				spawn(exec_fresh, NULL);
				spawn(exec_fresh, NULL);
				spawn(exec_fresh, NULL);
				be_busy((void *)(uintptr_t)(round == 1));
			}
		}
		check_exit(pid, 50);
	}
}

static void just_end(void *value)
{
	_kern_exit_thread((int)(uintptr_t)value);
}

static void exec_drops(void *thread)
{
	char number_text[12], stack_text[12];
	const char *arguments[] = {gSelf, "--part", "drops", number_text, stack_text, NULL};

	format_string(number_text, sizeof number_text, "%u", (uint32_t)(uintptr_t)thread);
	format_string(stack_text, sizeof stack_text, "%u", ADDRESS(arguments) & ~(PAGE - 1));
	CHECK_EQUAL(_kern_exec(gSelf, arguments, NULL), 0);
}

void test_exec_drops_threads(void)
{
	pid_t pid = check_fork();

	if (pid == 0) {
		tid_t thread = spawn(just_end, NULL);

		sleep_us(3000);
		spawn(exec_drops, (void *)(uintptr_t)thread);
		for (;;)
			_kern_yield();
	}
	check_exit(pid, 51);
}

static void ignore_signal(int signal)
{
	(void)signal;
}

/* A signal that comes while exec ends the other threads does not end exec half
 * way, with those gone: the new program gets it, which has no handler. */
void test_exec_with_signals(void)
{
	const struct signal_action action = {.handler = ADDRESS(ignore_signal)};
	volatile uint32_t *gate = check_map(PAGE, SHARED);
	int round, i, status;

	format_string(sFreshPage, sizeof sFreshPage, "%u", ADDRESS(check_map(PAGE, SHARED)));
	for (round = 0; round < 15; round++) {
		pid_t pid, ended;

		*gate = 0;
		pid = check_fork();
		if (pid == 0) {
			CHECK_EQUAL(_kern_sigaction(SIGTERM, &action, NULL), 0);
			for (i = 0; i < 8; i++)
				spawn(be_busy, (void *)3);
			*gate = 1;
			exec_fresh(NULL);
		}
		while (*gate == 0)
			_kern_yield();
		while ((ended = _kern_wait(pid, &status, WAIT_NO_HANG)) == 0) {
			int error = _kern_kill(pid, SIGTERM);

			CHECK(error == 0 || error == -ESRCH);
			_kern_yield();
		}
		CHECK_EQUAL(ended, pid);
		if (status != SIGTERM)
			CHECK_EQUAL(status, 50 << 8);
	}
}
