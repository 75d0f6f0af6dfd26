; crt0.asm: where a program with the C library begins. What the kernel left at ESP
; (i386 System V ABI, process initialization) is for posix_start() in start.c to read.

bits 32

extern posix_start

section .text

global _start:function
_start:
	xor		ebp, ebp				; a backtrace ends here
	mov		eax, esp
	and		esp, -16				; the ABI's alignment at a call ...
	sub		esp, 12					; ... of one argument
	push	eax
	call	posix_start
	ud2								; it does not return

section .note.GNU-stack noalloc noexec nowrite progbits
