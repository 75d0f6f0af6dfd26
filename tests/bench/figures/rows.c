/*
 * The paths that one processor is enough for. Each function is called twice, the
 * first time to warm up; nothing of it is left when it returns.
 */
#include "figures.h"
#include <postern/os.h>
#include <postern/print.h>
#include <postern/process.h>
#include <postern/signal.h>
#include <postern/syscalls.h>
#include <postern/thread.h>

#define ADDRESS(pointer) ((uint32_t)(uintptr_t)(pointer))
#define READ_WRITE (PROT_READ | PROT_WRITE)

/* Pages of a batch; one page table's, so that a new one is a rare sample. */
#define BATCH 512u

static volatile uint32_t *map_pages(unsigned count, int flags)
{
	uint32_t address =
		(uint32_t)must((int32_t)_kern_map(0, count * PAGE, READ_WRITE, flags), "map");

	return (volatile uint32_t *)(uintptr_t)address;
}

static void unmap_pages(volatile uint32_t *pages, unsigned count)
{
	must(_kern_unmap(ADDRESS(pages), count * PAGE), "unmap");
}

static void wait_for_child(pid_t pid)
{
	int status;

	if (must(_kern_wait(pid, &status, 0), "wait") != pid || status != 0) {
		print("the child %d ended with %#x\n", pid, (unsigned)status);
		_kern_exit(1);
	}
}

static void check(bool condition, const char *what)
{
	if (!condition) {
		print("%s\n", what);
		_kern_exit(1);
	}
}

/* ---- Calls ---------------------------------------------------------------------- */

void measure_nothing(uint32_t *samples, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, (void)0);
}

void measure_null_call(uint32_t *samples, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, _kern_is_computer_on());
}

void measure_time_call(uint32_t *samples, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, _kern_system_time());
}

/* libroot's, which reads the commpage where that has the time. */
void measure_time_commpage(uint32_t *samples, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, system_time());
}

void measure_map(uint32_t *samples, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, unmap_pages(map_pages(1, MAP_PRIVATE), 1));
}

/* ---- Switches ------------------------------------------------------------------- */

/* In memory that a child shares. */
struct partner {
	volatile uint32_t turns; /* that it has had */
	volatile uint32_t stop;
};

static int take_turns(void *context)
{
	struct partner *partner = context;

	while (!partner->stop) {
		partner->turns++;
		_kern_yield();
	}
	return 0;
}

void measure_yield_alone(uint32_t *samples, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, _kern_yield());
}

/* To the partner and back: two switches. */
static void yield_to(struct partner *partner, uint32_t *samples, unsigned count)
{
	uint32_t turns;

	while (partner->turns == 0)
		_kern_yield();
	turns = partner->turns;
	measure_yield_alone(samples, count);
	/* A tick between the partner's count and its yield takes one from it. */
	check(partner->turns - turns >= count / 2, "a yield did not switch");
	partner->stop = 1;
}

void measure_yield_threads(uint32_t *samples, unsigned count)
{
	struct partner partner = {0};
	tid_t thread = must(thread_start(take_turns, &partner, 0), "thread_start");

	yield_to(&partner, samples, count);
	must(thread_join(thread, NULL), "thread_join");
}

void measure_yield_processes(uint32_t *samples, unsigned count)
{
	volatile uint32_t *page = map_pages(1, MAP_SHARED);
	struct partner *partner = (struct partner *)(uintptr_t)page;
	pid_t pid = must(_kern_fork(), "fork");

	if (pid == 0)
		_kern_exit(take_turns(partner));
	yield_to(partner, samples, count);
	wait_for_child(pid);
	unmap_pages(page, 1);
}

enum { MINE, THEIRS, END };

struct game {
	uint32_t turn;
	bool noting;	/* where the other thread runs, which takes time */
	unsigned where; /* that was */
};

static int answer(void *context)
{
	struct game *game = context;
	uint32_t turn;

	for (;;) {
		while ((turn = __atomic_load_n(&game->turn, __ATOMIC_SEQ_CST)) == MINE)
			_kern_futex_wait(ADDRESS(&game->turn), MINE, -1);
		if (turn == END)
			return 0;
		if (game->noting)
			game->where = processor();
		__atomic_store_n(&game->turn, MINE, __ATOMIC_SEQ_CST);
		_kern_futex_wake(ADDRESS(&game->turn), 1);
	}
}

static void hand_over(struct game *game)
{
	__atomic_store_n(&game->turn, THEIRS, __ATOMIC_SEQ_CST);
	_kern_futex_wake(ADDRESS(&game->turn), 1);
	while (__atomic_load_n(&game->turn, __ATOMIC_SEQ_CST) == THEIRS)
		_kern_futex_wait(ADDRESS(&game->turn), THEIRS, -1);
}

/* Returns in how many of `looks` more rounds the threads were on two processors. */
static unsigned play(uint32_t *samples, unsigned count, unsigned looks)
{
	struct game game = {MINE, false, 0};
	tid_t thread = must(thread_start(answer, &game, 0), "thread_start");
	unsigned apart = 0, i;

	hand_over(&game);
	for (i = 0; i < count; i++)
		TIME(samples, i, hand_over(&game));
	game.noting = true;
	for (i = 0; i < looks; i++) {
		hand_over(&game);
		apart += game.where != processor();
	}
	__atomic_store_n(&game.turn, END, __ATOMIC_SEQ_CST);
	_kern_futex_wake(ADDRESS(&game.turn), 1);
	must(thread_join(thread, NULL), "thread_join");
	return apart;
}

void measure_futex(uint32_t *samples, unsigned count)
{
	play(samples, count, 0);
}

/* Which thread runs where is the kernel's choice: said where it is not what the
 * row is for. */
void measure_futex_apart(uint32_t *samples, unsigned count)
{
	if (play(samples, count, 100) < 50)
		print(
			"note smp-futex-ping-pong: the threads were mostly on the same processor\n");
}

/* ---- Made and ended --------------------------------------------------------------- */

static void fork_once(void)
{
	pid_t pid = must(_kern_fork(), "fork");

	if (pid == 0)
		_kern_exit(0);
	wait_for_child(pid);
}

void measure_fork(uint32_t *samples, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, fork_once());
}

static void fork_and_exec(void)
{
	static const char *const kEmpty[] = {NULL};
	const char *const arguments[] = {gSelf, "--exit", NULL};
	pid_t pid = must(_kern_fork(), "fork");

	if (pid == 0) {
		_kern_exec(gSelf, arguments, kEmpty);
		_kern_exit(1);
	}
	wait_for_child(pid);
}

void measure_fork_exec(uint32_t *samples, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, fork_and_exec());
}

static int return_at_once(void *context)
{
	(void)context;
	return 0;
}

static void exit_at_once(void)
{
	_kern_exit_thread(0);
}

/* The calls alone ... */
static void spawn_and_join(void)
{
	tid_t thread =
		must(_kern_spawn_thread(ADDRESS(exit_at_once), 0, 0, 0), "spawn_thread");

	must(_kern_join_thread(thread, NULL), "join_thread");
}

void measure_spawn_join(uint32_t *samples, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, spawn_and_join());
}

/* ... and as programs do it, with a copied context and thread-local data. */
static void start_and_join(void)
{
	uint32_t context = 0;
	tid_t thread =
		must(thread_start(return_at_once, &context, sizeof context), "thread_start");

	must(thread_join(thread, NULL), "thread_join");
}

void measure_thread_start(uint32_t *samples, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, start_and_join());
}

/* ---- Faults ----------------------------------------------------------------------- */

static void write_each(volatile uint32_t *pages, uint32_t *samples, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, pages[i * PAGE / sizeof *pages] = 1);
}

void measure_page_fault(uint32_t *samples, unsigned count)
{
	while (count > 0) {
		unsigned batch = count < BATCH ? count : BATCH;
		volatile uint32_t *pages = map_pages(batch, MAP_PRIVATE);

		write_each(pages, samples, batch);
		unmap_pages(pages, batch);
		samples += batch;
		count -= batch;
	}
}

/* A child that does nothing has the same pages, so that each write copies one. */
void measure_copy_fault(uint32_t *samples, unsigned count)
{
	volatile uint32_t *gate = map_pages(1, MAP_SHARED);

	while (count > 0) {
		unsigned batch = count < BATCH ? count : BATCH, i;
		volatile uint32_t *pages = map_pages(batch, MAP_PRIVATE);
		pid_t pid;

		*gate = 0;
		for (i = 0; i < batch; i++)
			pages[i * PAGE / sizeof *pages] = i;
		pid = must(_kern_fork(), "fork");
		if (pid == 0) {
			while (*gate == 0)
				_kern_futex_wait(ADDRESS(gate), 0, -1);
			_kern_exit(0);
		}
		write_each(pages, samples, batch);
		*gate = 1;
		_kern_futex_wake(ADDRESS(gate), 1);
		wait_for_child(pid);
		unmap_pages(pages, batch);
		samples += batch;
		count -= batch;
	}
	unmap_pages(gate, 1);
}

/* ---- Signals ---------------------------------------------------------------------- */

static volatile uint32_t sSignals;

static void count_signal(int signal)
{
	(void)signal;
	sSignals++;
}

/* To oneself, into the handler, and back through sigreturn. */
void measure_signal(uint32_t *samples, unsigned count)
{
	struct signal_action action = {.handler = ADDRESS(count_signal)}, old;
	pid_t self = _kern_getpid();
	uint32_t before = sSignals;

	must(_kern_sigaction(SIGUSR1, &action, &old), "sigaction");
	for (unsigned i = 0; i < count; i++)
		TIME(samples, i, _kern_kill(self, SIGUSR1));
	must(_kern_sigaction(SIGUSR1, &old, NULL), "sigaction");
	check(sSignals - before == count, "a signal did not arrive");
}
