/*
 * What one processor changes, the others must see: mappings that change under
 * threads that use them, copies on write under writers, registers and time. A
 * translation that a processor has kept too long shows as a value that cannot
 * be there, or as a fault that does not come.
 */
#include "usertests.h"

/* Waits until it has risen to `value`: spins, for who changes it on another processor,
 * and yields, for who does on the same one. */
static void await(const volatile uint32_t *word, uint32_t value)
{
	time_us_t deadline = _kern_system_time() + PATIENCE;

	while (*word < value) {
		for (volatile int i = 0; i < 200 && *word < value; i++)
			;
		if (*word < value)
			_kern_yield();
		if (_kern_system_time() > deadline)
			check_failed(__FILE__, __LINE__, "%u did not become %u", (unsigned)*word,
				(unsigned)value);
	}
}

/* ---- Accesses that may fault ---------------------------------------------------- */

/* EDX says where to go on, and EAX there that it was a fault. */
static void go_on(int signal, struct signal_info *info, struct signal_context *context)
{
	(void)signal;
	(void)info;
	context->eip = context->edx;
	context->eax = 1;
}

static void catch_faults(void)
{
	/* Every thread that faults is in its handler: none waits for another's. */
	const struct signal_action action = {ADDRESS(go_on), 0, SA_NODEFER};

	CHECK_EQUAL(_kern_sigaction(SIGSEGV, &action, NULL), 0);
}

static bool try_write(volatile uint32_t *to, uint32_t value)
{
	uint32_t faulted;

	__asm__ volatile("mov $1f, %%edx\n\txor %%eax, %%eax\n\tmov %2, (%1)\n1:"
					 : "=&a"(faulted)
					 : "r"(to), "r"(value)
					 : "edx", "cc", "memory");
	return faulted == 0;
}

static bool try_read(const volatile uint32_t *from, uint32_t *_value)
{
	uint32_t faulted, value = 0;

	__asm__ volatile("mov $1f, %%edx\n\txor %%eax, %%eax\n\tmov (%2), %1\n1:"
					 : "=&a"(faulted), "+&r"(value)
					 : "r"(from)
					 : "edx", "cc", "memory");
	*_value = value;
	return faulted == 0;
}

/* ---- Unmapped, mapped again ------------------------------------------------------- */

#define USERS 3
#define REMAPS 60u
#define JUNK 0xdeadbeefu

static volatile uint32_t *sPage;
static volatile uint32_t sRound, sDone;

static void look_at_page(void *context)
{
	uint32_t own = (uint32_t)(uintptr_t)context;

	for (uint32_t round = 1; round <= 2 * REMAPS; round++) {
		await(&sRound, round);
		for (uint32_t i = 0; i < 16; i++)
			CHECK_EQUAL(sPage[i], round % 2 == 1 && i == 0 ? round : 0);
		__atomic_add_fetch(&sDone, 1, __ATOMIC_SEQ_CST);
		/* All have looked before any writes. */
		await(&sDone, (round * 2 - 1) * USERS);
		sPage[1 + own] = round;
		CHECK_EQUAL(sPage[1 + own], round);
		__atomic_add_fetch(&sDone, 1, __ATOMIC_SEQ_CST);
	}
	_kern_exit_thread(0);
}

/*
 * A page that is unmapped and mapped again is zeros to all threads, at once;
 * the page that was there belongs to somebody else by then, whom no write of
 * theirs may reach.
 */
void test_remap_zeros(void)
{
	tid_t threads[USERS];
	uint32_t i, round;

	sPage = check_map(PAGE, PRIVATE);
	for (i = 0; i < USERS; i++)
		threads[i] = spawn(look_at_page, (void *)(uintptr_t)i);
	for (round = 1; round <= 2 * REMAPS; round += 2) {
		volatile uint32_t *other;

		sPage[0] = round;
		sRound = round;
		await(&sDone, round * 2 * USERS);
		if (round % 4 == 1) {
			CHECK_EQUAL(_kern_unmap(ADDRESS(sPage), PAGE), 0);
			/* Made elsewhere first, so that it gets the page just freed. */
			other = (volatile uint32_t *)_kern_map(
				0x80000000, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED);
		} else {
			CHECK_EQUAL(_kern_map(ADDRESS(sPage), PAGE, PROT_READ | PROT_WRITE,
							MAP_PRIVATE | MAP_FIXED),
				ADDRESS(sPage));
			other = check_map(PAGE, PRIVATE);
		}
		for (i = 0; i < 1024; i++)
			other[i] = JUNK;
		CHECK_EQUAL(_kern_map(ADDRESS(sPage), PAGE, PROT_READ | PROT_WRITE,
						MAP_PRIVATE | MAP_FIXED),
			ADDRESS(sPage));
		sRound = round + 1;
		await(&sDone, (round + 1) * 2 * USERS);
		for (i = 0; i < USERS; i++)
			CHECK_EQUAL(sPage[1 + i], round + 1);
		for (i = 0; i < 1024; i++)
			CHECK_EQUAL(other[i], JUNK);
		CHECK_EQUAL(_kern_unmap(ADDRESS(other), PAGE), 0);
		CHECK_EQUAL(_kern_map(ADDRESS(sPage), PAGE, PROT_READ | PROT_WRITE,
						MAP_PRIVATE | MAP_FIXED),
			ADDRESS(sPage));
	}
	for (i = 0; i < USERS; i++)
		check_join(threads[i], 0);
}

static volatile bool sMayRead, sMayWrite;

static void try_page(void *unused)
{
	uint32_t round = 0, value;

	(void)unused;
	do {
		await(&sRound, ++round);
		CHECK_EQUAL(try_read(sPage, &value), sMayRead);
		if (sMayRead)
			CHECK_EQUAL(value, 0x600d);
		CHECK_EQUAL(try_write(sPage, 0x600d), sMayWrite);
		CHECK_EQUAL(try_write(sPage + 1023, round), sMayWrite);
		__atomic_add_fetch(&sDone, 1, __ATOMIC_SEQ_CST);
	} while (round < 120);
	_kern_exit_thread(0);
}

/* What protect() takes away is away for the others when it returns. */
void test_protect_is_seen(void)
{
	static const int kKinds[] = {PROT_READ | PROT_WRITE, PROT_READ,
		PROT_READ | PROT_WRITE, PROT_NONE, PROT_READ, PROT_NONE};
	tid_t threads[USERS];
	uint32_t i, round;

	catch_faults();
	sPage = check_map(PAGE, PRIVATE);
	*sPage = 0x600d;
	for (i = 0; i < USERS; i++)
		threads[i] = spawn(try_page, NULL);
	for (round = 1; round <= 120; round++) {
		int kind = kKinds[round % 6];

		CHECK_EQUAL(_kern_protect(ADDRESS(sPage), PAGE, kind, 0), 0);
		sMayRead = kind != PROT_NONE;
		sMayWrite = (kind & PROT_WRITE) != 0;
		sRound = round;
		await(&sDone, round * USERS);
	}
	for (i = 0; i < USERS; i++)
		check_join(threads[i], 0);
	/* Unmapped, it is gone for all. */
	CHECK_EQUAL(_kern_unmap(ADDRESS(sPage), PAGE), 0);
	CHECK(!try_write(sPage, 1));
}

/* ---- A storm of mappings ----------------------------------------------------------- */

#define STORM_BASE 0x30000000u
#define STORM_PAGES 24u
#define STORM_ROUNDS 250u

static uint32_t tag(uint32_t page)
{
	return 0xab000000u + page;
}

/* A page of the range is there or not, and holds its tag or nothing. */
static void use_range(uint32_t *seed)
{
	for (int i = 0; i < 12; i++) {
		uint32_t page = next_random(seed) % STORM_PAGES, value;
		volatile uint32_t *word =
			(volatile uint32_t *)(STORM_BASE + page * PAGE) + next_random(seed) % 1024;

		if (try_read(word, &value))
			CHECK(value == 0 || value == tag(page));
		try_write(word, tag(page));
	}
}

static void storm(void *context)
{
	uint32_t seed = (uint32_t)(uintptr_t)context;

	for (uint32_t i = 0; i < STORM_ROUNDS; i++) {
		uint32_t first = next_random(&seed) % STORM_PAGES;
		uint32_t size = (1 + next_random(&seed) % (STORM_PAGES - first)) * PAGE;
		uint32_t address = STORM_BASE + first * PAGE;
		int error = 0;

		switch (next_random(&seed) % 5) {
		case 0:
			error = _kern_unmap(address, size);
			break;
		case 1:
			error = _kern_protect(
				address, size, next_random(&seed) % 2 ? PROT_READ : PROT_NONE, 0);
			break;
		case 2:
			error = _kern_protect(address, size, PROT_READ | PROT_WRITE, 0);
			break;
		default:
			/* Another thread may have mapped what this one has just replaced. */
			if (_kern_map(address, size, PROT_READ | PROT_WRITE,
					(next_random(&seed) % 4 ? MAP_PRIVATE : MAP_SHARED) | MAP_FIXED)
				!= address)
				error = -ENOMEM;
		}
		CHECK(error == 0 || error == -ENOMEM);
		use_range(&seed);
	}
	_kern_exit_thread(0);
}

static void only_use(void *context)
{
	uint32_t seed = (uint32_t)(uintptr_t)context;

	for (uint32_t i = 0; i < 2 * STORM_ROUNDS; i++)
		use_range(&seed);
	_kern_exit_thread(0);
}

void test_map_storm(void)
{
	tid_t threads[5];
	uintptr_t i;
	uint32_t page, word;

	catch_faults();
	for (i = 0; i < 5; i++)
		threads[i] = spawn(i < 3 ? storm : only_use, (void *)(i + 1));
	for (i = 0; i < 5; i++)
		check_join(threads[i], 0);
	/* One look at all that is left. */
	for (page = 0; page < STORM_PAGES; page++) {
		for (word = 0; word < 1024; word++) {
			uint32_t value;

			if (try_read((uint32_t *)(STORM_BASE + page * PAGE) + word, &value))
				CHECK(value == 0 || value == tag(page));
		}
	}
}

static volatile uint32_t sStop;

static void move_break(void *context)
{
	uint32_t start = (uint32_t)(uintptr_t)context;
	uint32_t seed = (uint32_t)_kern_thread_id();

	for (int i = 0; i < 400; i++) {
		uint32_t wanted = start + next_random(&seed) % (20 * PAGE);
		uint32_t now = _kern_brk(wanted);
		uint32_t value;

		CHECK(now >= start && now < start + 20 * PAGE);
		/* The other may have taken it back. */
		if (now - start >= 4 && try_read((uint32_t *)((now - 4) & ~3u), &value)) {
			CHECK(value == 0 || value == 0x600d);
			try_write((uint32_t *)((now - 4) & ~3u), 0x600d);
		}
	}
	_kern_exit_thread(0);
}

void test_brk_crowd(void)
{
	uint32_t start = _kern_brk(0);
	tid_t threads[3];
	int i;

	catch_faults();
	for (i = 0; i < 3; i++)
		threads[i] = spawn(move_break, (void *)(uintptr_t)start);
	for (i = 0; i < 3; i++)
		check_join(threads[i], 0);
	CHECK_EQUAL(_kern_brk(start + 20 * PAGE), start + 20 * PAGE);
	for (uint32_t address = start + 20 * PAGE; address > start; address -= PAGE)
		*(volatile uint32_t *)(uintptr_t)(address - 4) = 1; /* there is no hole */
	CHECK_EQUAL(_kern_brk(start), start);
}

/* ---- fork under writers ----------------------------------------------------------- */

#define WRITERS 3
#define WORDS 1024u
#define CHILDS_OWN 0xc0ffee00u

static volatile uint32_t (*sOwn)[WORDS]; /* a page for each writer */

static void write_generations(void *context)
{
	volatile uint32_t *page = sOwn[(uintptr_t)context];

	for (uint32_t generation = 1; sStop == 0; generation++) {
		for (uint32_t i = 0; i < WORDS; i++)
			page[i] = generation;
		for (uint32_t i = 0; i < WORDS; i++)
			CHECK_EQUAL(page[i], generation);
		if (generation % 64 == 0)
			_kern_yield(); /* or a fork takes a slice of each of them */
	}
	_kern_exit_thread(0);
}

/* A moment of write_generations(): one generation, or two with one border. */
static void check_snapshot(const uint32_t *page)
{
	uint32_t borders = 0;

	for (uint32_t i = 1; i < WORDS; i++) {
		if (page[i] == page[i - 1])
			continue;
		CHECK_EQUAL(page[i], page[i - 1] - 1);
		borders++;
	}
	CHECK(borders <= 1);
}

static void check_child(void)
{
	static uint32_t sCopy[WRITERS][WORDS];
	uint32_t i, k, turn;

	for (i = 0; i < WRITERS; i++) {
		for (k = 0; k < WORDS; k++)
			sCopy[i][k] = sOwn[i][k];
		check_snapshot(sCopy[i]);
	}
	for (turn = 0; turn < 2; turn++) {
		_kern_yield();
		for (i = 0; i < WRITERS; i++) {
			for (k = 0; k < WORDS; k++)
				CHECK_EQUAL(sOwn[i][k], sCopy[i][k]);
		}
	}
	for (i = 0; i < WRITERS; i++) {
		for (k = 0; k < WORDS; k++)
			sOwn[i][k] = CHILDS_OWN + i;
	}
	_kern_yield();
	for (i = 0; i < WRITERS; i++) {
		for (k = 0; k < WORDS; k++)
			CHECK_EQUAL(sOwn[i][k], CHILDS_OWN + i);
	}
	end(12);
}

/* Other threads write while one forks: nothing crosses over, either way. */
void test_fork_under_writers(void)
{
	tid_t threads[WRITERS];
	uintptr_t i;

	sOwn = check_map(WRITERS * PAGE, PRIVATE);
	for (i = 0; i < WRITERS; i++)
		threads[i] = spawn(write_generations, (void *)i);
	for (int round = 0; round < 8; round++) {
		pid_t pids[2];

		for (i = 0; i < 2; i++) {
			pids[i] = check_fork();
			if (pids[i] == 0)
				check_child();
		}
		for (i = 0; i < 2; i++)
			check_exit(pids[i], 12);
	}
	sStop = 1;
	for (i = 0; i < WRITERS; i++)
		check_join(threads[i], 0);
}

static uint32_t sOut[WORDS] __attribute__((aligned(4096)));

/* The kernel writes masks here, each another one; nobody has these signals. */
static void have_kernel_write(void *context)
{
	uint32_t *out = &sOut[(uintptr_t)context * 8];
	uint32_t before = 0;

	CHECK_EQUAL(_kern_sigprocmask(SIG_SETMASK, &before, NULL), 0);
	for (uint32_t i = 1; sStop == 0; i++) {
		uint32_t mask = (i & 0xff) << 23;

		CHECK_EQUAL(_kern_sigprocmask(SIG_SETMASK, &mask, out), 0);
		CHECK_EQUAL(*out, before);
		before = mask;
		if (i % 256 == 0)
			_kern_yield();
	}
	_kern_exit_thread(0);
}

/* A copy on write that the kernel's own write causes, while another thread forks. */
void test_cow_kernel_crowd(void)
{
	tid_t threads[2];
	uintptr_t i;

	for (i = 0; i < 2; i++)
		threads[i] = spawn(have_kernel_write, (void *)i);
	for (int round = 0; round < 30; round++) {
		pid_t pid = check_fork();

		if (pid == 0) {
			uint32_t first = *(volatile uint32_t *)&sOut[0];
			uint32_t second = *(volatile uint32_t *)&sOut[8];
			uint32_t mask;

			for (i = 0; i < 4; i++) {
				_kern_yield();
				CHECK_EQUAL(*(volatile uint32_t *)&sOut[0], first);
				CHECK_EQUAL(*(volatile uint32_t *)&sOut[8], second);
			}
			/* Its own calls write into its own copy. */
			CHECK_EQUAL(_kern_sigprocmask(SIG_BLOCK, NULL, &sOut[16]), 0);
			CHECK_EQUAL(_kern_sigprocmask(SIG_BLOCK, NULL, &mask), 0);
			CHECK_EQUAL(*(volatile uint32_t *)&sOut[16], mask);
			*(volatile uint32_t *)&sOut[16] = 1;
			end(0);
		}
		check_exit(pid, 0);
		CHECK_EQUAL(*(volatile uint32_t *)&sOut[16], 0);
	}
	sStop = 1;
	for (i = 0; i < 2; i++)
		check_join(threads[i], 0);
}

/* ---- A copy, seen by all at once ----------------------------------------------------
 */

#define COPIES 256u
#define COPY_TURNS (8 * COPIES)

static volatile uint32_t *sCopied;
static volatile uint32_t sLooks, sTurn, sWritten; /* turns, from 1 on */

static volatile uint32_t *page_of_turn(uint32_t turn)
{
	return sCopied + turn % COPIES * (PAGE / sizeof(uint32_t));
}

/* Sooner or later: so that some of it is just when the page is copied. */
static void write_beside(void *unused)
{
	(void)unused;
	for (uint32_t turn = 1; turn <= COPY_TURNS; turn++) {
		await(&sTurn, turn);
		for (volatile uint32_t i = turn * 7 % 512; i > 0; i--)
			;
		page_of_turn(turn)[1] = turn;
		sWritten = turn;
	}
	_kern_exit_thread(0);
}

static void look_beside(void *unused)
{
	(void)unused;
	for (uint32_t turn = 1; turn <= COPY_TURNS; turn++) {
		volatile uint32_t *page = page_of_turn(turn);

		CHECK(page[1] != turn); /* of the page before it is copied, too */
		sLooks = turn;
		await(&sWritten, turn);
		CHECK_EQUAL(page[1], turn);
	}
	_kern_exit_thread(0);
}

/*
 * One thread's write has a page copied, another writes to the copy, and says so: who
 * hears that sees it there, and not the page that there was before.
 */
void test_cow_is_seen(void)
{
	tid_t writer, looker;
	pid_t child = 0;

	sCopied = check_map(COPIES * PAGE, PRIVATE);
	for (uint32_t i = 0; i < COPIES; i++)
		*page_of_turn(i) = i;
	writer = spawn(write_beside, NULL);
	looker = spawn(look_beside, NULL);
	for (uint32_t turn = 1; turn <= COPY_TURNS; turn++) {
		if (turn % COPIES == 1) {
			child = check_fork();
			while (child == 0)
				_kern_snooze(SECOND, 0);
		}
		await(&sLooks, turn);
		sTurn = turn;
		page_of_turn(turn)[0] = turn;
		await(&sWritten, turn);
		if (turn % COPIES == 0) {
			CHECK_EQUAL(_kern_kill(child, SIGKILL), 0);
			check_killed(child, SIGKILL);
		}
	}
	check_join(writer, 0);
	check_join(looker, 0);
}

/* ---- The same addresses, other contents ------------------------------------------- */

#define SPACES 6
#define SPACE_PAGES 16u

/* Processes that take turns on a processor do not see each other's pages. */
void test_same_addresses(void)
{
	volatile uint32_t *pages = check_map(SPACE_PAGES * PAGE, PRIVATE);
	pid_t pids[SPACES];
	uint32_t i, k;

	for (k = 0; k < SPACE_PAGES; k++)
		pages[k * 1024] = k;
	for (i = 0; i < SPACES; i++) {
		pids[i] = check_fork();
		if (pids[i] == 0) {
			for (k = 0; k < SPACE_PAGES; k++)
				pages[k * 1024] = (i + 1) << 16 | k;
			for (uint32_t turn = 0; turn < 150; turn++) {
				for (k = 0; k < SPACE_PAGES; k++) {
					CHECK_EQUAL(pages[k * 1024], (i + 1) << 16 | k);
					CHECK_EQUAL(pages[k * 1024 + 1], turn);
					pages[k * 1024 + 1] = turn + 1;
				}
				if (turn % 8 == i)
					_kern_snooze(100, 0); /* and goes on on whichever processor */
				else
					_kern_yield();
			}
			end(0);
		}
	}
	for (i = 0; i < SPACES; i++)
		check_exit(pids[i], 0);
	for (k = 0; k < SPACE_PAGES; k++)
		CHECK(pages[k * 1024] == k && pages[k * 1024 + 1] == 0);
}

/* ---- Registers -------------------------------------------------------------------- */

static uint32_t features(void)
{
	struct system_info info;

	CHECK_EQUAL(_kern_get_info(&info), 0);
	return info.cpu_features;
}

/* CPUID 1, EDX (Intel SDM volume 2A, CPUID). */
#define HAS_MMX(features) ((features) >> 23 & 1)
#define HAS_SSE(features) (((features) >> 24 & 3) == 3)

struct registers {
	uint64_t x87[8];
	uint32_t xmm[8][4];
	uint32_t mxcsr;
	uint16_t control;
};

static void let_others_run(uint32_t kind)
{
	switch (kind % 3) {
	case 0:
		for (volatile int i = 0; i < 20000; i++)
			;
		break;
	case 1:
		for (int i = 0; i < 4; i++)
			_kern_yield();
		break;
	default:
		_kern_snooze(200, 0);
	}
}

static void load_registers(const struct registers *from, uint32_t has, bool mmx)
{
	__asm__ volatile("fninit\n\tfldcw %0" : : "m"(from->control));
	if (mmx) {
		__asm__ volatile("movq 0(%0), %%mm0\n\tmovq 8(%0), %%mm1\n\t"
						 "movq 16(%0), %%mm2\n\tmovq 24(%0), %%mm3\n\t"
						 "movq 32(%0), %%mm4\n\tmovq 40(%0), %%mm5\n\t"
						 "movq 48(%0), %%mm6\n\tmovq 56(%0), %%mm7"
						 :
						 : "r"(from->x87)
						 : "memory");
	} else {
		for (int i = 0; i < 8; i++)
			__asm__ volatile("fildll %0" : : "m"(from->x87[i]));
	}
	if (HAS_SSE(has)) {
		__asm__ volatile("ldmxcsr %0" : : "m"(from->mxcsr));
		__asm__ volatile("movups 0(%0), %%xmm0\n\tmovups 16(%0), %%xmm1\n\t"
						 "movups 32(%0), %%xmm2\n\tmovups 48(%0), %%xmm3\n\t"
						 "movups 64(%0), %%xmm4\n\tmovups 80(%0), %%xmm5\n\t"
						 "movups 96(%0), %%xmm6\n\tmovups 112(%0), %%xmm7"
						 :
						 : "r"(from->xmm)
						 : "memory");
	}
}

static void save_registers(struct registers *to, uint32_t has, bool mmx)
{
	__asm__ volatile("fnstcw %0" : "=m"(to->control));
	if (mmx) {
		__asm__ volatile("movq %%mm0, 0(%0)\n\tmovq %%mm1, 8(%0)\n\t"
						 "movq %%mm2, 16(%0)\n\tmovq %%mm3, 24(%0)\n\t"
						 "movq %%mm4, 32(%0)\n\tmovq %%mm5, 40(%0)\n\t"
						 "movq %%mm6, 48(%0)\n\tmovq %%mm7, 56(%0)\n\temms"
						 :
						 : "r"(to->x87)
						 : "memory");
	} else {
		for (int i = 7; i >= 0; i--)
			__asm__ volatile("fistpll %0" : "=m"(to->x87[i]));
	}
	if (HAS_SSE(has)) {
		__asm__ volatile("stmxcsr %0" : "=m"(to->mxcsr));
		__asm__ volatile("movups %%xmm0, 0(%0)\n\tmovups %%xmm1, 16(%0)\n\t"
						 "movups %%xmm2, 32(%0)\n\tmovups %%xmm3, 48(%0)\n\t"
						 "movups %%xmm4, 64(%0)\n\tmovups %%xmm5, 80(%0)\n\t"
						 "movups %%xmm6, 96(%0)\n\tmovups %%xmm7, 112(%0)"
						 :
						 : "r"(to->xmm)
						 : "memory");
	}
}

static void keep_registers(uint32_t own)
{
	/* Rounding differs; every exception stays masked, and the precision whole. */
	static const uint16_t kControls[] = {0x037f, 0x077f, 0x0b7f, 0x0f7f};
	struct registers mine, seen;
	uint32_t has = features();
	uint32_t round, i;

	for (round = 0; round < 45; round++) {
		bool mmx = HAS_MMX(has) && round % 2 == 1;

		memset(&mine, 0, sizeof mine);
		memset(&seen, 0, sizeof seen);
		for (i = 0; i < 8; i++)
			mine.x87[i] = (uint64_t)(own << 16 | round) << 32 | i;
		for (i = 0; i < 32 && HAS_SSE(has); i++)
			mine.xmm[i / 4][i % 4] = own << 24 | round << 8 | i;
		mine.control = kControls[(own + round) % 4];
		if (HAS_SSE(has))
			mine.mxcsr = 0x1f80 | ((own + round) / 2 % 4) << 13;
		load_registers(&mine, has, mmx);
		let_others_run(own + round);
		save_registers(&seen, has, mmx);
		CHECK(memcmp(&mine, &seen, sizeof mine) == 0);
	}
}

static void keep_registers_thread(void *own)
{
	keep_registers((uint32_t)(uintptr_t)own);
	_kern_exit_thread(0);
}

/* x87, MMX and SSE, control words and all, over preemption, yields and sleep. */
void test_fpu_crowd(void)
{
	tid_t threads[6];
	pid_t pids[2];
	uintptr_t i;

	for (i = 0; i < 2; i++) {
		pids[i] = check_fork();
		if (pids[i] == 0) {
			keep_registers((uint32_t)i + 10);
			end(0);
		}
	}
	for (i = 0; i < 6; i++)
		threads[i] = spawn(keep_registers_thread, (void *)(i + 1));
	for (i = 0; i < 6; i++)
		check_join(threads[i], 0);
	for (i = 0; i < 2; i++)
		check_exit(pids[i], 0);
}

/* ---- Time ------------------------------------------------------------------------- */

struct clock {
	struct mutex mutex;
	time_us_t latest;
	volatile uint32_t readings;
};

static void pass_time(struct clock *clock)
{
	for (int i = 0; i < 1500; i++) {
		time_us_t now;

		mutex_lock(&clock->mutex);
		now = _kern_system_time();
		if (now < clock->latest)
			check_failed(__FILE__, __LINE__, "%lld us behind another thread's time",
				(long long)(clock->latest - now));
		clock->latest = now;
		clock->readings++;
		mutex_unlock(&clock->mutex);
		if (i % 50 == 0)
			_kern_yield();
	}
}

static void pass_time_thread(void *clock)
{
	pass_time(clock);
	_kern_exit_thread(0);
}

/* A time that was handed over is never later than one read behind it. */
void test_time_crowd(void)
{
	struct clock *clock = check_map(PAGE, SHARED);
	tid_t threads[3];
	pid_t pid;
	int i;

	pid = check_fork();
	if (pid == 0) {
		pass_time(clock);
		end(0);
	}
	for (i = 0; i < 3; i++)
		threads[i] = spawn(pass_time_thread, clock);
	for (i = 0; i < 3; i++)
		check_join(threads[i], 0);
	check_exit(pid, 0);
	CHECK_EQUAL(clock->readings, 4 * 1500);
}
