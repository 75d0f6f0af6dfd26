/* POSIX's <signal.h>, with the kernel's numbers. */
#ifndef _SYS_SIGNAL_H
#define _SYS_SIGNAL_H

#include <postern/signal_numbers.h>
#include <sys/_sigset.h>
#include <sys/_timespec.h>
#include <sys/cdefs.h>
#include <sys/types.h>

#ifndef _SIGSET_T_DECLARED
#define _SIGSET_T_DECLARED
typedef __sigset_t sigset_t; /* bit n - 1 is signal n */
#endif

/* What the kernel gives no meaning of its own. */
#define SIGXCPU 24
#define SIGXFSZ 25
#define SIGVTALRM 26
#define SIGPROF 27
#define SIGIO 29
#define SIGPWR 30
#define SIGSYS 31
#define SIGIOT SIGABRT
#define SIGCLD SIGCHLD
#define SIGPOLL SIGIO
#define NSIG 32
#define _NSIG NSIG

typedef void (*_sig_func_ptr)(int);

union sigval {
	int sival_int;
	void *sival_ptr;
};

/* Laid out as the kernel's struct signal_info. */
typedef struct {
	int si_signo;
	pid_t si_pid;
	void *si_addr;
	int si_code;
} siginfo_t;

#define SI_USER 0

struct sigevent {
	int sigev_notify;
	int sigev_signo;
	union sigval sigev_value;
};

struct sigaction {
	union {
		_sig_func_ptr sa_handler;
		void (*sa_sigaction)(int, siginfo_t *, void *);
	};
	sigset_t sa_mask;
	int sa_flags;
};

#define SA_NOCLDSTOP 0x1
#define SA_NOCLDWAIT 0x2
#define SA_SIGINFO 0x4
#define SA_RESTART 0x10000000
#define SA_NODEFER 0x40000000
#define SA_RESETHAND 0x80000000

#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

#define MINSIGSTKSZ 2048
#define SIGSTKSZ 8192

__BEGIN_DECLS
int kill(pid_t pid, int signal);
int killpg(pid_t group, int signal);
int sigaction(int signal, const struct sigaction *action, struct sigaction *old);
int sigprocmask(int how, const sigset_t *set, sigset_t *old);
int pthread_sigmask(int how, const sigset_t *set, sigset_t *old);
int sigpending(sigset_t *set);
int sigsuspend(const sigset_t *set);
int sigaddset(sigset_t *set, int signal);
int sigdelset(sigset_t *set, int signal);
int sigismember(const sigset_t *set, int signal);
int sigfillset(sigset_t *set);
int sigemptyset(sigset_t *set);
int siginterrupt(int signal, int on);
#ifdef _COMPILING_NEWLIB
int _kill(pid_t pid, int signal);
#endif
__END_DECLS

#include <signal.h>

#endif
