#!/usr/bin/env python3
"""Mutates definition files and watches how tools/gensyscalls.py takes them.

Called by test_gensyscalls.py for a moment, and by hand for longer:

    tests/host/fuzz_gensyscalls.py --seconds 600 --seed 7

What must hold for every input: no traceback, exit status 0 or 1, complaints
exactly when it is 1, each a `FILE:LINE:COLUMN: problem; mend` on one line that
points into the file, in order. What is accepted must also render. The same seed
gives the same inputs; one that fails is kept, and its path printed.
"""

import argparse
import importlib.util
import random
import re
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
GENERATOR = REPOSITORY / "tools/gensyscalls.py"
SEEDS = [REPOSITORY / "syscalls.def", REPOSITORY / "tests/host/gensyscalls/every_annotation.def"]

SNIPPETS = [
    snippet.encode("utf-8")
    for snippet in """\
        ( ) [ ] { } , ; : ? * = - << / // /// /* */ \\ " ' # @ . %
        int void char const struct bool off_t size_t uint64_t unsigned long flags enum retired errors
        [in] [out?] [inout:n] [in:size] [string] [strings?] [flags:OPEN] [enum:X] [in:0] [in:-1] EIO ENOSYS
        0 1 0x 0xffffffff 0x100000000 08 99999999999999999999 1<<31 _ __x SYS_x eax NULL i386
        \u00e9 \u4e2d \u2028 \u0085 \ufeff \U0001f600""".split()
] + [b"\n", b"\r\n", b"\r", b"\t", b" ", b"\0", b"\x0b", b"\x0c", b"\x1b", b"\x7f", b"\xed\xa0\x80"]

COMPLAINT = re.compile(r"([^:\n]+):([1-9][0-9]*):([1-9][0-9]*): [^\n]+; [^\n]+")


def load_generator():
    spec = importlib.util.spec_from_file_location("gensyscalls", GENERATOR)
    module = importlib.util.module_from_spec(spec)
    sys.modules["gensyscalls"] = module
    spec.loader.exec_module(module)
    return module


def mutate(data, other, choose):
    """One to a few random changes to `data`, pieces of `other` among them."""
    data = bytearray(data)
    for _ in range(choose.choice([1, 1, 2, 3, 8, 30])):
        place = choose.randrange(len(data) + 1)
        length = min(choose.choice([1, 1, 2, 5, 20, 200]), len(data) - place)
        kind = choose.randrange(8)
        if kind == 0:
            del data[place : place + length]
        elif kind == 1:
            data[place:place] = choose.choice(SNIPPETS)
        elif kind == 2:
            data[place : place + length] = choose.choice(SNIPPETS)
        elif kind == 3 and place < len(data):
            data[place] = choose.randrange(256 if choose.randrange(8) == 0 else 128)
        elif kind == 4:
            data[place:place] = data[place : place + length] * choose.choice([1, 2, 50])
        elif kind == 5:
            start = choose.randrange(len(other) + 1)
            data[place:place] = other[start : start + 80]
        elif kind == 6 and choose.randrange(4) == 0:
            del data[place:]
        elif kind == 7:
            lines = bytes(data).split(b"\n")
            choose.shuffle(lines)
            data = bytearray(b"\n".join(lines)) if choose.randrange(4) == 0 else data
    return bytes(data[:50000])


def check_complaints(lines, data):
    """None, or what is wrong with the complaints about `data`."""
    text = data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    last = (0, 0)
    for line in lines:
        match = COMPLAINT.fullmatch(line)
        if match is None:
            return f"malformed complaint: {line!r}"
        place = (int(match[2]), int(match[3]))
        if match[1].endswith(".def"):
            if place[0] > len(text) or place[1] > len(text[place[0] - 1]) + 1:
                return f"complaint about a place beyond the file: {line!r}"
            if place < last:
                return f"complaints out of order: {line!r}"
            last = place
    return None


def try_in_process(generator, errors, lock, data):
    """None, or how the parser, the lock check or a renderer misbehaved."""
    try:
        diagnostics = generator.Diagnostics()
        definitions, sure = generator.parse(data, errors, diagnostics)
        if not diagnostics.found:
            for render in generator.OUTPUTS.values():
                render(definitions).encode("utf-8")
            written = generator.render_lock(definitions).encode("utf-8")
            again = generator.parse_lock(written, "x.lock", diagnostics)
            generator.check_lock(definitions, again, generator.Token("end", "", 1, 1), diagnostics)
            if diagnostics.found:
                return "its own lock is refused"
        if sure:
            locked = generator.parse_lock(lock, "x.lock", generator.Diagnostics())
            list(generator.describe_lock_changes(definitions, locked))
            generator.check_lock(definitions, locked, generator.Token("end", "", 1, 1), diagnostics)
        return check_complaints(list(diagnostics.lines("x.def")), data)
    except Exception:
        return traceback.format_exc()


def try_process(folder, data):
    """None, or how the program as a whole misbehaved."""
    path = folder / "x.def"
    path.write_bytes(data)
    result = subprocess.run(
        ["/usr/bin/python3", GENERATOR, "--output", folder / "out", path.name],
        cwd=folder,
        capture_output=True,
    )
    complaints = result.stderr.decode("utf-8").split("\n")[:-1]
    if result.returncode not in (0, 1) or (result.returncode == 1) != bool(complaints):
        return f"status {result.returncode}: {result.stderr.decode('utf-8', 'replace')}"
    return check_complaints(complaints, data)


def run(seed, seconds, rounds=None, processes=0, folder=None):
    """Fuzzes until the time or the rounds are over, `processes` of them with
    the whole program; returns how many inputs there were, or raises."""
    generator = load_generator()
    errors = generator.read_errors((REPOSITORY / "libroot/include/postern/errno.h").read_text())
    folder = Path(folder or tempfile.mkdtemp(prefix="fuzz_gensyscalls."))
    choose = random.Random(seed)
    originals = [path.read_bytes() for path in SEEDS]
    pool = list(originals)
    unmarked, _ = generator.parse(originals[1], errors, generator.Diagnostics())
    lock = generator.render_lock(unmarked).encode("utf-8")
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end and (rounds is None or count < rounds):
        data = mutate(choose.choice(pool), choose.choice(originals), choose)
        problem = try_in_process(generator, errors, lock, data)
        if problem is None and count < processes:
            problem = try_process(folder, data)
        if problem is not None:
            path = folder / "failed.def"
            path.write_bytes(data)
            raise AssertionError(f"seed {seed}, input {count}, kept as {path}: {problem}")
        # Now and then go on from what came out, back to the originals mostly.
        if choose.randrange(20) == 0:
            pool = originals + [data] + pool[len(originals) :][:10]
        count += 1
    return count


def main():
    parser = argparse.ArgumentParser(description="Fuzz tools/gensyscalls.py.")
    parser.add_argument("--seconds", type=float, default=60, help="(60)")
    parser.add_argument("--seed", type=int, default=1, help="(1)")
    options = parser.parse_args()
    try:
        count = run(options.seed, options.seconds, processes=50)
    except AssertionError as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"{count} inputs, no traceback")
    return 0


if __name__ == "__main__":
    sys.exit(main())
