/* Process groups: who is in which, signals to all of one, and who may be stopped. */
#include "usertests.h"

static pid_t waiting_child(void)
{
	pid_t pid = check_fork();

	if (pid == 0) {
		for (;;)
			_kern_snooze(SECOND, 0);
	}
	return pid;
}

static void check_stopped(pid_t pid, pid_t asked, int signal)
{
	int status = 0;

	CHECK_EQUAL(_kern_wait(asked, &status, WAIT_STOPPED), pid);
	CHECK(WAIT_IS_STOPPED(status) && !WAIT_EXITED(status));
	CHECK_EQUAL(WAIT_STOP_SIGNAL(status), signal);
	/* Told once. */
	CHECK_EQUAL(_kern_wait(asked, &status, WAIT_STOPPED | WAIT_NO_HANG), 0);
}

void test_process_groups(void)
{
	pid_t self = _kern_getpid();
	pid_t group = self;
	pid_t child, other, third;
	int status;

	CHECK_EQUAL(_kern_getpgid(self), _kern_getpgid(_kern_getppid()));
	CHECK_EQUAL(_kern_getpgid(0), _kern_getpgid(self));
	CHECK_EQUAL(_kern_setpgid(0, 0), 0);
	CHECK_EQUAL(_kern_getpgid(0), group);
	CHECK_EQUAL(_kern_getpgid(INT32_MAX), -ESRCH);
	CHECK_EQUAL(_kern_getpgid(-1), -ESRCH);
	CHECK_EQUAL(_kern_setpgid(0, -1), -EINVAL);
	CHECK_EQUAL(_kern_setpgid(INT32_MAX, 0), -ESRCH);
	CHECK_EQUAL(_kern_setpgid(_kern_getppid(), 0), -ESRCH);
	CHECK_EQUAL(_kern_setpgid(0, INT32_MAX), -EPERM);

	child = waiting_child();
	other = waiting_child();
	CHECK_EQUAL(_kern_getpgid(child), group);
	CHECK_EQUAL(_kern_setpgid(child, 0), 0);
	CHECK_EQUAL(_kern_getpgid(child), child);
	CHECK_EQUAL(_kern_setpgid(other, child), 0);
	CHECK_EQUAL(_kern_getpgid(other), child);
	CHECK_EQUAL(_kern_setpgid(0, child), 0);
	/* fork() passes it on. */
	third = check_fork();
	if (third == 0)
		end(_kern_getpgid(0) == child ? 0 : 1);
	check_exit(third, 0);
	CHECK_EQUAL(_kern_setpgid(0, group), 0);

	CHECK_EQUAL(_kern_kill(-child, SIGKILL), 0);
	CHECK_EQUAL(_kern_wait(-group, NULL, 0), -ECHILD);
	CHECK_EQUAL(_kern_wait(0, NULL, 0), -ECHILD);
	third = _kern_wait(-child, &status, 0);
	CHECK(third == child || third == other);
	CHECK_EQUAL(WAIT_SIGNAL(status), SIGKILL);
	check_killed(child + other - third, SIGKILL);
	CHECK_EQUAL(_kern_wait(-child, NULL, 0), -ECHILD);
	/* Nobody is in it any more. */
	CHECK_EQUAL(_kern_kill(-child, 0), -ESRCH);
	CHECK_EQUAL(_kern_setpgid(0, child), -EPERM);
}

void test_kill_groups(void)
{
	pid_t leader, member, stranger;

	CHECK_EQUAL(_kern_kill(-1, SIGTERM), -EINVAL);
	CHECK_EQUAL(_kern_kill(INT32_MIN, SIGTERM), -EINVAL);
	CHECK_EQUAL(_kern_kill(-INT32_MAX, SIGTERM), -ESRCH);
	leader = waiting_child();
	CHECK_EQUAL(_kern_setpgid(leader, 0), 0);
	stranger = waiting_child();
	/* One that leads a group signals all of it, itself and nobody else. */
	member = check_fork();
	if (member == 0) {
		CHECK_EQUAL(_kern_setpgid(0, 0), 0);
		waiting_child();
		CHECK_EQUAL(_kern_kill(0, SIGTERM), 0);
		for (;;)
			_kern_snooze(SECOND, 0);
	}
	check_killed(member, SIGTERM);
	/* Neither a child nor an ancestor has to send it: /bin/kill is a sibling. */
	member = check_fork();
	if (member == 0) {
		CHECK_EQUAL(_kern_kill(-leader, SIGTERM), 0);
		CHECK_EQUAL(_kern_kill(stranger, 0), 0);
		CHECK_EQUAL(_kern_kill(stranger, SIGKILL), 0);
		end(0);
	}
	check_exit(member, 0);
	check_killed(leader, SIGTERM);
	check_killed(stranger, SIGKILL);
}

void test_wait_untraced(void)
{
	pid_t child = waiting_child();

	CHECK_EQUAL(_kern_wait(child, NULL, WAIT_STOPPED | WAIT_NO_HANG), 0);
	CHECK_EQUAL(_kern_kill(child, SIGSTOP), 0);
	check_stopped(child, child, SIGSTOP);
	CHECK_EQUAL(_kern_kill(child, SIGCONT), 0);
	/* What a terminal sends stops nobody whom nobody would resume: of its
	 * group, no process has a parent elsewhere. */
	CHECK_EQUAL(_kern_kill(child, SIGTSTP), 0);
	sleep_us(20000);
	CHECK_EQUAL(_kern_wait(child, NULL, WAIT_STOPPED | WAIT_NO_HANG), 0);
	CHECK_EQUAL(_kern_setpgid(child, 0), 0);
	CHECK_EQUAL(_kern_kill(-child, SIGTSTP), 0);
	check_stopped(child, -1, SIGTSTP);
	/* Without the flag only an end counts. */
	CHECK_EQUAL(_kern_kill(child, SIGCONT), 0);
	CHECK_EQUAL(_kern_kill(child, SIGTTIN), 0);
	sleep_us(20000);
	CHECK_EQUAL(_kern_wait(child, NULL, WAIT_NO_HANG), 0);
	check_stopped(child, -child, SIGTTIN);
	CHECK_EQUAL(_kern_kill(child, SIGKILL), 0);
	check_killed(child, SIGKILL);
}

/*
 * A group of stopped ones that loses whoever could resume it hears of it, and goes on
 * (POSIX, _exit()): by the end of a member's parent elsewhere, or of a member itself,
 * which was the one with such a parent.
 */
void test_orphaned_groups(void)
{
	for (int member = 0; member < 2; member++) {
		int32_t *pids = check_map(PAGE, SHARED);
		pid_t parent = check_fork();

		if (parent == 0) {
			if (member)
				CHECK_EQUAL(_kern_setpgid(0, 0), 0);
			pids[0] = waiting_child();
			if (!member)
				CHECK_EQUAL(_kern_setpgid(pids[0], 0), 0);
			CHECK_EQUAL(_kern_kill(pids[0], SIGSTOP), 0);
			check_stopped(pids[0], pids[0], SIGSTOP);
			end(0);
		}
		check_exit(parent, 0);
		/* Nobody waits for it: it is gone when it has ended. */
		CHECK_SOON(_kern_getpgid(pids[0]) == -ESRCH);
		CHECK_EQUAL(_kern_unmap(ADDRESS(pids), PAGE), 0);
	}
}

/* No child that is being made escapes what is sent to its group. */
void test_kill_group_that_forks(void)
{
	static const int kSignals[] = {SIGKILL, SIGINT};
	volatile uint32_t *made = check_map(PAGE, SHARED);
	uint8_t *memory = check_map(STACK_BYTES / 4, PRIVATE); /* so that a copy takes time */
	uint32_t seed = 1;

	for (size_t i = 0; i < STACK_BYTES / 4; i += PAGE)
		memory[i] = 1;
	for (unsigned round = 0; round < 100; round++) {
		int signal = kSignals[round % 2];
		pid_t leader = check_fork();

		if (leader == 0) {
			CHECK_EQUAL(_kern_setpgid(0, 0), 0);
			for (;;) {
				pid_t child = waiting_child();

				++*made;
				CHECK_EQUAL(_kern_kill(child, SIGKILL), 0);
				check_killed(child, SIGKILL);
			}
		}
		*made = 0;
		CHECK_SOON(*made > 0);
		sleep_us(next_random(&seed) % 2000);
		CHECK_EQUAL(_kern_kill(-leader, signal), 0);
		check_killed(leader, signal);
		CHECK_SOON(_kern_kill(-leader, 0) == -ESRCH);
	}
}
