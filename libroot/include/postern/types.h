/*
 * The types that syscalls.def may use, the same on both sides of the door.
 *
 * Included by the kernel, by libroot and by programs; the generator knows
 * these names and their widths (tools/gensyscalls.py, SCALARS).
 */
#pragma once

#include <postern/basic_types.h>
#include <stdbool.h>
