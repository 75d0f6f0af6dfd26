"""Disks: what was written is there after a reboot, and what was confirmed also after
the emulator was killed at any moment. e2fsck of the host has the last word."""

import os
import random
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

import booting

FOLDER = "load"
WRITE_BACK_SECONDS = 5  # kernel/write_back.h
KILLS = 100 if booting.FULL else 4
# Images for one boot: a PCI bus holds some 25 disks.
DAMAGED_AT_ONCE = 12
DAMAGED_BOOTS = 25 if booting.FULL else 1


def make_disk(path, size="16M", options=("-t", "ext3", "-b", "1024", "-O", "^resize_inode")):
    path.unlink(missing_ok=True)
    subprocess.run(["mke2fs", "-q", "-F", *options, path, size], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return path


def check_disk(path):
    """The host's checker finds nothing at all."""
    done = subprocess.run(["e2fsck", "-fn", path], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


def mend_disk(path):
    """The checker's own repair rules, those that need nobody's decision."""
    done = subprocess.run(["e2fsck", "-p", path], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert done.returncode in (0, 1), done.stdout


def contents(number, size):
    """As tests/guest/diskload.c makes them."""
    return bytes((number * 31 + i * 7 + (i >> 8)) & 0xFF for i in range(size))


def read_files(disk, folder):
    """{name: bytes} of the disk's /load, by debugfs."""
    folder.mkdir()
    subprocess.run(["debugfs", "-R", f"rdump /{FOLDER} {folder}", disk], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return {path.name: path.read_bytes() for path in (folder / FOLDER).glob("*")
            if path.is_file()}


def confirmed(console):
    """{name: (number, size)} of what the guest was sure of at the end."""
    kept = {}
    for line in console.decode().splitlines(keepends=True):
        if not line.endswith("\n"):
            break
        if match := re.fullmatch(r"kept (\w+) (\d+) (\d+)", line.rstrip("\r\n")):
            kept[match[1]] = (int(match[2]), int(match[3]))
        elif match := re.fullmatch(r"may (\w+)", line.rstrip("\r\n")):
            kept.pop(match[1], None)
        else:
            assert line.startswith("done"), line
    return kept


def check_confirmed(kept, files):
    lost = {name for name, (number, size) in kept.items()
            if files.get(name) != contents(number, size)}
    assert not lost, f"lost or wrong: {sorted(lost)} of {len(kept)}"


@pytest.mark.slow
@pytest.mark.parametrize("emulator,kind", (("qemu", "virtio"), ("qemu", "ata"),
                                           ("bochs", "ata")))
def test_survives_reboot(tmp_path, boot, emulator, kind):
    disk = make_disk(tmp_path / "home.img")
    machine = {"emulator": emulator, "direct": emulator == "qemu", "timeout": 180,
               "options": ["--disk", f"{disk}:{kind}"]}
    run = boot("diskload", "some", "100", "40", **machine)
    assert run.status == 0, run
    check_disk(disk)
    kept = confirmed(run.stdout)
    assert len(kept) > 20
    check_confirmed(kept, read_files(disk, tmp_path / "files"))
    run = boot("diskload", "check", "100", "40", **machine)
    assert run.status == 0 and run.stdout == b"checked\n", run
    check_disk(disk)


@pytest.mark.slow
def test_without_pci(tmp_path, boot):
    """A machine of before PCI: an ATA disk without DMA, and nothing to find it by."""
    disk = make_disk(tmp_path / "home.img")
    run = boot("diskload", "some", "100", "20", direct=True, cpu="pentium", timeout=120,
               options=["--disk", f"{disk}:ata", "--emulator-arg=-machine",
                        "--emulator-arg=isapc,accel=tcg"])
    assert run.status == 0, run
    check_disk(disk)
    check_confirmed(confirmed(run.stdout), read_files(disk, tmp_path / "files"))


@pytest.mark.parametrize("options", (("-t", "ext2", "-b", "4096"), ("-t", "ext2", "-I", "128")),
                         ids=("4096", "old"))
def test_without_journal(tmp_path, boot, options):
    disk = make_disk(tmp_path / "home.img", options=options)
    run = boot("diskload", "some", "0", "20", direct=True, options=["--disk", str(disk)])
    assert run.status == 0, run
    check_disk(disk)
    check_confirmed(confirmed(run.stdout), read_files(disk, tmp_path / "files"))


# Of the tests of calls about files, those that expect what is so in memory only: no blocks
# of numbers, a disk as large as that, times finer than a second.
NOT_ON_DISK = {"sparse", "disk_full", "times"}


@pytest.mark.slow
def test_calls(tmp_path, boot):
    """The tests of the calls about files, with the disk where they work."""
    source = (booting.TOP / "tests/guest/filetests/filetests.h").read_text()
    names = [name for name in re.findall(r"\bX\((\w+)\)", source) if name not in NOT_ON_DISK]
    assert len(names) > 40
    disk = make_disk(tmp_path / "home.img", "192M", ("-t", "ext3", "-b", "4096"))
    run = boot("ondisk", "/bin/filetests", "--pages-vary", "--but", *sorted(NOT_ON_DISK),
               direct=True, timeout=280,
               files=[(booting.guest_program("filetests"), "/bin/filetests")],
               options=["--disk", str(disk), "--memory", "384"])
    assert run.status == 0 and f"{len(names)} passed, 0 failed\n" in run.stdout.decode(), run
    check_disk(disk)


def test_full(tmp_path, boot):
    disk = make_disk(tmp_path / "home.img", "8M")
    run = boot("diskload", "fill", direct=True, options=["--disk", str(disk)])
    assert run.status == 0, run
    check_disk(disk)


def test_no_disks(boot):
    """Nothing waits for a disk that is not there."""
    start = time.monotonic()
    run = boot("hello", direct=True)
    assert run.stdout == booting.HELLO and not run.lines("disk: "), run
    assert time.monotonic() - start < booting.HOST_SECONDS


def test_something_else(tmp_path, boot):
    """A disk without a file system is a device and no more."""
    disk = tmp_path / "zeros.img"
    disk.write_bytes(bytes(1 << 20))
    other = make_disk(tmp_path / "home.img", "4M", ("-t", "ext2"))
    run = boot("hello", direct=True,
               options=["--disk", f"{disk}:ata", "--disk", f"{other}:virtio"])
    assert run.stdout == booting.HELLO, run
    assert run.lines("ext2: virtio0: 4096 blocks"), run
    assert not run.lines("ext2: ata0"), run


@pytest.mark.parametrize("kind", ("virtio", "ata"))
def test_raw(tmp_path, boot, kind):
    """What is written to the device itself changes its own bytes and no others."""
    disk = tmp_path / "zeros.img"
    disk.write_bytes(bytes(1 << 20))
    run = boot("diskraw", f"/dev/{kind}0", direct=True, options=["--disk", f"{disk}:{kind}"])
    assert run.status == 0 and run.stdout == b"right\n", run


def children_of(process):
    """The processes that it has started, those that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == process.pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def kill_in_the_midst(command, seconds, look=None):
    """Runs until some seconds behind the first line, then ends the emulator as
    `kill -9` does. What was on the console: all of it, as boot.py lives on. `look` is called
    some seconds before the end."""
    # Unbuffered: communicate() knows nothing of what readline() has read ahead.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, bufsize=0)
    try:
        console = process.stdout.readline()
        time.sleep(seconds)
        if look is not None:
            look()
            time.sleep(WRITE_BACK_SECONDS + 2)
        for child in children_of(process):
            os.kill(child, signal.SIGKILL)
        console += process.communicate(timeout=booting.HOST_SECONDS)[0]
    finally:
        process.kill()
        process.wait()
    return console


@pytest.mark.slow
@pytest.mark.grows
@pytest.mark.parametrize("kind", ("virtio", "ata"))
def test_killed(tmp_path, kind):
    disk = make_disk(tmp_path / "home.img", "48M")
    generator = random.Random(kind)
    kept = {}
    for number in range(KILLS // 2):
        command = booting.command_for("diskload", "load", str(1000 * (number % 90)), direct=True,
                                      options=["--disk", f"{disk}:{kind}"], timeout=120)
        console = kill_in_the_midst(command, generator.random() * 1.5)
        now = confirmed(console)
        assert now, "nothing was written before the end"
        if number % 2 == 0:
            # The next boot reads the journal by itself; this is a copy's turn.
            copy = tmp_path / "copy.img"
            copy.write_bytes(disk.read_bytes())
        else:
            copy = disk
        mend_disk(copy)
        check_disk(copy)
        files = read_files(copy, tmp_path / f"files{number}")
        check_confirmed(now, files)
        # What an earlier boot confirmed and this one had no reason to touch.
        check_confirmed({name: value for name, value in kept.items()
                         if name not in now and int(name[1:]) // 1000 != number % 90}, files)
        kept = {name: value for name, value in kept.items()
                if int(name[1:]) // 1000 != number % 90} | now
        if len(files) > 400:
            disk, kept = make_disk(disk, "48M"), {}


@pytest.mark.slow
@pytest.mark.parametrize("options", (("-t", "ext3", "-b", "1024"), ("-t", "ext2", "-b", "1024")),
                         ids=("journal", "plain"))
def test_idle(tmp_path, options):
    """What nobody has synced is on the disk some seconds later, though no call has come; and
    then the disk is left alone."""
    disk = make_disk(tmp_path / "home.img", options=options)
    command = booting.command_for("diskload", "idle", "100", "30", direct=True,
                                  options=["--disk", str(disk)], timeout=120)
    settled = []
    console = kill_in_the_midst(command, 2 * WRITE_BACK_SECONDS,
                                lambda: settled.append(disk.read_bytes()))
    kept = confirmed(console)
    assert console.endswith(b"done\r\n") or console.endswith(b"done\n"), console
    assert len(kept) == 30
    assert settled == [disk.read_bytes()], "something is written though nothing changes"
    mend_disk(disk)
    check_disk(disk)
    check_confirmed(kept, read_files(disk, tmp_path / "files"))


@pytest.mark.slow
@pytest.mark.full
def test_idle_and_unmounted(tmp_path, boot):
    """The same writing, while the disk is unmounted, mounted and at last switched off."""
    disk = make_disk(tmp_path / "home.img")
    run = boot("diskload", "churn", direct=True, smp=4, timeout=200,
               options=["--disk", str(disk)])
    assert run.status == 0 and run.stdout.endswith(b"done\n"), run
    check_disk(disk)


def damage(path, generator):
    """Wrong bytes where the file system keeps its own: descriptors, bitmaps, inodes,
    directories, tables of blocks, the journal."""
    about = subprocess.run(["dumpe2fs", path], check=True, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True).stdout
    block = int(re.search(r"Block size: +(\d+)", about)[1])
    inodes = block * int(re.search(r"Inode table at (\d+)", about)[1])
    content = path.read_bytes()
    # A table of blocks, and the journal: numbers that follow each other.
    tables = [at for at in range(0, len(content) - block, block)
              if 0 < int.from_bytes(content[at:at + 4], "little")
              == int.from_bytes(content[at + 4:at + 8], "little") - 1 < len(content) // block]
    journal = [at for at in range(0, len(content), block)
               if content[at:at + 4] == b"\xc0\x3b\x39\x98"]
    places = [(block * (1 if block > 1024 else 2), 64), (inodes, 10 * 256),
              (inodes + 10 * 256, 40 * 256), (inodes - 2 * block, 2 * block), (1024, 264),
              (content.index(b"file1") // block * block, block),
              (content.index(b"short") // block * block, block),
              *((at, block) for at in tables), *((at, 100) for at in journal[:1])]
    with path.open("r+b") as file:
        start, size = generator.choice(places)
        for _ in range(generator.choice((1, 4, 20, 60))):
            file.seek(start + generator.randrange(size))
            file.write(bytes([generator.choice((0, 1, 0x7F, 0xFF, generator.randrange(256)))]))


@pytest.mark.slow
@pytest.mark.grows
def test_damaged(tmp_path, boot):
    """The kernel lives through images of which anything may be wrong."""
    files = tmp_path / "files"
    (files / "a" / "b").mkdir(parents=True)
    for number in range(30):
        (files / "a" / f"file{number}").write_bytes(contents(number, number * 3001))
    (files / "a" / "b" / "link").symlink_to("x" * 100)
    (files / "short").symlink_to("a")
    generator = random.Random(1)
    for _ in range(DAMAGED_BOOTS):
        disks = []
        for number in range(DAMAGED_AT_ONCE):
            options = generator.choice((("-t", "ext3", "-b", "1024"), ("-t", "ext2"),
                                        ("-t", "ext2", "-b", "4096")))
            disk = make_disk(tmp_path / f"disk{number}.img", "4M" if "ext3" in options else "2M",
                             (*options, "-d", str(files)))
            damage(disk, generator)
            disks += ["--disk", str(disk)]
        run = boot("diskwalk", *(f"virtio{number}" for number in range(DAMAGED_AT_ONCE)),
                   direct=True, timeout=120, options=disks)
        assert run.status == 0 and run.stdout.endswith(b"lived\n"), run


def test_socket(tmp_path, boot):
    """What only another system can use is no file to write to."""
    files = tmp_path / "files"
    files.mkdir()
    (files / "x").write_bytes(b"")
    disk = make_disk(tmp_path / "home.img", "2M",
                     ("-t", "ext2", "-O", "^filetype", "-d", str(files)))
    subprocess.run(["debugfs", "-w", "-R", "set_inode_field /x mode 0140644", disk], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run = boot("cp", "/bin/hello", "/home/x", direct=True, options=["--disk", str(disk)])
    assert run.stdout == b"cp: /home/x: No such device or address\n", run
    check_disk(disk)


@pytest.mark.parametrize("circle", ("a", "a/b"))
def test_directories_in_a_circle(tmp_path, boot, circle):
    """Whoever goes up from a directory that is its own parent, or its child's child, ends."""
    files = tmp_path / "files"
    (files / "a" / "b").mkdir(parents=True)
    (files / "x").write_bytes(b"x")
    disk = make_disk(tmp_path / "home.img", "2M", ("-t", "ext2", "-d", str(files)))

    def inode(path):
        told = subprocess.run(["debugfs", "-R", f"stat /{path}", disk], check=True, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        return int(re.search(r"Inode: (\d+)", told)[1]).to_bytes(4, "little")

    content = disk.read_bytes()
    own = inode("a") + b"\x0c\0\x01\x02.\0\0\0"
    assert content.count(own) == 1
    disk.write_bytes(content.replace(own + inode(""), own + inode(circle)))
    run = boot("mv", "/home/x", "/home/a/b/x", direct=True, options=["--disk", str(disk)])
    assert run.status == 1, run
    assert not run.lines("panic"), run
