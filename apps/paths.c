/*
 * What the door looks like from this side: the CPU, the path in use, the
 * commpage's table, and, where there is a cycle counter, what a null call
 * costs by each path.
 */
#include <postern/commpage.h>
#include <postern/cycles.h>
#include <postern/print.h>
#include <postern/syscalls.h>

#define ROUNDS 1001

static uint32_t sCycles[ROUNDS];

static void by_commpage(void)
{
	_kern_is_computer_on();
}

static void by_int99(void)
{
	uint32_t result;

	__asm__ volatile("int $99"
					 : "=a"(result)
					 : "a"(SYS_is_computer_on)
					 : "ecx", "edx", "memory", "cc");
}

static void __attribute__((noinline)) by_function(void)
{
	__asm__ volatile("");
}

static void time_path(const char *name, void (*path)(void))
{
	unsigned i;

	for (i = 0; i < ROUNDS; i++) {
		uint64_t start = cycles();

		path();
		sCycles[i] = (uint32_t)(cycles() - start);
	}
	cycles_sort(sCycles, ROUNDS);
	print("  %-36s %8u %8u\n", name, sCycles[0], sCycles[ROUNDS / 2]);
}

static void print_commpage(void)
{
	static const char *const kNames[] = {"magic", "version", "time data", "system call"};
	unsigned i;

	print("commpage at 0x%08x\n", COMMPAGE_ADDRESS);
	for (i = 0; i < COMMPAGE_ENTRIES; i++) {
		uint32_t value = COMMPAGE_TABLE[i];

		if (i < sizeof kNames / sizeof kNames[0])
			print("  [%u] %-12s 0x%08x\n", i, kNames[i], value);
		else if (value != 0)
			print("  [%u] %-12s 0x%08x\n", i, "entry", value);
	}
}

int main(void)
{
	struct system_info info;
	int error = _kern_get_info(&info);

	if (error < 0) {
		print("get_info: error %d\n", -error);
		return 1;
	}
	print("%s, %u system calls\n", info.kernel_version_text, info.syscall_count);
	print("cpu %s family %u model %u stepping %u, signature 0x%x\n",
		info.cpu_vendor[0] != '\0' ? info.cpu_vendor : "without CPUID", info.cpu_family,
		info.cpu_model, info.cpu_stepping, info.cpu_signature);
	print(
		"path in use: %s\n", info.entry == SYSTEM_ENTRY_SYSENTER ? "SYSENTER" : "int 99");
	print_commpage();

	if (!cycles_available(&info)) {
		print("no cycle counter on this CPU, so no times\n");
		return 0;
	}
	print("cycles, RDTSC included                 minimum   median\n");
	time_path("null call through the commpage", by_commpage);
	time_path("null call by int 99", by_int99);
	time_path("empty user function", by_function);
	return 0;
}
