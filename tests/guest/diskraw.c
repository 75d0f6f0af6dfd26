/*
 * Writes pieces of all kinds to a disk that has no file system, and looks whether just
 * they have changed.
 *
 *   diskraw DEVICE
 */
#include <postern/fcntl.h>
#include <postern/print.h>
#include <postern/syscalls.h>

#define SIZE 8192u

static uint8_t sModel[SIZE], sPiece[SIZE], sBack[SIZE];

int main(int argc, char **argv)
{
	static const uint32_t kPlaces[] = {0, 1, 256, 511, 512, 768, 1000};
	static const uint32_t kSizes[] = {1, 255, 256, 511, 512, 513, 1024, 1280, 4096};
	int fd = argc == 2 ? _kern_open(argv[1], O_RDWR, 0) : -1;

	if (fd < 0) {
		print("open: %d\n", fd);
		return 2;
	}
	for (uint32_t i = 0; i < SIZE; i++)
		sModel[i] = (uint8_t)(i * 7 + (i >> 8));
	if (_kern_write(fd, 0, sModel, SIZE) != SIZE)
		return 3;
	for (uint32_t i = 0; i < sizeof kPlaces / sizeof *kPlaces; i++) {
		for (uint32_t j = 0; j < sizeof kSizes / sizeof *kSizes; j++) {
			for (uint32_t k = 0; k < kSizes[j]; k++)
				sPiece[k] = sModel[kPlaces[i] + k] = (uint8_t)(k + i * 16 + j);
			if (_kern_write(fd, kPlaces[i], sPiece, kSizes[j]) != (ssize_t)kSizes[j]
				|| _kern_read(fd, 0, sBack, SIZE) != SIZE)
				return 3;
			for (uint32_t k = 0; k < SIZE; k++) {
				if (sBack[k] != sModel[k]) {
					print("%u bytes at %u: byte %u is %u, not %u\n", (unsigned)kSizes[j],
						(unsigned)kPlaces[i], (unsigned)k, sBack[k], sModel[k]);
					return 1;
				}
			}
		}
	}
	print("right\n");
	return 0;
}
