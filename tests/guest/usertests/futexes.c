/* Futexes, and libroot's locks on them. */
#include "usertests.h"

static time_us_t in(time_us_t time)
{
	return _kern_system_time() + time;
}

void test_futex_errors(void)
{
	static const uint32_t kBad[] = {0, 0x1000, 0xfffc, 0xc0000000, 0xbffffffc + 4,
		0xffff0000, 0xfffffffc, 0x20000000};
	uint32_t word = 5;
	uint32_t page = ADDRESS(check_map(PAGE, PRIVATE));
	unsigned i;

	CHECK_EQUAL(_kern_futex_wait(ADDRESS(&word), 4, -1), -EAGAIN);
	CHECK_EQUAL(_kern_futex_wait(ADDRESS(&word), 4, 0), -EAGAIN);
	CHECK_EQUAL(_kern_futex_wait(ADDRESS(&word), 5, -2), -EINVAL);
	for (i = 1; i < 4; i++) {
		CHECK_EQUAL(_kern_futex_wait(ADDRESS(&word) + i, 5, -1), -EINVAL);
		CHECK_EQUAL(_kern_futex_wake(ADDRESS(&word) + i, 1), -EINVAL);
	}
	for (i = 0; i < sizeof kBad / sizeof kBad[0]; i++) {
		CHECK_EQUAL(_kern_futex_wait(kBad[i], 0, -1), -EFAULT);
		CHECK_EQUAL(_kern_futex_wake(kBad[i], 1), -EFAULT);
	}
	CHECK_EQUAL(_kern_protect(page, PAGE, PROT_NONE, 0), 0);
	CHECK_EQUAL(_kern_futex_wait(page, 0, -1), -EFAULT);
	CHECK_EQUAL(_kern_futex_wake(ADDRESS(&word), -1), -EINVAL);
	CHECK_EQUAL(_kern_futex_wake(ADDRESS(&word), 0), 0);
	CHECK_EQUAL(_kern_futex_wake(ADDRESS(&word), 1), 0);
	CHECK_EQUAL(_kern_futex_wake(ADDRESS(&word), INT32_MAX), 0);
}

void test_futex_timeouts(void)
{
	static const time_us_t kTimes[] = {0, 1, 500, 1000, 1001, 5000, 20000, 300000};
	uint32_t word = 0;
	unsigned i;

	for (i = 0; i < sizeof kTimes / sizeof kTimes[0]; i++) {
		time_us_t deadline = in(kTimes[i]);

		CHECK_EQUAL(_kern_futex_wait(ADDRESS(&word), 0, deadline), -ETIMEDOUT);
		CHECK(_kern_system_time() >= deadline);
	}
	CHECK_EQUAL(_kern_futex_wait(ADDRESS(&word), 0, 0), -ETIMEDOUT);
	/* Who has timed out is not counted among those that wake. */
	CHECK_EQUAL(_kern_futex_wake(ADDRESS(&word), INT32_MAX), 0);
}

struct waiters {
	uint32_t word[2];
	volatile uint32_t woken;
};

static void wait_once(void *context)
{
	struct waiters *waiters = context;

	CHECK_EQUAL(_kern_futex_wait(ADDRESS(&waiters->word[0]), 0, -1), 0);
	__atomic_add_fetch(&waiters->woken, 1, __ATOMIC_SEQ_CST);
	_kern_exit_thread(0);
}

void test_futex_wakes(void)
{
	struct waiters waiters;
	tid_t threads[8];
	int i;

	memset(&waiters, 0, sizeof waiters);
	for (i = 0; i < 8; i++)
		threads[i] = spawn(wait_once, &waiters);
	let_others_wait();
	CHECK_EQUAL(_kern_futex_wake(ADDRESS(&waiters.word[1]), 8), 0); /* the neighbour */
	CHECK_EQUAL(_kern_futex_wake(ADDRESS(&waiters.word[0]), 0), 0);
	CHECK_EQUAL(_kern_futex_wake(ADDRESS(&waiters.word[0]), 1), 1);
	CHECK_SOON(waiters.woken >= 1);
	sleep_us(5000);
	CHECK_EQUAL(waiters.woken, 1);
	CHECK_EQUAL(_kern_futex_wake(ADDRESS(&waiters.word[0]), 3), 3);
	CHECK_SOON(waiters.woken >= 4);
	sleep_us(5000);
	CHECK_EQUAL(waiters.woken, 4);
	CHECK_EQUAL(_kern_futex_wake(ADDRESS(&waiters.word[0]), 100), 4);
	for (i = 0; i < 8; i++)
		check_join(threads[i], 0);
	CHECK_EQUAL(waiters.woken, 8);
}

/* The same address in parent and child is not the same private memory, even
 * while both still share the page. */
void test_futex_private(void)
{
	static uint32_t sWord;
	volatile uint32_t *has_tried = check_map(PAGE, SHARED);
	pid_t pid;

	sWord = 0;
	pid = check_fork();
	if (pid == 0) {
		while (*has_tried == 0)
			CHECK_EQUAL(_kern_futex_wait(ADDRESS(&sWord), 0, in(50000)), -ETIMEDOUT);
		end(0);
	}
	let_wait(pid);
	CHECK_EQUAL(_kern_futex_wake(ADDRESS(&sWord), INT32_MAX), 0);
	*has_tried = 1;
	check_exit(pid, 0);
}

void test_futex_shared(void)
{
	uint32_t *shared = check_map(2 * PAGE, SHARED);
	pid_t pids[4];
	int i;

	for (i = 0; i < 4; i++) {
		pids[i] = check_fork();
		if (pids[i] == 0) {
			if (i == 3) {
				/* The same memory elsewhere in this one: only the second page. */
				CHECK_EQUAL(_kern_unmap(ADDRESS(shared), PAGE), 0);
				shared += 1024;
				CHECK_EQUAL(_kern_futex_wait(ADDRESS(&shared[2]), 0, -1), 0);
				end(0);
			}
			CHECK_EQUAL(_kern_futex_wait(ADDRESS(&shared[1024 + 2]), 0, -1), 0);
			end(0);
		}
	}
	for (i = 0; i < 4; i++)
		let_wait(pids[i]);
	CHECK_EQUAL(_kern_futex_wake(ADDRESS(&shared[2]), INT32_MAX), 0);
	CHECK_EQUAL(_kern_futex_wake(ADDRESS(&shared[1024 + 2]), INT32_MAX), 4);
	for (i = 0; i < 4; i++)
		check_exit(pids[i], 0);
}

/* ---- Ping-pong: every wake-up counts ---------------------------------------------- */

#define ROUNDS 10000u

static void play(uint32_t *ball, uint32_t side)
{
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint32_t now;

		while ((now = __atomic_load_n(ball, __ATOMIC_SEQ_CST)) % 2 != side) {
			int error = _kern_futex_wait(ADDRESS(ball), now, in(PATIENCE));

			CHECK(error == 0 || error == -EAGAIN);
		}
		__atomic_add_fetch(ball, 1, __ATOMIC_SEQ_CST);
		CHECK(_kern_futex_wake(ADDRESS(ball), 1) <= 1);
	}
}

static void play_one(void *ball)
{
	play(ball, 1);
	_kern_exit_thread(0);
}

void test_futex_ping_pong(void)
{
	static uint32_t sBall;
	uint32_t *shared = check_map(PAGE, SHARED);
	tid_t thread = spawn(play_one, &sBall);
	pid_t pid;

	play(&sBall, 0);
	check_join(thread, 0);
	CHECK_EQUAL(sBall, 2 * ROUNDS);
	pid = check_fork();
	if (pid == 0) {
		play(shared, 1);
		end(0);
	}
	play(shared, 0);
	check_exit(pid, 0);
	CHECK_EQUAL(*shared, 2 * ROUNDS);
}

/* ---- Locks ------------------------------------------------------------------------ */

#define STRESS_THREADS 6
#define STRESS_ROUNDS 2000

struct stress {
	struct mutex mutex;
	volatile uint32_t counter;
	volatile uint32_t inside;
};

static void count_locked(struct stress *stress, uint32_t seed)
{
	for (int i = 0; i < STRESS_ROUNDS; i++) {
		uint32_t value;

		seed = seed * 1664525 + 1013904223;
		if (seed >> 28 == 0) {
			while (!mutex_try_lock(&stress->mutex))
				_kern_yield();
		} else {
			mutex_lock(&stress->mutex);
		}
		CHECK_EQUAL(__atomic_add_fetch(&stress->inside, 1, __ATOMIC_SEQ_CST), 1);
		value = stress->counter;
		if (seed >> 27 == 5)
			_kern_yield();
		for (volatile uint32_t k = 0; k < seed >> 26; k++)
			;
		stress->counter = value + 1;
		__atomic_sub_fetch(&stress->inside, 1, __ATOMIC_SEQ_CST);
		mutex_unlock(&stress->mutex);
	}
}

static void stress_mutex(void *stress)
{
	count_locked(stress, (uint32_t)_kern_thread_id());
	_kern_exit_thread(0);
}

void test_mutex_stress(void)
{
	static struct stress sStress;
	tid_t threads[STRESS_THREADS];
	int i;

	for (i = 0; i < STRESS_THREADS; i++)
		threads[i] = spawn(stress_mutex, &sStress);
	for (i = 0; i < STRESS_THREADS; i++)
		check_join(threads[i], 0);
	CHECK_EQUAL(sStress.counter, STRESS_THREADS * STRESS_ROUNDS);
	CHECK_EQUAL(sStress.mutex.state, 0);
	CHECK(mutex_try_lock(&sStress.mutex));
	CHECK(!mutex_try_lock(&sStress.mutex));
}

void test_mutex_shared(void)
{
	struct stress *stress = check_map(PAGE, SHARED);
	pid_t pids[4];
	int i;

	for (i = 0; i < 4; i++) {
		pids[i] = check_fork();
		if (pids[i] == 0) {
			count_locked(stress, (uint32_t)i);
			end(0);
		}
	}
	for (i = 0; i < 4; i++)
		check_exit(pids[i], 0);
	CHECK_EQUAL(stress->counter, 4 * STRESS_ROUNDS);
}

/* A ring of 4 places between makers and takers. */
#define ITEMS 3000

static struct {
	struct mutex mutex;
	struct condition not_empty, not_full;
	uint32_t places[4];
	unsigned count, first;
	unsigned made, taken;
	uint64_t sum;
} sRing;

static void make_items(void *unused)
{
	(void)unused;
	for (;;) {
		mutex_lock(&sRing.mutex);
		while (sRing.count == 4)
			CHECK_EQUAL(condition_wait(&sRing.not_full, &sRing.mutex, -1), 0);
		if (sRing.made == ITEMS) {
			mutex_unlock(&sRing.mutex);
			_kern_exit_thread(0);
		}
		sRing.places[(sRing.first + sRing.count++) % 4] = ++sRing.made;
		if (sRing.made == ITEMS) {
			/* The others may wait for room that nobody needs any more. */
			condition_broadcast(&sRing.not_full);
		}
		condition_signal(&sRing.not_empty);
		mutex_unlock(&sRing.mutex);
	}
}

static void take_items(void *unused)
{
	(void)unused;
	for (;;) {
		mutex_lock(&sRing.mutex);
		while (sRing.count == 0 && sRing.taken < ITEMS)
			CHECK_EQUAL(condition_wait(&sRing.not_empty, &sRing.mutex, -1), 0);
		if (sRing.taken == ITEMS) {
			mutex_unlock(&sRing.mutex);
			_kern_exit_thread(0);
		}
		sRing.sum += sRing.places[sRing.first];
		sRing.first = (sRing.first + 1) % 4;
		sRing.count--;
		if (++sRing.taken == ITEMS)
			condition_broadcast(&sRing.not_empty);
		mutex_unlock(&sRing.mutex);
		condition_signal(&sRing.not_full);
	}
}

void test_condition_stress(void)
{
	tid_t threads[6];
	int i;

	for (i = 0; i < 6; i++)
		threads[i] = spawn(i < 3 ? make_items : take_items, NULL);
	for (i = 0; i < 6; i++)
		check_join(threads[i], 0);
	CHECK_EQUAL(sRing.taken, ITEMS);
	CHECK_EQUAL(sRing.sum, ITEMS * (ITEMS + 1) / 2);
}

static struct semaphore sItems, sRoom = {.value = 3};
static volatile uint32_t sInRing;

static void post_items(void *unused)
{
	(void)unused;
	for (int i = 0; i < STRESS_ROUNDS; i++) {
		CHECK_EQUAL(semaphore_wait(&sRoom, -1), 0);
		CHECK(__atomic_add_fetch(&sInRing, 1, __ATOMIC_SEQ_CST) <= 3);
		semaphore_post(&sItems);
	}
	_kern_exit_thread(0);
}

static void fetch_items(void *unused)
{
	(void)unused;
	for (int i = 0; i < STRESS_ROUNDS; i++) {
		CHECK_EQUAL(semaphore_wait(&sItems, -1), 0);
		__atomic_sub_fetch(&sInRing, 1, __ATOMIC_SEQ_CST);
		if (i % 64 == 0)
			_kern_yield();
		semaphore_post(&sRoom);
	}
	_kern_exit_thread(0);
}

void test_semaphore_stress(void)
{
	tid_t threads[6];
	int i;

	for (i = 0; i < 6; i++)
		threads[i] = spawn(i % 2 == 0 ? post_items : fetch_items, NULL);
	for (i = 0; i < 6; i++)
		check_join(threads[i], 0);
	CHECK_EQUAL(sInRing, 0);
	CHECK_EQUAL(semaphore_value(&sItems), 0);
	CHECK_EQUAL(semaphore_value(&sRoom), 3);
}

/* In memory that processes share. */
static struct {
	struct semaphore items, room;
	volatile uint32_t inside, taken;
} * sShared;

static void pass_items(void *unused)
{
	(void)unused;
	for (int i = 0; i < STRESS_ROUNDS; i++) {
		CHECK_EQUAL(semaphore_wait(&sShared->room, in(60 * SECOND)), 0);
		CHECK(__atomic_add_fetch(&sShared->inside, 1, __ATOMIC_SEQ_CST) <= 2);
		semaphore_post(&sShared->items);
	}
	_kern_exit_thread(0);
}

/* Waits that are over before anything comes, too: none of them takes an item with it. */
static void receive_items(void)
{
	uint32_t seed = (uint32_t)_kern_getpid();

	for (int i = 0; i < STRESS_ROUNDS;) {
		int error = semaphore_wait(
			&sShared->items, i % 2 == 0 ? -1 : in(next_random(&seed) % 300));

		if (error != 0) {
			CHECK_EQUAL(error, -ETIMEDOUT);
			continue;
		}
		__atomic_sub_fetch(&sShared->inside, 1, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&sShared->taken, 1, __ATOMIC_SEQ_CST);
		semaphore_post(&sShared->room);
		i++;
	}
}

void test_semaphore_shared(void)
{
	pid_t pids[3];
	int i;

	sShared = check_map(PAGE, SHARED);
	sShared->room.value = 2;
	for (i = 0; i < 3; i++) {
		pids[i] = check_fork();
		if (pids[i] == 0) {
			tid_t passer = spawn(pass_items, NULL);

			receive_items();
			check_join(passer, 0);
			end(0);
		}
	}
	for (i = 0; i < 3; i++)
		check_exit(pids[i], 0);
	CHECK_EQUAL(sShared->taken, 3 * STRESS_ROUNDS);
	CHECK_EQUAL(sShared->inside, 0);
	CHECK_EQUAL(sShared->items.value, 0);
	CHECK_EQUAL(sShared->room.value, 2);
	CHECK_EQUAL(sShared->items.waiters + sShared->room.waiters, 0);
}

static void do_nothing(
	int signal, struct signal_info *info, struct signal_context *context)
{
	(void)signal;
	(void)info;
	(void)context;
}

/* A handler that restarts no calls ends a wait; one that does, does not. */
/*
 * Whoever takes what is posted may free the semaphore at once, so a post touches nothing
 * but the value: here the rest of it is gone already.
 */
void test_semaphore_gone(void)
{
	char *pages = check_map(2 * PAGE, false);
	struct semaphore *semaphore = (void *)(pages + PAGE - sizeof semaphore->value);

	CHECK_EQUAL(_kern_unmap((uint32_t)(uintptr_t)(pages + PAGE), PAGE), 0);
	semaphore->value = 2;
	semaphore_post(semaphore);
	CHECK_EQUAL(semaphore_value(semaphore), 3);
	CHECK_EQUAL(_kern_unmap((uint32_t)(uintptr_t)pages, PAGE), 0);
}

void test_semaphore_interrupted(void)
{
	static const uint32_t kFlags[] = {0, SA_RESTART};

	for (int i = 0; i < 2; i++) {
		const struct signal_action action = {ADDRESS(do_nothing), 0, kFlags[i]};
		struct semaphore semaphore = {0};
		pid_t self = _kern_getpid(), pid;
		time_us_t deadline = in(kFlags[i] == 0 ? PATIENCE : SECOND / 2);

		CHECK_EQUAL(_kern_sigaction(SIGUSR1, &action, NULL), 0);
		pid = check_fork();
		if (pid == 0) {
			let_wait(self);
			end(_kern_kill(self, SIGUSR1) == 0 ? 0 : 1);
		}
		CHECK_EQUAL(
			semaphore_wait(&semaphore, deadline), kFlags[i] == 0 ? -EINTR : -ETIMEDOUT);
		CHECK_EQUAL(semaphore.waiters, 0);
		check_exit(pid, 0);
	}
}

void test_lock_timeouts(void)
{
	struct mutex mutex = {0};
	struct condition condition = {0};
	struct semaphore semaphore = {0};
	time_us_t deadline = in(5000);

	mutex_lock(&mutex);
	CHECK_EQUAL(condition_wait(&condition, &mutex, deadline), -ETIMEDOUT);
	CHECK(_kern_system_time() >= deadline);
	CHECK(!mutex_try_lock(&mutex)); /* held again */
	deadline = in(5000);
	CHECK_EQUAL(semaphore_wait(&semaphore, deadline), -ETIMEDOUT);
	CHECK(_kern_system_time() >= deadline);
	semaphore_post(&semaphore);
	CHECK_EQUAL(semaphore_wait(&semaphore, 0), 0);
	CHECK_EQUAL(semaphore_wait(&semaphore, 0), -ETIMEDOUT);
}
