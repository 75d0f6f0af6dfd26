/* POSIX's unnamed semaphores are libroot's under other names. */
#include <semaphore.h>

#include "posix.h"
#include <postern/sync.h>

_Static_assert(sizeof(sem_t) == sizeof(struct semaphore), "sem_t is a struct semaphore");

static struct semaphore *own(sem_t *semaphore)
{
	return (struct semaphore *)(void *)semaphore;
}

int sem_init(sem_t *semaphore, int shared, unsigned value)
{
	(void)shared; /* futexes of shared memory need nothing said */
	/* POSIX, sem_init(): the value is at most SEM_VALUE_MAX. */
	if (value > SEM_VALUE_MAX)
		return posix_error(EINVAL);
	*own(semaphore) = (struct semaphore){.value = value};
	return 0;
}

int sem_destroy(sem_t *semaphore)
{
	(void)semaphore;
	return 0;
}

int sem_wait(sem_t *semaphore)
{
	return posix_result(semaphore_wait(own(semaphore), -1));
}

int sem_timedwait(sem_t *semaphore, const struct timespec *end)
{
	time_us_t deadline;

	/* POSIX, sem_timedwait(): what need not be waited for succeeds, whatever `end` is. */
	if (semaphore_wait(own(semaphore), 0) == 0)
		return 0;
	if (end->tv_nsec < 0 || end->tv_nsec >= 1000000000)
		return posix_error(EINVAL);
	deadline = posix_deadline(end);
	return posix_result(semaphore_wait(own(semaphore), deadline));
}

int sem_trywait(sem_t *semaphore)
{
	/* A deadline that has passed: it tries, and does not wait. */
	if (semaphore_wait(own(semaphore), 0) != 0)
		return posix_error(EAGAIN);
	return 0;
}

int sem_post(sem_t *semaphore)
{
	if (semaphore_value(own(semaphore)) == SEM_VALUE_MAX)
		return posix_error(EOVERFLOW);
	semaphore_post(own(semaphore));
	return 0;
}

int sem_getvalue(sem_t *semaphore, int *value)
{
	*value = (int)semaphore_value(own(semaphore));
	return 0;
}
