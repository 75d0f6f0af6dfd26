/*
 * The gates of the bench kernel, and what its gate 97 does: choose what
 * SYSENTER enters, and time the instruction that a task switch would pay for.
 */
#include "tests/bench/kernel/bench.h"
#include "arch/i386/cpu.h"
#include "arch/i386/devices.h"
#include "kernel/arch.h"

enum { VECTOR_CONTROL = 97, VECTOR_FLOOR = 98 };
enum { SELECT_KERNEL, SELECT_FLOOR, SELECT_FLOOR_BY_POINTER, TIME_WRMSR, TIME_STORE };
#define REPEATS 1000

void bench_control_entry(void);
void floor_int_entry(void);
void floor_sysenter_entry(void);
void floor_sysenter_pointer_entry(void);
void sysenter_entry(void);
uint32_t bench_control(uint32_t what);

/* What the second SYSENTER stack design points its MSR at. */
uint32_t gFloorStackPointer;

void bench_init(void)
{
	i386_set_gate(
		VECTOR_CONTROL, bench_control_entry, KERNEL_CS, GATE_INTERRUPT | GATE_RING3);
	i386_set_gate(VECTOR_FLOOR, floor_int_entry, KERNEL_CS, GATE_TRAP | GATE_RING3);
	gFloorStackPointer = i386_this_tss()->esp0;
}

static void enter_at(void (*entry)(void), uintptr_t stack)
{
	if (!i386_cpu_has(CPUID_SEP))
		return;
	i386_write_msr(MSR_SYSENTER_EIP, (uintptr_t)entry);
	i386_write_msr(MSR_SYSENTER_ESP, stack);
}

/* Returns cycles for REPEATS of what was timed, 0 for a selection. */
uint32_t bench_control(uint32_t what)
{
	uint64_t start = arch_cycles();
	unsigned i;

	switch (what) {
	case SELECT_KERNEL:
		enter_at(sysenter_entry, i386_this_tss()->esp0);
		return 0;
	case SELECT_FLOOR:
		enter_at(floor_sysenter_entry, i386_this_tss()->esp0);
		return 0;
	case SELECT_FLOOR_BY_POINTER:
		enter_at(floor_sysenter_pointer_entry, (uintptr_t)&gFloorStackPointer);
		return 0;
	case TIME_WRMSR:
		if (!i386_cpu_has(CPUID_SEP))
			return 0;
		for (i = 0; i < REPEATS; i++)
			i386_write_msr(MSR_SYSENTER_ESP, i386_this_tss()->esp0);
		break;
	case TIME_STORE:
		for (i = 0; i < REPEATS; i++)
			*(volatile uint32_t *)&gFloorStackPointer = i386_this_tss()->esp0;
		break;
	}
	return (uint32_t)(arch_cycles() - start);
}
