"""The archives of a run: the files of --file, and the run disk.

The run disk is a bare tar archive on a second disk. GRUB finds it by its
/postern-run.cfg (iso/grub.cfg) and boots what that says, so that one ISO
serves every run and is never written.
"""

import io
import os
import tarfile

from bootlib import command_line
from bootlib.errors import BootError

# GRUB's echo puts it on every port that EFI firmware has for its console. What
# comes before it there is the firmware's and GRUB's, and not the kernel's.
FIRMWARE_END = b"<<postern starts here>>"


def parse_file_option(text):
    """HOST:GUEST, split at the last colon, so that HOST may have one."""
    host, colon, guest = text.rpartition(":")
    if colon == "" or host == "":
        raise BootError(f"--file {text}: HOST:GUEST is wanted")
    if not guest.startswith("/") or guest.endswith("/"):
        raise BootError(f"--file {text}: {guest!r} is not an absolute path of a file")
    if ".." in guest.split("/"):
        raise BootError(f"--file {text}: {guest!r} has a .. in it")
    return host, guest


BLOCK = 512
PAGE = 4096


def _filler(size):
    """A pax header for all that follows, which says nothing: `size` bytes, from 1024 on."""
    header = tarfile.TarInfo("filler")
    header.type = tarfile.XGLTYPE
    header.size = size - BLOCK
    begin = b"%d comment=" % header.size
    content = begin + b" " * (header.size - len(begin) - 1) + b"\n"
    return header.tobuf(tarfile.USTAR_FORMAT) + content


def align_programs(data):
    """The archive with the bytes of its programs on whole pages, so that the kernel can
    map them where they lie."""
    parts = []
    at = used = 0
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            if not (member.isreg() and member.mode & 0o111 and member.size >= PAGE):
                continue
            parts.append(data[at:member.offset])
            used += member.offset - at
            missing = -(used + BLOCK) % PAGE
            if missing > 0:
                parts.append(_filler(missing if missing > BLOCK else missing + PAGE))
                used += len(parts[-1])
            at = member.offset
    return b"".join((*parts, data[at:]))


def _add(archive, name, content, mode):
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = mode
    archive.addfile(entry, io.BytesIO(content))


def make_files_archive(files):
    """A ustar archive of (host path, guest path) pairs; later ones win."""
    latest = dict((guest, host) for host, guest in files)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for guest, host in latest.items():
            try:
                with open(host, "rb") as file:
                    content = file.read()
                executable = os.access(host, os.X_OK)
            except OSError as error:
                raise BootError(f"--file {host}: {error.strerror}") from error
            name = "/".join(part for part in guest.split("/") if part not in ("", "."))
            try:
                _add(archive, name, content, 0o755 if executable else 0o644)
            except ValueError as error:
                raise BootError(f"--file {host}:{guest}: {error}") from error
    return align_programs(stream.getvalue())


def make_run_config(words, has_files, firmware_uses_serial):
    lines = [
        "multiboot2 /boot/postern.elf "
        + " ".join(command_line.quote_for_grub(word) for word in words),
        "module2 /boot/system.tar system.tar",
        "gfxpayload=$video",
    ]
    if has_files:
        lines.append("module2 ($run)/files.tar files.tar")
    if firmware_uses_serial:
        # On a line of its own, so that the terminal does not wrap it.
        lines += ["echo", f"echo -n '{FIRMWARE_END.decode()}'"]
    # When that fails the menu must not start another program instead.
    lines += ["boot", "halt"]
    return "\n".join(lines) + "\n"


def make_run_disk(config, files, sectors_multiple=1):
    """The disk's content; its size a multiple of that many 512-byte sectors."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        _add(archive, "postern-run.cfg", os.fsencode(config), 0o644)
        if files is not None:
            _add(archive, "files.tar", files, 0o644)
    content = stream.getvalue()
    unit = sectors_multiple * 512
    return content + bytes(-len(content) % unit)
