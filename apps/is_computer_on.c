/* Is the computer on? */
#include <postern/os.h>
#include <postern/print.h>

int main(void)
{
	int on = is_computer_on();

	print("The computer is %s\n", on ? "on" : "off");
	return on ? 0 : 1;
}
