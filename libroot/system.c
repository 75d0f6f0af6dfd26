/* The functions of <postern/os.h> that cannot fail, for all programs. */
#include <postern/commpage.h>
#include <postern/os.h>
#include <postern/syscalls.h>

int is_computer_on(void)
{
	return _kern_is_computer_on();
}

time_us_t system_time(void)
{
	const struct commpage_time *data = (const void *)COMMPAGE_TABLE[COMMPAGE_TIME];

	if (data == NULL)
		return _kern_system_time();
	return commpage_time_at(data, commpage_read_counter());
}
