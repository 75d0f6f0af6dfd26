; enter_pae.asm: from plain page tables to PAE's.
;
; CR3 and CR4.PAE would have to change in one instruction while paging is on, so
; it goes off meanwhile (Intel SDM volume 3A, 4.1.2). That takes code that runs
; at its physical address: this is part of .boot, and both old and new tables
; map it there.

bits 32

%include "offsets.inc"

section .boot.text progbits alloc exec nowrite align=16

; void i386_enter_pae(uint32_t root)
; IF off. From C, above KERNEL_BASE; the stack is there, too, so nothing is
; pushed or popped while paging is off.
align 16
global i386_enter_pae
i386_enter_pae:
	mov		eax, [esp + 4]
	mov		ecx, cr0
	mov		edx, ecx
	and		edx, ~CR0_PG
	mov		cr0, edx
	mov		edx, cr4
	or		edx, CR4_PAE
	mov		cr4, edx
	mov		cr3, eax
	mov		cr0, ecx
	ret								; EIP is above KERNEL_BASE again

section .note.GNU-stack noalloc noexec nowrite progbits
