/*
 * The devices on the PCI bus, by configuration mechanism #1 (PCI Local Bus
 * Specification 3.0, 3.2.2.3.2). Used at boot only, by one processor.
 */
#pragma once

#include <postern/types.h>

struct pci_device {
	uint8_t bus;
	uint8_t device;
	uint8_t function;
	uint16_t vendor_id;
	uint16_t device_id;
	uint32_t class; /* base class, subclass, interface: 24 bits */
};

/* Offsets of the configuration space (6.1). */
#define PCI_COMMAND 0x04u
#define PCI_BAR0 0x10u

#define PCI_COMMAND_IO 0x1u
#define PCI_COMMAND_BUS_MASTER 0x4u
#define PCI_COMMAND_NO_INTERRUPT 0x400u

uint32_t pci_read(const struct pci_device *device, uint32_t offset);
void pci_write(const struct pci_device *device, uint32_t offset, uint32_t value);

/* Calls `found` for each function of each device; none where there is no PCI. */
void pci_for_each(void (*found)(const struct pci_device *device));
