# The C library: newlib, from Debian's package newlib-source, which is the source of
# one release in one archive. Nothing of it is tracked here. The Makefile includes this
# file, and what it makes is:
#
#   $(NEWLIB)/stamp            newlib's headers and libraries are there
#   $(BUILD)/lib/libc.a        all that a C program is linked with: libroot/posix/,
#                              newlib, and libroot
#   $(BUILD)/libc.contents     as old as the last change of what programs get from it
#
# newlib is built once for each compiler, in half a minute, below build/cache, whatever
# $(BUILD) is. A first `make` does that in the background: see LIBC_READY.

NEWLIB_ARCHIVE := $(lastword $(sort $(wildcard /usr/src/newlib/newlib-3.*.tar.xz)))
NEWLIB := $(CURDIR)/build/cache/newlib-$(CC_NAME)
NEWLIB_SOURCE := $(NEWLIB)/source

POSIX_C := $(wildcard libroot/posix/*.c)
POSIX_ASM := $(filter-out libroot/posix/crt0.asm,$(wildcard libroot/posix/*.asm))
POSIX_HEADERS := $(wildcard libroot/posix/include/*.h libroot/posix/include/*/*.h)

# newlib's sources for POSIX on top of POSIX, from its folders posix and unix. Its
# configure would take them only with a folder for a system of its own in its source.
NEWLIB_POSIX := collate collcmp execl execle execlp execv fnmatch glob popen \
	posix_spawn \
	regcomp regerror regexec regfree basename dirname

# What compiles newlib, and programs against it: the headers of ours in front, as they
# say better than newlib's of the same names what there is (error numbers, say).
LIBC_INCLUDES := -isystem libroot/posix/include -isystem libroot/include \
	-isystem $(NEWLIB)/i686-elf/include -isystem $(CC_INCLUDE)
LIBC_CODE := $(TARGET_FLAGS) -march=i486 -O2 -g -nostdinc -fno-pic -fno-common \
	-fno-strict-aliasing -fno-omit-frame-pointer -momit-leaf-frame-pointer \
	-fno-stack-protector -fno-asynchronous-unwind-tables -ffunction-sections \
	-fdata-sections
# A gcc that makes programs for this machine says that it is Linux, and newlib's headers
# believe it.
ifeq ($(findstring clang,$(CC_NAME)),)
LIBC_CODE += -U__linux__ -U__linux -Ulinux -U__gnu_linux__ -U__unix__ -U__unix -Uunix
endif
CFLAGS_LIBC = $(LIBC_CODE) -std=gnu11 $(LIBC_INCLUDES) -I$(BUILD)/generated $(WARNINGS) \
	-fmacro-prefix-map=$(CURDIR)/= -fdebug-prefix-map=$(CURDIR)=.

# REENTRANT_SYSCALLS_PROVIDED and its kin: what libroot/posix/ has, newlib need not make
# up. f_ldexp.S and f_ldexpf.S load an int by `fild` without a width, which clang
# takes for ambiguous and gas for 16 bits; fildl is what they mean.
NEWLIB_CFLAGS = $(filter-out -g,$(LIBC_CODE)) -isystem $(CC_INCLUDE) -Dfild=fildl \
	-DREENTRANT_SYSCALLS_PROVIDED -DSIGNAL_PROVIDED -DHAVE_FCNTL -DHAVE_RENAME \
	-DHAVE_OPENDIR -DHAVE_SYSTEM -DHAVE_BLKSIZE -DHAVE_MKDIR -fmacro-prefix-map=$(NEWLIB)/= \
	-fdebug-prefix-map=$(NEWLIB)=. -w

# As part of the compiler's name: newlib's makefiles put their own headers before
# CFLAGS, and ours have to come first.
NEWLIB_CC = $(CC) $(TARGET_FLAGS) -I$(CURDIR)/libroot/posix/include -I$(CURDIR)/libroot/include

# io-long-long: without it printf("%lld") prints wrong numbers and says nothing.
# retargetable-locking: threads; see libroot/posix/lock.c. global-stdio-streams: all
# threads have the same stdout.
NEWLIB_OPTIONS := --host=i686-elf --target=i686-elf --disable-multilib --disable-nls \
	--disable-newlib-supplied-syscalls --enable-newlib-io-long-long \
	--enable-newlib-io-long-double --enable-newlib-io-c99-formats \
	--enable-newlib-io-pos-args --enable-newlib-mb \
	--enable-newlib-retargetable-locking --enable-newlib-global-stdio-streams \
	--enable-newlib-global-atexit

# Headers of ours that newlib itself is compiled with.
NEWLIB_NEEDS := $(addprefix libroot/include/postern/,errno.h file_mode.h file_type.h \
	signal_numbers.h) \
	$(addprefix libroot/posix/include/,machine/_types.h $(addprefix sys/,dirent.h errno.h \
	features.h fcntl.h signal.h stat.h syslimits.h wait.h resource.h))

# What it is built from, as contents: another branch and back is nothing new.
NEWLIB_CONFIGURED = $(subst $(CURDIR),.,$(NEWLIB_OPTIONS) $(NEWLIB_CC) $(NEWLIB_CFLAGS))
$(NEWLIB)/needs: FORCE
	@mkdir -p $(@D)
	$(call rewrite,$@,sha256sum $(NEWLIB_NEEDS); \
		echo '$(notdir $(NEWLIB_ARCHIVE)) $(NEWLIB_CONFIGURED)')

# `make -n` runs what has $(MAKE) in it: with -B, for compile_commands.json, newlib's
# own makefiles would look for autoconf.
DRY_RUN = $(findstring n,$(firstword -$(MAKEFLAGS)))

# Several makes may want it at once, one of them in the background: whoever holds the
# lock builds, the others find it built.
$(NEWLIB)/stamp: $(NEWLIB)/needs
	@test -n "$(NEWLIB_ARCHIVE)" || { echo 'newlib: there is no /usr/src/newlib/newlib-3.*.tar.xz; it is in the Debian package newlib-source' >&2; exit 1; }
	@mkdir -p $(NEWLIB)
	@printf '  %-5s %s\n' LIBC '$(NEWLIB)'
	@$(if $(DRY_RUN),:,flock $(NEWLIB)/lock \
		$(MAKE) --no-print-directory newlib-locked >$(NEWLIB)/log 2>&1 || \
		{ tail -n 20 $(NEWLIB)/log >&2; echo 'newlib: the whole log is $(NEWLIB)/log' >&2; exit 1; })

.PHONY: newlib-locked
newlib-locked: $(NEWLIB)/built
$(NEWLIB)/built: $(NEWLIB)/needs
	rm -rf $(NEWLIB_SOURCE) $(NEWLIB)/objects $(NEWLIB)/i686-elf
	mkdir -p $(NEWLIB_SOURCE) $(NEWLIB)/objects
	tar -xf $(NEWLIB_ARCHIVE) --strip-components=1 -C $(NEWLIB_SOURCE)
	cd $(NEWLIB)/objects && $(NEWLIB_SOURCE)/newlib/configure $(NEWLIB_OPTIONS) \
		--prefix=$(NEWLIB) CC='$(NEWLIB_CC)' AS='$(CC) $(TARGET_FLAGS) -c' \
		AR=$(AR) RANLIB=llvm-ranlib CFLAGS='$(NEWLIB_CFLAGS)' CCASFLAGS='$(NEWLIB_CFLAGS)'
	$(MAKE) -C $(NEWLIB)/objects
	$(MAKE) -C $(NEWLIB)/objects install
	touch $@ $(NEWLIB)/stamp

# A first `make` of the image does not wait for it: the image then has the programs
# that need only libroot, newlib is built in the background, and the next `make` adds
# the others. Any other goal (test, ports, ...) waits.
QUICK_GOALS := iso kernel programs \
	$(if $(APP_ALONE),$(if $(call needs_libc,apps/$(APP_ALONE)),,run))
LIBC_READY := $(if $(filter-out $(QUICK_GOALS),$(MAKECMDGOALS)),yes,$(wildcard $(NEWLIB)/stamp))

.PHONY: libc newlib-background
libc: $(BUILD)/lib/libc.a $(BUILD)/libroot/posix/crt0.asm.o	## the C library, in $(BUILD)/lib
# Not $(MAKE) in the recipe itself: that one would inherit the pipe of this make's jobs, and
# this make would wait at its end until that is closed.
BACKGROUND_MAKE := $(MAKE)
newlib-background:
	@mkdir -p $(NEWLIB)
	@echo '  LIBC  is being built in the background; the next make adds the programs that need it'
	@env -u MAKEFLAGS -u MFLAGS setsid nice $(BACKGROUND_MAKE) --no-print-directory CC='$(CC)' \
		$(NEWLIB)/stamp </dev/null >$(NEWLIB)/background 2>&1 &

# ---- libroot's part of it ------------------------------------------------------------

POSIX_OBJECTS := $(POSIX_C:%.c=$(BUILD)/%.o) $(POSIX_ASM:%.asm=$(BUILD)/%.asm.o)
NEWLIB_POSIX_OBJECTS := $(NEWLIB_POSIX:%=$(BUILD)/libroot/newlib/%.o)
# A program without newlib has these from libroot; with it, from newlib or posix/.
LIBC_LIBROOT_OBJECTS := $(filter-out $(BUILD)/libroot/os.o \
	$(BUILD)/libroot/shared/kernel/string.o $(BUILD)/libroot/shared/arch/i386/string.o, \
	$(LIBROOT_OBJECTS))

$(POSIX_OBJECTS): CFLAGS = $(CFLAGS_LIBC) -D_GNU_SOURCE
$(POSIX_OBJECTS): | $(NEWLIB)/stamp
$(NEWLIB_POSIX_OBJECTS): $(BUILD)/libroot/newlib/%.o: $(NEWLIB)/stamp $(POSIX_HEADERS)
	@mkdir -p $(@D)
	$(call say,CC,$(CC) $(LIBC_CODE) $(LIBC_INCLUDES) -D_GNU_SOURCE \
		-I$(NEWLIB_SOURCE)/newlib/libc/posix -D_COMPILING_NEWLIB -DMISSING_SYSCALL_NAMES -include _syslist.h \
		-fmacro-prefix-map=$(NEWLIB)/= -fdebug-prefix-map=$(NEWLIB)=. -w -c -o $@ \
		$(wildcard $(NEWLIB_SOURCE)/newlib/libc/posix/$*.c $(NEWLIB_SOURCE)/newlib/libc/unix/$*.c))

# In this order: of two that define the same function the first one counts.
$(BUILD)/lib/libc.a: $(POSIX_OBJECTS) $(NEWLIB_POSIX_OBJECTS) $(LIBC_LIBROOT_OBJECTS) \
		$(NEWLIB)/stamp $(BUILD)/sources
	@mkdir -p $(@D)
	@rm -f $@ $(@D)/libm.a
	$(call say,AR,$(AR) qcsL $@ $(POSIX_OBJECTS) $(NEWLIB_POSIX_OBJECTS) \
		$(NEWLIB)/i686-elf/lib/libc.a $(NEWLIB)/i686-elf/lib/libm.a $(LIBC_LIBROOT_OBJECTS))
	@$(AR) rcs $(@D)/libm.a
