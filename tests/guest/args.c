/*
 * Prints what main() got: argc, each argument's bytes in hexadecimal, and
 * whether the environment is empty. tests/boot/test_command_line.py compares.
 */
#include <postern/print.h>

int main(int argc, char **argv, char **envp)
{
	int i;

	print("argc %d\n", argc);
	for (i = 0; i < argc; i++) {
		const char *next;

		print("argv");
		for (next = argv[i]; *next != '\0'; next++)
			print(" %02x", (unsigned char)*next);
		print("\n");
	}
	print("end %s, environment %s\n", argv[argc] == NULL ? "NULL" : "missing",
		envp == argv + argc + 1 && envp[0] == NULL ? "empty" : "not empty");
	return 0;
}
