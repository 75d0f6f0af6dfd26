"""Boot archives with random damage: the kernel takes of them what it can, and runs on.

Each boot has a damaged archive, and behind it a sound one with the program to run.
tests/host/fuzz_archive.c and fuzz_ramfs.c do on the host, millions of times, what is done
with them; here is the whole kernel. A failure names the seed that repeats it.
"""

import io
import random
import tarfile

import booting
import pytest

GROUPS = 8
OF_A_GROUP = 30


def small_archive():
    """Folders, files, links: each kind that the kernel makes files of."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        def add(name, kind, data=b"", target=""):
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname, info.mode = kind, len(data), target, 0o755
            tar.addfile(info, io.BytesIO(data))

        add("etc", tarfile.DIRTYPE)
        add("etc/deep/er/file", tarfile.REGTYPE, b"x" * 700)
        add("link", tarfile.SYMTYPE, target="etc/deep")
        add("link/through", tarfile.REGTYPE, b"through a link")
        add("loop", tarfile.SYMTYPE, target="loop")
        add("n" * 90 + "/" + "m" * 90, tarfile.REGTYPE, b"")
        add("etc", tarfile.REGTYPE, b"in the place of a folder")
        add("large", tarfile.REGTYPE, bytes(range(256)) * 50)
    return bytearray(buffer.getvalue())


def mend_checksums(archive):
    """Damage that the checksum gives away would never come past it."""
    for at in range(0, len(archive) - 511, 512):
        if archive[at + 257:at + 262] == b"ustar":
            archive[at + 148:at + 156] = b" " * 8
            archive[at + 148:at + 156] = b"%06o\0 " % sum(archive[at:at + 512])


def damage(archive, chance):
    headers = [at for at in range(0, len(archive) - 511, 512)
               if archive[at + 257:at + 262] == b"ustar"]
    # Name, mode, size, type, target, prefix: where damage means something
    fields = ((0, 100), (100, 8), (124, 12), (156, 1), (157, 100), (345, 155))
    for _ in range(chance.randint(1, 12)):
        at, size = chance.choice(fields)
        values = chance.choice((b"/.\0", b"01234567", b"0125", bytes(range(256))))
        archive[chance.choice(headers) + at + chance.randrange(size)] = chance.choice(values)
    if chance.random() < 0.8:
        mend_checksums(archive)
    if chance.random() < 0.2:
        del archive[chance.randrange(1, len(archive)):]
    return archive


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.parametrize("group", range(GROUPS))
def test_boots_with_a_damaged_archive(group, tmp_path):
    (tmp_path / "postern.elf").symlink_to(booting.BUILD / "postern.elf")
    for seed in range(group * OF_A_GROUP, (group + 1) * OF_A_GROUP):
        (tmp_path / "system.tar").write_bytes(damage(small_archive(), random.Random(seed)))
        run = booting.boot("/sound/hello", direct=True, iso=tmp_path / "postern.iso", files=(
            (booting.BUILD / "root" / "bin" / "hello", "/sound/hello"),))
        assert (run.status, run.stdout) == (0, booting.HELLO), (seed, run)
