/*
 * The two serial ports (16550 and its forebears). COM2 is the kernel's log,
 * polled, and written to from everywhere, panic included, so there is no lock
 * and every wait has an end. COM1 is the console of programs: kernel/terminal.c
 * sends and receives under its lock, without waiting, and its interrupt says
 * when there is more to do.
 */
#include "arch/i386/devices.h"
#include "arch/i386/io.h"
#include "kernel/arch.h"
#include "kernel/terminal.h"

enum { COM1, COM2, PORT_COUNT };

static const uint16_t kPorts[PORT_COUNT] = {0x3f8, 0x2f8};
static bool sPresent[PORT_COUNT];
static unsigned sBurst = 1; /* bytes that COM1 takes at once */
static uint8_t sEarly[16];	/* what COM1 had received before it was set up */
static unsigned sEarlyCount, sEarlyTaken;

#define IRQ_COM1 4

/* Registers, from the port's base (National Semiconductor PC16550D, table II) */
enum {
	DATA = 0,
	INTERRUPT_ENABLE = 1,
	INTERRUPT_WHY = 2, /* read */
	FIFO_CONTROL = 2,  /* written */
	LINE_CONTROL = 3,
	MODEM_CONTROL = 4,
	LINE_STATUS = 5,
	SCRATCH = 7
};
enum { DIVISOR_LOW = 0, DIVISOR_HIGH = 1 }; /* while LINE_DLAB is set */

#define LINE_8N1 0x03
#define LINE_DLAB 0x80
/* An interrupt for 14 bytes, or for fewer when four byte times pass without one. */
#define FIFO_ENABLE_AND_CLEAR 0xc7
#define MODEM_DTR_RTS 0x03
#define MODEM_LOOP 0x10
#define MODEM_OUT2 0x08 /* a PC's gate between the chip and the interrupt line */
#define ENABLE_RECEIVED 0x01
#define ENABLE_HOLDING_EMPTY 0x02
#define WHY_NONE 0x01
#define WHY_FIFO 0xc0 /* both: a 16550A, whose FIFOs work */
#define FIFO_SIZE 16
#define STATUS_RECEIVED 0x01
#define STATUS_HOLDING_EMPTY 0x20
#define STATUS_ALL_SENT 0x40

/* A byte takes 87 microseconds at 115200 baud, a port access about one; but an
 * emulator's port waits for its reader, and a busy host lets that one wait for
 * seconds. Only a port that is broken for good ever needs the end. */
#define PATIENCE 50000000

/*
 * What came while nobody was there to read: the FIFO loses it when it is turned on
 * (16550 data sheet, FCR bit 0). In loopback nothing new comes meanwhile. Noise
 * on a port that is none reads as ones for ever, so there is an end.
 */
static void keep_early(uint16_t port)
{
	outb(port + MODEM_CONTROL, MODEM_LOOP);
	sEarlyCount = 0;
	while (sEarlyCount < sizeof sEarly && (inb(port + LINE_STATUS) & STATUS_RECEIVED))
		sEarly[sEarlyCount++] = inb(port + DATA);
}

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
		if (i == COM1)
			keep_early(port);
		outb(port + FIFO_CONTROL, FIFO_ENABLE_AND_CLEAR);
		outb(port + MODEM_CONTROL, MODEM_DTR_RTS);
		/* Nobody home reads as all ones. */
		sPresent[i] = inb(port + LINE_STATUS) != 0xff;
		if (i == COM1 && !sPresent[i])
			sEarlyCount = 0;
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

size_t arch_console_send(const char *bytes, size_t size)
{
	const uint16_t port = kPorts[COM1];
	size_t count, i;

	if (!sPresent[COM1])
		return size;
	if (!(inb(port + LINE_STATUS) & STATUS_HOLDING_EMPTY))
		return 0;
	/* Then all of the FIFO is empty. */
	count = size < sBurst ? size : sBurst;
	for (i = 0; i < count; i++)
		outb(port + DATA, (uint8_t)bytes[i]);
	return count;
}

bool arch_console_sent(void)
{
	return !sPresent[COM1] || (inb(kPorts[COM1] + LINE_STATUS) & STATUS_ALL_SENT) != 0;
}

int arch_console_receive(void)
{
	if (sEarlyTaken < sEarlyCount)
		return sEarly[sEarlyTaken++];
	if (!sPresent[COM1] || !(inb(kPorts[COM1] + LINE_STATUS) & STATUS_RECEIVED))
		return -1;
	return inb(kPorts[COM1] + DATA);
}

void arch_console_want(bool input, bool output)
{
	uint8_t enable =
		(uint8_t)((input ? ENABLE_RECEIVED : 0) | (output ? ENABLE_HOLDING_EMPTY : 0));

	if (sPresent[COM1])
		outb(kPorts[COM1] + INTERRUPT_ENABLE, enable);
}

/*
 * The 8259 sees edges only: as long as the chip has a reason, there would be no
 * other. What is not wanted is no reason.
 */
static void handle_interrupt(void)
{
	unsigned patience = 64;

	do
		terminal_serial_ready();
	while (!(inb(kPorts[COM1] + INTERRUPT_WHY) & WHY_NONE) && --patience > 0);
}

void i386_serial_start(void)
{
	if (!sPresent[COM1])
		return;
	if ((inb(kPorts[COM1] + INTERRUPT_WHY) & WHY_FIFO) == WHY_FIFO)
		sBurst = FIFO_SIZE;
	outb(kPorts[COM1] + MODEM_CONTROL, MODEM_DTR_RTS | MODEM_OUT2);
	i386_irq_set_handler(IRQ_COM1, handle_interrupt);
	i386_irq_enable(IRQ_COM1);
	arch_console_want(true, false);
	if (sEarlyCount > 0)
		terminal_serial_ready();
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
