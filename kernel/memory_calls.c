/* The system calls about memory; syscalls.def says what each does. */
#include "kernel/address_space.h"
#include "kernel/arch.h"
#include "kernel/process.h"
#include "syscall_handlers.h"

static uint32_t round_up(uint32_t size)
{
	return (size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
}

/* PROT_* as PAGE_*; whatever can be written or executed can be read. -EINVAL. */
static int translate(int protection, int flags, unsigned *_protection)
{
	if ((protection & ~(PROT_READ | PROT_WRITE | PROT_EXEC)) != 0)
		return -EINVAL;
	if ((protection & PROT_WRITE) && (protection & PROT_EXEC)
		&& !(flags & MAP_WRITE_EXEC))
		return -EINVAL;
	*_protection = (protection != 0 ? PAGE_READABLE : 0)
				   | (protection & PROT_WRITE ? PAGE_WRITABLE : 0)
				   | (protection & PROT_EXEC ? PAGE_EXECUTABLE : 0);
	return 0;
}

uint32_t _user_brk(uint32_t end)
{
	return (uint32_t)address_space_set_break(process_current()->space, end);
}

uint32_t _user_map(uint32_t address, size_t size, int protection, int flags)
{
	struct address_space *space = process_current()->space;
	int kind = flags & (MAP_SHARED | MAP_PRIVATE);
	unsigned pages;
	int error = translate(protection, flags, &pages);

	if (error != 0)
		return (uint32_t)error;
	if ((flags & ~(MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_WRITE_EXEC)) != 0
		|| (kind != MAP_SHARED && kind != MAP_PRIVATE) || size == 0 || size > KERNEL_BASE)
		return (uint32_t)-EINVAL;
	size = round_up(size);
	if (!(flags & MAP_FIXED)) {
		address = (uint32_t)address_space_add_anywhere(
			space, size, 0, pages, kind == MAP_SHARED);
		return address != 0 ? address : (uint32_t)-ENOMEM;
	}
	error = address_space_replace(space, address, size, pages, kind == MAP_SHARED);
	return error != 0 ? (uint32_t)error : address;
}

int _user_unmap(uint32_t address, size_t size)
{
	if (size > KERNEL_BASE)
		return -EINVAL;
	return address_space_remove(process_current()->space, address, round_up(size));
}

int _user_protect(uint32_t address, size_t size, int protection, int flags)
{
	unsigned pages;
	int error = translate(protection, flags, &pages);

	if (error != 0)
		return error;
	if ((flags & ~MAP_WRITE_EXEC) != 0 || size > KERNEL_BASE)
		return -EINVAL;
	return address_space_protect(
		process_current()->space, address, round_up(size), pages);
}

int _user_unmap_all(void)
{
	address_space_remove_made(process_current()->space);
	return 0;
}
