/*
 * A linear framebuffer as a device of the screen: draws cells with the
 * packaged 8x16 font, at 15, 16, 24 or 32 bits a pixel.
 *
 * Boot code calls i386_screen_init_framebuffer() where the firmware gives no
 * text mode (UEFI); the rest is called by screen.c. The framebuffer is only
 * ever written: reading it is slow where it is not cached.
 */
#include "arch/i386/screen.h"

#define COLOR_COUNT 16u

/* Pixels, where nothing says that lines begin at a multiple of their size. */
typedef uint16_t __attribute__((aligned(1))) pixel16;
typedef uint32_t __attribute__((aligned(1))) pixel32;

static uint8_t *sBase;
static uint32_t sPitch;
static unsigned sBytesPerPixel;
static uint32_t sPixels[COLOR_COUNT]; /* colours as the framebuffer has them */

/* `intensity` (8 bits) as the `size` bits that begin at `position`. */
static uint32_t color_bits(unsigned intensity, unsigned position, unsigned size)
{
	if (size == 0 || size > 16 || position > 31)
		return 0;
	uint32_t value = size <= 8 ? intensity >> (8 - size) : intensity << (size - 8);
	return value << position;
}

/* The usual VGA palette: dark colours at 2/3, bright ones with 1/3 added, and
 * a brown in place of dark yellow. */
static void make_palette(const struct i386_framebuffer *framebuffer)
{
	for (unsigned color = 0; color < COLOR_COUNT; color++) {
		unsigned base = color & 8 ? 0x55 : 0;
		unsigned red = base + (color & 4 ? 0xaa : 0);
		unsigned green = base + (color & 2 ? 0xaa : 0);
		unsigned blue = base + (color & 1 ? 0xaa : 0);
		if (color == 6)
			green = 0x55;
		sPixels[color] =
			color_bits(red, framebuffer->red_position, framebuffer->red_size)
			| color_bits(green, framebuffer->green_position, framebuffer->green_size)
			| color_bits(blue, framebuffer->blue_position, framebuffer->blue_size);
	}
}

/* One line of a glyph, `bits`, from its leftmost pixel at `line` on. */
static void draw_line(
	uint8_t *line, unsigned bits, uint32_t foreground, uint32_t background)
{
	switch (sBytesPerPixel) {
	case 4:
		for (unsigned x = 0; x < SCREEN_GLYPH_WIDTH; x++, bits <<= 1)
			((pixel32 *)line)[x] = bits & 0x80 ? foreground : background;
		break;
	case 3:
		for (unsigned x = 0; x < SCREEN_GLYPH_WIDTH; x++, bits <<= 1) {
			uint32_t value = bits & 0x80 ? foreground : background;
			line[3 * x] = (uint8_t)value;
			line[3 * x + 1] = (uint8_t)(value >> 8);
			line[3 * x + 2] = (uint8_t)(value >> 16);
		}
		break;
	default:
		for (unsigned x = 0; x < SCREEN_GLYPH_WIDTH; x++, bits <<= 1)
			((pixel16 *)line)[x] = (uint16_t)(bits & 0x80 ? foreground : background);
		break;
	}
}

static void draw_cell(unsigned column, unsigned row, uint16_t cell)
{
	const uint8_t *glyph = kFont[cell & 0xff];
	uint32_t foreground = sPixels[cell >> 8 & 0xf];
	uint32_t background = sPixels[cell >> 12];
	uint8_t *line = sBase + row * SCREEN_GLYPH_HEIGHT * sPitch
					+ column * SCREEN_GLYPH_WIDTH * sBytesPerPixel;

	for (unsigned y = 0; y < SCREEN_GLYPH_HEIGHT; y++, line += sPitch)
		draw_line(line, glyph[y], foreground, background);
}

/* Black, which is 0 in every format, also where no cell will be. */
static void clear(const struct i386_framebuffer *framebuffer)
{
	uint8_t *line = sBase;
	for (uint32_t y = 0; y < framebuffer->height; y++, line += sPitch) {
		uint32_t size = framebuffer->width * sBytesPerPixel;
		uint32_t x = 0;
		for (; x + 4 <= size; x += 4)
			*(pixel32 *)(line + x) = 0;
		for (; x < size; x++)
			line[x] = 0;
	}
}

void i386_screen_init_framebuffer(const struct i386_framebuffer *framebuffer)
{
	static const struct screen_device kFramebufferDevice = {.draw = draw_cell};

	unsigned bits = framebuffer->bits_per_pixel;
	if (bits != 15 && bits != 16 && bits != 24 && bits != 32)
		return;
	unsigned bytes = (bits + 7) / 8;
	if (framebuffer->base == NULL || framebuffer->width == 0
		|| framebuffer->width > framebuffer->pitch / bytes)
		return;

	sBase = framebuffer->base;
	sPitch = framebuffer->pitch;
	sBytesPerPixel = bytes;
	make_palette(framebuffer);
	clear(framebuffer);
	i386_screen_start(&kFramebufferDevice, framebuffer->width / SCREEN_GLYPH_WIDTH,
		framebuffer->height / SCREEN_GLYPH_HEIGHT);
}
