/*
 * The 8042 keyboard controller (IBM PS/2 Hardware Interface Technical
 * Reference; Intel 8042), its first port only, with the controller's own
 * translation to scan code set 1, which every PC has on.
 *
 * start.c brings it up; from then on its interrupt hands keys to
 * kernel/terminal.c. A machine without one is no trouble: every wait has an end.
 */
#include "arch/i386/keyboard.h"
#include "arch/i386/devices.h"
#include "arch/i386/io.h"
#include "kernel/log.h"
#include "kernel/terminal.h"

enum { DATA = 0x60, STATUS = 0x64, COMMAND = 0x64 };

#define IRQ_KEYBOARD 1

#define STATUS_OUTPUT_FULL 0x01
#define STATUS_INPUT_FULL 0x02
#define STATUS_SECOND_PORT 0x20

#define COMMAND_READ_CONFIGURATION 0x20
#define COMMAND_WRITE_CONFIGURATION 0x60
#define COMMAND_DISABLE_SECOND 0xa7
#define COMMAND_DISABLE_FIRST 0xad
#define COMMAND_ENABLE_FIRST 0xae

#define CONFIGURATION_INTERRUPT_FIRST 0x01
#define CONFIGURATION_INTERRUPT_SECOND 0x02
#define CONFIGURATION_TRANSLATION 0x40

#define KEYBOARD_ENABLE 0xf4 /* to the keyboard itself */

/* Status reads, of about a microsecond each; a keyboard answers in 20 ms. */
#define PATIENCE 50000

static struct keyboard sKeyboard;

static bool send(uint16_t port, uint8_t byte)
{
	unsigned patience;

	for (patience = PATIENCE; patience > 0; patience--) {
		if (!(inb(STATUS) & STATUS_INPUT_FULL)) {
			outb(port, byte);
			return true;
		}
	}
	return false;
}

/* The next byte, or -1. */
static int receive(void)
{
	unsigned patience;

	for (patience = PATIENCE; patience > 0; patience--) {
		if (inb(STATUS) & STATUS_OUTPUT_FULL)
			return inb(DATA);
	}
	return -1;
}

static void drop_output(void)
{
	unsigned count;

	for (count = 0; count < 64 && inb(STATUS) & STATUS_OUTPUT_FULL; count++)
		(void)inb(DATA);
}

static void handle_interrupt(void)
{
	char bytes[KEYBOARD_BYTES_MAX];
	unsigned count;
	uint8_t status;

	for (count = 0; count < 16 && (status = inb(STATUS)) & STATUS_OUTPUT_FULL; count++) {
		uint8_t code = inb(DATA);
		size_t size;

		if (status & STATUS_SECOND_PORT)
			continue; /* a mouse's */
		size = i386_keyboard_decode(&sKeyboard, code, bytes);
		if (size > 0)
			terminal_key(bytes, size);
	}
}

void i386_keyboard_start(void)
{
	int configuration;

	if (inb(STATUS) == 0xff) {
		log_debug("keyboard: there is no controller");
		return;
	}
	/* Nothing may answer between a command and its answer. */
	if (!send(COMMAND, COMMAND_DISABLE_FIRST) || !send(COMMAND, COMMAND_DISABLE_SECOND)) {
		log_debug("keyboard: the controller takes no command");
		return;
	}
	drop_output();
	if (!send(COMMAND, COMMAND_READ_CONFIGURATION) || (configuration = receive()) < 0) {
		log_debug("keyboard: the controller does not answer");
		return;
	}
	configuration |= CONFIGURATION_INTERRUPT_FIRST | CONFIGURATION_TRANSLATION;
	configuration &= ~CONFIGURATION_INTERRUPT_SECOND;
	send(COMMAND, COMMAND_WRITE_CONFIGURATION);
	send(DATA, (uint8_t)configuration);
	send(COMMAND, COMMAND_ENABLE_FIRST);
	send(DATA, KEYBOARD_ENABLE);
	(void)receive(); /* its acknowledgement */
	drop_output();
	i386_irq_set_handler(IRQ_KEYBOARD, handle_interrupt);
	i386_irq_enable(IRQ_KEYBOARD);
}
