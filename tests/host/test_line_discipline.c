// build: kernel/line_discipline.c
/*
 * The line discipline over a terminal that remembers its echo and its signals.
 */
#include <stdint.h>
#include <stdlib.h>

#include "check.h"

#include "kernel/line_discipline.h"
#include <postern/signal.h>

static struct line_discipline sLine;
static char sEcho[65536];
static size_t sEchoed;
static int sSignal;

static void remember_echo(const char *bytes, size_t size)
{
	if (sEchoed + size >= sizeof(sEcho))
		abort();
	memcpy(sEcho + sEchoed, bytes, size);
	sEchoed += size;
	sEcho[sEchoed] = '\0';
}

static void remember_signal(int signal)
{
	sSignal = signal;
}

static void begin(bool plain)
{
	line_discipline_init(&sLine, plain, remember_echo, remember_signal);
	sEchoed = 0;
	sEcho[0] = '\0';
	sSignal = 0;
}

static void change(
	uint32_t input_off, uint32_t input_on, uint32_t local_off, uint32_t local_on)
{
	struct termios termios = sLine.termios;

	termios.c_iflag = (termios.c_iflag & ~input_off) | input_on;
	termios.c_lflag = (termios.c_lflag & ~local_off) | local_on;
	line_discipline_set(&sLine, &termios);
}

static void type(const char *text)
{
	for (; *text != '\0'; text++)
		line_discipline_input(&sLine, (uint8_t)*text);
}

/* What a read of `size` gets; "(none)" where it would wait, "(end)" at the end. */
static const char *read_some(size_t size)
{
	static char buffer[8192];
	size_t count;

	if (!line_discipline_readable(&sLine))
		return "(none)";
	count = line_discipline_read(&sLine, buffer, size);
	buffer[count] = '\0';
	return count == 0 && size > 0 ? "(end)" : buffer;
}

static const char *read_line(void)
{
	return read_some(8000);
}

/* Types `keys` into a sane terminal: what is read then, and what was shown. */
static void expect_at(int line, const char *keys, const char *wanted, const char *shown)
{
	int before = sFailures;

	begin(false);
	type(keys);
	CHECK_STRING(read_line(), wanted);
	CHECK_STRING(sEcho, shown);
	if (sFailures != before)
		printf("  (line %d)\n", line);
}

#define EXPECT(...) expect_at(__LINE__, __VA_ARGS__)
#define WIPE "\b \b"

static void test_lines(void)
{
	EXPECT("", "(none)", "");
	EXPECT("abc", "(none)", "abc");
	EXPECT("abc\n", "abc\n", "abc\r\n");
	EXPECT("abc\r", "abc\n", "abc\r\n");
	EXPECT("\n", "\n", "\r\n");
	EXPECT("\t\001\n", "\t\001\n", "\t^A\r\n");
	EXPECT(
		"\xc3\xa9\xe2\x82\xac\n", "\xc3\xa9\xe2\x82\xac\n", "\xc3\xa9\xe2\x82\xac\r\n");

	begin(false);
	type("one\ntwo\nthr");
	CHECK_NUMBER(line_discipline_available(&sLine), 8);
	CHECK_STRING(read_some(2), "on");
	CHECK_STRING(read_line(), "e\n");
	CHECK_STRING(read_line(), "two\n");
	CHECK_STRING(read_line(), "(none)");
	type("ee\n");
	CHECK_STRING(read_line(), "three\n");
}

static void test_end_of_file(void)
{
	EXPECT("\004", "(end)", "");
	EXPECT("abc\004", "abc", "abc");
	begin(false);
	type("abc\004");
	CHECK_NUMBER(line_discipline_available(&sLine), 3);
	CHECK_STRING(read_line(), "abc");
	CHECK_STRING(read_line(), "(none)");
	/* All of it read by a read of just its size: no end of file is left. */
	type("def\004");
	CHECK_STRING(read_some(3), "def");
	CHECK_STRING(read_line(), "(none)");
	type("\004\004x\n");
	CHECK_STRING(read_line(), "(end)");
	CHECK_STRING(read_line(), "(end)");
	CHECK_STRING(read_line(), "x\n");
	/* Changing modes: the end of a file is no byte. */
	type("ab\004\004cd");
	change(0, 0, ICANON, 0);
	CHECK_STRING(read_line(), "abcd");
}

static void test_erase(void)
{
	EXPECT("ab\177c\n", "ac\n", "ab" WIPE "c\r\n");
	EXPECT("ab\bc\n", "ac\n", "ab" WIPE "c\r\n");
	EXPECT("\177\177a\n", "a\n", "a\r\n");
	/* One character of two, three and four bytes. */
	EXPECT("a\xc3\xa9\177\n", "a\n", "a\xc3\xa9" WIPE "\r\n");
	EXPECT("a\xe2\x82\xac\177\n", "a\n", "a\xe2\x82\xac" WIPE "\r\n");
	EXPECT("a\xf0\x9f\x98\x80\177\n", "a\n", "a\xf0\x9f\x98\x80" WIPE "\r\n");
	/* A tab moves back to where it began; ^A is two wide. */
	EXPECT("ab\t\177c\n", "abc\n", "ab\t\b\b\b\b\b\bc\r\n");
	EXPECT("\t\t\177\177\n", "\n", "\t\t\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\r\n");
	EXPECT("\001\177\n", "\n", "^A" WIPE WIPE "\r\n");
	/* A committed line is out of reach. */
	EXPECT("ab\n\177\025\027c\n", "ab\n", "ab\r\nc\r\n");
	/* Words. */
	EXPECT("one two \027x\n", "one x\n", "one two " WIPE WIPE WIPE WIPE "x\r\n");
	EXPECT("  \027x\n", "x\n", "  " WIPE WIPE "x\r\n");
	EXPECT("a\tbc\027\027x\n", "x\n", "a\tbc" WIPE WIPE "\b\b\b\b\b\b\b" WIPE "x\r\n");
	/* The line. */
	EXPECT("abc\025x\n", "x\n", "abc" WIPE WIPE WIPE "x\r\n");

	/* Behind a prompt, a tab ends where the column says. */
	begin(false);
	for (const char *prompt = "abc> "; *prompt != '\0'; prompt++) {
		char output[LINE_OUTPUT_MAX];
		line_discipline_output(&sLine, (uint8_t)*prompt, output);
	}
	type("x\t\177");
	CHECK_STRING(sEcho, "x\t\b\b");

	begin(false);
	change(0, 0, ECHOE | ECHOKE, 0);
	type("ab\177c\025d\n");
	CHECK_STRING(read_line(), "d\n");
	CHECK_STRING(sEcho, "ab^?c^U\r\nd\r\n");
	begin(false);
	change(0, 0, ECHO, ECHONL);
	type("ab\177\025c\022\n");
	CHECK_STRING(read_line(), "c\n");
	CHECK_STRING(sEcho, "\r\n");
	begin(false);
	change(IUTF8, 0, 0, 0);
	type("\xc3\xa9\177\n");
	CHECK_STRING(read_line(), "\xc3\n");
	begin(false);
	change(0, 0, IEXTEN, 0);
	type("a b\027\026\n");
	CHECK_STRING(read_line(), "a b\027\026\n");
	/* Another erase key, and then ^H is a byte like any other. */
	begin(false);
	sLine.termios.c_cc[VERASE] = '#';
	type("ab#c\b\177\n");
	CHECK_STRING(read_line(), "ac\b\177\n");
	/* What took the cursor back is erased as nothing. */
	begin(false);
	change(0, 0, ECHOCTL, 0);
	type("a\026\b\177\026\r\177b\177\n");
	CHECK_STRING(sEcho, "a\b\rb" WIPE "\r\n");
	CHECK_STRING(read_line(), "a\n");
}

static void test_literal_and_reprint(void)
{
	EXPECT("\026\003\n", "\003\n", "^\b^C\r\n");
	EXPECT("\026\004x\n", "\004x\n", "^\b^Dx\r\n");
	EXPECT("a\026\nb\n", "a\nb\n", "a^\b^Jb\r\n");
	EXPECT("\026\026\n", "\026\n", "^\b^V\r\n");
	EXPECT("ab\022c\n", "abc\n", "ab^R\r\nabc\r\n");
}

static void test_signals(void)
{
	begin(false);
	type("abc\003d\n");
	CHECK_NUMBER(sSignal, SIGINT);
	CHECK_STRING(read_line(), "d\n");
	CHECK_STRING(sEcho, "abc^Cd\r\n");
	begin(false);
	type("\034");
	CHECK_NUMBER(sSignal, SIGQUIT);
	CHECK_STRING(sEcho, "^\\");
	begin(false);
	type("\032");
	CHECK_NUMBER(sSignal, SIGTSTP);
	/* What waits to be read goes with it, but where NOFLSH keeps it. */
	begin(false);
	type("one\ntw\003");
	CHECK_STRING(read_line(), "(none)");
	begin(false);
	change(0, 0, 0, NOFLSH);
	type("one\ntw\003o\n");
	CHECK_STRING(read_line(), "one\n");
	CHECK_STRING(read_line(), "two\n");
	/* Without ISIG, or with the key switched off, they are bytes. */
	begin(false);
	change(0, 0, ISIG, 0);
	type("\003\n");
	CHECK_STRING(read_line(), "\003\n");
	begin(false);
	sLine.termios.c_cc[VINTR] = _POSIX_VDISABLE;
	type("\003\n");
	line_discipline_input(&sLine, 0);
	CHECK_STRING(read_line(), "\003\n");
	CHECK_NUMBER(sSignal, 0);
}

static void test_mapping(void)
{
	begin(false);
	change(ICRNL, INLCR, 0, 0);
	sLine.termios.c_cc[VEOL] = ';';
	type("a\nb\r;c");
	CHECK_STRING(read_line(), "a\rb\r;");
	begin(false);
	change(0, IGNCR, 0, 0);
	type("a\rb\n");
	CHECK_STRING(read_line(), "ab\n");
	begin(false);
	change(0, ISTRIP, 0, 0);
	type("\xe1\n");
	CHECK_STRING(read_line(), "a\n");
}

static void test_flow(void)
{
	begin(false);
	type("a\023");
	CHECK(sLine.stopped);
	type("\021\n");
	CHECK(!sLine.stopped);
	CHECK_STRING(read_line(), "a\n");
	type("\023b");
	CHECK(sLine.stopped);
	change(0, IXANY, 0, 0);
	type("c");
	CHECK(!sLine.stopped);
	type("\023");
	change(IXON, 0, 0, 0);
	CHECK(!sLine.stopped);
	type("\023\n");
	CHECK_STRING(read_line(), "bc\023\n");
	/* ^C at a terminal that stands still shows. */
	begin(false);
	type("\023\003");
	CHECK(!sLine.stopped);
}

static void test_raw(void)
{
	begin(false);
	change(ICRNL | IXON, 0, ICANON | ECHO | ISIG | IEXTEN, 0);
	type("a\003\004\r\n\177\026\023");
	CHECK_NUMBER(line_discipline_available(&sLine), 8);
	CHECK_STRING(read_some(1), "a");
	CHECK_STRING(read_line(), "\003\004\r\n\177\026\023");
	CHECK_STRING(sEcho, "");
	/* Half a line becomes readable, and again a line. */
	begin(false);
	type("abc");
	change(0, 0, ICANON, 0);
	CHECK_STRING(read_some(1), "a");
	change(0, 0, 0, ICANON);
	type("d\n");
	CHECK_STRING(read_line(), "bcd\n");
}

static void test_bounds(void)
{
	size_t i;

	begin(false);
	for (i = 0; i < 10000; i++)
		line_discipline_input(&sLine, 'x');
	CHECK(line_discipline_has_room(&sLine)); /* for what ends it */
	CHECK_NUMBER(sEchoed, 10000);			 /* half of that bells */
	CHECK(sEcho[4094] == 'x' && sEcho[4095] == '\a');
	type("\177y\n");
	CHECK_NUMBER(strlen(read_line()), LINE_BYTES_MAX);
	CHECK_STRING(read_line(), "(none)");

	/* Lines that nobody reads: input is to wait. */
	begin(false);
	for (i = 0; line_discipline_has_room(&sLine); i++)
		line_discipline_input(&sLine, '\n');
	CHECK_NUMBER(i, LINE_BYTES_MAX - 1);
	type("\n\n\n");
	CHECK_NUMBER(line_discipline_available(&sLine), LINE_BYTES_MAX);
	CHECK_STRING(read_line(), "\n");

	begin(true);
	for (i = 0; line_discipline_has_room(&sLine); i++)
		line_discipline_input(&sLine, 'x');
	CHECK_NUMBER(line_discipline_available(&sLine), i);
	CHECK_STRING(sEcho, "");
}

static void test_plain(void)
{
	char buffer[16];

	begin(true);
	type("a\003\r\n\177\b\025\026\004\026\026\023");
	CHECK_STRING(read_line(), "a\003\r\n\177\b\025\004\026\023");
	CHECK_STRING(read_line(), "(none)");
	line_discipline_input(&sLine, 0);
	CHECK_NUMBER(line_discipline_read(&sLine, buffer, 16), 1);
	CHECK_NUMBER(buffer[0], 0);
	type("last\004ignored");
	CHECK_STRING(read_line(), "last");
	CHECK_STRING(read_line(), "(end)");
	CHECK_STRING(read_line(), "(end)");
	CHECK_STRING(sEcho, "");
	CHECK_NUMBER(sSignal, 0);
}

static const char *output_of(uint32_t flags, const char *text)
{
	static char result[256];
	size_t count = 0;

	begin(false);
	sLine.termios.c_oflag = flags;
	for (; *text != '\0'; text++)
		count += line_discipline_output(&sLine, (uint8_t)*text, result + count);
	result[count] = '\0';
	return result;
}

static void test_output(void)
{
	CHECK_STRING(output_of(ONLCR, "a\n\r\t"), "a\n\r\t");
	CHECK_STRING(output_of(OPOST, "a\n"), "a\n");
	CHECK_STRING(output_of(OPOST | ONLCR, "a\nb\r\n"), "a\r\nb\r\r\n");
	CHECK_STRING(output_of(OPOST | OCRNL, "a\r"), "a\n");
	CHECK_STRING(output_of(OPOST | ONOCR, "\ra\r\r"), "a\r");
	CHECK_STRING(output_of(OPOST | ONLCR | ONOCR, "a\n\rb"), "a\r\nb");
	CHECK_STRING(output_of(OPOST | XTABS, "ab\tc\t"), "ab      c       ");
	CHECK_STRING(output_of(OPOST | XTABS, "\xc3\xa9\t|"), "\xc3\xa9       |");
}

int main(void)
{
	test_lines();
	test_end_of_file();
	test_erase();
	test_literal_and_reprint();
	test_signals();
	test_mapping();
	test_flow();
	test_raw();
	test_bounds();
	test_plain();
	test_output();
	return check_result();
}
