/*
 * Prints what the kernel's paths cost, a line each: NAME MINIMUM MEDIAN SAMPLES
 * UNIT, or "skip NAME REASON". tools/bench.py boots it and makes the report;
 * docs/benchmarks.md says what each row is. By hand:
 *
 *	figures [--samples N] [--smp] [NAME...]
 *
 * NAME is a row, or what several begin with. The rows that are about several
 * processors are measured with --smp, and only they are.
 */
#include "figures.h"
#include <postern/commpage.h>
#include <postern/cycles.h>
#include <postern/print.h>
#include <postern/syscalls.h>

#define SAMPLES_MAX 2001

int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);
size_t strlen(const char *string);

struct row {
	const char *name;
	measure *measure;
	unsigned samples;
	unsigned units; /* how many of `unit` a sample is; 0: it is one without readings */
	unsigned processors; /* 0: on one, without --smp */
	const char *unit;
};

static const struct row kRows[] = {
	{"null-call", measure_null_call, 2001, 1, 0, "call"},
	{"yield-alone", measure_yield_alone, 2001, 1, 0, "call"},
	{"yield-threads", measure_yield_threads, 2001, 2, 0, "switch"},
	{"yield-processes", measure_yield_processes, 2001, 2, 0, "switch"},
	{"fork-exit-wait", measure_fork, 401, 1, 0, "child"},
	{"fork-exec-exit-wait", measure_fork_exec, 401, 1, 0, "child"},
	{"spawn-exit-join", measure_spawn_join, 1001, 1, 0, "thread"},
	{"thread-start-join", measure_thread_start, 1001, 1, 0, "thread"},
	{"page-fault", measure_page_fault, 2001, 1, 0, "page"},
	{"copy-fault", measure_copy_fault, 1001, 1, 0, "page"},
	{"futex-ping-pong", measure_futex, 2001, 1, 0, "round trip"},
	{"map-unmap", measure_map, 2001, 1, 0, "page"},
	{"signal", measure_signal, 2001, 1, 0, "signal"},
	{"system-time-call", measure_time_call, 2001, 1, 0, "call"},
	{"system-time-commpage", measure_time_commpage, 2001, 1, 0, "call"},
	{"write-null", measure_write_null, 2001, 1, 0, "byte"},
	{"read-ram-file", measure_read_ram, 2001, 1, 0, "4 KiB"},
	{"pipe-bytes", measure_pipe_bytes, 201, 1, 0, "64 KiB"},
	{"pipe-ping-pong", measure_pipe_turns, 1001, 1, 0, "round trip"},
	{"open-close", measure_open_close, 2001, 1, 0, "file"},
	{"stat", measure_stat, 2001, 1, 0, "call"},
	{"create-unlink", measure_create_unlink, 1001, 1, 0, "file"},
	{"disk-read", measure_disk_read, 101, 1, 0, "64 KiB"},
	{"disk-write", measure_disk_write, 101, 1, 0, "64 KiB"},
	{"smp-futex-ping-pong", measure_futex_apart, 2001, 1, 2, "round trip"},
	{"smp-wake", measure_wake, 501, 1, 2, "wake"},
	{"smp-null-1", measure_null_one, 21, 0, 1, "100 calls"},
	{"smp-null-2", measure_null_two, 21, 0, 2, "100 calls"},
	{"smp-null-4", measure_null_four, 21, 0, 4, "100 calls"},
};
#define ROWS (sizeof kRows / sizeof kRows[0])

const char *gSelf;

static uint32_t sSamples[SAMPLES_MAX];
static uint32_t sNothing; /* the least that two readings of the counter cost */

int32_t must(int32_t value, const char *what)
{
	if (value < 0 && value >= -4095) {
		print("%s failed: error %d\n", what, -value);
		_kern_exit(1);
	}
	return value;
}

/* Every sample once to warm up, but no more than are wanted. */
static void sample(measure *path, unsigned count)
{
	path(sSamples, count < 200 ? count : 200);
	path(sSamples, count);
	cycles_sort(sSamples, count);
}

static uint32_t each(uint32_t sample, unsigned units)
{
	if (units == 0)
		return sample;
	return sample <= sNothing ? 0 : (sample - sNothing + units / 2) / units;
}

static void run(const struct row *row, unsigned count)
{
	sample(row->measure, count);
	print("%s %u %u %u %s\n", row->name, each(sSamples[0], row->units),
		each(sSamples[count / 2], row->units), count, row->unit);
}

static bool is_wanted(const struct row *row, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (strncmp(row->name, argv[i], strlen(argv[i])) == 0)
			return true;
	}
	return argc == 0;
}

/* The first of `names` that no row has, or NULL. */
static const char *unknown(int argc, char **argv)
{
	unsigned row;
	int i;

	for (i = 0; i < argc; i++) {
		for (row = 0; row < ROWS && !is_wanted(&kRows[row], 1, argv + i); row++)
			;
		if (row == ROWS)
			return argv[i];
	}
	return NULL;
}

static unsigned number(const char *text)
{
	unsigned value = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (unsigned)(*text - '0');
	return value;
}

int main(int argc, char **argv)
{
	struct system_info info;
	unsigned samples = 0, online = 0, row;
	bool is_smp = false;

	gSelf = argv[0];
	for (argv++, argc--; argc > 0 && argv[0][0] == '-'; argv++, argc--) {
		if (strcmp(argv[0], "--exit") == 0) /* what measure_fork_exec() runs */
			return 0;
		if (strcmp(argv[0], "--smp") == 0) {
			is_smp = true;
		} else if (strcmp(argv[0], "--samples") == 0 && argc > 1) {
			samples = number(argv[1]);
			argv++, argc--;
		} else {
			print("usage: figures [--samples N] [--smp] [NAME...]\n");
			return 2;
		}
	}
	if (unknown(argc, argv) != NULL) {
		print("there is no row %s; there are:", unknown(argc, argv));
		for (row = 0; row < ROWS; row++)
			print(" %s", kRows[row].name);
		print("\n");
		return 2;
	}
	must(_kern_get_info(&info), "get_info");
	if (!cycles_available(&info)) {
		print("cycles cannot be measured: this processor (%s, family %u) has no"
			  " time-stamp counter\n",
			info.cpu_vendor[0] != 0 ? info.cpu_vendor : "without CPUID", info.cpu_family);
		return 3;
	}
	sample(measure_nothing, SAMPLES_MAX);
	sNothing = sSamples[0];
	if (is_smp) {
		online = processors_online((info.cpu_features >> 9 & 1) != 0);
		print("processors %u\n", online);
	}
	for (row = 0; row < ROWS; row++) {
		unsigned count = kRows[row].samples;

		if ((kRows[row].processors != 0) != is_smp || !is_wanted(&kRows[row], argc, argv))
			continue;
		if (kRows[row].processors > online)
			print("skip %s is about %u processors; running: %u\n", kRows[row].name,
				kRows[row].processors, online);
		else if (kRows[row].measure == measure_time_commpage
				 && COMMPAGE_TABLE[COMMPAGE_TIME] == 0)
			print("skip %s the commpage has no time data here\n", kRows[row].name);
		else if ((kRows[row].measure == measure_disk_read
					 || kRows[row].measure == measure_disk_write)
				 && !disk_is_there())
			print("skip %s there is no disk in this machine\n", kRows[row].name);
		else
			run(&kRows[row], samples > 0 && samples < count ? samples : count);
	}
	return 0;
}
