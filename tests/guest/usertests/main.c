/*
 * usertests: what processes, threads, memory and futexes promise, tried from
 * outside.
 *
 *	usertests [--loose] [NAME...]	these tests, or all of them; usertests.h: loose
 *	usertests --list
 *	usertests --soak SECONDS [SEED]
 *	usertests --limits		how many processes and threads and how much memory
 *
 * tests/harness/ says how they run and what the status is.
 */
#include "usertests.h"
#include <postern/os.h>

static const struct test kTests[] = {USERTESTS(TEST_ENTRY)};

const char *gSelf;
bool gLoose;
char **gEnvironment;

/* ---- For many threads -------------------------------------------------------------- */

void end_with(void *value)
{
	_kern_exit_thread((int)(uintptr_t)value);
}

void wait_for_gate(void *gate)
{
	while (*(volatile uint32_t *)gate == 0)
		_kern_futex_wait(ADDRESS(gate), 0, -1);
	_kern_exit_thread(0);
}

void open_gate(uint32_t *gate)
{
	__atomic_store_n(gate, 1, __ATOMIC_SEQ_CST);
	CHECK(_kern_futex_wake(ADDRESS(gate), INT32_MAX) >= 0);
}

void be_blocked(void *how)
{
	static uint32_t sNever;
	pid_t pid;

	switch ((uintptr_t)how) {
	case 0:
		_kern_futex_wait(ADDRESS(&sNever), 0, -1);
		break;
	case 1:
		_kern_snooze(3600 * SECOND, 0);
		break;
	case 2:
		_kern_join_thread(spawn(be_blocked, NULL), NULL);
		break;
	case 3:
		pid = check_fork();
		if (pid == 0) {
			while (_kern_getppid() != 0) /* as long as there is somebody who waits */
				sleep_us(1000);
			end(0);
		}
		_kern_wait(pid, NULL, 0); /* the others have children, too */
		break;
	}
	check_failed(__FILE__, __LINE__, "went on after call %d", (int)(uintptr_t)how);
}

uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* ---- Other than tests -------------------------------------------------------------- */

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
	const struct test_set set = {kTests, sizeof kTests / sizeof kTests[0], NULL};

	gSelf = argv[0];
	gEnvironment = envp;
	if (argc > 1 && strcmp(argv[1], "--part") == 0)
		return run_part(argc, argv, envp);
	if (argc > 1 && strcmp(argv[1], "--loose") == 0) {
		gLoose = true;
		argc--;
		argv++;
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
	if (argc > 2 && strcmp(argv[1], "--soak") == 0) {
		sSoakTime = number(argv[2]) * SECOND;
		if (argc > 3)
			sSoakSeed = number(argv[3]);
		return run_teller("soak", run_soak);
	}
	return run_tests(&set, argc, argv);
}
