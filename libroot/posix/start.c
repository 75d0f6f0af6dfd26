/*
 * From _start to main() and from exit() to the end: what crt0.asm calls first and what
 * newlib's exit() calls last.
 */
#include "posix.h"
#include <stdlib.h>
#include <unistd.h>

typedef void (*array_function)(void);

/* Functions to call before main() and after exit(), from the linker. Another linker
 * than ours (TinyCC's, in the guest) need not have the symbols. */
extern const array_function __init_array_start[] __attribute__((weak));
extern const array_function __init_array_end[] __attribute__((weak));
extern const array_function __fini_array_start[] __attribute__((weak));
extern const array_function __fini_array_end[] __attribute__((weak));

int main(int argc, char **argv, char **envp);
void posix_start(char **stack) __attribute__((noreturn));

static void finish(void)
{
	const array_function *function = __fini_array_end;

	while (function != __fini_array_start)
		(*--function)();
}

/* `stack` is as i386 System V ABI, process initialization, has it: argc, argv[], NULL,
 * envp[], NULL. */
void posix_start(char **stack)
{
	int argc = (int)(intptr_t)stack[0];
	char **argv = stack + 1;
	const array_function *function;

	environ = argv + argc + 1;
	atexit(finish);
	for (function = __init_array_start; function != __init_array_end; function++)
		(*function)();
	exit(main(argc, argv, environ));
}

void _exit(int status)
{
	_kern_exit(status);
	__builtin_unreachable();
}

/* C11 7.22.4.5 */
void _Exit(int status)
{
	_exit(status);
}
