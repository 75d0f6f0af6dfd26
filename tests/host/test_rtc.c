// build: arch/i386/rtc.c arch/i386/acpi.c -iquote tests/host/include
/*
 * The real-time clock: dates in each of the chip's formats against the host's
 * own arithmetic, what is no date, and a chip that is updating.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "check.h"

#include "arch/i386/io.h"
#include "arch/i386/rtc.h"
#include "kernel/arch.h"
#include "kernel/log.h"

/* ---- A chip ------------------------------------------------------------------- */

static uint8_t sCmos[128];
static uint8_t sIndex;
static unsigned sUpdates; /* readings of register A that still say so */
static unsigned sTearAt;  /* at this reading of the minute, the hour is over */

void outb(uint16_t port, uint8_t value)
{
	CHECK(port == 0x70);
	CHECK(value < 0x80); /* or NMIs would be off */
	sIndex = value;
}

uint8_t inb(uint16_t port)
{
	CHECK(port == 0x71);
	if (sIndex == 10) {
		if (sUpdates > 0) {
			sUpdates--;
			return 0xa6;
		}
		return 0x26;
	}
	if (sIndex == 2 && sTearAt > 0 && --sTearAt == 0) {
		sCmos[0] = 0;
		sCmos[2] = 0;
		sCmos[4]++;
	}
	return sCmos[sIndex];
}

void outw(uint16_t port, uint16_t value)
{
	(void)port;
	(void)value;
}

uint16_t inw(uint16_t port)
{
	(void)port;
	return 0xffff;
}

static time_us_t sNow;

time_us_t arch_system_time(void)
{
	return sNow;
}

static unsigned sWarnings;

void log_info(const char *format, ...)
{
	(void)format;
}

void log_warn(const char *format, ...)
{
	(void)format;
	sWarnings++;
}

/* ---- Tests ---------------------------------------------------------------------- */

#define HOURS_24 2
#define BINARY 4

static uint8_t encode(unsigned number, unsigned format)
{
	return (uint8_t)(format & BINARY ? number : number / 10 << 4 | number % 10);
}

static struct i386_rtc_registers encode_date(time_t date, unsigned format)
{
	struct tm parts;
	struct i386_rtc_registers registers;
	unsigned hour, year;

	gmtime_r(&date, &parts);
	hour = (unsigned)parts.tm_hour;
	year = (unsigned)parts.tm_year + 1900;
	registers = (struct i386_rtc_registers){
		.second = encode((unsigned)parts.tm_sec, format),
		.minute = encode((unsigned)parts.tm_min, format),
		.day = encode((unsigned)parts.tm_mday, format),
		.month = encode((unsigned)parts.tm_mon + 1, format),
		.year = encode(year % 100, format),
		.century = encode(year / 100, format),
		.format = (uint8_t)format,
	};
	if (format & HOURS_24)
		registers.hour = encode(hour, format);
	else
		registers.hour = (uint8_t)(encode(hour % 12 == 0 ? 12 : hour % 12, format)
								   | (hour >= 12 ? 0x80 : 0));
	return registers;
}

static void test_dates(void)
{
	/* A step that meets every hour, minute and second; to the year 2500. */
	for (time_t date = 0; date < 16725225600; date += 86400 * 5 + 3661) {
		for (unsigned format = 0; format <= (HOURS_24 | BINARY); format += 2) {
			struct i386_rtc_registers registers = encode_date(date, format);

			if (i386_rtc_decode(&registers) != date) {
				printf("date %lld, format %u\n", (long long)date, format);
				CHECK(false);
				return;
			}
			registers.century = 0;
			if (date < 3155760000) /* 2070 */
				CHECK(i386_rtc_decode(&registers) == date);
		}
	}
	/* The ends of leap years' Februaries, and of others'. */
	for (unsigned year = 1970; year < 2500; year++) {
		struct i386_rtc_registers registers = {
			.hour = 0,
			.day = 29,
			.month = 2,
			.year = (uint8_t)(year % 100),
			.century = (uint8_t)(year / 100),
			.format = HOURS_24 | BINARY,
		};
		bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

		CHECK((i386_rtc_decode(&registers) >= 0) == leap);
	}
}

static bool refused(size_t field, uint8_t value, unsigned format)
{
	struct i386_rtc_registers registers = encode_date(1900000000, format);

	CHECK(i386_rtc_decode(&registers) == 1900000000);
	((uint8_t *)&registers)[field] = value;
	return i386_rtc_decode(&registers) == -1;
}

#define REFUSED(field, value, format)                                                    \
	CHECK(refused(offsetof(struct i386_rtc_registers, field), value, format))

static void test_no_dates(void)
{
	struct i386_rtc_registers nothing;

	for (unsigned format = 0; format <= (HOURS_24 | BINARY); format += 2) {
		REFUSED(second, encode(60, format), format);
		REFUSED(minute, encode(60, format), format);
		REFUSED(hour, encode(24, format), format);
		REFUSED(day, 0, format);
		REFUSED(day, encode(32, format), format);
		REFUSED(month, 0, format);
		REFUSED(month, encode(13, format), format);
		REFUSED(year, 0xff, format);
	}
	REFUSED(hour, 0, 0);
	REFUSED(hour, 0x80, 0);
	REFUSED(hour, 0x13, 0);
	REFUSED(second, 0x0a, 0);
	REFUSED(second, 0x5f, 0);
	REFUSED(day, 0x1a, 0);
	memset(&nothing, 0xff, sizeof nothing); /* no chip */
	CHECK(i386_rtc_decode(&nothing) == -1);
	memset(&nothing, 0, sizeof nothing); /* no battery */
	CHECK(i386_rtc_decode(&nothing) == -1);
}

static void put(time_t date)
{
	struct i386_rtc_registers registers = encode_date(date, HOURS_24);

	sCmos[0] = registers.second;
	sCmos[2] = registers.minute;
	sCmos[4] = registers.hour;
	sCmos[7] = registers.day;
	sCmos[8] = registers.month;
	sCmos[9] = registers.year;
	sCmos[11] = registers.format;
}

static void test_chip(void)
{
	put(1893902706);
	sNow = 5000;
	i386_rtc_init();
	CHECK(sWarnings == 0);
	CHECK(arch_real_time() == 1893902706000000);
	sNow = 1005001;
	CHECK(arch_real_time() == 1893902707000001);

	sUpdates = 100;
	i386_rtc_init();
	CHECK(sUpdates == 0 && arch_real_time() == 1893902706000000);

	/* 03:59:59 that becomes 04:00:00 between the second and the minute; then
	 * in the second reading. */
	for (unsigned at = 1; at <= 2; at++) {
		put(1893902399);
		sTearAt = at;
		i386_rtc_init();
		CHECK(arch_real_time() == 1893902400000000);
	}

	/* One that never ends its update, and one that is not there. */
	sUpdates = UINT32_MAX;
	put(1893902706);
	i386_rtc_init();
	CHECK(arch_real_time() == 1893902706000000);
	sUpdates = 0;
	memset(sCmos, 0xff, sizeof sCmos);
	CHECK(sWarnings == 0);
	i386_rtc_init();
	CHECK(sWarnings == 1 && arch_real_time() == 0);
}

int main(void)
{
	test_dates();
	test_no_dates();
	test_chip();
	return check_result();
}
