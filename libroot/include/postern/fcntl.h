/* Beside the O_*, F_* and SEEK_* of syscalls.def: what it cannot say. */
#pragma once

#define O_ACCMODE 3
#define FD_CLOEXEC 1
