; invoke.asm: one system call with a chosen state of the whole user machine.
;
; Its own state lies in memory that is reached absolutely and through SS, the
; one segment register that ring 3 cannot load with anything else: behind the
; call DS and ES may be null, ESP anything, and AC on (so all is aligned).

bits 32

COMMPAGE_SYSCALL	equ 0xffff000c
USER_DS				equ 0x23
STALE_ESP			equ 0x5ca1ab1e	; SYSENTER does not pass ESP on

struc STATE							; struct door_state, door.h
.eax:		resd 1
.ebx:		resd 1
.ecx:		resd 1
.edx:		resd 1
.esi:		resd 1
.edi:		resd 1
.ebp:		resd 1
.esp:		resd 1
.eflags:	resd 1
.cs:		resd 1
.ss:		resd 1
.ds:		resd 1
.es:		resd 1
.fs:		resd 1
.gs:		resd 1
endstruc

section .text

; ---------------------------------------------------------------------------
; void door_invoke(const struct door_state *in, struct door_state *out,
;		uint32_t path)
; ---------------------------------------------------------------------------
global door_invoke:function
door_invoke:
	pushf
	pusha
	push	ds
	push	es
	push	fs
	push	gs
ARGUMENTS	equ 4 * 4 + 8 * 4 + 4 + 4
	cld
	mov		esi, [esp + ARGUMENTS]
	mov		edi, sIn
	mov		ecx, STATE_size / 4
	rep movsd
	mov		eax, [esp + ARGUMENTS + 4]
	mov		[sOutAddress], eax
	mov		eax, [esp + ARGUMENTS + 8]
	mov		eax, [kEntries + eax * 4]
	cmp		dword [door_entry], 0
	je		.chosen
	mov		eax, [door_entry]
.chosen:
	mov		[sEntry], eax
	mov		[sSavedEsp], esp
	cmp		dword [door_fpu_kind], 0
	je		.loaded_fpu
	call	door_fpu_load
.loaded_fpu:
	mov		ebx, [sIn + STATE.ebx]
	mov		edx, [sIn + STATE.edx]
	mov		esi, [sIn + STATE.esi]
	mov		edi, [sIn + STATE.edi]
	mov		ebp, [sIn + STATE.ebp]
	push	dword [sIn + STATE.eflags]
	popf							; only MOV and JMP from here on
	pushf
	pop		dword [ss:door_flags_before]
	mov		fs, [ss:sIn + STATE.fs]
	mov		gs, [ss:sIn + STATE.gs]
	mov		es, [ss:sIn + STATE.es]
	mov		ds, [ss:sIn + STATE.ds]
	mov		ecx, [ss:sIn + STATE.ecx]
	mov		eax, [ss:sIn + STATE.eax]
	mov		esp, [ss:sIn + STATE.esp]
	jmp		[ss:sEntry]

enter_sysenter:
	mov		ecx, esp
	mov		esp, STALE_ESP
	sysenter
	ud2								; it returns to the commpage's RET

enter_commpage:
	jmp		[ss:COMMPAGE_SYSCALL]

enter_int99:
	int		99

	jmp		door_returned

; For door_entry: the entries, each directly behind a load of SS, which holds
; traps and interrupts back for one instruction.
global door_mov_ss_int99:function, door_mov_ss_sysenter:function
global door_pop_ss_int99:function, door_pop_ss_sysenter:function
door_mov_ss_int99:
	mov		ss, [ss:kSelector]
	int		99
	jmp		door_returned
door_mov_ss_sysenter:
	mov		ecx, esp
	mov		ss, [ss:kSelector]
	sysenter
	ud2
door_pop_ss_int99:
	lea		esp, [esp - 4]
	mov		dword [ss:esp], USER_DS
	pop		ss
	int		99
	jmp		door_returned
door_pop_ss_sysenter:
	mov		ecx, esp
	lea		esp, [esp - 4]
	mov		dword [ss:esp], USER_DS
	pop		ss
	sysenter
	ud2

global door_returned:function
door_returned:
	mov		[ss:sOut + STATE.eax], eax
	mov		[ss:sOut + STATE.ebx], ebx
	mov		[ss:sOut + STATE.ecx], ecx
	mov		[ss:sOut + STATE.edx], edx
	mov		[ss:sOut + STATE.esi], esi
	mov		[ss:sOut + STATE.edi], edi
	mov		[ss:sOut + STATE.ebp], ebp
	mov		[ss:sOut + STATE.esp], esp
	mov		esp, sStackEnd
	pushf
	pop		dword [ss:sOut + STATE.eflags]
	mov		eax, cs
	mov		[ss:sOut + STATE.cs], eax
	mov		eax, ss
	mov		[ss:sOut + STATE.ss], eax
	mov		eax, ds
	mov		[ss:sOut + STATE.ds], eax
	mov		eax, es
	mov		[ss:sOut + STATE.es], eax
	mov		eax, fs
	mov		[ss:sOut + STATE.fs], eax
	mov		eax, gs
	mov		[ss:sOut + STATE.gs], eax
	push	2
	popf
	mov		eax, USER_DS
	mov		ds, eax
	mov		es, eax
	mov		esp, [sSavedEsp]
	cmp		dword [door_fpu_kind], 0
	je		.saved_fpu
	call	door_fpu_save
.saved_fpu:
	mov		esi, sOut
	mov		edi, [sOutAddress]
	mov		ecx, STATE_size / 4
	rep movsd
	pop		gs
	pop		fs
	pop		es
	pop		ds
	popa
	popf
	ret

; ---------------------------------------------------------------------------
; x87 and SSE
; ---------------------------------------------------------------------------
global door_fpu_fill:function
door_fpu_fill:
	cmp		dword [door_fpu_kind], 0
	je		.done
	fninit
	fldpi
	fldl2e
	fldln2
	fld1
	fldz
	ftst							; condition codes that are not 0
	fldcw	[kControlWord]
	cmp		dword [door_fpu_kind], 2
	jne		.save
	test	byte [door_has_sse], 1
	jz		.save
	ldmxcsr	[kMxcsr]
	movups	xmm0, [kPattern + 0]
	movups	xmm1, [kPattern + 1]
	movups	xmm2, [kPattern + 2]
	movups	xmm3, [kPattern + 3]
	movups	xmm4, [kPattern + 4]
	movups	xmm5, [kPattern + 5]
	movups	xmm6, [kPattern + 6]
	movups	xmm7, [kPattern + 7]
.save:
	call	door_fpu_save
	push	esi
	push	edi
	mov		esi, door_fpu_out
	mov		edi, door_fpu_in
	mov		ecx, 512 / 4
	rep movsd
	pop		edi
	pop		esi
.done:
	ret

global door_fpu_load:function
door_fpu_load:
	cmp		dword [door_fpu_kind], 1
	jb		.done
	ja		.fxsr
	frstor	[door_fpu_in]
.done:
	ret
.fxsr:
	fxrstor	[door_fpu_in]
	ret

global door_fpu_save:function
door_fpu_save:
	cmp		dword [door_fpu_kind], 1
	jb		.done
	ja		.fxsr
	fnsave	[door_fpu_out]
.done:
	ret
.fxsr:
	fxsave	[door_fpu_out]
	ret

global door_fpu_pass:function
door_fpu_pass:
	call	door_fpu_load
	jmp		door_fpu_save

; ---------------------------------------------------------------------------
section .rodata
align 4
kEntries:		dd enter_int99, enter_sysenter, enter_commpage	; enum door_path
kControlWord:	dw 0x0c7f			; round towards zero, all masked
align 4
kSelector:		dd USER_DS
kMxcsr:			dd 0x7f80			; round towards zero, all masked
kPattern:		db 0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe
				db 0x0f, 0x2d, 0x4b, 0x69, 0x87, 0xa5, 0xc3, 0xe1
				db 0x1b, 0x3d, 0x5f, 0x71, 0x93, 0xb5, 0xd7, 0xf9

; A page that nobody may write, with a stack for a call in it.
section .rodata.page progbits alloc noexec nowrite align=4096
global door_read_only:data, door_read_only_block:data
door_read_only:
	times 2048 db 10
door_read_only_block:
	dd		door_returned
	dd		0x11223344, 0x55667788, 0x99aabbcc, 0xddeeff00
	times 4096 - ($ - door_read_only) db 10

section .bss align=16
global door_fpu_in:data, door_fpu_out:data, door_fpu_kind:data, door_flags_before:data
global door_has_sse:data, door_entry:data
door_fpu_in:		resb 512
door_fpu_out:		resb 512
door_fpu_kind:		resd 1
door_has_sse:		resd 1
door_entry:			resd 1
door_flags_before:	resd 1
sIn:				resb STATE_size
sOut:				resb STATE_size
sOutAddress:		resd 1
sEntry:				resd 1
sSavedEsp:			resd 1
sStack:				resb 64
sStackEnd:

; The end of the image. The linker places sections it does not know behind
; those it does, so behind this one nothing is mapped; main.c makes sure.
section .tail nobits alloc noexec write align=4096
global door_tail:data, door_tail_end:data
door_tail:			resb 8192
door_tail_end:

section .note.GNU-stack noalloc noexec nowrite progbits
