/*
 * Cases about the state in which the program calls: numbers, stack pointers,
 * flags, selectors, registers; see door.h.
 */
#include "door.h"
#include <postern/errno.h>
#include <postern/os.h>
#include <postern/print.h>
#include <postern/syscalls.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* A call of each kind that the entry path tells apart. */
static const char *const kKinds[] = {"is_computer_on", "echo", "echo64", "get_info"};

static bool prepare_good(const struct door_call *call, struct door_state *state,
	struct door_expected *_expected)
{
	uint32_t arguments[8];

	if (!door_good_result(call, _expected))
		return false;
	door_default(state, call->number);
	door_good_arguments(call, arguments);
	door_arguments(state, arguments, call->dwords);
	return true;
}

/* ---- Numbers ------------------------------------------------------------------ */

void case_numbers(void)
{
	const uint32_t numbers[] = {gCallNumbers, gCallNumbers + 1, 0x100, 0x10000,
		0x1fffffff, 0x20000000, 0x20000001, 0x40000000, 0x7fffffff, 0x80000000,
		0x80000001, 0xe0000000, 0xfffffff0, 0xfffffffe, 0xffffffff};
	struct door_state state;
	uint32_t i;

	for (i = 0; i < COUNT(numbers); i++) {
		door_default(&state, numbers[i]);
		door_doing("number 0x%x", numbers[i]);
		door_check(&state, PATHS_ALL, WIDE(-ENOSYS), NULL, NULL);
		state.esp = 0; /* nobody reads the stack of a call that does not exist */
		door_check(&state, PATHS_INT99, WIDE(-ENOSYS), NULL, NULL);
		door_default(&state, numbers[i]);
		state.eflags |= FLAG_DF | FLAG_AC | FLAG_NT;
		state.ds = state.es = 0;
		door_check(&state, PATHS_ALL, WIDE(-ENOSYS), NULL, NULL);
	}
}

/* ---- Stack pointers --------------------------------------------------------------- */

#define TOP_SAVED 256u

static uint8_t sTop[TOP_SAVED];

/* The argument block of `dwords` at esp + 4, as the contract has it. */
static bool block_valid(uint32_t esp, uint32_t dwords)
{
	uint64_t start = (uint64_t)esp + 4;

	if (dwords == 0)
		return true;
	return start + 4 * dwords <= KERNEL_BASE
		   && door_accessible((uint32_t)start, false) >= 4 * dwords;
}

static void check_stack(const struct door_call *call, uint32_t esp)
{
	struct door_state state;
	struct door_expected expected;
	uint32_t arguments[8];
	bool valid = block_valid(esp, call->dwords);
	bool returns = door_accessible(esp, true) >= 4 && esp <= KERNEL_BASE - 4;

	if (!prepare_good(call, &state, &expected))
		return;
	door_good_arguments(call, arguments);
	state.esp = esp;
	if (!valid)
		expected = WIDE(-EFAULT);
	else if (call->dwords > 0) {
		if (door_accessible(esp + 4, true) < 4 * call->dwords) {
			/* Arguments that we cannot choose are for calls without effect. */
			if (strcmp(call->name, "echo") == 0)
				expected = NARROW(*(const uint32_t *)(esp + 4));
			else if (strcmp(call->name, "echo64") == 0)
				expected = WIDE(*(const int64_t *)(esp + 4));
			else
				return;
		} else
			door_arguments(&state, arguments, call->dwords);
	}
	door_doing("%s esp=0x%x", call->name, esp);
	door_check(&state, returns ? PATHS_ALL : PATHS_INT99, expected, NULL, NULL);
}

void case_stack(void)
{
	const uint32_t stacks[] = {0, 1, 2, 3, 4, 0xfff, 0xffff, 0x0000fffc, 0x10000000,
		0x002ffffc, 0x003ffff8, 0x003ffffc, 0x003fffff, 0xbf7fff00, 0xbf7ffff0,
		0xbf7ffffc, 0xbf7ffffe, 0xbf800000, 0xbf800ffc, 0xbfffffc0, 0xbffffffc,
		0xbfffffff, 0xc0000000, 0xc0000004, 0xc0100000, 0xd0000000, COMMPAGE - 4,
		COMMPAGE, COMMPAGE + 4, COMMPAGE + 0x100, COMMPAGE + 0xffc, COMMPAGE + 0xfff,
		0xfffffff0, 0xfffffff8, 0xfffffffc, 0xfffffffd, 0xfffffffe, 0xffffffff,
		(uint32_t)door_read_only, (uint32_t)door_read_only_block, (uint32_t)door_tail_end,
		(uint32_t)door_tail_end + 1};
	uint32_t i, j;

	memcpy(sTop, (const void *)(KERNEL_BASE - TOP_SAVED), TOP_SAVED);
	for (i = 0; i < gCallCount; i++) {
		for (j = 0; j < COUNT(stacks); j++)
			check_stack(&gCalls[i], stacks[j]);
		/* Around the end of memory: too short by one byte, by a dword, just enough. */
		for (j = 1; j <= 4 * gCalls[i].dwords + 8; j++)
			check_stack(&gCalls[i], (uint32_t)door_tail_end - j);
		/* Across two pages that are there, at every alignment. */
		for (j = 1; j <= 4 * gCalls[i].dwords + 8; j++)
			check_stack(&gCalls[i], (uint32_t)door_tail_end - PAGE - j);
	}
	memcpy((void *)(KERNEL_BASE - TOP_SAVED), sTop, TOP_SAVED);
}

/* The block at the kernel's base: whole below it, or not at all. */
void case_block(void)
{
	uint32_t i, j;

	memcpy(sTop, (const void *)(KERNEL_BASE - TOP_SAVED), TOP_SAVED);
	for (i = 0; i < gCallCount; i++) {
		for (j = 0; j <= 64; j++)
			check_stack(&gCalls[i], KERNEL_BASE - j);
	}
	memcpy((void *)(KERNEL_BASE - TOP_SAVED), sTop, TOP_SAVED);

	/* Read-only memory is as good as any to read arguments from; and the
	 * block's dwords are those from ESP + 4 on, in their order. */
	{
		const struct door_call *echo = door_find_call("echo");
		const struct door_call *echo64 = door_find_call("echo64");
		struct door_state state;
		enum door_path path;

		door_doing("a block in read-only memory");
		door_default(&state, echo->number);
		state.esp = (uint32_t)door_read_only_block;
		door_check(&state, PATHS_ALL, NARROW(door_read_only_block[1]), NULL, NULL);
		state.eax = echo64->number;
		door_check(&state, PATHS_ALL,
			WIDE((int64_t)((uint64_t)door_read_only_block[2] << 32
						   | door_read_only_block[1])),
			NULL, NULL);

		/* Stack that nobody has touched yet: the kernel is the first to read. */
		for (path = 0; path < PATH_COUNT; path++) {
			state.eax = echo->number;
			state.esp = 0xbf902ffc + path * 0x4000;
			door_doing("a block on untouched stack");
			door_check(&state, 1u << path, NARROW(0), NULL, NULL);
		}
	}
}

/* ---- Flags ------------------------------------------------------------------------ */

static void check_flags(const struct door_call *call, uint32_t flags)
{
	struct door_state state;
	struct door_expected expected;

	if (!prepare_good(call, &state, &expected))
		return;
	state.eflags |= flags;
	door_doing("%s eflags+0x%x", call->name, flags);
	door_check(&state, PATHS_ALL, expected, NULL, NULL);
}

void case_flags(void)
{
	static const uint32_t kFlags[] = {FLAG_DF, FLAG_AC, FLAG_NT, FLAG_ID};
	uint32_t i, j, k;

	for (i = 0; i < gCallCount; i++) {
		for (j = 0; j < 12; j++) {
			if (FLAGS_ARITHMETIC >> j & 1)
				check_flags(&gCalls[i], 1u << j);
		}
		for (j = 0; j < 16; j++) {
			uint32_t flags = 0;

			for (k = 0; k < 4; k++)
				flags |= j >> k & 1 ? kFlags[k] : 0;
			check_flags(&gCalls[i], flags);
			check_flags(&gCalls[i], flags | FLAGS_ARITHMETIC);
			/* Together with a mended segment register. */
			if (j != 0) {
				struct door_state state;
				struct door_expected expected;

				if (!prepare_good(&gCalls[i], &state, &expected))
					continue;
				state.eflags |= flags;
				state.ds = 0;
				state.es = 0x18;
				door_check(&state, PATHS_ALL, expected, NULL, NULL);
			}
		}
	}
}

/* What POPF does not give to ring 3: IOPL, IF off, VM, RF. */
void case_popf(void)
{
	static const uint32_t kAttempts[] = {FLAG_IOPL, 0x1000, 0x2000, FLAG_VM, FLAG_RF,
		0x180000, 0xffc00000, 0x0000802a,
		FLAG_IOPL | FLAG_VM | FLAG_RF | FLAG_NT | FLAG_DF};
	const uint32_t refused = FLAG_IOPL | FLAG_VM | FLAG_RF;
	uint32_t i, j;

	for (i = 0; i < COUNT(kAttempts); i++) {
		for (j = 0; j < COUNT(kKinds); j++) {
			struct door_state state;
			struct door_expected expected;
			enum door_path path;

			prepare_good(door_find_call(kKinds[j]), &state, &expected);
			state.eflags = 2 | kAttempts[i]; /* and IF off */
			door_doing("%s popf 0x%x", kKinds[j], state.eflags);
			for (path = 0; path < PATH_COUNT; path++) {
				if (!door_has_path(path))
					continue;
				door_check(&state, 1u << path, expected, NULL, NULL);
				door_expect(path, "refused flags",
					door_flags_before & (refused | FLAG_IF), FLAG_IF);
			}
		}
	}
}

/* ---- Segment registers ------------------------------------------------------------ */

static const uint16_t kSelectors[] = {
	0, 1, 2, 3, 0x18, 0x19, 0x1a, 0x1b, 0x20, 0x21, 0x22, 0x23};

void case_segments(void)
{
	struct door_state state;
	struct door_expected expected;
	uint32_t i, j, k;

	for (k = 0; k < COUNT(kKinds); k++) {
		const struct door_call *call = door_find_call(kKinds[k]);

		for (i = 0; i < COUNT(kSelectors); i++) {
			for (j = 0; j < COUNT(kSelectors); j++) {
				prepare_good(call, &state, &expected);
				state.ds = kSelectors[i];
				state.es = kSelectors[j];
				door_doing("%s ds=0x%x es=0x%x", call->name, state.ds, state.es);
				door_check(&state, PATHS_ALL, expected, NULL, NULL);

				prepare_good(call, &state, &expected);
				state.fs = kSelectors[i];
				state.gs = kSelectors[j];
				door_doing("%s fs=0x%x gs=0x%x", call->name, state.fs, state.gs);
				door_check(&state, PATHS_ALL, expected, NULL, NULL);
			}
			prepare_good(call, &state, &expected);
			state.ds = state.es = state.fs = state.gs = kSelectors[i];
			state.eflags |= FLAG_DF | FLAG_AC | FLAG_NT;
			door_doing("%s ds=es=fs=gs=0x%x, flags", call->name, state.ds);
			door_check(&state, PATHS_ALL, expected, NULL, NULL);
		}
	}
	/* Also the calls that fail at the door, and every other call. */
	for (i = 0; i < COUNT(kSelectors); i++) {
		door_default(&state, gCallNumbers);
		state.ds = state.es = state.fs = state.gs = kSelectors[i];
		door_doing("no call, ds=0x%x", state.ds);
		door_check(&state, PATHS_ALL, WIDE(-ENOSYS), NULL, NULL);
		door_default(&state, door_find_call("echo")->number);
		state.ds = state.es = state.fs = state.gs = kSelectors[i];
		state.esp = 0xbffffffc;
		door_doing("a bad block, ds=0x%x", state.ds);
		door_check(&state, PATHS_ALL, WIDE(-EFAULT), NULL, NULL);
		for (k = 0; k < gCallCount; k++) {
			if (!prepare_good(&gCalls[k], &state, &expected))
				continue;
			state.ds = kSelectors[i];
			state.es = kSelectors[COUNT(kSelectors) - 1 - i];
			door_doing("%s ds=0x%x es=0x%x", gCalls[k].name, state.ds, state.es);
			door_check(&state, PATHS_ALL, expected, NULL, NULL);
		}
	}
}

/* ---- Registers -------------------------------------------------------------------- */

static void fill_registers(struct door_state *state, uint32_t pattern, uint32_t step)
{
	state->ebx = pattern;
	state->ecx = pattern + step;
	state->edx = pattern + step * 2;
	state->esi = pattern + step * 3;
	state->edi = pattern + step * 4;
	state->ebp = pattern + step * 5;
}

void case_registers(void)
{
	static const uint32_t kPatterns[] = {0, 0xffffffff, 0x55555555, 0xaaaaaaaa,
		0x80000000, 0x7fffffff, 0xc0000000, 0xc0100000, 0xc0ffee00, 0xffff0000,
		0x0000ffff, 0xbffffffc};
	struct door_state state;
	struct door_expected expected;
	uint32_t i, j, step;

	for (i = 0; i < gCallCount; i++) {
		for (j = 0; j < COUNT(kPatterns); j++) {
			for (step = 0; step < 2; step++) {
				if (!prepare_good(&gCalls[i], &state, &expected))
					continue;
				fill_registers(&state, kPatterns[j], step * 0x01010101);
				door_doing("%s registers 0x%x", gCalls[i].name, kPatterns[j] + step);
				door_check(&state, PATHS_ALL, expected, NULL, NULL);
			}
		}
	}
	for (j = 0; j < COUNT(kPatterns); j++) {
		door_default(&state, gCallNumbers);
		fill_registers(&state, kPatterns[j], 0x01010101);
		door_doing("no call, registers 0x%x", kPatterns[j]);
		door_check(&state, PATHS_ALL, WIDE(-ENOSYS), NULL, NULL);
		door_default(&state, door_find_call("echo")->number);
		fill_registers(&state, kPatterns[j], 0x01010101);
		state.esp = 0xbffffffc;
		door_doing("a bad block, registers 0x%x", kPatterns[j]);
		door_check(&state, PATHS_ALL, WIDE(-EFAULT), NULL, NULL);
	}
}

/* ---- The entering instruction, elsewhere ------------------------------------------ */

/*
 * SYSENTER from the program's own text is what PATH_SYSENTER always does; here
 * it stands in the last two bytes before unmapped memory, and INT 99 in data.
 */
void case_sysenter(void)
{
	static const uint8_t kSysenter[] = {
		0x89, 0xe1, 0x0f, 0x34}; /* mov ecx, esp; sysenter */
	uint8_t *interrupt = door_tail + sizeof door_tail - 64;
	uint32_t displacement = (uint32_t)door_returned - (uint32_t)(interrupt + 7);
	struct door_state state;
	struct door_expected expected;
	uint32_t i;

	/* Where there is NX, data is not executable until it is asked for. */
	door_doing("protect");
	door_expect(PATH_COMMPAGE, "EAX",
		(uint32_t)_kern_protect((uint32_t)door_tail, sizeof door_tail,
			PROT_READ | PROT_WRITE | PROT_EXEC, MAP_WRITE_EXEC),
		0);
	memcpy(door_tail + sizeof door_tail - sizeof kSysenter, kSysenter, sizeof kSysenter);
	memcpy(interrupt, "\xcd\x63\xe9", 3); /* int 99; jmp door_returned */
	memcpy(interrupt + 3, &displacement, 4);
	for (i = 0; i < gCallCount; i++) {
		/* The last one first: its arguments may lie in the tail page. */
		if (!prepare_good(&gCalls[i], &state, &expected))
			continue;
		door_doing("%s from data", gCalls[i].name);
		door_entry = (uint32_t)interrupt;
		door_check(&state, 1u << PATH_INT99, expected, NULL, NULL);
		if (door_has_path(PATH_SYSENTER)) {
			door_entry = (uint32_t)door_tail_end - sizeof kSysenter;
			door_check(&state, 1u << PATH_SYSENTER, expected, NULL, NULL);
		}
		door_entry = 0;
	}
	memset(door_tail, 0, sizeof door_tail);
	_kern_protect((uint32_t)door_tail, sizeof door_tail, PROT_READ | PROT_WRITE, 0);
}

/* MOV SS and POP SS directly before the entry, with nothing to be held back. */
void case_shadow(void)
{
	const struct {
		const char *name;
		const char *entry;
		enum door_path path;
	} entries[] = {
		{"mov ss", door_mov_ss_int99, PATH_INT99},
		{"mov ss", door_mov_ss_sysenter, PATH_SYSENTER},
		{"pop ss", door_pop_ss_int99, PATH_INT99},
		{"pop ss", door_pop_ss_sysenter, PATH_SYSENTER},
	};
	uint32_t i, j;

	for (i = 0; i < gCallCount; i++) {
		for (j = 0; j < COUNT(entries); j++) {
			struct door_state state;
			struct door_expected expected;

			if (!door_has_path(entries[j].path)
				|| !prepare_good(&gCalls[i], &state, &expected))
				continue;
			door_doing("%s behind %s", gCalls[i].name, entries[j].name);
			door_entry = (uint32_t)entries[j].entry;
			door_check(&state, 1u << entries[j].path, expected, NULL, NULL);
			state.eflags |= FLAG_DF | FLAG_NT | FLAG_AC | FLAGS_ARITHMETIC;
			state.ds = 0;
			door_check(&state, 1u << entries[j].path, expected, NULL, NULL);
			door_entry = 0;
		}
	}
}

/* ---- Many calls, with interrupts -------------------------------------------------- */

/*
 * At least `calls` by each path and for at least `duration`, so that timer
 * interrupts hit the way in and the way out; checked as every call is.
 */
static void many_calls(uint32_t calls, time_us_t duration)
{
	static const char *const kCalls[] = {"is_computer_on", "echo", "echo64", "get_info"};
	uint32_t kind = door_fpu_kind;
	uint32_t failed = gFailed;
	uint32_t done = 0;
	time_us_t start = system_time();

	/* The registers are loaded once and stay, over all calls and interrupts. */
	door_fpu_load();
	door_fpu_kind = 0;
	do {
		uint32_t i;

		for (i = 0; i < COUNT(kCalls); i++) {
			struct door_state state;
			struct door_expected expected;

			prepare_good(door_find_call(kCalls[i]), &state, &expected);
			fill_registers(&state, done * 0x00012345u & 0x3fffffff, 0x00111111);
			door_doing("%s, call %u", kCalls[i], done);
			door_check(&state, PATHS_ALL, expected, NULL, NULL);
			done++;
		}
		{
			struct door_state state;

			door_default(&state, 0xffffffff);
			door_check(&state, PATHS_ALL, WIDE(-ENOSYS), NULL, NULL);
			state.eax = door_find_call("echo")->number;
			state.esp = 0xbffffffc;
			door_check(&state, PATHS_ALL, WIDE(-EFAULT), NULL, NULL);
			done += 2;
		}
	} while (gFailed == failed && (done < calls || system_time() - start < duration));
	door_fpu_kind = kind;
	if (kind != 0) {
		static uint8_t sAfter[DOOR_FPU_BYTES];

		door_fpu_save();
		memcpy(sAfter, door_fpu_out, sizeof sAfter);
		door_fpu_pass();
		door_doing("after %u calls", done);
		if (memcmp(sAfter, door_fpu_out, sizeof sAfter) != 0)
			door_fail(PATH_INT99, "x87/SSE", "state differs");
		else
			door_pass();
	}
	print("%s: %u calls by each path in %lld us\n", gCase, done,
		(long long)(system_time() - start));
}

void case_leaks(void)
{
	many_calls(20000, 200000);
}

/* For tests/boot/test_door.py, which sends NMIs meanwhile. */
void case_stress(void)
{
	print("stress: begins\n");
	many_calls(100000, 2000000);
}
