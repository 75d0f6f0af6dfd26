; floor.asm: the least that a system call can cost on this CPU: take the entry,
; dispatch through a table to a handler that does nothing, leave. No frame, no
; look at the program's segments and flags: not safe, so in no kernel that
; ships. Gate 97 chooses which of these SYSENTER enters.

bits 32

%include "offsets.inc"
%include "commpage.inc"

FLOOR_COUNT	equ 1

section .text.entry progbits alloc exec nowrite align=4096

align 16
global floor_int_entry
floor_int_entry:
	cmp		eax, FLOOR_COUNT
	jae		.unknown
	call	[floor_table + eax * 4]
.unknown:
	iret

align 16
global floor_sysenter_entry
floor_sysenter_entry:
	cmp		eax, FLOOR_COUNT
	jae		.unknown
	push	ecx						; the program's ESP, which C may not keep
	call	[floor_table + eax * 4]
	pop		ecx
.unknown:
	mov		edx, COMMPAGE_RETURN
	sti
	sysexit

; The other design for SYSENTER's stack: the MSR never changes and points at a
; word that a task switch would write.
align 16
global floor_sysenter_pointer_entry
floor_sysenter_pointer_entry:
	mov		esp, [esp]
	cmp		eax, FLOOR_COUNT
	jae		.unknown
	push	ecx
	call	[floor_table + eax * 4]
	pop		ecx
.unknown:
	mov		edx, COMMPAGE_RETURN
	sti
	sysexit

align 16
floor_handler:
	mov		eax, 1
	ret

; Gate 97: EAX says what (bench.c).
extern bench_control
align 16
global bench_control_entry
bench_control_entry:
	push	ecx
	push	edx
	push	eax
	call	bench_control
	add		esp, 4
	pop		edx
	pop		ecx
	iret

section .rodata
align 4
floor_table:
	dd		floor_handler

section .note.GNU-stack noalloc noexec nowrite progbits
