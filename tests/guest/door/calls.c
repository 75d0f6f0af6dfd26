/*
 * Cases that follow from syscalls.def: every call with good arguments, with
 * every hostile pointer and every hostile length. What a call is given and
 * what must come back is derived from door_calls.h; the table kSpecial says
 * where a call needs something else, and why.
 */
#include "door.h"
#include "door_calls.h"
#include <postern/print.h>
#include <postern/syscalls.h>

const struct door_call *const gCalls = kCalls;
const uint32_t gCallCount = sizeof kCalls / sizeof kCalls[0];
const uint32_t gCallNumbers = DOOR_CALL_NUMBERS;

/* Open for these cases; what else a call opens gets numbers between. */
enum { FD_FREE = 3, FD_ZERO = 20, FD_ROOT = 21 };

enum special_how {
	NOT_HERE, /* never called by the harness */
	VARIES,	  /* what it answers may differ from one call to the next */
	ANSWERS,  /* `value`, with `argument` in its first dwords */
};

static const struct special {
	const char *name;
	enum special_how how;
	int64_t argument;
	int64_t value;
	const char *why;
} kSpecial[] = {
	{"exit", NOT_HERE, 0, 0, "ends the program"},
	{"system_time", VARIES, 0, 0, "time goes on between two paths"},
	{"real_time", VARIES, 0, 0, "time goes on between two paths"},
	{"is_computer_on", ANSWERS, 0, 1, "a known answer"},
	{"echo", ANSWERS, 0x89abcdefll, 0x89abcdefll, "a known answer"},
	{"echo64", ANSWERS, 0x76543210fedcba98ll, 0x76543210fedcba98ll, "a known answer"},
	{"write", ANSWERS, 1, 1, "one byte of the good buffer, a newline, to the console"},
	{"get_info", VARIES, 0, 0, "tells of free pages, and touching one takes one"},
	{"sigprocmask", VARIES, 0, 0, "tells what the call before has set"},
	{"brk", NOT_HERE, 0, 0, "would map what other cases want unmapped; no pointers"},
	{"sigaction", VARIES, 0, 0, "tells what the call before has set"},
	{"fork", NOT_HERE, 0, 0, "answers with another number each time"},
	{"process_delete", NOT_HERE, 0, 0, "may end the program; no pointers"},
	{"kill", NOT_HERE, 0, 0, "may end the program; no pointers"},
	{"setpgid", ANSWERS, 0, 0, "puts the program into a group of its own, where it is"},
	{"getpgid", ANSWERS, -1, -3, "nobody: ESRCH"},
	{"process_status", VARIES, 0, 0, "processor time goes on"},
	{"spawn_thread", NOT_HERE, 0, 0, "runs whatever is there; no pointers"},
	{"exit_thread", NOT_HERE, 0, 0, "ends the program's only thread"},
	{"snooze", NOT_HERE, 0, 0, "may sleep for ever; no pointers"},
	{"futex_wait", NOT_HERE, 0, 0, "may wait for ever; no pointers"},
	{"futex_wake", ANSWERS, 1, -22, "not on 4 bytes: EINVAL"},
	{"map", NOT_HERE, 0, 0, "may replace the program; no pointers"},
	{"unmap", NOT_HERE, 0, 0, "may take the program away; no pointers"},
	{"protect", NOT_HERE, 0, 0, "may close the program off; no pointers"},
	{"sigreturn", NOT_HERE, 0, 0, "goes on elsewhere"},
	{"sigsuspend", NOT_HERE, 0, 0, "waits until a signal comes; no pointers"},
	{"alarm", NOT_HERE, 0, 0, "ends the program later; no pointers"},
	{"setitimer", VARIES, 0, 0, "tells what the call before has set"},
	{"power", NOT_HERE, 0, 0, "switches the machine off; no pointers"},
	{"close", NOT_HERE, 0, 0, "would close what the others use; no pointers"},
	{"read", ANSWERS, FD_ZERO, 1, "one byte of /dev/zero"},
	{"readv", ANSWERS, FD_ZERO, -14, "one part, whose address is newlines"},
	{"getdirent", ANSWERS, FD_ROOT, -34, "the first name is \".\", and has no room"},
	{"read_dir", ANSWERS, FD_ROOT, -22, "no entry fits into one byte"},
	{"fstat", VARIES, 0, 0, "tells of times"},
	{"mkdir", VARIES, 0, 0, "the second time it is there"},
	{"symlink", VARIES, 0, 0, "the second time it is there"},
	{"rmdir", VARIES, 0, 0, "the second time it is gone"},
	{"unlink", VARIES, 0, 0, "the second time it is gone"},
	{"dup", VARIES, 0, 0, "gives another number each time"},
	{"fcntl", VARIES, 0, 0, "F_DUPFD gives another number each time"},
	{"umask", VARIES, 0, 0, "tells what the call before has set"},
	{"fsync", ANSWERS, FD_ROOT, 0, "the root needs nothing"},
	{"record_lock", ANSWERS, FD_ROOT, -22, "there is no command 0"},
	{"mkfifo", VARIES, 0, 0, "the second time it is there"},
	{"ffile_system_status", VARIES, 0, 0, "tells of free blocks, which others take"},
};

static const struct special *find_special(const struct door_call *call)
{
	uint32_t i;

	for (i = 0; i < sizeof kSpecial / sizeof kSpecial[0]; i++) {
		if (strcmp(kSpecial[i].name, call->name) == 0)
			return &kSpecial[i];
	}
	return NULL;
}

const struct door_call *door_find_call(const char *name)
{
	uint32_t i;

	for (i = 0; i < gCallCount; i++) {
		if (strcmp(kCalls[i].name, name) == 0)
			return &kCalls[i];
	}
	return NULL;
}

/* ---- Good arguments, in memory that is watched --------------------------------- */

#define SLOT 4096u
#define SLOT_OBJECT 1024u /* the rest of a slot must stay as it is */

static uint8_t sSlots[8][SLOT] __attribute__((aligned(4096)));
static uint8_t sFilled[SLOT], sSeen[8][SLOT];
static const struct door_call *sCall; /* that these arguments are for */
static uint32_t sArguments[8];
static const struct door_call *sGood; /* whose objects the slots hold */
static bool sHaveSeen;
static uint32_t sTail[4];

static bool is_pointer(const struct door_parameter *parameter)
{
	return parameter->kind >= PARAMETER_IN;
}

static bool is_written(const struct door_parameter *parameter)
{
	return parameter->kind == PARAMETER_OUT || parameter->kind == PARAMETER_INOUT;
}

/* Newlines: `write` shows them, and they harm no log. */
static void fill_slot(uint8_t *slot, const struct door_parameter *parameter)
{
	static const char kString[] = "/door";

	memset(slot, '\n', SLOT);
	if (parameter->kind == PARAMETER_STRING)
		memcpy(slot + SLOT_OBJECT, kString, sizeof kString);
	if (parameter->kind == PARAMETER_STRINGS) {
		const uint32_t array[] = {(uint32_t)kString, 0};

		memcpy(slot + SLOT_OBJECT, array, sizeof array);
	}
}

void door_refill(void)
{
	uint32_t i;

	for (i = 0; sGood != NULL && i < sGood->parameter_count; i++) {
		if (is_pointer(&sGood->parameters[i]))
			fill_slot(sSlots[i], &sGood->parameters[i]);
	}
}

void door_good_arguments(const struct door_call *call, uint32_t arguments[8])
{
	const struct special *special = find_special(call);
	uint32_t i;

	sGood = call;
	door_refill();
	memset(arguments, 0, 8 * sizeof arguments[0]);
	if (special != NULL) {
		arguments[0] = (uint32_t)special->argument;
		if (call->parameter_count > 0 && call->parameters[0].dwords == 2)
			arguments[1] = (uint32_t)(special->argument >> 32);
	}
	for (i = 0; i < call->parameter_count; i++) {
		const struct door_parameter *parameter = &call->parameters[i];

		if (is_pointer(parameter))
			arguments[parameter->dword] = (uint32_t)(sSlots[i] + SLOT_OBJECT);
		else if (parameter->kind == PARAMETER_LENGTH)
			arguments[parameter->dword] = 1;
		else if (parameter->kind == PARAMETER_FD
				 && (special == NULL || special->argument == 0))
			arguments[parameter->dword] = 1;
	}
}

bool door_good_result(const struct door_call *call, struct door_expected *_expected)
{
	const struct special *special = find_special(call);

	if (special == NULL)
		*_expected = SAME(call->wide);
	else if (special->how == NOT_HERE)
		return false;
	else if (special->how == VARIES)
		*_expected = ANY(call->wide);
	else
		*_expected = (struct door_expected){EXPECT_VALUE, call->wide, special->value};
	return true;
}

static uint64_t object_size(const struct door_parameter *parameter)
{
	uint32_t count = parameter->length_dword >= 0 ? sArguments[parameter->length_dword]
												  : parameter->length;

	return (uint64_t)count * parameter->element_size;
}

/* ---- Before and behind each path ------------------------------------------------- */

/* Descriptors that a call of the path before has opened: numbers are to be the same. */
static void close_others(void)
{
	int fd;

	for (fd = FD_FREE; fd < FD_ZERO && _kern_close(fd) == 0; fd++) {
	}
}

static void put_at(int fd, const char *path, int flags)
{
	int opened = _kern_open(path, flags, 0);

	if (opened < 0 || _kern_dup2(opened, fd) != fd || _kern_close(opened) != 0) {
		print("door: cannot open %s\n", path);
		_kern_exit(1);
	}
}

/* Nothing to wait for behind any descriptor. */
void door_open_files(void)
{
	put_at(0, "/dev/null", O_RDONLY);
	put_at(2, "/dev/console", O_WRONLY);
	put_at(1, "/dev/console", O_WRONLY);
	put_at(FD_ZERO, "/dev/zero", O_RDONLY);
	put_at(FD_ROOT, "/", O_RDONLY);
}

static void prepare(void)
{
	close_others();
	_kern_seek(FD_ROOT, 0, SEEK_SET);
	door_refill();
	memset(door_tail + sizeof door_tail - PAGE, '\n', PAGE);
	memcpy(door_tail + sizeof door_tail - sizeof sTail, sTail, sizeof sTail);
}

static bool is_error(uint32_t eax)
{
	return (int32_t)eax < 0 && (int32_t)eax >= -4095;
}

static void check_errors(enum door_path path, const struct door_state *out)
{
	const int16_t *error = sCall->errors;

	if (!sCall->can_fail || !is_error(out->eax))
		return;
	while (*error != 0 && *error != -(int32_t)out->eax)
		error++;
	if (*error == 0)
		door_fail(path, "EAX", "error %d, which syscalls.def does not declare",
			-(int32_t)out->eax);
	else
		door_pass();
}

/* Nothing but the declared outputs has changed, and they alike on all paths. */
static void inspect(enum door_path path, const struct door_state *out)
{
	const struct special *special = find_special(sCall);
	uint32_t i, at;

	check_errors(path, out);
	for (i = 0; i < sCall->parameter_count; i++) {
		const struct door_parameter *parameter = &sCall->parameters[i];
		uint64_t size = is_written(parameter) ? object_size(parameter) : 0;
		uint32_t end;

		if (!is_pointer(parameter))
			continue;
		/* A bad pointer leaves objects as they are. */
		if (!parameter->counted && sCall->can_fail && is_error(out->eax)
			&& out->eax == (uint32_t)-EFAULT)
			size = 0;
		if (sArguments[parameter->dword] != (uint32_t)(sSlots[i] + SLOT_OBJECT))
			size = 0; /* then this slot is no argument at all */
		end = size > SLOT - SLOT_OBJECT ? SLOT : SLOT_OBJECT + (uint32_t)size;
		fill_slot(sFilled, parameter);
		for (at = 0; at < SLOT; at++) {
			if ((at < SLOT_OBJECT || at >= end) && sSlots[i][at] != sFilled[at]) {
				door_fail(path, parameter->name, "byte %d beside the object has changed",
					(int)at - (int)SLOT_OBJECT);
				break;
			}
		}
		if (at == SLOT)
			door_pass();
		if (!sHaveSeen)
			memcpy(sSeen[i], sSlots[i], SLOT);
		else if ((special == NULL || special->how != VARIES)
				 && memcmp(sSeen[i], sSlots[i], SLOT) != 0)
			door_fail(path, parameter->name, "bytes differ from the other path's");
		else
			door_pass();
	}
	sHaveSeen = true;
}

static const struct door_hooks kHooks = {prepare, inspect};

static bool begin(const struct door_call *call, struct door_expected *_expected)
{
	sCall = call;
	sHaveSeen = false;
	memset(sTail, '\n', sizeof sTail);
	door_good_arguments(call, sArguments);
	return door_good_result(call, _expected);
}

static bool run(struct door_expected expected, struct door_state *_out)
{
	struct door_state state;

	sHaveSeen = false;
	door_default(&state, sCall->number);
	door_arguments(&state, sArguments, sCall->dwords);
	return door_check(&state, PATHS_ALL, expected, &kHooks, _out);
}

/* ---- What must come of a pointer -------------------------------------------------- */

enum verdict { VERDICT_FAULT, VERDICT_ERROR, VERDICT_PART, VERDICT_OPEN };

#define STRING_MAX 4096u
#define STRINGS_WALKED 64u

/* A string that ends, one that leaves memory, or one too long to say. */
static enum verdict judge_string(uint32_t address)
{
	uint32_t readable = address < KERNEL_BASE ? door_accessible(address, false) : 0;
	uint32_t i;

	for (i = 0; i < readable && i < STRING_MAX; i++) {
		if (((const char *)address)[i] == '\0')
			return VERDICT_OPEN;
	}
	return readable < STRING_MAX ? VERDICT_FAULT : VERDICT_OPEN;
}

static enum verdict judge_strings(uint32_t address)
{
	enum verdict verdict = VERDICT_OPEN;
	uint32_t i, pointer;

	for (i = 0; i < STRINGS_WALKED; i++, address += 4) {
		if (address >= KERNEL_BASE || door_accessible(address, false) < 4)
			return VERDICT_FAULT;
		memcpy(&pointer, (const void *)address, sizeof pointer);
		if (pointer == 0)
			return verdict;
		if (judge_string(pointer) == VERDICT_FAULT)
			verdict = VERDICT_FAULT;
	}
	return VERDICT_OPEN;
}

static enum verdict judge(const struct door_parameter *parameter, uint32_t *_accessible)
{
	uint32_t address = sArguments[parameter->dword];
	uint64_t size = parameter->element_size != 0 ? object_size(parameter) : 1;

	*_accessible = 0;
	if (address == 0)
		return parameter->nullable ? VERDICT_OPEN : VERDICT_FAULT;
	if (parameter->kind == PARAMETER_STRING)
		return judge_string(address);
	if (parameter->kind == PARAMETER_STRINGS)
		return judge_strings(address);
	if (size == 0)
		return VERDICT_OPEN;
	if (address + size > KERNEL_BASE)
		return VERDICT_FAULT;
	*_accessible = door_accessible(address, is_written(parameter));
	if (*_accessible >= size)
		return VERDICT_OPEN;
	if (!parameter->counted)
		return VERDICT_FAULT;
	return *_accessible == 0 ? VERDICT_ERROR : VERDICT_PART;
}

static void run_judged(const struct door_parameter *parameter, struct door_expected good)
{
	struct door_state out;
	uint32_t accessible;
	enum verdict verdict;

	prepare(); /* judge() reads what the call will */
	verdict = judge(parameter, &accessible);
	if (verdict == VERDICT_FAULT)
		good = (struct door_expected){EXPECT_VALUE, sCall->wide, -EFAULT};
	else if (good.how == EXPECT_VALUE)
		good = SAME(sCall->wide);
	run(good, &out);
	/* The handler has not seen memory that the program has not. */
	if (verdict == VERDICT_ERROR && sCall->can_fail) {
		if (!is_error(out.eax))
			door_fail(
				PATH_INT99, "EAX", "got %d for memory that is not there", (int)out.eax);
		else
			door_pass();
	}
	if (verdict == VERDICT_PART && sCall->can_fail && !is_error(out.eax)) {
		if (out.eax > accessible)
			door_fail(PATH_INT99, "EAX", "got %u, but only %u bytes are there", out.eax,
				accessible);
		else
			door_pass();
	}
}

/* ---- Cases ------------------------------------------------------------------------ */

void case_calls(void)
{
	struct door_expected expected;
	uint32_t i;

	for (i = 0; i < gCallCount; i++) {
		door_doing("%s", kCalls[i].name);
		if (begin(&kCalls[i], &expected))
			run(expected, NULL);
	}
}

static uint32_t hostile_pointer(uint32_t index)
{
	const uint32_t values[] = {
		0,
		1,
		0xfff,
		0xffff,
		0x10000,
		0x00300000,
		0x10000000,
		0x3fffff,
		0x3ffffe,
		(uint32_t)door_tail_end - 1,
		(uint32_t)door_tail_end - 2,
		(uint32_t)door_tail_end - 3,
		(uint32_t)door_tail_end - 4,
		(uint32_t)door_tail_end - 8,
		(uint32_t)door_tail_end,
		(uint32_t)door_read_only,
		KERNEL_BASE - (8u << 20) - 1,
		KERNEL_BASE - (8u << 20) - 4,
		0xbffffffc,
		0xbfffffff,
		0xc0000000,
		0xc0000001,
		0xc0100000,
		0xd0000000,
		0xe0000000,
		COMMPAGE - 1,
		COMMPAGE,
		COMMPAGE + 12,
		COMMPAGE + 0xfff,
		0xfffffffc,
		0xffffffff,
	};

	return index < sizeof values / sizeof values[0] ? values[index] : 0x5eed;
}

#define POINTERS_END 0x5eedu

void case_pointers(void)
{
	static const uint32_t kCounts[] = {1, 2, 16};
	struct door_expected expected;
	uint32_t i, j, k, count;

	for (i = 0; i < gCallCount; i++) {
		if (!begin(&kCalls[i], &expected))
			continue;
		for (j = 0; j < sCall->parameter_count; j++) {
			const struct door_parameter *parameter = &sCall->parameters[j];

			if (!is_pointer(parameter))
				continue;
			for (count = 0; count < sizeof kCounts / sizeof kCounts[0]; count++) {
				if (count > 0 && (!parameter->counted || parameter->length_dword < 0))
					break;
				for (k = 0; hostile_pointer(k) != POINTERS_END; k++) {
					door_good_arguments(sCall, sArguments);
					sArguments[parameter->dword] = hostile_pointer(k);
					if (parameter->counted && parameter->length_dword >= 0)
						sArguments[parameter->length_dword] = kCounts[count];
					door_doing("%s %s=0x%x count %u", sCall->name, parameter->name,
						hostile_pointer(k), kCounts[count]);
					run_judged(parameter, expected);
				}
			}
		}
	}
}

void case_lengths(void)
{
	/* Behind 16 bytes of these comes nothing, so a length is never believed. */
	static const uint32_t kLengths[] = {0, 1, 15, 16, 17, 32, 0x1000, 0x10000, 0x3fffffff,
		0x40000000, 0x40000001, 0x7fffffff, 0x80000000, 0xbfffffff, 0xc0000000,
		0xc0000001, 0xfffffff0, 0xffffffff};
	struct door_expected expected;
	uint32_t i, j, k;

	for (i = 0; i < gCallCount; i++) {
		if (!begin(&kCalls[i], &expected))
			continue;
		for (j = 0; j < sCall->parameter_count; j++) {
			const struct door_parameter *parameter = &sCall->parameters[j];

			if (!parameter->counted || parameter->length_dword < 0)
				continue;
			for (k = 0; k < sizeof kLengths / sizeof kLengths[0]; k++) {
				const uint32_t addresses[] = {(uint32_t)door_tail_end - 16,
					(uint32_t)door_tail_end, 1, KERNEL_BASE - 16, 0, KERNEL_BASE};
				uint32_t l;

				for (l = 0; l < sizeof addresses / sizeof addresses[0]; l++) {
					/* The first stack's top holds four words of nothing. */
					door_good_arguments(sCall, sArguments);
					sArguments[parameter->dword] = addresses[l];
					sArguments[parameter->length_dword] = kLengths[k];
					door_doing("%s %s=0x%x %u elements", sCall->name, parameter->name,
						addresses[l], kLengths[k]);
					run_judged(parameter, expected);
				}
			}
			/* Across a boundary between two pages that are both there. */
			door_good_arguments(sCall, sArguments);
			sArguments[parameter->dword] = (uint32_t)door_tail_end - PAGE - 8;
			sArguments[parameter->length_dword] = 16;
			memset(door_tail + sizeof door_tail - PAGE - 64, '\n', 64);
			door_doing("%s %s across a page", sCall->name, parameter->name);
			run_judged(parameter, expected);
		}
	}
}

/* Strings without an end, arrays of bad ones. */
void case_strings(void)
{
	struct door_expected expected;
	uint32_t i, j, k;

	for (i = 0; i < gCallCount; i++) {
		if (!begin(&kCalls[i], &expected))
			continue;
		for (j = 0; j < sCall->parameter_count; j++) {
			const struct door_parameter *parameter = &sCall->parameters[j];

			if (parameter->kind == PARAMETER_STRING) {
				for (k = 1; k <= 2 * PAGE; k += k < 8 ? 1 : PAGE - 4) {
					door_good_arguments(sCall, sArguments);
					sArguments[parameter->dword] = (uint32_t)door_tail_end - k;
					memset(door_tail, 'x', PAGE);
					door_doing(
						"%s %s: %u bytes without a NUL", sCall->name, parameter->name, k);
					run_judged(parameter, expected);
				}
			}
			if (parameter->kind != PARAMETER_STRINGS)
				continue;
			for (k = 0; hostile_pointer(k) != POINTERS_END; k++) {
				door_good_arguments(sCall, sArguments);
				sArguments[parameter->dword] = (uint32_t)door_tail_end - sizeof sTail;
				sTail[0] = hostile_pointer(k);
				sTail[1] = 0;
				door_doing(
					"%s %s: an array with 0x%x", sCall->name, parameter->name, sTail[0]);
				run_judged(parameter, expected);
			}
			memset(sTail, '\n', sizeof sTail);
		}
	}
}

void case_scalars(void)
{
	static const uint32_t kValues[] = {0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xc0000000,
		0xfffff001, 0xfffff000, 0xffffffff};
	struct door_expected expected;
	uint32_t i, j, k;

	for (i = 0; i < gCallCount; i++) {
		if (!begin(&kCalls[i], &expected))
			continue;
		for (j = 0; j < sCall->dwords; j++) {
			uint32_t good;

			for (k = 0; k < sCall->parameter_count; k++) {
				const struct door_parameter *parameter = &sCall->parameters[k];

				if (j >= parameter->dword && j < parameter->dword + parameter->dwords)
					break;
			}
			if (is_pointer(&sCall->parameters[k])
				|| sCall->parameters[k].kind == PARAMETER_LENGTH)
				continue;
			door_good_arguments(sCall, sArguments);
			good = sArguments[j];
			for (k = 0; k < sizeof kValues / sizeof kValues[0]; k++) {
				struct door_expected same =
					expected.how == EXPECT_ANY ? expected : SAME(sCall->wide);

				sArguments[j] = kValues[k];
				door_doing("%s dword %u=0x%x", sCall->name, j, kValues[k]);
				run(same, NULL);
			}
			sArguments[j] = good;
		}
	}
}
