/*
 * From boot.asm to kernel_main(): brings up the machine in the order in which
 * each part needs the ones before it.
 */
#include "arch/i386/boot_info.h"
#include "arch/i386/clock.h"
#include "arch/i386/cpu.h"
#include "arch/i386/devices.h"
#include "arch/i386/paging.h"
#include "arch/i386/rtc.h"
#include "arch/i386/screen.h"
#include "arch/i386/smp.h"
#include "kernel/arch.h"
#include "kernel/archive.h"
#include "kernel/log.h"
#include "kernel/main.h"
#include "kernel/options.h"
#include "kernel/panic.h"
#include "kernel/terminal.h"
#include "kernel/thread.h"

#if POSTERN_BENCH
#include "tests/bench/kernel/bench.h"
#endif

#define BOOT_STACK_SIZE KERNEL_STACK_SIZE
#define TEXT_CELLS 0xb8000u

/* Aligned as every kernel stack: it becomes the first idle thread's. */
char gBootStack[BOOT_STACK_SIZE] __attribute__((aligned(KERNEL_STACK_SIZE)));
__asm__(".globl gBootStackEnd\n.set gBootStackEnd, gBootStack + 16384");
_Static_assert(BOOT_STACK_SIZE == 16384, "the line above says it again");
extern char gBootStack[];

static struct boot_info sBoot;
static struct archive sArchives[BOOT_MODULES_MAX];
static struct kernel_options sOptions;
static char sOptionStorage[2048];

void i386_start(uint32_t magic, uint32_t information);

static void start_screen(const struct boot_framebuffer *framebuffer)
{
	struct i386_framebuffer screen;

	if (sBoot.screen == BOOT_SCREEN_TEXT) {
		i386_screen_init_text((volatile uint16_t *)(uintptr_t)(KERNEL_BASE + TEXT_CELLS));
		return;
	}
	if (sBoot.screen != BOOT_SCREEN_FRAMEBUFFER || framebuffer->physical >> 32 != 0
		|| (uint64_t)framebuffer->pitch * framebuffer->height > UINT32_MAX)
		return;
	screen = (struct i386_framebuffer){
		.base = i386_map_physical((uint32_t)framebuffer->physical,
			(size_t)framebuffer->pitch * framebuffer->height, PAGE_RW),
		.pitch = framebuffer->pitch,
		.width = framebuffer->width,
		.height = framebuffer->height,
		.bits_per_pixel = framebuffer->bits_per_pixel,
		.red_position = framebuffer->red_position,
		.red_size = framebuffer->red_size,
		.green_position = framebuffer->green_position,
		.green_size = framebuffer->green_size,
		.blue_position = framebuffer->blue_position,
		.blue_size = framebuffer->blue_size,
	};
	if (screen.base != NULL)
		i386_screen_init_framebuffer(&screen);
}

static void map_archives(void)
{
	uint32_t i;

	for (i = 0; i < sBoot.module_count; i++) {
		sArchives[i].size = sBoot.modules[i].end - sBoot.modules[i].start;
		sArchives[i].data =
			i386_map_physical(sBoot.modules[i].start, sArchives[i].size, 0);
		if (sArchives[i].data == NULL)
			panic("boot module %u, %zu bytes, does not fit into the kernel's window", i,
				sArchives[i].size);
	}
}

void i386_start(uint32_t magic, uint32_t information)
{
	const char *wrong;
	uint64_t started; /* cycles, where they can be counted */

	i386_serial_init();
	wrong = i386_multiboot_read(&sBoot, magic, information);
	if (sBoot.screen == BOOT_SCREEN_TEXT)
		start_screen(NULL);
	/* Twice, for the first decides whether the second's warnings are shown. */
	options_parse(
		&sOptions, sOptionStorage, sizeof sOptionStorage, sBoot.command_line, NULL);
	log_set_level(sOptions.log_level);
	kernel_hold_at_end(sOptions.hold);
	options_parse(&sOptions, sOptionStorage, sizeof sOptionStorage, sBoot.command_line,
		log_unknown_option);
	if (sBoot.command_line_cut)
		log_warn("options: the command line is longer than %zu bytes and was cut",
			sizeof sBoot.command_line - 1);
	if (wrong != NULL)
		panic("boot: started by %s: %s", sBoot.loader, wrong);

	i386_descriptors_init_first();
	i386_idt_init();
	i386_cpu_identify();
	started = arch_cycles();
	i386_cpu_init();
	i386_paging_init(&sBoot, sOptions.nx);
	i386_descriptors_init_first(); /* with the tables that stay */
	if (sBoot.screen != BOOT_SCREEN_TEXT)
		start_screen(&sBoot.framebuffer);
	map_archives();
	i386_power_init(sBoot.has_rsdp ? sBoot.rsdp : NULL);
	i386_thread_init();
	thread_init();
	i386_interrupts_init();
	i386_clock_init(sOptions.tsc);
	i386_rtc_init();
	i386_timer_init();
	i386_smp_init(&sBoot);
	terminal_init(&sOptions);
	i386_serial_start();
	i386_keyboard_start();
	i386_syscall_init(sOptions.syscall);
#if POSTERN_BENCH
	bench_init();
#endif
	arch_interrupts_restore(true);

	log_debug("boot: %llu cycles in the kernel", arch_cycles() - started);
	kernel_main(&sOptions, sArchives, sBoot.module_count);
}

void arch_panic_screen(void)
{
	i386_screen_panic_mode();
}
