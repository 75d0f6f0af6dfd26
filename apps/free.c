/* free: how much memory there is, and how much of it nobody has. */
#include "operands.h"
#include "output.h"
#include <postern/syscalls.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct system_info info;

	only_operands(argc, argv, 0, "free");
	if (_kern_get_info(&info) < 0)
		return 1;
	printf("total %10u KiB\nused  %10u KiB\nfree  %10u KiB\n",
		(unsigned)info.memory_pages * 4,
		(unsigned)(info.memory_pages - info.memory_free_pages) * 4,
		(unsigned)info.memory_free_pages * 4);
	return end_of_output("free", 0);
}
