/* newlib's <setjmp.h>, and POSIX's part of it, which keeps the signal mask where asked
 * to. sigsetjmp() is a macro, as POSIX allows: what setjmp() keeps has to be its
 * caller's. */
#ifndef POSTERN_SETJMP_H
#define POSTERN_SETJMP_H

#include_next <setjmp.h>
#include <sys/cdefs.h>

typedef struct {
	jmp_buf registers;
	int has_mask;
	unsigned long mask;
} sigjmp_buf[1];

__BEGIN_DECLS
int _setjmp(jmp_buf buffer);
void _longjmp(jmp_buf buffer, int value) __attribute__((__noreturn__));
void postern_keep_mask(sigjmp_buf buffer, int keep);
void siglongjmp(sigjmp_buf buffer, int value) __attribute__((__noreturn__));
__END_DECLS

#define sigsetjmp(buffer, keep)                                                          \
	(postern_keep_mask((buffer), (keep)), setjmp((buffer)->registers))

#endif
