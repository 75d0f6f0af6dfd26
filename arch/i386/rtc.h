/*
 * The real-time clock in the CMOS memory, an MC146818 or what has taken its
 * place: it knows the date while the machine is off. It is taken to run in UTC.
 *
 * start.c reads it once, at boot; from then on arch_real_time() adds the system
 * time.
 */
#pragma once

#include <postern/types.h>

/* As the chip has them. */
struct i386_rtc_registers {
	uint8_t second, minute, hour, day, month, year;
	uint8_t century; /* 0 where there is none */
	uint8_t format;	 /* register B */
};

/*
 * The seconds from 1970-01-01 00:00 UTC, or -1 where the registers hold no
 * date. Pure: the host tests it.
 */
int64_t i386_rtc_decode(const struct i386_rtc_registers *registers);

/* Reads it; behind i386_clock_init(). */
void i386_rtc_init(void);
