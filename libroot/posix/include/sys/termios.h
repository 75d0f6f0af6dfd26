/* POSIX's <termios.h>, by the name that newlib's includes. */
#ifndef _SYS_TERMIOS_H
#define _SYS_TERMIOS_H

#include <postern/termios.h>
#include <sys/cdefs.h>
#include <sys/types.h>

typedef uint32_t tcflag_t;
typedef uint32_t speed_t;
typedef uint8_t cc_t;

__BEGIN_DECLS
int tcgetattr(int fd, struct termios *settings);
int tcsetattr(int fd, int when, const struct termios *settings);
int tcdrain(int fd);
int tcflush(int fd, int queue);
int tcflow(int fd, int action);
int tcsendbreak(int fd, int duration);
pid_t tcgetpgrp(int fd);
int tcsetpgrp(int fd, pid_t group);
void cfmakeraw(struct termios *settings);
speed_t cfgetospeed(const struct termios *settings);
speed_t cfgetispeed(const struct termios *settings);
int cfsetospeed(struct termios *settings, speed_t speed);
int cfsetispeed(struct termios *settings, speed_t speed);
__END_DECLS

#endif
