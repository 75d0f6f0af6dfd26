/*
 * The console; see terminal.h.
 *
 * One lock guards all of it, and interrupt handlers take it, too: keys go into
 * the line discipline, and their echo out, when they come. Output of programs and
 * echo go through one ring, which the serial port and the screen each empty at
 * their own speed. Drawing takes long, so it is done without the lock by
 * whoever finds nobody else at it, and he draws what others add meanwhile.
 *
 * Input that finds no room is left at the serial port, which stops its sender
 * in turn: nothing that is piped in is lost.
 */
#include "kernel/terminal.h"
#include "kernel/line_discipline.h"
#include "kernel/lock.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/string.h"
#include "kernel/thread.h"
#include "kernel/user_memory.h"
#include "kernel/vfs.h"
#include <postern/errno.h>
#include <postern/poll.h>
#include <postern/termios.h>

/* A power of two, so that positions may wrap around. */
#define RING_SIZE 4096u
#define DRAW_CHUNK 256u

/* Wakes come from interrupts; a chip that forgets one costs this much. */
#define LOOK_AGAIN_US 20000

/* An emulator's port waits for its reader, who may be busy. */
#define DRAIN_US (60 * (time_us_t)1000000)

/* No interrupt says that the port's own bytes are out: 16, at 115200 baud. */
#define LAST_BYTES_US 1400

#define DECISECOND_US 100000

static struct spinlock sLock = SPINLOCK("terminal", RANK_DEVICE);

static struct line_discipline sLine;
static struct winsize sSize;
static bool sTerminalAtSerial; /* it answers questions, not the screen */

/* Output: positions only grow; what both have taken makes room. */
static char sRing[RING_SIZE];
static uint32_t sHead;
static uint32_t sSent;	/* to the serial port */
static uint32_t sDrawn; /* on the screen */
static bool sDrawing;

static struct wait_queue sReaders;
static struct wait_queue sWriters;
static bool sWriting;				   /* one is at it, and perhaps waits for room: */
static struct wait_queue sNextWriters; /* these come behind it, so that nothing mixes */
static struct poll_source sPollers;
static bool sWritersWait;			/* or have found no room when they polled */
static struct wait_queue sDrainers; /* wait until the ring has been sent */
static bool sDrainersWait;

static pid_t sForeground;
static uint32_t sSignals; /* that keys have asked for: bit n - 1 is signal n */
static struct timer sSignalTimer;

/* Something can be read, or the rules for that have changed. */
static void wake_readers(void)
{
	wait_queue_wake(&sReaders, UINT32_MAX);
	poll_wake(&sPollers);
}

/* ---- Output --------------------------------------------------------------------- */

static size_t ring_room(void)
{
	uint32_t sent = sHead - sSent;
	uint32_t drawn = sHead - sDrawn;

	return RING_SIZE - (sent > drawn ? sent : drawn);
}

static void ring_add(const char *bytes, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		sRing[sHead++ % RING_SIZE] = bytes[i];
}

static void send_out(void)
{
	while (sSent != sHead && !sLine.stopped) {
		uint32_t at = sSent % RING_SIZE;
		uint32_t run = sHead - sSent;
		size_t sent;

		if (run > RING_SIZE - at)
			run = RING_SIZE - at;
		sent = arch_console_send(sRing + at, run);
		if (sent == 0)
			break;
		sSent += sent;
	}
	arch_console_want(line_discipline_has_room(&sLine), sSent != sHead && !sLine.stopped);
}

/* An answer is input, as if it had been typed. */
static void take_answer(const char *bytes, size_t size)
{
	size_t i;

	if (sLine.plain || sTerminalAtSerial)
		return;
	for (i = 0; i < size; i++)
		line_discipline_input(&sLine, (uint8_t)bytes[i]);
	wake_readers();
}

static bool draw_out(bool enabled)
{
	char chunk[DRAW_CHUNK], said[64];

	if (sDrawing)
		return enabled;
	sDrawing = true;
	while (sDrawn != sHead && !sLine.stopped) {
		size_t count, size;

		for (count = 0; count < DRAW_CHUNK && sDrawn != sHead; count++)
			chunk[count] = sRing[sDrawn++ % RING_SIZE];
		spin_unlock_irq(&sLock, enabled);
		if (sLine.plain)
			arch_screen_write(chunk, count);
		else
			arch_screen_write_terminal(chunk, count);
		size = arch_screen_answer(said, sizeof said);
		enabled = spin_lock_irq(&sLock);
		if (size > 0)
			take_answer(said, size);
	}
	sDrawing = false;
	return enabled;
}

/*
 * Lets output go as far as it does without waiting. May release the lock in
 * between; returns what spin_unlock_irq() wants.
 */
static bool flush(bool enabled)
{
	send_out();
	enabled = draw_out(enabled);
	if (sWritersWait && ring_room() >= RING_SIZE / 2) {
		sWritersWait = false;
		wait_queue_wake(&sWriters, UINT32_MAX);
		poll_wake(&sPollers);
	}
	if (sDrainersWait && sSent == sHead) {
		sDrainersWait = false;
		wait_queue_wake(&sDrainers, UINT32_MAX);
	}
	return enabled;
}

/* What nobody can wait for: without room it is lost, as it is on Linux. */
static void echo(const char *bytes, size_t size)
{
	if (ring_room() >= size)
		ring_add(bytes, size);
}

/* How many of the bytes found room. */
static size_t put(const char *bytes, size_t size)
{
	size_t done;

	for (done = 0; done < size && ring_room() >= LINE_OUTPUT_MAX; done++) {
		char output[LINE_OUTPUT_MAX];

		ring_add(output, line_discipline_output(&sLine, (uint8_t)bytes[done], output));
	}
	return done;
}

/* ---- Job control ------------------------------------------------------------------ */

/* In thread context: signals want locks that interrupt handlers never take. */
static void send_signals(void *unused)
{
	bool enabled = spin_lock_irq(&sLock);
	uint32_t signals = sSignals;
	pid_t group = sForeground;

	(void)unused;
	sSignals = 0;
	spin_unlock_irq(&sLock, enabled);
	process_lock();
	while (signals != 0) {
		int signal = __builtin_ctz(signals) + 1;

		signals &= signals - 1;
		signal_send_group(group, signal, 0);
	}
	process_unlock();
}

static void ask_for_signal(int signal)
{
	if (sSignals == 0)
		timer_start(&sSignalTimer, arch_system_time(), send_signals, NULL);
	sSignals |= SIGNAL_BIT(signal);
}

/*
 * A process in the background may not go on with what is the foreground's: its
 * group gets `signal`, and the call is entered again once that goes on (-EINTR).
 * 0 where it may; -EIO where a signal that has no effect, or a group that nobody
 * would resume, forbids to stop it (POSIX Base Definitions 11.1.4).
 */
static int stop_background(int signal)
{
	struct process *process = process_current();
	int error;

	do {
		if (sLine.plain || sForeground == 0 || process->pgid == sForeground)
			return 0;
		if (signal_has_no_effect(signal))
			return signal == SIGTTIN ? -EIO : 0;
		process_lock();
		error = process_group_orphaned(process->pgid) ? -EIO : 0;
		if (error == 0)
			signal_send_group(process->pgid, signal, 0);
		process_unlock();
		if (error != 0)
			return error;
		/* Another thread may have taken it; this one is stopped all the same. */
		error = wait_on(NULL, NULL, arch_system_time() + LOOK_AGAIN_US);
	} while (error == -ETIMEDOUT);
	return error;
}

void terminal_set_foreground(pid_t group)
{
	sForeground = group;
}

/* ---- Input ------------------------------------------------------------------------ */

static void receive(void)
{
	int byte;

	while (line_discipline_has_room(&sLine) && (byte = arch_console_receive()) >= 0)
		line_discipline_input(&sLine, (uint8_t)byte);
	if (line_discipline_readable(&sLine))
		wake_readers();
}

void terminal_serial_ready(void)
{
	bool enabled = spin_lock_irq(&sLock);

	receive();
	enabled = flush(enabled);
	spin_unlock_irq(&sLock, enabled);
}

void terminal_key(const char *bytes, size_t size)
{
	bool enabled = spin_lock_irq(&sLock);
	size_t i;

	for (i = 0; i < size; i++)
		line_discipline_input(&sLine, (uint8_t)bytes[i]);
	if (line_discipline_readable(&sLine))
		wake_readers();
	enabled = flush(enabled);
	spin_unlock_irq(&sLock, enabled);
}

void terminal_init(const struct kernel_options *options)
{
	unsigned columns, rows;

	wait_queue_init(&sReaders);
	wait_queue_init(&sWriters);
	wait_queue_init(&sNextWriters);
	wait_queue_init(&sDrainers);
	poll_source_init(&sPollers);
	timer_init(&sSignalTimer);
	line_discipline_init(&sLine, options->console_plain, echo, ask_for_signal);
	arch_screen_size(&columns, &rows);
	sTerminalAtSerial = options->console_columns != 0;
	sSize.ws_col = sTerminalAtSerial ? options->console_columns : (uint16_t)columns;
	sSize.ws_row = sTerminalAtSerial ? options->console_rows : (uint16_t)rows;
}

void terminal_drain(void)
{
	time_us_t end = arch_system_time() + DRAIN_US;
	uint32_t position = __atomic_load_n(&sHead, __ATOMIC_RELAXED);
	bool done;

	/* What is added meanwhile, by whom other processors run, is not waited for. */
	do {
		bool enabled = spin_lock_irq(&sLock);

		sLine.stopped = false;
		enabled = flush(enabled);
		done = (int32_t)(sSent - position) >= 0;
		spin_unlock_irq(&sLock, enabled);
	} while (!done && arch_system_time() < end);
}

/* ---- Reading and writing ----------------------------------------------------------- */

static bool in_lines(void)
{
	return !sLine.plain && (sLine.termios.c_lflag & ICANON) != 0;
}

/* How many bytes a read waits for (VMIN), and how long between them (VTIME). */
static void read_needs(size_t size, size_t *_least, time_us_t *_pause)
{
	*_least = 1;
	*_pause = 0;
	if (sLine.plain || in_lines())
		return;
	*_least = sLine.termios.c_cc[VMIN];
	if (*_least > size)
		*_least = size;
	*_pause = (time_us_t)sLine.termios.c_cc[VTIME] * DECISECOND_US;
}

/*
 * POSIX Base Definitions 11.1.7: without lines, a read ends with VMIN bytes, or
 * when after a byte (with a VMIN of 0: after its beginning) VTIME has passed.
 */
static int wait_for_input(size_t size, bool nonblocking)
{
	size_t before = 0;
	time_us_t deadline = NO_DEADLINE;
	bool timed = false;

	for (;;) {
		size_t least, there;
		time_us_t pause;
		int error;

		read_needs(size, &least, &pause);
		if (line_discipline_readable(&sLine)
			&& (sLine.plain || in_lines() || line_discipline_available(&sLine) >= least))
			return 0;
		if (least == 0 && (pause == 0 || nonblocking))
			return 0;
		there = line_discipline_available(&sLine);
		if (nonblocking)
			return there > 0 && !in_lines() ? 0 : -EAGAIN;
		if (pause != 0 && (there > before || (least == 0 && !timed))) {
			deadline = arch_system_time() + pause;
			timed = true;
			before = there;
		}
		error = wait_on(&sReaders, &sLock, deadline);
		if (error == -ETIMEDOUT)
			return 0;
		if (error != 0)
			return there > 0 && !in_lines() ? 0 : error;
	}
}

ssize_t terminal_read(char *buffer, size_t size, bool nonblocking)
{
	bool enabled;
	ssize_t result;

	result = stop_background(SIGTTIN);
	if (result != 0 || size == 0)
		return result;
	enabled = spin_lock_irq(&sLock);
	result = wait_for_input(size, nonblocking);
	if (result == 0) {
		result = (ssize_t)line_discipline_read(&sLine, buffer, size);
		/* What had no room may come in now. */
		receive();
		enabled = flush(enabled);
	}
	spin_unlock_irq(&sLock, enabled);
	return result;
}

ssize_t terminal_write(const char *bytes, size_t size, bool nonblocking)
{
	size_t done = 0;
	bool enabled;
	int error = 0;

	if (sLine.termios.c_lflag & TOSTOP && (error = stop_background(SIGTTOU)) != 0)
		return error;
	enabled = spin_lock_irq(&sLock);
	while (sWriting && error == 0)
		error = nonblocking ? -EAGAIN : wait_on(&sNextWriters, &sLock, NO_DEADLINE);
	if (error != 0) {
		spin_unlock_irq(&sLock, enabled);
		return error;
	}
	sWriting = true;
	for (;;) {
		done += put(bytes + done, size - done);
		enabled = flush(enabled);
		if (done == size)
			break;
		if (ring_room() >= LINE_OUTPUT_MAX)
			continue;
		if (nonblocking) {
			error = -EAGAIN;
			break;
		}
		sWritersWait = true;
		error = wait_on(&sWriters, &sLock, arch_system_time() + LOOK_AGAIN_US);
		if (error == -EINTR)
			break;
	}
	sWriting = false;
	wait_queue_wake(&sNextWriters, 1);
	spin_unlock_irq(&sLock, enabled);
	return done > 0 || size == 0 ? (ssize_t)done : error;
}

uint32_t terminal_events(void)
{
	bool enabled = spin_lock_irq(&sLock);
	uint32_t events = 0;

	if (line_discipline_readable(&sLine))
		events |= POLLIN | POLLRDNORM;
	if (ring_room() >= RING_SIZE / 2)
		events |= POLLOUT | POLLWRNORM;
	else
		sWritersWait = true;
	spin_unlock_irq(&sLock, enabled);
	return events;
}

struct poll_source *terminal_poll_source(void)
{
	return &sPollers;
}

/* ---- Requests --------------------------------------------------------------------- */

/* Until all output has left: 0 or -EINTR. */
static int wait_until_sent(void)
{
	bool enabled = spin_lock_irq(&sLock);
	int error = 0;

	for (;;) {
		time_us_t pause = LOOK_AGAIN_US;

		enabled = flush(enabled);
		if (sSent == sHead) {
			if (arch_console_sent())
				break;
			pause = LAST_BYTES_US;
		}
		/* Else two of these would wake each other all the while. */
		sDrainersWait = sSent != sHead;
		error = wait_on(&sDrainers, &sLock, arch_system_time() + pause);
		if (error == -EINTR)
			break;
		error = 0;
	}
	spin_unlock_irq(&sLock, enabled);
	return error;
}

static int get_termios(uint32_t argument)
{
	bool enabled = spin_lock_irq(&sLock);
	struct termios termios = sLine.termios;

	spin_unlock_irq(&sLock, enabled);
	return user_copy_out_whole(argument, &termios, sizeof termios);
}

static int set_termios(uint32_t argument, bool waits, bool drops_input)
{
	struct termios termios;
	bool enabled;
	int error = user_copy_in(&termios, argument, sizeof termios);

	if (error != 0 || (error = stop_background(SIGTTOU)) != 0)
		return error;
	if (waits && (error = wait_until_sent()) != 0)
		return error;
	enabled = spin_lock_irq(&sLock);
	if (drops_input)
		line_discipline_flush(&sLine);
	line_discipline_set(&sLine, &termios);
	/* Who waits waits by the old rules, and output may go on. */
	wake_readers();
	receive();
	enabled = flush(enabled);
	spin_unlock_irq(&sLock, enabled);
	return 0;
}

static int set_foreground(uint32_t argument)
{
	pid_t group;
	int error = user_copy_in(&group, argument, sizeof group);

	if (error != 0)
		return error;
	if (group <= 0)
		return -EINVAL;
	process_lock();
	if (!process_group_exists(group))
		error = -EPERM;
	process_unlock();
	if (error != 0)
		return error;
	if ((error = stop_background(SIGTTOU)) != 0)
		return error;
	terminal_set_foreground(group);
	return 0;
}

static int set_size(uint32_t argument)
{
	struct winsize size;
	bool enabled, changed;
	int error = user_copy_in(&size, argument, sizeof size);

	if (error != 0)
		return error;
	enabled = spin_lock_irq(&sLock);
	changed = memcmp(&size, &sSize, sizeof size) != 0;
	sSize = size;
	if (changed)
		ask_for_signal(SIGWINCH);
	spin_unlock_irq(&sLock, enabled);
	return 0;
}

static int drop(uint32_t which)
{
	bool enabled;

	if (which > TCIOFLUSH)
		return -EINVAL;
	enabled = spin_lock_irq(&sLock);
	if (which != TCOFLUSH)
		line_discipline_flush(&sLine);
	if (which != TCIFLUSH)
		sSent = sHead;
	receive();
	enabled = flush(enabled);
	spin_unlock_irq(&sLock, enabled);
	return 0;
}

static int control_flow(uint32_t action)
{
	bool enabled;

	if (action > TCION)
		return -EINVAL;
	enabled = spin_lock_irq(&sLock);
	if (action <= TCOON)
		sLine.stopped = action == TCOOFF;
	enabled = flush(enabled);
	spin_unlock_irq(&sLock, enabled);
	return 0;
}

static int count_input(uint32_t argument)
{
	bool enabled = spin_lock_irq(&sLock);
	int32_t count = (int32_t)line_discipline_available(&sLine);

	spin_unlock_irq(&sLock, enabled);
	return user_copy_out_whole(argument, &count, sizeof count);
}

int terminal_ioctl(uint32_t request, uint32_t argument)
{
	if (request == FIONREAD)
		return count_input(argument);
	/* There is no way to send a break: only waiting is left of it. */
	if (request == TCSBRK)
		return wait_until_sent();
	/* So that isatty() says what it says of the pipe at the other end. */
	if (sLine.plain)
		return -ENOTTY;

	switch (request) {
	case TCGETS:
		return get_termios(argument);
	case TCSETS:
		return set_termios(argument, false, false);
	case TCSETSW:
		return set_termios(argument, true, false);
	case TCSETSF:
		return set_termios(argument, true, true);
	case TCXONC:
		return control_flow(argument);
	case TCFLSH:
		return drop(argument);
	case TIOCGPGRP:
		return user_copy_out_whole(argument, &sForeground, sizeof sForeground);
	case TIOCSPGRP:
		return set_foreground(argument);
	case TIOCGWINSZ:
		return user_copy_out_whole(argument, &sSize, sizeof sSize);
	case TIOCSWINSZ:
		return set_size(argument);
	default:
		return -ENOTTY;
	}
}
