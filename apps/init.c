/*
 * init: what `make run` boots. It says hello, by the program of that name, and then runs
 * the shell at the console: the best one that is there, with an environment and in the
 * home directory. When that ends, so does the machine.
 *
 * A console that is no terminal (a script's, CI's) is the shell's script, and the shell's
 * exit status the machine's. At a terminal the status is 0: there it only says how the
 * last command went, which the person has seen.
 *
 * Nothing of the C library is needed, so that it is there from the first `make` on.
 */
#include <postern/os.h>
#include <postern/print.h>
#include <postern/process.h>
#include <postern/signal.h>
#include <postern/syscalls.h>
#include <postern/termios.h>

/* A prompt without # is none of the superuser's, mksh says, and takes its own. */
static const char *const kEnvironment[] = {"HOME=/home", "PATH=/bin", "TERM=linux",
	"PS1=$PWD # ", "HISTFILE=/home/.history", NULL};

/* ^C and ^Z are for what runs at the console, not for this. */
static const int kKeys[] = {SIGINT, SIGQUIT, SIGTSTP};

static void set_keys(uint32_t handler)
{
	struct signal_action action = {.handler = handler};

	for (size_t i = 0; i < sizeof kKeys / sizeof kKeys[0]; i++)
		_kern_sigaction(kKeys[i], &action, NULL);
}

/* Runs a program and waits for its end; -1 when it does not start. */
static int run(const char *path, const char *name)
{
	const char *const argv[] = {name, NULL};
	int status;
	pid_t child = fork();

	if (child < 0)
		return -1;
	if (child == 0) {
		set_keys(SIG_DFL);
		_kern_exec(path, argv, kEnvironment);
		_kern_exit(127);
	}
	if (waitpid(child, &status, 0) != child)
		return -1;
	return WAIT_EXITED(status) ? WAIT_EXIT_STATUS(status) : 123;
}

static bool is_there(const char *path)
{
	return _kern_access(path, X_OK) == 0;
}

int main(void)
{
	struct termios mode;
	bool person = _kern_ioctl(0, TCGETS, (uint32_t)(uintptr_t)&mode) == 0;
	const char *shell = person && is_there("/bin/mksh") ? "/bin/mksh" : "/bin/sh";
	int status;

	set_keys(SIG_IGN);
	run("/bin/hello", "hello");
	if (!is_there(shell)) {
		print(
			"init: there is no /bin/sh, whose source is fetched by `make run`; this is all\n");
		return 0;
	}
	_kern_chdir("/home");
	/* With the dash of a login shell it reads /etc/profile and $HOME/.profile. */
	status = run(shell, person ? "-sh" : "sh");
	if (status < 0)
		print("init: %s does not start\n", shell);
	return person && status >= 0 ? 0 : status < 0 ? 1 : status;
}
