"""The command line of QEMU for a run."""

import os
import shutil
import socket

from bootlib import accelerator, archive
from bootlib.errors import BootError

# Models that qemu-system-i386 runs as they are; others are 64-bit CPUs, which
# it would cut down.
MODELS_32_BIT = (
    "486",
    "athlon",
    "base",
    "coreduo",
    "kvm32",
    "max",
    "n270",
    "pentium",
    "pentium2",
    "pentium3",
    "qemu32",
)

# (code, variables) by --firmware, the first pair that is installed. The 32-bit
# build is made for secure boot only and so wants a q35 with SMM.
FIRMWARE = {
    "ovmf": (
        ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
        ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
        ("/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
        ("/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"),
    ),
    "ovmf-ia32": (
        (
            "/usr/share/OVMF/OVMF32_CODE_4M.secboot.fd",
            "/usr/share/OVMF/OVMF32_VARS_4M.fd",
        ),
    ),
}
FIRMWARE_PACKAGES = {"ovmf": "ovmf", "ovmf-ia32": "ovmf-ia32"}

# isa-debug-exit ends QEMU with the value written, doubled, plus one.
EXIT_DEVICE = "isa-debug-exit,iobase=0x501,iosize=2"


def exit_code(status):
    return 2 * status + 1


def program_name(cpu, firmware):
    model = (cpu or "qemu32").split(",")[0]
    if firmware == "ovmf" or model not in MODELS_32_BIT + ("host",):
        return "qemu-system-x86_64"
    return "qemu-system-i386"


def find_firmware(firmware):
    for code, variables in FIRMWARE[firmware]:
        if os.path.exists(code) and os.path.exists(variables):
            return code, variables
    raise BootError(
        f"--firmware {firmware}: {FIRMWARE[firmware][0][0]} is not installed"
        f" (package {FIRMWARE_PACKAGES[firmware]})"
    )


def quote_option(text):
    """A value inside QEMU's comma-separated options."""
    return text.replace(",", ",,")


class Qemu:
    """Prepares a run in the directory `work`; session.py then starts it.

    The files are linked into `work` by short names, and QEMU runs there: no
    blank, comma or colon of a user's path meets QEMU's option syntax.
    """

    name = "QEMU"
    environment = None

    def __init__(self, options, words, files, work):
        self.work = work
        self.com1, com1_far = socket.socketpair()
        self.com2, com2_far = socket.socketpair()
        self.qmp = None
        self.far_ends = [com1_far, com2_far]
        self.firmware_uses_serial = options.firmware != "bios"
        self.quiet_seconds = 5.0

        program = program_name(options.cpu, options.firmware)
        if shutil.which(program) is None:
            raise BootError(f"there is no {program} (package qemu-system-x86)")
        obstacle = None if options.accel == "tcg" else accelerator.host_kvm_obstacle()
        acceleration = accelerator.choose(options.accel, obstacle)
        if options.icount and acceleration == "kvm":
            if options.accel == "kvm":
                raise BootError("--icount counts under TCG only")
            acceleration = "tcg"

        command = [program, "-nodefaults", "-display", "none", "-vga", "std"]
        if not options.reboot:
            command += ["-no-reboot"]
        machine = "pc" if options.firmware != "ovmf-ia32" else "q35,smm=on"
        command += ["-machine", f"{machine},accel={acceleration}"]
        command += ["-m", str(options.memory), "-smp", str(options.smp)]
        command += ["-device", EXIT_DEVICE]
        if options.cpu is not None:
            command += ["-cpu", options.cpu]
        for name, far_end in (("com1", com1_far), ("com2", com2_far)):
            command += ["-chardev", f"socket,id={name},fd={far_end.fileno()}"]
            command += ["-serial", f"chardev:{name}"]
        if options.icount:
            command += ["-icount", "shift=0,sleep=off"]
        if options.gdb:
            command += ["-gdb", "tcp:127.0.0.1:1234", "-S"]
        if options.screenshot is not None:
            self.qmp, qmp_far = socket.socketpair()
            self.far_ends.append(qmp_far)
            command += ["-chardev", f"socket,id=qmp,fd={qmp_far.fileno()}"]
            command += ["-mon", "chardev=qmp,mode=control"]
        if options.monitor is not None:
            path = quote_option(os.path.abspath(options.monitor))
            command += ["-qmp", f"unix:{path},server=on,wait=off"]

        if options.firmware != "bios":
            command += self._firmware(options.firmware)
        if options.direct:
            command += self._direct(options, words, files)
        else:
            command += self._iso(options, words, files)
        command += self._disks(options)
        self.command = command + options.emulator_arg

    def _link(self, path, name):
        if not os.path.isfile(path):
            raise BootError(f"{path}: there is no such file (make builds it)")
        os.symlink(os.path.abspath(path), os.path.join(self.work, name))

    def _write(self, name, content):
        with open(os.path.join(self.work, name), "wb") as file:
            file.write(content)

    def _firmware(self, firmware):
        code, variables = find_firmware(firmware)
        with open(variables, "rb") as file:
            self._write("variables.fd", file.read())
        command = ["-drive", f"if=pflash,format=raw,readonly=on,file={code}"]
        command += ["-drive", "if=pflash,format=raw,file=variables.fd"]
        if firmware == "ovmf-ia32":
            command += ["-global", "driver=cfi.pflash01,property=secure,value=on"]
        return command

    def _disks(self, options):
        # What an emulator that is killed has written is the host's: only what the
        # guest has not yet sent is lost.
        units = [(bus, unit) for unit in (0, 1) for bus in (0, 1)]
        if not options.direct:
            units = units[2:]  # the masters are the ISO and the run's disk
        command = []
        for number, (path, interface) in enumerate(options.disk):
            name = f"disk{number}"
            self._link(path, f"{name}.img")
            command += ["-drive"]
            command += [f"if=none,id={name},format=raw,cache=writeback,file={name}.img"]
            if interface == "ata":
                if not units or options.firmware == "ovmf-ia32":
                    raise BootError(f"--disk {path}: there is no room for one more ATA disk")
                bus, unit = units.pop(0)
                command += ["-device", f"ide-hd,bus=ide.{bus},unit={unit},drive={name}"]
            else:
                command += ["-device", f"virtio-blk-pci,drive={name}"]
        return command

    def _direct(self, options, words, files):
        folder = os.path.dirname(os.path.abspath(options.iso))
        modules = ["system.tar"]
        self._link(os.path.join(folder, "postern.elf"), "postern.elf")
        self._link(os.path.join(folder, "system.tar"), "system.tar")
        if files is not None:
            self._write("files.tar", files)
            modules.append("files.tar")
        command = ["-kernel", "postern.elf", "-initrd", ",".join(modules)]
        return command + ["-append", options.direct_line(words)]

    def _iso(self, options, words, files):
        self._link(options.iso, "postern.iso")
        config = archive.make_run_config(words, files is not None, self.firmware_uses_serial)
        self._write("run.img", archive.make_run_disk(config, files))
        if options.boot_as == "cd":
            drive = "if=none,id=iso,format=raw,readonly=on,media=cdrom,file=postern.iso"
            device = "ide-cd,bus=ide.0,drive=iso,bootindex=0"
        else:
            # snapshot: a disk has to be writable, and the image must not change.
            drive = "if=none,id=iso,format=raw,snapshot=on,file=postern.iso"
            device = "ide-hd,bus=ide.0,drive=iso,bootindex=0"
        return [
            "-drive",
            drive,
            "-device",
            device,
            "-drive",
            "if=none,id=run,format=raw,file=run.img",
            "-device",
            # OVMF leaves disks alone that are not in the boot order.
            "ide-hd,bus=ide.1,drive=run,bootindex=1",
        ]

    def started(self):
        """The emulator has its ends of the sockets; ours must be the others."""
        for far_end in self.far_ends:
            far_end.close()

    def pass_fds(self):
        return [far_end.fileno() for far_end in self.far_ends]

    def connect(self, process):
        """Both ports are connected from the start."""

    def code_matches(self, code, status):
        return code == exit_code(status)

    def failure(self, code, output):
        """What to say when the emulator ended without a status line."""
        if code == 0:
            return "the machine reset or went off without a status line"
        return f"QEMU ended with {code} without a status line"

    def explanation(self, output):
        return output
