/* Breaks the kernel as its argument says: a V_CRASH number, or `error N`. */
#include <postern/print.h>
#include <postern/syscalls.h>

static int number(const char *text)
{
	int value = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (*text - '0');
	return value;
}

int main(int argc, char **argv)
{
	int result = 0;

	if (argc == 3)
		result = _kern_v_undeclared(number(argv[2]));
	else if (argc == 2)
		result = _kern_v_crash(number(argv[1]));
	print("still here: %d\n", result);
	return 0;
}
