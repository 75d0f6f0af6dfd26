/*
 * From a keyboard's scan codes to the bytes that its keys send. Pure, so that
 * tests/host/test_keyboard.c runs it; keyboard.c has the chip.
 */
#pragma once

#include <postern/types.h>

/* The most bytes that a key sends. */
#define KEYBOARD_BYTES_MAX 8u

/* Which keys are down, and which lock is on. */
struct keyboard {
	bool extended; /* the code before was 0xe0 */
	uint8_t skip;  /* codes that still belong to Pause */
	uint8_t shift; /* a bit for the left key, one for the right one */
	uint8_t control;
	uint8_t alt;
	bool caps;
	bool num;
};

/*
 * A code of set 1, as the 8042 gives them. Writes what it sends to `bytes` and
 * returns how many: 0 for a release, a shift and the like.
 */
size_t i386_keyboard_decode(
	struct keyboard *keyboard, uint8_t code, char bytes[KEYBOARD_BYTES_MAX]);
