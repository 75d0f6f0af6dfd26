// build: kernel/log.c kernel/format.c tests/host/locks.c
/*
 * kernel/log.c over two devices that remember: which lines go where, byte for
 * byte.
 */
#include "check.h"
#include "kernel/arch.h"
#include "kernel/log.h"

static char sLog[4096];
static char sScreen[4096];
static int sLogCalls;

void arch_log_write(const char *bytes, size_t size)
{
	strncat(sLog, bytes, size);
	sLogCalls++;
}

void arch_screen_write(const char *bytes, size_t size)
{
	strncat(sScreen, bytes, size);
}

static void expect(const char *log, const char *screen)
{
	CHECK_STRING(sLog, log);
	CHECK_STRING(sScreen, screen);
	sLog[0] = '\0';
	sScreen[0] = '\0';
}

int main(void)
{
	log_info("cpu: %s family %u", "GenuineIntel", 6u);
	expect("cpu: GenuineIntel family 6\n", "cpu: GenuineIntel family 6\n");
	CHECK_NUMBER(sLogCalls, 1);

	log_debug("not at the start");
	expect("", "");
	log_set_level(LOG_DEBUG);
	log_debug("d");
	log_write(LOG_WARN, "w%d", 1);
	expect("d\nw1\n", "d\nw1\n");

	log_set_level(LOG_ERROR);
	log_warn("left out");
	log_info("left out");
	log_raw("raw", 3);
	log_error("e");
	expect("rawe\n", "e\n");

	log_set_screen(false);
	log_error("e");
	expect("e\n", "");
	log_set_screen(true);

	/* What is too long is cut, and is still a line. */
	for (int length = LOG_LINE_MAX - 3; length < LOG_LINE_MAX + 3; length++) {
		int kept = length < LOG_LINE_MAX ? length : LOG_LINE_MAX - 1;

		log_error("%*s", length, "x");
		if (length >= LOG_LINE_MAX) /* the x is what was cut */
			CHECK_NUMBER(strspn(sLog, " "), kept);
		CHECK_NUMBER(strlen(sLog), kept + 1);
		CHECK(sLog[kept] == '\n');
		sLog[0] = '\0';
	}
	return check_result();
}
