#!/usr/bin/env python3
"""Boots the ISO in an emulator with a program as the first one.

Standard output is the console of the programs (COM1), byte for byte; standard
input is what they read, and its end is theirs; standard error is the kernel's
log (COM2). Where input and output are a terminal, the guest's console is one,
too, and has all keys: ^] three times within a second ends the run. The exit
status is the program's own, 0 to 123 (123: it was killed by a fault), or 124
at the time limit, 125 after a kernel panic, 126 when the machine did not start
or these options make no sense, 127 when there is no such program, 130 after
^C. `boot.py --help` lists the options. The parts are in tools/bootlib/.
"""

import argparse
import os
import signal
import sys
import tempfile

from bootlib import archive, command_line, session
from bootlib.bochs import Bochs
from bootlib.errors import BootError
from bootlib.qemu import Qemu

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DEFAULT_ISO = os.path.join("build", "postern.iso")


class Parser(argparse.ArgumentParser):
    def error(self, message):
        # 2 would be a program's own status.
        self.print_usage(sys.stderr)
        self.exit(session.NOT_STARTED, f"boot.py: {message}\n")


def positive(text):
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def seconds(text):
    value = float(text)
    if not 0 <= value < 1e9:
        raise ValueError
    return value


def disk(text):
    """(file, interface or None): a colon in the file's name is none of ours."""
    path, colon, interface = text.rpartition(":")
    if colon == "" or interface not in ("virtio", "ata"):
        path, interface = text, None
    if path == "":
        raise ValueError
    return path, interface


# argparse names the function in its message: "invalid positive value".
positive.__name__ = "positive whole number"
seconds.__name__ = "number of seconds"


def parse(arguments):
    parser = Parser(
        prog="boot.py",
        usage="%(prog)s [options] [PROGRAM [ARGUMENT...]]",
        description="Boots the ISO with PROGRAM (/bin/PROGRAM, or a path) as the first program.",
        epilog="Exit status: the program's own (123: killed by a fault); 124 time limit;"
        " 125 kernel panic; 126 not started; 127 no such program; 130 interrupted.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--emulator", choices=("qemu", "bochs"), default="qemu", help="(qemu)")
    add(
        "--accel",
        choices=("auto", "kvm", "tcg"),
        default="auto",
        help="auto takes KVM where it can run a 32-bit kernel with paging, else TCG (auto)",
    )
    add(
        "--cpu",
        metavar="MODEL",
        help="the emulator's own name for a CPU model; with Bochs"
        " also bx_generic,FEATURE=VALUE,... for its cpuid option",
    )
    add("--smp", type=positive, default=1, metavar="N", help="processors (1)")
    add("--memory", type=positive, default=128, metavar="MIB", help="memory (128)")
    add(
        "--syscall",
        choices=("auto", "int", "sysenter"),
        help="the kernel's option: how programs enter the kernel (auto)",
    )
    add(
        "--append",
        action="append",
        default=[],
        metavar="OPTIONS",
        help="further kernel options (repeatable)",
    )
    add(
        "--file",
        action="append",
        default=[],
        metavar="HOST:GUEST",
        help="put a file of the host into the guest's file system (repeatable)",
    )
    add(
        "--disk",
        action="append",
        default=[],
        type=disk,
        metavar="FILE[:virtio|ata]",
        help="a disk of the guest's, as a virtio or an ATA one (repeatable; virtio, with"
        " Bochs ata)",
    )
    add(
        "--timeout",
        type=seconds,
        metavar="S",
        help="time limit, 0 for none (60; none with --gdb)",
    )
    add(
        "--reboot",
        action="store_true",
        help="a reboot that the guest asks for is one; without this it ends the run, with"
        " status 0",
    )
    add("--iso", metavar="FILE", help=f"({DEFAULT_ISO})")
    add(
        "--direct",
        action="store_true",
        help="start the kernel by its multiboot1 header, without firmware and GRUB:"
        " postern.elf and system.tar from the folder of the ISO",
    )
    add("--gdb", action="store_true", help="wait for a debugger on port 1234")
    more = parser.add_argument_group("for tests and measurements")
    add = more.add_argument
    add(
        "--firmware",
        choices=("bios", "ovmf", "ovmf-ia32"),
        default="bios",
        help="QEMU: BIOS, or UEFI of 64 or 32 bits (bios)",
    )
    add(
        "--boot-as",
        choices=("cd", "disk"),
        default="cd",
        help="QEMU: the ISO as a CD or as a hard disk (cd)",
    )
    add(
        "--screenshot",
        metavar="FILE.ppm",
        help="QEMU: the screen after the program's end",
    )
    add("--icount", action="store_true", help="QEMU: the TSC counts instructions")
    add("--monitor", metavar="SOCKET", help="QEMU: a QMP monitor on a Unix socket")
    add(
        "--emulator-arg",
        action="append",
        default=[],
        metavar="ARG",
        help="an argument for the emulator itself (repeatable)",
    )
    # Everything from the program's name on is the program's.
    parser.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)

    command = options.command
    if command[:1] == ["--"]:
        command = command[1:]
    if command[:1] == [""]:
        parser.error("PROGRAM is empty")
    options.program = command[0] if command else None
    options.arguments = command[1:]
    if options.iso is None:
        options.iso = DEFAULT_ISO
        if not os.path.exists(options.iso):
            options.iso = os.path.join(REPOSITORY, DEFAULT_ISO)
    if options.timeout is None:
        options.timeout = 0 if options.gdb else 60
    if options.direct and options.firmware != "bios":
        parser.error("--direct starts without firmware: --firmware makes no sense")
    if options.direct and options.boot_as != "cd":
        parser.error("--direct starts without the ISO: --boot-as makes no sense")
    if options.screenshot is not None:
        options.screenshot = os.path.abspath(options.screenshot)
    if options.monitor is not None and len(os.fsencode(os.path.abspath(options.monitor))) > 107:
        parser.error("--monitor: the path is longer than a Unix socket's may be")
    options.direct_line = lambda words: " ".join(map(command_line.quote_for_kernel, words))
    return options


def boot(options):
    words = command_line.kernel_words(
        options.program,
        options.arguments,
        options.syscall,
        options.append,
        options.screenshot is not None,
        session.console_of_streams(),
    )
    is_plain = command_line.console_of(words) == "plain"
    files = None
    if options.file:
        files = archive.make_files_archive(map(archive.parse_file_option, options.file))
    emulator = {"qemu": Qemu, "bochs": Bochs}[options.emulator]
    with tempfile.TemporaryDirectory(prefix="postern-boot-") as work:
        machine = emulator(options, words, files, work)
        with session.Terminal(is_plain) as terminal:
            run = session.Session(machine, options.timeout, options.screenshot)
            run.may_reboot = options.reboot
            run.is_plain = is_plain
            run.terminal = terminal
            return run.run()


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt(number, frame):
    # Once is enough; a second one must not cut the clearing up short.
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt


def main(arguments):
    options = parse(arguments)
    for number in SIGNALS:
        signal.signal(number, interrupt)
    try:
        status = boot(options)
    except BootError as error:
        session.say(str(error))
        status = session.NOT_STARTED
    except OSError as error:
        session.say(f"{error.filename or 'the emulator'}: {error.strerror}")
        status = session.NOT_STARTED
    except KeyboardInterrupt:
        status = session.INTERRUPTED
    # A thread may still wait for a standard stream; nothing is left to do.
    os._exit(status)


if __name__ == "__main__":
    main(sys.argv[1:])
