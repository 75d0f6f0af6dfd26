/* poweroff: switches the machine off. What is written is on the disks then. */
#include <postern/os.h>
#include <postern/print.h>
#include <postern/syscalls.h>

int main(void)
{
	print("poweroff: error %d\n", -_kern_power(POWER_OFF));
	return 1;
}
