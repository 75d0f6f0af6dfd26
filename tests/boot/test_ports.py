"""The ports' own tests, run in the guest: `make test-full`, where `make ports` has built them.

What there is to run lies in the ports' source, below build/ports/source. Each suite must
give just what docs/ports.md says of it: EXPECTED names what does not pass, and why.
"""

import re
import subprocess

import pytest

import booting
from test_libc import port, shell

SOURCE = booting.BUILD / "ports" / "source"
MARK = "@@@ "

# Tests of TinyCC that ask for what is not here.
TCC_NOT_RUN = {
    "34_array_assignment": "left out by its own Makefile",
    "95_bitfields": "left out by its own Makefile on i386",
    "95_bitfields_ms": "left out by its own Makefile on i386",
    "106_pthread": "no POSIX threads",
    "112_backtrace": "built without backtraces (no <ucontext.h>)",
    "113_btdll": "no shared libraries",
    "114_bound_signal": "built without bounds checking (no <ucontext.h>)",
    "115_bound_setjmp": "built without bounds checking (no <ucontext.h>)",
    "116_bound_setjmp2": "built without bounds checking (no <ucontext.h>)",
}
TCC_EXPECTED = {
    "60_errors_and_warnings": "asks for -run, whose program has a stdio of its own, "
                              "which nobody flushes when its main() returns",
    "96_nodata_wanted": "the same",
    "61_integers": "defines UINT_MAX, which newlib's <stdint.h> has: a warning more",
    "99_fastcall": "defines __fastcall, which newlib's headers have: a warning more",
}
ED_EXPECTED = {}
# Ten seconds on this machine, which are minutes in an emulator
BC_NOT_RUN = {"checklib.b"}


def source(name):
    folder = SOURCE / name
    inside = list(folder.iterdir()) if folder.is_dir() else []
    return inside[0] if len(inside) == 1 else folder


def sections(run):
    """{name: output} of a script that says MARK and a name before each test."""
    pieces = re.split(rb"\n@@@ (.*)\n", run.stdout)
    assert len(pieces) > 2 and run.status == 0, run
    return {name.decode(): output for name, output in zip(pieces[1::2], pieces[2::2])}


def mark(name):
    """The script's line before a test, on a line of its own whatever came before."""
    return f"echo; echo '{MARK}{name}'"


def check_failures(failed, expected):
    """`failed` is {name: what was found}."""
    assert set(failed) == set(expected), {
        "no longer fail": set(expected) - set(failed),
        **{name: failed[name] for name in set(failed) - set(expected)}}


@pytest.mark.full
@pytest.mark.slow
def test_tcc():
    """Its tests2: each is compiled in the guest, linked, run, and its output compared."""
    port("tcc")
    folder = source("tcc") / "tests" / "tests2"
    tests = sorted(path.stem for path in folder.glob("*.expect")
                   if (folder / f"{path.stem}.c").is_file())
    assert len(tests) > 90
    script = ["cd /t"]
    for name in tests:
        if name in TCC_NOT_RUN:
            continue
        flags, arguments = "", ""
        if name == "76_dollars_in_identifiers":
            flags = "-fdollars-in-identifiers"
        elif name == "104_inline":
            flags = "104+_inline.c"
        elif name == "31_args":
            arguments = "arg1 arg2 arg3 arg4 arg5"
        elif name == "46_grep":
            arguments = r"'[^* ]*[:a:d: ]+\:\*-/: $' 46_grep.c"
        script.append(mark(name))
        if name in ("60_errors_and_warnings", "96_nodata_wanted"):
            script.append(f"tcc -dt -run {name}.c 2>&1")
        else:
            script.append(f"tcc {flags} {name}.c -o /t/a.exe -lm 2>&1 "
                          f"&& /t/a.exe {arguments} 2>&1")
    script.append("exit 0")
    files = [(path, f"/t/{path.name}") for path in sorted(folder.glob("*.[ch]"))]
    found = sections(shell("\n".join(script), *files, timeout=240))
    failed = {name: output.decode(errors="replace")for name, output in found.items()
              # Its Makefile's comparison, too, passes over blanks (diff -b).
              if output.split() != (folder / f"{name}.expect").read_bytes().split()}
    print(f"tcc: {len(found) - len(failed)} passed, {len(failed)} failed, "
          f"{len(TCC_NOT_RUN)} not run")
    for name, output in failed.items():
        print(f"--- {name}\n{output}")
    check_failures(failed, TCC_EXPECTED)


@pytest.mark.full
@pytest.mark.slow
def test_ed():
    """What ed's testsuite/check.sh does, which itself asks for cmp, sed and touch."""
    port("ed")
    port("toybox")  # one of them pipes lines through sort
    folder = source("ed") / "testsuite"
    good = sorted(path.stem for path in folder.glob("*.ed"))
    bad = sorted(path.stem for path in folder.glob("*.err"))
    assert len(good) > 15 and len(bad) > 50
    script = ["mkdir /w; cd /w; cat /t/test.txt > test.txt; cat /t/test.bin > test.bin; : > zero"]
    for name in good:
        script.append(f"{mark(name + '.ed')}; ed -s test.txt < /t/{name}.ed >/dev/null 2>&1 "
                      f"&& cat out.o; rm out.o 2>/dev/null")
    for name in bad:
        script += [mark(name + ".err"), f"ed -s test.txt < /t/{name}.err >/dev/null 2>&1",
                   f"echo $?; ed -sl test.txt < /t/{name}.err >/dev/null 2>&1; echo $?",
                   f"cat /t/{name}.err | ed -s test.txt >/dev/null 2>&1; echo $?",
                   "cat out.ro; rm out.ro 2>/dev/null"]
    script.append("exit 0")
    files = [(path, f"/t/{path.name}") for path in sorted(folder.iterdir())]
    found = sections(shell("\n".join(script), *files, (port("ed"), "/w/ed"), timeout=240))
    assert len(found) == len(good) + len(bad)
    text = (folder / "test.txt").read_bytes()
    failed = {}
    for name, output in found.items():
        stem, kind = name.rsplit(".", 1)
        if kind == "ed":
            is_right = output == (folder / f"{stem}.r").read_bytes()
        else:
            first, loose, piped, left = output.split(b"\n", 3)
            is_right = first != b"0" and loose == b"0" and piped != b"0" and left == text
        if not is_right:
            failed[name] = output[:300]
    print(f"ed: {len(found) - len(failed)} passed, {len(failed)} failed")
    check_failures(failed, ED_EXPECTED)


@pytest.mark.full
@pytest.mark.slow
def test_bc():
    """Its Test/*.b, against the same bc on this machine: they say no results themselves."""
    port("bc")
    folder = source("bc") / "Test"
    tests = sorted(path.name for path in folder.glob("*.b") if path.name not in BC_NOT_RUN)
    tests.append("signum")
    assert len(tests) > 15
    script = [f"{mark(name)}; bc -l /t/{name} </dev/null 2>&1" for name in tests]
    files = [(folder / name, f"/t/{name}") for name in tests]
    found = sections(shell("\n".join([*script, "exit 0"]), *files, timeout=400))
    failed = {}
    for name in tests:
        here = subprocess.run([source("bc") / "host-bc", "-l", folder / name], check=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=300).stdout
        if found[name] != here.replace(str(folder).encode(), b"/t"):
            failed[name] = found[name][:300]
    print(f"bc: {len(tests) - len(failed)} passed, {len(failed)} failed")
    check_failures(failed, {})


@pytest.mark.full
def test_zlib():
    """test/example.c: it checks each of the library's functions, and ends at an error."""
    port("minigzip")
    program = source("minigzip") / "example"
    run = shell("cd /; example; echo status $?", (program, "/bin/example"))
    text = run.stdout.decode()
    assert text.endswith("status 0\n"), run
    for line in ("uncompress(): hello, hello!", "gzread(): hello, hello!",
                 "gzgets() after gzseek:  hello!", "inflate(): hello, hello!",
                 "large_inflate(): OK", "after inflateSync(): hello, hello!",
                 "inflate with dictionary: hello, hello!"):
        assert line in text, run


@pytest.mark.full
def test_mujs():
    """mujs has no tests in its source; a program in JavaScript, then."""
    port("mujs")
    run = shell(r"""cat > /p.js <<'END'
var fib = function (n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); };
print(fib(15), 0.5 + 0.25, "a-b-c".split("-").reverse().join(), /o(.)/.exec("Postern")[1]);
print(JSON.stringify({a: [1, 2.5, "x"], b: null}), new Date(0).toISOString());
try { nothing(); } catch (error) { print(error); }
END
        mujs /p.js""")
    assert run.stdout.decode() == (
        "610 0.75 c,b,a s\n"
        '{"a":[1,2.5,"x"],"b":null} 1970-01-01T00:00:00.000Z\n'
        "ReferenceError: 'nothing' is not defined\n\tat /p.js:4\n"), run
