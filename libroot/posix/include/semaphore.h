/* POSIX's <semaphore.h>, but for those with names: libroot's semaphores. */
#ifndef _SEMAPHORE_H
#define _SEMAPHORE_H

#include <sys/cdefs.h>
#include <sys/types.h>
#include <time.h>

/* What struct semaphore of <postern/sync.h> is. */
typedef struct {
	unsigned __value;
	unsigned __waiters;
} sem_t;

#define SEM_VALUE_MAX 0x7fffffff

__BEGIN_DECLS
/* With `shared`, the semaphore has to be in memory that is shared. */
int sem_init(sem_t *semaphore, int shared, unsigned value);
int sem_destroy(sem_t *semaphore);
int sem_wait(sem_t *semaphore);
int sem_timedwait(sem_t *semaphore, const struct timespec *end);
int sem_trywait(sem_t *semaphore);
int sem_post(sem_t *semaphore);
int sem_getvalue(sem_t *semaphore, int *value);
__END_DECLS

#endif
