# Postern. `make help` lists what there is to do.
#
# Everything is made below $(BUILD), but what `make abi-lock` and `make
# compile_commands.json` are asked for. The generated files come from syscalls.def by tools/gensyscalls.py, are rewritten only
# when they change, and so rebuild only what depends on them.

ifneq ($(words $(CURDIR)),1)
$(error make cannot build in a folder whose path has a blank: $(CURDIR))
endif

# On all processors; a make in a make has its jobs from that one. (What make 4.3 was told
# by -j is in no variable of its own yet while it reads this.)
ifeq ($(filter -j% --jobserver%,$(shell echo "$$MAKEFLAGS") $(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 1)
endif

BUILD ?= build
DEBUG ?= 0
BENCH ?= 0
# Debian's own python3 is the one that sees Debian's modules.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)

# ---- What has to be installed ----------------------------------------------------

# Checked once a make, in a few milliseconds; what is missing gets installed.
ifneq ($(POSTERN_DEPS),skip)
DEPS_FOR := $(if $(filter-out help clean abi-lock compile_commands.json,$(or $(MAKECMDGOALS),iso)),build) \
	$(if $(filter run gdb bench bench-door,$(MAKECMDGOALS)),run) \
	$(if $(filter gdb,$(MAKECMDGOALS)),gdb) \
	$(if $(filter bochs,$(EMULATOR)),bochs) \
	$(if $(filter run test test-full ports,$(MAKECMDGOALS)),ports) \
	$(if $(filter test test-full,$(MAKECMDGOALS)),run bochs test)
ifneq ($(strip $(DEPS_FOR)),)
DEPS_STATUS := $(shell tools/deps.sh $(DEPS_FOR) 1>&2 && echo 0 || echo 1)
ifneq ($(DEPS_STATUS),0)
$(error tools/deps.sh could not provide what is needed)
endif
endif
endif
# Once is enough for the makes that this one or its tests start.
export POSTERN_DEPS := skip

# ---- Tools -------------------------------------------------------------------

ifeq ($(origin CC),default)
CC := clang
endif
NASM ?= nasm
LD := ld.lld
AR := llvm-ar
NM := llvm-nm
OBJCOPY := llvm-objcopy

# The compiler's own headers.
CC_INCLUDE := $(shell $(CC) -print-file-name=include)
CC_NAME := $(notdir $(firstword $(CC)))
ifneq ($(findstring clang,$(CC_NAME)),)
TARGET_FLAGS := --target=i686-elf
# compiler-rt's builtins: 64-bit division and the like
RUNTIME := $(firstword $(wildcard \
	$(shell $(CC) --print-resource-dir)/lib/linux/libclang_rt.builtins-i386.a \
	$(shell $(CC) --print-resource-dir)/lib/i386-*/libclang_rt.builtins.a \
	/usr/lib/gcc-cross/i686-linux-gnu/*/libgcc.a))
else
TARGET_FLAGS := -m32
# gcc's own libgcc for i386, from the package of its cross compiler or multilib
RUNTIME := $(firstword $(wildcard /usr/lib/gcc-cross/i686-linux-gnu/*/libgcc.a \
	$(dir $(shell $(CC) -print-libgcc-file-name))32/libgcc.a))
endif

WARNINGS := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wundef \
	-Wshadow -Wpointer-arith -Wvla -Wwrite-strings
CFLAGS_BOTH := $(TARGET_FLAGS) -march=i486 -std=gnu11 -O2 -g -ffreestanding -nostdinc \
	-isystem $(CC_INCLUDE) -fno-pic -fno-common \
	-fno-strict-aliasing -fno-omit-frame-pointer -momit-leaf-frame-pointer \
	-fno-stack-protector -fno-asynchronous-unwind-tables -ffunction-sections \
	-fdata-sections -fmacro-prefix-map=$(CURDIR)/= -fdebug-prefix-map=$(CURDIR)=. $(WARNINGS)
INCLUDES_BOTH := -I$(BUILD)/generated -Ilibroot/include
CFLAGS_KERNEL := $(CFLAGS_BOTH) -mgeneral-regs-only -DPOSTERN_DEBUG=$(DEBUG) \
	-DPOSTERN_BENCH=$(BENCH) -I. -Ikernel $(INCLUDES_BOTH)
CFLAGS_USER := $(CFLAGS_BOTH) $(INCLUDES_BOTH)
NASMFLAGS := -f elf32 -g -F dwarf -w+all -Werror \
	-DPOSTERN_DEBUG=$(DEBUG) -I$(BUILD)/generated/ -Iarch/i386/

# A program may be anybody's: of what is only unusual in it a compiler warns. In a debug
# build, for our own, it stops there, too.
ifneq ($(DEBUG),1)
APP_WARNINGS := -Wno-error -Werror=implicit-function-declaration -Werror=return-type \
	-Werror=int-conversion -Werror=incompatible-pointer-types
APP_NASM_WARNINGS := -w-error
endif

# ---- What there is --------------------------------------------------------------

KERNEL_C := $(sort $(shell find kernel -name '[!.]*.c')) $(filter-out arch/i386/offsets.c,$(wildcard arch/i386/*.c))
KERNEL_ASM := $(wildcard arch/i386/*.asm)
# What the door's price is held against; never in a kernel that ships.
ifeq ($(BENCH),1)
KERNEL_C += $(wildcard tests/bench/kernel/*.c)
KERNEL_ASM += $(wildcard tests/bench/kernel/*.asm)
endif
LIBROOT_C := $(wildcard libroot/*.c)
LIBROOT_ASM := $(filter-out libroot/crt0.asm,$(wildcard libroot/*.asm))
# Pure functions that both sides use.
SHARED_C := kernel/string.c kernel/format.c arch/i386/string.c

GENERATED := $(BUILD)/generated
GENERATED_FILES := $(addprefix $(GENERATED)/,syscalls.h syscalls.asm syscall_numbers.inc \
	syscall_numbers.h syscall_handlers.h syscall_constants.h syscall_table.c syscalls.json \
	postern/syscalls.h)
GENERATED_HEADERS := $(filter %.h,$(GENERATED_FILES))

KERNEL_OBJECTS := $(KERNEL_C:%.c=$(BUILD)/%.o) $(KERNEL_ASM:%.asm=$(BUILD)/%.asm.o) \
	$(GENERATED)/syscall_table.o $(GENERATED)/font.o
LIBROOT_OBJECTS := $(LIBROOT_C:%.c=$(BUILD)/%.o) $(LIBROOT_ASM:%.asm=$(BUILD)/%.asm.o) \
	$(SHARED_C:%.c=$(BUILD)/libroot/shared/%.o) $(GENERATED)/syscalls.asm.o

# A program is a file FOLDER/NAME.c or FOLDER/NAME.asm, or a folder FOLDER/NAME/
# of several. apps/ goes into the image; tests/guest/ and tests/bench/ do not.
# Those of HARNESSED are linked with tests/harness/, too.
HARNESSED := $(addprefix tests/guest/,filetests usertests)
programs_in = $(sort $(basename $(notdir $(wildcard $(1)/*.c $(1)/*.asm))) \
	$(notdir $(patsubst %/,%,$(wildcard $(1)/*/))))
program_sources = $(wildcard $(1).c $(1).asm $(1)/*.c $(1)/*.asm) \
	$(if $(filter $(HARNESSED),$(1)),$(wildcard tests/harness/*.c))
program_objects = $(patsubst %.asm,$(BUILD)/%.asm.o,$(patsubst %.c,$(BUILD)/%.o, \
	$(call program_sources,$(1))))
APPS := $(call programs_in,apps)
GUEST_TESTS := $(call programs_in,tests/guest)
BENCHES := door figures
GUEST_TEST_FILES := $(GUEST_TESTS:%=$(BUILD)/tests/bin/%)
BENCH_FILES := $(BENCHES:%=$(BUILD)/bench/bin/%)

# `make V=1` shows whole commands.
ifeq ($(V),1)
say = $(2)
else
say = @printf '  %-5s %s\n' '$(1)' '$@'; $(2)
endif

# The file $(1) becomes what the commands $(2) print, and keeps its time where it is that
# already. Makes at once may write the same one. (In a call's own text a comma ends $(2); in
# a variable's it does not.)
define rewrite
@new=$$($(2)) && { printf '%s\n' "$$new" | cmp -s - $(1) || \
	{ printf '%s\n' "$$new" >$(1).$$$$ && mv $(1).$$$$ $(1); }; }
endef

# A program in C that includes a header of the C library is linked with it; one that
# gets by with <postern/...> and the compiler's own headers needs only libroot.
LIBC_SOURCES := $(shell awk -f tools/needs_libc.awk $(wildcard apps/*.c apps/*/*.c \
	tests/guest/*.c tests/guest/*/*.c))
needs_libc = $(filter $(LIBC_SOURCES),$(call program_sources,$(1)))

# What `make run APP=…` runs, if it is one of ours that gets by without a shell.
APP ?=
APP_ALONE := $(filter-out init,$(filter $(APPS),$(APP)))

.DEFAULT_GOAL := iso
include libroot/newlib.mk
APPS_LATER := $(if $(LIBC_READY),,$(foreach app,$(APPS),$(if $(call needs_libc,apps/$(app)),$(app))))
APP_FILES := $(patsubst %,$(BUILD)/root/bin/%,$(filter-out $(APPS_LATER),$(APPS)))

.SECONDARY:
.PHONY: FORCE
.DELETE_ON_ERROR:
.SUFFIXES:

.PHONY: iso kernel programs guest-tests bench-programs clean help
iso: $(BUILD)/postern.iso $(if $(APPS_LATER),newlib-background)	## build/postern.iso (the default)
kernel: $(BUILD)/postern.elf	## only the kernel
programs: $(APP_FILES)	## only the programs of apps/
guest-tests: $(GUEST_TEST_FILES)	## the programs of tests/guest/
bench-programs: $(BENCH_FILES)	## the programs of tests/bench/

# Whatever changes how things are compiled recompiles them; a tree that was moved or copied
# with its build does not.
FLAGS_NOW := $(subst $(CURDIR),.,$(CC) | $(CFLAGS_KERNEL) | $(CFLAGS_LIBC) | $(NASMFLAGS) | \
	$(APP_WARNINGS) $(APP_NASM_WARNINGS))
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	$(call rewrite,$@,echo '$(FLAGS_NOW)')
FORCE:

# A source that is added or removed links again what it belongs to.
$(BUILD)/kernel.sources: SOURCES_NOW = $(KERNEL_OBJECTS)
$(BUILD)/sources: SOURCES_NOW = $(LIBROOT_OBJECTS) $(POSIX_OBJECTS) \
	$(foreach app,$(APPS),$(call program_objects,apps/$(app)))
$(BUILD)/sources $(BUILD)/kernel.sources: FORCE
	@mkdir -p $(@D)
	$(call rewrite,$@,echo '$(SOURCES_NOW)')

# ---- Generated files -----------------------------------------------------------------

# One run makes them all; the stamp says when, and the files keep their time
# when their contents stay the same.
$(GENERATED)/stamp: syscalls.def tools/gensyscalls.py libroot/include/postern/errno.h \
		$(wildcard syscalls.lock)
	@mkdir -p $(@D)
	$(call say,GEN,$(PYTHON) tools/gensyscalls.py --output $(GENERATED) syscalls.def)
	@touch $@
$(GENERATED_FILES): $(GENERATED)/stamp ;
$(GENERATED)/calls/%: $(GENERATED)/stamp ;

# What the door's harness (tests/guest/door/) derives its cases from.
$(GENERATED)/door_calls.h: $(GENERATED)/syscalls.json tests/guest/gen_calls.py
	$(call say,GEN,$(PYTHON) tests/guest/gen_calls.py $< $@)
	@touch $@
$(BUILD)/tests/guest/door/calls.o: $(GENERATED)/door_calls.h

.PHONY: abi-lock
abi-lock:	## record today's calls in syscalls.lock
	$(PYTHON) tools/gensyscalls.py --write-lock syscalls.def

# Only assembly that uses a changed offset is assembled again: so a stamp, too.
$(GENERATED)/offsets.stamp: arch/i386/offsets.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$(CC) $(CFLAGS_KERNEL) -MMD -MP -MT $@ -MF $(@:.stamp=.d) -S -o $(@:.stamp=.s) $<)
	$(call rewrite,$(@:.stamp=.inc),sed -n \
		's/.*@EQU \([A-Z0-9_]*\) \(-*[0-9]*\)@.*/\1 equ \2 \& 0xffffffff/p' $(@:.stamp=.s))
	@touch $@
$(GENERATED)/offsets.inc: $(GENERATED)/offsets.stamp ;

FONT := /usr/share/grub/unicode.pf2
$(GENERATED)/font.c: tools/font.py $(wildcard $(FONT))
	@mkdir -p $(@D)
	$(call say,FONT,$(PYTHON) tools/font.py --input $(FONT) --output $@)
	@touch $@

# ---- Compiling ---------------------------------------------------------------------------

# A compiler that stops at a type that differs from syscalls.def's names the
# call by itself; so does the linker for one without a handler.
$(BUILD)/kernel/%.o $(BUILD)/arch/%.o $(BUILD)/tests/bench/kernel/%.o: CFLAGS = $(CFLAGS_KERNEL)
$(GENERATED)/%.o: CFLAGS = $(CFLAGS_KERNEL)
$(BUILD)/libroot/%.o $(BUILD)/apps/%.o \
	$(BENCHES:%=$(BUILD)/tests/bench/%/%.o): CFLAGS = $(CFLAGS_USER)
$(BUILD)/tests/guest/%.o $(BUILD)/tests/harness/%.o: CFLAGS = $(CFLAGS_USER) -Itests/harness
$(BUILD)/libroot/shared/%.o: CFLAGS = $(CFLAGS_USER) -I.
$(LIBC_SOURCES:%.c=$(BUILD)/%.o): CFLAGS = $(CFLAGS_LIBC)
$(BUILD)/apps/%.o: MORE_FLAGS = $(APP_WARNINGS)
$(BUILD)/apps/%.asm.o: MORE_FLAGS = $(APP_NASM_WARNINGS)
$(LIBC_SOURCES:%.c=$(BUILD)/%.o): | $(NEWLIB)/stamp

# Depends on the calls that it names, not on the headers of all: a new one concerns few.
define compile
@mkdir -p $(@D)
$(call say,CC,$(CC) $(CFLAGS) $(MORE_FLAGS) -MD -MP -MF $(@:.o=.d) -c -o $@ $<)
@! grep -q $(GENERATED)/syscall $(@:.o=.d) || { awk -v generated=$(GENERATED) \
	-f tools/calls_used.awk $(@:.o=.d) >$(@:.o=.d).new && mv $(@:.o=.d).new $(@:.o=.d); }
endef

# NASM 2.16.01's -MD forgets included files that exist; a run of -M does not.
define assemble
@mkdir -p $(@D)
@$(NASM) $(NASMFLAGS) $(MORE_FLAGS) -M -MT $@ $< >$(@:.o=.d)
$(call say,NASM,$(NASM) $(NASMFLAGS) $(MORE_FLAGS) -o $@ $<)
endef

# The table is about all calls.
$(GENERATED)/syscall_table.o: $(GENERATED_FILES)
$(GENERATED)/%.o: $(GENERATED)/%.c $(BUILD)/flags | $(GENERATED_FILES)
	$(compile)
$(GENERATED)/%.asm.o: $(GENERATED)/%.asm $(BUILD)/flags
	$(assemble)
$(BUILD)/libroot/shared/%.o: %.c $(BUILD)/flags
	$(compile)
$(BUILD)/%.o: %.c $(BUILD)/flags | $(GENERATED_HEADERS)
	$(compile)
$(BUILD)/%.asm.o: %.asm $(BUILD)/flags | $(GENERATED_FILES) $(GENERATED)/offsets.inc
	$(assemble)

# ---- Linking -------------------------------------------------------------------------------

# The second link carries the symbols of the first, for backtraces.
LINK_KERNEL = $(LD) -m elf_i386 -static -nostdlib -z max-page-size=4096 --no-dynamic-linker \
	-T arch/i386/kernel.ld

$(BUILD)/no_symbols.asm: tools/kernel_symbols.py
	@mkdir -p $(@D)
	@$(PYTHON) tools/kernel_symbols.py $@ </dev/null
$(BUILD)/no_symbols.o $(BUILD)/symbols.o: $(BUILD)/%.o: $(BUILD)/%.asm
	@$(NASM) -f elf32 -o $@ $<
$(BUILD)/first.elf: $(KERNEL_OBJECTS) $(BUILD)/no_symbols.o arch/i386/kernel.ld \
		$(BUILD)/kernel.sources
	@$(LINK_KERNEL) -o $@ $(KERNEL_OBJECTS) $(BUILD)/no_symbols.o $(RUNTIME) 2>$@.errors \
		|| { cat $@.errors >&2; sed -n 's/.*undefined symbol: _user_\([A-Za-z0-9_]*\).*/syscalls.def: the call \1 has no handler; write _user_\1() as syscall_handlers.h declares it, in a .c file under kernel\/ that includes it/p' $@.errors >&2; exit 1; }
$(BUILD)/symbols.asm: $(BUILD)/first.elf
	@$(NM) --numeric-sort $< | $(PYTHON) tools/kernel_symbols.py $@
$(BUILD)/postern.elf: $(BUILD)/first.elf $(BUILD)/symbols.o
	$(call say,LD,$(LINK_KERNEL) -o $@ $(KERNEL_OBJECTS) $(BUILD)/symbols.o $(RUNTIME))

$(BUILD)/libroot.a: $(LIBROOT_OBJECTS) $(BUILD)/sources
	@rm -f $@
	$(call say,AR,$(AR) rcs $@ $(LIBROOT_OBJECTS))

# A new system call changes the library, and no program that there is: the stubs that it uses
# are as they were. So programs depend on the contents of all other objects, and on the
# numbers of the calls that those make; and their own objects on the calls that they name.
# $(4) is behind $(2) already, and of newlib's nothing but its stamp may be asked for: that is
# what takes the lock.
define contents_rule
$(BUILD)/$(1).stamp: CONTENTS_NOW = sha256sum tools/gensyscalls.py \
	$(filter-out %/syscalls.asm.o,$(3)); \
	$(if $(4),ls -l --time-style=+%s.%N $(4);) $(NM) -u $(3) | \
	sed -n 's/.* _kern_/SYS_/p' | sort -u | grep -wFf - $(GENERATED)/syscall_numbers.inc
$(BUILD)/$(1).stamp: $(2) $(3) tools/gensyscalls.py
	$$(call rewrite,$$(@:.stamp=),$$(CONTENTS_NOW))
	@touch $$@
$(BUILD)/$(1): $(BUILD)/$(1).stamp ;
endef
$(eval $(call contents_rule,libroot.contents,$(BUILD)/libroot.a,$(LIBROOT_OBJECTS)))
$(eval $(call contents_rule,libc.contents,$(BUILD)/lib/libc.a,$(POSIX_OBJECTS) \
	$(NEWLIB_POSIX_OBJECTS) $(LIBC_LIBROOT_OBJECTS),$(NEWLIB)/stamp))

LINK_PROGRAM := $(LD) -m elf_i386 -static -nostdlib -z max-page-size=4096 --gc-sections \
	-T libroot/program.ld

# A program in assembly brings a _start of its own.
program_start = $(if $(call needs_libc,$(1)),$(BUILD)/libroot/posix/crt0.asm.o,$(if \
	$(filter %.c,$(call program_sources,$(1))),$(BUILD)/libroot/crt0.asm.o))
program_library = $(if $(call needs_libc,$(1)),$(BUILD)/lib/libc.a,$(BUILD)/libroot.a)
program_contents = $(BUILD)/$(if $(call needs_libc,$(1)),libc,libroot).contents
define program_rule
$(1): $$(call program_objects,$(2)) $$(call program_start,$(2)) $$(call program_contents,$(2)) \
		libroot/program.ld $(BUILD)/sources | $$(call program_library,$(2))
	@mkdir -p $$(@D)
	$$(call say,LD,$(LINK_PROGRAM) -o $$@ $$(call program_objects,$(2)) \
		$$(call program_start,$(2)) $$(call program_library,$(2)) $(RUNTIME))
endef
$(foreach name,$(APPS),$(eval $(call program_rule,$(BUILD)/root/bin/$(name),apps/$(name))))
$(foreach name,$(GUEST_TESTS), \
	$(eval $(call program_rule,$(BUILD)/tests/bin/$(name),tests/guest/$(name))))
$(foreach name,$(BENCHES), \
	$(eval $(call program_rule,$(BUILD)/bench/bin/$(name),tests/bench/$(name))))

# ---- The image -----------------------------------------------------------------------------------

# The programs of apps/, and what ports there are. The shell is one of them, so goals
# that run programs wait for it; where its source cannot be fetched they go without.
# dash is /bin/sh, and mksh what a person gets. Where a port has a program of a name of
# ours, ours is taken.
SHELL_STAMPS := $(BUILD)/ports/dash.stamp $(BUILD)/ports/mksh.stamp
SHELL_PORT := $(if $(filter test test-full ports $(if $(APP_ALONE),,run), \
	$(MAKECMDGOALS)),$(SHELL_STAMPS))
$(SHELL_STAMPS) &: tools/ports.py tools/postern-cc $(BUILD)/libc.contents \
		$(BUILD)/libroot/posix/crt0.asm.o libroot/program.ld
	@$(PYTHON) tools/ports.py --build $(BUILD) --if-possible dash mksh

$(BUILD)/system.tar: $(APP_FILES) $(BUILD)/sources tools/align_archive.py $(SHELL_PORT) $(wildcard $(BUILD)/ports/*.stamp)
	@mkdir -p $(BUILD)/ports/root
	@ports=$$(cd $(BUILD)/ports/root && find . ! -type d | sed 's,^\./,,' | LC_ALL=C sort | \
		grep -vxF $(APP_FILES:$(BUILD)/root/%=-e %)); \
	tar --create --format=ustar --sort=name --owner=0 --group=0 --numeric-owner \
		--mtime=@0 --file=$@.new -C $(BUILD)/root $(sort $(APP_FILES:$(BUILD)/root/%=%)) \
		$${ports:+-C $(abspath $(BUILD))/ports/root} $$ports
	@$(PYTHON) tools/align_archive.py $@.new
	@mv $@.new $@

.PHONY: ports
ports: $(SHELL_PORT) $(BUILD)/libc.contents	## Lua, SQLite, an editor, ... from Debian's source packages, into the image
	@$(PYTHON) tools/ports.py --build $(BUILD) $(PORTS_OPTIONS)
	@$(MAKE) --no-print-directory iso

$(BUILD)/postern.iso: $(BUILD)/postern.elf $(BUILD)/system.tar iso/grub.cfg tools/mkiso.py
	$(call say,ISO,$(PYTHON) tools/mkiso.py --kernel $(BUILD)/postern.elf \
		--archive $(BUILD)/system.tar --grub-config iso/grub.cfg --output $@)

# ---- Running it ------------------------------------------------------------------------------------

ARGS ?=
EMULATOR ?= qemu
BOOT = $(PYTHON) tools/boot.py --iso $(BUILD)/postern.iso --emulator $(EMULATOR) \
	$(if $(CPU),--cpu $(CPU)) $(if $(SYSCALL),--syscall $(SYSCALL)) \
	$(if $(MEMORY),--memory $(MEMORY)) $(if $(APPEND),--append "$(APPEND)")

# The guest's own disk, made once: what is in it is a person's. mke2fs is in /sbin,
# which is not everyone's to look into.
HOME_DISK := $(BUILD)/home.img
HOME_SIZE ?= 64M
$(HOME_DISK):
	@mkdir -p $(@D)
	@PATH="$$PATH:/usr/sbin:/sbin" mke2fs -q -F -t ext3 -b 1024 -O ^resize_inode -L home \
		$@.new $(HOME_SIZE) >$@.log 2>&1 || { cat $@.log >&2; exit 1; }
	@mv $@.new $@

# Nobody waits for the C library to see hello: a first run shows it, and then the rest.
.PHONY: run-at-once
run-at-once:
	@$(MAKE) --no-print-directory iso
	@$(BOOT) hello
	@echo '  The C library and the shell are next: about a minute, once.'

.PHONY: run gdb test test-full bench bench-door compile_commands.json
ifneq ($(filter run,$(if $(APP),,$(if $(wildcard $(NEWLIB)/stamp),,$(MAKECMDGOALS)))),)
run: run-at-once
	@$(MAKE) --no-print-directory run
else
run: iso $(HOME_DISK)	## boot it: hello, and a shell; APP=hello ARGS=… EMULATOR=qemu|bochs CPU=… SYSCALL=auto|int|sysenter
	@# A person may take any time; a script should not wait for ever.
	@$(BOOT) --disk $(HOME_DISK) $$(test ! -t 0 || echo --timeout 0 --reboot) \
		$(if $(APP),$(APP) $(ARGS),init)
endif

gdb: APP := $(or $(APP),hello)
gdb: iso	## boot it under gdb, with the symbols of the kernel and of APP
	@$(BOOT) --gdb --direct --timeout 86400 $(APP) $(ARGS) \
		</dev/null >$(BUILD)/gdb.console 2>$(BUILD)/gdb.log & emulator=$$!; \
	gdb -q $(BUILD)/postern.elf -ex 'set confirm off' -ex 'add-symbol-file $(BUILD)/root/bin/$(APP)' \
		-ex 'target remote :1234' -ex 'hbreak handle_syscall' -ex continue; \
	kill $$emulator 2>/dev/null; cat $(BUILD)/gdb.console

test: iso	## the tests, in a few minutes
	@POSTERN_BUILD=$(BUILD) $(PYTHON) tests/run.py

test-full: iso	## all of them
	@POSTERN_BUILD=$(BUILD) POSTERN_FULL=$(or $(POSTERN_FULL),1) $(PYTHON) tests/run.py

ROWS ?=
JSON ?=
bench: iso $(BUILD)/bench/bin/figures	## what the kernel's paths cost; ROWS="yield fork" JSON=FILE CPU=…
	@$(PYTHON) tools/bench.py --build $(BUILD) $(if $(CPU),--cpu $(CPU)) \
		$(if $(JSON),--json $(JSON)) $(ROWS)

bench-door: iso	## what a null call costs, beside the least that it could
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/bench BENCH=1 iso $(BUILD)/bench/bench/bin/door
	@$(PYTHON) tools/bench_door.py --build $(BUILD) --bench $(BUILD)/bench

compile_commands.json:	## for clangd and its kin
	@$(MAKE) --no-print-directory -Bn V=1 iso guest-tests | $(PYTHON) tools/compile_commands.py >$@

help:	## this list
	@awk -F':.*## *' '/^[a-z][-a-z_.]*:.*##/ { printf "  make %-22s %s\n", $$1, $$2 }' Makefile
	@echo '  V=1 shows whole commands; DEBUG=1 builds with assertions; CC=gcc uses gcc;'
	@echo '  BUILD=folder builds elsewhere'

clean:	## remove everything that was made
	rm -rf $(BUILD)

-include $(wildcard $(addprefix $(BUILD)/,$(KERNEL_C:.c=.d) arch/i386/*.d libroot/*.d libroot/posix/*.d \
	libroot/shared/*/*.d libroot/shared/*/*/*.d apps/*.d apps/*/*.d tests/guest/*.d tests/guest/*/*.d \
	tests/harness/*.d tests/bench/*/*.d generated/*.d))
