"""tests/guest/filetests: the calls about files, on the machines that differ."""

import re
import tarfile

import pytest

import booting

MACHINES = (
    {"cpu": "486"},
    # Reads and writes of 64 MiB need the room.
    {"cpu": "max", "options": ("--memory", "256")},
)
MORE_MACHINES = (
    {"cpu": "qemu32"},
    {"cpu": "qemu32", "syscall": "int"},
    {"cpu": "qemu32", "smp": 2},
    {"cpu": "max", "smp": 4, "append": "schedule=random:7"},
    {"options": ("--memory", "32")},
    {"options": ("--memory", "700")},
    {"emulator": "bochs", "cpu": "p3_katmai"},
)

SECONDS = 150
BOCHS_SECONDS = 900


def name_of(machine):
    return "-".join(" ".join(value) if isinstance(value, tuple) else str(value)
                    for value in machine.values())


def names_in_source():
    """The names in the one table that there is of them."""
    text = (booting.TOP / "tests/guest/filetests/filetests.h").read_text()
    return re.findall(r"\bX\((\w+)\)", text)


def check(run, names):
    """All have passed, and each of them has run."""
    results = re.findall(r"^(\w+): (.*)$", run.stdout.decode(errors="replace"), re.MULTILINE)
    wrong = [f"{name}: {result}" for name, result in results
             if result != "ok"]
    assert not wrong, run
    assert run.stdout.endswith(b"%d passed, 0 failed\n" % len(names)), run
    assert [name for name, _ in results if name != "warming_up"] == names, run
    assert run.status == 0, run


def run_all(boot, machine, seconds=SECONDS):
    direct = machine.get("emulator", "qemu") == "qemu"
    check(boot("filetests", direct=direct, timeout=seconds, **machine), names_in_source())


@pytest.mark.slow
@pytest.mark.parametrize("machine", MACHINES, ids=name_of)
def test_all(boot, machine):
    run_all(boot, machine)


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.parametrize("machine", MORE_MACHINES, ids=name_of)
def test_all_more(boot, machine):
    run_all(boot, machine, BOCHS_SECONDS)


def test_by_name(boot):
    run = boot("filetests", "sizes", "pipe_carries", direct=True)
    check(run, ["sizes", "pipe_carries"])


def test_programs_lie_on_pages():
    """From there the kernel maps them; others it would copy, each time."""
    with tarfile.open(booting.BUILD / "system.tar") as archive:
        programs = [entry for entry in archive if entry.mode & 0o111 and entry.size >= 4096]
    assert "bin/ls" in [entry.name for entry in programs]
    assert [entry.name for entry in programs if entry.offset_data % 4096 != 0] == []


@pytest.mark.parametrize("damage", ("cut", "checksum", "number"))
def test_corrupt_archive(boot, damage, tmp_path):
    """What comes before the damage is there; the kernel says so and goes on."""
    archive = bytearray((booting.BUILD / "system.tar").read_bytes())
    last = max(at for at in range(0, len(archive), 512)
               if archive[at + 257:at + 262] == b"ustar")
    name = bytes(archive[last:last + 100]).rstrip(b"\0").decode()
    if damage == "cut":
        del archive[last + 700:]
    elif damage == "checksum":
        archive[last + 10] ^= 0x20
    else:
        archive[last + 124:last + 136] = b"9" * 12
    broken = tmp_path / "system.tar"
    broken.write_bytes(archive)
    iso = tmp_path / "broken.iso"
    done = booting.subprocess.run(
        [booting.sys.executable, str(booting.TOP / "tools/mkiso.py"),
         "--kernel", str(booting.BUILD / "postern.elf"), "--archive", str(broken),
         "--grub-config", str(booting.TOP / "iso/grub.cfg"), "--output", str(iso)],
        stdout=booting.subprocess.PIPE, stderr=booting.subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    run = boot("hello", iso=iso, timeout=100)
    assert (run.status, run.stdout) == (0, booting.HELLO), run
    line, = run.lines("files: boot archive 0 is corrupt")
    assert line, run
    missing = boot(name.rsplit("/", 1)[-1], iso=iso, timeout=100)
    assert missing.status == booting.NO_PROGRAM, missing
