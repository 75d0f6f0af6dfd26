/* What is on the PCI bus. See pci.h. */
#include "arch/i386/pci.h"
#include "arch/i386/io.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define CONFIG_ENABLE 0x80000000u

#define BUSES 256u
#define DEVICES 32u
#define FUNCTIONS 8u
#define VENDOR_NONE 0xffffu
#define HEADER_MANY_FUNCTIONS 0x80u
#define CLASS_BRIDGE 0x0604u

#define OFFSET_CLASS 0x08u
#define OFFSET_HEADER 0x0cu
#define OFFSET_BUSES 0x18u

uint32_t pci_read(const struct pci_device *device, uint32_t offset)
{
	outl(CONFIG_ADDRESS, CONFIG_ENABLE | (uint32_t)device->bus << 16
							 | (uint32_t)device->device << 11
							 | (uint32_t)device->function << 8 | (offset & 0xfc));
	return inl(CONFIG_DATA);
}

void pci_write(const struct pci_device *device, uint32_t offset, uint32_t value)
{
	outl(CONFIG_ADDRESS, CONFIG_ENABLE | (uint32_t)device->bus << 16
							 | (uint32_t)device->device << 11
							 | (uint32_t)device->function << 8 | (offset & 0xfc));
	outl(CONFIG_DATA, value);
}

/* Fills in who it is; false where there is nobody. */
static bool identify(struct pci_device *device)
{
	uint32_t id = pci_read(device, 0);

	if ((id & 0xffff) == VENDOR_NONE || id == 0)
		return false;
	device->vendor_id = (uint16_t)id;
	device->device_id = (uint16_t)(id >> 16);
	device->class = pci_read(device, OFFSET_CLASS) >> 8;
	return true;
}

static void scan_bus(uint32_t bus, uint8_t wanted[BUSES / 8],
	void (*found)(const struct pci_device *device))
{
	struct pci_device device = {.bus = (uint8_t)bus};
	uint32_t number;
	uint32_t function;

	for (number = 0; number < DEVICES; number++) {
		uint32_t functions = 1;

		device.device = (uint8_t)number;
		for (function = 0; function < functions; function++) {
			device.function = (uint8_t)function;
			if (!identify(&device))
				continue;
			if (function == 0
				&& (pci_read(&device, OFFSET_HEADER) >> 16 & HEADER_MANY_FUNCTIONS) != 0)
				functions = FUNCTIONS;
			if (device.class >> 8 == CLASS_BRIDGE) {
				uint32_t behind = pci_read(&device, OFFSET_BUSES) >> 8 & 0xff;

				wanted[behind / 8] |= (uint8_t)(1u << behind % 8);
			}
			found(&device);
		}
	}
}

void pci_for_each(void (*found)(const struct pci_device *device))
{
	uint8_t wanted[BUSES / 8] = {1};
	uint32_t bus;

	/* What there is takes the enable bit and gives it back. */
	outl(CONFIG_ADDRESS, CONFIG_ENABLE);
	if (inl(CONFIG_ADDRESS) != CONFIG_ENABLE)
		return;
	/* Firmware numbers the bus behind a bridge higher than the one before it. */
	for (bus = 0; bus < BUSES; bus++) {
		if ((wanted[bus / 8] >> bus % 8 & 1) != 0)
			scan_bus(bus, wanted, found);
	}
}
