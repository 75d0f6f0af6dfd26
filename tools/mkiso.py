#!/usr/bin/env python3
"""Makes the ISO with grub-mkrescue: one image for CD, USB stick and disk.

Called by the Makefile:
    mkiso.py --kernel F --archive F --grub-config F --output F

It boots under BIOS and under 64-bit and 32-bit UEFI, as far as GRUB's modules
for each are installed; what is missing is said. The output appears whole or
not at all, because it is written beside its place and renamed.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile

# What GRUB calls a platform, which of our boots needs it, Debian's package.
PLATFORMS = (
    ("i386-pc", "BIOS", "grub-pc-bin"),
    ("i386-efi", "32-bit UEFI", "grub-efi-ia32-bin"),
    ("x86_64-efi", "64-bit UEFI", "grub-efi-amd64-bin"),
)

# Fewer modules make a smaller image, and grub-mkrescue takes a fifth of a
# second. GRUB's own start on EFI loads every part_* module by name.
MODULES = (
    "normal configfile multiboot2 boot test echo true sleep all_video "
    "iso9660 fat tar search search_fs_file search_fs_uuid search_label "
    "part_acorn part_amiga part_apple part_bsd part_dfly part_dvh part_gpt "
    "part_msdos part_plan part_sun part_sunpc "
    "ls cat help lsmmap videoinfo reboot halt minicmd"
)


def module_directory():
    """Where the platforms are: beside grub-mkrescue's prefix, or /usr/lib."""
    program = shutil.which("grub-mkrescue")
    candidates = ["/usr/lib/grub"]
    if program is not None:
        prefix = os.path.dirname(os.path.dirname(os.path.realpath(program)))
        candidates.insert(0, os.path.join(prefix, "lib", "grub"))
    for candidate in candidates:
        if os.path.isdir(candidate):
            return candidate
    return candidates[0]


def missing_platforms(directory):
    return [
        platform
        for platform in PLATFORMS
        if not os.path.exists(os.path.join(directory, platform[0], "moddep.lst"))
    ]


def fail(message):
    sys.stderr.write(f"mkiso.py: {message}\n")
    return 1


def main(arguments):
    parser = argparse.ArgumentParser(description="Makes the bootable ISO.", allow_abbrev=False)
    parser.add_argument("--kernel", required=True, help="becomes /boot/postern.elf")
    parser.add_argument("--archive", required=True, help="becomes /boot/system.tar")
    parser.add_argument("--grub-config", required=True, help="becomes /boot/grub/grub.cfg")
    parser.add_argument("--output", required=True)
    options = parser.parse_args(arguments)

    program = shutil.which("grub-mkrescue")
    if program is None:
        return fail("there is no grub-mkrescue; install grub-common (tools/deps.sh build)")
    for tool, package in (("xorriso", "xorriso"), ("mformat", "mtools")):
        if shutil.which(tool) is None:
            return fail(f"there is no {tool}; install {package} (tools/deps.sh build)")
    missing = missing_platforms(module_directory())
    if len(missing) == len(PLATFORMS):
        return fail("no GRUB platform is installed (tools/deps.sh build)")
    for platform, boots, package in missing:
        sys.stderr.write(
            f"mkiso.py: no GRUB modules for {platform}: the image will not boot"
            f" under {boots}; install {package}\n"
        )

    output = os.path.abspath(options.output)
    os.makedirs(os.path.dirname(output), exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".mkiso-", dir=os.path.dirname(output)) as work:
        tree = os.path.join(work, "tree")
        os.makedirs(os.path.join(tree, "boot", "grub"))
        for source, target in (
            (options.kernel, "boot/postern.elf"),
            (options.archive, "boot/system.tar"),
            (options.grub_config, "boot/grub/grub.cfg"),
        ):
            try:
                shutil.copyfile(source, os.path.join(tree, target))
            except OSError as error:
                return fail(f"{source}: {error.strerror}")

        image = os.path.join(work, "image")
        command = [
            program,
            "--fonts=",
            "--locales=",
            "--themes=",
            f"--install-modules={MODULES}",
            f"--output={image}",
            tree,
            "-volid",
            "POSTERN",
        ]
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        # grub-mkrescue answers 0 even where xorriso failed in some versions,
        # so the image itself is looked at.
        if result.returncode != 0 or not os.path.exists(image) or os.path.getsize(image) == 0:
            sys.stderr.write(result.stdout.decode(errors="replace"))
            return fail(f"grub-mkrescue failed (status {result.returncode})")
        os.replace(image, output)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
