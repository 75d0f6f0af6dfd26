/*
 * Two calls as System V had them, which elvis is written for; tools/ports.py compiles
 * elvis to call these.
 *
 * signal(): the handler serves once, nothing is blocked while it runs, and the call it
 * interrupts ends with EINTR. elvis waits for the rest of an arrow key's sequence in a
 * read() that alarm() ends, and its handler of ^C leaves by longjmp().
 *
 * lseek(): without a prototype, its offset is a long, and 64 bits here.
 */
#include <signal.h>
#include <unistd.h>

_sig_func_ptr elvis_signal(int signal, _sig_func_ptr handler);
long elvis_lseek(int fd, long offset, int from);

_sig_func_ptr elvis_signal(int signal, _sig_func_ptr handler)
{
	struct sigaction action = {.sa_handler = handler}, old;

	action.sa_flags = (int)(SA_RESETHAND | SA_NODEFER);
	if (sigaction(signal, &action, &old) < 0)
		return SIG_ERR;
	return old.sa_handler;
}

long elvis_lseek(int fd, long offset, int from)
{
	return (long)lseek(fd, offset, from);
}
