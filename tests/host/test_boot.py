"""tools/boot.py without an emulator: its pure parts, and its streams against a
stand-in for QEMU that speaks on the same sockets."""

import fcntl
import io
import os
import pty
import random
import re
import signal
import struct
import subprocess
import sys
import tarfile
import termios
import time

import pytest

TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools")
BOOT = os.path.join(TOOLS, "boot.py")
sys.path.insert(0, TOOLS)

import boot  # noqa: E402
from bootlib import accelerator, archive, bochs, command_line, qemu, session  # noqa: E402
from bootlib.errors import BootError  # noqa: E402

# ---- Options ---------------------------------------------------------------


def test_everything_behind_the_program_is_the_programs():
    options = boot.parse(["--cpu", "486", "hello", "--cpu", "-n", "--", "x"])
    assert options.cpu == "486"
    assert options.program == "hello"
    assert options.arguments == ["--cpu", "-n", "--", "x"]


def test_defaults_are_the_contracts():
    options = boot.parse([])
    assert options.program is None and options.arguments == []
    assert (options.emulator, options.accel, options.smp, options.memory) == (
        "qemu",
        "auto",
        1,
        128,
    )
    assert options.timeout == 60 and options.syscall is None
    assert options.iso.endswith(os.path.join("build", "postern.iso"))
    assert boot.parse(["--gdb"]).timeout == 0
    assert boot.parse(["--gdb", "--timeout", "5"]).timeout == 5


def test_a_disk_and_how_it_is_attached():
    options = boot.parse(["--disk", "a.img", "--disk", "b:c.img:ata", "--disk", "d:virtio"])
    assert options.disk == [("a.img", None), ("b:c.img", "ata"), ("d", "virtio")]
    assert boot.parse([]).disk == []


def test_bochs_counts_a_disk_by_its_geometry(tmp_path):
    disk = tmp_path / "disk"
    for size in (1 << 20, 64 << 20, 63 * 512 * 5):
        with disk.open("wb") as file:
            file.truncate(size)
        cylinders, heads, sectors = bochs.geometry(str(disk))
        assert cylinders * heads * sectors * 512 == size
    disk.write_bytes(b"odd")
    with pytest.raises(BootError):
        bochs.geometry(str(disk))


def test_a_program_may_stand_behind_two_dashes():
    assert boot.parse(["--", "hello", "x"]).program == "hello"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nonsense"],
        ["--smp", "0"],
        ["--disk", ":ata"],
        ["--memory", "x"],
        ["--timeout", "-1"],
        ["--timeout", "nan"],
        ["--emulator", "none"],
        ["--direct", "--firmware", "ovmf"],
        ["--direct", "--boot-as", "disk"],
        [""],
        ["--cp", "486"],
    ],
)
def test_a_usage_error_is_not_a_programs_status(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        boot.parse(arguments)
    assert caught.value.code == 126
    assert "boot.py: " in capsys.readouterr().err


# ---- The kernel's command line ---------------------------------------------


def grub_lex(line):
    """The words of one line of a GRUB script, as far as quotes go: '...' takes
    everything, "..." knows backslashes and variables, a backslash outside takes
    the next character. Characters that mean something else must be quoted."""
    words, word, position = [], None, 0
    while position < len(line):
        character = line[position]
        position += 1
        if character in " \t":
            if word is not None:
                words.append(word)
                word = None
            continue
        word = "" if word is None else word
        if character == "'":
            end = line.index("'", position)
            word += line[position:end]
            position = end + 1
        elif character == '"':
            end = line.index('"', position)
            inside = line[position:end]
            assert "\\" not in inside and "$" not in inside
            word += inside
            position = end + 1
        else:
            assert character not in "\\$;|&<>{}#\n", f"{character!r} is not quoted"
            word += character
    if word is not None:
        words.append(word)
    return words


def grub_join(words):
    """What GRUB hands to a kernel: grub_create_loader_cmdline in words."""
    joined = []
    for word in words:
        text = "".join("\\" + c if c in "\\'\"" else c for c in word)
        joined.append(f'"{text}"' if " " in word else text)
    return " ".join(joined)


def through_grub(words):
    line = " ".join(map(command_line.quote_for_grub, words))
    return command_line.split(grub_join(grub_lex(line)))


def directly(words):
    return command_line.split(boot.parse([]).direct_line(words))


HARD_WORDS = [
    [""],
    ["", "", "a", ""],
    ["a b", " ", "  x  "],
    ["it's", '"', "''", '"\'"', "\\", "\\\\", "\\'", '\\"', "a\\ b", 'say "hi there"'],
    ["$x;y", "${x}", "#c", "{", "}", "|", "&", "<", ">", "*", "?", "~", "`id`", "!"],
    ["tab\there", "\t"],
    ["grüße", "€ 5", "日本"],
    ["--", "-n", "--x=y", "="],
    [os.fsdecode(b"\xff\xfe raw")],
]


@pytest.mark.parametrize("way", [through_grub, directly])
@pytest.mark.parametrize("words", HARD_WORDS)
def test_words_arrive_as_they_left(way, words):
    assert way(words) == words


@pytest.mark.parametrize("way", [through_grub, directly])
def test_random_words_arrive_as_they_left(way):
    source = random.Random(99)
    for _ in range(3000):
        words = [
            "".join(source.choice("ab \\\"'$;{}#\té=-") for _ in range(source.randrange(6)))
            for _ in range(source.randrange(5))
        ]
        assert way(words) == words


def test_the_kernels_words():
    words = command_line.kernel_words("hello", ["a b"], "int", ['x="1 2" y'], True)
    assert words == ["init=/bin/hello", "syscall=int", "hold=1", "x=1 2", "y", "--", "a b"]
    assert command_line.kernel_words("/sbin/x", [], None, [], False) == ["init=/sbin/x"]
    assert command_line.kernel_words(None, [], None, [], False) == []


@pytest.mark.parametrize("text", ['"a', "'a", "a\\"])
def test_broken_quoting_in_append_is_refused(text):
    with pytest.raises(BootError, match="--append"):
        command_line.kernel_words("hello", [], None, [text], False)


@pytest.mark.parametrize("word", ["a\nb", "a\rb", "\x1f"])
def test_what_the_line_cannot_carry_is_refused(word):
    with pytest.raises(BootError, match="cannot carry"):
        command_line.kernel_words("hello", [word], None, [], False)


# ---- The accelerator ---------------------------------------------------------


@pytest.mark.parametrize(
    "modules, usable, machine, word",
    [
        ({"kvm_intel"}, True, "x86_64", None),
        ({"kvm_amd"}, True, "x86_64", None),
        ({"kvm_intel"}, True, "i686", None),
        ({"kvm_intel"}, False, "x86_64", "/dev/kvm"),
        ({"kvm_pvm"}, True, "x86_64", "kvm_pvm"),
        ({"kvm_pvm", "kvm_intel"}, True, "x86_64", None),
        (set(), True, "x86_64", "neither"),
        (set(), False, "x86_64", "neither"),
        ({"kvm_intel"}, True, "aarch64", "aarch64"),
    ],
)
def test_kvm_only_where_it_can_page(modules, usable, machine, word):
    obstacle = accelerator.kvm_obstacle(modules, usable, machine)
    if word is None:
        assert obstacle is None
        assert accelerator.choose("auto", obstacle) == "kvm"
        assert accelerator.choose("kvm", obstacle) == "kvm"
    else:
        assert word in obstacle
        assert accelerator.choose("auto", obstacle) == "tcg"
        with pytest.raises(BootError, match="--accel kvm: "):
            accelerator.choose("kvm", obstacle)
    assert accelerator.choose("tcg", obstacle) == "tcg"


# ---- Archives ----------------------------------------------------------------


def test_file_options_split_at_the_last_colon():
    assert archive.parse_file_option("a:b:/bin/x") == ("a:b", "/bin/x")


@pytest.mark.parametrize("text", ["x", "x:y", ":/y", "x:", "x:/y/", "x:/a/../b"])
def test_file_options_that_make_no_sense(text):
    with pytest.raises(BootError, match="--file"):
        archive.parse_file_option(text)


def test_the_files_archive(tmp_path):
    plain, program = tmp_path / "plain", tmp_path / "program"
    plain.write_bytes(b"text")
    program.write_bytes(b"\x7fELF")
    program.chmod(0o755)
    data = archive.make_files_archive(
        [(str(plain), "/bin/x"), (str(plain), "/etc//text"), (str(program), "/bin/x")]
    )
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        entries = {entry.name: entry for entry in tar}
        assert sorted(entries) == ["bin/x", "etc/text"]
        assert entries["bin/x"].mode == 0o755 and entries["etc/text"].mode == 0o644
        assert tar.extractfile("bin/x").read() == b"\x7fELF"
    assert data[257:263] == b"ustar\0"


def test_programs_lie_on_pages(tmp_path):
    """Of whatever sizes lie between them, and nothing else moves or is lost."""
    contents = {}
    files = []
    for number, size in enumerate((5000, 0, 4096, 1, 3584, 4095, 8192, 512, 70000, 4608, 5000)):
        name = f"{number}"
        contents["bin/" + name] = bytes((number + i) % 251 for i in range(size))
        (tmp_path / name).write_bytes(contents["bin/" + name])
        (tmp_path / name).chmod(0o755 if number % 3 != 1 else 0o644)
        files.append((str(tmp_path / name), "/bin/" + name))
    data = archive.make_files_archive(files)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = list(tar)
        assert {entry.name: tar.extractfile(entry).read() for entry in found} == contents
    assert [entry.name for entry in found] == list(contents)
    on_pages = [entry.offset_data % 4096 == 0 for entry in found]
    assert all(on for on, entry in zip(on_pages, found)
               if entry.size >= 4096 and entry.mode & 0o111)
    assert not all(on_pages)
    assert archive.align_programs(data) == data
    # GNU tar takes the filler for what it is.
    (tmp_path / "all.tar").write_bytes(data)
    listed = subprocess.run(["tar", "-tf", tmp_path / "all.tar"], check=True,
                            capture_output=True, text=True)
    assert (listed.stdout.split(), listed.stderr) == (list(contents), "")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BootError, match="nowhere"):
        archive.make_files_archive([(str(tmp_path / "nowhere"), "/x")])


def test_the_run_disk():
    config = archive.make_run_config(["init=/bin/a b"], True, False)
    assert "multiboot2 /boot/postern.elf 'init=/bin/a b'\n" in config
    assert "module2 ($run)/files.tar files.tar\n" in config
    disk = archive.make_run_disk(config, b"content", 16 * 63)
    assert len(disk) % (16 * 63 * 512) == 0
    with tarfile.open(fileobj=io.BytesIO(disk)) as tar:
        assert tar.extractfile("postern-run.cfg").read().decode() == config
        assert tar.extractfile("files.tar").read() == b"content"
    assert "files.tar" not in archive.make_run_config([], False, True)


# ---- Emulators ----------------------------------------------------------------


@pytest.mark.parametrize(
    "cpu, firmware, program",
    [
        (None, "bios", "qemu-system-i386"),
        ("486", "bios", "qemu-system-i386"),
        ("pentium3,model=1,stepping=9", "bios", "qemu-system-i386"),
        ("qemu32,-sep", "ovmf-ia32", "qemu-system-i386"),
        ("qemu32", "ovmf", "qemu-system-x86_64"),
        ("Nehalem", "bios", "qemu-system-x86_64"),
    ],
)
def test_which_qemu(cpu, firmware, program):
    assert qemu.program_name(cpu, firmware) == program


def test_status_zero_and_a_failed_qemu_look_alike_but_for_the_line():
    assert [qemu.exit_code(status) for status in (0, 42, 127)] == [1, 85, 255]


def test_bochs_models():
    assert "model=bx_generic, count=1" in bochs.cpu_lines(None, 1)
    lines = bochs.cpu_lines("bx_generic,sep=0,x86_64=0", 2).splitlines()
    assert "count=2" in lines[0]
    assert lines[1:] == ["cpuid: sep=0", "cpuid: x86_64=0"]
    with pytest.raises(BootError, match="its own"):
        bochs.cpu_lines("pentium,sep=1", 1)


# ---- Streams ---------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_the_status_line_in_pieces(size):
    log = (
        b"x" * 500
        + b"\ncpu: power: off, status 3\npower: off, status 4 no\n"
        + b"power: off, status 200\n\npower: off, status 42\r\n"
    )
    scanner = session.StatusScanner()
    found = [scanner.feed(log[at : at + size]) for at in range(0, len(log), size)]
    assert scanner.status == 42
    assert found.count(True) == 1 and found[-1]


def test_a_status_line_without_its_end_is_none():
    scanner = session.StatusScanner()
    scanner.feed(b"power: off, status 4")
    assert scanner.status is None


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_the_firmwares_bytes_are_dropped(size):
    stream = b"\x1b[2Jmenu" + archive.FIRMWARE_END + b"hello" + archive.FIRMWARE_END
    kept = session.FirmwareFilter(True)
    result = b"".join(kept.feed(stream[at : at + size]) for at in range(0, len(stream), size))
    assert result == b"hello" + archive.FIRMWARE_END
    assert session.FirmwareFilter(False).feed(stream) == stream


STAND_IN = '''#!{python}
import os, socket, sys, time
ports = {{}}
for argument in sys.argv:
    if argument.startswith("socket,id="):
        name, descriptor = argument[len("socket,id="):].split(",fd=")
        ports[name] = socket.socket(fileno=int(descriptor))
com1, com2 = ports["com1"], ports["com2"]
def end(status, code=None):
    com2.sendall(b"power: off, status %d\\n" % status)
    os._exit(2 * status + 1 if code is None else code)
exec(os.environ["STAND_IN"])
'''


@pytest.fixture
def stand_in(tmp_path):
    """Runs boot.py with `code` as the machine; returns a Popen."""
    python = os.path.realpath(sys.executable)
    for name in ("qemu-system-i386", "qemu-system-x86_64"):
        program = tmp_path / name
        program.write_text(STAND_IN.format(python=python))
        program.chmod(0o755)
    for name in ("postern.elf", "system.tar", "postern.iso"):
        (tmp_path / name).write_bytes(b"")
    processes = []

    def start(code, *arguments, **streams):
        environment = dict(os.environ, STAND_IN=code)
        environment["PATH"] = f"{tmp_path}:{environment['PATH']}"
        for name in ("stdin", "stdout", "stderr"):
            streams.setdefault(name, subprocess.PIPE)
        process = subprocess.Popen(
            [sys.executable, BOOT, "--iso", str(tmp_path / "postern.iso"), "--accel", "tcg"]
            + list(arguments),
            env=environment,
            **streams,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.wait()


def finish(process, data=b""):
    out, err = process.communicate(data, timeout=30)
    return process.returncode, out, err


@pytest.mark.parametrize("status", [0, 1, 42, 123, 125, 127])
@pytest.mark.parametrize("direct", [[], ["--direct"]])
def test_the_programs_status(stand_in, status, direct):
    code = f"com1.sendall(b'out'); com2.sendall(b'log\\n'); end({status})"
    result = finish(stand_in(code, *direct, "hello"))
    assert result == (status, b"out", b"log\npower: off, status %d\n" % status)


def test_every_byte_goes_both_ways(stand_in):
    code = """
com2.sendall(b'up\\n')
got = b''
while not got.endswith(b'END\\x04'): got += com1.recv(4096)
com1.sendall(got)
end(0)
"""
    data = bytes(range(256)) * 3000 + b"END"
    status, out, _ = finish(stand_in(code, "x"), data)
    # What ends the input and what takes the next byte as it is, as the kernel
    # takes them apart again.
    assert status == 0 and out[-1:] == b"\x04"
    assert re.sub(rb"\x16(.)", rb"\1", out[:-1], flags=re.DOTALL) == data
    assert re.fullmatch(rb"([^\x04\x16]|\x16[\x04\x16])*", out[:-1])


def test_input_waits_for_the_kernel(stand_in):
    code = """
com1.settimeout(0.5)
try:
    com1.recv(1)
    end(1)
except socket.timeout:
    com2.sendall(b'up\\n')
com1.settimeout(10)
end(0 if com1.recv(1) == b'x' else 2)
"""
    assert finish(stand_in(code, "x"), b"x")[0] == 0


def test_the_end_of_input_is_not_the_end(stand_in):
    code = "com2.sendall(b'up\\n'); time.sleep(0.5); com1.sendall(b'late'); end(7)"
    assert finish(stand_in(code, "x"))[:2] == (7, b"late")


def test_a_slow_reader_loses_nothing(stand_in):
    # The machine ends at once, long before its output is read.
    code = "com1.sendall(bytes(range(256)) * 8192); end(0)"
    process = stand_in(code, "x", stdin=subprocess.DEVNULL)
    time.sleep(1)
    out = process.stdout.read()
    assert process.wait(timeout=30) == 0 and out == bytes(range(256)) * 8192


def test_an_emulator_that_fails_says_why(stand_in):
    code = "sys.stderr.write('cannot do that\\n'); sys.exit(1)"
    status, out, err = finish(stand_in(code, "x"))
    assert (status, out) == (126, b"")
    assert b"boot.py: QEMU: cannot do that\n" in err
    assert b"ended with 1 without a status line" in err


def test_a_reset_is_said(stand_in):
    status, _, err = finish(stand_in("os._exit(0)", "x"))
    assert status == 126 and b"reset or went off" in err


def test_line_and_exit_code_must_agree(stand_in):
    status, _, err = finish(stand_in("end(3, 9)", "x"))
    assert status == 125 and b"status 3" in err and b"ended with 9" in err


def test_an_emulator_that_does_not_end_is_ended(stand_in):
    code = "com2.sendall(b'power: off, status 5\\n'); time.sleep(60)"
    assert finish(stand_in(code, "x"))[0] == 5


def test_the_time_limit(stand_in):
    code = "com1.sendall(b'before'); time.sleep(60)"
    begin = time.monotonic()
    status, out, err = finish(stand_in(code, "--timeout", "0.7", "x"))
    assert (status, out) == (124, b"before") and b"time limit of 0.7 s" in err
    assert time.monotonic() - begin < 10


def test_a_closed_output_ends_the_run(stand_in):
    code = """
try:
    while True: com1.sendall(b'y' * 4096)
except OSError: time.sleep(60)
"""
    process = stand_in(code, "x", stdin=subprocess.DEVNULL)
    process.stdout.read(10)
    process.stdout.close()
    assert process.wait(timeout=10) == 141
    assert b"Traceback" not in process.stderr.read()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_with_its_emulator(stand_in, number):
    code = "com1.sendall(b'%d\\n' % os.getpid()); time.sleep(60)"
    process = stand_in(code, "x")
    emulator = int(process.stdout.readline())
    process.send_signal(number)
    assert process.wait(timeout=10) == 130
    with pytest.raises(ProcessLookupError):
        os.kill(emulator, 0)
    assert b"Traceback" not in process.stderr.read()


def test_firmware_noise_is_kept_out(stand_in, monkeypatch):
    code = f"""
for port in com1, com2: port.sendall(b'\\x1b[2JBdsDxe' + {archive.FIRMWARE_END!r})
com1.sendall(b'program')
com2.sendall(b'log\\n')
end(0)
"""
    if not all(map(os.path.exists, qemu.FIRMWARE["ovmf"][0])):
        pytest.skip("ovmf is not installed")
    result = finish(stand_in(code, "--firmware", "ovmf", "x"))
    assert result == (0, b"program", b"log\npower: off, status 0\n")


def test_the_consoles_kind():
    assert command_line.console_of(["console=plain"]) == "plain"
    assert command_line.console_of(["console=plain", "console=terminal", "--", "console=x"]) == (
        "terminal"
    )
    assert command_line.console_of(["init=/bin/x"]) == "terminal"


def test_the_key_that_ends_a_run():
    assert session.EscapeKey().feed(b"a\x1d\x1d\x1d", 1.0)
    escape = session.EscapeKey()
    assert not escape.feed(b"\x1d\x1d", 1.0)
    assert escape.feed(b"\x1d", 1.9)
    assert not escape.feed(b"\x1d", 3.5)
    assert not escape.feed(b"\x1dx\x1d", 3.6)


def open_terminal():
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 43, 132, 0, 0))
    return ours, theirs


def test_a_terminal_is_the_guests_and_put_back(stand_in):
    code = """
com2.sendall(b'up\\n')
com1.sendall(com1.recv(100) + ' '.join(sys.argv).encode())
end(0)
"""
    ours, theirs = open_terminal()
    try:
        before = termios.tcgetattr(theirs)
        process = stand_in(code, "--direct", "x", stdin=theirs, stdout=theirs)
        assert process.stderr.readline() == b"up\n"
        during = termios.tcgetattr(theirs)
        assert not during[3] & (termios.ICANON | termios.ECHO | termios.ISIG)
        assert not during[1] & termios.OPOST
        os.write(ours, b"\x03\x04k\r")  # all of them keys of the guest's
        out = b""
        while b"console=" not in out or not out.endswith(b"43"):
            out += os.read(ours, 4096)
        assert out.startswith(b"\x03\x04k\r") and b" console=terminal,132x43" in out
        assert process.wait(timeout=10) == 0
        assert termios.tcgetattr(theirs) == before
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_terminal_ends_its_run(stand_in):
    ours, theirs = open_terminal()
    try:
        before = termios.tcgetattr(theirs)
        code = "com2.sendall(b'up\\n'); time.sleep(60)"
        process = stand_in(code, "x", stdin=theirs, stdout=theirs)
        assert process.stderr.readline() == b"up\n"
        os.write(ours, b"\x1d\x1d\x1d")
        assert process.wait(timeout=10) == 130
        assert termios.tcgetattr(theirs) == before
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_terminal_for_input_only_is_left_alone(stand_in):
    code = """
com2.sendall(b'up\\n')
com1.sendall(com1.recv(100) + ' '.join(sys.argv).encode())
end(0)
"""
    ours, theirs = open_terminal()
    try:
        before = termios.tcgetattr(theirs)
        process = stand_in(code, "--direct", "x", stdin=theirs)
        assert process.stderr.readline() == b"up\n"
        assert termios.tcgetattr(theirs) == before
        os.write(ours, b"k\n")
        out = process.stdout.read()
        assert out.startswith(b"k\n") and b" console=plain" in out
        assert process.wait(timeout=10) == 0
    finally:
        os.close(ours)
        os.close(theirs)


def test_no_emulator_at_all(tmp_path):
    (tmp_path / "postern.iso").write_bytes(b"")
    for emulator in ("qemu", "bochs"):
        result = subprocess.run(
            [
                sys.executable,
                BOOT,
                "--emulator",
                emulator,
                "--iso",
                str(tmp_path / "postern.iso"),
                "hello",
            ],
            env={"PATH": str(tmp_path)},
            capture_output=True,
            timeout=30,
        )
        assert result.returncode == 126 and b"boot.py: there is no " in result.stderr
