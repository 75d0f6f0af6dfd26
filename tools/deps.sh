#!/bin/sh
# Installs what building, running and testing need, on Debian and its kin.
#
#   deps.sh GROUP...           install what is missing
#   deps.sh --check GROUP...   name what is missing; status 1 when anything is
#   deps.sh --list GROUP...    name the packages
#
# Groups: build, run, bochs, gdb, ports, test (which has the others but build in it), all. The
# Makefile calls this before anything else, so it must be quick when nothing is
# missing: one dpkg-query. Elsewhere than on Debian it names the missing
# commands instead.

set -eu

usage()
{
	echo "usage: deps.sh [--check|--list] build|run|bochs|gdb|ports|test|all..." >&2
	exit 2
}

mode=install
case ${1-} in
--check) mode=check; shift ;;
--list) mode=list; shift ;;
esac
[ $# -gt 0 ] || usage
for group in "$@"; do
	case $group in
	build | run | bochs | gdb | ports | test) ;;
	all) set -- build test; break ;;
	*) usage ;;
	esac
done

wants()
{
	case " $groups " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

groups="$*"
if wants test; then
	groups="$groups run bochs gdb ports"
fi

packages=
commands=
pc_packages= # programs for the PC that boots, whatever machine builds
if wants build; then
	packages="$packages clang lld llvm nasm make python3 grub-common xorriso mtools"
	packages="$packages newlib-source xz-utils"
	pc_packages="grub-pc-bin grub-efi-ia32-bin grub-efi-amd64-bin"
	commands="$commands clang ld.lld llvm-objcopy nasm make python3 grub-mkrescue xorriso mformat"
fi
if wants run; then
	packages="$packages qemu-system-x86 e2fsprogs"
	commands="$commands qemu-system-i386 qemu-system-x86_64 mke2fs"
fi
if wants bochs; then
	packages="$packages bochs bochsbios vgabios"
	commands="$commands bochs"
fi
if wants gdb; then
	packages="$packages gdb"
	commands="$commands gdb"
fi
if wants ports; then
	# What ports' own builds run on this machine, and what unpacks them
	packages="$packages libc6-dev tcl bzip2"
	commands="$commands tclsh"
fi
if wants test; then
	packages="$packages gcc python3-pytest python3-pytest-xdist ovmf ovmf-ia32"
	commands="$commands gcc pytest-3"
fi

# Names the packages that the distribution's releases version: the runtime
# libraries of the compilers for i386, in the version that is its default.
# Reads the package lists, so it is called only for installing and listing.
runtime_packages()
{
	clang_version=$(apt-cache depends clang 2>/dev/null |
		sed -n 's/^ *Depends: clang-\([0-9]*\)$/\1/p' | head -n 1)
	gcc_version=$(apt-cache depends gcc 2>/dev/null |
		sed -n 's/^ *Depends: gcc-\([0-9]*\)$/\1/p' | head -n 1)
	if wants build && [ "$is_pc" = yes ] && [ -n "$clang_version" ]; then
		# Before LLVM 14 the library was in a package that clang pulls in.
		if apt-cache show "libclang-rt-$clang_version-dev" >/dev/null 2>&1; then
			echo "libclang-rt-$clang_version-dev"
		else
			echo "libclang-common-$clang_version-dev"
		fi
	fi
	if [ -n "$gcc_version" ] && { wants test || { wants build && [ "$is_pc" = no ]; }; }; then
		echo "libgcc-$gcc_version-dev-i386-cross"
	fi
}

# Whether the compilers have their libraries, by looking for the files.
has_runtime()
{
	if wants build && [ "$is_pc" = yes ]; then
		compiler=$(readlink -f /usr/bin/clang || true)
		set -- "${compiler%/bin/clang}"/lib/clang/*/lib/*/libclang_rt.builtins-i386.a
		[ -e "$1" ] || return 1
	fi
	if wants test || { wants build && [ "$is_pc" = no ]; }; then
		set -- /usr/lib/gcc-cross/i686-linux-gnu/*/libgcc.a
		[ -e "$1" ] || return 1
	fi
}

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
	missing=
	for command in $commands; do
		command -v "$command" >/dev/null || missing="$missing $command"
	done
	if [ $mode = list ]; then
		echo "deps.sh: no apt-get here; the commands wanted are:$commands" >&2
		exit 1
	fi
	[ -n "$missing" ] || exit 0
	echo "deps.sh: this is not Debian or Ubuntu; please install:$missing" >&2
	exit 1
fi

# On another machine than a PC, GRUB's PC programs come from Debian's amd64,
# and 64-bit division from gcc's i386 library, which every machine has.
architecture=$(dpkg --print-architecture)
case $architecture in
amd64 | i386) is_pc=yes ;;
*) is_pc=no ;;
esac
for package in $pc_packages; do
	if [ $is_pc = yes ]; then
		packages="$packages $package"
	else
		packages="$packages $package:amd64"
	fi
done

if [ $mode = list ]; then
	# bochs itself has the display that is used; it still wants another one.
	! wants bochs || packages="$packages bochs-term"
	for package in $packages $(runtime_packages); do
		echo "$package"
	done
	exit 0
fi

# shellcheck disable=SC2086 # a list of words
installed=" $(dpkg-query -W -f '${Package}:${Architecture} ${db:Status-Status}\n' $packages 2>/dev/null |
	sed -n 's/ installed$//p' | tr '\n' ' ')"
missing=
for package in $packages; do
	case $package in
	*:*) case $installed in *" $package "*) continue ;; esac ;;
	*) case $installed in *" $package:"*) continue ;; esac ;;
	esac
	missing="$missing $package"
done
runtime=present
has_runtime || runtime=missing

[ -n "$missing" ] || [ $runtime = missing ] || exit 0

if [ $mode = check ]; then
	for package in $missing; do
		echo "$package"
	done
	[ $runtime = present ] || runtime_packages
	exit 1
fi

as_root=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null; then
		[ $runtime = present ] || missing="$missing $(runtime_packages | tr '\n' ' ')"
		echo "deps.sh: there is no sudo; as root, please: apt-get install$missing" >&2
		exit 1
	fi
	as_root=sudo
fi
echo "deps.sh: installing what is missing:$missing" >&2
if [ -n "$pc_packages" ] && [ $is_pc = no ] &&
	! dpkg --print-foreign-architectures | grep -qx amd64; then
	$as_root dpkg --add-architecture amd64
fi
$as_root apt-get -q update >&2
case "$missing " in
*" bochs "*) missing="$missing bochs-term" ;;
esac
[ $runtime = present ] || missing="$missing $(runtime_packages | tr '\n' ' ')"
# `env` because sudo keeps no variable.
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive \
	apt-get -q -y install --no-install-recommends $missing >&2
