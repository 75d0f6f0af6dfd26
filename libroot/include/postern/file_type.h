/*
 * Kinds of files, as directories tell them. Apart from <postern/dirent.h>, for the C
 * library's <dirent.h>; the numbers are Linux/i386's.
 */
#pragma once

#define DT_UNKNOWN 0
#define DT_FIFO 1
#define DT_CHR 2
#define DT_DIR 4
#define DT_BLK 6
#define DT_REG 8
#define DT_LNK 10
