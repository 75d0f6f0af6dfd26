/* Locks of parts of files between processes: record_lock(). */
#include "filetests.h"
#include <postern/record_lock.h>

#define WHOLE 0, 0

static int sFile;

static int lock(int fd, int command, int type, off_t start, off_t length)
{
	struct record_lock wanted = {.type = type, .start = start, .length = length};

	return _kern_record_lock(fd, command, &wanted);
}

static int set(int type, off_t start, off_t length)
{
	return lock(sFile, F_SETLK, type, start, length);
}

/* Who is in the way of writing to [start, start + length)? The answer in *_lock. */
static void get(off_t start, off_t length, struct record_lock *_lock)
{
	*_lock = (struct record_lock){.type = F_WRLCK, .start = start, .length = length};
	CHECK_EQUAL(_kern_record_lock(sFile, F_GETLK, _lock), 0);
}

static bool is_locked(off_t start, off_t length)
{
	struct record_lock told;

	get(start, length, &told);
	return told.type != F_UNLCK;
}

/* Two processes, each telling the other when it has done its part. */
static volatile int *sTurn;

static void reach(int turn)
{
	*sTurn = turn;
	_kern_futex_wake((uint32_t)(uintptr_t)sTurn, 100);
}

static void wait_for(int turn)
{
	int seen;

	while ((seen = *sTurn) < turn)
		_kern_futex_wait((uint32_t)(uintptr_t)sTurn, (uint32_t)seen, -1);
}

static void begin(void)
{
	sTurn = check_map(PAGE, true);
	sFile = check_open("file", O_RDWR | O_CREAT);
}

static void finish(void)
{
	CHECK_EQUAL(_kern_unlink("file"), 0);
}

void test_lock_kinds(void)
{
	pid_t pid;

	begin();
	CHECK_EQUAL(set(F_RDLCK, 0, 10), 0);
	CHECK_EQUAL(set(F_WRLCK, 10, 10), 0);
	pid = check_fork();
	if (pid == 0) {
		struct record_lock told;

		/* They are its parent's, and not its own. */
		get(0, 100, &told);
		CHECK_EQUAL(told.type, F_RDLCK);
		CHECK_EQUAL(told.start, 0);
		CHECK_EQUAL(told.length, 10);
		CHECK_EQUAL(told.whence, SEEK_SET);
		CHECK_EQUAL(told.pid, _kern_getppid());
		get(12, 1, &told);
		CHECK_EQUAL(told.type, F_WRLCK);
		CHECK_EQUAL(told.start, 10);
		get(20, 0, &told);
		CHECK_EQUAL(told.type, F_UNLCK);
		CHECK_EQUAL(told.start, 20);
		CHECK_EQUAL(set(F_RDLCK, 0, 10), 0);
		CHECK_EQUAL(set(F_WRLCK, 0, 1), -EAGAIN);
		CHECK_EQUAL(set(F_RDLCK, 10, 1), -EAGAIN);
		CHECK_EQUAL(set(F_RDLCK, 9, 2), -EAGAIN);
		CHECK_EQUAL(set(F_WRLCK, 20, 0), 0);
		CHECK_EQUAL(set(F_UNLCK, WHOLE), 0);
		reach(1);
		wait_for(2);
		CHECK_EQUAL(set(F_WRLCK, WHOLE), 0);
		end(0);
	}
	wait_for(1);
	/* One's own is never in the way: up and down. */
	CHECK_EQUAL(set(F_WRLCK, 0, 10), 0);
	CHECK_EQUAL(set(F_RDLCK, 5, 10), 0);
	CHECK_EQUAL(set(F_UNLCK, WHOLE), 0);
	reach(2);
	check_exit(pid, 0);
	CHECK_EQUAL(set(F_WRLCK, WHOLE), 0);
	finish();
}

/* What another process sees of the locks, as "start+length kind" of each. */
static void check_seen(const char *expected)
{
	pid_t pid = check_fork();

	if (pid == 0) {
		char text[200] = "";
		size_t used = 0;
		off_t from = 0;

		for (;;) {
			struct record_lock told;

			get(from, 0, &told);
			if (told.type == F_UNLCK)
				break;
			used += (size_t)format_string(text + used, sizeof text - used, "%d+%d%c ",
				(int)told.start, (int)told.length, told.type == F_WRLCK ? 'w' : 'r');
			if (told.length == 0)
				break;
			from = told.start + told.length;
		}
		if (strcmp(text, expected) != 0)
			check_failed(__FILE__, __LINE__, "\"%s\", not \"%s\"", text, expected);
		end(0);
	}
	check_exit(pid, 0);
}

void test_lock_ranges(void)
{
	struct record_lock last = {.type = F_WRLCK, .start = INT64_MAX, .length = 1};

	begin();
	CHECK_EQUAL(set(F_WRLCK, 10, 80), 0);
	CHECK_EQUAL(set(F_UNLCK, 20, 10), 0);
	CHECK_EQUAL(set(F_RDLCK, 40, 10), 0);
	check_seen("10+10w 30+10w 40+10r 50+40w ");
	CHECK_EQUAL(set(F_WRLCK, 40, 10), 0);
	CHECK_EQUAL(set(F_WRLCK, 20, 10), 0);
	check_seen("10+80w ");
	/* From other places, and backwards. */
	CHECK_EQUAL(set(F_UNLCK, WHOLE), 0);
	CHECK_EQUAL(_kern_ftruncate(sFile, 1000), 0);
	CHECK_EQUAL(_kern_seek(sFile, 100, SEEK_SET), 100);
	struct record_lock wanted = {
		.type = F_RDLCK, .whence = SEEK_END, .start = -10, .length = 5};
	CHECK_EQUAL(_kern_record_lock(sFile, F_SETLK, &wanted), 0);
	CHECK_EQUAL(wanted.start, -10);
	wanted = (struct record_lock){
		.type = F_WRLCK, .whence = SEEK_CUR, .start = 0, .length = -30};
	CHECK_EQUAL(_kern_record_lock(sFile, F_SETLK, &wanted), 0);
	check_seen("70+30w 990+5r ");
	/* To the end, wherever it is; and the very last byte. */
	CHECK_EQUAL(set(F_UNLCK, WHOLE), 0);
	CHECK_EQUAL(set(F_WRLCK, 5, 0), 0);
	check_seen("5+0w ");
	CHECK_EQUAL(set(F_UNLCK, WHOLE), 0);
	CHECK_EQUAL(_kern_record_lock(sFile, F_SETLK, &last), 0);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_EQUAL(set(F_WRLCK, 0, INT64_MAX), 0);
		CHECK_EQUAL(set(F_WRLCK, 1, INT64_MAX), -EAGAIN);
		end(0);
	}
	check_exit(pid, 0);
	finish();
}

void test_lock_errors(void)
{
	int ends[2], reader;
	struct record_lock wrong = {.type = 3};

	begin();
	reader = check_open("file", O_RDONLY);
	CHECK_EQUAL(lock(99, F_SETLK, F_RDLCK, WHOLE), -EBADF);
	CHECK_EQUAL(lock(reader, F_SETLK, F_WRLCK, WHOLE), -EBADF);
	CHECK_EQUAL(lock(reader, F_SETLK, F_RDLCK, WHOLE), 0);
	CHECK_EQUAL(lock(reader, F_GETLK, F_WRLCK, WHOLE), 0);
	CHECK_EQUAL(lock(sFile, 99, F_RDLCK, WHOLE), -EINVAL);
	CHECK_EQUAL(lock(sFile, F_GETLK, F_UNLCK, WHOLE), -EINVAL);
	CHECK_EQUAL(_kern_record_lock(sFile, F_SETLK, &wrong), -EINVAL);
	wrong = (struct record_lock){.whence = 3};
	CHECK_EQUAL(_kern_record_lock(sFile, F_SETLK, &wrong), -EINVAL);
	CHECK_EQUAL(_kern_record_lock(sFile, F_SETLK, NULL), -EFAULT);
	CHECK_EQUAL(_kern_record_lock(sFile, F_SETLK, BAD), -EFAULT);
	CHECK_EQUAL(set(F_RDLCK, -1, 1), -EINVAL);
	CHECK_EQUAL(set(F_RDLCK, 0, -1), -EINVAL);
	CHECK_EQUAL(set(F_RDLCK, 5, -6), -EINVAL);
	CHECK_EQUAL(set(F_RDLCK, 5, INT64_MIN), -EINVAL);
	CHECK_EQUAL(set(F_RDLCK, INT64_MIN, INT64_MIN), -EINVAL);
	CHECK_EQUAL(set(F_RDLCK, INT64_MAX, 2), -EOVERFLOW);
	CHECK_EQUAL(set(F_RDLCK, 2, INT64_MAX), -EOVERFLOW);
	CHECK_EQUAL(_kern_seek(sFile, 2, SEEK_SET), 2);
	wrong = (struct record_lock){.whence = SEEK_CUR, .start = INT64_MAX, .length = 1};
	CHECK_EQUAL(_kern_record_lock(sFile, F_SETLK, &wrong), -EOVERFLOW);
	CHECK_EQUAL(_kern_pipe(ends, 0), 0);
	CHECK_EQUAL(lock(ends[0], F_SETLK, F_RDLCK, WHOLE), -EINVAL);
	CHECK_EQUAL(lock(1, F_SETLK, F_WRLCK, WHOLE), -EINVAL);
	/* Nothing of that has locked anything. */
	CHECK_EQUAL(lock(reader, F_SETLK, F_UNLCK, WHOLE), 0);
	check_seen("");
	finish();
}

/* A process that gets nothing now gets it as soon as `release` is done. */
static void check_releases(void (*release)(void))
{
	pid_t pid = check_fork();

	if (pid == 0) {
		CHECK_EQUAL(set(F_WRLCK, WHOLE), -EAGAIN);
		reach(1);
		CHECK_EQUAL(lock(sFile, F_SETLKW, F_WRLCK, WHOLE), 0);
		CHECK_EQUAL(*sTurn, 2);
		end(0);
	}
	wait_for(1);
	let_wait(pid);
	*sTurn = 2;
	release();
	check_exit(pid, 0);
	*sTurn = 0;
}

static void unlock(void)
{
	CHECK_EQUAL(set(F_UNLCK, 0, 20), 0);
}

static int sOther;

static void close_other(void)
{
	CHECK_EQUAL(_kern_close(sOther), 0);
}

static void replace_other(void)
{
	CHECK_EQUAL(_kern_dup2(1, sOther), sOther);
	CHECK_EQUAL(_kern_close(sOther), 0);
}

/* Any descriptor of the file will do, however it came. */
void test_lock_release(void)
{
	pid_t pid;

	begin();
	CHECK_EQUAL(set(F_WRLCK, 5, 10), 0);
	check_releases(unlock);
	CHECK_EQUAL(set(F_RDLCK, 5, 10), 0);
	sOther = _kern_dup(sFile);
	check_releases(close_other);
	CHECK_EQUAL(set(F_RDLCK, 5, 10), 0);
	sOther = check_open("file", O_RDONLY);
	check_releases(close_other);
	CHECK_EQUAL(set(F_WRLCK, 5, 10), 0);
	sOther = check_open("file", O_RDONLY);
	check_releases(replace_other);
	/* Another file, and another process with the same, are nothing to it. */
	CHECK_EQUAL(set(F_WRLCK, 5, 10), 0);
	sOther = check_open("/dev/null", O_RDONLY);
	close_other();
	pid = check_fork();
	if (pid == 0) {
		CHECK_EQUAL(_kern_close(sFile), 0);
		end(0);
	}
	check_exit(pid, 0);
	check_seen("5+10w ");
	finish();
}

/* At its end, also by a signal, a process lets go of everything. */
void test_lock_ends(void)
{
	pid_t pid;
	int status;

	begin();
	for (int round = 0; round < 4; round++) {
		*sTurn = 0;
		pid = check_fork();
		if (pid == 0) {
			CHECK_EQUAL(set(F_WRLCK, WHOLE), 0);
			reach(1);
			sleep_us(30000);
			if (round % 2 == 0)
				end(0);
			_kern_snooze(1000 * SECOND, 0);
		}
		wait_for(1);
		if (round % 2 == 1)
			_kern_kill(pid, SIGKILL);
		CHECK_EQUAL(lock(sFile, F_SETLKW, F_WRLCK, WHOLE), 0);
		CHECK_EQUAL(set(F_UNLCK, WHOLE), 0);
		CHECK_EQUAL(_kern_wait(pid, &status, 0), pid);
		CHECK_EQUAL(WAIT_SIGNAL(status), round % 2 == 1 ? SIGKILL : 0);
	}
	finish();
}

/* exec() keeps them, but those of files that it closes. */
void test_lock_exec(void)
{
	static const char *const kArguments[] = {"/bin/filetests", "--pause", NULL};
	int other;
	pid_t pid;

	begin();
	other = check_open("other", O_RDWR | O_CREAT | O_CLOEXEC);
	pid = check_fork();
	if (pid == 0) {
		CHECK_EQUAL(lock(other, F_SETLK, F_WRLCK, 7, 1), 0);
		CHECK_EQUAL(set(F_WRLCK, 7, 1), 0);
		_kern_exec(kArguments[0], kArguments, NULL);
		end(1);
	}
	CHECK_SOON(is_locked(7, 1));
	/* From here on it has both, until exec() closes the other one. */
	CHECK_EQUAL(lock(other, F_SETLKW, F_WRLCK, 7, 1), 0);
	CHECK_EQUAL(set(F_WRLCK, 7, 1), -EAGAIN);
	CHECK_EQUAL(_kern_kill(pid, SIGKILL), 0);
	CHECK_EQUAL(lock(sFile, F_SETLKW, F_WRLCK, 7, 1), 0);
	CHECK_EQUAL(_kern_wait(pid, NULL, 0), pid);
	CHECK_EQUAL(_kern_unlink("other"), 0);
	finish();
}

void test_lock_interrupted(void)
{
	pid_t pid;

	begin();
	CHECK_EQUAL(set(F_WRLCK, WHOLE), 0);
	pid = check_fork();
	if (pid == 0) {
		count_signals(SIGALRM, 0);
		reach(1);
		CHECK_EQUAL(lock(sFile, F_SETLKW, F_RDLCK, 3, 1), -EINTR);
		CHECK_EQUAL(gSignals, 1);
		/* Once more, and it is entered again behind the handler. */
		count_signals(SIGALRM, SA_RESTART);
		reach(2);
		CHECK_EQUAL(lock(sFile, F_SETLKW, F_RDLCK, 3, 1), 0);
		CHECK_EQUAL(gSignals, 2);
		CHECK_EQUAL(*sTurn, 3);
		end(0);
	}
	for (int turn = 1; turn <= 2; turn++) {
		wait_for(turn);
		let_wait(pid);
		CHECK_EQUAL(_kern_kill(pid, SIGALRM), 0);
	}
	let_wait(pid);
	*sTurn = 3;
	CHECK_EQUAL(set(F_UNLCK, WHOLE), 0);
	check_exit(pid, 0);
	finish();
}

#define CIRCLE 4

/* Each has a byte and wants the next one's: the last one that asks is told. */
void test_lock_deadlock(void)
{
	pid_t pids[CIRCLE];
	int told = 0;

	begin();
	for (int i = 0; i < CIRCLE; i++) {
		pids[i] = check_fork();
		if (pids[i] == 0) {
			int error;

			CHECK_EQUAL(set(F_WRLCK, i, 1), 0);
			__atomic_add_fetch(sTurn, 1, __ATOMIC_SEQ_CST);
			reach(*sTurn);
			wait_for(CIRCLE);
			error = lock(sFile, F_SETLKW, F_RDLCK, (i + 1) % CIRCLE, 1);
			/* Who was told lets go, and all the others get theirs. */
			end(error == 0 ? 10 : error == -EDEADLK ? 11 : 1);
		}
	}
	for (int i = 0; i < CIRCLE; i++) {
		int status;

		CHECK_EQUAL(_kern_wait(pids[i], &status, 0), pids[i]);
		CHECK(WAIT_EXIT_STATUS(status) == 10 || WAIT_EXIT_STATUS(status) == 11);
		told += WAIT_EXIT_STATUS(status) == 11;
	}
	CHECK_EQUAL(told, 1);
	finish();
}

#define COUNTERS 6
#define ADDITIONS 60

/* What locks are for: nobody's addition is lost. */
void test_lock_excludes(void)
{
	pid_t pids[COUNTERS];
	uint32_t number = 0;

	begin();
	CHECK_EQUAL(_kern_write(sFile, 100, &number, sizeof number), sizeof number);
	for (int i = 0; i < COUNTERS; i++) {
		pids[i] = check_fork();
		if (pids[i] != 0)
			continue;
		for (int j = 0; j < ADDITIONS; j++) {
			CHECK_EQUAL(lock(sFile, F_SETLKW, F_WRLCK, 100, 4), 0);
			CHECK_EQUAL(_kern_read(sFile, 100, &number, sizeof number), sizeof number);
			number++;
			_kern_yield();
			CHECK_EQUAL(_kern_write(sFile, 100, &number, sizeof number), sizeof number);
			CHECK_EQUAL(set(F_UNLCK, 100, 4), 0);
		}
		end(0);
	}
	for (int i = 0; i < COUNTERS; i++)
		check_exit(pids[i], 0);
	CHECK_EQUAL(_kern_read(sFile, 100, &number, sizeof number), sizeof number);
	CHECK_EQUAL(number, COUNTERS * ADDITIONS);
	finish();
}

static volatile bool sStop;

static void lock_for_ever(void *unused)
{
	(void)unused;
	while (!sStop)
		lock(sOther, F_SETLK, F_WRLCK, WHOLE);
	_kern_exit_thread(0);
}

/* A close by one thread while another one locks: nothing stays locked. */
void test_lock_and_close(void)
{
	tid_t thread;

	begin();
	sOther = check_open("file", O_RDWR);
	thread = _kern_spawn_thread((uint32_t)(uintptr_t)lock_for_ever, 0, 0, 0);
	CHECK(thread > 0);
	for (int i = 0; i < 300; i++) {
		CHECK_EQUAL(_kern_close(sOther), 0);
		CHECK_EQUAL(check_open("file", O_RDWR), sOther);
		if (i % 3 == 0)
			_kern_yield();
	}
	CHECK_EQUAL(_kern_close(sOther), 0);
	sStop = true;
	CHECK_EQUAL(_kern_join_thread(thread, NULL), 0);
	check_seen("");
	finish();
}

/* There is an end to how many there may be, and all of them can be given back. */
void test_lock_limit(void)
{
	int error = 0;
	int i;

	begin();
	for (i = 0; i < 20000 && error == 0; i++)
		error = set(F_WRLCK, 1000000 - i * 2, 1);
	CHECK_EQUAL(error, -ENOLCK);
	CHECK(i > 16000);
	CHECK_EQUAL(set(F_UNLCK, 1000000 - 6, 3), 0);
	CHECK_EQUAL(set(F_WRLCK, 0, 1), 0);
	CHECK_EQUAL(_kern_close(sFile), 0);
	sFile = check_open("file", O_RDWR);
	check_seen("");
	finish();
}
