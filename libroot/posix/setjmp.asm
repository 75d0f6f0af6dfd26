; setjmp.asm: BSD's names of setjmp() and longjmp() without the signal mask, which newlib's
; do not keep either. A jump, so that what is kept is the caller's.

bits 32

extern setjmp, longjmp

section .text

global _setjmp:function
_setjmp:
	jmp		setjmp

global _longjmp:function
_longjmp:
	jmp		longjmp

section .note.GNU-stack noalloc noexec nowrite progbits
