/*
 * The door's harness: every case is one system call made with a chosen state
 * of the whole user machine, by raw int 99, by raw SYSENTER and through the
 * commpage; what comes back is recorded, checked, and compared field by field
 * between the ways.
 *
 * invoke.asm makes the call, check.c judges it, *_cases.c are the cases,
 * main.c their table, kill*.{asm,c} the cases that end the program.
 */
#pragma once

#include <postern/types.h>

void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);
size_t strlen(const char *text);

/* ---- One call: invoke.asm, which knows this layout ------------------------- */

struct door_state {
	uint32_t eax, ebx, ecx, edx, esi, edi, ebp, esp;
	uint32_t eflags;
	uint32_t cs, ss, ds, es, fs, gs;
};

enum door_path { PATH_INT99, PATH_SYSENTER, PATH_COMMPAGE, PATH_COUNT };

#define PATHS_ALL 7u
#define PATHS_INT99 1u /* ESP is of no use to a RET, so only this way comes back */

/*
 * Loads `in`, enters, stores what came back in `out`. `in->cs` and `in->ss`
 * are not loaded. By SYSENTER and the commpage the return address has to be
 * at in->esp: see door_place_return(). `in->eflags` must not have TF.
 */
void door_invoke(const struct door_state *in, struct door_state *out, uint32_t path);

/* Where to enter instead, when not 0: code of the case's own. */
extern uint32_t door_entry;
extern const char door_mov_ss_int99[], door_mov_ss_sysenter[];
extern const char door_pop_ss_int99[], door_pop_ss_sysenter[];

/* Where the commpage's RET has to lead; what EFLAGS was directly before. */
extern const char door_returned[];
extern uint32_t door_flags_before;

/* x87 and SSE state around each call: kind 0 leaves it alone, 1 is FNSAVE's
 * image, 2 FXSAVE's. */
#define DOOR_FPU_BYTES 512
extern uint32_t door_fpu_kind;
extern uint8_t door_fpu_in[DOOR_FPU_BYTES], door_fpu_out[DOOR_FPU_BYTES];
void door_fpu_fill(void); /* patterns in all registers, saved in door_fpu_in */
void door_fpu_pass(void); /* door_fpu_in, loaded and saved in door_fpu_out */
void door_fpu_load(void); /* door_fpu_in into the registers */
void door_fpu_save(void); /* the registers into door_fpu_out */

/* Pages of the image: the last one, behind which nothing is mapped, and one
 * that is read-only. In the latter, a return address and nine dwords. */
extern uint8_t door_tail[8192], door_tail_end[];
extern const uint8_t door_read_only[4096];
extern const uint32_t door_read_only_block[16];

/* ---- Flags and selectors ------------------------------------------------------ */

#define FLAGS_ARITHMETIC 0x8d5u /* CF PF AF ZF SF OF */
#define FLAG_TF 0x100u
#define FLAG_IF 0x200u
#define FLAG_DF 0x400u
#define FLAG_IOPL 0x3000u
#define FLAG_NT 0x4000u
#define FLAG_RF 0x10000u
#define FLAG_VM 0x20000u
#define FLAG_AC 0x40000u
#define FLAG_ID 0x200000u

#define USER_CS 0x1bu
#define USER_DS 0x23u

#define KERNEL_BASE 0xc0000000u
#define COMMPAGE 0xffff0000u
#define PAGE 4096u

/* ---- Judging: check.c ----------------------------------------------------------- */

/* What a case expects of EAX, or of EDX:EAX. */
enum door_expectation {
	EXPECT_VALUE, /* `value`, and the same on all paths */
	EXPECT_SAME,  /* the same on all paths */
	EXPECT_ANY,	  /* whatever it is (a time) */
};

struct door_expected {
	enum door_expectation how;
	bool wide; /* EDX is the result's other half */
	int64_t value;
};

#define NARROW(number) ((struct door_expected){EXPECT_VALUE, false, (number)})
#define WIDE(number) ((struct door_expected){EXPECT_VALUE, true, (number)})
/* An error of the door itself is sign-extended. */
#define SAME(is_wide) ((struct door_expected){EXPECT_SAME, (is_wide), 0})
#define ANY(is_wide) ((struct door_expected){EXPECT_ANY, (is_wide), 0})

/* A plain state: patterns, flat segments, a stack of its own. */
void door_default(struct door_state *state, uint32_t number);
/* The arguments where a C caller leaves them: from state->esp + 4. */
void door_arguments(
	const struct door_state *state, const uint32_t *arguments, uint32_t count);
void door_place_return(uint32_t esp);

/*
 * Makes the call by each of `paths` that this machine has, and checks all
 * fields. *_out, where not NULL, is what the first path gave. `prepare` and
 * `inspect` run before and behind each; without hooks it is door_refill().
 */
struct door_hooks {
	void (*prepare)(void);
	void (*inspect)(enum door_path path, const struct door_state *out);
};
bool door_check(const struct door_state *in, uint32_t paths,
	struct door_expected expected, const struct door_hooks *hooks,
	struct door_state *_out);

/* What is being done, for the messages of what follows. */
void door_doing(const char *format, ...) __attribute__((format(printf, 1, 2)));
void door_expect(enum door_path path, const char *field, uint32_t got, uint32_t want);
void door_fail(enum door_path path, const char *field, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void door_pass(void);

bool door_has_path(enum door_path path);
extern uint32_t gPassed, gFailed;

/* How many bytes from `address` on a program may read, or write. */
uint32_t door_accessible(uint32_t address, bool write);
void door_find_memory(const uint32_t *auxiliary_vector);
extern const char *gCase;

/* ---- The calls: calls.c, from door_calls.h -------------------------------------- */

enum door_parameter_kind {
	PARAMETER_SCALAR,
	PARAMETER_FD,
	PARAMETER_LENGTH, /* of another parameter */
	PARAMETER_IN,
	PARAMETER_OUT,
	PARAMETER_INOUT,
	PARAMETER_STRING,
	PARAMETER_STRINGS,
};

struct door_parameter {
	enum door_parameter_kind kind;
	const char *name;
	uint8_t dword, dwords;
	bool nullable;
	bool counted;		 /* [in: n] and the like */
	int8_t length_dword; /* whose value counts the elements, or -1: `length` */
	uint32_t length;
	uint32_t element_size;
};

struct door_call {
	const char *name;
	uint32_t number;
	uint32_t dwords;
	bool wide;
	bool can_fail; /* negative results are errors */
	bool nothing;  /* returns void: EAX is not a result */
	uint32_t parameter_count;
	struct door_parameter parameters[8];
	int16_t errors[24]; /* what it may return, ended by 0 */
};

extern const struct door_call *const gCalls;
extern const uint32_t gCallCount, gCallNumbers;
const struct door_call *door_find_call(const char *name);

/* calls.c: what the cases about files use. */
void door_open_files(void);

/* Arguments with which every call does what it is for. */
void door_good_arguments(const struct door_call *call, uint32_t arguments[8]);
/* The objects of the last good arguments, as they were before a call. */
void door_refill(void);
/* What of a call's result to expect with them; false: not to be called here. */
bool door_good_result(const struct door_call *call, struct door_expected *_expected);

/* ---- Cases ------------------------------------------------------------------------ */

void case_calls(void);
void case_pointers(void);
void case_lengths(void);
void case_strings(void);
void case_scalars(void);
void case_numbers(void);
void case_stack(void);
void case_block(void);
void case_flags(void);
void case_segments(void);
void case_registers(void);
void case_sysenter(void);
void case_shadow(void);
void case_leaks(void);
void case_popf(void);
void case_stress(void);

/* Ends the program by the case `name`. Returns whether there is one, and then
 * it has not done what it should. */
bool kill_case(const char *name);
void kill_list(void (*print)(const char *name));
