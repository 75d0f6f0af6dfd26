; measure.asm: counts what one way through the door costs, from the program's
; call to its return.
;
; Each way is run between two readings of the time-stamp counter, and what two
; readings cost with nothing between them is taken off. Under QEMU's -icount
; the counter counts instructions, so the result is exact and repeats.

bits 32

%include "syscall_numbers.inc"

VECTOR_CONTROL		equ 97			; tests/bench/kernel/bench.c
VECTOR_FLOOR		equ 98
FLOOR_CALL			equ 0
COMMPAGE_SYSCALL	equ 0xffff000c

extern _kern_is_computer_on

section .text

; void measure_NAME(uint32_t *results, uint32_t count): `count` measurements.
%macro MEASURE 2+
global measure_%1
align 16
measure_%1:
	push	ebp
	push	ebx
	push	esi
	push	edi
	mov		edi, [esp + 20]
	mov		ebp, [esp + 24]
%%next:
	rdtsc
	mov		esi, eax
	%2
	rdtsc
	sub		eax, esi
	mov		[edi], eax
	add		edi, 4
	dec		ebp
	jnz		%%next
	pop		edi
	pop		esi
	pop		ebx
	pop		ebp
	ret
%endmacro

%macro INT99 0
	mov		eax, SYS_is_computer_on
	int		99
%endmacro

%macro FLOOR_INT 0
	mov		eax, FLOOR_CALL
	int		VECTOR_FLOOR
%endmacro

	MEASURE nothing, nop
	MEASURE function, call empty
	MEASURE commpage, call _kern_is_computer_on
	MEASURE int99, INT99
	MEASURE floor_commpage, call floor_stub
	MEASURE floor_int, FLOOR_INT

align 16
empty:
	ret

; What a _kern_ stub is, for the floor's own number.
align 16
floor_stub:
	mov		eax, FLOOR_CALL
	jmp		[COMMPAGE_SYSCALL]

; uint32_t bench_control(uint32_t what)
global bench_control
bench_control:
	mov		eax, [esp + 4]
	int		VECTOR_CONTROL
	ret

section .note.GNU-stack noalloc noexec nowrite progbits
