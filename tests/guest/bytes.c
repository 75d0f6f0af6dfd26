/*
 * Writes every byte value, many times over and in pieces of many sizes, to
 * standard output and standard error: tests/boot/test_console.py expects the
 * same bytes, none lost, added or changed.
 */
#include <postern/os.h>
#include <postern/write_all.h>

int main(void)
{
	static unsigned char bytes[8192];
	size_t i, size;

	for (i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i + i / 256);
	for (size = 1; size <= sizeof bytes; size *= 2) {
		if (write_all(1, bytes, size) < 0 || write_all(2, bytes, size - 1) < 0)
			return 1;
	}
	return write(1, bytes, 0) == 0 ? 0 : 2;
}
