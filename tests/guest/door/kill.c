/*
 * The killing cases' table, see kill.asm, and one case of C: an end below
 * several functions, for the backtrace.
 */
#include "door.h"
#include <postern/print.h>

extern const struct {
	const char *name;
	void (*run)(void);
} kill_table[];

extern const char kill_int[];

static volatile int sResult; /* so that no call of these is a jump */

__attribute__((noinline)) static int nested_inner(volatile int *nowhere)
{
	*nowhere = 1;
	print("nested: not reached\n"); /* not a leaf, so it has a frame */
	return *nowhere;
}

__attribute__((noinline)) static int nested_middle(int *nowhere)
{
	return nested_inner(nowhere) + 1;
}

__attribute__((noinline)) static int nested_outer(int *nowhere)
{
	return nested_middle(nowhere) + 1;
}

/* "int_17" is INT 17. Returns -1 for another name. */
static int parse_vector(const char *name)
{
	int vector = 0;

	if (strncmp(name, "int_", 4) != 0 || name[4] == '\0')
		return -1;
	for (name += 4; *name != '\0'; name++) {
		if (*name < '0' || *name > '9' || vector > 255)
			return -1;
		vector = vector * 10 + (*name - '0');
	}
	return vector < 256 ? vector : -1;
}

bool kill_case(const char *name)
{
	int vector = parse_vector(name);
	uint32_t i;

	if (vector >= 0) {
		((void (*)(void))(uintptr_t)(kill_int + vector * 3))();
		return true;
	}
	if (strcmp(name, "nested") == 0) {
		sResult = nested_outer(NULL);
		return true;
	}
	for (i = 0; kill_table[i].name != NULL; i++) {
		if (strcmp(kill_table[i].name, name) == 0) {
			kill_table[i].run();
			return true;
		}
	}
	return false;
}

void kill_list(void (*print_name)(const char *name))
{
	uint32_t i;

	for (i = 0; kill_table[i].name != NULL; i++)
		print_name(kill_table[i].name);
	print_name("nested");
	print_name("int_0");
	print_name("int_255");
}
