/* Memory: sbrk() for malloc(), and mmap() of memory without a file. */
#include "posix.h"
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE_SIZE = 4096 };

/* Called with malloc()'s lock held, mostly; a program that calls it by itself in two
 * threads has to lock as well. */
void *sbrk(ptrdiff_t change)
{
	uint32_t end = _kern_brk(0);
	uint32_t wanted = end + (uint32_t)change;

	if (change > 0 ? wanted < end : wanted > end)
		return (void *)(intptr_t)posix_error(ENOMEM);
	if (change != 0 && _kern_brk(wanted) != wanted)
		return (void *)(intptr_t)posix_error(ENOMEM);
	return (void *)(uintptr_t)end;
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	int extra = 0;

	(void)fd;
	(void)offset;
	if ((flags & MAP_ANONYMOUS) == 0) {
		errno = ENODEV; /* POSIX: the file's kind cannot be mapped */
		return MAP_FAILED;
	}
	/* Who asks for both at once knows; the kernel wants to hear it. */
	if ((protection & (PROT_WRITE | PROT_EXEC)) == (PROT_WRITE | PROT_EXEC))
		extra = MAP_WRITE_EXEC;
	return (void *)(intptr_t)posix_result(_kern_map((uint32_t)(uintptr_t)address, size,
		protection, (flags & ~MAP_ANONYMOUS) | extra));
}

int munmap(void *address, size_t size)
{
	return posix_result(_kern_unmap((uint32_t)(uintptr_t)address, size));
}

int mprotect(void *address, size_t size, int protection)
{
	int flags = 0;

	if ((protection & (PROT_WRITE | PROT_EXEC)) == (PROT_WRITE | PROT_EXEC))
		flags = MAP_WRITE_EXEC;
	return posix_result(
		_kern_protect((uint32_t)(uintptr_t)address, size, protection, flags));
}

/* newlib declares it, and has only its kin. */
int posix_memalign(void **_memory, size_t alignment, size_t size)
{
	int before = errno;

	if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0)
		return EINVAL;
	*_memory = memalign(alignment, size);
	errno = before;
	return *_memory != NULL ? 0 : ENOMEM;
}

int getpagesize(void)
{
	return PAGE_SIZE;
}
