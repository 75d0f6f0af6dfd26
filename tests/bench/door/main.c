/*
 * Prints what a null call costs, by each path and beside its floor, one line a
 * measurement: `NAME MINIMUM MEDIAN`. tools/bench_door.py boots the bench
 * kernel with it and makes the table. Without SYSENTER its lines are missing.
 */
#include <postern/cycles.h>
#include <postern/print.h>
#include <postern/syscalls.h>

#define ROUNDS 2001

enum { SELECT_KERNEL, SELECT_FLOOR, SELECT_FLOOR_BY_POINTER, TIME_WRMSR, TIME_STORE };

void measure_nothing(uint32_t *results, uint32_t count);
void measure_function(uint32_t *results, uint32_t count);
void measure_commpage(uint32_t *results, uint32_t count);
void measure_int99(uint32_t *results, uint32_t count);
void measure_floor_commpage(uint32_t *results, uint32_t count);
void measure_floor_int(uint32_t *results, uint32_t count);
uint32_t bench_control(uint32_t what);

static uint32_t sResults[ROUNDS];
static uint32_t sNothing[2]; /* minimum and median, the NOP included */

static void run(const char *name, uint32_t entry, void (*measure)(uint32_t *, uint32_t))
{
	bench_control(entry);
	measure(sResults, ROUNDS); /* once to warm up */
	measure(sResults, ROUNDS);
	bench_control(SELECT_KERNEL); /* print() goes through the door, too */
	cycles_sort(sResults, ROUNDS);
	/* The empty measurement holds a NOP, one instruction too many to take off. */
	print("%s %u %u\n", name, sResults[0] - sNothing[0] + 1,
		sResults[ROUNDS / 2] - sNothing[1] + 1);
}

int main(void)
{
	struct system_info info;

	if (_kern_get_info(&info) < 0)
		return 1;
	measure_nothing(sResults, ROUNDS);
	measure_nothing(sResults, ROUNDS);
	cycles_sort(sResults, ROUNDS);
	sNothing[0] = sResults[0];
	sNothing[1] = sResults[ROUNDS / 2];
	print("nothing %u %u\n", sNothing[0], sNothing[1]);
	run("function", SELECT_KERNEL, measure_function);
	run("int99", SELECT_KERNEL, measure_int99);
	run("floor-int99", SELECT_KERNEL, measure_floor_int);
	if (info.entry == SYSTEM_ENTRY_SYSENTER) {
		run("sysenter", SELECT_KERNEL, measure_commpage);
		run("floor-sysenter", SELECT_FLOOR, measure_floor_commpage);
		run("floor-sysenter-by-pointer", SELECT_FLOOR_BY_POINTER, measure_floor_commpage);
		print("wrmsr-1000 %u 0\n", bench_control(TIME_WRMSR));
		print("store-1000 %u 0\n", bench_control(TIME_STORE));
	}
	return 0;
}
