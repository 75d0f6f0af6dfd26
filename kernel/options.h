/*
 * The kernel's command line: what stands behind the kernel's file on GRUB's
 * `multiboot2` line. Parsed once, early, before there is an allocator.
 *
 *   syscall=auto|int|sysenter    how programs enter the kernel (auto)
 *   init=/path                   the first program
 *   loglevel=error|warn|info|debug   (info)
 *   hold=0|1                     1: stop at the end and leave the screen as it
 *                                is, instead of powering off (0)
 *   nx=auto|off                  auto: page tables that can forbid execution,
 *                                where the CPU has them; off: plain ones (auto)
 *   tsc=auto|invariant|off       auto: the time-stamp counter tells the time
 *                                where the CPU says that it is invariant;
 *                                invariant: also where it does not say so (auto)
 *   watch=0xADDRESS[,r|w][,1|2|4]    a hardware data breakpoint while the
 *                                first program runs: on reads and writes or on
 *                                writes only (r), that many bytes (1)
 *   schedule=normal|random[:SEED]    random: who runs next and for how long is
 *                                drawn by a generator that begins with SEED,
 *                                decimal or 0x..., to shake races out (normal)
 *   cpus=N                       use at most so many processors, 1 to 16 (16)
 *   processes=N                  at most so many processes, 2 to 4096 (256)
 *   threads=N                    at most so many threads, 2 to 4096 (4096)
 *   process-memory=MIB           at most so much memory mapped in one process;
 *                                0: as much as fits, which is the default
 *   console=terminal|plain       terminal: keys are edited, echoed and may be
 *                                signals; plain: the serial port is a pipe, whose
 *                                bytes pass as they are but for ^D, its end, and
 *                                ^V, which takes the next as it is (terminal)
 *   console=terminal,COLUMNSxROWS    the size of the terminal at the serial
 *                                port; without it, keys come from the screen
 *   -- ARGUMENT...               the first program's arguments
 *
 * An option given twice: the later one counts. Nothing here stops the boot:
 * what is unknown or wrong is a warning, and the default stays.
 */
#pragma once

#include "kernel/log.h"

#include <postern/types.h>

/* Entries of argv, the ending NULL included. */
#define OPTIONS_ARGUMENTS_MAX 64

#define OPTIONS_CPUS_MOST 16u
#define OPTIONS_TASKS_LEAST 2u
#define OPTIONS_TASKS_MOST 4096u
#define OPTIONS_DEFAULT_PROCESSES 256u
#define OPTIONS_DEFAULT_THREADS 4096u
#define OPTIONS_MEMORY_MOST 3072u /* MiB: what a process can address at all */
#define OPTIONS_DEFAULT_SEED 1u	  /* of `schedule=random` without one */

enum syscall_choice { SYSCALL_AUTO, SYSCALL_INT, SYSCALL_SYSENTER };

enum tsc_choice { TSC_AUTO, TSC_INVARIANT, TSC_OFF };

struct kernel_options {
	enum syscall_choice syscall;
	enum log_level log_level;
	const char *init; /* an absolute path, or NULL: the caller's default */
	/*
	 * argv[0] is `init`, so NULL where that is NULL, for the caller to fill
	 * in; then the arguments, empty ones included; argv[argc] is NULL.
	 */
	int argc;
	const char *argv[OPTIONS_ARGUMENTS_MAX];
	bool hold;
	bool console_plain;
	uint16_t console_columns; /* 0: nothing is known of a terminal */
	uint16_t console_rows;
	bool nx;
	enum tsc_choice tsc;
	bool has_watch; /* the next three count only with it */
	bool watch_write_only;
	uint8_t watch_length; /* bytes: 1, 2 or 4; `watch` is a multiple of it */
	uint32_t watch;
	bool random_schedule;
	uint32_t schedule_seed; /* counts only with it */
	uint32_t cpus;			/* the most to use */
	uint32_t processes;		/* the most that there may be, and */
	uint32_t threads;
	uint32_t process_memory; /* MiB in one process; 0: no limit */
};

/*
 * Parses `command_line` into *options. The words' text goes to `storage`, which
 * must live as long as *options; strlen(command_line) + 1 bytes are always
 * enough.
 *
 * Words end at spaces, and at nothing else. "..." and '...' hold spaces; a
 * backslash takes the next character as it is, but not within '...'. This
 * undoes exactly what GRUB does to the words of its own line. (GRUB quotes a
 * word for spaces only, so a tab is part of a word. It drops empty words: a byte
 * 0x1f stands for nothing, so that a word of it alone is an empty one.)
 *
 * Each trouble is told to `warn`, which may be NULL: a message and the word it
 * is about, or "" where there is none. A word that does not fit `storage` or
 * argv is left out, with all that follow; no word is ever cut in two.
 */
void options_parse(struct kernel_options *options, char *storage, size_t storage_size,
	const char *command_line, void (*warn)(const char *message, const char *word));
