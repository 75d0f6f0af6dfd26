/*
 * Breaks the kernel as its argument says: a V_CRASH number, or `error N`. `crowd N`
 * does so while other processes compute and write, `race N` in all of them at once.
 */
#include <postern/print.h>
#include <postern/syscalls.h>

static int number(const char *text)
{
	int value = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (*text - '0');
	return value;
}

#define PROCESSES 8

static void write_for_ever(void)
{
	for (;;) {
		for (volatile int i = 0; i < 1000; i++)
			;
		print("crowd\n");
	}
}

static void make_others(bool write)
{
	for (int i = 1; i < PROCESSES; i++) {
		if (_kern_fork() != 0)
			continue;
		if (write)
			write_for_ever();
		return;
	}
}

int main(int argc, char **argv)
{
	time_us_t start = _kern_system_time() + 200000;
	int result = 0;

	if (argc == 3 && argv[1][0] != 'e') {
		make_others(argv[1][0] == 'c');
		while (_kern_system_time() < start)
			;
		result = _kern_v_crash(number(argv[2]));
	} else if (argc == 3)
		result = _kern_v_undeclared(number(argv[2]));
	else if (argc == 2)
		result = _kern_v_crash(number(argv[1]));
	print("still here: %d\n", result);
	return 0;
}
