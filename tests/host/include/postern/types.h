/*
 * Stand-in for <postern/types.h> on the host: see basic_types.h beside it.
 */
#pragma once

#include <postern/basic_types.h>
#include <stdbool.h>
