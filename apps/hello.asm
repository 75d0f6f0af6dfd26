; hello.asm: hello, world, three times, each time by another way to the same
; system call. The kernel hears no difference; on a CPU with SYSENTER the
; second and the third line come in by it, on one without by int 99.

bits 32

%include "syscall_numbers.inc"

STDOUT					equ 1
COMMPAGE_SYSCALL		equ 0xffff000c	; holds the address of the entry

extern _kern_write

section .rodata

raw:		db "Hello, world, by int 99!", 10
raw_size	equ $ - raw
page:		db "Hello, world, through the commpage!", 10
page_size	equ $ - page
stub:		db "Hello, world, through _kern_write!", 10
stub_size	equ $ - stub

section .text

; write(int fd, off_t position, const void *buffer, size_t size): the last
; argument is pushed first, and a position of -1 is two dwords of it.

global _start:function
_start:
	; 1. The software interrupt, with everything in plain sight: the number in
	;    EAX, and on the stack what a C caller leaves there, the dword for a
	;    return address included.
	push	raw_size
	push	raw
	push	-1
	push	-1
	push	STDOUT
	push	0						; where a return address would be
	mov		eax, SYS_write
	int		99
	add		esp, 6 * 4

	; 2. The commpage: the same, but the kernel has put there whatever way in
	;    is best on this CPU. CALL pushes the return address.
	push	page_size
	push	page
	push	-1
	push	-1
	push	STDOUT
	mov		eax, SYS_write
	call	[COMMPAGE_SYSCALL]
	add		esp, 5 * 4

	; 3. The stub that was generated from syscalls.def: what C programs call.
	push	stub_size
	push	stub
	push	-1
	push	-1
	push	STDOUT
	call	_kern_write
	add		esp, 5 * 4

	push	0						; exit(0)
	push	0
	mov		eax, SYS_exit
	int		99

section .note.GNU-stack noalloc noexec nowrite progbits
