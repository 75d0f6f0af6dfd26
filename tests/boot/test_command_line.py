"""Options of the kernel, the first program with its arguments, and what ends a
run: each with GRUB's ISO, where not said otherwise."""

import subprocess
import time

import pytest

import booting

BOTH_LOADERS = pytest.mark.parametrize("direct", (False, True), ids=("grub", "direct"))


# ---- Options ---------------------------------------------------------------------

@BOTH_LOADERS
def test_unknown_option(boot, direct):
    run = boot("hello", direct=direct, append="nonsense=1 blah")
    assert (run.stdout, run.status) == (booting.HELLO, 0), run
    warnings = run.lines("options: ")
    assert len(warnings) == 2 and "nonsense=1" in warnings[0] and "blah" in warnings[1], run
    assert booting.entry_used(run) == "sysenter"


def test_bad_value(boot):
    run = boot("hello", append="syscall=maybe")
    assert (run.stdout, run.status) == (booting.HELLO, 0), run
    assert "syscall=maybe" in run.lines("options: ")[0]
    assert booting.entry_used(run) == "sysenter"


def test_loglevel(boot):
    levels = {level: boot("hello", direct=True, append=f"loglevel={level}")
              for level in ("error", "warn", "info", "debug")}
    for level, run in levels.items():
        assert (run.stdout, run.status) == (booting.HELLO, 0), run
        is_quiet = level in ("error", "warn")
        assert len(run.lines("cpu: ")) == len(run.lines("syscall: ")) == (0 if is_quiet else 1)
    # Nothing but the line from which boot.py has the status.
    assert levels["error"].log == "power: off, status 0\n"
    assert len(levels["debug"].log) > len(levels["info"].log)

    run = boot("hello", direct=True, append="loglevel=error nonsense")
    assert run.lines("options: ") == []
    run = boot("hello", direct=True, append="loglevel=warn nonsense")
    assert len(run.lines("options: ")) == 1


# ---- The program -----------------------------------------------------------------

def test_default_program(boot):
    run = boot(options=["--append", "init=/bin/hello"])
    assert (run.stdout, run.status) == (booting.HELLO, 0), run


@BOTH_LOADERS
@pytest.mark.parametrize("program", ("no_such_program", "/nowhere/hello", "/bin"))
def test_no_program(boot, program, direct):
    run = boot(program, direct=direct)
    assert (run.stdout, run.status) == (b"", booting.NO_PROGRAM), run
    path = program if program.startswith("/") else f"/bin/{program}"
    assert any(path in line for line in run.lines("process: ")), run


def damaged(tmp_path):
    """(name, what is wrong in the log, bytes) of files that are no programs."""
    good = (booting.BUILD / "root" / "bin" / "hello").read_bytes()

    def patched(offset, *values):
        return good[:offset] + bytes(values) + good[offset + len(values):]

    return (
        ("empty", "too short", b""),
        ("text", "too short", b"#!/bin/sh\necho no\n"),
        ("random", "not an ELF file", bytes(range(256)) * 64),
        ("cut", "", good[:60]),
        ("elf64", "32-bit", patched(4, 2)),
        ("arm", "i386", patched(18, 40, 0)),
        ("shared", "-static", patched(16, 3, 0)),
        # e_entry outside every segment, in the kernel's half
        ("entry", "entry", patched(24, 0, 0, 0, 0xD0)),
    )


def test_garbage(boot, tmp_path):
    for name, reason, content in damaged(tmp_path):
        file = tmp_path / name
        file.write_bytes(content)
        run = boot(name, direct=True, files=[(file, f"/bin/{name}")])
        assert (run.stdout, run.status) == (b"", booting.NO_PROGRAM), run
        line, = run.lines(f"process: /bin/{name}: ")
        assert reason in line, run


@BOTH_LOADERS
def test_files(boot, tmp_path, direct):
    """A file goes where it is told to, and over one of the image."""
    hello = booting.BUILD / "root" / "bin" / "hello"
    run = boot("/some/where else/h", direct=direct, files=[(hello, "/some/where else/h")])
    assert (run.stdout, run.status) == (booting.HELLO, 0), run
    on = booting.BUILD / "root" / "bin" / "is_computer_on"
    run = boot("hello", direct=direct, files=[(on, "/bin/hello")])
    assert (run.stdout, run.status) == (b"The computer is on\n", 0), run


# ---- Arguments --------------------------------------------------------------------

def parse_arguments(run):
    assert run.status == 0, run
    first, *middle, last = run.stdout.decode().splitlines()
    assert last == "end NULL, environment empty", run
    words = [bytes.fromhex(line.removeprefix("argv")) for line in middle]
    assert first == f"argc {len(words)}", run
    return words


ARGUMENTS = (
    [],
    ["one", "two", "three"],
    ["a b", "  leading", "trailing  ", "   "],
    ["", "between", "", ""],
    ['"', "'", '"quoted"', "it's", "\"a' b\"", "\\", "a\\b", "\\\\", 'back\\" slash'],
    ["$HOME", "${run}", "*", "?", "#", ";", "&", "|", "<", ">", "(", ")", "{", "}", "!", "~", "`"],
    ["--", "-x", "syscall=int", "init=/bin/hello", "loglevel=error"],
    ["caf\u00e9", "\u20ac", "tab\there"],
    ["x" * 400, "y" * 400],
    [f"{number}" for number in range(60)],
)


@BOTH_LOADERS
@pytest.mark.parametrize("arguments", ARGUMENTS, ids=range(len(ARGUMENTS)))
def test_arguments(boot, arguments, direct):
    words = parse_arguments(boot("args", *arguments, direct=direct))
    assert words == [b"/bin/args", *(word.encode() for word in arguments)]


@pytest.mark.slow
@pytest.mark.grows
def test_arguments_elsewhere(boot):
    arguments = ["a b", 'quo"te', "it's", "", "\\", "last"]
    expected = [b"/bin/args", *(word.encode() for word in arguments)]
    assert parse_arguments(boot("args", *arguments, emulator="bochs")) == expected
    if booting.FULL:
        run = boot("args", *arguments, options=["--firmware", "ovmf"], timeout=120)
        assert parse_arguments(run) == expected


# ---- The end -----------------------------------------------------------------------

STATUSES = range(124) if booting.FULL else (0, 1, 2, 63, 64, 122, 123)


@pytest.mark.parametrize("status", STATUSES)
def test_status(boot, status):
    run = boot("status", str(status), direct=True)
    assert run.status == status, run
    assert run.lines("process: ") == []
    assert run.log.endswith(f"power: off, status {status}\n")


def test_status_elsewhere(boot):
    assert boot("status", "42").status == 42
    assert boot("status", "42", emulator="bochs").status == 42
    assert boot("status", "42", syscall="int").status == 42
    assert boot("status", "42", cpu="486").status == 42


@pytest.mark.parametrize("status,seen", ((-1, 255), (124, 124), (127, 127), (255, 255),
                                         (512 + 125, 125)))
def test_status_of_the_machine(boot, status, seen):
    """124 and more are the machine's own words: a program cannot say them."""
    run = boot("status", str(status), direct=True)
    assert run.status == 123, run
    assert f"status {seen} " in run.lines("process: ")[0]


def test_status_has_eight_bits(boot):
    assert boot("status", "256", direct=True).status == 0
    assert boot("status", str(-256 + 42), direct=True).status == 42


@pytest.mark.parametrize("machine", ({"direct": True}, {"emulator": "bochs"}),
                         ids=("qemu", "bochs"))
def test_time_limit(boot, machine):
    began = time.monotonic()
    run = boot("spin", timeout=4, **machine)
    assert run.status == booting.TIME_LIMIT, run
    assert 3 < time.monotonic() - began < 20
    assert run.lines("boot.py: time limit"), run


def test_not_started(boot, tmp_path):
    assert boot("hello", cpu="no_such_cpu").status == booting.NOT_STARTED
    assert boot("hello", iso=tmp_path / "none.iso").status == booting.NOT_STARTED
    assert boot("hello", options=["--no-such-option"]).status == booting.NOT_STARTED


# ---- The console ---------------------------------------------------------------------

def expected_bytes():
    block = bytes((index + index // 256) & 0xFF for index in range(8192))
    return b"".join(block[:size] + block[:size - 1]
                    for size in (1 << power for power in range(14)))


@pytest.mark.parametrize("machine", ({}, {"emulator": "bochs"}, {"syscall": "int"}),
                         ids=("qemu", "bochs", "int"))
def test_every_byte(boot, machine):
    run = boot("bytes", **machine)
    assert run.status == 0, run.status
    assert run.stdout == expected_bytes()


def test_slow_reader():
    """What is written while nobody reads is not lost."""
    process = subprocess.Popen(booting.command_for("bytes", direct=True),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    time.sleep(1.5)
    assert process.stdout.read() == expected_bytes()
    assert process.wait(booting.HOST_SECONDS) == 0


def test_input(boot):
    """Input that nobody reads, more than any buffer holds, disturbs nothing."""
    run = boot("hello", stdin=b"typed ahead\n" * 20000, direct=True)
    assert (run.stdout, run.status) == (booting.HELLO, 0), run


def test_input_stays_open():
    """A run ends with its program, not with its input."""
    process = subprocess.Popen(booting.command_for("hello", direct=True),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    assert process.stdout.read() == booting.HELLO
    assert process.wait(booting.HOST_SECONDS) == 0
    process.stdin.close()
