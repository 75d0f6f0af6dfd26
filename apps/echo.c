/* Sends a number through the door and prints what comes back. */
#include <postern/print.h>
#include <postern/syscalls.h>

int main(void)
{
	uint32_t number = _kern_echo(0xDEADBEEF);

	print("The number was: 0x%X\n", number);
	return number == 0xDEADBEEF ? 0 : 1;
}
