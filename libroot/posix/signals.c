/* POSIX's signals over the kernel's, which have the same numbers. */
#include <signal.h>

#include "posix.h"
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof(sigset_t) == sizeof(uint32_t), "a set is the kernel's mask");
_Static_assert(
	sizeof(siginfo_t) == sizeof(struct signal_info), "handlers get the kernel's");

static bool exists(int signal)
{
	return signal > 0 && signal < NSIG;
}

int sigemptyset(sigset_t *set)
{
	*set = 0;
	return 0;
}

int sigfillset(sigset_t *set)
{
	*set = ~(sigset_t)0;
	return 0;
}

int sigaddset(sigset_t *set, int signal)
{
	if (!exists(signal))
		return posix_error(EINVAL);
	*set |= (sigset_t)1 << (signal - 1);
	return 0;
}

int sigdelset(sigset_t *set, int signal)
{
	if (!exists(signal))
		return posix_error(EINVAL);
	*set &= ~((sigset_t)1 << (signal - 1));
	return 0;
}

int sigismember(const sigset_t *set, int signal)
{
	if (!exists(signal))
		return posix_error(EINVAL);
	return (int)(*set >> (signal - 1) & 1);
}

int sigaction(int signal, const struct sigaction *action, struct sigaction *old)
{
	struct signal_action new_action, old_action;
	int error;

	if (action != NULL) {
		new_action.handler = (uint32_t)(uintptr_t)action->sa_handler;
		new_action.mask = action->sa_mask;
		new_action.flags = (uint32_t)action->sa_flags;
	}
	error = _kern_sigaction(signal, action != NULL ? &new_action : NULL, &old_action);
	if (error < 0)
		return posix_result(error);
	if (old != NULL) {
		old->sa_handler = (_sig_func_ptr)(uintptr_t)old_action.handler;
		old->sa_mask = old_action.mask;
		old->sa_flags = (int)old_action.flags;
	}
	return 0;
}

/* As BSD has it: the handler stays, and calls are restarted. */
_sig_func_ptr signal(int signal, _sig_func_ptr handler)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;

	if (sigaction(signal, &action, &old) < 0)
		return SIG_ERR;
	return old.sa_handler;
}

/* newlib's perror() and its kin ask by these names. */
_sig_func_ptr _signal_r(struct _reent *reent, int number, _sig_func_ptr handler)
{
	(void)reent;
	return signal(number, handler);
}

int siginterrupt(int signal, int on)
{
	struct sigaction action;

	if (sigaction(signal, NULL, &action) < 0)
		return -1;
	if (on)
		action.sa_flags &= ~SA_RESTART;
	else
		action.sa_flags |= SA_RESTART;
	return sigaction(signal, &action, NULL);
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	return posix_result(_kern_sigprocmask(how, (const uint32_t *)set, (uint32_t *)old));
}

/* POSIX: this one returns its error. */
int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	return -_kern_sigprocmask(how, (const uint32_t *)set, (uint32_t *)old);
}

int sigpending(sigset_t *set)
{
	return posix_result(_kern_sigpending((uint32_t *)set));
}

int sigsuspend(const sigset_t *set)
{
	return posix_result(_kern_sigsuspend((uint32_t)*set));
}

int pause(void)
{
	uint32_t mask = 0;

	_kern_sigprocmask(SIG_BLOCK, NULL, &mask);
	return posix_result(_kern_sigsuspend(mask));
}

int kill(pid_t pid, int signal)
{
	return posix_result(_kern_kill(pid, signal));
}

int killpg(pid_t group, int signal)
{
	return group <= 1 ? posix_error(EINVAL) : kill(-group, signal);
}

int raise(int signal)
{
	return kill(getpid(), signal);
}

int _raise_r(struct _reent *reent, int signal)
{
	(void)reent;
	return raise(signal);
}

unsigned alarm(unsigned seconds)
{
	return _kern_alarm(seconds);
}

/* What the macro sigsetjmp() does before setjmp(). */
void postern_keep_mask(sigjmp_buf buffer, int keep)
{
	buffer->has_mask = keep;
	if (keep)
		sigprocmask(SIG_BLOCK, NULL, &buffer->mask);
}

void siglongjmp(sigjmp_buf buffer, int value)
{
	if (buffer->has_mask)
		sigprocmask(SIG_SETMASK, &buffer->mask, NULL);
	longjmp(buffer->registers, value);
}
