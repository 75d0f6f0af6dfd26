/*
 * Runs the thunks that gensyscalls.py makes of every_annotation.def, on the
 * host: with a user memory that is an array, and handlers that write down how
 * they were called. Each case states the calls that a thunk must make, in their
 * order, with their arguments. That order is the promise: everything checked
 * and copied once before the handler, copies out after it, nothing kept.
 *
 * Built and run by test_gensyscalls.py with POSTERN_DEBUG 0 and 1.
 */
#include <postern/types.h>

#include <setjmp.h>
#include <stdarg.h>

#include <postern/errno.h>
#include <postern/pair.h>

#include "kernel/syscall.h"
#include "kernel/user_memory.h"
#include "syscall_handlers.h"
#include "syscall_numbers.h"

/* ---- What happened ------------------------------------------------------- */

static char sLog[4096];
static int sFailures;
static int sAllocated;
static jmp_buf sUndeclared;

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...)
{
	size_t used = strlen(sLog);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sLog + used, sizeof(sLog) - used, format, arguments);
	va_end(arguments);
}

/* ---- User memory: W can be written, R only read, the rest is not there ----- */

#define W 0x10000u
#define R 0x11000u
#define GONE 0x12000u
#define KERNEL 0xc0000000u

static unsigned char sMemory[0x2000];
static bool sLost; /* a handler has taken W away: another thread's unmap */

static unsigned char *at(uintptr_t address)
{
	return sMemory + (address - W);
}

static bool readable(uintptr_t address, size_t size)
{
	return address >= W && address + size <= GONE;
}

static bool writable(uintptr_t address, size_t size)
{
	return !sLost && address >= W && address + size <= R;
}

int user_copy_in(void *to, uintptr_t from, size_t size)
{
	note("in(%x,%zu) ", (unsigned)from, size);
	if (!readable(from, size))
		return -EFAULT;
	memcpy(to, at(from), size);
	return 0;
}

int user_copy_out(uintptr_t to, const void *from, size_t size)
{
	note("out(%x,%zu) ", (unsigned)to, size);
	if (!writable(to, size))
		return -EFAULT;
	memcpy(at(to), from, size);
	return 0;
}

int user_probe_out(uintptr_t address, size_t size)
{
	note("probe(%x,%zu) ", (unsigned)address, size);
	return writable(address, size) ? 0 : -EFAULT;
}

int user_counted_size(uintptr_t address, size_t count, size_t element_size, size_t *_size)
{
	note("size(%x,%zu,%zu) ", (unsigned)address, count, element_size);
	if (address + (uint64_t)count * element_size > KERNEL)
		return -EFAULT;
	*_size = count * element_size;
	return 0;
}

int user_string_in(uintptr_t from, const char **_string)
{
	note("string(%x) ", (unsigned)from);
	if (!readable(from, 1))
		return -EFAULT;
	*_string = strdup((const char *)at(from));
	sAllocated++;
	return 0;
}

void user_string_free(const char *string)
{
	note("free(%s) ", string);
	sAllocated--;
	free((void *)string);
}

int user_strings_in(uintptr_t from, const char *const **_strings)
{
	const char **strings;

	note("strings(%x) ", (unsigned)from);
	if (!readable(from, 1))
		return -E2BIG;
	strings = calloc(2, sizeof(*strings));
	strings[0] = (const char *)at(from);
	*_strings = strings;
	sAllocated++;
	return 0;
}

void user_strings_free(const char *const *strings)
{
	note("frees(%s) ", strings[0]);
	sAllocated--;
	free((void *)strings);
}

void syscall_undeclared_error(uint32_t number, int error)
{
	note("undeclared(%s,%d) ", kSyscallDetails[number].name, error);
	longjmp(sUndeclared, 1);
}

/* ---- Handlers -------------------------------------------------------------- */

static int64_t sResult; /* what handlers without a status of their own return */

static void note_handle(const char *name, uintptr_t address, size_t size)
{
	note("%s{%x,%zu} ", name, (unsigned)address, size);
}

int _user_nothing(void)
{
	note("nothing ");
	return (int)sResult;
}

uint32_t _user_raw(uint32_t value)
{
	return value;
}

uint32_t _user_raw_or_error(uint32_t value)
{
	return value;
}

uint64_t _user_raw64(uint64_t value)
{
	return value;
}

uint64_t _user_raw64_or_error(uint64_t value)
{
	return value;
}

int64_t _user_signed64(int64_t value)
{
	return value;
}

void *_user_address(uint32_t value)
{
	return (void *)(uintptr_t)value;
}

bool _user_truth(bool value)
{
	return value;
}

void _user_quiet(int value)
{
	note("quiet(%d) ", value);
}

int _user_scalars(int a, off_t b, bool c, unsigned d, int e, pid_t f, int g)
{
	note("scalars(%d,%lld,%d,%x,%d,%d,%d) ", a, (long long)b, c, d, e, f, g);
	return 0;
}

int _user_in_object(const struct pair *pair)
{
	note("in_object(%d,%d) ", pair->first, pair->second);
	return (int)sResult;
}

int _user_in_optional(const int64_t *value)
{
	note("in_optional(%lld) ", value != NULL ? (long long)*value : -1);
	return 0;
}

int _user_in_bool(const bool *value)
{
	note("in_bool(%d) ", (int)*value);
	return 0;
}

int _user_out_object(struct pair *pair, int status)
{
	note("out_object(%d,%d) ", pair->first, pair->second);
	pair->first = 3;
	pair->second = 4;
	return status;
}

int _user_out_optional(int *a, int *b, int status)
{
	note("out_optional(%s) ", a != NULL ? "both" : "b");
	if (a != NULL)
		*a = 5;
	*b = 6;
	sLost = status == 99;
	return status;
}

int _user_inout_object(struct pair *pair, int status)
{
	note("inout_object(%d,%d) ", pair->first, pair->second);
	pair->first += 10;
	return status;
}

int _user_inout_optional(int *value)
{
	note("inout_optional(%d) ", value != NULL ? (*value)++ : -1);
	return 0;
}

uint32_t _user_out_raw(int *value, uint32_t result)
{
	*value = 7;
	return result;
}

off_t _user_out_wide(int *value, off_t result)
{
	*value = 8;
	return result;
}

void _user_out_void(char *value)
{
	*value = 'x';
}

ssize_t _user_in_buffer(struct user_in buffer, size_t size)
{
	note_handle("in_buffer", buffer.address, buffer.size);
	return (ssize_t)size;
}

int _user_in_elements(int count, struct user_in pairs)
{
	note_handle("in_elements", pairs.address, pairs.size);
	return count;
}

int _user_in_sixteen(struct user_in bytes)
{
	note_handle("in_sixteen", bytes.address, bytes.size);
	return 0;
}

int _user_in_named(struct user_in values)
{
	note_handle("in_named", values.address, values.size);
	return 0;
}

int _user_out_buffer(struct user_out buffer, size_t size)
{
	note_handle("out_buffer", buffer.address, buffer.size);
	return (int)size;
}

int _user_inout_buffer(struct user_inout words, unsigned count)
{
	note_handle("inout_buffer", words.address, words.size);
	return (int)count;
}

int _user_string(const char *path)
{
	note("string_handler(%s) ", path);
	return (int)sResult;
}

int _user_string_optional(const char *path)
{
	note("string_optional(%s) ", path != NULL ? path : "NULL");
	return 0;
}

int _user_strings_only(const char *const *list)
{
	note("strings_only(%s) ", list[0]);
	return 0;
}

int _user_strings_optional(const char *const *list)
{
	note("strings_optional(%s) ", list != NULL ? list[0] : "NULL");
	return 0;
}

int _user_two_strings(
	const char *a, const char *b, const char *const *list, struct pair *pair)
{
	note("two_strings(%s,%s,%s) ", a, b != NULL ? b : "NULL", list[0]);
	pair->first = 9;
	sLost = sResult == 99;
	return (int)sResult;
}

void _user_string_void(const char *path)
{
	note("string_void(%s) ", path);
}

int64_t _user_everything(const char *error, const struct pair *result, int *arguments,
	struct user_out index, size_t size, int64_t *time)
{
	note("everything(%s,%d,%d,%zu,%d) ", error, result->first, *arguments, size,
		time != NULL);
	note_handle("index", index.address, index.size);
	*arguments = 11;
	if (time != NULL)
		*time = 12;
	return sResult;
}

/* ---- Cases ------------------------------------------------------------------ */

static int64_t call(uint32_t number, const uint32_t *arguments)
{
	const struct syscall_info *info = &kSyscallInfos[number];

	sLog[0] = 0;
	if (setjmp(sUndeclared) != 0)
		return INT64_MIN;
	if (info->facts & SYSCALL_WIDE_RESULT)
		return info->thunk.wide(arguments);
	return info->thunk.narrow(arguments);
}

static void expect(int line, int64_t result, int64_t wanted, const char *log)
{
	size_t length = strlen(sLog);

	if (length > 0)
		sLog[length - 1] = 0; /* the blank behind the last note */
	if (result == wanted && strcmp(sLog, log) == 0 && sAllocated == 0)
		return;
	sFailures++;
	printf("harness.c:%d: returned %lld, wanted %lld; %d strings kept\n", line,
		(long long)result, (long long)wanted, sAllocated);
	printf("  did:    %s\n  wanted: %s\n", sLog, log);
}

/*
 * The block has exactly as many dwords as the facts say: the sanitizer sees a
 * thunk that reads one more.
 */
static int64_t call_with(uint32_t number, size_t count, const uint32_t *arguments)
{
	uint32_t *block = malloc(count * sizeof(*block) + 1);
	int64_t result;

	if ((kSyscallInfos[number].facts & SYSCALL_ARGUMENT_DWORDS) != count) {
		printf("%s: facts say another count than %zu\n", kSyscallDetails[number].name,
			count);
		sFailures++;
	}
	memcpy(block, arguments, count * sizeof(*block));
	result = call(number, block);
	free(block);
	return result;
}

#define BLOCK(...) ((const uint32_t[]){0, ##__VA_ARGS__})
#define COUNT(...) (sizeof(BLOCK(__VA_ARGS__)) / sizeof(uint32_t) - 1)
#define CASE(name, wanted, log, ...)                                                     \
	expect(__LINE__, call_with(SYS_##name, COUNT(__VA_ARGS__), BLOCK(__VA_ARGS__) + 1),  \
		wanted, log)

static void put(uint32_t address, const void *bytes, size_t size)
{
	memcpy(at(address), bytes, size);
}

static void expect_int(int line, uint32_t address, int wanted)
{
	int value;

	memcpy(&value, at(address), sizeof(value));
	if (value != wanted) {
		printf("harness.c:%d: %d in memory, wanted %d\n", line, value, wanted);
		sFailures++;
	}
}

#define MEMORY(address, wanted) expect_int(__LINE__, address, wanted)

static void test_results(void)
{
	sResult = 0x7fffffff;
	CASE(nothing, 0x7fffffff, "nothing");
	CASE(raw, 0x7fffffff, "", 0x7fffffff);
	CASE(raw, -22, "", (uint32_t)-22); /* a value: the call lists no errors */
	CASE(raw_or_error, -22, "", (uint32_t)-22);
	CASE(raw_or_error, -4096, "", (uint32_t)-4096); /* no error, so a value */
	CASE(raw64, 0x123456789abcdef0, "", 0x9abcdef0, 0x12345678);
	CASE(raw64, -1, "", 0xffffffff, 0xffffffff);
	CASE(raw64_or_error, 0xfffffff5, "", 0xfffffff5, 0); /* positive in 64 bits */
	CASE(signed64, -5, "", (uint32_t)-5, 0xffffffff);
	CASE(signed64, -4294967291, "", 5, 0xffffffff);
	CASE(address, (int32_t)0xbffff000, "", 0xbffff000);
	CASE(truth, 1, "", 0x100); /* any bit makes it true */
	CASE(quiet, 0, "quiet(-3)", (uint32_t)-3);
	CASE(scalars, 0, "scalars(-1,8589934593,1,80000000,2,77,3)", (uint32_t)-1, 1, 2, 8,
		0x80000000, 2, 77, 3);
	sResult = -ENOSYS;
	CASE(nothing, -ENOSYS, "nothing");
	sResult = 0;
	expect(__LINE__, call(0, NULL), -ENOSYS, ""); /* retired */
	expect(__LINE__, call(SYS_scalars + 1, NULL), -ENOSYS, "");
}

static void test_undeclared(void)
{
#if POSTERN_DEBUG
	sResult = -EIO;
	CASE(nothing, INT64_MIN, "nothing undeclared(nothing,-5)");
	CASE(raw_or_error, INT64_MIN, "undeclared(raw_or_error,-14)", (uint32_t)-EFAULT);
	CASE(raw64_or_error, INT64_MIN, "undeclared(raw64_or_error,-4095)", (uint32_t)-4095,
		0xffffffff);
	CASE(signed64, INT64_MIN, "undeclared(signed64,-1)", (uint32_t)-1, 0xffffffff);
	CASE(address, INT64_MIN, "undeclared(address,-1)", (uint32_t)-1);
	CASE(out_object, INT64_MIN,
		"probe(10000,12) out_object(0,0) undeclared(out_object,-5)", W, (uint32_t)-EIO);
	sResult = 0;
#else
	sResult = -EIO;
	CASE(nothing, -EIO, "nothing");
	sResult = 0;
#endif
}

static void test_objects(void)
{
	const struct pair pair = {.first = 1, .flag = true, .second = 2};
	const int64_t wide = 0x1122334455667788;
	size_t index;

	put(R, &pair, sizeof(pair));
	CASE(in_object, 0, "in(11000,12) in_object(1,2)", R);
	CASE(in_object, -EFAULT, "", 0);
	CASE(in_object, -EFAULT, "in(12000,12)", GONE);
	CASE(in_object, -EFAULT, "in(11ff8,12)", GONE - 8);
	sResult = -EINVAL;
	CASE(in_object, -EINVAL, "in(11000,12) in_object(1,2)", R);
	sResult = 0;

	put(R + 1, &wide, sizeof(wide));
	CASE(in_optional, 0, "in(11001,8) in_optional(1234605616436508552)", R + 1);
	CASE(in_optional, 0, "in_optional(-1)", 0);
	CASE(in_optional, -EFAULT, "in(1,8)", 1);
	memset(at(R), 0x82, 1);
	CASE(in_bool, 0, "in(11000,1) in_bool(1)", R);
	memset(at(R), 0, 1);
	CASE(in_bool, 0, "in(11000,1) in_bool(0)", R);

	memset(at(W), 0xaa, 64);
	CASE(out_object, 0, "probe(10000,12) out_object(0,0) out(10000,12)", W, 0);
	MEMORY(W, 3);
	for (index = 4; index < 8;
		 index++) { /* the flag and its padding: no stack contents */
		if (*at(W + index) != 0)
			sFailures++, printf("byte %zu of an [out] object was not cleared\n", index);
	}
	memset(at(W), 0xaa, 64);
	CASE(out_object, -EINVAL, "probe(10000,12) out_object(0,0)", W, (uint32_t)-EINVAL);
	MEMORY(W, (int)0xaaaaaaaa);
	CASE(out_object, -EFAULT, "probe(11000,12)", R, 0);
	CASE(out_object, -EFAULT, "", 0, 0);
	CASE(out_object, -4096, "probe(10000,12) out_object(0,0) out(10000,12)", W,
		(uint32_t)-4096);

	CASE(out_optional, 0,
		"probe(10000,4) probe(10004,4) out_optional(both) out(10000,4) out(10004,4)", W,
		W + 4, 0);
	MEMORY(W, 5);
	MEMORY(W + 4, 6);
	CASE(out_optional, 1, "probe(10004,4) out_optional(b) out(10004,4)", 0, W + 4, 1);
	CASE(out_optional, -EFAULT, "", W, 0, 0);
	CASE(out_optional, -EFAULT, "probe(10000,4) probe(11000,4)", W, R, 0);

	CASE(out_optional, -EFAULT,
		"probe(10000,4) probe(10004,4) out_optional(both) out(10000,4)", W, W + 4, 99);
	sLost = false;

	put(W, &pair, sizeof(pair));
	CASE(inout_object, 0, "probe(10000,12) in(10000,12) inout_object(1,2) out(10000,12)",
		W, 0);
	MEMORY(W, 11);
	CASE(inout_object, -EINVAL, "probe(10000,12) in(10000,12) inout_object(11,2)", W,
		(uint32_t)-EINVAL);
	MEMORY(W, 11);
	CASE(inout_object, -EFAULT, "probe(11000,12)", R, 0);
	CASE(inout_optional, 0, "inout_optional(-1)", 0);
	CASE(inout_optional, 0, "probe(10000,4) in(10000,4) inout_optional(11) out(10000,4)",
		W);
	MEMORY(W, 12);

	CASE(out_raw, -22, "probe(10000,4) out(10000,4)", W, (uint32_t)-22);
	MEMORY(W, 7);
	CASE(out_wide, 1LL << 32, "probe(10000,4) out(10000,4)", W, 0, 1);
	MEMORY(W, 8);
	memset(at(W), 0xaa, 4);
	CASE(out_wide, -ESPIPE, "probe(10000,4)", W, (uint32_t)-ESPIPE, 0xffffffff);
	MEMORY(W, (int)0xaaaaaaaa);
	CASE(out_wide, -EFAULT, "", 0, 0, 0);
	CASE(out_void, 0, "probe(10000,1) out(10000,1)", W);
}

static void test_buffers(void)
{
	CASE(in_buffer, 100, "size(10000,100,1) in_buffer{10000,100}", W, 100);
	CASE(in_buffer, 0, "size(10000,0,1) in_buffer{10000,0}", W, 0);
	CASE(in_buffer, -EFAULT, "", 0, 0);
	CASE(in_buffer, -EFAULT, "", 0, 5);
	CASE(in_buffer, -EFAULT, "size(bfffffff,2,1)", 0xbfffffff, 2);
	CASE(in_buffer, -EFAULT, "size(10000,4294967295,1)", W, 0xffffffff);
	CASE(in_elements, 3, "size(10000,3,12) in_elements{10000,36}", 3, W);
	CASE(in_elements, -EFAULT, "", (uint32_t)-1, W);
	CASE(in_elements, -EFAULT, "", 0x80000000, W);
	CASE(in_sixteen, 0, "size(10000,16,1) in_sixteen{10000,16}", W);
	CASE(in_named, 0, "size(10000,64,4) in_named{10000,256}", W);
	CASE(out_buffer, 9, "size(10000,9,1) out_buffer{10000,9}", W, 9);
	CASE(out_buffer, 9, "out_buffer{0,0}", 0, 9);
	CASE(inout_buffer, 2, "size(10000,2,4) inout_buffer{10000,8}", W, 2);
	CASE(inout_buffer, 2, "inout_buffer{0,0}", 0, 2);
	CASE(inout_buffer, -EFAULT, "size(10000,4294967295,4)", W, 0xffffffff);
}

static void test_strings(void)
{
	put(R, "path", 5);
	put(R + 8, "list", 5);
	CASE(string, 0, "string(11000) string_handler(path) free(path)", R);
	CASE(string, -EFAULT, "", 0);
	CASE(string, -EFAULT, "string(12000)", GONE);
	sResult = -ENOENT;
	CASE(string, -ENOENT, "string(11000) string_handler(path) free(path)", R);
	sResult = 0;
	CASE(string_optional, 0, "string_optional(NULL)", 0);
	CASE(string_optional, 0, "string(11000) string_optional(path) free(path)", R);
	CASE(string_optional, -EFAULT, "string(12000)", GONE);
	CASE(strings_only, 0, "strings(11008) strings_only(list) frees(list)", R + 8);
	CASE(strings_only, -E2BIG, "strings(12000)", GONE);
	CASE(strings_only, -EFAULT, "", 0);
	CASE(strings_optional, 0, "strings_optional(NULL)", 0);
	CASE(string_void, 0, "string(11000) string_void(path) free(path)", R);

	CASE(two_strings, 0,
		"probe(10000,12) string(11000) string(11008) strings(11008) "
		"two_strings(path,list,list) out(10000,12) frees(list) free(list) free(path)",
		R, R + 8, R + 8, W);
	MEMORY(W, 9);
	CASE(two_strings, 0,
		"probe(10000,12) string(11000) strings(11008) "
		"two_strings(path,NULL,list) out(10000,12) frees(list) free(path)",
		R, 0, R + 8, W);
	CASE(two_strings, -E2BIG,
		"probe(10000,12) string(11000) string(11008) strings(12000) free(list) free(path)",
		R, R + 8, GONE, W);
	CASE(two_strings, -E2BIG, "probe(10000,12) string(11000) strings(12000) free(path)",
		R, 0, GONE, W);
	CASE(two_strings, -EFAULT, "probe(10000,12) string(11000) string(12000) free(path)",
		R, GONE, R, W);
	CASE(two_strings, -EFAULT, "probe(10000,12) string(12000)", GONE, 0, R, W);
	CASE(two_strings, -EFAULT, "probe(11000,12)", R, 0, R, R);
	CASE(two_strings, -EFAULT, "", R, 0, 0, W);
	sResult = 99;
	CASE(two_strings, -EFAULT,
		"probe(10000,12) string(11000) strings(11008) "
		"two_strings(path,NULL,list) out(10000,12) frees(list) free(path)",
		R, 0, R + 8, W);
	sLost = false;
	sResult = -ENOENT;
	CASE(two_strings, -ENOENT,
		"probe(10000,12) string(11000) strings(11008) "
		"two_strings(path,NULL,list) frees(list) free(path)",
		R, 0, R + 8, W);
	sResult = 0;
}

static void test_everything(void)
{
	const struct pair pair = {.first = 1, .flag = true, .second = 2};
	const int value = 42;

	put(R, "path", 5);
	put(R + 16, &pair, sizeof(pair));
	put(W, &value, sizeof(value));
	CASE(everything, 0,
		"size(10100,5,1) in(11010,12) probe(10000,4) in(10000,4) probe(10200,8) string(11000) "
		"everything(path,1,42,5,1) index{10100,5} out(10000,4) out(10200,8) free(path)",
		R, R + 16, W, W + 0x100, 5, W + 0x200);
	MEMORY(W, 11);
	MEMORY(W + 0x200, 12);
	CASE(everything, 0,
		"size(10100,5,1) in(11010,12) probe(10000,4) in(10000,4) string(11000) "
		"everything(path,1,11,5,0) index{10100,5} out(10000,4) free(path)",
		R, R + 16, W, W + 0x100, 5, 0);
	sResult = -EIO;
	CASE(everything, -EIO,
		"size(10100,5,1) in(11010,12) probe(10000,4) in(10000,4) string(11000) "
		"everything(path,1,11,5,0) index{10100,5} free(path)",
		R, R + 16, W, W + 0x100, 5, 0);
	sResult = 0;
}

static void test_details(void)
{
	const struct syscall_details *details = &kSyscallDetails[SYS_scalars];

	if (kSyscallCount != SYSCALL_COUNT || kSyscallDetails[0].name != NULL
		|| strcmp(details->name, "scalars") != 0
		|| strcmp(details->prototype,
			   "int scalars(int a, off_t b, bool c, unsigned d, int e, pid_t f, int g)")
			   != 0
		|| kSyscallDetails[SYS_string].errors[0] != ENOENT
		|| kSyscallDetails[SYS_string].errors[1] != 0 || details->errors[0] != 0) {
		puts("kSyscallDetails is wrong");
		sFailures++;
	}
	if (OPEN_HIGH != 0x80000000u || FROM_BEFORE != -1 || FROM_LOWEST != INT32_MIN
		|| OPEN_CREATE != 64) {
		puts("constants are wrong");
		sFailures++;
	}
}

int main(void)
{
	test_results();
	test_undeclared();
	test_objects();
	test_buffers();
	test_strings();
	test_everything();
	test_details();
	if (sFailures == 0)
		puts("ok");
	return sFailures != 0;
}
