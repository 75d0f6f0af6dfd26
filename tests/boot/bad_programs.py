#!/usr/bin/env python3
"""Makes the files that are no programs, for tests/guest/usertests/programs.c.

    bad_programs.py FOLDER

Each is a program that runs (`good`: it exits with status 42) with one thing
changed. Some run all the same. The guest expects them as /bad/NAME. `large` runs, too: sharing.c changes it.
"""

import struct
import sys
from pathlib import Path

BASE = 0x00400000
HEADER = 52
PROGRAM_HEADER = 32
LOAD, DYNAMIC_LINKER, NOTE = 1, 3, 4
EXECUTE, WRITE, READ = 1, 2, 4

# mov eax, SYS_exit; push 42; push 0 (a return address); int 99
SYS_EXIT = 4
# mov eax, SYS_unmap_all; push 0; int 99
SYS_UNMAP_ALL = 30
UNMAP_ALL = struct.pack("<BI", 0xB8, SYS_UNMAP_ALL) + bytes((0x6A, 0, 0xCD, 99))
CODE = struct.pack("<BI", 0xB8, SYS_EXIT) + bytes((0x6A, 42, 0x6A, 0, 0xCD, 99, 0x0F, 0x0B))


def header(count, **changes):
    fields = dict(magic=b"\x7fELF", bits=1, order=1, ident_version=1, type=2, machine=3,
                  version=1, entry=BASE + HEADER + count * PROGRAM_HEADER, offset=HEADER,
                  sections=0, flags=0, size=HEADER, entry_size=PROGRAM_HEADER, count=count)
    fields.update(changes)
    return struct.pack("<4sBBB9xHHIIIIIHHHHHH", *(fields[name] for name in (
        "magic", "bits", "order", "ident_version", "type", "machine", "version", "entry",
        "offset", "sections", "flags", "size", "entry_size", "count")), 0, 0, 0)


def segment(**changes):
    fields = dict(type=LOAD, offset=0, address=BASE, physical=0, file_size=0x100,
                  memory_size=0x100, flags=READ | EXECUTE, align=0x1000)
    fields.update(changes)
    return struct.pack("<8I", *fields.values())


def program(segments=None, code=b"", **changes):
    segments = [segment()] if segments is None else segments
    image = header(**{"count": len(segments), **changes}) + b"".join(segments) + code + CODE
    return image.ljust(max(0x100, len(image)), b"\0")


def program_at(base, size=0x100, code=b""):
    return program([segment(address=base, memory_size=size, flags=READ | EXECUTE)],
                   entry=base + HEADER + PROGRAM_HEADER, code=code)


DATA = dict(flags=READ | WRITE)
FAR = BASE + 0x10000


def files():
    yield "good", program()
    # Where else a stack is, and where map() puts what it makes.
    yield "on_the_stack", program([segment(), segment(address=0xBFF00000, file_size=0, **DATA)])
    yield "below_the_stack", program([
        segment(), segment(address=0xBF7FF000, file_size=0, memory_size=0x1001, **DATA)])
    yield "at_the_end", program_at(0xBFFFF000, size=0x1000)
    yield "at_the_beginning", program_at(0x10000)
    yield "in_the_middle", program_at(0x50000000, code=UNMAP_ALL)
    yield "large", program([segment(file_size=0x3000, memory_size=0x3000)]).ljust(0x3000, b"\xee")
    yield "empty", b""
    yield "garbage", bytes(i * 167 % 251 for i in range(5000))
    yield "text", b"#!/bin/sh\necho no program\n"
    yield "short_header", program()[:HEADER - 1]
    yield "short_program_headers", program()[:HEADER + PROGRAM_HEADER - 1]
    yield "short_segment", program()[:0xFF]
    yield "class_64", program(bits=2)
    yield "big_endian", program(order=2)
    yield "machine", program(machine=62)
    yield "shared_object", program(type=3)
    yield "relocatable", program(type=1)
    yield "no_program_headers", program(count=0)
    yield "huge_header_count", program(count=0xFFFF)
    yield "huge_header_offset", program(offset=0xFFFFFFF0)
    yield "header_size", program(entry_size=16)
    yield "overlapping", program([segment(), segment(address=BASE + 0x80, offset=0x80,
                                                     file_size=0x80, **DATA)])
    yield "kernel_address", program([segment(), segment(address=0xC0000000, **DATA)])
    yield "kernel_end", program([segment(), segment(address=0xBFFFFF80, align=1, **DATA)])
    yield "wraps", program([segment(), segment(address=0xFFFFF000, memory_size=0x2000, **DATA)])
    yield "below_64k", program([segment(), segment(address=0xF000, memory_size=0x2000, **DATA)])
    yield "null_page", program([segment(), segment(address=0, **DATA)])
    yield "file_larger", program([segment(memory_size=0x80)])
    yield "huge_memory", program([segment(), segment(address=FAR, memory_size=0xFFFFFFFF, **DATA)])
    yield "entry_outside", program(entry=BASE + 0x100)
    yield "entry_kernel", program(entry=0xC0100000)
    yield "entry_in_data", program([segment(flags=READ | WRITE)])
    # Well formed, but there is no room for a stack.
    yield "everywhere", program([segment(), segment(address=0x700000, file_size=0,
                                                    memory_size=0xBF900000, **DATA)])
    yield "dynamic", program([segment(), segment(type=DYNAMIC_LINKER)])
    yield "nothing_to_load", program([segment(type=NOTE)])
    yield "many_segments", program([segment()] + [
        segment(address=FAR + i * 0x1000, file_size=0, **DATA) for i in range(200)])


def make(folder):
    """Writes them; returns (host path, guest path) for each."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pairs = []
    for name, image in files():
        (folder / name).write_bytes(image)
        (folder / name).chmod(0o755)
        pairs.append((folder / name, f"/bad/{name}"))
    return pairs


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    make(sys.argv[1])
