/* POSIX's <sys/uio.h>. */
#ifndef _SYS_UIO_H
#define _SYS_UIO_H

#include <postern/iovec.h>
#include <sys/cdefs.h>
#include <sys/types.h>

__BEGIN_DECLS
ssize_t readv(int fd, const struct iovec *vectors, int count);
ssize_t writev(int fd, const struct iovec *vectors, int count);
__END_DECLS

#endif
