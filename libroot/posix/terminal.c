/* Terminals: ioctl() and what POSIX's <termios.h> makes of it; poll() and select(). */
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <termios.h>

#include "posix.h"
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	uint32_t argument;

	va_start(arguments, request);
	argument = va_arg(arguments, uint32_t);
	va_end(arguments);
	return posix_result(_kern_ioctl(fd, (uint32_t)request, argument));
}

int tcgetattr(int fd, struct termios *settings)
{
	return ioctl(fd, TCGETS, settings);
}

int tcsetattr(int fd, int when, const struct termios *settings)
{
	if (when < TCSANOW || when > TCSAFLUSH)
		return posix_error(EINVAL);
	return ioctl(fd, (unsigned long)(TCSETS + when - TCSANOW), settings);
}

int tcdrain(int fd)
{
	return ioctl(fd, TCSBRK, 1);
}

int tcflush(int fd, int queue)
{
	return ioctl(fd, TCFLSH, queue);
}

int tcflow(int fd, int action)
{
	return ioctl(fd, TCXONC, action);
}

/* No line here can send a break. */
int tcsendbreak(int fd, int duration)
{
	(void)duration;
	return ioctl(fd, TCSBRK, 1);
}

pid_t tcgetpgrp(int fd)
{
	pid_t group;

	return ioctl(fd, TIOCGPGRP, &group) < 0 ? -1 : group;
}

int tcsetpgrp(int fd, pid_t group)
{
	return ioctl(fd, TIOCSPGRP, &group);
}

void cfmakeraw(struct termios *settings)
{
	settings->c_iflag &=
		~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
	settings->c_oflag &= ~OPOST;
	settings->c_lflag &= ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	settings->c_cflag = (settings->c_cflag & ~(CSIZE | PARENB)) | CS8;
	settings->c_cc[VMIN] = 1;
	settings->c_cc[VTIME] = 0;
}

speed_t cfgetospeed(const struct termios *settings)
{
	return settings->c_cflag & CBAUD;
}

speed_t cfgetispeed(const struct termios *settings)
{
	return cfgetospeed(settings);
}

int cfsetospeed(struct termios *settings, speed_t speed)
{
	if ((speed & ~CBAUD) != 0)
		return posix_error(EINVAL);
	settings->c_cflag = (settings->c_cflag & ~CBAUD) | speed;
	return 0;
}

int cfsetispeed(struct termios *settings, speed_t speed)
{
	return speed == B0 ? 0 : cfsetospeed(settings, speed);
}

int isatty(int fd)
{
	struct termios settings;

	return tcgetattr(fd, &settings) == 0;
}

int ttyname_r(int fd, char *buffer, size_t size)
{
	if (!isatty(fd))
		return errno;
	return strlcpy(buffer, "/dev/console", size) < size ? 0 : ERANGE;
}

char *ttyname(int fd)
{
	static char sName[TTY_NAME_MAX];
	int error = ttyname_r(fd, sName, sizeof sName);

	if (error == 0)
		return sName;
	errno = error;
	return NULL;
}

/* ---- Waiting for several files ---------------------------------------------------- */

int poll(struct pollfd *files, nfds_t count, int timeout)
{
	return posix_result(_kern_poll(files, count, timeout));
}

/* As the kernel has it: for ever where there is none. */
static time_us_t limit(const struct timespec *time)
{
	return time == NULL ? -1 : posix_microseconds(time);
}

int ppoll(struct pollfd *files, nfds_t count, const struct timespec *timeout,
	const sigset_t *mask)
{
	if (timeout != NULL && !posix_is_timespec(timeout))
		return posix_error(EINVAL);
	return posix_result(
		_kern_ppoll(files, count, limit(timeout), (const uint32_t *)mask));
}

/* How select()'s three sets and poll()'s events go together. */
enum { READABLE = POLLIN | POLLHUP | POLLERR, WRITABLE = POLLOUT | POLLERR };

/* With a `timeout` as ppoll() has it: microseconds, for ever where it is negative. */
static int select_until(int count, fd_set *readable, fd_set *writable,
	fd_set *exceptional, time_us_t timeout, const sigset_t *mask)
{
	struct pollfd files[FD_SETSIZE];
	nfds_t used = 0;
	int ready, bits = 0;

	if (count < 0 || count > FD_SETSIZE)
		return posix_error(EINVAL);
	for (int fd = 0; fd < count; fd++) {
		int events = 0;

		if (readable != NULL && FD_ISSET(fd, readable))
			events |= POLLIN;
		if (writable != NULL && FD_ISSET(fd, writable))
			events |= POLLOUT;
		if (exceptional != NULL && FD_ISSET(fd, exceptional))
			events |= POLLPRI;
		if (events != 0)
			files[used++] = (struct pollfd){.fd = fd, .events = (int16_t)events};
	}
	ready = _kern_ppoll(files, used, timeout, (const uint32_t *)mask);
	if (ready < 0)
		return posix_result(ready);
	for (nfds_t i = 0; i < used; i++) {
		if ((files[i].revents & POLLNVAL) != 0)
			return posix_error(EBADF);
	}
	for (nfds_t i = 0; i < used; i++) {
		int fd = files[i].fd, events = files[i].revents;

		if (readable != NULL && FD_ISSET(fd, readable)) {
			if ((events & READABLE) != 0)
				bits++;
			else
				FD_CLR(fd, readable);
		}
		if (writable != NULL && FD_ISSET(fd, writable)) {
			if ((events & WRITABLE) != 0)
				bits++;
			else
				FD_CLR(fd, writable);
		}
		if (exceptional != NULL && FD_ISSET(fd, exceptional)) {
			if ((events & POLLPRI) != 0)
				bits++;
			else
				FD_CLR(fd, exceptional);
		}
	}
	return bits;
}

int select(int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
	struct timeval *timeout)
{
	struct timespec time;

	if (timeout != NULL) {
		if (timeout->tv_sec < 0 || timeout->tv_usec < 0)
			return posix_error(EINVAL);
		/* As elsewhere, a second and more of microseconds is none the worse. */
		time.tv_sec = timeout->tv_sec + timeout->tv_usec / 1000000;
		time.tv_nsec = timeout->tv_usec % 1000000 * 1000;
	}
	return select_until(count, readable, writable, exceptional,
		limit(timeout != NULL ? &time : NULL), NULL);
}

int pselect(int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
	const struct timespec *timeout, const sigset_t *mask)
{
	if (timeout != NULL && !posix_is_timespec(timeout))
		return posix_error(EINVAL);
	return select_until(count, readable, writable, exceptional, limit(timeout), mask);
}
