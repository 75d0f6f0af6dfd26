/* Processes: fork(), exec and wait, and who one is. */
#include "posix.h"
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t fork(void)
{
	pid_t pid;

	posix_lock_all();
	pid = posix_result(_kern_fork());
	posix_unlock_all();
	return pid;
}

/* POSIX has dropped it; those who still call it get along with fork(). */
pid_t vfork(void)
{
	return fork();
}

/* ---- exec ------------------------------------------------------------------------ */

enum { SCRIPT_LINE = 128, SCRIPTS_MAX = 4 };

static int exec_any(
	const char *path, char *const argv[], char *const envp[], unsigned scripts);

/*
 * A file that begins with "#!" is run by the program that it names, with the rest of
 * the line as one argument (if there is any), the file's path, and the arguments behind
 * argv[0]. That may be a script again, `scripts` times at the most. The kernel knows
 * programs only.
 */
static int exec_script(
	const char *path, char *const argv[], char *const envp[], unsigned scripts)
{
	char line[SCRIPT_LINE];
	char *interpreter, *argument, *end;
	const char **arguments;
	size_t count = 0, used = 0;
	int fd = _kern_open(path, O_RDONLY | O_CLOEXEC, 0);
	ssize_t size;
	int error;

	if (fd < 0)
		return -ENOEXEC;
	size = _kern_read(fd, 0, line, sizeof line - 1);
	_kern_close(fd);
	if (size < 2 || line[0] != '#' || line[1] != '!')
		return -ENOEXEC;
	line[size] = '\0';
	end = strchr(line, '\n');
	if (end == NULL)
		return -ENOEXEC;
	while (end > line && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	*end = '\0';
	interpreter = line + 2 + strspn(line + 2, " \t");
	argument = interpreter + strcspn(interpreter, " \t");
	if (*argument != '\0') {
		*argument++ = '\0';
		argument += strspn(argument, " \t");
	}
	if (*interpreter == '\0')
		return -ENOEXEC;

	while (argv[count] != NULL)
		count++;
	arguments = malloc((count + 4) * sizeof *arguments);
	if (arguments == NULL)
		return -ENOMEM;
	arguments[used++] = interpreter;
	if (*argument != '\0')
		arguments[used++] = argument;
	arguments[used++] = path;
	for (size_t i = 1; i < count; i++)
		arguments[used++] = argv[i];
	arguments[used] = NULL;
	error = exec_any(interpreter, (char *const *)arguments, envp, scripts - 1);
	free(arguments);
	return error;
}

static int exec_any(
	const char *path, char *const argv[], char *const envp[], unsigned scripts)
{
	int error = _kern_exec(path, (const char *const *)argv, (const char *const *)envp);

	return error == -ENOEXEC && scripts > 0 ? exec_script(path, argv, envp, scripts)
											: error;
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	return posix_result(exec_any(path, argv, envp, SCRIPTS_MAX));
}

/* Where programs are looked for when the environment does not say (POSIX, <paths>). */
static const char kDefaultPath[] = "/bin";

/* A file that is no program and does not say what runs it is the shell's (POSIX, exec).
 */
static int exec_by_shell(const char *path, char *const argv[], char *const envp[])
{
	const char **arguments;
	size_t count = 0;

	execve(path, argv, envp);
	if (errno != ENOEXEC)
		return -1;
	while (argv[count] != NULL)
		count++;
	arguments = malloc((count + 3) * sizeof *arguments);
	if (arguments == NULL)
		return -1;
	arguments[0] = "sh";
	arguments[1] = path;
	for (size_t i = 1; i <= count; i++)
		arguments[i + 1] = argv[i];
	arguments[count > 0 ? count + 1 : 2] = NULL;
	execve("/bin/sh", (char *const *)arguments, envp);
	free(arguments);
	return -1;
}

int execvpe(const char *file, char *const argv[], char *const envp[])
{
	const char *part = getenv("PATH");
	char path[PATH_MAX];
	int error = ENOENT;

	if (*file == '\0')
		return posix_error(ENOENT);
	if (strchr(file, '/') != NULL)
		return exec_by_shell(file, argv, envp);
	if (part == NULL)
		part = kDefaultPath;
	for (;;) {
		size_t length = strcspn(part, ":");

		/* An empty part is the working directory. */
		if ((size_t)snprintf(path, sizeof path, "%.*s%s%s", (int)length, part,
				length > 0 ? "/" : "", file)
			< sizeof path) {
			exec_by_shell(path, argv, envp);
			if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
				return -1;
			if (errno == EACCES)
				error = EACCES; /* told, unless another one runs */
		}
		if (part[length] == '\0')
			return posix_error(error);
		part += length + 1;
	}
}

int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

int execlpe(const char *file, const char *first, ...)
{
	const char **argv;
	char *const *environment;
	unsigned count = 1;
	va_list arguments;

	va_start(arguments, first);
	while (va_arg(arguments, const char *) != NULL)
		count++;
	va_end(arguments);
	argv = __builtin_alloca((count + 1) * sizeof *argv);
	va_start(arguments, first);
	argv[0] = first;
	for (unsigned i = 1; i <= count; i++)
		argv[i] = va_arg(arguments, const char *);
	environment = va_arg(arguments, char *const *);
	va_end(arguments);
	return execvpe(file, (char *const *)argv, environment);
}

/* ---- wait ------------------------------------------------------------------------ */

pid_t waitpid(pid_t pid, int *status, int options)
{
	return posix_result(_kern_wait(pid, status, options));
}

pid_t wait(int *status)
{
	return waitpid(-1, status, 0);
}

/* ---- Who one is ------------------------------------------------------------------- */

pid_t getpid(void)
{
	return _kern_getpid();
}

pid_t getppid(void)
{
	return _kern_getppid();
}

pid_t getpgid(pid_t pid)
{
	return posix_result(_kern_getpgid(pid));
}

pid_t getpgrp(void)
{
	return _kern_getpgid(0);
}

int setpgid(pid_t pid, pid_t group)
{
	return posix_result(_kern_setpgid(pid, group));
}

int setpgrp(void)
{
	return setpgid(0, 0);
}

/* There is one session, that of the console; a new one begins as a group. */
pid_t setsid(void)
{
	return setpgid(0, 0) < 0 ? -1 : getpgrp();
}

pid_t getsid(pid_t pid)
{
	return getpgid(pid) < 0 ? -1 : 1;
}

/* There is one user, who may do everything. */
uid_t getuid(void)
{
	return 0;
}

uid_t geteuid(void)
{
	return 0;
}

gid_t getgid(void)
{
	return 0;
}

gid_t getegid(void)
{
	return 0;
}

static int become(unsigned id)
{
	return id == 0 ? 0 : posix_error(EINVAL);
}

int setuid(uid_t user)
{
	return become(user);
}

int seteuid(uid_t user)
{
	return become(user);
}

int setgid(gid_t group)
{
	return become(group);
}

int setegid(gid_t group)
{
	return become(group);
}

/* POSIX: -1 is for what stays as it is. */
int setreuid(uid_t real, uid_t effective)
{
	return become(real == (uid_t)-1 ? 0 : real) < 0
			   ? -1
			   : become(effective == (uid_t)-1 ? 0 : effective);
}

int setregid(gid_t real, gid_t effective)
{
	return setreuid(real, effective);
}

/* No program runs with rights that its caller has not. newlib's glob() asks. */
int issetugid(void)
{
	return 0;
}

char *secure_getenv(const char *name)
{
	return getenv(name);
}

int getgroups(int size, gid_t groups[])
{
	(void)size;
	(void)groups;
	return 0;
}

static char sName[] = "root", sNone[] = "", sHome[] = "/home", sShell[] = "/bin/sh";
static char *sNoMembers[] = {NULL};

struct passwd *getpwuid(uid_t user)
{
	static struct passwd sRoot = {.pw_name = sName,
		.pw_passwd = sNone,
		.pw_comment = sNone,
		.pw_gecos = sNone,
		.pw_dir = sHome,
		.pw_shell = sShell};

	return user == 0 ? &sRoot : NULL;
}

struct passwd *getpwnam(const char *name)
{
	return strcmp(name, sName) == 0 ? getpwuid(0) : NULL;
}

struct group *getgrgid(gid_t group)
{
	static struct group sGroup = {
		.gr_name = sName, .gr_passwd = sNone, .gr_mem = sNoMembers};

	return group == 0 ? &sGroup : NULL;
}

struct group *getgrnam(const char *name)
{
	return strcmp(name, sName) == 0 ? getgrgid(0) : NULL;
}

char *getlogin(void)
{
	return sName;
}

int setgroups(int count, const gid_t *groups)
{
	(void)groups;
	return count == 0 ? 0 : posix_error(EINVAL);
}

int initgroups(const char *user, gid_t group)
{
	(void)user;
	return become(group);
}

/* ---- Tables with one line --------------------------------------------------------- */

static bool sIsUserTold, sIsGroupTold;

struct passwd *getpwent(void)
{
	bool was_told = sIsUserTold;

	sIsUserTold = true;
	return was_told ? NULL : getpwuid(0);
}

void setpwent(void)
{
	sIsUserTold = false;
}

void endpwent(void)
{
	sIsUserTold = false;
}

struct group *getgrent(void)
{
	bool was_told = sIsGroupTold;

	sIsGroupTold = true;
	return was_told ? NULL : getgrgid(0);
}

void setgrent(void)
{
	sIsGroupTold = false;
}

void endgrent(void)
{
	sIsGroupTold = false;
}

/* BSD: goes on in a child that has no terminal, is in / and reads and writes nothing. */
int daemon(int stay_there, int keep_open)
{
	pid_t child = fork();
	int fd;

	if (child < 0)
		return -1;
	if (child > 0)
		_exit(0);
	if (setsid() < 0 || (!stay_there && chdir("/") < 0))
		return -1;
	if (keep_open)
		return 0;
	fd = open("/dev/null", O_RDWR);
	if (fd < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	return fd > 2 ? close(fd) : 0;
}
