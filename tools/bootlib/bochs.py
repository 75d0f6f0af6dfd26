"""The configuration of Bochs for a run, from the template tools/bochsrc.in."""

import os
import shutil
import socket
import time

from bootlib import archive
from bootlib.errors import BootError

TEMPLATE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bochsrc.in")

# Debian's package vgabios, then the one that comes with Bochs.
VGA_BIOSES = (
    "/usr/share/bochs/VGABIOS-lgpl-latest",
    "/usr/share/vgabios/vgabios.bin",
)
HEADS = 16
SECTORS = 63


def cpu_lines(cpu, smp):
    """--cpu MODEL[,FEATURE=VALUE...]: features are those of cpuid:."""
    model, *features = (cpu or "bx_generic").split(",")
    if features and model != "bx_generic":
        raise BootError(
            f"--cpu {cpu}: Bochs takes features with bx_generic only;"
            f" {model} has its own"
        )
    lines = [f"cpu: model={model}, count={smp}, ips=50000000, reset_on_triple_fault=0"]
    lines += [f"cpuid: {feature}" for feature in features]
    return "\n".join(lines)


def geometry(path):
    """(cylinders, heads, sectors) that make up the file exactly: Bochs computes a
    disk's size from them."""
    size = os.path.getsize(path)
    for heads in (16, 8, 4, 2, 1):
        for sectors in (63, 32, 16, 8, 4, 2, 1):
            cylinders, rest = divmod(size, heads * sectors * 512)
            if rest == 0 and 0 < cylinders <= 65535:
                return cylinders, heads, sectors
    raise BootError(f"--disk {path}: Bochs has no geometry for {size} bytes")


def disk_lines(disks, work):
    """The slaves of both channels; the masters are the ISO and the run's disk."""
    lines = []
    for number, (path, interface) in enumerate(disks):
        if interface == "virtio":
            raise BootError(f"--disk {path}: Bochs has ATA disks only")
        if number > 1:
            raise BootError(f"--disk {path}: Bochs has room for two")
        if not os.path.isfile(path):
            raise BootError(f"{path}: there is no such file")
        os.symlink(os.path.abspath(path), os.path.join(work, f"disk{number}.img"))
        cylinders, heads, sectors = geometry(path)
        lines.append(
            f"ata{number}-slave: type=disk, path=disk{number}.img, mode=flat,"
            f" cylinders={cylinders}, heads={heads}, spt={sectors}"
        )
    return "\n".join(lines)


class Bochs:
    """Prepares a run in the directory `work`; session.py then starts it."""

    name = "Bochs"
    qmp = None
    firmware_uses_serial = False
    # Bochs's own BIOS and GRUB take some seconds of host time.
    quiet_seconds = 20.0

    def __init__(self, options, words, files, work):
        refused = (
            (options.direct, "--direct", "Bochs starts from its BIOS only"),
            (options.gdb, "--gdb", "Debian's Bochs has its own debugger instead of gdb's stub"),
            (options.accel == "kvm", "--accel kvm", "Bochs interprets"),
            (options.firmware != "bios", "--firmware", "Bochs has its own BIOS"),
            (options.screenshot is not None, "--screenshot", "only QEMU gives one"),
            (options.monitor is not None, "--monitor", "only QEMU has one"),
            (options.icount, "--icount", "Bochs counts instructions anyhow"),
            (options.boot_as != "cd", "--boot-as disk", "only under QEMU"),
        )
        for is_given, option, reason in refused:
            if is_given:
                raise BootError(f"{option} with --emulator bochs: {reason}")
        program = shutil.which("bochs-bin") or shutil.which("bochs")
        if program is None:
            raise BootError("there is no bochs (packages bochs, bochsbios, vgabios)")
        if not os.path.isfile(options.iso):
            raise BootError(f"{options.iso}: there is no such file (make builds it)")
        vga_bios = next((path for path in VGA_BIOSES if os.path.exists(path)), None)
        if vga_bios is None:
            raise BootError(f"{VGA_BIOSES[0]} is not installed (packages bochsbios, vgabios)")

        self.work = work
        self.com1 = self.com2 = None
        self.listeners = [self._listen(), self._listen()]
        com1, com2 = (f"127.0.0.1:{listener.getsockname()[1]}" for listener in self.listeners)

        os.symlink(os.path.abspath(options.iso), os.path.join(work, "postern.iso"))
        config = archive.make_run_config(words, files is not None, False)
        disk = archive.make_run_disk(config, files, HEADS * SECTORS)
        with open(os.path.join(work, "run.img"), "wb") as file:
            file.write(disk)
        with open(TEMPLATE, encoding="utf-8") as file:
            template = file.read()
        with open(os.path.join(work, "bochsrc"), "w", encoding="utf-8") as file:
            file.write(
                template.format(
                    cpu=cpu_lines(options.cpu, options.smp),
                    memory=options.memory,
                    vga_bios=vga_bios,
                    cylinders=len(disk) // (HEADS * SECTORS * 512),
                    heads=HEADS,
                    sectors=SECTORS,
                    disks=disk_lines(options.disk, work),
                    com1=com1,
                    com2=com2,
                )
            )
        with open(os.path.join(work, "debugger.rc"), "w", encoding="utf-8") as file:
            file.write("c\n")
        self.command = [program, "-q", "-f", "bochsrc", "-rc", "debugger.rc"]
        self.command += options.emulator_arg
        self.environment = dict(os.environ, BXSHARE="/usr/share/bochs")

    @staticmethod
    def _listen():
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        listener.settimeout(0.05)
        return listener

    def started(self):
        """Nothing of ours was handed over."""

    def pass_fds(self):
        return []

    def connect(self, process):
        """Waits for both ports, as long as the emulator lives."""
        end = time.monotonic() + 15
        for listener in self.listeners:
            connection = None
            while connection is None:
                try:
                    connection, _ = listener.accept()
                except socket.timeout:
                    if process.poll() is not None or time.monotonic() > end:
                        break
            if connection is not None:
                connection.setblocking(True)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.com1 is None:
                self.com1 = connection
            else:
                self.com2 = connection
            listener.close()
            if connection is None:
                break

    def code_matches(self, code, status):
        return True

    def failure(self, code, output):
        """What to say when the emulator ended without a status line."""
        if code is None:
            return "Bochs runs, but does not connect its serial ports"
        if "exception with no resolution" in output:
            return "the machine reset (triple fault) without a status line"
        return f"Bochs ended with {code} without a status line"

    def explanation(self, output):
        """Of all that Bochs prints, the lines that say why it ended."""
        return "\n".join(
            line
            for line in output.splitlines()
            if "PANIC" in line or ("e[" in line[:13] and "bxevent_callback" not in line)
        )
