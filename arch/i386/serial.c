/*
 * The two serial ports (16550 and its forebears), polled: COM1 is the console
 * of programs, COM2 the kernel's log. Written to from everywhere, panic
 * included, so there is no lock and every wait has an end.
 */
#include "arch/i386/devices.h"
#include "arch/i386/io.h"
#include "kernel/arch.h"

enum { COM1, COM2, PORT_COUNT };

static const uint16_t kPorts[PORT_COUNT] = {0x3f8, 0x2f8};
static bool sPresent[PORT_COUNT];

/* Registers, from the port's base (National Semiconductor PC16550D, table II) */
enum {
	DATA = 0,
	INTERRUPT_ENABLE = 1,
	FIFO_CONTROL = 2,
	LINE_CONTROL = 3,
	MODEM_CONTROL = 4,
	LINE_STATUS = 5,
	SCRATCH = 7
};
enum { DIVISOR_LOW = 0, DIVISOR_HIGH = 1 }; /* while LINE_DLAB is set */

#define LINE_8N1 0x03
#define LINE_DLAB 0x80
#define FIFO_ENABLE_AND_CLEAR 0x07
#define MODEM_DTR_RTS 0x03
#define STATUS_HOLDING_EMPTY 0x20
#define STATUS_ALL_SENT 0x40

/* A byte takes 87 microseconds at 115200 baud, a port access about one; but an
 * emulator's port waits for its reader, and a busy host lets that one wait for
 * seconds. Only a port that is broken for good ever needs the end. */
#define PATIENCE 50000000

void i386_serial_init(void)
{
	unsigned i;

	for (i = 0; i < PORT_COUNT; i++) {
		uint16_t port = kPorts[i];

		outb(port + INTERRUPT_ENABLE, 0);
		outb(port + LINE_CONTROL, LINE_DLAB);
		outb(port + DIVISOR_LOW, 1); /* 115200 baud */
		outb(port + DIVISOR_HIGH, 0);
		outb(port + LINE_CONTROL, LINE_8N1);
		outb(port + FIFO_CONTROL, FIFO_ENABLE_AND_CLEAR);
		outb(port + MODEM_CONTROL, MODEM_DTR_RTS);
		/* Nobody home reads as all ones. */
		sPresent[i] = inb(port + LINE_STATUS) != 0xff;
	}
}

static void wait_for(unsigned which, uint8_t status)
{
	unsigned patience = PATIENCE;

	while (!(inb(kPorts[which] + LINE_STATUS) & status)) {
		if (--patience == 0) {
			sPresent[which] = false; /* it hangs: do without it from now on */
			return;
		}
	}
}

static void write_port(unsigned which, const char *bytes, size_t size)
{
	size_t i;

	for (i = 0; i < size && sPresent[which]; i++) {
		wait_for(which, STATUS_HOLDING_EMPTY);
		outb(kPorts[which] + DATA, (uint8_t)bytes[i]);
	}
}

void arch_console_write(const char *bytes, size_t size)
{
	write_port(COM1, bytes, size);
	arch_screen_write(bytes, size);
}

void arch_log_write(const char *bytes, size_t size)
{
	write_port(COM2, bytes, size);
}

void arch_console_drain(void)
{
	unsigned i;

	for (i = 0; i < PORT_COUNT; i++) {
		if (sPresent[i])
			wait_for(i, STATUS_ALL_SENT);
	}
}
