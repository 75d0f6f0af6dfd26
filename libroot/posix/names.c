/* What the system is and how much it takes: uname(), sysconf() and their kin. */
#include <fcntl.h>

#include "posix.h"
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* Those that run, which are all that the kernel knows of: a line each. */
static long count_processors(void)
{
	char text[512];
	int fd = open("/proc/processors", O_RDONLY | O_CLOEXEC);
	ssize_t size, i;
	long count = 0;

	if (fd < 0)
		return -1;
	while ((size = read(fd, text, sizeof text)) > 0) {
		for (i = 0; i < size; i++)
			count += text[i] == '\n';
	}
	close(fd);
	return size < 0 ? -1 : count;
}

int uname(struct utsname *name)
{
	struct system_info info;
	int error = _kern_get_info(&info);

	if (error < 0)
		return posix_result(error);
	memset(name, 0, sizeof *name);
	strcpy(name->sysname, "Postern");
	strcpy(name->nodename, "postern");
	strcpy(name->machine, info.cpu_family >= 6	 ? "i686"
						  : info.cpu_family == 5 ? "i586"
												 : "i486");
	strlcpy(name->version, info.kernel_version_text, sizeof name->version);
	/* major.minor.patch, for those that compare it */
	strlcpy(name->release, strpbrk(info.kernel_version_text, "0123456789") ?: "0",
		sizeof name->release);
	return 0;
}

int gethostname(char *name, size_t size)
{
	return strlcpy(name, "postern", size) < size ? 0 : posix_error(ENAMETOOLONG);
}

long sysconf(int name)
{
	struct system_info info;

	switch (name) {
	case _SC_ARG_MAX:
		return ARG_MAX;
	case _SC_CHILD_MAX:
		return CHILD_MAX;
	case _SC_CLK_TCK:
		return CLOCKS_PER_SEC;
	case _SC_OPEN_MAX:
		return OPEN_MAX;
	case _SC_PAGESIZE:
		return getpagesize();
	case _SC_JOB_CONTROL:
	case _SC_SAVED_IDS:
		return 1;
	case _SC_VERSION:
		return _POSIX_VERSION;
	case _SC_NGROUPS_MAX:
		return NGROUPS_MAX;
	case _SC_HOST_NAME_MAX:
		return HOST_NAME_MAX;
	case _SC_IOV_MAX:
		return IOV_MAX;
	case _SC_LINE_MAX:
		return LINE_MAX;
	case _SC_PHYS_PAGES:
	case _SC_AVPHYS_PAGES:
		if (_kern_get_info(&info) < 0)
			return -1;
		return (
			long)(name == _SC_PHYS_PAGES ? info.memory_pages : info.memory_free_pages);
	case _SC_NPROCESSORS_CONF:
	case _SC_NPROCESSORS_ONLN:
		return count_processors();
	default:
		return posix_error(EINVAL);
	}
}

long pathconf(const char *path, int name)
{
	(void)path;
	switch (name) {
	case _PC_LINK_MAX:
		return LINK_MAX;
	case _PC_MAX_CANON:
		return MAX_CANON;
	case _PC_MAX_INPUT:
		return MAX_INPUT;
	case _PC_NAME_MAX:
		return NAME_MAX;
	case _PC_PATH_MAX:
		return PATH_MAX;
	case _PC_PIPE_BUF:
		return PIPE_BUF;
	case _PC_NO_TRUNC:
	case _PC_CHOWN_RESTRICTED:
		return 1;
	case _PC_VDISABLE:
		return _POSIX_VDISABLE;
	default:
		return posix_error(EINVAL);
	}
}

long fpathconf(int fd, int name)
{
	(void)fd;
	return pathconf("", name);
}

/* No limit can be set; of those that there are, this is what they are. */
int getrlimit(int resource, struct rlimit *limit)
{
	limit->rlim_cur = limit->rlim_max = RLIM_INFINITY;
	if (resource == RLIMIT_NOFILE)
		limit->rlim_cur = limit->rlim_max = OPEN_MAX;
	else if (resource == RLIMIT_CORE)
		limit->rlim_cur = limit->rlim_max = 0;
	return 0;
}

int setrlimit(int resource, const struct rlimit *limit)
{
	struct rlimit now;

	getrlimit(resource, &now);
	return limit->rlim_cur == now.rlim_cur ? 0 : posix_error(EPERM);
}

int getdtablesize(void)
{
	return OPEN_MAX;
}

int nice(int change)
{
	return change == 0 ? 0 : posix_error(EPERM);
}

/* ---- Priorities --------------------------------------------------------------- */

/* All processes have the same: only whether there is such a one is to be found out. */
static int check_priority(int which, id_t who)
{
	pid_t pid = (pid_t)who;

	if (which == PRIO_USER)
		return who == 0 ? 0 : posix_error(ESRCH);
	if (which != PRIO_PROCESS && which != PRIO_PGRP)
		return posix_error(EINVAL);
	if (pid == 0)
		return 0;
	return kill(which == PRIO_PGRP ? -pid : pid, 0) == 0 || errno == EPERM ? 0 : -1;
}

int getpriority(int which, id_t who)
{
	return check_priority(which, who);
}

int setpriority(int which, id_t who, int value)
{
	if (check_priority(which, who) != 0)
		return -1;
	return value == 0 ? 0 : posix_error(EACCES);
}

/* newlib's posix_spawn() calls them, for who asks it to. <sched.h> does not declare them:
 * there are no policies to choose from. */
struct sched_param;
int sched_setscheduler(pid_t pid, int policy, const struct sched_param *parameters);
int sched_setparam(pid_t pid, const struct sched_param *parameters);

int sched_setscheduler(pid_t pid, int policy, const struct sched_param *parameters)
{
	(void)pid;
	(void)policy;
	(void)parameters;
	return posix_error(ENOSYS);
}

int sched_setparam(pid_t pid, const struct sched_param *parameters)
{
	(void)pid;
	(void)parameters;
	return posix_error(ENOSYS);
}

/* ---- Random bytes ------------------------------------------------------------- */

/* newlib's arc4random() is made of these, which are as good as /dev/random is. */
int getentropy(void *bytes, size_t size)
{
	int fd;
	ssize_t got;

	if (size > 256)
		return posix_error(EIO);
	fd = open("/dev/random", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	got = read(fd, bytes, size);
	close(fd);
	return got == (ssize_t)size ? 0 : posix_error(EIO);
}
