/* What the fuzzers of this folder share. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define REQUIRE(condition)                                                               \
	do {                                                                                 \
		if (!(condition))                                                                \
			__builtin_trap();                                                            \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
