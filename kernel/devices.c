/* Devices that have no hardware, and the list of all; see devices.h. */
#include "kernel/devices.h"
#include "kernel/arch.h"
#include "kernel/console.h"
#include "kernel/log.h"
#include "kernel/ramfs.h"
#include "kernel/random.h"
#include "kernel/vfs.h"
#include <postern/errno.h>

static struct list sDevices = {&sDevices, &sDevices};
static struct mutex sLock = MUTEX(sLock, "devices");
static uint32_t sLastNumber;

int device_register(struct device *device)
{
	struct vnode *directory;
	int error = vfs_find("/dev", true, &directory);

	if (error != 0)
		return error;
	mutex_lock(&sLock);
	device->number = ++sLastNumber;
	error = ramfs_make_device(directory, device->name, device->mode, device->number);
	if (error == 0)
		list_add(&sDevices, &device->link);
	mutex_unlock(&sLock);
	vnode_put(directory);
	return error;
}

struct device *device_find(uint32_t number)
{
	struct device *found = NULL;

	mutex_lock(&sLock);
	LIST_FOR_EACH(link, &sDevices)
	{
		struct device *device = LIST_ENTRY(link, struct device, link);

		if (device->number == number)
			found = device;
	}
	mutex_unlock(&sLock);
	return found;
}

/* ---- The simple ones -------------------------------------------------------------- */

static int null_read(struct open_file *file, off_t position, struct io *io)
{
	(void)file;
	(void)position;
	(void)io;
	return 0;
}

static int null_write(struct open_file *file, off_t position, struct io *io)
{
	(void)file;
	(void)position;
	/* Unread: what is thrown away need not be there. */
	io->done += io->left;
	io->left = 0;
	return 0;
}

/* Between pieces of a transfer that may be long: -EINTR where a signal, or the end, has
 * come. */
static int pause(void)
{
	thread_yield();
	return wait_on(NULL, NULL, 0) == -EINTR ? -EINTR : 0;
}

static int zero_read(struct open_file *file, off_t position, struct io *io)
{
	(void)file;
	(void)position;
	while (io->left > 0) {
		size_t count = io->left < 64 * PAGE_SIZE ? io->left : 64 * PAGE_SIZE;
		int error = io_give_zeros(io, count);

		if (error == 0 && io->left > 0)
			error = pause();
		if (error != 0)
			return error;
	}
	return 0;
}

static int full_write(struct open_file *file, off_t position, struct io *io)
{
	(void)file;
	(void)position;
	return io->left > 0 ? -ENOSPC : 0;
}

static int random_read(struct open_file *file, off_t position, struct io *io)
{
	uint8_t bytes[256];

	(void)file;
	(void)position;
	while (io->left > 0) {
		size_t count = io->left < sizeof bytes ? io->left : sizeof bytes;
		int error;

		random_fill(bytes, count);
		error = io_give(io, bytes, count);
		if (error == 0 && io->left > 0 && io->done % (64 * PAGE_SIZE) < count)
			error = pause();
		if (error != 0)
			return error;
	}
	return 0;
}

static const struct device_operations kNull = {.read = null_read, .write = null_write};
static const struct device_operations kZero = {.read = zero_read, .write = null_write};
static const struct device_operations kFull = {.read = zero_read, .write = full_write};
static const struct device_operations kRandom = {
	.read = random_read, .write = null_write};

static struct device sSimple[] = {
	{.name = "null", .mode = S_IFCHR | 0666, .operations = &kNull},
	{.name = "zero", .mode = S_IFCHR | 0666, .operations = &kZero},
	{.name = "full", .mode = S_IFCHR | 0666, .operations = &kFull},
	{.name = "random", .mode = S_IFCHR | 0666, .operations = &kRandom},
	{.name = "urandom", .mode = S_IFCHR | 0666, .operations = &kRandom},
};

void devices_init(void)
{
	for (size_t i = 0; i < sizeof sSimple / sizeof sSimple[0]; i++) {
		int error = device_register(&sSimple[i]);

		if (error != 0)
			log_warn("devices: %s: error %d", sSimple[i].name, -error);
	}
	console_init();
}
