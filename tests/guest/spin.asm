; spin.asm: a program that never ends.

bits 32

section .text

global _start:function
_start:
	jmp		_start

section .note.GNU-stack noalloc noexec nowrite progbits
