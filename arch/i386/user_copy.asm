; user_copy.asm: the instructions that touch user memory, and where a fault in
; one of them goes on. kernel/user_memory.c is their only caller; it has
; checked that the range lies below KERNEL_BASE. (The other place is the
; argument block, in entry.asm.)
;
; C functions (cdecl), IF as it is, DF off. EFLAGS.AC is off outside USER_OPEN
; and USER_CLOSE; a fault comes back with what it was, so .fault closes, too.

bits 32

%include "offsets.inc"
%include "smap.inc"

section .text.user_copy progbits alloc exec nowrite align=16

; int arch_user_copy_in(void *to, uintptr_t from, size_t size)
; int arch_user_copy_out(uintptr_t to, const void *from, size_t size)
; Copies dwords, then what is left: the same code serves both directions.
align 16
global arch_user_copy_in, arch_user_copy_out
arch_user_copy_out:
arch_user_copy_in:
	push	esi
	push	edi
	mov		edi, [esp + 12]
	mov		esi, [esp + 16]
	mov		ecx, [esp + 20]
	mov		edx, ecx
	shr		ecx, 2
	and		edx, 3
	USER_OPEN
.start:
	rep movsd
	mov		ecx, edx
	rep movsb
.end:
	xor		eax, eax
.leave:
	USER_CLOSE
	pop		edi
	pop		esi
	ret
.fault:
	mov		eax, -EFAULT
	jmp		.leave

; ssize_t arch_user_copy_string(char *to, uintptr_t from, size_t size)
align 16
global arch_user_copy_string
arch_user_copy_string:
	push	esi
	push	edi
	mov		edi, [esp + 12]
	mov		esi, [esp + 16]
	mov		ecx, [esp + 20]
	xor		edx, edx				; the length so far
	USER_OPEN
.next:
	cmp		edx, ecx
	je		.end
.start:
	mov		al, [esi + edx]
.loaded:
	mov		[edi + edx], al
	test	al, al
	jz		.end
	inc		edx
	jmp		.next
.end:
	mov		eax, edx
.leave:
	USER_CLOSE
	pop		edi
	pop		esi
	ret
.fault:
	mov		eax, -EFAULT
	jmp		.leave

; int arch_user_probe_write(uintptr_t address)
; An OR with nothing: writes without changing, and LOCK keeps it from undoing
; what another processor writes at the same time.
align 16
global arch_user_probe_write
arch_user_probe_write:
	mov		ecx, [esp + 4]
	USER_OPEN
.start:
	lock or byte [ecx], 0
.end:
	USER_CLOSE
	xor		eax, eax
	ret
.fault:
	USER_CLOSE
	mov		eax, -EFAULT
	ret

section .fixups progbits alloc noexec nowrite align=4
	dd		arch_user_copy_in.start, arch_user_copy_in.end, arch_user_copy_in.fault
	dd		arch_user_copy_string.start, arch_user_copy_string.loaded, arch_user_copy_string.fault
	dd		arch_user_probe_write.start, arch_user_probe_write.end, arch_user_probe_write.fault

section .note.GNU-stack noalloc noexec nowrite progbits
