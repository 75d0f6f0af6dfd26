// build: kernel/options.c
/*
 * kernel/options.c: each option, quoting, arguments, and what does not fit.
 */
#include <stdlib.h>

#include "check.h"
#include "kernel/options.h"

static char sWarnings[4096];
static struct kernel_options sOptions;
static char *sStorage;

static void remember(const char *message, const char *word)
{
	size_t used = strlen(sWarnings);

	snprintf(sWarnings + used, sizeof(sWarnings) - used, "%s: %s\n", message, word);
}

/* Just as many bytes as given, so that the sanitizers see one too far. */
static void parse_into(const char *line, size_t size)
{
	free(sStorage);
	sStorage = malloc(size);
	sWarnings[0] = '\0';
	memset(&sOptions, 0xee, sizeof(sOptions));
	options_parse(&sOptions, sStorage, size, line, remember);
	CHECK(sOptions.argv[sOptions.argc] == NULL);
	CHECK(sOptions.argv[0] == sOptions.init);
}

static void parse(const char *line)
{
	parse_into(line, strlen(line) + 1);
}

static void check_arguments(int argc, const char *const *argv)
{
	CHECK_NUMBER(sOptions.argc, argc + 1);
	for (int i = 0; i < argc && i + 1 < sOptions.argc; i++)
		CHECK_STRING(sOptions.argv[i + 1], argv[i]);
}

#define ARGUMENTS(...)                                                                   \
	check_arguments((int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)),       \
		(const char *[]){__VA_ARGS__})

static void test_defaults(void)
{
	static const char *const kLines[] = {"", " ", "    ", "--", " -- "};

	for (size_t i = 0; i < sizeof(kLines) / sizeof(kLines[0]); i++) {
		parse(kLines[i]);
		CHECK_NUMBER(sOptions.syscall, SYSCALL_AUTO);
		CHECK_NUMBER(sOptions.log_level, LOG_INFO);
		CHECK_STRING(sOptions.init, NULL);
		CHECK_NUMBER(sOptions.argc, 1);
		CHECK(!sOptions.hold && !sOptions.has_watch && sOptions.nx);
		CHECK(!sOptions.random_schedule);
		CHECK_NUMBER(sOptions.cpus, 16);
		CHECK_NUMBER(sOptions.processes, 256);
		CHECK_NUMBER(sOptions.threads, 4096);
		CHECK_NUMBER(sOptions.process_memory, 0);
		CHECK_STRING(sWarnings, "");
	}
}

static void test_console(void)
{
	parse("");
	CHECK(!sOptions.console_plain && sOptions.console_columns == 0);
	parse("console=plain");
	CHECK(sOptions.console_plain);
	parse("console=plain console=terminal,132x43");
	CHECK(!sOptions.console_plain);
	CHECK_NUMBER(sOptions.console_columns, 132);
	CHECK_NUMBER(sOptions.console_rows, 43);
	parse("console=terminal,9999x1 console=terminal");
	CHECK_NUMBER(sOptions.console_columns, 0);
	CHECK_STRING(sWarnings, "");
	parse(
		"console= console=pipe console=terminal, console=terminal,x console=terminal,80");
	parse("console=terminal,80x console=terminal,80x24x console=terminal,0x24 "
		  "console=terminal,10000x24 console=terminalx console=plain,80x24");
	CHECK(!sOptions.console_plain && sOptions.console_columns == 0);
	CHECK_STRING(sWarnings, "bad value of a kernel option: console=terminal,80x\n"
							"bad value of a kernel option: console=terminal,80x24x\n"
							"bad value of a kernel option: console=terminal,0x24\n"
							"bad value of a kernel option: console=terminal,10000x24\n"
							"bad value of a kernel option: console=terminalx\n"
							"bad value of a kernel option: console=plain,80x24\n");
}

static void test_options(void)
{
	parse("syscall=int loglevel=error init=/bin/hello hold=1");
	CHECK_NUMBER(sOptions.syscall, SYSCALL_INT);
	CHECK_NUMBER(sOptions.log_level, LOG_ERROR);
	CHECK_STRING(sOptions.init, "/bin/hello");
	CHECK(sOptions.hold);
	CHECK_STRING(sWarnings, "");

	parse("syscall=sysenter loglevel=debug hold=1 hold=0");
	CHECK_NUMBER(sOptions.syscall, SYSCALL_SYSENTER);
	CHECK_NUMBER(sOptions.log_level, LOG_DEBUG);
	CHECK(!sOptions.hold);
	parse("syscall=auto loglevel=warn");
	CHECK_NUMBER(sOptions.syscall, SYSCALL_AUTO);
	CHECK_NUMBER(sOptions.log_level, LOG_WARN);
	parse("loglevel=warn loglevel=info init=/a init=/b");
	CHECK_NUMBER(sOptions.log_level, LOG_INFO);
	CHECK_STRING(sOptions.init, "/b");

	parse("nx=off");
	CHECK(!sOptions.nx);
	parse("nx=off nx=auto");
	CHECK(sOptions.nx);
	CHECK_STRING(sWarnings, "");
	parse("nx=off nx= nx=on nx");
	CHECK(!sOptions.nx);
	CHECK_STRING(sWarnings, "bad value of a kernel option: nx=\n"
							"bad value of a kernel option: nx=on\n"
							"unknown kernel option: nx\n");

	parse("");
	CHECK_NUMBER(sOptions.tsc, TSC_AUTO);
	parse("tsc=invariant");
	CHECK_NUMBER(sOptions.tsc, TSC_INVARIANT);
	parse("tsc=off tsc=on");
	CHECK_NUMBER(sOptions.tsc, TSC_OFF);
	CHECK_STRING(sWarnings, "bad value of a kernel option: tsc=on\n");
	parse("tsc=off tsc=auto");
	CHECK_NUMBER(sOptions.tsc, TSC_AUTO);

	/* What is wrong is told, and leaves what was there. */
	parse("syscall=int syscall=fast loglevel= hold=yes hold init=bin quiet syscall");
	CHECK_NUMBER(sOptions.syscall, SYSCALL_INT);
	CHECK_NUMBER(sOptions.log_level, LOG_INFO);
	CHECK_STRING(sOptions.init, NULL);
	CHECK(!sOptions.hold);
	CHECK_STRING(sWarnings, "bad value of a kernel option: syscall=fast\n"
							"bad value of a kernel option: loglevel=\n"
							"bad value of a kernel option: hold=yes\n"
							"unknown kernel option: hold\n"
							"bad value of a kernel option: init=bin\n"
							"unknown kernel option: quiet\n"
							"unknown kernel option: syscall\n");

	/* Without anybody to tell. */
	options_parse(&sOptions, sStorage, 8, "quiet", NULL);
	CHECK_NUMBER(sOptions.argc, 1);
}

static void test_watch(void)
{
	static const struct {
		const char *value;
		uint32_t address;
		bool write_only;
		int length;
	} kGood[] = {
		{"0x8048000", 0x8048000, false, 1},
		{"0xBFFFfff3,r", 0xbffffff3, false, 1},
		{"0xbffffffc,w", 0xbffffffc, true, 1},
		{"0xbffffffe,w,2", 0xbffffffe, true, 2},
		{"0X1000,r,4", 0x1000, false, 4},
		{"0x1000,4", 0x1000, false, 4},
		{"0x0,1", 0, false, 1},
		{"0xffffffff", 0xffffffff, false, 1},
	};
	static const char *const kBad[] = {"", "0x", "1234", "0xg", "0x123456789", "0x1000,",
		"0x1000,x", "0x1000,w,", "0x1000,w,3", "0x1000,w,8", "0x1000,2,w", "0x1001,w,2",
		"0x1002,r,4", "0x1000,w,2,", "0x1000 ,w"};

	for (size_t i = 0; i < sizeof(kGood) / sizeof(kGood[0]); i++) {
		char line[64];

		snprintf(line, sizeof(line), "watch=%s", kGood[i].value);
		parse(line);
		CHECK_STRING(sWarnings, "");
		CHECK(sOptions.has_watch);
		CHECK_NUMBER(sOptions.watch, kGood[i].address);
		CHECK_NUMBER(sOptions.watch_write_only, kGood[i].write_only);
		CHECK_NUMBER(sOptions.watch_length, kGood[i].length);
	}
	for (size_t i = 0; i < sizeof(kBad) / sizeof(kBad[0]); i++) {
		char line[64];

		snprintf(line, sizeof(line), "\"watch=%s\"", kBad[i]);
		parse(line);
		CHECK(!sOptions.has_watch);
		CHECK(strncmp(sWarnings, "bad value", 9) == 0);
	}
}

static void test_schedule(void)
{
	static const struct {
		const char *value;
		uint32_t seed;
	} kRandom[] = {
		{"random", OPTIONS_DEFAULT_SEED},
		{"random:0", 0},
		{"random:0x0", 0},
		{"random:007", 7},
		{"random:12345", 12345},
		{"random:4294967295", UINT32_MAX},
		{"random:0xffffffff", UINT32_MAX},
		{"random:0XdeadBEEF", 0xdeadbeef},
	};
	static const char *const kBad[] = {"", "Normal", "normal:1", "randomly",
		"random:", "random:x", "random:-1", "random:0x", "random:0x123456789",
		"random:4294967296", "random:42949672960", "random:1 ", "random:0x1g",
		"random:1,2"};
	char line[64];

	for (size_t i = 0; i < sizeof(kRandom) / sizeof(kRandom[0]); i++) {
		snprintf(line, sizeof(line), "schedule=%s", kRandom[i].value);
		parse(line);
		CHECK_STRING(sWarnings, "");
		CHECK(sOptions.random_schedule);
		CHECK_NUMBER(sOptions.schedule_seed, kRandom[i].seed);
	}
	parse("schedule=random:5 schedule=normal");
	CHECK(!sOptions.random_schedule);
	for (size_t i = 0; i < sizeof(kBad) / sizeof(kBad[0]); i++) {
		snprintf(line, sizeof(line), "schedule=random:9 \"schedule=%s\"", kBad[i]);
		parse(line);
		/* What stood there stays. */
		CHECK(sOptions.random_schedule);
		CHECK_NUMBER(sOptions.schedule_seed, 9);
		CHECK(strncmp(sWarnings, "bad value", 9) == 0);
	}
}

static void test_counts(void)
{
	static const struct {
		const char *name;
		const uint32_t *field;
		uint32_t least, most, usual;
	} kCounts[] = {
		{"cpus", &sOptions.cpus, 1, 16, 16},
		{"processes", &sOptions.processes, 2, 4096, 256},
		{"threads", &sOptions.threads, 2, 4096, 4096},
		{"process-memory", &sOptions.process_memory, 0, 3072, 0},
	};
	static const char *const kBad[] = {
		"", "-1", "+1", "x", "0x10", "1k", "4294967297", "99999999999", "1 "};

	for (size_t i = 0; i < sizeof(kCounts) / sizeof(kCounts[0]); i++) {
		const uint32_t good[] = {
			kCounts[i].least, kCounts[i].least + 1, kCounts[i].most - 1, kCounts[i].most};
		char line[64];

		for (size_t k = 0; k < 4; k++) {
			snprintf(line, sizeof(line), "%s=%u", kCounts[i].name, (unsigned)good[k]);
			parse(line);
			CHECK_STRING(sWarnings, "");
			CHECK_NUMBER(*kCounts[i].field, good[k]);
		}
		for (size_t k = 0; k < sizeof(kBad) / sizeof(kBad[0]); k++) {
			snprintf(line, sizeof(line), "\"%s=%s\"", kCounts[i].name, kBad[k]);
			parse(line);
			CHECK(strncmp(sWarnings, "bad value", 9) == 0);
			CHECK_NUMBER(*kCounts[i].field, kCounts[i].usual);
		}
		snprintf(
			line, sizeof(line), "%s=%u", kCounts[i].name, (unsigned)kCounts[i].most + 1);
		parse(line);
		CHECK(strncmp(sWarnings, "bad value", 9) == 0);
		CHECK_NUMBER(*kCounts[i].field, kCounts[i].usual);
		if (kCounts[i].least == 0)
			continue;
		snprintf(
			line, sizeof(line), "%s=%u", kCounts[i].name, (unsigned)kCounts[i].least - 1);
		parse(line);
		CHECK(strncmp(sWarnings, "bad value", 9) == 0);
		CHECK_NUMBER(*kCounts[i].field, kCounts[i].usual);
	}
}

static void test_words(void)
{
	parse("init=/bin/echo -- a  bc   -- d=e syscall=int ");
	CHECK_STRING(sOptions.init, "/bin/echo");
	CHECK_NUMBER(sOptions.syscall, SYSCALL_AUTO);
	ARGUMENTS("a", "bc", "--", "d=e", "syscall=int");

	parse("-- \"a b\" 'c d' e\\ f \"\" '' x\"y z\"'!'");
	ARGUMENTS("a b", "c d", "e f", "", "", "xy z!");
	parse("-- \"a\\\"b\" 'a\\' \\\\ \\' \\\" \"it's\" '\"'");
	ARGUMENTS("a\"b", "a\\", "\\", "'", "\"", "it's", "\"");
	parse("-- a\tb \xc3\xa4\n");
	ARGUMENTS("a\tb", "\xc3\xa4\n");
	parse("-- \x1f a\x1f\x1f"
		  "b \x1f");
	ARGUMENTS("", "ab", "");
	parse("\"init=/bin/a b\" '--' x");
	CHECK_STRING(sOptions.init, "/bin/a b");
	ARGUMENTS("x");
	CHECK_STRING(sWarnings, "");

	parse("-- \"open");
	ARGUMENTS("open");
	CHECK_STRING(sWarnings, "quote without an end: open\n");
	parse("-- '");
	ARGUMENTS("");
	CHECK_STRING(sWarnings, "quote without an end: \n");
	parse("-- end\\");
	ARGUMENTS("end\\");
}

static void test_limits(void)
{
	char line[1024];

	/* 63 words fit argv with its NULL, the program's name among them. */
	strcpy(line, "init=/a --");
	for (int i = 1; i < OPTIONS_ARGUMENTS_MAX - 1; i++)
		sprintf(line + strlen(line), " %d", i);
	parse(line);
	CHECK_NUMBER(sOptions.argc, OPTIONS_ARGUMENTS_MAX - 1);
	CHECK_STRING(sOptions.argv[OPTIONS_ARGUMENTS_MAX - 2], "62");
	CHECK_STRING(sWarnings, "");
	strcat(line, " one-too-many and-two");
	parse(line);
	CHECK_NUMBER(sOptions.argc, OPTIONS_ARGUMENTS_MAX - 1);
	CHECK_STRING(sWarnings, "too many arguments, left out from here on: one-too-many\n");

	/* Every size of storage: words are whole or not there at all. */
	static const char *const kWords[] = {"init=/x", "--", "abc", "", "de"};
	static const char kLine[] = "init=/x -- abc '' de";
	for (size_t size = 0; size <= sizeof(kLine); size++) {
		size_t used = 0;
		int whole = 0;

		while (whole < 5 && used + strlen(kWords[whole]) + 1 <= size)
			used += strlen(kWords[whole++]) + 1;
		parse_into(kLine, size);
		CHECK_STRING(sOptions.init, whole >= 1 ? "/x" : NULL);
		CHECK_NUMBER(sOptions.argc, whole > 2 ? whole - 1 : 1);
		for (int i = 2; i < whole; i++)
			CHECK_STRING(sOptions.argv[i - 1], kWords[i]);
		CHECK_STRING(sWarnings,
			whole < 5 ? "command line too long, the rest is left out: \n" : "");
	}
}

int main(void)
{
	test_console();
	test_defaults();
	test_options();
	test_watch();
	test_schedule();
	test_counts();
	test_words();
	test_limits();
	free(sStorage);
	return check_result();
}
