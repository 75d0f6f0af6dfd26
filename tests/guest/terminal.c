/*
 * What a terminal does for a program, driven by tests/boot/test_terminal.py:
 *
 *	terminal copy			standard input to standard output, until its end
 *	terminal late			the same, but it begins to read after a second
 *	terminal lines			each line read, in brackets with its length
 *	terminal raw COUNT MIN TIME	that many reads without lines, as hexadecimal digits
 *	terminal isatty			what the requests answer
 *	terminal jobs			a child in the foreground, a group of its own
 *	terminal signals		which signals keys have sent, until SIGQUIT
 *	terminal background		a child that reads in the background
 *	terminal poll			whether poll() and O_NONBLOCK see what is typed
 *	terminal size			the size, set and told
 *	terminal ask			the answer to where the cursor is
 *	terminal flood			64 KiB of output, as fast as it goes
 *	terminal drain			two that wait for output which is held back
 */
#include <postern/errno.h>
#include <postern/os.h>
#include <postern/poll.h>
#include <postern/print.h>
#include <postern/process.h>
#include <postern/process_status.h>
#include <postern/signal.h>
#include <postern/syscalls.h>
#include <postern/termios.h>

int strcmp(const char *a, const char *b);
void *memset(void *to, int byte, size_t size);

static int control(uint32_t request, void *argument)
{
	return _kern_ioctl(0, request, (uint32_t)(uintptr_t)argument);
}

static unsigned number(const char *text)
{
	unsigned value = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (unsigned)(*text - '0');
	return value;
}

static struct termios change(uint32_t local_off, uint8_t least, uint8_t time)
{
	struct termios before, termios;

	control(TCGETS, &before);
	termios = before;
	termios.c_lflag &= ~local_off;
	termios.c_cc[VMIN] = least;
	termios.c_cc[VTIME] = time;
	control(TCSETSW, &termios);
	return before;
}

static int copy(void)
{
	static char sBuffer[3000];
	ssize_t count;

	while ((count = _kern_read(0, -1, sBuffer, sizeof sBuffer)) > 0) {
		if (_kern_write(1, -1, sBuffer, (size_t)count) != count)
			return 1;
	}
	return count == 0 ? 0 : 2;
}

static int lines(void)
{
	static char sBuffer[8192];
	ssize_t count;

	print("ready\n");
	while ((count = _kern_read(0, -1, sBuffer, sizeof sBuffer)) > 0) {
		print("%d[", (int)count);
		_kern_write(1, -1, sBuffer, (size_t)count);
		print("]\n");
	}
	print("end %d\n", (int)count);
	return 0;
}

static int raw(unsigned count, uint8_t least, uint8_t time)
{
	struct termios before = change(ICANON | ECHO | ISIG | IEXTEN, least, time);
	unsigned char buffer[64];

	print("ready\n");
	while (count-- > 0) {
		ssize_t size = _kern_read(0, -1, buffer, sizeof buffer);

		print("%d:", (int)size);
		for (ssize_t i = 0; i < size; i++)
			print(" %02x", buffer[i]);
		print("\n");
	}
	control(TCSETS, &before);
	return 0;
}

static int is_terminal(void)
{
	struct termios termios;
	struct winsize size;
	pid_t group = -1;
	int32_t count = -1;

	print("TCGETS %d\n", control(TCGETS, &termios));
	print("TIOCGWINSZ %d\n", control(TIOCGWINSZ, &size));
	print("TIOCGPGRP %d\n", control(TIOCGPGRP, &group));
	print("group %s\n", group == _kern_getpgid(0) ? "own" : "other");
	print("FIONREAD %d %d\n", control(FIONREAD, &count), count);
	print("unknown %d\n", control(0x1234, &count));
	print("bad pointer %d %d %d\n", control(TCGETS, NULL), control(TCSETS, NULL),
		control(TIOCGWINSZ, (void *)0xc0000000u));
	group = 0;
	print("no group %d", control(TIOCSPGRP, &group));
	group = 12345;
	print(" %d\n", control(TIOCSPGRP, &group));
	print("bad queue %d\n", _kern_ioctl(0, TCFLSH, 3));
	return 0;
}

static void say_status(const char *what, int status)
{
	if (WAIT_IS_STOPPED(status))
		print("%s stopped %d\n", what, WAIT_STOP_SIGNAL(status));
	else if (WAIT_EXITED(status))
		print("%s exit %d\n", what, WAIT_EXIT_STATUS(status));
	else
		print("%s killed %d\n", what, WAIT_SIGNAL(status));
}

static void ignore(int signal)
{
	struct signal_action action = {SIG_IGN, 0, 0};

	_kern_sigaction(signal, &action, NULL);
}

/* The least of what a shell does. */
static int jobs(void)
{
	pid_t self = _kern_getpid();
	pid_t child;
	int status;

	ignore(SIGTTOU);
	child = _kern_fork();
	if (child == 0) {
		char line[64];
		ssize_t count;

		_kern_setpgid(0, 0);
		self = _kern_getpid();
		control(TIOCSPGRP, &self);
		print("child ready\n");
		while ((count = _kern_read(0, -1, line, sizeof line)) > 0) {
			print("child read ");
			_kern_write(1, -1, line, (size_t)count);
		}
		_kern_exit(3);
	}
	_kern_wait(child, &status, WAIT_STOPPED);
	say_status("child", status);
	control(TIOCSPGRP, &self);
	print("parent has it\n");
	control(TIOCSPGRP, &child);
	_kern_kill(-child, SIGCONT);
	_kern_wait(child, &status, WAIT_STOPPED);
	control(TIOCSPGRP, &self);
	say_status("child", status);
	return 0;
}

static volatile int sLast;

static void note(int signal, struct signal_info *info, struct signal_context *context)
{
	(void)info;
	(void)context;
	sLast = signal;
}

static bool waits(pid_t pid)
{
	static struct process_status sEntries[16];
	ssize_t count = _kern_process_status(sEntries, 16);

	for (ssize_t i = 0; i < count && i < 16; i++) {
		if (sEntries[i].pid == pid)
			return sEntries[i].state == PROCESS_WAITING;
	}
	return false;
}

/*
 * Says "ready" once this process waits in a call. A signal that comes before it does
 * is over by then and ends no call; so who sends one has to know.
 */
static pid_t say_when_it_waits(void)
{
	pid_t watched = _kern_getpid();
	pid_t watcher = _kern_fork();

	if (watcher == 0) {
		while (!waits(watched))
			_kern_snooze(1000, 0);
		print("ready\n");
		_kern_exit(0);
	}
	return watcher;
}

static int signals(void)
{
	struct signal_action action = {(uint32_t)(uintptr_t)note, 0, 0};
	struct signal_action restarting = {(uint32_t)(uintptr_t)note, 0, SA_RESTART};
	char line[64];

	_kern_sigaction(SIGINT, &action, NULL);
	_kern_sigaction(SIGTSTP, &restarting, NULL);
	_kern_sigaction(SIGQUIT, &action, NULL);
	while (sLast != SIGQUIT) {
		pid_t watcher = say_when_it_waits();
		ssize_t count = _kern_read(0, -1, line, sizeof line);

		_kern_wait(watcher, NULL, 0);
		print("read %d, signal %d\n", (int)count, sLast);
	}
	return 0;
}

static int background(void)
{
	pid_t child = _kern_fork();
	int status;

	if (child == 0) {
		char line[64];

		_kern_setpgid(0, 0);
		print("child read %d\n", (int)_kern_read(0, -1, line, sizeof line));
		_kern_exit(4);
	}
	_kern_wait(child, &status, WAIT_STOPPED);
	say_status("child", status);
	control(TIOCSPGRP, &child);
	_kern_kill(child, SIGCONT);
	_kern_wait(child, &status, 0);
	say_status("child", status);
	child = _kern_fork();
	if (child == 0) {
		char line[64];

		/* Nobody to stop it for: then it is an error. */
		ignore(SIGTTIN);
		_kern_setpgid(0, 0);
		print("child read %d\n", (int)_kern_read(0, -1, line, sizeof line));
		_kern_exit(5);
	}
	_kern_wait(child, &status, 0);
	say_status("child", status);
	return 0;
}

static int poll_keys(void)
{
	struct pollfd entry = {.fd = 0, .events = POLLIN | POLLOUT};
	char line[64];
	int flags = _kern_fcntl(0, F_GETFL, 0);

	print("poll %d", _kern_poll(&entry, 1, 0));
	print(" %x\n", entry.revents);
	_kern_fcntl(0, F_SETFL, flags | O_NONBLOCK);
	print("read %d\n", (int)_kern_read(0, -1, line, sizeof line));
	entry.events = POLLIN;
	print("ready\n");
	print("poll %d", _kern_poll(&entry, 1, -1));
	print(" %x\n", entry.revents);
	print("read %d\n", (int)_kern_read(0, -1, line, sizeof line));
	print("read %d\n", (int)_kern_read(0, -1, line, sizeof line));
	return 0;
}

static int size(void)
{
	struct signal_action action = {(uint32_t)(uintptr_t)note, 0, 0};
	struct winsize now;

	control(TIOCGWINSZ, &now);
	print("%u columns, %u rows\n", now.ws_col, now.ws_row);
	_kern_sigaction(SIGWINCH, &action, NULL);
	now.ws_col = 100;
	control(TIOCSWINSZ, &now);
	_kern_snooze(1000000, 0);
	memset(&now, 0, sizeof now);
	control(TIOCGWINSZ, &now);
	print("%u columns, signal %d\n", now.ws_col, sLast);
	return 0;
}

static int ask(void)
{
	struct termios before = change(ICANON | ECHO, 1, 0);
	char answer[32];
	ssize_t count;

	print("\033[2J\033[3;5H\033[6n");
	count = _kern_read(0, -1, answer, sizeof answer);
	control(TCSETS, &before);
	print("\033[H%d ", (int)count);
	_kern_write(1, -1, answer + 1, (size_t)(count > 0 ? count - 1 : 0));
	print("\n");
	return 0;
}

static int flood(void)
{
	char line[64];

	memset(line, 'x', sizeof line);
	line[63] = '\n';
	for (unsigned i = 0; i < 1024; i++) {
		line[0] = (char)('a' + i % 26);
		if (_kern_write(1, -1, line, sizeof line) != sizeof line)
			return 1;
	}
	return 0;
}

static int drain(void)
{
	pid_t pids[2];
	unsigned seen = 0;

	control(TCXONC, (void *)TCOOFF);
	print("held\n");
	for (int i = 0; i < 2; i++) {
		pids[i] = _kern_fork();
		if (pids[i] == 0)
			_kern_exit(_kern_ioctl(1, TCSBRK, 1) == 0 ? 0 : 1);
	}
	for (int looks = 0; looks < 10000 && seen < 5; looks++) {
		_kern_snooze(1000, 0);
		seen = waits(pids[0]) && waits(pids[1]) ? seen + 1 : 0;
	}
	control(TCXONC, (void *)TCOON);
	for (int i = 0; i < 2; i++) {
		int status;

		_kern_wait(pids[i], &status, 0);
		say_status("child", status);
	}
	print(seen == 5 ? "they waited\n" : "they were busy\n");
	return 0;
}

int main(int argc, char **argv, char **envp)
{
	const char *what = argc > 1 ? argv[1] : "";

	(void)envp;
	if (strcmp(what, "copy") == 0)
		return copy();
	if (strcmp(what, "late") == 0) {
		_kern_snooze(1000000, 0);
		return copy();
	}
	if (strcmp(what, "lines") == 0)
		return lines();
	if (strcmp(what, "raw") == 0 && argc == 5)
		return raw(number(argv[2]), (uint8_t)number(argv[3]), (uint8_t)number(argv[4]));
	if (strcmp(what, "isatty") == 0)
		return is_terminal();
	if (strcmp(what, "jobs") == 0)
		return jobs();
	if (strcmp(what, "signals") == 0)
		return signals();
	if (strcmp(what, "background") == 0)
		return background();
	if (strcmp(what, "poll") == 0)
		return poll_keys();
	if (strcmp(what, "size") == 0)
		return size();
	if (strcmp(what, "ask") == 0)
		return ask();
	if (strcmp(what, "flood") == 0)
		return flood();
	if (strcmp(what, "drain") == 0)
		return drain();
	return 64;
}
