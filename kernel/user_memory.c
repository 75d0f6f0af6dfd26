/*
 * User memory; see user_memory.h. The instructions themselves are in
 * arch/i386/user_copy.asm, with the fixups that turn a fault into -EFAULT.
 */
#include "kernel/user_memory.h"
#include "kernel/arch.h"
#include "kernel/lock.h"
#include "kernel/page_allocator.h"
#include <postern/errno.h>

#define STRINGS_ORDER 4 /* USER_STRINGS_MAX bytes in pages */

_Static_assert(USER_STRING_MAX <= PAGE_SIZE, "a string's copy is one page");
_Static_assert(USER_STRINGS_MAX == PAGE_SIZE << STRINGS_ORDER, "they are one run");

bool user_range_valid(uintptr_t address, size_t size)
{
	return size <= KERNEL_BASE && address <= KERNEL_BASE - size;
}

int user_copy_in(void *to, uintptr_t from, size_t size)
{
	if (!user_range_valid(from, size))
		return -EFAULT;
	lock_check_none(NULL);
	return arch_user_copy_in(to, from, size);
}

int user_copy_in_present(void *to, uintptr_t from, size_t size)
{
	struct arch_stack_block *block = arch_stack_block();
	int error;

	if (!user_range_valid(from, size))
		return -EFAULT;
	block->flags |= STACK_NO_FAULTS;
	error = arch_user_copy_in(to, from, size);
	block->flags &= ~STACK_NO_FAULTS;
	return error;
}

int user_copy_out(uintptr_t to, const void *from, size_t size)
{
	if (!user_range_valid(to, size))
		return -EFAULT;
	lock_check_none(NULL);
	return arch_user_copy_out(to, from, size);
}

int user_copy_out_whole(uintptr_t to, const void *from, size_t size)
{
	/* What is in one page can be written, or not at all. */
	int error = size > PAGE_SIZE - to % PAGE_SIZE ? user_probe_out(to, size) : 0;

	return error != 0 ? error : user_copy_out(to, from, size);
}

int user_probe_out(uintptr_t address, size_t size)
{
	uintptr_t last = address + size - 1;

	if (!user_range_valid(address, size))
		return -EFAULT;
	if (size == 0)
		return 0;
	for (;;) {
		int error = arch_user_probe_write(address);

		if (error != 0)
			return error;
		if (last - address < PAGE_SIZE - address % PAGE_SIZE)
			return 0;
		address += PAGE_SIZE - address % PAGE_SIZE;
	}
}

int user_counted_size(uintptr_t address, size_t count, size_t element_size, size_t *_size)
{
	size_t size;

	if (__builtin_mul_overflow(count, element_size, &size)
		|| !user_range_valid(address, size))
		return -EFAULT;
	*_size = size;
	return 0;
}

/* ---- Strings --------------------------------------------------------------- */

static void *allocate(unsigned order)
{
	uint32_t physical = page_allocate(order);

	return physical == PAGE_NONE ? NULL : arch_physical_to_virtual(physical);
}

static void release(const void *address, unsigned order)
{
	page_free(arch_virtual_to_physical(address), order);
}

/*
 * Copies a string of at most `size` bytes with its NUL. Returns its length, or
 * -EFAULT, or -ENAMETOOLONG when there is no NUL within `size` bytes.
 */
static ssize_t copy_string(char *to, uintptr_t from, size_t size)
{
	size_t readable;
	ssize_t length;

	if (from >= KERNEL_BASE)
		return -EFAULT;
	readable = KERNEL_BASE - from < size ? KERNEL_BASE - from : size;
	length = arch_user_copy_string(to, from, readable);
	if (length < 0)
		return length;
	if ((size_t)length == readable)
		return readable < size ? -EFAULT : -ENAMETOOLONG;
	return length;
}

int user_string_in(uintptr_t from, const char **_string)
{
	char *string = allocate(0);
	ssize_t length;

	if (string == NULL)
		return -ENOMEM;
	length = copy_string(string, from, USER_STRING_MAX);
	if (length < 0) {
		release(string, 0);
		return (int)length;
	}
	*_string = string;
	return 0;
}

void user_string_free(const char *string)
{
	release(string, 0);
}

int user_strings_in(uintptr_t from, const char *const **_strings)
{
	const char **strings = allocate(STRINGS_ORDER);
	size_t count = 0, used, i;
	int error = 0;

	if (strings == NULL)
		return -ENOMEM;
	/* All pointers first, each fetched once; they turn into the kernel's own
	 * addresses as the strings behind them are copied. */
	for (;;) {
		uintptr_t pointer;

		error = user_copy_in(&pointer, from + count * sizeof pointer, sizeof pointer);
		if (error != 0)
			goto fail;
		strings[count++] = (const char *)pointer;
		if (pointer == 0)
			break;
		if (count == USER_STRINGS_MAX / sizeof *strings) {
			error = -E2BIG;
			goto fail;
		}
	}
	used = count * sizeof *strings;
	for (i = 0; i + 1 < count; i++) {
		char *copy = (char *)strings + used;
		ssize_t length =
			copy_string(copy, (uintptr_t)strings[i], USER_STRINGS_MAX - used);

		if (length < 0) {
			error = length == -ENAMETOOLONG ? -E2BIG : (int)length;
			goto fail;
		}
		strings[i] = copy;
		used += (size_t)length + 1;
	}
	*_strings = strings;
	return 0;

fail:
	release(strings, STRINGS_ORDER);
	return error;
}

void user_strings_free(const char *const *strings)
{
	release(strings, STRINGS_ORDER);
}

/* ---- Buffers --------------------------------------------------------------- */

static int part(uintptr_t *address, size_t buffer_size, size_t offset, size_t size)
{
	if (offset > buffer_size || size > buffer_size - offset)
		return -EFAULT;
	*address += offset;
	return 0;
}

static int read_part(
	uintptr_t address, size_t buffer_size, size_t offset, void *to, size_t size)
{
	int error = part(&address, buffer_size, offset, size);

	return error != 0 ? error : user_copy_in(to, address, size);
}

static int write_part(
	uintptr_t address, size_t buffer_size, size_t offset, const void *from, size_t size)
{
	int error = part(&address, buffer_size, offset, size);

	return error != 0 ? error : user_copy_out_whole(address, from, size);
}

int user_in_read(struct user_in buffer, size_t offset, void *to, size_t size)
{
	return read_part(buffer.address, buffer.size, offset, to, size);
}

int user_out_write(struct user_out buffer, size_t offset, const void *from, size_t size)
{
	return write_part(buffer.address, buffer.size, offset, from, size);
}

int user_inout_read(struct user_inout buffer, size_t offset, void *to, size_t size)
{
	return read_part(buffer.address, buffer.size, offset, to, size);
}

int user_inout_write(
	struct user_inout buffer, size_t offset, const void *from, size_t size)
{
	return write_part(buffer.address, buffer.size, offset, from, size);
}
