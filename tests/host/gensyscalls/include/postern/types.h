/*
 * Stands in for <postern/types.h> where thunks run on the host: the widths of
 * i386 under the host's own pointers. Included first by everything that
 * test_gensyscalls.py builds for the host.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The C library of the host has types of the same names. */
#define ssize_t postern_ssize_t
#define off_t postern_off_t
#define pid_t postern_pid_t
#define tid_t postern_tid_t
#define mode_t postern_mode_t

typedef int32_t ssize_t;
typedef int64_t off_t;
typedef int32_t pid_t;
typedef int32_t tid_t;
typedef uint32_t mode_t;
typedef int64_t time_us_t;
