/*
 * door: the harness's command line.
 *
 * door			all cases that survive, but those asked for by name only
 * door NAME...	these; one that kills ends the program
 * door --list	their names and kinds
 */
#include "door.h"
#include <postern/os.h>
#include <postern/print.h>
#include <postern/syscalls.h>
#include <postern/system_info.h>

enum kind { SURVIVES, BY_NAME };

static const struct {
	const char *name;
	void (*run)(void);
	enum kind kind;
} kCases[] = {
	{"calls", case_calls, SURVIVES},
	{"pointers", case_pointers, SURVIVES},
	{"lengths", case_lengths, SURVIVES},
	{"strings", case_strings, SURVIVES},
	{"scalars", case_scalars, SURVIVES},
	{"numbers", case_numbers, SURVIVES},
	{"stack", case_stack, SURVIVES},
	{"block", case_block, SURVIVES},
	{"flags", case_flags, SURVIVES},
	{"popf", case_popf, SURVIVES},
	{"segments", case_segments, SURVIVES},
	{"registers", case_registers, SURVIVES},
	{"sysenter", case_sysenter, SURVIVES},
	{"shadow", case_shadow, SURVIVES},
	{"leaks", case_leaks, SURVIVES},
	{"stress", case_stress, BY_NAME},
};

#define CASES (sizeof kCases / sizeof kCases[0])
#define NAMES_MAX 32
#define NAME_SIZE 48

#define FEATURE_FPU 1u
#define FEATURE_FXSR (1u << 24)
#define FEATURE_SSE (1u << 25)

extern uint32_t door_has_sse;

static void run(uint32_t index)
{
	uint32_t passed = gPassed, failed = gFailed;

	gCase = kCases[index].name;
	door_doing("%s", "");
	kCases[index].run();
	print("%s: %u passed, %u failed\n", gCase, gPassed - passed, gFailed - failed);
}

static bool run_named(const char *name)
{
	uint32_t i;

	for (i = 0; i < CASES; i++) {
		if (strcmp(kCases[i].name, name) == 0) {
			run(i);
			return true;
		}
	}
	print("%s: %s\n", name, kill_case(name) ? "survived" : "no such case");
	return false;
}

static void print_killing(const char *name)
{
	print("%s kills\n", name);
}

int main(int argc, char **argv, char **envp)
{
	/* Cases write over the first stack's top, where the arguments are. */
	static char sNames[NAMES_MAX][NAME_SIZE];
	struct system_info info;
	uint32_t i;
	bool known = true;

	while (*envp != NULL)
		envp++;
	door_find_memory((const uint32_t *)(envp + 1));
	if (argc > NAMES_MAX)
		argc = NAMES_MAX;
	for (i = 0; i < (uint32_t)argc; i++) {
		size_t length = strlen(argv[i]);

		memcpy(sNames[i], argv[i], length < NAME_SIZE ? length : NAME_SIZE - 1);
	}

	if (argc > 1 && strcmp(sNames[1], "--list") == 0) {
		for (i = 0; i < CASES; i++)
			print("%s %s\n", kCases[i].name,
				kCases[i].kind == SURVIVES ? "survives" : "survives, by name");
		kill_list(print_killing);
		return 0;
	}
	if (door_accessible((uint32_t)door_tail_end - 1, true) != 1
		|| door_accessible((uint32_t)door_tail, true) != 8192) {
		print("door: the linker has put something behind door_tail\n");
		return 1;
	}
	door_open_files();
	if (_kern_get_info(&info) != 0) {
		print("door: get_info fails\n");
		return 1;
	}
	if ((info.entry == SYSTEM_ENTRY_SYSENTER) != door_has_path(PATH_SYSENTER)) {
		print("door: get_info and the commpage name different entries\n");
		return 1;
	}
	door_fpu_kind = info.cpu_features & FEATURE_FXSR  ? 2
					: info.cpu_features & FEATURE_FPU ? 1
													  : 0;
	door_has_sse = info.cpu_features & FEATURE_SSE ? 1 : 0;
	door_fpu_fill();

	print("door: int99, %scommpage; %s\n",
		door_has_path(PATH_SYSENTER) ? "sysenter, " : "",
		door_fpu_kind == 0	 ? "no x87"
		: door_fpu_kind == 1 ? "x87"
		: door_has_sse		 ? "x87 and SSE"
							 : "x87 by FXSAVE");
	if (argc > 1) {
		for (i = 1; i < (uint32_t)argc; i++)
			known &= run_named(sNames[i]);
	} else {
		for (i = 0; i < CASES; i++) {
			if (kCases[i].kind == SURVIVES)
				run(i);
		}
	}
	print("\n%u passed, %u failed\n", gPassed, gFailed);
	return gFailed == 0 && known ? 0 : 1;
}
