/* System V's name of <termios.h>, for the programs that still ask for it. */
#ifndef _TERMIO_H
#define _TERMIO_H

#include <sys/ioctl.h>
#include <termios.h>

#define termio termios
#define TCGETA TCGETS
#define TCSETA TCSETS
#define TCSETAW TCSETSW
#define TCSETAF TCSETSF
#define VSWTCH VSWTC

#endif
