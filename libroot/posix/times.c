/* Time: the date, the clocks, waiting, and what the processor's time went to. */
#include "posix.h"
#include <postern/list_processes.h>
#include <postern/os.h>
#include <postern/timer_value.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECOND = 1000000 };

static struct timespec to_timespec(time_us_t time)
{
	struct timespec spec = {
		.tv_sec = time / SECOND, .tv_nsec = (long)(time % SECOND) * 1000};

	return spec;
}

static struct timeval to_timeval(time_us_t time)
{
	struct timeval value = {
		.tv_sec = time / SECOND, .tv_usec = (suseconds_t)(time % SECOND)};

	return value;
}

bool posix_is_timespec(const struct timespec *spec)
{
	return spec->tv_sec >= 0 && spec->tv_nsec >= 0 && spec->tv_nsec < 1000000000;
}

time_us_t posix_microseconds(const struct timespec *spec)
{
	if (spec->tv_sec > INT64_MAX / SECOND - 1)
		return INT64_MAX;
	return spec->tv_sec * SECOND + (spec->tv_nsec + 999) / 1000;
}

time_us_t posix_deadline(const struct timespec *end)
{
	time_us_t now = _kern_real_time();
	time_us_t left = end->tv_sec < 0 ? 0 : posix_microseconds(end) - now;
	time_us_t start = system_time();

	if (left <= 0)
		return 0; /* it has passed: -1 would be without an end */
	return left > INT64_MAX - start ? INT64_MAX : start + left;
}

/* What the process has used, ended threads included, and what its children have: in
 * cpu_time and children_time, which are 0 where there is no memory to look. */
static struct process_status processor_time(void)
{
	struct process_status self;

	if (find_process(_kern_getpid(), &self) < 0)
		self.cpu_time = self.children_time = 0;
	return self;
}

int gettimeofday(struct timeval *time, void *zone)
{
	time_us_t now = _kern_real_time();
	struct timezone *utc = zone;

	if (time != NULL)
		*time = to_timeval(now);
	if (utc != NULL)
		utc->tz_minuteswest = utc->tz_dsttime = 0;
	return 0;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	switch (clock) {
	case CLOCK_REALTIME:
		*time = to_timespec(_kern_real_time());
		return 0;
	case CLOCK_MONOTONIC:
		*time = to_timespec(system_time());
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		*time = to_timespec(processor_time().cpu_time);
		return 0;
	default:
		return posix_error(EINVAL);
	}
}

int clock_getres(clockid_t clock, struct timespec *resolution)
{
	struct timespec now;

	if (clock_gettime(clock, &now) < 0)
		return -1;
	if (resolution != NULL)
		*resolution = to_timespec(1);
	return 0;
}

/* ---- Waiting ---------------------------------------------------------------------- */

int nanosleep(const struct timespec *time, struct timespec *left)
{
	time_us_t end, now;
	int error;

	if (!posix_is_timespec(time))
		return posix_error(EINVAL);
	now = system_time();
	end = posix_microseconds(time);
	end = end > INT64_MAX - now ? INT64_MAX : now + end;
	error = _kern_snooze(end, SNOOZE_ABSOLUTE);
	if (error < 0 && left != NULL) {
		now = system_time();
		*left = to_timespec(end > now ? end - now : 0);
	}
	return posix_result(error);
}

/* POSIX: it returns its error. */
int clock_nanosleep(
	clockid_t clock, int flags, const struct timespec *time, struct timespec *left)
{
	int error;

	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return clock == CLOCK_PROCESS_CPUTIME_ID ? ENOTSUP : EINVAL;
	if (!posix_is_timespec(time) || (flags & ~TIMER_ABSTIME) != 0)
		return EINVAL;
	if ((flags & TIMER_ABSTIME) == 0)
		return nanosleep(time, left) < 0 ? errno : 0;
	/* The date cannot be set while the system runs: how long it is till then stays true.
	 */
	error = _kern_snooze(
		clock == CLOCK_REALTIME ? posix_deadline(time) : posix_microseconds(time),
		SNOOZE_ABSOLUTE);
	return -error;
}

unsigned sleep(unsigned seconds)
{
	struct timespec time = {.tv_sec = seconds}, left;

	if (nanosleep(&time, &left) == 0)
		return 0;
	return (unsigned)left.tv_sec + (left.tv_nsec > 0);
}

int usleep(useconds_t microseconds)
{
	/* Entered again after a stop, it must not begin anew. */
	return posix_result(
		_kern_snooze(system_time() + (time_us_t)microseconds, SNOOZE_ABSOLUTE));
}

/* ---- Interval timers -------------------------------------------------------------- */

static bool is_valid_timeval(const struct timeval *time)
{
	return time->tv_sec >= 0 && time->tv_usec >= 0 && time->tv_usec < SECOND;
}

static time_us_t from_timeval(const struct timeval *time)
{
	return time->tv_sec > INT64_MAX / SECOND - 1 ? INT64_MAX
												 : time->tv_sec * SECOND + time->tv_usec;
}

/* Only ITIMER_REAL: nothing counts the processor's time but at ticks. */
int setitimer(
	int which, const struct itimerval *restrict value, struct itimerval *restrict old)
{
	struct timer_value now, before;
	int error;

	if (which != ITIMER_REAL
		|| (value != NULL
			&& (!is_valid_timeval(&value->it_value)
				|| !is_valid_timeval(&value->it_interval))))
		return posix_error(EINVAL);
	if (value != NULL) {
		now.left = from_timeval(&value->it_value);
		now.interval = from_timeval(&value->it_interval);
	}
	error = _kern_setitimer(value != NULL ? &now : NULL, &before);
	if (error == 0 && old != NULL) {
		old->it_value = to_timeval(before.left);
		old->it_interval = to_timeval(before.interval);
	}
	return posix_result(error);
}

int getitimer(int which, struct itimerval *value)
{
	return setitimer(which, NULL, value);
}

useconds_t ualarm(useconds_t time, useconds_t interval)
{
	struct timer_value value = {time, interval}, before = {0, 0};

	_kern_setitimer(&value, &before);
	return (useconds_t)before.left;
}

/* ---- Processor time ---------------------------------------------------------------- */

int getrusage(int who, struct rusage *usage)
{
	static const struct rusage kNone;
	struct process_status self;

	if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN)
		return posix_error(EINVAL);
	*usage = kNone;
	self = processor_time();
	usage->ru_utime = to_timeval(who == RUSAGE_SELF ? self.cpu_time : self.children_time);
	return 0;
}

static clock_t to_clock(time_us_t time)
{
	return (clock_t)(time / (SECOND / CLOCKS_PER_SEC));
}

/* In CLOCKS_PER_SEC, which is what sysconf(_SC_CLK_TCK) says. The kernel does not tell
 * its own part of a program's time from the program's. */
clock_t times(struct tms *buffer)
{
	struct process_status self = processor_time();

	buffer->tms_utime = to_clock(self.cpu_time);
	buffer->tms_cutime = to_clock(self.children_time);
	buffer->tms_stime = buffer->tms_cstime = 0;
	return to_clock(system_time());
}

/* newlib's adds that of the children, which ISO C does not know of. */
clock_t clock(void)
{
	return to_clock(processor_time().cpu_time);
}

/* By what it has added to all children's: exact as long as no other thread waits for
 * another child at the same time. */
pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	time_us_t before = usage != NULL ? processor_time().children_time : 0;
	pid_t child = waitpid(pid, status, options);

	if (usage != NULL && child > 0) {
		memset(usage, 0, sizeof *usage);
		usage->ru_utime = to_timeval(processor_time().children_time - before);
	}
	return child;
}

pid_t wait3(int *status, int options, struct rusage *usage)
{
	return wait4(-1, status, options, usage);
}
