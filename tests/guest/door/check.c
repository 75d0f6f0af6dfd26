/* What came back from a call, judged; see door.h. */
#include "door.h"
#include <postern/print.h>
#include <stdarg.h>

int format_string_v(char *buffer, size_t size, const char *format, va_list arguments);

#define FAILURES_SHOWN 40 /* of a case: the first ones say it */

uint32_t gPassed, gFailed;
const char *gCase;

static char sDoing[120];
static uint32_t sShown;
static const char *sShownOf;

static const char *const kPathNames[PATH_COUNT] = {"int99", "sysenter", "commpage"};

static uint8_t sStack[4096] __attribute__((aligned(4096)));

void door_doing(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	format_string_v(sDoing, sizeof sDoing, format, arguments);
	va_end(arguments);
}

void door_pass(void)
{
	gPassed++;
}

void door_fail(enum door_path path, const char *field, const char *format, ...)
{
	char text[160];
	va_list arguments;

	gFailed++;
	if (sShownOf != gCase) {
		sShownOf = gCase;
		sShown = 0;
	}
	if (sShown++ == FAILURES_SHOWN)
		print("%s: further failures are only counted\n", gCase);
	if (sShown > FAILURES_SHOWN)
		return;
	va_start(arguments, format);
	format_string_v(text, sizeof text, format, arguments);
	va_end(arguments);
	print("%s [%s] %s %s: %s\n", gCase, sDoing, kPathNames[path], field, text);
}

void door_expect(enum door_path path, const char *field, uint32_t got, uint32_t want)
{
	if (got == want)
		gPassed++;
	else
		door_fail(path, field, "got 0x%x, want 0x%x", got, want);
}

/* ---- States ------------------------------------------------------------------ */

void door_default(struct door_state *state, uint32_t number)
{
	*state = (struct door_state){
		.eax = number,
		.ebx = 0x0b1b2b3b,
		.ecx = 0x0c1c2c3c,
		.edx = 0x0d1d2d3d,
		.esi = 0x051525e5,
		.edi = 0x0d1525f5,
		.ebp = 0x0b1525b5,
		.esp = (uint32_t)sStack + sizeof sStack - 256,
		.eflags = 2 | FLAG_IF,
		.cs = USER_CS,
		.ss = USER_DS,
		.ds = USER_DS,
		.es = USER_DS,
	};
}

void door_arguments(
	const struct door_state *state, const uint32_t *arguments, uint32_t count)
{
	memcpy((void *)(state->esp + 4), arguments, count * 4);
}

void door_place_return(uint32_t esp)
{
	uint32_t address = (uint32_t)door_returned;

	memcpy((void *)esp, &address, sizeof address);
}

/* ---- Memory -------------------------------------------------------------------- */

#define STACK_LOWEST (KERNEL_BASE - (8u << 20)) /* grows down to here by itself */

static struct {
	uint32_t start, end;
	bool writable;
} sRegions[4];
static uint32_t sRegionCount;

struct program_header {
	uint32_t type, offset, address, physical, file_size, memory_size, flags, align;
};

/* The image's own program headers say what of it is mapped. */
void door_find_memory(const uint32_t *auxiliary_vector)
{
	const struct program_header *header = NULL;
	uint32_t count = 0;

	for (; auxiliary_vector[0] != 0; auxiliary_vector += 2) {
		if (auxiliary_vector[0] == 3) /* AT_PHDR */
			header = (const struct program_header *)auxiliary_vector[1];
		if (auxiliary_vector[0] == 5) /* AT_PHNUM */
			count = auxiliary_vector[1];
	}
	for (; header != NULL && count > 0; count--, header++) {
		if (header->type != 1 || sRegionCount == 3)
			continue;
		sRegions[sRegionCount].start = header->address & ~(PAGE - 1);
		sRegions[sRegionCount].end =
			(header->address + header->memory_size + PAGE - 1) & ~(PAGE - 1);
		sRegions[sRegionCount++].writable = (header->flags & 2) != 0;
	}
	sRegions[sRegionCount].start = STACK_LOWEST;
	sRegions[sRegionCount].end = KERNEL_BASE;
	sRegions[sRegionCount++].writable = true;
}

uint32_t door_accessible(uint32_t address, bool write)
{
	uint32_t end = address;
	uint32_t i;

	/* Regions lie in order, so one pass joins neighbours. */
	for (i = 0; i < sRegionCount; i++) {
		if (end >= sRegions[i].start && end < sRegions[i].end
			&& (sRegions[i].writable || !write))
			end = sRegions[i].end;
	}
	return end - address;
}

/* ---- Checking --------------------------------------------------------------------- */

/* The addresses at which the commpage's stub may have left its traces. */
static bool in_stub(uint32_t value)
{
	uint32_t entry = *(const volatile uint32_t *)(COMMPAGE + 12);

	return value - entry < 16;
}

static bool is_error(uint32_t eax)
{
	return (int32_t)eax < 0 && (int32_t)eax >= -4095;
}

/*
 * Any IRET to ring 3 makes a null selector of 1 to 3 a 0 (Intel SDM volume 2A,
 * IRET, return to an outer privilege level), be it a call's or a timer
 * interrupt's: so the kernel cannot keep its low bits, and nobody needs them.
 */
static void expect_selector(
	enum door_path path, const char *field, uint32_t got, uint32_t want)
{
	door_expect(path, field, got, want < 4 && got == 0 ? 0 : want);
}

static void check_state(const struct door_state *in, const struct door_state *out,
	enum door_path path, struct door_expected expected)
{
	uint32_t mask = ~FLAGS_ARITHMETIC;

	if (expected.how == EXPECT_VALUE) {
		door_expect(path, "EAX", out->eax, (uint32_t)expected.value);
		if (expected.wide)
			door_expect(path, "EDX", out->edx, (uint32_t)(expected.value >> 32));
	}
	door_expect(path, "EBX", out->ebx, in->ebx);
	door_expect(path, "ESI", out->esi, in->esi);
	door_expect(path, "EDI", out->edi, in->edi);
	door_expect(path, "EBP", out->ebp, in->ebp);
	/* The commpage's RET has taken the return address. */
	door_expect(path, "ESP", out->esp, in->esp + (path == PATH_INT99 ? 0 : 4));
	door_expect(path, "CS", out->cs, USER_CS);
	door_expect(path, "SS", out->ss, USER_DS);
	expect_selector(path, "DS", out->ds, in->ds);
	expect_selector(path, "ES", out->es, in->es);
	expect_selector(path, "FS", out->fs, in->fs);
	expect_selector(path, "GS", out->gs, in->gs);
	door_expect(path, "EFLAGS", out->eflags & mask, door_flags_before & mask);

	/* What is clobbered holds the program's own, or what the way needs. */
	if (out->ecx != in->ecx && (path == PATH_INT99 || out->ecx != in->esp))
		door_fail(path, "ECX", "got 0x%x, which is not the program's", out->ecx);
	else
		gPassed++;
	if (!expected.wide && out->edx != in->edx
		&& !(is_error(out->eax) && out->edx == 0xffffffff)
		&& (path == PATH_INT99 || !in_stub(out->edx)))
		door_fail(path, "EDX", "got 0x%x, which is not the program's", out->edx);
	else
		gPassed++;

	if (door_fpu_kind != 0) {
		static uint8_t sAfter[DOOR_FPU_BYTES];

		memcpy(sAfter, door_fpu_out, sizeof sAfter);
		door_fpu_pass();
		if (memcmp(sAfter, door_fpu_out, sizeof sAfter) != 0)
			door_fail(path, "x87/SSE", "state differs");
		else
			gPassed++;
	}
}

bool door_has_path(enum door_path path)
{
	static int8_t sSysenter = -1;

	/* The commpage's own stub says whether SYSENTER is in use. */
	if (sSysenter < 0) {
		const uint8_t *entry = *(const uint8_t *const volatile *)(COMMPAGE + 12);

		sSysenter = entry[2] == 0x0f && entry[3] == 0x34;
	}
	return path != PATH_SYSENTER || sSysenter;
}

bool door_check(const struct door_state *in, uint32_t paths,
	struct door_expected expected, const struct door_hooks *hooks,
	struct door_state *_out)
{
	struct door_state first, out;
	bool have_first = false;
	uint32_t failed_before = gFailed;
	enum door_path path;

	for (path = 0; path < PATH_COUNT; path++) {
		if (!(paths >> path & 1) || !door_has_path(path))
			continue;
		if (hooks != NULL)
			hooks->prepare();
		else
			door_refill();
		if (path != PATH_INT99 && door_accessible(in->esp, true) >= 4)
			door_place_return(in->esp);
		door_invoke(in, &out, path);
		check_state(in, &out, path, expected);
		if (hooks != NULL)
			hooks->inspect(path, &out);
		if (!have_first) {
			have_first = true;
			first = out;
			continue;
		}
		if (expected.how == EXPECT_ANY)
			continue;
		door_expect(path, "EAX, other path's", out.eax, first.eax);
		if (expected.wide)
			door_expect(path, "EDX, other path's", out.edx, first.edx);
	}
	if (_out != NULL)
		*_out = first;
	return gFailed == failed_before;
}
