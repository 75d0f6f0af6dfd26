; start.asm: the state in which a program starts, as bytes on standard output.
; tests/boot/test_start.py reads them and knows what they should be.
;
;	dwords	EDI ESI EBP ESP EBX EDX ECX EAX EFLAGS CS DS ES FS GS SS MXCSR
;			(MXCSR 0xffffffff on a CPU without SSE)
;	28 bytes	of FNSTENV
;	256 bytes	of the commpage's table
;	the rest	the stack from ESP to its top at 0xc0000000

bits 32

%include "syscall_numbers.inc"

STACK_TOP		equ 0xc0000000
COMMPAGE		equ 0xffff0000
COMMPAGE_BYTES	equ 64 * 4
STDOUT			equ 1

EFLAGS_ID		equ 1 << 21
CPUID_EDX_SSE	equ 1 << 25

section .bss
align 4
state:
.registers:	resd 8				; as PUSHA stores them
.eflags:	resd 1
.segments:	resd 6
.mxcsr:		resd 1
.x87:		resb 28
STATE_BYTES	equ $ - state

section .text

global _start:function
_start:
	mov		[state.registers + 7 * 4], eax	; before anything is changed
	mov		[state.registers + 6 * 4], ecx
	mov		[state.registers + 5 * 4], edx
	mov		[state.registers + 4 * 4], ebx
	mov		[state.registers + 3 * 4], esp
	mov		[state.registers + 2 * 4], ebp
	mov		[state.registers + 1 * 4], esi
	mov		[state.registers + 0 * 4], edi
	pushf
	pop		dword [state.eflags]
	cld
	mov		edi, state.segments
%macro STORE_SEGMENT 1
	mov		eax, %1
	stosd
%endmacro
	STORE_SEGMENT cs
	STORE_SEGMENT ds
	STORE_SEGMENT es
	STORE_SEGMENT fs
	STORE_SEGMENT gs
	STORE_SEGMENT ss
	fnstenv	[state.x87]

	mov		dword [state.mxcsr], -1
	pushf							; CPUID is there where the ID flag changes
	pop		eax
	mov		ecx, eax
	xor		eax, EFLAGS_ID
	push	eax
	popf
	pushf
	pop		eax
	xor		eax, ecx
	test	eax, EFLAGS_ID
	jz		.no_sse
	mov		eax, 1
	cpuid
	test	edx, CPUID_EDX_SSE
	jz		.no_sse
	stmxcsr	[state.mxcsr]
.no_sse:

	mov		esi, state
	mov		ebx, STATE_BYTES
	call	write_all
	mov		esi, COMMPAGE			; the kernel takes no buffer from there
	mov		edi, table
	mov		ecx, COMMPAGE_BYTES / 4
	rep movsd
	mov		esi, table
	mov		ebx, COMMPAGE_BYTES
	call	write_all
	mov		esi, esp
	mov		ebx, STACK_TOP
	sub		ebx, esp
	call	write_all

	push	0						; exit(0)
	push	0
	mov		eax, SYS_exit
	int		99

; in:	ESI = bytes, EBX = how many
write_all:
	push	ebx
	push	esi
	push	-1
	push	-1
	push	STDOUT
	push	0						; where a return address would be
	mov		eax, SYS_write
	int		99
	add		esp, 6 * 4
	test	eax, eax
	jle		.failed
	add		esi, eax
	sub		ebx, eax
	jnz		write_all
	ret
.failed:
	push	1						; exit(1)
	push	0
	mov		eax, SYS_exit
	int		99

section .bss
table:		resb COMMPAGE_BYTES

section .note.GNU-stack noalloc noexec nowrite progbits
