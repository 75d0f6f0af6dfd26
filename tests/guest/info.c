/* Prints what get_info says, a line a field. tests/boot compares with the log. */
#include <postern/print.h>
#include <postern/syscalls.h>
#include <postern/system_info.h>

int main(void)
{
	struct system_info info;

	if (_kern_get_info(&info) != 0)
		return 1;
	print("entry %s\n", info.entry == SYSTEM_ENTRY_SYSENTER ? "sysenter" : "int99");
	print("cpu %.16s family %u model %u stepping %u\n",
		info.cpu_vendor[0] != '\0' ? info.cpu_vendor : "unknown", info.cpu_family,
		info.cpu_model, info.cpu_stepping);
	print("calls %u\n", info.syscall_count);
	print("page %u, total %u, free %u\n", info.page_size, info.memory_pages,
		info.memory_free_pages);
	print("version %u.%u.%u %s\n", info.kernel_version >> 16,
		info.kernel_version >> 8 & 0xff, info.kernel_version & 0xff,
		info.kernel_version_text);
	return 0;
}
