; commpage.asm: the two stubs of which one is copied into the commpage.
;
; A program gets here by `jmp [0xffff000c]` from its _kern_ stub: EAX is the
; number, [ESP] the address behind the program's call, [ESP + 4] the first
; argument. No stub may touch the stack before the kernel has looked at it.

bits 32

%include "offsets.inc"
%include "commpage.inc"
%include "syscall_numbers.inc"

section .rodata

align 16
global gCommpageInt99, gCommpageInt99End
gCommpageInt99:
	int		SYSCALL_VECTOR
	ret
gCommpageInt99End:

align 16
global gCommpageSysenter, gCommpageSysenterEnd
gCommpageSysenter:
	mov		ecx, esp				; SYSENTER keeps neither ESP nor EIP:
	sysenter						; the kernel knows where it is
	times (COMMPAGE_RETURN - COMMPAGE_ENTRY) - ($ - gCommpageSysenter) nop
	ret								; SYSEXIT lands here, ESP as it was
gCommpageSysenterEnd:

; A handler's RET gets here, with ESP at its arguments: signal, information,
; context. By int 99, which works whatever is in use: this way is not hot.
align 16
global gCommpageSignalReturn, gCommpageSignalReturnEnd
gCommpageSignalReturn:
	mov		eax, [esp + 8]			; the context
	push	eax
	push	eax						; where a return address would be
	mov		eax, SYS_sigreturn
	int		SYSCALL_VECTOR
	ud2								; sigreturn goes on elsewhere
gCommpageSignalReturnEnd:

; For the C files that copy the stubs and send frames to them.
global kCommpageReturn, kCommpageSignalReturnOffset
align 4
kCommpageReturn:
	dd		COMMPAGE_RETURN
kCommpageSignalReturnOffset:
	dd		COMMPAGE_SIGNAL_RETURN_OFFSET
global kCommpageEntryOffset
align 4
kCommpageEntryOffset:
	dd		COMMPAGE_ENTRY_OFFSET

section .note.GNU-stack noalloc noexec nowrite progbits
