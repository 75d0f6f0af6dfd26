/*
 * Looks kernel addresses up in the table that tools/kernel_symbols.py makes of
 * the first link (build/symbols.asm).
 */
#include "kernel/symbols.h"

struct symbol {
	uint32_t address;
	uint32_t name; /* an offset into gSymbolNames */
};

extern const struct symbol gSymbols[]; /* by rising address; the last is the end */
extern const uint32_t gSymbolCount;
extern const char gSymbolNames[];

const char *symbols_find(uintptr_t address, uint32_t *_offset)
{
	uint32_t low = 0, high = gSymbolCount;

	if (gSymbolCount == 0 || address < gSymbols[0].address
		|| address >= gSymbols[gSymbolCount].address)
		return NULL;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (gSymbols[middle].address <= address)
			low = middle;
		else
			high = middle;
	}
	*_offset = address - gSymbols[low].address;
	return gSymbolNames + gSymbols[low].name;
}
