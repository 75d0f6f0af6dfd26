; boot.asm: from the boot loader to C.
;
; Both multiboot headers, the first page tables, and the jump to the higher
; half. GRUB comes by multiboot2 (0x36d76289 in EAX), QEMU's -kernel and other
; loaders by multiboot1 (0x2badb002); EBX is the physical address of their
; information. Protected mode, paging off, flat segments, IF off (Multiboot
; Specification 0.6.96, 3.2; Multiboot2 2.0, 3.3).

bits 32

%include "offsets.inc"

MULTIBOOT1_MAGIC	equ 0x1badb002
MULTIBOOT1_ALIGN	equ 1 << 0		; modules on page boundaries
MULTIBOOT1_MEMORY	equ 1 << 1		; a memory map, please
MULTIBOOT1_FLAGS	equ MULTIBOOT1_ALIGN | MULTIBOOT1_MEMORY

MULTIBOOT2_MAGIC	equ 0xe85250d6
MULTIBOOT2_I386		equ 0
TAG_END				equ 0
TAG_CONSOLE_FLAGS	equ 4
TAG_MODULE_ALIGN	equ 6
TAG_OPTIONAL		equ 1
CONSOLE_EGA_TEXT	equ 1 << 1		; we can drive a text screen

section .boot.header progbits alloc noexec nowrite align=8

align 4
	dd MULTIBOOT1_MAGIC
	dd MULTIBOOT1_FLAGS
	dd -(MULTIBOOT1_MAGIC + MULTIBOOT1_FLAGS)

align 8
multiboot2_header:
	dd MULTIBOOT2_MAGIC
	dd MULTIBOOT2_I386
	dd .end - multiboot2_header
	dd -(MULTIBOOT2_MAGIC + MULTIBOOT2_I386 + (.end - multiboot2_header))

; No framebuffer tag: with one, GRUB would leave text mode on a BIOS, too. It
; gives a framebuffer where there is no text screen, under UEFI, without it.
align 8
	dw TAG_CONSOLE_FLAGS, TAG_OPTIONAL
	dd 12
	dd CONSOLE_EGA_TEXT

align 8
	dw TAG_MODULE_ALIGN, TAG_OPTIONAL
	dd 8

align 8
	dw TAG_END, 0
	dd 8
.end:

section .boot.text progbits alloc exec nowrite align=16

%define PHYSICAL(symbol) (symbol - KERNEL_BASE)

global _start
_start:
	cli
	cld
	mov esp, PHYSICAL(gBootStackEnd)
	mov edi, eax				; the loader's magic and its information wait
	mov esi, ebx				; in registers that the loops below leave alone

	; BOOT_TABLES page tables that map physical memory from 0 up.
	mov eax, PAGE_PRESENT | PAGE_RW
	mov ebx, PHYSICAL(gBootTables)
.next_page:
	mov [ebx], eax
	add ebx, 4
	add eax, PAGE_BYTES
	cmp ebx, PHYSICAL(gBootTables) + BOOT_TABLES * PAGE_BYTES
	jb .next_page

	; Twice in the directory: where we run now, and 3 GiB above.
	mov eax, PHYSICAL(gBootTables) + (PAGE_PRESENT | PAGE_RW)
	mov ebx, PHYSICAL(gKernelDirectory)
	mov ecx, BOOT_TABLES
.next_table:
	mov [ebx], eax
	mov [ebx + KERNEL_BASE / DIRECTORY_SPAN * 4], eax
	add ebx, 4
	add eax, PAGE_BYTES
	dec ecx
	jnz .next_table

	; The window for devices and whatever lies outside the direct map.
	mov eax, PHYSICAL(gWindowTables) + (PAGE_PRESENT | PAGE_RW)
	mov ebx, PHYSICAL(gKernelDirectory) + WINDOW_BASE / DIRECTORY_SPAN * 4
	mov ecx, WINDOW_TABLES
.next_window:
	mov [ebx], eax
	add ebx, 4
	add eax, PAGE_BYTES
	dec ecx
	jnz .next_window

	; A loader may leave PAE on (Multiboot2, 3.3: CR0 is all it promises). CR4 is
	; there only on CPUs on which EFLAGS.ID can be changed, or a little later.
	pushf
	pop eax
	mov ecx, eax
	xor eax, FLAG_ID
	push eax
	popf
	pushf
	pop eax
	push ecx
	popf
	xor eax, ecx
	test eax, FLAG_ID
	jz .no_cr4
	xor eax, eax
	cpuid
	test eax, eax
	jz .no_cr4
	mov eax, 1
	cpuid
	test edx, CPUID_PAE
	jz .no_cr4
	mov eax, cr4
	and eax, ~CR4_PAE
	mov cr4, eax
.no_cr4:
	mov eax, PHYSICAL(gKernelDirectory)
	mov cr3, eax
	mov eax, cr0
	or eax, CR0_PG | CR0_WP		; WP: ring 0 keeps to read-only pages too
	mov cr0, eax
	mov eax, .high
	jmp eax						; leaves the identity mapping behind

.high:
	mov esp, gBootStackEnd - STACK_BLOCK_SIZE
	xor ebp, ebp				; a backtrace ends here
	push ebp
	push esi
	push edi
	call i386_start
.never:
	hlt
	jmp .never

extern i386_start, gBootStackEnd, gBootTables, gWindowTables, gKernelDirectory

section .note.GNU-stack noalloc noexec nowrite progbits
