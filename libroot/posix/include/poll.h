/* POSIX's <poll.h>. */
#ifndef POSTERN_POLL_H
#define POSTERN_POLL_H

#include <postern/poll.h>
#include <sys/cdefs.h>

typedef unsigned int nfds_t;

__BEGIN_DECLS
int poll(struct pollfd *files, nfds_t count, int timeout);
__END_DECLS

#endif
