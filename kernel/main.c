/*
 * From a machine that is up to the first program, and from its end to the end.
 */
#include "kernel/main.h"
#include "kernel/address_space.h"
#include "kernel/arch.h"
#include "kernel/archive.h"
#include "kernel/devices.h"
#include "kernel/ext2_vnode.h"
#include "kernel/format.h"
#include "kernel/lock.h"
#include "kernel/log.h"
#include "kernel/names.h"
#include "kernel/options.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/procfs.h"
#include "kernel/ramfs.h"
#include "kernel/string.h"
#include "kernel/vfs.h"
#include "kernel/write_back.h"

#define DEFAULT_PROGRAM "/bin/hello"

static bool sHold;

void kernel_hold_at_end(bool hold)
{
	sHold = hold;
}

void log_unknown_option(const char *message, const char *word)
{
	log_warn("options: %s: %s", message, word);
}

/* The root, with what the boot archives hold. */
static void start_files(const struct archive *archives, size_t archive_count)
{
	static const char *const kDirectories[] = {"/bin", "/dev", "/home", "/proc", "/tmp"};
	int error;

	ramfs_init();
	procfs_init();
	error = vfs_mount(NULL, "/", "ramfs", 0, NULL);
	for (size_t i = 0; i < sizeof kDirectories / sizeof kDirectories[0] && error == 0;
		 i++)
		error = vfs_mkdir(kDirectories[i], 0755);
	if (error != 0)
		panic("files: no root: error %d", -error);
	ramfs_fill(archives, archive_count);
	devices_init();
	error = vfs_mount(NULL, "/proc", "proc", 0, NULL);
	if (error != 0)
		log_warn("files: no /proc: error %d", -error);
	disks_init();
}

void kernel_main(const struct kernel_options *options, const struct archive *archives,
	size_t archive_count)
{
	static const char *const kDefaultArguments[] = {DEFAULT_PROGRAM, NULL};
	const char *const *arguments =
		options->init != NULL ? (const char *const *)options->argv : kDefaultArguments;

	log_info("kernel: %s, %lld us since the timer started", KERNEL_VERSION_TEXT,
		(long long)arch_system_time());
	if (options->random_schedule)
		thread_randomise(options->schedule_seed);
	thread_set_limit(options->threads);
	arch_start_cpus(options->cpus);
	process_set_limit(options->processes);
	address_space_set_limit(options->process_memory);
	start_files(archives, archive_count);
	write_back_init();
	process_load_first(arguments);
	/* Not before: loading touches what is watched. */
	if (options->has_watch)
		arch_set_watchpoint(
			options->watch, options->watch_length, options->watch_write_only);
	process_start_first();
}

/* From here on only this processor runs, and only this function's caller on it. */
static void stop_everything(void)
{
	arch_interrupts_disable();
	arch_stop_other_cpus();
	lock_disable_all();
}

void kernel_restart(void)
{
	static const char kLine[] = "power: reboot\n";

	stop_everything();
	/* As below: tools/boot.py ends the run at it. */
	log_raw(kLine, strlen(kLine));
	arch_console_drain();
	arch_reboot();
}

void kernel_end(int status)
{
	char line[40];

	stop_everything();
	/* Whatever the log level: tools/boot.py reads the status from here. */
	format_string(line, sizeof line, "power: off, status %d\n", status);
	log_raw(line, strlen(line));
	if (sHold) {
		arch_console_drain();
		arch_interrupts_restore(true);
		for (;;)
			arch_wait_for_interrupt();
	}
	arch_power_off(status);
}
