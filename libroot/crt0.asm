; crt0.asm: where a C program begins. The kernel left argc at ESP, argv behind
; it, and envp behind argv's NULL (i386 System V ABI, process initialization).
; A program in assembly has a _start of its own and does not get this one.

bits 32

extern main, exit

section .text

global _start:function
_start:
	xor		ebp, ebp				; a backtrace ends here
	mov		eax, [esp]				; argc
	lea		ecx, [esp + 4]			; argv
	lea		edx, [ecx + eax * 4 + 4]	; envp
	and		esp, -16				; the ABI's alignment at a call ...
	sub		esp, 4					; ... of three arguments
	push	edx
	push	ecx
	push	eax
	call	main
	push	eax
	call	exit
	ud2								; exit does not return

section .note.GNU-stack noalloc noexec nowrite progbits
