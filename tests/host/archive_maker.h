/*
 * Archives made entry by entry, for the tests of what reads them. They lie at the
 * end of an allocation of their size, so that the sanitizers see a byte read too
 * far.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/archive.h"

static uint8_t sBytes[64 * 1024];
static size_t sUsed;

static inline void start(void)
{
	sUsed = 0;
}

/* Writes the checksum into a header: six digits, a NUL, a space. */
static inline void seal(uint8_t *header)
{
	unsigned sum = 0;

	memset(header + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += header[i];
	snprintf((char *)header + 148, 8, "%06o", sum);
}

/* Header and data; `target` is a link's, up to 100 bytes. */
static inline uint8_t *add_bytes(const char *prefix, const char *name, char type,
	const char *target, unsigned mode, const void *data, size_t size)
{
	uint8_t *header = sBytes + sUsed;
	size_t filled = (size + 511) / 512 * 512;

	memset(header, 0, 512 + filled);
	memcpy(header, name, strlen(name));
	sprintf((char *)header + 100, "%07o", mode);
	sprintf((char *)header + 108, "%07o", 0);
	sprintf((char *)header + 116, "%07o", 0);
	sprintf((char *)header + 124, "%011o", (unsigned)size);
	sprintf((char *)header + 136, "%011o", 1);
	header[156] = (uint8_t)type;
	memcpy(header + 157, target, strlen(target));
	memcpy(header + 257, "ustar\00000", 8);
	memcpy(header + 345, prefix, strlen(prefix));
	if (size > 0)
		memcpy(header + 512, data, size);
	seal(header);
	sUsed += 512 + filled;
	return header;
}

static inline uint8_t *add_entry(
	const char *prefix, const char *name, char type, const char *text, unsigned mode)
{
	return add_bytes(prefix, name, type, "", mode, text, strlen(text));
}

static inline uint8_t *add_file(const char *name, const char *text)
{
	return add_entry("", name, '0', text, 0644);
}

static inline void add_link(const char *name, const char *target)
{
	add_bytes("", name, '2', target, 0777, NULL, 0);
}

static inline void end(void)
{
	memset(sBytes + sUsed, 0, 1024);
	sUsed += 1024;
}

/* A copy of its exact size. */
static inline struct archive take(void)
{
	uint8_t *data = malloc(sUsed);

	memcpy(data, sBytes, sUsed);
	return (struct archive){data, sUsed};
}

static inline void release(struct archive archive)
{
	free((void *)archive.data);
}
