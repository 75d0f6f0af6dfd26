; trampoline.asm: where processors besides the first begin.
;
; STARTUP makes a processor run in real mode at the start of a page below 1 MiB
; (Intel SDM volume 3A, 9.4.4.1). smp.c copies gTrampoline there; it goes to
; protected mode and on to start_32, which is part of .boot and so runs where it
; is loaded, and that one turns paging on and goes to C, as boot.asm does for the
; first processor.
;
; in:	IF off; gStartParameters filled in; physical memory is mapped also where
;		it is (i386_map_identity()).

bits 16

%include "offsets.inc"

CR0_PE		equ 1
CODE		equ 0x08
DATA		equ 0x10

extern i386_start_cpu, gStartParameters

%define PHYSICAL(symbol) (symbol - KERNEL_BASE)

section .rodata
align 16
global gTrampoline, gTrampolineEnd, kTrampolineBaseOffset
gTrampoline:
	cli
	mov		ax, cs					; this page
	mov		ds, ax
	o32 lgdt [gdt_register - gTrampoline]
	mov		eax, cr0
	or		al, CR0_PE
	mov		cr0, eax
	jmp		dword CODE:start_32

align 8
gdt:
	dq		0
	dq		0x00cf9b000000ffff		; flat, code
	dq		0x00cf93000000ffff		; flat, data
gdt_register:
	dw		gdt_register - gdt - 1
gdt_base:
	dd		gdt - gTrampoline		; and the page's address, which smp.c adds
gTrampolineEnd:

align 4
kTrampolineBaseOffset:
	dd		gdt_base - gTrampoline

bits 32

section .boot.text progbits alloc exec nowrite align=16

start_32:
	mov		ax, DATA
	mov		ds, ax
	mov		es, ax
	mov		ss, ax
	mov		ebx, PHYSICAL(gStartParameters)
	mov		eax, [ebx + START_CR4]
	mov		cr4, eax
	cmp		dword [ebx + START_NO_EXECUTE], 0
	je		.paging
	mov		ecx, MSR_EFER			; before a table with the bit in it is used
	rdmsr
	or		eax, EFER_NXE
	wrmsr
.paging:
	mov		eax, [ebx + START_ROOT]
	mov		cr3, eax
	mov		eax, [ebx + START_CR0]
	mov		cr0, eax
	mov		eax, start_high
	jmp		eax						; leaves the identity mapping behind

section .text
start_high:
	mov		esp, [gStartParameters + START_STACK_TOP]
	xor		ebp, ebp				; a backtrace ends here
	push	ebp
	call	i386_start_cpu
.never:
	hlt
	jmp		.never

section .note.GNU-stack noalloc noexec nowrite progbits
