/*
 * A US keyboard: scan codes of set 1 (IBM PS/2 Hardware Interface Technical
 * Reference, "Keyboard and Auxiliary Device") to characters, and for the keys
 * that are none to the sequences that Linux's console sends (console_codes(4)),
 * which is what TERM=linux promises. Called by keyboard.c, in its interrupt.
 */
#include "arch/i386/keyboard.h"

#define RELEASED 0x80
#define EXTENDED 0xe0
#define PAUSE 0xe1 /* and two more, for the press and for the release */

enum {
	CODE_CONTROL = 0x1d,
	CODE_SHIFT_LEFT = 0x2a,
	CODE_SLASH = 0x35,
	CODE_SHIFT_RIGHT = 0x36,
	CODE_KEYPAD_STAR = 0x37,
	CODE_ALT = 0x38,
	CODE_CAPS = 0x3a,
	CODE_NUM = 0x45,
	CODE_KEYPAD_FIRST = 0x47,
	CODE_KEYPAD_LAST = 0x53,
	CODE_ENTER = 0x1c,
};

/* By code, without and with shift. The Backspace key sends DEL. */
static const char kPlain[] =
	"\0\0331234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./"
	"\0*\0 ";
static const char kShifted[] =
	"\0\033!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?"
	"\0*\0 ";
#define CODE_PLAIN_END 0x3a

_Static_assert(sizeof(kPlain) == CODE_PLAIN_END + 1, "a character a code");
_Static_assert(sizeof(kShifted) == CODE_PLAIN_END + 1, "a character a code");

/* The keypad with Num Lock, from CODE_KEYPAD_FIRST on. */
static const char kKeypad[] = "789-456+1230.";

_Static_assert(sizeof(kKeypad) == CODE_KEYPAD_LAST - CODE_KEYPAD_FIRST + 2, "all of it");

/* What the keys behind 0xe0 send, and those of the keypad without Num Lock. */
static const char *cursor_key(uint8_t code)
{
	switch (code) {
	case 0x47:
		return "\033[1~"; /* Home */
	case 0x48:
		return "\033[A";
	case 0x49:
		return "\033[5~"; /* Page Up */
	case 0x4b:
		return "\033[D";
	case 0x4d:
		return "\033[C";
	case 0x4f:
		return "\033[4~"; /* End */
	case 0x50:
		return "\033[B";
	case 0x51:
		return "\033[6~"; /* Page Down */
	case 0x52:
		return "\033[2~"; /* Insert */
	case 0x53:
		return "\033[3~"; /* Delete */
	default:
		return NULL;
	}
}

static const char *function_key(uint8_t code)
{
	static const char *const kFirst[10] = {"\033[[A", "\033[[B", "\033[[C", "\033[[D",
		"\033[[E", "\033[17~", "\033[18~", "\033[19~", "\033[20~", "\033[21~"};

	if (code >= 0x3b && code <= 0x44)
		return kFirst[code - 0x3b];
	if (code == 0x57)
		return "\033[23~";
	return code == 0x58 ? "\033[24~" : NULL;
}

/* The key's modifier: where it is kept, and which bit of it. */
static uint8_t *modifier(struct keyboard *keyboard, uint8_t code, uint8_t *_bit)
{
	*_bit = keyboard->extended ? 2 : 1;
	switch (code) {
	case CODE_SHIFT_LEFT:
	case CODE_SHIFT_RIGHT:
		/* Behind 0xe0 it is no key: the keyboard shifts by itself around some. */
		*_bit = keyboard->extended ? 0 : code == CODE_SHIFT_LEFT ? 1 : 2;
		return &keyboard->shift;
	case CODE_CONTROL:
		return &keyboard->control;
	case CODE_ALT:
		return &keyboard->alt;
	default:
		return NULL;
	}
}

/* The character that Control makes of another. */
static char controlled(char character)
{
	if (character >= '@' && character <= '_')
		return (char)(character & 0x1f);
	if (character >= 'a' && character <= '~')
		return (char)(character & 0x1f);
	switch (character) {
	case ' ':
	case '2':
		return 0;
	case '3':
		return 0x1b;
	case '4':
		return 0x1c;
	case '5':
		return 0x1d;
	case '6':
		return 0x1e;
	case '7':
	case '/':
		return 0x1f;
	case '8':
		return 0x7f;
	case 0x7f:
		return '\b';
	default:
		return character;
	}
}

static size_t send_text(const char *text, char bytes[KEYBOARD_BYTES_MAX])
{
	size_t count = 0;

	for (; text[count] != '\0' && count < KEYBOARD_BYTES_MAX; count++)
		bytes[count] = text[count];
	return count;
}

static size_t send_character(
	const struct keyboard *keyboard, char character, char bytes[KEYBOARD_BYTES_MAX])
{
	size_t count = 0;

	if (keyboard->control != 0)
		character = controlled(character);
	if (keyboard->alt != 0)
		bytes[count++] = '\033';
	bytes[count++] = character;
	return count;
}

static bool is_letter(char character)
{
	return (character >= 'a' && character <= 'z')
		   || (character >= 'A' && character <= 'Z');
}

static size_t send_key(struct keyboard *keyboard, uint8_t code, bool extended,
	char bytes[KEYBOARD_BYTES_MAX])
{
	const char *text = function_key(code);
	bool shift = keyboard->shift != 0;

	if (extended && code != CODE_ENTER && code != CODE_SLASH) {
		text = cursor_key(code);
		return text != NULL ? send_text(text, bytes) : 0;
	}
	if (text != NULL)
		return send_text(text, bytes);
	if (code >= CODE_KEYPAD_FIRST && code <= CODE_KEYPAD_LAST) {
		text = cursor_key(code);
		if (text != NULL && keyboard->num == shift)
			return send_text(text, bytes);
		return send_character(keyboard, kKeypad[code - CODE_KEYPAD_FIRST], bytes);
	}
	if (code == 0x56) /* the key that European keyboards have beside Shift */
		return send_character(keyboard, shift ? '>' : '<', bytes);
	if (code >= CODE_PLAIN_END || kPlain[code] == '\0')
		return 0;
	if (keyboard->caps && is_letter(kPlain[code]))
		shift = !shift;
	if (extended)
		shift = false;
	return send_character(keyboard, shift ? kShifted[code] : kPlain[code], bytes);
}

size_t i386_keyboard_decode(
	struct keyboard *keyboard, uint8_t code, char bytes[KEYBOARD_BYTES_MAX])
{
	bool extended = keyboard->extended;
	bool released = (code & RELEASED) != 0;
	uint8_t bit;
	uint8_t *held;

	if (keyboard->skip > 0) {
		keyboard->skip--;
		return 0;
	}
	if (code == PAUSE) {
		keyboard->skip = 2;
		return 0;
	}
	if (code == EXTENDED) {
		keyboard->extended = true;
		return 0;
	}
	code &= (uint8_t)~RELEASED;
	held = modifier(keyboard, code, &bit);
	keyboard->extended = false;
	if (held != NULL) {
		if (released)
			*held &= (uint8_t)~bit;
		else
			*held |= bit;
		return 0;
	}
	if (released)
		return 0;
	if (code == CODE_CAPS) {
		keyboard->caps = !keyboard->caps;
		return 0;
	}
	if (code == CODE_NUM && !extended) {
		keyboard->num = !keyboard->num;
		return 0;
	}
	return send_key(keyboard, code, extended, bytes);
}
