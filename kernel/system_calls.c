/*
 * The calls that ask the system something, and those that only answer: the
 * shortest handlers there are, which is what they are for.
 */
#include "kernel/arch.h"
#include "kernel/log.h"
#include "kernel/main.h"
#include "kernel/page_allocator.h"
#include "kernel/process.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "syscall_handlers.h"

/* Beside their thunks (kernel.ld): a null call then stays on few pages. */
#define SHORT_HANDLER __attribute__((section(".text.syscall_handlers")))

SHORT_HANDLER int _user_is_computer_on(void)
{
	return 1;
}

SHORT_HANDLER uint32_t _user_echo(uint32_t value)
{
	return value;
}

SHORT_HANDLER uint64_t _user_echo64(uint64_t value)
{
	return value;
}

time_us_t _user_system_time(void)
{
	return arch_system_time();
}

time_us_t _user_real_time(void)
{
	return arch_real_time();
}

void _user_exit(int status)
{
	process_lock();
	process_end(process_current(), (status & 0xff) << 8);
	process_unlock();
}

int _user_power(int action)
{
	if (action != POWER_OFF && action != POWER_REBOOT)
		return -EINVAL;
	log_debug("power: asked for by process %d", process_current()->pid);
	process_shut_down();
	if (action == POWER_REBOOT)
		kernel_restart();
	kernel_end(0);
}

int _user_get_info(struct system_info *info)
{
	memset(info, 0, sizeof *info);
	arch_describe_cpu(info);
	info->syscall_count = kSyscallCount;
	info->page_size = PAGE_SIZE;
	info->memory_pages = page_total_count();
	info->memory_free_pages = page_free_count();
	info->kernel_version =
		KERNEL_VERSION_MAJOR << 16 | KERNEL_VERSION_MINOR << 8 | KERNEL_VERSION_PATCH;
	strlcpy(
		info->kernel_version_text, KERNEL_VERSION_TEXT, sizeof info->kernel_version_text);
	return 0;
}
