/*
 * Stand-in for kernel/lock.h where the kernel's parts are built for the host: a
 * test has one thread, so that a mutex is only looked at to find what takes it
 * twice or forgets it. Take it with `-iquote tests/host/include`.
 */
#pragma once

#include <stdlib.h>
#include <postern/types.h>

struct mutex {
	int held;
};

static inline void mutex_init(struct mutex *mutex, const char *name)
{
	(void)name;
	mutex->held = 0;
}

static inline void mutex_lock(struct mutex *mutex)
{
	if (mutex->held++ != 0)
		abort();
}

static inline void mutex_unlock(struct mutex *mutex)
{
	if (--mutex->held != 0)
		abort();
}
