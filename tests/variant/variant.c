/*
 * Calls everything of tests/variant/syscalls.def.part, rightly and with hostile
 * pointers, and prints what is not as it should be. Its last line is the number
 * of checks. test_variant.py compares a run by each way in.
 */
#include <postern/errno.h>
#include <postern/print.h>
#include <postern/syscalls.h>
#include <syscall_numbers.h>

static unsigned sChecks, sFailures;

static void check(const char *what, int64_t got, int64_t wanted)
{
	sChecks++;
	if (got == wanted)
		return;
	sFailures++;
	print("BAD %s: %lld (0x%llx), not %lld\n", what, (long long)got,
		(unsigned long long)got, (long long)wanted);
}

#define CHECK(call, wanted) check(#call, (call), (wanted))

/* A number without a stub. No call here has more than these two arguments. */
static int raw_call(uint32_t number, uint32_t a, uint32_t b)
{
	int32_t result;

	__asm__ volatile("push %3\n\tpush %2\n\tcall *0xffff000c\n\tadd $8, %%esp"
					 : "=a"(result)
					 : "a"(number), "r"(a), "r"(b)
					 : "ecx", "edx", "cc", "memory");
	return result;
}

/* ---- Memory -------------------------------------------------------------------- */

#define PAGE 4096u

static const struct v_pair kReadOnly = {1, 2, 3};
static char sBytes[3 * PAGE] __attribute__((aligned(4096)));

/* The first page behind the program's data that is not mapped. */
static uintptr_t end_of_data(void)
{
	uintptr_t page = ((uintptr_t)sBytes + sizeof sBytes) & ~(PAGE - 1);

	while (_kern_v_in((const struct v_pair *)page) != -EFAULT)
		page += PAGE;
	return page;
}

/* Where an object of `size` bytes is not readable, or only in part. */
static uintptr_t bad_address(unsigned which, size_t size)
{
	static uintptr_t sEnd;

	if (sEnd == 0)
		sEnd = end_of_data();
	const uintptr_t kAddresses[] = {
		1,
		4,
		0xffff,
		0x20000000,
		0xc0000000 - (uintptr_t)size + 1,
		0xbfffffff,
		0xc0000000,
		0xc0100000,
		0xf0000000,
		0xffff0000,
		0xffff000c,
		0xffffffff - (uintptr_t)size,
		0xfffffffc,
		0xffffffff,
		sEnd,
		sEnd - 1,
		sEnd - (uintptr_t)size + 1,
	};

	return which < sizeof kAddresses / sizeof kAddresses[0] ? kAddresses[which] : 0;
}

/* What the checks below write behind the program's own data, they put back. */
#define TAIL 128u
static char sTail[TAIL];

static void copy_tail(bool back)
{
	volatile char *tail = (volatile char *)(bad_address(14, 1) - TAIL);
	unsigned i;

	for (i = 0; i < TAIL; i++) {
		if (back)
			tail[i] = sTail[i];
		else
			sTail[i] = tail[i];
	}
}

/* Each `pointer` of `size` bytes must be refused before the handler runs. */
#define REFUSED(size, call)                                                              \
	do {                                                                                 \
		uint32_t before = _kern_v_calls();                                               \
		uintptr_t pointer;                                                               \
		unsigned which;                                                                  \
		for (which = 0; (pointer = bad_address(which, size)) != 0; which++) {            \
			sChecks++;                                                                   \
			if ((call) != -EFAULT) {                                                     \
				sFailures++;                                                             \
				print("BAD %s with 0x%x\n", #call, (unsigned)pointer);                   \
			}                                                                            \
		}                                                                                \
		check("handler not called: " #call, _kern_v_calls(), before);                    \
	} while (0)

/* The same where the handler finds out: a counted buffer's pages. */
#define FAILS(size, call)                                                                \
	do {                                                                                 \
		uintptr_t pointer;                                                               \
		unsigned which;                                                                  \
		for (which = 0; (pointer = bad_address(which, size)) != 0; which++) {            \
			sChecks++;                                                                   \
			if ((call) != -EFAULT) {                                                     \
				sFailures++;                                                             \
				print("BAD %s with 0x%x\n", #call, (unsigned)pointer);                   \
			}                                                                            \
		}                                                                                \
	} while (0)

/* ---- The calls ------------------------------------------------------------------- */

static void check_scalars(void)
{
	CHECK(_kern_v_eight(1, 2, 3, 4, 5, 6, 7, 8), 2 + 6 + 15 + 28 + 55 + 78 + 119 + 152);
	CHECK(_kern_v_eight(0xffffffff, 0, 0, 0, 0, 0, 0, 0), (uint32_t)-2);
	CHECK(_kern_v_mix(-1, 0x100000000, 2, 0x8000000000000001, -3, true),
		(int64_t)(-1 + 0x300000000 + 10 + 0x8000000000000007 - 33 + 13));
	CHECK(_kern_v_named(V_ONE | V_HIGH, V_BEFORE, 40, 2), 42);

	CHECK(raw_call(SYS_v_calls + 1, 0, 0), -ENOSYS);  /* retired v_gone */
	CHECK(raw_call(SYS_v_length - 1, 0, 0), -ENOSYS); /* retired v_also_gone */
	CHECK(raw_call(SYS_v_crash + 1, 0, 0), -ENOSYS);
	CHECK(raw_call(0x80000000, 0, 0), -ENOSYS);
	CHECK(raw_call(0xffffffff, 0, 0), -ENOSYS);
}

static void check_objects(void)
{
	struct v_pair pair = {1, 2, 3};
	uint32_t value = 5;
	int64_t wide = 0x123456789abcdef;

	CHECK(_kern_v_in(&pair), 6);
	CHECK(_kern_v_in(&kReadOnly), 6);
	CHECK(_kern_v_in(NULL), -EFAULT);
	REFUSED(sizeof pair, _kern_v_in((const struct v_pair *)pointer));
	CHECK(_kern_v_in_optional(NULL), 7);
	CHECK(_kern_v_in_optional(&pair), 6);
	REFUSED(sizeof pair, _kern_v_in_optional((const struct v_pair *)pointer));

	CHECK(_kern_v_out(&pair, 12), 0);
	CHECK(pair.first == 12 && pair.letter == 'v' && pair.second == -12, 1);
	CHECK(_kern_v_out(&pair, -1), -EINVAL);
	CHECK(pair.first, 12); /* a handler that fails changes nothing */
	CHECK(_kern_v_out(NULL, 1), -EFAULT);
	CHECK(_kern_v_out((struct v_pair *)(uintptr_t)&kReadOnly, 1), -EFAULT);
	CHECK(kReadOnly.first, 1);
	CHECK(_kern_v_out((struct v_pair *)(uintptr_t)&check, 1), -EFAULT);
	REFUSED(sizeof pair, _kern_v_out((struct v_pair *)pointer, 1));
	CHECK(_kern_v_out_optional(NULL), 7);
	CHECK(_kern_v_out_optional(&value), 0);
	CHECK(value, 0x01234567);
	REFUSED(sizeof value, _kern_v_out_optional((uint32_t *)pointer));

	pair = (struct v_pair){1, 2, 3};
	CHECK(_kern_v_inout(&pair), 0);
	CHECK(pair.first == 3 && pair.second == 1 && pair.letter == 2, 1);
	CHECK(_kern_v_inout(NULL), -EFAULT);
	CHECK(_kern_v_inout((struct v_pair *)(uintptr_t)&kReadOnly), -EFAULT);
	REFUSED(sizeof pair, _kern_v_inout((struct v_pair *)pointer));
	CHECK(_kern_v_inout_optional(NULL), 7);
	CHECK(_kern_v_inout_optional(&wide), 0);
	CHECK(wide, -0x123456789abcdef);
	REFUSED(sizeof wide, _kern_v_inout_optional((int64_t *)pointer));

	CHECK(_kern_v_wide_out(&wide, 0x7fffffffffffffff), 0x7fffffffffffffff);
	CHECK(wide, (int64_t)0x8000000000000000);
	CHECK(_kern_v_wide_out(&wide, -EIO), -EIO);
	CHECK(wide, (int64_t)0x8000000000000000); /* nothing is written then */
	REFUSED(sizeof wide, _kern_v_wide_out((int64_t *)pointer, 1));

	/* Aligned or not, and over the boundary of two mapped pages. */
	struct v_pair *across = (struct v_pair *)(sBytes + PAGE - 5);
	CHECK(_kern_v_out(across, 3), 0);
	CHECK(_kern_v_in(across), 'v');
}

static void check_buffers(void)
{
	static const int kNumbers[] = {1, 2, 3, 4, 5};
	static const char kText[] = "0123456789abcdef";
	char text[17] = "0123456789abcdef";
	uint32_t words[3] = {1, 2, 3};
	size_t i;

	CHECK(_kern_v_sum(kNumbers, 5), 15);
	CHECK(_kern_v_sum(kNumbers, 0), 0);
	CHECK(_kern_v_sum(NULL, 0), -EFAULT);
	CHECK(_kern_v_sum(NULL, 1), -EFAULT);
	CHECK(_kern_v_sum(kNumbers, 0x40000000), -EFAULT); /* times 4 wraps round */
	CHECK(_kern_v_sum(kNumbers, 0x40000001), -EFAULT);
	CHECK(_kern_v_sum(kNumbers, 0x7fffffff), -EFAULT);
	CHECK(_kern_v_sum(kNumbers, 0xffffffff), -EFAULT);
	CHECK(_kern_v_sum(kNumbers, 0x30000000), -EFAULT);
	FAILS(sizeof kNumbers, _kern_v_sum((const int *)pointer, 5));
	CHECK(_kern_v_sum_optional(NULL, 5), 7);
	CHECK(_kern_v_sum_optional(kNumbers, 2), 3);
	FAILS(sizeof kNumbers, _kern_v_sum_optional((const int *)pointer, 5));

	CHECK(_kern_v_fill(sBytes + 10, PAGE + 20, 'x'), 0);
	for (i = 0; i < 10; i++)
		CHECK(sBytes[i], 0);
	for (; i < PAGE + 30; i++) {
		if (sBytes[i] != 'x')
			break;
	}
	CHECK(i, PAGE + 30);
	CHECK(sBytes[PAGE + 30], 0);
	CHECK(_kern_v_fill(sBytes, 0xffffffff, 0), -EFAULT);
	CHECK(_kern_v_fill((void *)(uintptr_t)&kReadOnly, 4, 0), -EFAULT);
	CHECK(kReadOnly.first, 1);
	CHECK(_kern_v_fill(NULL, 1, 0), -EFAULT);
	FAILS(100, _kern_v_fill((void *)pointer, 100, 0));
	CHECK(_kern_v_fill_optional(NULL, 5, 0), 7);
	CHECK(_kern_v_fill_optional(sBytes, 5, 'z'), 0);
	CHECK(sBytes[4], 'z');
	FAILS(100, _kern_v_fill_optional((void *)pointer, 100, 0));

	CHECK(_kern_v_reverse(text), 0);
	for (i = 0; i < 16; i++)
		CHECK(text[i], kText[15 - i]);
	CHECK(_kern_v_reverse((char *)(uintptr_t)kText), -EFAULT);
	CHECK(_kern_v_reverse(NULL), -EFAULT);
	FAILS(16, _kern_v_reverse((char *)pointer));
	CHECK(_kern_v_double(words, 3), 0);
	CHECK(words[0] == 2 && words[1] == 4 && words[2] == 6, 1);
	CHECK(_kern_v_double(NULL, 3), 7);
	CHECK(_kern_v_double(words, 0x80000001), -EFAULT);
	FAILS(8, _kern_v_double((uint32_t *)pointer, 2));
}

static void check_strings(void)
{
	static const char *const kList[] = {"a", "", "abc", NULL};
	static const char *const kNone[] = {NULL};
	static char sLong[PAGE + 1];
	uintptr_t end = bad_address(14, 1);
	const char *list[4] = {"a", (const char *)0xc0000000, "b", NULL};
	char *last = (char *)end;
	size_t i;

	CHECK(_kern_v_length("hello"), 5);
	CHECK(_kern_v_length(""), 0);
	CHECK(_kern_v_length(NULL), -EFAULT);
	CHECK(_kern_v_length_optional(NULL), 7);
	CHECK(_kern_v_length_optional("hello"), 5);
	/* A byte of these two can be read, and it may well be a NUL. */
	REFUSED(1, _kern_v_length(pointer + 1 == end || pointer == 0xbfffffff
								  ? (const char *)1
								  : (const char *)pointer));

	for (i = 0; i < PAGE; i++)
		sLong[i] = 'l';
	sLong[PAGE - 1] = '\0';
	CHECK(_kern_v_length(sLong), PAGE - 1);
	sLong[PAGE - 1] = 'l';
	CHECK(_kern_v_length(sLong), -ENAMETOOLONG);

	/* The NUL is the last byte that is mapped; then there is none. */
	last[-1] = '\0';
	last[-2] = 'x';
	CHECK(_kern_v_length(last - 2), 1);
	last[-1] = 'x';
	CHECK(_kern_v_length(last - 2), -EFAULT);
	last[-1] = '\0';

	CHECK(_kern_v_lengths(kList), 103);
	CHECK(_kern_v_lengths(kNone), 0);
	CHECK(_kern_v_lengths(NULL), -EFAULT);
	CHECK(_kern_v_lengths_optional(NULL), 7);
	CHECK(_kern_v_lengths_optional(kList), 103);
	CHECK(_kern_v_lengths(list), -EFAULT);
	list[1] = (const char *)1;
	CHECK(_kern_v_lengths(list), -EFAULT);
	REFUSED(4, _kern_v_lengths((const char *const *)pointer));

	/* More strings than fit, and an array whose end is not mapped. */
	static const char *sMany[20000];
	for (i = 0; i < 19999; i++)
		sMany[i] = "abcd";
	CHECK(_kern_v_lengths(sMany), -E2BIG);
	((const char **)end)[-1] = "a";
	CHECK(_kern_v_lengths((const char *const *)end - 1), -EFAULT);
	((const char **)end)[-1] = NULL;
	CHECK(_kern_v_lengths((const char *const *)end - 1), 0);

	/* Copies that were not given back would show by now. */
	for (i = 0; i < 40000; i++) {
		if (_kern_v_length("x") != 1 || _kern_v_lengths(list) != -EFAULT
			|| _kern_v_lengths(kList) != 103)
			break;
	}
	CHECK(i, 40000);
}

static void check_time(void)
{
	time_us_t start = _kern_system_time();

	CHECK(_kern_v_spin(50000), 0);
	CHECK(_kern_system_time() - start >= 50000, 1);
	CHECK(_kern_system_time() - start < 5000000, 1);
}

int main(void)
{
	bad_address(0, 1); /* finds out by calling, which would be counted below */
	check_scalars();
	check_objects();
	copy_tail(false);
	check_buffers();
	copy_tail(true);
	check_strings();
	copy_tail(true);
	check_time();
	CHECK(_kern_v_undeclared(EINVAL), -EINVAL);
	CHECK(_kern_v_undeclared(0), 0);
	print("%u checks, %u failures\n", sChecks, sFailures);
	return sFailures == 0 ? 0 : 1;
}
