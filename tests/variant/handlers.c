/*
 * The handlers of tests/variant/syscalls.def.part. tests/boot/test_variant.py
 * puts this file into kernel/ of a copy of the tree; apps/variant.c and
 * apps/crash.c, from this folder, call them.
 */
#include "kernel/arch.h"
#include "kernel/panic.h"
#include "kernel/string.h"
#include "syscall_handlers.h"

static uint32_t sCalls;

uint32_t _user_v_calls(void)
{
	return sCalls;
}

uint32_t _user_v_eight(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e,
	uint32_t f, uint32_t g, uint32_t h)
{
	sCalls++;
	return a * 2 + b * 3 + c * 5 + d * 7 + e * 11 + f * 13 + g * 17 + h * 19;
}

int64_t _user_v_mix(int a, int64_t b, int c, uint64_t d, int e, bool f)
{
	sCalls++;
	return a + b * 3 + c * 5 + (int64_t)(d * 7) + e * 11 + f * 13;
}

int _user_v_in(const struct v_pair *pair)
{
	sCalls++;
	return pair->first + pair->letter + pair->second;
}

int _user_v_in_optional(const struct v_pair *pair)
{
	sCalls++;
	return pair == NULL ? 7 : pair->first + pair->letter + pair->second;
}

int _user_v_out(struct v_pair *pair, int value)
{
	sCalls++;
	pair->first = value;
	pair->letter = 'v';
	pair->second = -value;
	return value < 0 ? -EINVAL : 0;
}

int _user_v_out_optional(uint32_t *value)
{
	sCalls++;
	if (value == NULL)
		return 7;
	*value = 0x01234567;
	return 0;
}

int _user_v_inout(struct v_pair *pair)
{
	int first = pair->first;

	sCalls++;
	pair->first = pair->second;
	pair->second = first;
	return 0;
}

int _user_v_inout_optional(int64_t *value)
{
	sCalls++;
	if (value == NULL)
		return 7;
	*value = -*value;
	return 0;
}

int64_t _user_v_wide_out(int64_t *value, int64_t result)
{
	sCalls++;
	*value = ~result;
	return result;
}

static int sum(struct user_in values, size_t count)
{
	int total = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		int value;
		int error = user_in_read(values, i * sizeof value, &value, sizeof value);

		if (error != 0)
			return error;
		total += value;
	}
	return total;
}

int _user_v_sum(struct user_in values, size_t count)
{
	sCalls++;
	return sum(values, count);
}

int _user_v_sum_optional(struct user_in values, size_t count)
{
	sCalls++;
	return values.address == 0 ? 7 : sum(values, count);
}

static int fill(struct user_out buffer, size_t size, int byte)
{
	char bytes[64];
	size_t done;

	memset(bytes, byte, sizeof bytes);
	for (done = 0; done < size;) {
		size_t count = size - done < sizeof bytes ? size - done : sizeof bytes;
		int error = user_out_write(buffer, done, bytes, count);

		if (error != 0)
			return error;
		done += count;
	}
	return 0;
}

int _user_v_fill(struct user_out buffer, size_t size, int byte)
{
	sCalls++;
	return fill(buffer, size, byte);
}

int _user_v_fill_optional(struct user_out buffer, size_t size, int byte)
{
	sCalls++;
	return buffer.address == 0 ? 7 : fill(buffer, size, byte);
}

int _user_v_reverse(struct user_inout bytes)
{
	char text[16], reversed[16];
	size_t i;
	int error = user_inout_read(bytes, 0, text, sizeof text);

	sCalls++;
	if (error != 0)
		return error;
	for (i = 0; i < sizeof text; i++)
		reversed[i] = text[sizeof text - 1 - i];
	/* What lies behind the buffer is not to be had through its handle. */
	if (bytes.size != sizeof text
		|| user_inout_read(bytes, 1, text, sizeof text) != -EFAULT
		|| user_inout_write(bytes, sizeof text, reversed, 1) != -EFAULT)
		return 1;
	return user_inout_write(bytes, 0, reversed, sizeof reversed);
}

int _user_v_double(struct user_inout words, uint32_t count)
{
	uint32_t i;

	sCalls++;
	if (words.address == 0)
		return 7;
	for (i = 0; i < count; i++) {
		uint32_t word;
		int error = user_inout_read(words, i * sizeof word, &word, sizeof word);

		word *= 2;
		if (error == 0)
			error = user_inout_write(words, i * sizeof word, &word, sizeof word);
		if (error != 0)
			return error;
	}
	return 0;
}

int _user_v_length(const char *text)
{
	sCalls++;
	return (int)strlen(text);
}

int _user_v_length_optional(const char *text)
{
	sCalls++;
	return text == NULL ? 7 : (int)strlen(text);
}

static int lengths(const char *const *list)
{
	int total = 0;

	for (; *list != NULL; list++)
		total = total * 10 + (int)strlen(*list);
	return total;
}

int _user_v_lengths(const char *const *list)
{
	sCalls++;
	return lengths(list);
}

int _user_v_lengths_optional(const char *const *list)
{
	sCalls++;
	return list == NULL ? 7 : lengths(list);
}

int _user_v_named(unsigned flags, int kind, int fd, pid_t who)
{
	sCalls++;
	return (flags == (V_ONE | V_HIGH) && kind == V_BEFORE) ? fd + who : -1000;
}

/* Time needs its interrupt: without it, it would stand still after a tick. */
int _user_v_spin(time_us_t duration)
{
	time_us_t start = arch_system_time();
	uint32_t turns;

	sCalls++;
	for (turns = 0; turns < 10000000; turns++) {
		if (arch_system_time() - start >= duration)
			return 0;
	}
	return 1;
}

int _user_v_undeclared(int error)
{
	sCalls++;
	return -error;
}

/* ---- Breaking things --------------------------------------------------------- */

static int overflow_the_stack(volatile char *above)
{
	volatile char here[128];

	here[0] = (char)(above[0] + 1);
	if (here[0] == above[0])
		return 0; /* never: so that the compiler sees an end */
	return overflow_the_stack(here) + here[0];
}

/* Volatile, so that no compiler sees what is going to happen. */
static volatile uintptr_t sNowhere = 0;
static volatile int sZero = 0;

int _user_v_crash(int how)
{
	volatile char bottom[1] = {0};

	switch (how) {
	case V_CRASH_NULL:
		return *(volatile int *)sNowhere;
	case V_CRASH_STACK:
		return overflow_the_stack(bottom);
	case V_CRASH_ASSERTION:
		ASSERT(how != V_CRASH_ASSERTION);
		return 0;
	case V_CRASH_DIVIDE:
		return how / sZero;
	case V_CRASH_JUMP:
		return ((int (*)(void))sNowhere)() + 1;
	case V_CRASH_IN_PANIC:
		panic("%s", (const char *)(sNowhere + 16));
	case V_CRASH_PANIC:
		panic("on purpose, %d", how);
	case V_CRASH_WRITE:
		*(volatile char *)(uintptr_t)&_user_v_crash = 0;
		return 0;
	case V_CRASH_OPCODE:
		__asm__ volatile("ud2");
		return 0;
	case V_CRASH_USER_MEMORY:
		return *(volatile int *)(sNowhere + 0x20000000);
	default:
		return 0;
	}
}
