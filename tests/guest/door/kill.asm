; kill.asm: the cases that end the program, each in its own function. A CASE
; is in the table by its name; kill.c finds and calls it. The instruction that
; is to be reported has the symbol at_NAME, so a report says where it was.
;
; tests/boot/test_door.py has the table of what each report must say.

bits 32

%include "syscall_numbers.inc"

COMMPAGE			equ 0xffff0000
COMMPAGE_SYSCALL	equ 0xffff000c
KERNEL_TEXT			equ 0xc0100000
UNMAPPED			equ 0x10000000
KERNEL_CS			equ 0x08
KERNEL_SS			equ 0x10
USER_CS				equ 0x1b
USER_DS				equ 0x23
FLAG_TF				equ 0x100
FLAG_DF				equ 0x400
FLAG_NT				equ 0x4000
FLAG_AC				equ 0x40000
FLAGS_ARITHMETIC	equ 0x8d5

%macro CASE 1
section .rodata.kill_names progbits alloc noexec nowrite
%%name:	db	%str(%1), 0
section .rodata.kill_table progbits alloc noexec nowrite align=4
	dd		%%name, kill_%1
section .text
global kill_%1:function
kill_%1:
%endmacro

; The next instruction is the one that the report names.
%macro AT 1
global at_%1:function
at_%1:
%endmacro

; A case of a single instruction.
%macro INSTRUCTION 2+
CASE %1
AT %1
	%2
	ret
%endmacro

section .rodata.kill_table progbits alloc noexec nowrite align=4
global kill_table:data
kill_table:

; ---- Privileged instructions ------------------------------------------------

INSTRUCTION cli,			cli
INSTRUCTION sti,			sti
INSTRUCTION hlt,			hlt
INSTRUCTION in_al,			in al, 0x60
INSTRUCTION in_dx,			in eax, dx
INSTRUCTION out_al,			out 0x80, al
INSTRUCTION out_dx,			out dx, al
INSTRUCTION insb,			insb
INSTRUCTION outsb,			outsb
INSTRUCTION lgdt,			lgdt [kDescriptorTable]
INSTRUCTION lidt,			lidt [kDescriptorTable]
INSTRUCTION lldt,			lldt ax
INSTRUCTION ltr,			ltr ax
INSTRUCTION lmsw,			lmsw ax
INSTRUCTION clts,			clts
INSTRUCTION invd,			invd
INSTRUCTION wbinvd,			wbinvd
INSTRUCTION invlpg,			invlpg [kDescriptorTable]
INSTRUCTION mov_to_cr0,		mov cr0, eax
INSTRUCTION mov_from_cr0,	mov eax, cr0
INSTRUCTION mov_to_cr3,		mov cr3, eax
INSTRUCTION mov_from_cr4,	mov eax, cr4
INSTRUCTION mov_to_dr0,		mov dr0, eax
INSTRUCTION mov_to_dr7,		mov dr7, eax
INSTRUCTION mov_from_dr6,	mov eax, dr6
INSTRUCTION rdmsr,			rdmsr
INSTRUCTION wrmsr,			wrmsr
INSTRUCTION sysexit,		sysexit
INSTRUCTION sysenter_unused,	sysenter	; where int 99 is in use

; ---- Ring 0 by a selector ---------------------------------------------------

CASE iret_kernel
	pushf
	push	KERNEL_CS
	push	at_iret_kernel
AT iret_kernel
	iret

CASE iret_kernel_rpl3				; the kernel's code, at ring 3
	pushf
	push	KERNEL_CS | 3
	push	at_iret_kernel_rpl3
AT iret_kernel_rpl3
	iret

CASE iret_nt						; a return to a task that is not there
	pushf
	or		dword [esp], FLAG_NT
	popf
AT iret_nt
	iret

CASE retf_kernel
	push	KERNEL_CS
	push	at_retf_kernel
AT retf_kernel
	retf

INSTRUCTION jmp_kernel,			jmp KERNEL_CS:KERNEL_TEXT
INSTRUCTION call_kernel,		call KERNEL_CS:KERNEL_TEXT
INSTRUCTION jmp_tss,			jmp 0x28:0
INSTRUCTION call_tss,			call 0x28:0
INSTRUCTION jmp_double_fault,	jmp 0x30:0
INSTRUCTION call_double_fault,	call 0x30:0
INSTRUCTION jmp_nmi,			jmp 0x38:0
INSTRUCTION call_nmi,			call 0x38:0
INSTRUCTION jmp_beyond,			jmp 0x40:0
INSTRUCTION jmp_ldt,			jmp 0x0f:0

%macro SELECTOR 3
CASE %1
	mov		eax, %3
AT %1
	mov		%2, eax
	ret
%endmacro
SELECTOR ds_kernel_data, ds, KERNEL_SS
SELECTOR es_kernel_code, es, KERNEL_CS
SELECTOR fs_tss, fs, 0x28
SELECTOR gs_beyond, gs, 0x48
SELECTOR ds_ldt, ds, 0x07
SELECTOR ss_null, ss, 0
SELECTOR ss_kernel, ss, KERNEL_SS
SELECTOR ss_rpl0, ss, 0x20
SELECTOR ss_code, ss, USER_CS

; ---- Memory that is not the program's ----------------------------------------

INSTRUCTION write_commpage,			mov [COMMPAGE], eax
INSTRUCTION write_commpage_code,	mov byte [COMMPAGE + 0x100], 0xcc
INSTRUCTION read_kernel,			mov eax, [KERNEL_TEXT]
INSTRUCTION read_kernel_base,		mov eax, [0xc0000000]
INSTRUCTION write_kernel,			mov [KERNEL_TEXT], eax
INSTRUCTION read_window,			mov eax, [0xd0000000]
INSTRUCTION read_last,				mov al, [0xffffffff]
INSTRUCTION read_null,				mov eax, [0]
INSTRUCTION read_first,				mov eax, [0xfffc]
INSTRUCTION read_unmapped,			mov eax, [UNMAPPED]
INSTRUCTION write_unmapped,			mov [UNMAPPED], eax
INSTRUCTION write_text,				mov [kill_write_text], eax
INSTRUCTION read_below_stack,		mov eax, [0xbf7ffffc]

CASE execute_kernel
	mov		eax, KERNEL_TEXT
	call	eax
	ret
CASE execute_unmapped
	mov		eax, UNMAPPED
	call	eax
	ret
CASE execute_null
	xor		eax, eax
	call	eax
	ret

CASE stack_overflow
AT stack_overflow
	push	ebp
	jmp		at_stack_overflow

; ---- Exceptions --------------------------------------------------------------

CASE divide
	xor		edx, edx
	xor		ecx, ecx
AT divide
	div		ecx
	ret

INSTRUCTION icebp,	db 0xf1
INSTRUCTION int3_short,	int3
INSTRUCTION ud2,	ud2

CASE into
	pushf
	or		dword [esp], 0x800
	popf
AT into
	into
	ret

CASE bound
	mov		eax, -1
AT bound
	bound	eax, [kBounds]
	ret

CASE x87
	fninit
	fldcw	[kUnmasked]
	fld1
	fldz
	fdivp
AT x87
	fwait
	ret

CASE simd
	ldmxcsr	[kUnmaskedSimd]
	xorps	xmm0, xmm0
	movss	xmm1, [kOne]
AT simd
	divss	xmm1, xmm0
	ret

CASE alignment
	pushf
	or		dword [esp], FLAG_AC
	popf
AT alignment
	mov		eax, [kill_selector + 1]
	ret

; ---- Single steps and watched words over the entries ----------------------------
;
; Each by both ways with everything else alike: int 99 is followed by a RET, as
; SYSENTER is by the commpage's, and both lead to kill_returned. So the two
; reports may differ in nothing but ECX and EDX.

; what the program has in the registers that a call keeps
%macro PATTERNS 0
	mov		ebx, 0x0b1b2b3b
	mov		esi, 0x051525e5
	mov		edi, 0x0d1525f5
	mov		ebp, kill_frame			; the end of a backtrace
%endmacro

; name, flags, number: the flags are loaded directly before the entry
%macro STEPPED 3
CASE %1_int99
	PATTERNS
	mov		eax, %3
	mov		esp, kill_stack
	push	%2 | 2
	popf
	int		99
	ret
CASE %1_sysenter
	PATTERNS
	mov		eax, %3
	mov		esp, kill_stack
	mov		ecx, esp
	push	%2 | 2
	popf
	sysenter
	ud2
%endmacro
STEPPED tf, FLAG_TF, SYS_is_computer_on
STEPPED tf_echo, FLAG_TF, SYS_echo
STEPPED tf_echo64, FLAG_TF, SYS_echo64
STEPPED tf_unknown, FLAG_TF, 0x12345
STEPPED tf_all, FLAG_TF | FLAG_DF | FLAG_NT | FLAG_AC | FLAGS_ARITHMETIC, SYS_is_computer_on
STEPPED tf_all_echo, FLAG_TF | FLAG_DF | FLAG_NT | FLAG_AC | FLAGS_ARITHMETIC, SYS_echo

; a null DS and ES beside
CASE tf_segments_int99
	PATTERNS
	xor		eax, eax
	mov		esp, kill_stack
	push	FLAG_TF | FLAG_DF
	mov		ds, eax
	mov		es, eax
	mov		eax, SYS_echo
	popf
	int		99
	ret
CASE tf_segments_sysenter
	PATTERNS
	xor		eax, eax
	mov		esp, kill_stack
	mov		ecx, esp
	push	FLAG_TF | FLAG_DF
	mov		ds, eax
	mov		es, eax
	mov		eax, SYS_echo
	popf
	sysenter
	ud2

; a block that is no memory of the program's
CASE tf_block_int99
	PATTERNS
	mov		eax, SYS_echo
	mov		esp, 0xbffffffc
	mov		dword [esp], kill_returned
	push	FLAG_TF | 2
	popf
	int		99
	ret
CASE tf_block_sysenter
	PATTERNS
	mov		eax, SYS_echo
	mov		esp, 0xbffffffc
	mov		dword [esp], kill_returned
	mov		ecx, esp
	push	FLAG_TF | 2
	popf
	sysenter
	ud2

; MOV SS and POP SS hold back traps up to behind the next instruction
; (CVE-2018-8897). Here, with flags that are 2 or TF; with the kernel option
; watch= on kill_selector the load itself is watched.
%macro SHADOWED 2
CASE mov_ss%1_int99
	PATTERNS
	mov		eax, SYS_is_computer_on
	mov		esp, kill_stack
	push	%2 | 2
	popf
	mov		ss, [kill_selector]
AT mov_ss%1_int99
	int		99
	ret
CASE mov_ss%1_sysenter
	PATTERNS
	mov		eax, SYS_is_computer_on
	mov		esp, kill_stack
	mov		ecx, esp
	push	%2 | 2
	popf
	mov		ss, [kill_selector]
AT mov_ss%1_sysenter
	sysenter
	ud2
CASE pop_ss%1_int99
	PATTERNS
	mov		eax, SYS_is_computer_on
	mov		esp, kill_selector - 4
	mov		dword [esp], %2 | 2
	popf
	pop		ss
AT pop_ss%1_int99
	int		99						; ESP is kill_pop_stack
	ret
CASE pop_ss%1_sysenter
	PATTERNS
	mov		eax, SYS_is_computer_on
	mov		esp, kill_selector - 4
	mov		ecx, kill_pop_stack
	mov		dword [esp], %2 | 2
	popf
	pop		ss
AT pop_ss%1_sysenter
	sysenter
	ud2
%endmacro
SHADOWED , 0
SHADOWED _tf, FLAG_TF

; The kernel's own reads of the program's memory, watched: the buffer of
; write, the block of echo, the object of get_info. Without a watchpoint these
; return to kill_returned and end with status 0.
%macro WATCHED 3
CASE %1_int99
	PATTERNS
	mov		eax, %2
	mov		esp, %3
	int		99
	ret
CASE %1_sysenter
	PATTERNS
	mov		eax, %2
	mov		esp, %3
	mov		ecx, esp
	sysenter
	ud2
%endmacro
WATCHED watch_buffer, SYS_write, kWriteStack
WATCHED watch_block, SYS_echo, kill_stack
WATCHED watch_object, SYS_get_info, kInfoStack

section .text
global kill_returned:function
kill_returned:
	mov		esp, kill_stack_of_exit
	mov		eax, SYS_exit
	int		99
	ud2

; ---- A RET that cannot pop ---------------------------------------------------------
;
; Through the commpage, whatever way it takes: the call works, its RET faults.
%macro STACK_AT 2
CASE %1
	PATTERNS
	mov		eax, SYS_is_computer_on
	mov		esp, %2
	jmp		[COMMPAGE_SYSCALL]
%endmacro
STACK_AT sp_zero, 0
STACK_AT sp_four, 4
STACK_AT sp_unmapped, UNMAPPED
STACK_AT sp_odd, UNMAPPED + 3
STACK_AT sp_straddles, 0x3ffffe
STACK_AT sp_base, 0xc0000000
STACK_AT sp_kernel, KERNEL_TEXT
STACK_AT sp_commpage, COMMPAGE + 0x20	; pops a 0
STACK_AT sp_last, 0xfffffffc
STACK_AT sp_end, 0xffffffff

; ---- INT n --------------------------------------------------------------------------
section .text
align 4
global kill_int:function
kill_int:							; three bytes each, n times
%assign vector 0
%rep 256
	db		0xcd, vector			; not INT3's short form
	ret
%assign vector vector + 1
%endrep

section .rodata
align 8
kDescriptorTable:	dw 0, 0, 0, 0
kBounds:			dd 0, 10
kOne:				dd 1.0
kUnmaskedSimd:		dd 0x1d80		; division by zero is not masked
kUnmasked:			dw 0x37b		; likewise

section .rodata.kill_table progbits alloc noexec nowrite align=4
	dd		0, 0

section .data
align 16
	dd		0, 0, 0, 0
global kill_selector:data
kill_selector:		dd USER_DS
kill_pop_stack:		dd kill_returned, 0, 0, 0, 0, 0, 0, 0
kill_stack:			dd kill_returned
global kill_argument:data
kill_argument:		dd 0x13572468, 0x2468ace0, 0, 0, 0, 0, 0, 0
kill_stack_of_exit:	dd 0, 0
kill_frame:			dd 0, 0
global kill_buffer:data
align 4
kill_buffer:		db "seen"
kWriteStack:		dd kill_returned, 1, -1, -1, kill_buffer, 4
kInfoStack:			dd kill_returned, kill_object

section .bss align=16
global kill_object:data
kill_object:		resb 256

section .note.GNU-stack noalloc noexec nowrite progbits
