"""The shells: what `make run` ends in, as a person has it at a terminal and as a script has
it through a pipe, and the programs that end the machine.

The shells are ports (`make ports`); where those could not be fetched, their tests are
skipped with that reason.
"""

import re
import subprocess
import time

import pytest

import booting
from test_libc import port, shell
from test_terminal import Person

HELLO = booting.HELLO.replace(b"\n", b"\r\n")
PROMPT = b"/home # "


class Shell(Person):
    """A person at the shell that init starts."""

    def __init__(self, *options, **window):
        super().__init__(program="init", **window, options=(
            "--file", f"{port('mksh')}:/bin/mksh", "--file", f"{port('sh')}:/bin/sh", *options))

    def __enter__(self):
        assert self.see(PROMPT) == HELLO
        return self

    def run(self, line, prompt=PROMPT):
        """What a command prints."""
        self.type(line + b"\n")
        self.see(line + b"\r\r\n")  # mksh's own \r, and the terminal's
        return self.see(prompt).replace(b"\r\n", b"\n")

    def begin(self, line):
        """A command that takes its time."""
        self.type(line + b"\n")
        self.see(line + b"\r\r\n")
        time.sleep(1.5)


# ---- Scripts: dash --------------------------------------------------------------


def init(stdin, *files):
    files = ((port("mksh"), "/bin/mksh"), (port("sh"), "/bin/sh"), *files)
    return booting.boot("init", stdin=stdin, direct=True, files=files)


def test_script_from_a_pipe():
    """What is piped into `make run` is the shell's script, and its status the run's."""
    run = init(b"echo $0 $PATH $TERM; pwd\nls / | grep -c ^home; cat <<.\ntext\n.\nexit 6\n")
    assert run.stdout == booting.HELLO + b"sh /bin linux\n/home\n1\ntext\n", run
    assert run.status == 6, run


def test_end_of_input():
    run = init(b"")
    assert (run.stdout, run.status) == (booting.HELLO, 0), run


def test_without_a_shell(tmp_path):
    """Nothing fetched: hello alone, and a line that says why."""
    (tmp_path / "sh").write_text("")
    (tmp_path / "sh").chmod(0o644)
    system = booting.BUILD / "system.tar"
    names = subprocess.run(["tar", "-tf", system], check=True, capture_output=True,
                           text=True).stdout.split()
    image = tmp_path / "image"
    image.mkdir()
    kept = [name for name in names if name.split("/")[-1] not in ("sh", "dash", "mksh")]
    subprocess.run(["tar", "-xf", system, "-C", image, *kept], check=True)
    subprocess.run(["tar", "-cf", tmp_path / "system.tar", "--format=ustar", "-C", image, *kept],
                   check=True)
    (tmp_path / "postern.elf").symlink_to(booting.BUILD / "postern.elf")
    run = booting.boot("init", direct=True, iso=tmp_path / "postern.iso")
    assert run.stdout.startswith(booting.HELLO + b"init: there is no /bin/sh"), run
    assert run.stdout.count(b"\n") == 4 and run.status == 0, run


def test_scripts():
    """Statuses, redirections of any descriptor, and lists, as the exit status has them."""
    run = shell("""
        true && echo yes || echo no; false && echo yes || echo no
        ls /none 2>&1 | wc -l; ls /none 2>/err; echo $?; wc -l < /err
        { echo out; echo err >&2; } 2>&1 >/f | cat; cat /f
        (exit 3); echo $?; ! true; echo $?; sh -c 'kill -9 $$' 2>&1; echo $?
        echo a | cat | cat | wc -c; true | false; echo $?
        cat << . && echo "$(echo nested $(echo more))"
$((6 * 7))
.
        sleep 0.2 & sleep 0.1 & wait; echo waited $?
        echo 'echo script $1; exit 4' > /s; sh /s arg; echo $?
        time sleep 0.01 2>/dev/null; echo $?; time sh -c 'exit 9' 2>/dev/null; echo $?
    """)
    assert run.stdout.decode() == (
        "yes\nno\n       1\n1\n       1\nerr\nout\n3\n1\nKilled\n137\n       2\n1\n42\nnested more\n"
        "waited 0\nscript arg\n4\n0\n9\n"), run


# ---- A person: mksh ---------------------------------------------------------------


def test_editing():
    with Shell() as person:
        # Left, rubbed out, typed, right, the beginning, the end.
        person.type(b"cho abd\x1b[D\x7fX\x1b[C!\x01e\x05?\n")
        assert person.see(b"\naXd!?\r\n")
        person.see(PROMPT)
        # The line before, and the one before that, changed.
        assert person.run(b"echo second") == b"second\n"
        person.type(b"\x1b[A\x1b[A\x7f-again\n")
        person.see(b"\naXd!-again\r\n")
        person.see(PROMPT)
        # Up and down again
        person.type(b"\x1b[A\x1b[A\x1b[B\n")
        person.see(b"\naXd!-again\r\n")
        person.see(PROMPT)


def test_completion():
    with Shell() as person:
        assert person.run(b"echo found > /tmp/long-file-name") == b""
        person.type(b"hexd\t")
        person.see(b"hexdump ")
        person.type(b"/tmp/lo\t")
        person.see(b"/tmp/long-file-name ")
        person.type(b"\n")
        person.see(b"|found.|")
        person.see(PROMPT)


def test_interrupt():
    """^C ends what runs, and not the shell; at the prompt it drops the line."""
    with Shell() as person:
        person.begin(b"sleep 100")
        person.type(b"\x03")
        assert b"^C" in person.see(PROMPT)
        assert person.run(b"echo $?") == b"130\n"
        person.begin(b"cat | cat")
        person.type(b"\x03")
        person.see(PROMPT)
        person.begin(b"while :; do :; done")
        person.type(b"\x03")
        person.see(PROMPT)
        person.type(b"echo never\x03")
        person.see(PROMPT)
        assert person.run(b"echo still here") == b"still here\n"


def test_jobs():
    with Shell() as person:
        person.begin(b"sleep 4")
        person.type(b"\x1a")
        assert b"Stopped" in person.see(PROMPT)
        assert b"Stopped" in person.run(b"jobs")
        assert person.run(b"fg") == b"\\sleep 4 \n"
        assert person.run(b"echo $?; jobs") == b"0\n"

        assert re.match(rb"\[1\] \d+\n", person.run(b"sleep 100 &"))
        assert b"Running" in person.run(b"jobs")
        person.run(b"kill %1")
        person.run(b"wait")
        assert person.run(b"jobs") == b""
        # A job that is the shell itself
        person.run(b"(while :; do :; done) &")
        person.run(b"kill %1")
        person.run(b"wait")
        assert person.run(b"jobs") == b""

        person.begin(b"sleep 4")
        person.type(b"\x1a")
        person.see(PROMPT)
        assert person.run(b"bg") == b"[1] \\sleep 4 \n"
        assert b"over" in person.run(b"wait; echo over")

        # A whole pipeline is one job, and the terminal is its, and back.
        person.begin(b"cat | wc -l")
        person.type(b"one\n")
        person.see(b"one\r\n")
        time.sleep(1.5)  # ^Z drops what has not been read (POSIX, NOFLSH)
        person.type(b"\x1a")
        assert b"Stopped" in person.see(PROMPT)
        person.begin(b"fg")
        person.type(b"two\n")
        person.see(b"two\r\n")
        person.type(b"\x04")
        assert person.see(PROMPT).strip() == b"2"


def test_background_reader_stops():
    """What wants to read the terminal in the background is stopped until it has it."""
    with Shell() as person:
        person.run(b"cat &")
        end = time.monotonic() + 30
        while b"Stopped" not in person.run(b"jobs"):
            assert time.monotonic() < end
        person.begin(b"fg")
        person.type(b"line\n")
        person.see(b"line\r\nline\r\n")
        person.type(b"\x04")
        person.see(PROMPT)


def test_lists_and_pipes():
    with Shell() as person:
        assert person.run(b"ls /none 2>&1 | wc -l; false || echo or; true && echo and") == (
            b"       1\nor\nand\n")
        assert person.run(b"sh -c 'exit 42'; echo $?") == b"42\n"
        assert person.run(b"echo one > /tmp/f; echo two >> /tmp/f; wc -l < /tmp/f") == (
            b"       2\n")
        assert b"real" in person.run(b"time true")


@pytest.mark.parametrize("last", (b"\x04", b"exit 5\n"), ids=("end", "exit"))
def test_leaving(last):
    """The shell's end is the machine's, which ends well: what the last command said is known."""
    with Shell() as person:
        person.run(b"sh -c 'exit 7'")
        person.type(last)
        status, _ = person.end()
        assert status == 0


# ---- Power ---------------------------------------------------------------------------


@pytest.mark.parametrize("emulator", ("qemu", "bochs"))
@pytest.mark.parametrize("program, line", (("poweroff", "power: off, status 0"),
                                           ("reboot", "power: reboot")))
def test_power(program, line, emulator):
    """Both end a run well, and a reboot is the last that is seen of it."""
    machine = {"direct": True} if emulator == "qemu" else {"emulator": "bochs", "timeout": 120}
    run = booting.boot(program, **machine)
    assert run.status == 0 and run.stdout == b"", run
    assert run.lines(line) == [line], run
    assert len(run.lines("kernel: ")) == 1, run
    assert ("the guest asked for a reboot" in run.log) == (program == "reboot"), run


def test_power_keeps_what_was_written(tmp_path):
    """A program that writes and switches off, from inside a shell: the disk has it, and needs
    no repair."""
    disk = tmp_path / "disk.img"
    subprocess.run(["/sbin/mke2fs", "-q", "-F", "-t", "ext3", "-b", "1024", "-O",
                    "^resize_inode", disk, "8M"], check=True)
    for program in ("poweroff", "reboot"):
        run = booting.boot("sh", "-c", f"echo {program} > /home/{program}; {program}; echo not",
                           direct=True, files=((port("sh"), "/bin/sh"),),
                           options=("--disk", disk))
        assert (run.stdout, run.status) == (b"", 0), run
        check = subprocess.run(["/sbin/e2fsck", "-fn", disk], capture_output=True, text=True)
        assert check.returncode == 0 and "recover" not in check.stdout, check.stdout
        shown = subprocess.run(["/sbin/debugfs", "-R", f"cat /{program}", disk],
                               capture_output=True, check=True).stdout
        assert shown == program.encode() + b"\n"


def test_reboot_is_one_where_asked_for():
    """`boot.py --reboot`: the machine comes up again, until something else ends it."""
    command = booting.command_for("reboot", options=("--reboot",), timeout=120)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    try:
        starts = 0
        for line in process.stderr:
            starts += line.startswith(b"kernel: ")
            if starts == 2:
                break
        assert starts == 2, "it did not come up again"
    finally:
        process.terminate()
        process.communicate()
