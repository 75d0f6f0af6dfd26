"""Builds the C tests and fuzzers of this folder for the host.

The first line of each says what it is built from:

    // build: kernel/format.c -DNAME=1

sources (from the top of the tree) and flags beside the file itself; for a
fuzzer the word is `fuzz`. What all of them need is added here. What begins with
`clang` is a whole command instead, to which only -g and -o are added. It may go
on in further lines of `//`.

FILES_SOURCES stands for what files_around.h wants.

Used by test_c.py and run_fuzzers.py. Everything is built into build/host/, again
only when a file that went into it is newer.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
OUT = TOP / "build" / "host"

CLANG = os.environ.get("HOST_CLANG", "clang")
# -idirafter: of libroot's headers only those that libc has not, as <postern/errno.h>.
COMMON = [
    "-std=gnu11", "-g", "-O1", "-fno-omit-frame-pointer", "-fno-common",
    "-Wall", "-Wextra", "-Werror", "-Wno-unused-function",
    "-fno-sanitize-recover=all",
    "-I.", "-Itests/host/include", "-idirafter", "libroot/include",
]
# The root file system, with the constants of syscalls.def that its sources include.
GENERATED = OUT / "generated"
FILES_SOURCES = [
    *(f"kernel/{name}.c" for name in (
        "archive", "ramfs", "name_table", "name_cache", "vfs", "vnode", "mount", "path",
        "open_file", "page_allocator")),
    "tests/host/locks.c", f"-I{GENERATED.relative_to(TOP)}", "-DPOSTERN_DEBUG=1",
]
KINDS = {"build": "address,undefined", "fuzz": "fuzzer,address,undefined"}


class BuildError(Exception):
    """What the compiler said, or what is wrong with the first line."""


def build(source: Path, kind: str) -> Path:
    """The up-to-date program of `source`; kind is `build` or `fuzz`."""
    words = read_build_line(source, kind)

    if "FILES_SOURCES" in words:
        words.remove("FILES_SOURCES")
        words += FILES_SOURCES
        generate()
    program = OUT / source.stem
    dependencies = OUT / f"{source.stem}.d"
    if words[:1] == ["clang"]:
        command = [CLANG, "-g", *words[1:]]
    else:
        command = [CLANG, f"-fsanitize={KINDS[kind]}", *COMMON,
                   str(source.relative_to(TOP)), *words]
    command += ["-o", str(program)]
    if not is_stale(program, dependencies, command):
        return program

    OUT.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, cwd=TOP, text=True, capture_output=True)
    if done.returncode != 0:
        raise BuildError(f"{shlex.join(command)}\n{done.stderr}")
    # Asked for apart: with several sources -MMD would keep the last one's only.
    words = [word for word in command[:-2] if not word.startswith("-fsanitize")]
    listed = subprocess.run([*words, "-M"], cwd=TOP, text=True, capture_output=True)
    dependencies.write_text(shlex.join(command) + "\n" + "\n".join(parse_rules(listed.stdout)))
    return program


def generate():
    """The files that syscalls.def makes; only those that change are written."""
    done = subprocess.run(
        [sys.executable, "tools/gensyscalls.py", "--output", str(GENERATED), "syscalls.def"],
        cwd=TOP, text=True, capture_output=True)
    if done.returncode != 0:
        raise BuildError(done.stderr)


def read_build_line(source: Path, kind: str) -> list[str]:
    """The words of the comment in which the file begins."""
    prefix = f"// {kind}:"
    lines = source.read_text(encoding="utf-8").splitlines()
    if not lines or not lines[0].startswith(prefix):
        raise BuildError(f"{source.name}:1:1: the first line must be `{prefix} SOURCES FLAGS`")
    words = shlex.split(lines[0][len(prefix):])
    for line in lines[1:]:
        if not line.startswith("//"):
            break
        words += shlex.split(line[2:])
    return words


def parse_rules(text: str) -> list[str]:
    """The prerequisites of make rules as compilers write them."""
    words = text.replace("\\\n", " ").split()
    return sorted({word for word in words if not word.endswith(":")})


def is_stale(program: Path, dependencies: Path, command: list[str]) -> bool:
    try:
        built = program.stat().st_mtime
        first, *files = dependencies.read_text().splitlines()
        return first != shlex.join(command) or not files or any(
            (TOP / name).stat().st_mtime > built for name in files)
    except (OSError, ValueError):
        return True


def run_fuzzer(program: Path, seconds: int) -> subprocess.CompletedProcess:
    """Runs a fuzzer for `seconds`; its corpus stays in build/host/ and grows.

    The status is 0 unless it found something; the input that did it is kept
    beside the program, named in the output.
    """
    corpus = OUT / "corpus" / program.name
    corpus.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        [program, corpus, f"-max_total_time={seconds}", "-max_len=8192", "-timeout=10",
         "-rss_limit_mb=1024", "-verbosity=0", "-print_final_stats=1",
         f"-artifact_prefix={OUT}/{program.name}."],
        cwd=TOP, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
