/*
 * What goes wrong only where several processors run; test_processors.py boots it
 * and says what each part has to show.
 *
 *   write    processes write lines to the console at the same time
 *   fault    processes end by faults at the same time
 *   watch    processes write to gWatched, for the kernel's option watch=
 *   churn    threads make threads until the addresses of their kernel stacks have
 *            gone round more than once
 *   signals  a signal comes while the thread that would take it ends
 *   end      processes compute and write for ever, and the first one ends with 7
 */
#include <postern/errno.h>
#include <postern/print.h>
#include <postern/process.h>
#include <postern/signal.h>
#include <postern/syscalls.h>
#include <postern/thread.h>
#include <postern/types.h>

#define ADDRESS(pointer) ((uint32_t)(uintptr_t)(pointer))

void *memset(void *to, int byte, size_t size);
int strcmp(const char *a, const char *b);

volatile uint32_t gWatched;

/* `count` processes run `function`; how many of them ended with `status`. */
static int run_processes(int count, void (*function)(int number), int status)
{
	int matches = 0, ended;

	for (int i = 0; i < count; i++) {
		if (_kern_fork() == 0) {
			function(i);
			_kern_exit(0);
		}
	}
	for (int i = 0; i < count; i++) {
		if (_kern_wait(-1, &ended, 0) > 0 && ended == status)
			matches++;
	}
	return matches;
}

static void compute(uint32_t turns)
{
	for (volatile uint32_t i = 0; i < turns; i++)
		;
}

/* ---- write -------------------------------------------------------------------- */

#define WRITERS 4
#define LINES 60
#define LINE_BYTES 500 /* of which the console takes so many at once */

static void write_lines(int writer)
{
	char line[LINE_BYTES];
	int fd = _kern_open("/dev/console", O_WRONLY, 0);

	memset(line, 'a' + writer, sizeof line);
	line[sizeof line - 1] = '\n';
	for (int i = 0; i < LINES; i++) {
		if (_kern_write(fd, -1, line, sizeof line) != (ssize_t)sizeof line)
			_kern_exit(2);
	}
}

/* ---- fault -------------------------------------------------------------------- */

#define FAULTS 8

/* Not mapped; gcc would complain of a constant. */
static volatile uintptr_t sNowhere = 0x10;

static int __attribute__((noinline)) fall(int depth)
{
	if (depth == 0)
		return *(volatile int *)sNowhere;
	return fall(depth - 1) + 1;
}

static void fault(int number)
{
	compute(10000);
	_kern_exit(fall(number + 3));
}

/* ---- watch --------------------------------------------------------------------- */

#define WATCHERS 16

static void write_watched(int number)
{
	for (int i = 0; i < 20; i++)
		compute(50000);
	gWatched = (uint32_t)number;
}

/* ---- churn ---------------------------------------------------------------------- */

#define CHURNS 4
#define CHURN_THREADS 5000

static volatile uint32_t sFailures;

static void end_at_once(void *argument)
{
	(void)argument;
	_kern_exit_thread(0);
}

static void make_threads(void *argument)
{
	(void)argument;
	for (int i = 0; i < CHURN_THREADS; i++) {
		tid_t thread = _kern_spawn_thread(ADDRESS(end_at_once), 0, 0, 0);
		int value;

		if (thread < 0)
			__atomic_add_fetch(&sFailures, 1, __ATOMIC_SEQ_CST);
		else
			_kern_join_thread(thread, &value);
	}
	_kern_exit_thread(0);
}

static void churn(void)
{
	tid_t threads[CHURNS];
	int value;

	for (int i = 0; i < CHURNS; i++)
		threads[i] = _kern_spawn_thread(ADDRESS(make_threads), 0, 0, 0);
	for (int i = 0; i < CHURNS; i++)
		_kern_join_thread(threads[i], &value);
	print("failures: %u\n", sFailures);
}

/* ---- signals ---------------------------------------------------------------------- */

#define SIGNALS 300
#define PATIENCE_US 3000000

static volatile uint32_t sTaken, sGo;

static void take(int signal, struct signal_info *info, struct signal_context *context)
{
	(void)signal;
	(void)info;
	(void)context;
	__atomic_add_fetch(&sTaken, 1, __ATOMIC_SEQ_CST);
}

/* The older one: it lets the signal through, and ends. */
static void end_on_go(void *round)
{
	while (sGo != (uint32_t)(uintptr_t)round)
		;
	_kern_exit_thread(0);
}

/* The younger one: it sleeps, for longer than anybody waits for the signal. */
static void sleep_long(void *argument)
{
	(void)argument;
	_kern_snooze(2 * PATIENCE_US, 0);
	_kern_exit_thread(0);
}

/* The main thread has blocked it, so one of the two has to take it. */
static bool signal_reaches_somebody(uint32_t round)
{
	static const uint32_t kMask = 1u << (SIGUSR1 - 1);
	uint32_t before;
	tid_t older, younger;
	time_us_t end;
	int value;

	_kern_sigprocmask(SIG_UNBLOCK, &kMask, NULL);
	older = _kern_spawn_thread(ADDRESS(end_on_go), round, 0, 0);
	younger = _kern_spawn_thread(ADDRESS(sleep_long), 0, 0, 0);
	_kern_sigprocmask(SIG_BLOCK, &kMask, NULL);
	_kern_snooze(3000, 0);
	before = sTaken;
	sGo = round;
	compute(round * 37 % 3000);
	_kern_kill(_kern_getpid(), SIGUSR1);
	end = _kern_system_time() + PATIENCE_US;
	while (sTaken == before) {
		if (_kern_system_time() > end)
			return false;
	}
	_kern_join_thread(older, &value);
	if (sTaken == before + 1)
		_kern_kill(_kern_getpid(), SIGUSR1); /* so that the younger one ends, too */
	_kern_join_thread(younger, &value);
	return true;
}

static void send_signals(void)
{
	struct signal_action action = {ADDRESS(take), 0, 0};
	uint32_t round = 1;

	_kern_sigaction(SIGUSR1, &action, NULL);
	while (round <= SIGNALS && signal_reaches_somebody(round))
		round++;
	print("taken: %u of %u\n", round - 1, SIGNALS);
}

/* ---- end ------------------------------------------------------------------------- */

static void go_on_for_ever(int number)
{
	for (;;) {
		compute(1000);
		print("%d\n", number);
	}
}

int main(int argc, char **argv)
{
	const char *part = argc > 1 ? argv[1] : "";

	if (strcmp(part, "write") == 0) {
		print("wrote: %d\n", run_processes(WRITERS, write_lines, 0));
	} else if (strcmp(part, "fault") == 0) {
		print("fell: %d\n", run_processes(FAULTS, fault, SIGSEGV));
	} else if (strcmp(part, "watch") == 0) {
		print("caught: %d\n", run_processes(WATCHERS, write_watched, SIGTRAP));
	} else if (strcmp(part, "churn") == 0) {
		churn();
	} else if (strcmp(part, "signals") == 0) {
		send_signals();
	} else if (strcmp(part, "end") == 0) {
		for (int i = 0; i < 6; i++) {
			if (_kern_fork() == 0)
				go_on_for_ever(i);
		}
		_kern_snooze(300000, 0);
		return 7;
	} else {
		return 1;
	}
	return 0;
}
