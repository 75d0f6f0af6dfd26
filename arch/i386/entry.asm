; entry.asm: every way into the kernel, and every way out.
;
; Read it in this order: the two doors (int99_entry, sysenter_entry), which
; build one frame (struct iframe, arch/i386/iframe.h) and meet in
; handle_syscall; the two ways out at its end, and where an interrupt of those
; goes on; what the doors do with a program's odd segments and flags; then
; traps and interrupts, which build the same frame; last the tasks for NMI and
; double fault.
;
; What holds all the way: ESP is on a kernel stack from the first instruction
; to the last, and the frame above it is whole or not yet needed. SYSENTER
; loads ESP from an MSR, which holds the top of the program's kernel stack
; (docs/decisions/002-sysenter-stack.md); both ways out leave it there up to
; the instruction that is already ring 3, and neither loads the program's flags
; before that. So an interrupt, an NMI or a debug exception may come between
; any two instructions of this file (docs/decisions/003-no-window.md).

bits 32

%include "offsets.inc"
%include "syscall_numbers.inc"
%include "commpage.inc"
%include "smap.inc"

extern kSyscallInfos, i386_trap, i386_interrupt, i386_nmi, i386_double_fault
extern thread_return_work

; Flags that a program may set and that the kernel does not run with. NT would
; make IRET a task switch, DF turn string instructions round, TF trap, and AC
; open SMAP's gate.
USER_ONLY_FLAGS		equ FLAG_DF | FLAG_NT | FLAG_AC | FLAG_TF
KERNEL_FLAGS		equ FLAG_ALWAYS | FLAG_IF

section .text.entry progbits alloc exec nowrite align=4096

; ---------------------------------------------------------------------------
; int 99, through gate 99: a trap gate, DPL 3
;
; in:	EAX = number, arguments from [user ESP + 4] up, all else the program's.
;		The CPU has pushed SS, ESP, EFLAGS, CS and EIP on the stack of ESP0 and
;		cleared TF and NT. A trap gate leaves IF on, so no STI is needed.
; ---------------------------------------------------------------------------
align 16
global int99_entry
int99_entry:
	push	TRAP_INT99
.trap_pushed:
	pusha							; from here on ECX is free
	mov		ecx, es
	shl		ecx, 16					; and drops what old CPUs leave in the top half
	mov		cx, ds
	push	ecx						; the frame is whole
	cmp		ecx, KERNEL_SEGMENTS	; comparing is far cheaper than loading
	jne		int99_mend
	test	dword [esp + FRAME_EFLAGS], USER_ONLY_FLAGS
	jz		handle_syscall

int99_mend:
	jmp		mend_state

; Where an interrupt before the first push goes on: what it had to ask of the frame
; would be overwritten by that.
int99_entry_touched:
	push	TRAP_TOUCHED
	jmp		int99_entry.trap_pushed

; ---------------------------------------------------------------------------
; SYSENTER
;
; in:	EAX = number, ECX = user ESP; ESP = top of the kernel stack, IF off, every
;		other flag as the program had it (Intel SDM volume 2B, SYSENTER).
; ---------------------------------------------------------------------------
align 16
global sysenter_entry
sysenter_entry:
	push	USER_DS					; SS, ESP, EFLAGS, CS and EIP, where int 99
	push	ecx						; finds what the CPU pushed
	pushf
.flags_pushed:
	push	USER_CS
	push	COMMPAGE_RETURN
	push	TRAP_SYSENTER
	pusha
	mov		ecx, es
	shl		ecx, 16
	mov		cx, ds
	push	ecx
	cmp		ecx, KERNEL_SEGMENTS
	jne		sysenter_mend
	test	dword [esp + FRAME_EFLAGS], USER_ONLY_FLAGS
	jnz		sysenter_mend
	sti								; not before DF, NT, AC and TF are known off
	; and on into handle_syscall

; ---------------------------------------------------------------------------
; handle_syscall: where both doors meet
;
; in:	EAX = number; ESP = the frame; IF on; DF, NT, AC, TF off; DS and ES flat;
;		EBX, ESI, EDI, EBP still the program's, and C keeps them.
; out:	leaves for ring 3: by SYSEXIT when the frame came by SYSENTER, nobody
;		has touched it and the result has 32 bits, by IRET otherwise.
;
; SYSEXIT takes EIP from EDX and ESP from ECX, so those two carry nothing out,
; and a 64-bit result, whose high half is EDX's, has to go by IRET. SYSEXIT
; leaves the flags alone: that they are plain was checked on the way in, and
; the arithmetic ones are those of the compare above it, the same every time.
; ---------------------------------------------------------------------------
global handle_syscall
handle_syscall:
	inc		dword [esp + FRAME_CALLS]	; the thread's own: no line is shared
	cmp		eax, SYSCALL_COUNT
	jae		.unknown
	cmp		dword [kSyscallInfos + eax * INFO_SIZE + INFO_FACTS], 0
	jne		.arguments				; it takes arguments or returns 64 bits
	call	[kSyscallInfos + eax * INFO_SIZE + INFO_THUNK]

.result:
	mov		[esp + FRAME_EAX], eax
%if POSTERN_DEBUG
	call	check_leaving
%endif
.look:								; an interrupt before SYSEXIT goes on here
	cmp		dword [esp + FRAME_TRAP], TRAP_SYSENTER
	jne		leave_syscall
	mov		ecx, [esp + FRAME_USER_ESP]
	mov		edx, COMMPAGE_RETURN
	sysexit							; IF is on already, and so it stays

	; The argument block is copied once, highest dword first, so that it lies on
	; this stack as the program's own caller pushed it. This and user_copy.asm are
	; all that touches user memory.
.arguments:
	mov		ebp, esp				; C keeps EBP: the way back to the frame
	mov		ecx, [kSyscallInfos + eax * INFO_SIZE + INFO_FACTS]
	and		ecx, SYSCALL_ARGUMENT_DWORDS
	jz		.copied
	mov		edx, [esp + FRAME_USER_ESP]
	cmp		edx, KERNEL_BASE - 4 - 4 * 8	; room for the largest block?
	ja		.near_the_end
.copy:
	USER_OPEN
	jmp		[.copy_from + ecx * 4]

.near_the_end:						; then this block must end at KERNEL_BASE
	shl		ecx, 2					; or below: ESP <= KERNEL_BASE - 4 - 4 * n
	neg		ecx
	add		ecx, KERNEL_BASE - 4
	cmp		edx, ecx
	ja		.bad_block
	mov		ecx, [kSyscallInfos + eax * INFO_SIZE + INFO_FACTS]
	and		ecx, SYSCALL_ARGUMENT_DWORDS
	jmp		.copy

%assign dword_index 8
%rep 8
.copy_ %+ dword_index:
	push	dword [edx + 4 * dword_index]	; may fault: see the fixup below
%assign dword_index dword_index - 1
%endrep
.all_copied:
	USER_CLOSE
.copied:
	push	esp						; the thunk's one argument; PUSH ESP pushes the
									; value from before, the block's address
	call	[kSyscallInfos + eax * INFO_SIZE + INFO_THUNK]
	mov		esp, ebp
	mov		ebp, [esp + FRAME_EBP]
	mov		ecx, [esp + FRAME_EAX]	; the number is still there
	test	byte [kSyscallInfos + ecx * INFO_SIZE + INFO_FACTS], SYSCALL_WIDE_RESULT
	jz		.result

.wide_result:
	mov		[esp + FRAME_EDX], edx
	mov		[esp + FRAME_EAX], eax
%if POSTERN_DEBUG
	call	check_leaving
%endif
	or		dword [esp + FRAME_EFLAGS], FLAG_IF	; PUSHF behind SYSENTER saw it off
	jmp		leave_syscall

	; Errors of the door itself are sign-extended to 64 bits: what width the
	; program expects of a number that is no call, nobody knows.
.unknown:
	mov		eax, -ENOSYS
	mov		edx, -1
	jmp		.wide_result

.bad_block:							; also where a fault in .copy_* goes on
	USER_CLOSE
	mov		esp, ebp
	mov		ebp, [esp + FRAME_EBP]
	mov		eax, -EFAULT
	mov		edx, -1
	jmp		.wide_result

section .rodata
align 4
handle_syscall.copy_from:
	dd		handle_syscall.copied
%assign dword_index 1
%rep 8
	dd		handle_syscall.copy_ %+ dword_index
%assign dword_index dword_index + 1
%endrep

section .fixups progbits alloc noexec nowrite align=4
	dd		handle_syscall.copy_8, handle_syscall.all_copied, handle_syscall.bad_block

; Between a look at the frame and ring 3, and before there is a frame, an interrupt's
; request for work would be found at the next one. So what it has interrupted goes on
; elsewhere (i386_interrupt()): from, to, where.
section .windows progbits alloc noexec nowrite align=4
	dd		int99_entry, int99_entry.trap_pushed, int99_entry_touched
	dd		handle_syscall.look, handle_syscall.arguments, handle_syscall.look
	dd		leave_syscall, leave_by_iret.popa, leave_syscall
	dd		leave_by_iret.popa, leave_by_iret.popped, leave_again.from_popa
	dd		leave_by_iret.popped, leave_by_iret.iret, leave_again.from_popped
	dd		leave_by_iret.iret, leave_by_iret.load_segments, leave_again.from_iret

section .text.entry

; ---------------------------------------------------------------------------
; leave_again: where an interrupt on the way out by IRET goes on. It has overwritten
; the frame below ESP; what was there is made again, and looked at.
; ---------------------------------------------------------------------------
leave_again:
.from_iret:
	push	TRAP_TOUCHED			; whether it has asked for work went with the word
.from_popped:
	pusha							; the program's, as they were loaded
.from_popa:
	push	KERNEL_SEGMENTS			; a frame with others is a touched one
	; and on into leave_syscall

; ---------------------------------------------------------------------------
; leave_syscall: out of a system call by IRET
;
; in:	ESP = the frame, IF on
; ---------------------------------------------------------------------------
align 16							; by NOPs, for leave_again
leave_syscall:
	test	byte [esp + FRAME_TRAP], TRAP_TOUCHED_BIT
	jz		leave_by_iret
	cli								; from the look for work to ring 3
leave_after_work:
	call	thread_return_work		; may run other threads, or end this one
	; and on into leave_by_iret; IRET gives IF back

; ---------------------------------------------------------------------------
; leave_by_iret: the way out that reloads everything
;
; in:	ESP = a frame
; ---------------------------------------------------------------------------
leave_by_iret:
	cmp		dword [esp + FRAME_SEGMENTS], KERNEL_SEGMENTS
	jne		.load_segments
	add		esp, 4
.popa:
	popa
.popped:
	add		esp, 4					; the trap word
.iret:
	iret

.load_segments:						; ring 3 had loaded them, so we can
	pop		ecx
	mov		ds, cx					; last use of DS: POPA and IRET go by SS
	shr		ecx, 16
	mov		es, cx
	popa
	add		esp, 4
	iret

; ---------------------------------------------------------------------------
; What the doors do when the program's segments or flags are not plain
;
; in:	ESP = the frame, EAX = number
; ---------------------------------------------------------------------------
sysenter_mend:
	or		dword [esp + FRAME_EFLAGS], FLAG_IF		; what ring 3 ran with
mend_state:
	mov		dword [esp + FRAME_TRAP], TRAP_TOUCHED	; IRET gives all of it back
	mov		ecx, USER_DS
	mov		ds, ecx
	mov		es, ecx
	push	KERNEL_FLAGS
	popf							; DF, NT, AC and TF off, IF on
	jmp		handle_syscall

; SYSENTER does not clear TF. The single-step trap then comes in ring 0, before
; sysenter_entry's first instruction; i386_trap() clears TF in that trap's
; frame and returns here instead, so that the program's frame still has it.
global sysenter_entry_stepped
sysenter_entry_stepped:
	push	USER_DS
	push	ecx
	pushf
	or		dword [esp], FLAG_TF
	jmp		sysenter_entry.flags_pushed

%if POSTERN_DEBUG
; Asserts before a way out: in C, see traps.c. Keeps EAX and EDX.
extern i386_check_leaving
check_leaving:
	push	eax
	push	edx
	lea		eax, [esp + 12]			; the frame
	push	eax
	call	i386_check_leaving
	add		esp, 4
	pop		edx
	pop		eax
	ret
%endif

; ---------------------------------------------------------------------------
; Exceptions: vectors 0 to 31, interrupt gates
;
; The vector goes into the top byte of the error code, whose top half the CPU
; leaves 0, so that frames with and without one look alike.
; ---------------------------------------------------------------------------
; 8, 10 to 14, 17 and 21 push one (Intel SDM volume 3A, table 6-1)
%assign ERROR_CODES 1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17 | 1 << 21

%assign vector 0
%rep 32
align 8
trap_ %+ vector:
%if (ERROR_CODES >> vector) & 1
	mov		byte [esp + 3], vector
%else
	push	vector << 24
%endif
	jmp		trap_common
%assign vector vector + 1
%endrep

%macro BUILD_FRAME 0
	pusha
	mov		ecx, es
	shl		ecx, 16
	mov		cx, ds
	push	ecx
	mov		ecx, USER_DS
	mov		ds, ecx
	mov		es, ecx
	push	FLAG_ALWAYS
	popf							; the program's DF, NT, AC off; IF stays off
%endmacro

align 16
trap_common:
	BUILD_FRAME
	push	esp
	call	i386_trap				; ends the program, panics, or returns to go on
	add		esp, 4
	jmp		leave_by_iret

; ---------------------------------------------------------------------------
; Interrupts: vectors 32 to 63 (VECTOR_IRQ0, INTERRUPT_ENTRIES), interrupt gates
; ---------------------------------------------------------------------------
%assign vector 32
%rep 32
align 8
interrupt_ %+ vector:
	push	vector << 24
	jmp		interrupt_common
%assign vector vector + 1
%endrep

align 16
interrupt_common:
	BUILD_FRAME
	push	esp
	call	i386_interrupt
	add		esp, 4
	jmp		leave_by_iret

; ---------------------------------------------------------------------------
; NMI and double fault: tasks of their own, each with its own stack, so that
; they work whatever ESP was. The hardware saves and restores all state; the
; code behind IRET is where the task goes on when it is entered again.
; A task switch sets CR0.TS, which i386_trap() clears at the first #NM.
; ---------------------------------------------------------------------------
align 16
global nmi_task
nmi_task:
	call	i386_nmi
	iret							; NT is on in a nested task: switches back
	jmp		nmi_task

align 16
global double_fault_task
double_fault_task:
	call	i386_double_fault		; panics
	hlt
	jmp		double_fault_task

; ---------------------------------------------------------------------------
; Threads: the switch, and the first way into ring 3
; ---------------------------------------------------------------------------

; void i386_switch_stacks(uintptr_t *_save, uintptr_t load), IF off
; What C does not keep over a call needs no saving: to its caller this is one.
align 16
global i386_switch_stacks
i386_switch_stacks:
	mov		eax, [esp + 4]
	mov		edx, [esp + 8]
	push	ebp
	push	ebx
	push	esi
	push	edi
	mov		[eax], esp
	mov		esp, edx
	pop		edi
	pop		esi
	pop		ebx
	pop		ebp
	ret

; Where the first switch to a thread goes: its frame is at ESP, IF is off.
extern thread_switched
align 16
global i386_start_user_thread
i386_start_user_thread:
	call	thread_switched
	jmp		leave_after_work

section .rodata
align 4
global kTrapEntries, kInterruptEntries
kTrapEntries:
%assign vector 0
%rep 32
	dd		trap_ %+ vector
%assign vector vector + 1
%endrep
kInterruptEntries:
%assign vector 32
%rep 32
	dd		interrupt_ %+ vector
%assign vector vector + 1
%endrep

section .note.GNU-stack noalloc noexec nowrite progbits
