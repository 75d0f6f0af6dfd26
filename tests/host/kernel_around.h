/*
 * What parts of the kernel want of the rest, for tests on the host: messages, the heap,
 * and the end. One file of a program includes it.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/panic.h"

static bool sLogShown;
static long sLogged;

static inline void show_log(const char *format, va_list arguments)
{
	sLogged++;
	if (sLogShown) {
		vprintf(format, arguments);
		putchar('\n');
	}
}

#define LOG_FUNCTION(name)                                                               \
	void name(const char *format, ...)                                                   \
	{                                                                                    \
		va_list arguments;                                                               \
		va_start(arguments, format);                                                     \
		show_log(format, arguments);                                                     \
		va_end(arguments);                                                               \
	}

LOG_FUNCTION(log_error)
LOG_FUNCTION(log_warn)
LOG_FUNCTION(log_info)
LOG_FUNCTION(log_debug)

void panic(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	abort();
}

static long sAllocations;		   /* that are not freed yet */
static long sAllocationsLeft = -1; /* until one fails; -1: none does */

void *heap_allocate(size_t size)
{
	if (sAllocationsLeft == 0)
		return NULL;
	if (sAllocationsLeft > 0)
		sAllocationsLeft--;
	sAllocations++;
	return calloc(1, size);
}

void heap_free(void *object)
{
	if (object != NULL)
		sAllocations--;
	free(object);
}
