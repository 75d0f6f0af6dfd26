/*
 * The real-time clock; see rtc.h. (MC146818A data sheet, "Time, calendar and
 * alarm locations" and "Registers".)
 */
#include "arch/i386/rtc.h"
#include "arch/i386/acpi.h"
#include "arch/i386/io.h"
#include "kernel/arch.h"
#include "kernel/log.h"

/* Bit 7 of the index is the NMI's gate: 0 leaves it open. */
enum { CMOS_INDEX = 0x70, CMOS_DATA = 0x71, CMOS_SIZE = 0x80 };

enum {
	RTC_SECOND = 0,
	RTC_MINUTE = 2,
	RTC_HOUR = 4,
	RTC_DAY = 7,
	RTC_MONTH = 8,
	RTC_YEAR = 9,
	RTC_A = 10,
	RTC_B = 11,
};

#define RTC_A_UPDATING 0x80
#define RTC_B_24_HOURS 0x02
#define RTC_B_BINARY 0x04
#define HOUR_AFTERNOON 0x80 /* with 12 hours */

/* An update takes 2 ms at the most, of about a microsecond a read. */
#define UPDATE_READS 10000
/* Two readings that are the same were not torn by an update. */
#define READINGS 5

/* A year without a century: 1970 to 2069. */
#define FIRST_YEAR 1970
#define FIRST_CENTURY 19

#define DAY_SECONDS 86400

static time_us_t sAtBoot; /* the time when the system time was 0 */

/* ---- Dates ------------------------------------------------------------------ */

/* False where it is no number of the chip's format. */
static bool decode_number(uint8_t value, bool binary, unsigned *_number)
{
	*_number = binary ? value : (value >> 4) * 10u + (value & 0xf);
	return binary || (value >> 4 <= 9 && (value & 0xf) <= 9);
}

static bool decode_hour(uint8_t value, uint8_t format, unsigned *_hour)
{
	bool afternoon = (value & HOUR_AFTERNOON) != 0;
	bool binary = (format & RTC_B_BINARY) != 0;

	if (format & RTC_B_24_HOURS)
		return decode_number(value, binary, _hour) && *_hour <= 23;
	if (!decode_number(value & ~HOUR_AFTERNOON, binary, _hour) || *_hour < 1
		|| *_hour > 12)
		return false;
	*_hour = *_hour % 12 + (afternoon ? 12 : 0); /* 12 is the first of each half */
	return true;
}

static bool is_leap_year(unsigned year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_of_month(unsigned month, unsigned year)
{
	static const uint8_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return kDays[month - 1] + (month == 2 && is_leap_year(year) ? 1u : 0u);
}

/* The leap years from year 1 to `year`. */
static unsigned leap_years(unsigned year)
{
	return year / 4 - year / 100 + year / 400;
}

int64_t i386_rtc_decode(const struct i386_rtc_registers *registers)
{
	bool binary = (registers->format & RTC_B_BINARY) != 0;
	unsigned second, minute, hour, day, month, year, century, days, i;

	if (!decode_number(registers->second, binary, &second) || second > 59
		|| !decode_number(registers->minute, binary, &minute) || minute > 59
		|| !decode_hour(registers->hour, registers->format, &hour)
		|| !decode_number(registers->day, binary, &day) || day < 1
		|| !decode_number(registers->month, binary, &month) || month < 1 || month > 12
		|| !decode_number(registers->year, binary, &year) || year > 99)
		return -1;
	/* Where there is none, whatever the firmware keeps there instead. */
	if (!decode_number(registers->century, binary, &century) || century < FIRST_CENTURY
		|| century > 99 || century * 100 + year < FIRST_YEAR)
		century = year >= FIRST_YEAR % 100 ? FIRST_CENTURY : FIRST_CENTURY + 1;
	year += century * 100;
	if (day > days_of_month(month, year))
		return -1;

	days = (year - FIRST_YEAR) * 365 + leap_years(year - 1) - leap_years(FIRST_YEAR - 1);
	for (i = 1; i < month; i++)
		days += days_of_month(i, year);
	days += day - 1;
	return (int64_t)days * DAY_SECONDS + hour * 3600 + minute * 60 + second;
}

/* ---- The chip ----------------------------------------------------------------- */

static uint8_t cmos_read(uint8_t index)
{
	outb(CMOS_INDEX, index);
	return inb(CMOS_DATA);
}

static void read_registers(struct i386_rtc_registers *registers)
{
	uint8_t century = i386_acpi_machine()->rtc_century;
	unsigned i;

	for (i = 0; i < UPDATE_READS && (cmos_read(RTC_A) & RTC_A_UPDATING) != 0; i++)
		;
	*registers = (struct i386_rtc_registers){
		.second = cmos_read(RTC_SECOND),
		.minute = cmos_read(RTC_MINUTE),
		.hour = cmos_read(RTC_HOUR),
		.day = cmos_read(RTC_DAY),
		.month = cmos_read(RTC_MONTH),
		.year = cmos_read(RTC_YEAR),
		.century = century != 0 && century < CMOS_SIZE ? cmos_read(century) : 0,
		.format = cmos_read(RTC_B),
	};
}

static int64_t read_date(void)
{
	struct i386_rtc_registers registers, again;
	int64_t date = -1;
	unsigned i;

	read_registers(&registers);
	for (i = 0; i < READINGS; i++) {
		read_registers(&again);
		date = i386_rtc_decode(&again);
		if (date >= 0 && date == i386_rtc_decode(&registers))
			return date;
		registers = again;
	}
	return -1;
}

void i386_rtc_init(void)
{
	int64_t date = read_date();

	if (date < 0) {
		log_warn("rtc: it has no date; this is 1970-01-01 00:00 UTC");
		date = 0;
	} else {
		log_info("rtc: %lld seconds since 1970", (long long)date);
	}
	sAtBoot = date * 1000000 - arch_system_time();
}

time_us_t arch_real_time(void)
{
	return sAtBoot + arch_system_time();
}
