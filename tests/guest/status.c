/* Exits with the status that its argument says. */
#include <postern/os.h>

int main(int argc, char **argv)
{
	const char *next = argc > 1 ? argv[1] : "0";
	bool negative = *next == '-';
	int status = 0;

	for (next += negative; *next >= '0' && *next <= '9'; next++)
		status = status * 10 + (*next - '0');
	exit(negative ? -status : status);
}
