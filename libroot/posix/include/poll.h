/* POSIX's <poll.h>. */
#ifndef POSTERN_POLL_H
#define POSTERN_POLL_H

#include <postern/poll.h>
#include <sys/_sigset.h>
#include <sys/_timespec.h>
#include <sys/cdefs.h>

typedef unsigned int nfds_t;

__BEGIN_DECLS
int poll(struct pollfd *files, nfds_t count, int timeout);
#if __GNU_VISIBLE
int ppoll(struct pollfd *files, nfds_t count, const struct timespec *timeout,
	const __sigset_t *mask);
#endif
__END_DECLS

#endif
