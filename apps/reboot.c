/* reboot: starts the machine again. What is written is on the disks then. */
#include <postern/os.h>
#include <postern/print.h>
#include <postern/syscalls.h>

int main(void)
{
	print("reboot: error %d\n", -_kern_power(POWER_REBOOT));
	return 1;
}
