"""Copies of the tree with further calls, added as the README says it: built,
booted and called by both ways; broken in every way that a developer can."""

import os
import re
import shutil
import subprocess
import sys
import time

import pytest

import booting

sys.path.insert(0, str(booting.TOP / "tools"))
import screenshot  # noqa: E402

PARTS = booting.TOP / "tests" / "variant"

# One worker of xdist has them all, so that each copy is built once.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("variant")]


class Tree:
    """A copy of the tree that a test may change, with its own build/."""

    def __init__(self, name):
        worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
        self.top = booting.BUILD / "variant" / f"{name}-{worker}"
        shutil.rmtree(self.top, ignore_errors=True)
        booting.copy_tree(self.top)

    def path(self, name):
        return self.top / name

    def read(self, name):
        return self.path(name).read_text()

    def write(self, name, text):
        """Writes, in time: make compares times, and a build may be a moment ago."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        now = time.time()
        os.utime(path, (now, now))

    def append(self, name, text):
        self.write(name, self.read(name) + text)

    def make(self, *arguments, **options):
        return booting.run_make("-j2", "DEBUG=0", *arguments, tree=self.top, **options)

    def build(self, *arguments):
        made = self.make(*arguments)
        assert made.returncode == 0, made.stdout[-6000:]
        return made.stdout

    def fail(self, *arguments):
        """A build that must fail; its output."""
        made = self.make(*arguments)
        assert made.returncode != 0, "it was built:\n" + made.stdout[-2000:]
        return made.stdout

    def boot(self, program, *arguments, **machine):
        machine.setdefault("build", self.top / "build")
        return booting.boot(program, *arguments, **machine)


# ---- The README ------------------------------------------------------------------

def readme_blocks():
    """The three pieces of C of the README's section about adding a call."""
    text = (booting.TOP / "README.md").read_text()
    section = text.split("\n## Add a system call\n")[1].split("\n## ")[0]
    line, handler, program, *_ = re.findall(r"^```c\n(.*?)^```$", section, re.M | re.S)
    names = re.findall(r"`((?:kernel|apps)/\w+\.c)`", section)
    message = re.search(r"^(syscalls\.def:\d+:\d+: .*)$", section, re.M).group(1)
    return line, handler, program, names[:2], message


@pytest.fixture(scope="module")
def readme_tree():
    """What a user has who has followed the README."""
    line, handler, program, (handler_name, program_name), _ = readme_blocks()
    tree = Tree("readme")
    tree.build()
    tree.append("syscalls.def", "\n" + line)
    tree.write(handler_name, handler)
    tree.write(program_name, program)
    return tree


def test_readme(readme_tree):
    """Line, handler and program as the README has them, and its two commands."""
    for arguments, entry in (((), "sysenter"), (("SYSCALL=int",), "int99")):
        run = readme_tree.make("run", "APP=sum", *arguments, errors=subprocess.PIPE)
        assert run.returncode == 0, run.stderr
        # make's own lines are before it, where it built.
        assert run.stdout.endswith("2 + 40 = 42\n"), run.stdout
        assert f"syscall: entry {entry}, commpage 0xffff0000, " \
               f"{booting.syscall_count() + 1} calls\n" in run.stderr


def test_readme_by_each_cpu(readme_tree):
    readme_tree.build()
    for machine in ({"cpu": "486"}, {"cpu": "qemu32"}, {"direct": True},
                    {"emulator": "bochs", "cpu": "pentium"},
                    {"emulator": "bochs", "cpu": "p3_katmai"}):
        run = readme_tree.boot("sum", **machine)
        assert (run.stdout, run.status) == (b"2 + 40 = 42\n", 0), run


def test_readme_message(readme_tree):
    """The README's wrong line gives the README's message."""
    *_, message = readme_blocks()
    good = readme_tree.read("syscalls.def")
    try:
        wrong = re.search(r"`(\w+)`; did you mean `(\w+)`", message)
        readme_tree.write("syscalls.def", good.replace(f"add({wrong.group(2)} a",
                                                       f"add({wrong.group(1)} a"))
        output = readme_tree.fail()
        text = re.escape(message.split(": ", 1)[1])
        assert re.search(rf"^syscalls\.def:\d+:\d+: {text}$", output, re.M), output
    finally:
        readme_tree.write("syscalls.def", good)


# ---- What is rebuilt ----------------------------------------------------------------

def made_files(output):
    """What make says it made: lines `  CC    build/kernel/x.o`."""
    return set(re.findall(r"^\s+[A-Z]+\s+build/(\S+)$", output, re.M))


def test_nothing_to_do(readme_tree):
    readme_tree.build("iso", "guest-tests")
    times = {path: path.stat().st_mtime_ns for path in readme_tree.path("build").rglob("*")
             if path.is_file()}
    assert made_files(readme_tree.build("iso", "guest-tests")) == set()
    assert times == {path: path.stat().st_mtime_ns for path in times}


def test_only_what_depends_is_rebuilt(readme_tree):
    readme_tree.build()
    good = readme_tree.read("syscalls.def")
    try:
        # A plain comment: it is read, and nothing comes of it.
        readme_tree.write("syscalls.def", "// Nothing.\n" + good)
        assert made_files(readme_tree.build()) == {"generated/stamp"}

        # A further call: its thunk, its stub, and nothing that uses other calls.
        readme_tree.write("syscalls.def", good + "\nint32_t subtract(int32_t a, int32_t b);\n")
        readme_tree.append("kernel/add.c", "\nint32_t _user_subtract(int32_t a, int32_t b)\n"
                                           "{\n\treturn a - b;\n}\n")
        made = made_files(readme_tree.build())
        assert made == {
            "generated/stamp", "generated/syscall_table.o", "generated/syscalls.asm.o",
            "kernel/add.o", "arch/i386/entry.asm.o", "arch/i386/commpage.asm.o", "postern.elf",
            "libroot.a", "lib/libc.a", "apps/hello.asm.o", "root/bin/hello", "postern.iso"}

        # A call that has other types: those who handle and call it, too.
        readme_tree.write("syscalls.def", good.replace("int32_t add(int32_t a, int32_t b);",
                                                       "int32_t add(int32_t a, uint32_t b);"))
        readme_tree.write("kernel/add.c", readme_blocks()[1].replace("int32_t b", "uint32_t b"))
        assert {"kernel/add.o", "apps/sum.o", "root/bin/sum"} <= made_files(readme_tree.build())
    finally:
        readme_tree.write("syscalls.def", good)
        readme_tree.write("kernel/add.c", readme_blocks()[1])
        readme_tree.build()


# ---- Mistakes ----------------------------------------------------------------------------

def test_missing_handler(readme_tree):
    handler = readme_tree.read("kernel/add.c")
    readme_tree.write("kernel/add.c", "/* Nothing yet. */\n#include \"syscall_handlers.h\"\n")
    try:
        assert "_user_add" in readme_tree.fail()
    finally:
        readme_tree.write("kernel/add.c", handler)
    readme_tree.build()


def test_files_that_go(readme_tree):
    """A file that is no longer there is no longer in the kernel or the image."""
    handler, program = readme_tree.read("kernel/add.c"), readme_tree.read("apps/sum.c")
    readme_tree.build()
    try:
        readme_tree.path("apps/sum.c").unlink()
        readme_tree.build()
        assert readme_tree.boot("sum", direct=True).status == booting.NO_PROGRAM
        readme_tree.path("kernel/add.c").unlink()
        assert "_user_add" in readme_tree.fail()
    finally:
        readme_tree.write("kernel/add.c", handler)
        readme_tree.write("apps/sum.c", program)
    readme_tree.build()


@pytest.mark.parametrize("wrong", (
    "int32_t _user_add(int32_t a)\n{\n\treturn a;\n}\n",
    "int32_t _user_add(int32_t a, int64_t b)\n{\n\treturn a + (int32_t)b;\n}\n",
    "int64_t _user_add(int32_t a, int32_t b)\n{\n\treturn a + b;\n}\n",
    "int32_t _user_add(int32_t a, const char *b)\n{\n\treturn a + *b;\n}\n",
), ids=("count", "argument", "result", "pointer"))
def test_handler_of_another_type(readme_tree, wrong):
    handler = readme_tree.read("kernel/add.c")
    readme_tree.write("kernel/add.c", '#include "syscall_handlers.h"\n\n' + wrong)
    try:
        output = readme_tree.fail()
        assert re.search(r"kernel/add\.c:\d+:\d+: error: .*_user_add", output), output
    finally:
        readme_tree.write("kernel/add.c", handler)
    readme_tree.build()


def test_handler_in_a_folder(readme_tree):
    """A handler may be anywhere under kernel/, and a call's name may have capitals: a
    changed type is seen there, too."""
    good = readme_tree.read("syscalls.def")
    try:
        readme_tree.append("syscalls.def", "int32_t addTwo(int32_t a);\n")
        readme_tree.write("kernel/deep/er/two.c", '#include "syscall_handlers.h"\n\n'
                          "int32_t _user_addTwo(int32_t a)\n{\n\treturn a + 2;\n}\n")
        readme_tree.build("kernel")
        readme_tree.write("syscalls.def", good + "int32_t addTwo(uint32_t a);\n")
        assert "_user_addTwo" in readme_tree.fail("kernel")
    finally:
        readme_tree.write("syscalls.def", good)
        shutil.rmtree(readme_tree.path("kernel/deep"), ignore_errors=True)
    readme_tree.build()


def test_library_by_way_of_a_header(readme_tree):
    """However a program writes that it includes the C library, it is linked with it."""
    programs = {
        "apps/near/near.h": "#include <stdio.h>\n",
        "apps/near/main.c": '#include "near.h"\nint two(void);\n'
                            'int main(void) { printf("%d\\n", two()); return 0; }\n',
        "apps/near/two.c": "int two(void);\nint two(void) { return 2; }\n",
        "apps/close.c": '#include<stdio.h>\nint main(void) { return puts("close") < 0; }\n',
        "apps/tab.c": '\t#\tinclude <stdio.h>\nint main(void) { return puts("tab") < 0; }\n',
    }
    try:
        for name, text in programs.items():
            readme_tree.write(name, text)
        readme_tree.build()
        for program, output in (("near", b"2\n"), ("close", b"close\n"), ("tab", b"tab\n")):
            run = readme_tree.boot(program, direct=True)
            assert (run.stdout, run.status) == (output, 0), run
    finally:
        for name in programs:
            readme_tree.path(name).unlink(missing_ok=True)
        readme_tree.path("apps/near").rmdir()
    readme_tree.build()


def test_program_with_warnings(readme_tree):
    """Anybody's program is built; a compiler that would have it otherwise says so."""
    programs = {
        "apps/careless.c": "int helper(int x) { return x + 1; }\n"
                           "int main(int argc, char **argv, char **envp)\n"
                           "{\n\tchar unused[4];\n\treturn helper(4);\n}\n",
        "apps/orphan.asm": '%include "syscall_numbers.inc"\nglobal _start\n_start\n'
                           "\tmov eax, SYS_exit\n\tpush 6\n\tpush 0\n\tint 99\n",
    }
    try:
        for name, text in programs.items():
            readme_tree.write(name, text)
        output = readme_tree.build()
        assert "unused variable" in output and "without a colon" in output
        assert [readme_tree.boot(name, direct=True).status for name in ("careless", "orphan")] \
            == [5, 6]
        readme_tree.write("apps/careless.c", "int main(void) { return nowhere(); }\n")
        assert "nowhere" in readme_tree.fail()
    finally:
        for name in programs:
            readme_tree.path(name).unlink()
    readme_tree.build()


@pytest.mark.parametrize("line,words", (
    ("int broken(int a;", "1:17:"),
    ("int broken(char *text);", "1:12:"),
    ("int broken(void *data [in: length]);", "length"),
    ("int add(int a);", "add"),
    ("int broken(int a)", ";"),
    ("int broken(long a);", "long"),
    ("int broken(int a) errors(ENOTHING);", "ENOTHING"),
))
def test_wrong_line(readme_tree, line, words):
    good = readme_tree.read("syscalls.def")
    number = good.count("\n") + 1
    readme_tree.write("syscalls.def", good + line + "\n")
    try:
        output = readme_tree.fail()
        errors = re.findall(r"^syscalls\.def:(\d+):(\d+): (.+)$", output, re.M)
        assert errors and abs(int(errors[0][0]) - number) <= 1, output
        if not words[0].isdigit():
            assert any(words in text for _, _, text in errors), output
        assert "Traceback" not in output
    finally:
        readme_tree.write("syscalls.def", good)


def test_lock(readme_tree):
    """Once locked, a call keeps number, name and types; appending stays free."""
    good = readme_tree.read("syscalls.def")
    lock = readme_tree.path("syscalls.lock")
    before = lock.read_text() if lock.exists() else None
    readme_tree.build("abi-lock")
    try:
        for wrong, name in (
            (good.replace("\nuint32_t echo(", "\nint inserted();\n\nuint32_t echo("), "echo"),
            (good.replace("int32_t add(int32_t a, int32_t b);", ""), "add"),
            (good.replace("int32_t add(int32_t a", "int32_t add(uint32_t a"), "add"),
            (good.replace("uint32_t echo(uint32_t", "uint64_t echo(uint32_t"), "echo"),
        ):
            assert wrong != good
            readme_tree.write("syscalls.def", wrong)
            output = readme_tree.fail()
            assert re.search(rf"^syscalls\.def:\d+:\d+: .*\b{name}\b", output, re.M), output
        readme_tree.write("syscalls.def", good + "\nretired add_more;\n")
        readme_tree.build()
    finally:
        readme_tree.write("syscalls.def", good)
        lock.unlink()
        if before is not None:
            lock.write_text(before)
    readme_tree.build()


# ---- A call for each annotation ------------------------------------------------------------

def make_variant(name):
    tree = Tree(name)
    tree.append("syscalls.def", (PARTS / "syscalls.def.part").read_text())
    for source, target in (("handlers.c", "kernel/variant.c"), ("variant.c", "apps/variant.c"),
                           ("crash.c", "apps/crash.c"),
                           ("v_pair.h", "libroot/include/postern/v_pair.h")):
        tree.write(target, (PARTS / source).read_text())
    return tree


@pytest.fixture(scope="module")
def variant():
    tree = make_variant("calls")
    tree.build()
    return tree


@pytest.fixture(scope="module")
def debug_variant(variant):
    """The same with assertions, in a folder of its own."""
    variant.build("DEBUG=1", "BUILD=build/debug")
    return variant


def boot_debug(tree, program, *arguments, **machine):
    return tree.boot(program, *arguments, build=tree.path("build/debug"), **machine)


MACHINES = (
    {"syscall": "sysenter"}, {"syscall": "int"}, {"cpu": "486"}, {"cpu": "max"},
    {"emulator": "bochs", "cpu": "p3_katmai"}, {"emulator": "bochs", "cpu": "pentium"},
)


def test_annotations(variant):
    """The same result everywhere, and in it no check that failed."""
    outputs = {}
    for machine in MACHINES:
        run = variant.boot("variant", timeout=120, **machine)
        assert b"BAD" not in run.stdout and run.status == 0, run
        outputs[str(machine)] = run.stdout
    assert len(set(outputs.values())) == 1, outputs
    checks = re.fullmatch(rb"(\d+) checks, 0 failures\n", outputs.popitem()[1])
    assert checks and int(checks.group(1)) > 300


def test_annotations_debug(debug_variant):
    outputs = set()
    for way in ("sysenter", "int"):
        run = boot_debug(debug_variant, "variant", syscall=way, timeout=120)
        assert run.status == 0, run
        outputs.add(run.stdout)
    assert len(outputs) == 1


# ---- A kernel that breaks -----------------------------------------------------------------

# V_CRASH number, what the panic says, what its backtrace has
CRASHES = (
    (0, r"page fault \(#PF\): read from 0x00000000, which is not mapped in the kernel",
     "_user_v_crash"),
    (1, r"double fault \(#DF\): .*stack", "overflow_the_stack"),
    (3, r"divide error \(#DE\) in the kernel", "_user_v_crash"),
    (4, r"page fault \(#PF\): .*0x00000000, which is not mapped in the kernel",
     "_user_v_crash"),
    (6, r"on purpose, 6", "_user_v_crash"),
    (7, r"page fault \(#PF\): write to 0xc\w+, .* in the kernel", "_user_v_crash"),
    (8, r"invalid opcode \(#UD\) in the kernel", "_user_v_crash"),
    (9, r"page fault \(#PF\): read from 0x20000000, which is not mapped in the kernel",
     "_user_v_crash"),
)


def check_panic(run, message, function):
    assert run.status == booting.PANIC, run
    panic, = run.lines("panic: ")
    assert re.search(message, panic), run
    number = re.search(r"^program /bin/crash, in system call (\d+), (\w+)$", run.log, re.M)
    assert number and number.group(2) in ("v_crash", "v_undeclared"), run
    assert re.search(rf"^  0xc[0-9a-f]{{7}} {function}\+0x", run.log, re.M), run
    assert re.search(rf"^  0xc[0-9a-f]{{7}} _user_{number.group(2)}\+0x", run.log, re.M) \
        or function == "overflow_the_stack" or "thunk_" in run.log, run
    # The program's own place: in the stub or the commpage.
    assert re.search(r"^  0x(ffff|0|[1-9a-b])\w+ (commpage|_kern_)", run.log, re.M), run
    # The same on the programs' console, where "still here" never comes.
    assert panic in run.stdout.decode() and b"still here" not in run.stdout, run
    report = run.log[run.log.index("panic: "):run.log.index("power: off")]
    assert report in run.stdout.decode(), run


@pytest.mark.parametrize("smp", (2, 4, 16))
@pytest.mark.parametrize("how,message,function", CRASHES[:2] + CRASHES[4:5])
def test_crash_in_a_crowd(variant, smp, how, message, function):
    """While other processors compute and write, and where all of them crash: there
    is one whole report, and nothing behind it."""
    for among in ("crowd", "race"):
        run = variant.boot("crash", among, str(how), smp=smp, direct=True)
        check_panic(run, message, function)
        assert re.search(rf"^processor \d+ of {smp}$", run.log, re.M), run
        report = run.log[run.log.index("panic: "):run.log.index("power: off")]
        assert run.stdout.decode().endswith(report), run


@pytest.mark.parametrize("how,message,function", CRASHES)
def test_crash(variant, how, message, function):
    for way in ("sysenter", "int"):
        run = variant.boot("crash", str(how), direct=True, syscall=way)
        check_panic(run, message, function)
        if how not in (6,):
            for register in ("eax", "esp", "eip", "eflags", "cs", "ds"):
                assert re.search(rf"\b{register} [0-9a-f]{{4,8}}\b", run.log), run


def test_crash_elsewhere(variant):
    """Bochs, and a CPU without SYSENTER, tell the same."""
    for machine in ({"emulator": "bochs", "cpu": "p3_katmai"}, {"cpu": "486"}):
        for how, message, function in CRASHES[:2]:
            check_panic(variant.boot("crash", str(how), **machine), message, function)


def test_crash_on_screen(variant, tmp_path):
    for how, message, function in CRASHES[:2]:
        picture = tmp_path / f"{how}.ppm"
        run = variant.boot("crash", str(how), options=["--screenshot", picture])
        check_panic(run, message, function)
        screen = [line for line in screenshot.decode(picture.read_bytes()) if line]
        assert run.lines("panic: ")[0][:80].rstrip() in screen, screen
        assert any(f"{function}+0x" in line for line in screen), screen
        assert any("in system call" in line for line in screen), screen


def test_panic_in_a_panic(variant):
    """It ends, and with the status of a panic."""
    for way in ("sysenter", "int"):
        run = variant.boot("crash", "5", direct=True, syscall=way, timeout=20)
        assert run.status == booting.PANIC, run
        assert b"still here" not in run.stdout and len(run.log) < 10000


def test_assertion(variant, debug_variant):
    run = boot_debug(debug_variant, "crash", "2", direct=True)
    check_panic(run, r"kernel/variant\.c:\d+: assertion failed: how != V_CRASH_ASSERTION",
                "_user_v_crash")
    # A release build has none.
    run = variant.boot("crash", "2", direct=True)
    assert (run.stdout, run.status) == (b"still here: 0\n", 0), run


def test_undeclared_error(variant, debug_variant):
    """Of a handler: the kernel's bug in a debug build, a result in a release."""
    run = boot_debug(debug_variant, "crash", "error", "5", direct=True)
    check_panic(run, r"system call v_undeclared returned error 5\b", "syscall_undeclared_error")
    run = boot_debug(debug_variant, "crash", "error", "22", direct=True)
    assert (run.stdout, run.status) == (b"still here: -22\n", 0), run
    run = variant.boot("crash", "error", "5", direct=True)
    assert (run.stdout, run.status) == (b"still here: -5\n", 0), run
