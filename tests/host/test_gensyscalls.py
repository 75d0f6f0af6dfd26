"""Tests of tools/gensyscalls.py: what it complains about and where, the ABI
lock, its outputs through the compilers, and its thunks at work on the host.

Run by `make test` through pytest. Needs clang and NASM; gcc where there is one.
"""

import contextlib
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
GENERATOR = REPOSITORY / "tools/gensyscalls.py"
HARNESS = REPOSITORY / "tests/host/gensyscalls"
EVERY_ANNOTATION = HARNESS / "every_annotation.def"

# What each compiler is told for the kernel; -fsyntax-only keeps it quick.
WARNINGS = """-Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wundef
    -Wshadow -Wpointer-arith -Wvla -Wwrite-strings""".split()
KERNEL = """-std=gnu11 -O2 -march=i486 -ffreestanding -fno-pic -fno-common
    -fno-strict-aliasing -fno-omit-frame-pointer -mgeneral-regs-only""".split()
COMPILERS = {"clang": ["clang", "--target=i686-elf"], "gcc": ["gcc", "-m32"]}


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


gensyscalls = load("gensyscalls", GENERATOR)
fuzz = load("fuzz_gensyscalls", REPOSITORY / "tests/host/fuzz_gensyscalls.py")


def generate(folder, *arguments):
    """Runs the generator in `folder`, in this process: a hundred times as quick."""
    stdout, stderr = io.StringIO(), io.StringIO()
    before = os.getcwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            try:
                status = gensyscalls.main([str(argument) for argument in arguments])
            except SystemExit as stop:
                status = stop.code
    finally:
        os.chdir(before)
    return subprocess.CompletedProcess(arguments, status, stdout.getvalue(), stderr.getvalue())


def diagnose(tmp_path, text):
    """The complaints about a definition file, as (line:column, rest)."""
    data = text if isinstance(text, bytes) else text.encode("utf-8")
    (tmp_path / "syscalls.def").write_bytes(data)
    result = generate(tmp_path)
    assert result.stdout == ""
    if result.returncode == 0:
        assert result.stderr == ""
        return []
    assert result.returncode == 1, result.stderr
    assert not (tmp_path / "build").exists(), "outputs of a broken definition"
    lines = result.stderr.splitlines()
    found = []
    for line in lines:
        match = re.fullmatch(r"syscalls\.def:(\d+:\d+): (.+); (.+)", line)
        assert match, line
        found.append((match[1], f"{match[2]}; {match[3]}"))
    positions = [tuple(map(int, position.split(":"))) for position, _ in found]
    assert positions == sorted(positions)
    return found


# ---- Complaints: the text, then for each complaint its place and a part of it ----

COMPLAINTS = {
    "unknown type": ("int a(foo x);", ["1:7 unknown type `foo`"]),
    "unknown type, near name": (
        "int a(\n    uint32 x);",
        ["2:5 unknown type `uint32`; did you mean `uint32_t`?"],
    ),
    "unknown return type": ("foot a();", ["1:1 unknown type `foot`"]),
    "unknown pointer type": ("int a(foo *x [in]);", ["1:7 unknown type `foo`"]),
    "type of C that is not passed": ("int a(long x);", ["1:7 unknown type `long`; use `int32_t`"]),
    "unsigned int": (
        "int a(unsigned int x);", ["1:16 unknown type `unsigned int`; write `unsigned`"]
    ),
    "char by value": ("int a(char x);", ["1:7 unknown type `char` by value"]),
    "void by value": ("int a(void x);", ["1:7 a parameter cannot be `void`"]),
    "struct by value": ("int a(struct s x);", ["1:7 `struct s` cannot be passed by value"]),
    "struct returned": ("struct s a();", ["1:1 `struct s` cannot be passed by value"]),
    "const value": ("int a(const int x);", ["1:7 `const` says nothing about a value"]),
    "const behind the type": (
        "int a(char const *x [string]);",
        ["1:12 `const` is in an unexpected place"],
    ),
    "pointer to pointer": ("int a(int **x [out]);", ["1:7 type `int **` has too many levels"]),
    "unknown annotation": (
        "int a(int x [fdd]);",
        ["1:14 unknown annotation `fdd`; did you mean `fd`?"],
    ),
    "annotation that is no word": ("int a(int x []);", ["1:14 expected an annotation, found `]`"]),
    "array": ("int a(int x[4]);", ["1:13 arrays are not passed"]),
    "second annotation": (
        "int a(int x [fd] [pid]);", ["1:18 parameter `x` has a second annotation"]
    ),
    "unclosed annotation": ("int a(int x [fd);", ["1:16 expected `]`, found `)`"]),
    "annotation before the name": ("int a(int [fd] x);", ["1:11 a parameter needs a name"]),
    "argument where none belongs": ("int a(int x [fd: 3]);", ["1:18 [fd] takes no argument"]),
    "length names no parameter": (
        "int a(const void *b [in: siz], size_t size);",
        ["1:26 length `siz` names no parameter; did you mean `size`?"],
    ),
    "length is no integer": (
        "int a(const void *b [in: c], const char *c [string]);",
        ["1:26 length `c` is a `const char *`, no 32-bit integer"],
    ),
    "length of 64 bits": (
        "int a(const void *b [in: o], off_t o);",
        ["1:26 length `o` is a `off_t`, no 32-bit integer; make it `size_t`"],
    ),
    "length is a bool": (
        "int a(const void *b [in: o], bool o);",
        ["1:26 length `o` is a `bool`"],
    ),
    "length is itself": ("int a(void *b [out: b]);", ["1:21 length `b` is a `void *`"]),
    "length missing": ("int a(void *b [out: ]);", ["1:21 expected a length, found `]`"]),
    "length 0": ("int a(void *b [out: 0]);", ["1:21 length 0 is out of range"]),
    "length constant out of range": (
        "flags F { A = 0x80000000 }\nint a(void *b [out: A]);",
        ["2:21 length `A` is out of range"],
    ),
    "duplicate call": (
        "int a();\nint b();\nvoid a(int x);",
        ["3:6 call `a` is already defined in line 1"],
    ),
    "duplicate flag": ("flags F { A = 1, A = 2 }", ["1:18 duplicate flag value `A`"]),
    "duplicate value across sets": (
        "flags F { A = 1 }\nenum E { A = 1 }",
        ["2:10 duplicate enum value `A`, already in line 1"],
    ),
    "duplicate flag set": (
        "flags F { A = 1 }\nflags F { B = 1 }",
        ["2:7 duplicate flags set `F`, already in line 1"],
    ),
    "duplicate enum": (
        "flags F { A = 1 }\nenum F { B = 1 }",
        ["2:6 duplicate enum set `F`, already in line 1"],
    ),
    "duplicate parameter": ("int a(int x, int x);", ["1:18 call `a` has two parameters `x`"]),
    "duplicate error": (
        "int a() errors(EIO, EBADF, EIO);",
        ["1:28 error `EIO` is listed twice"],
    ),
    "duplicate error by another name": (
        "int a() errors(EAGAIN, EWOULDBLOCK);",
        ["1:24 error `EWOULDBLOCK` is listed twice (it is the same as `EAGAIN`)"],
    ),
    "unknown error": (
        "int a() errors(EBADFF);", ["1:16 unknown error `EBADFF`; did you mean `EBADF`?"]
    ),
    "errors on void": ("void a() errors(EIO);", ["1:1 `void` cannot carry the errors"]),
    "errors on bool": ("bool a() errors(EIO);", ["1:1 `bool` cannot carry the errors"]),
    "pointer of a bool call": ("bool a(int *p [in]);", ["1:1 `bool` cannot carry EFAULT"]),
    "misspelt errors": ("int a() error(EIO);", ["1:9 unknown word `error` behind a call"]),
    "errors twice": ("int a() errors(EIO) errors(EBADF);", ["1:21 `errors` stands twice"]),
    "restarts before errors": (
        "int a() errors(EINTR) restarts errors(EIO);", ["1:32 `errors` stands twice, or behind"]
    ),
    "error as parameter": ("int a(int EIO);", ["1:11 parameter `EIO` has a name"]),
    "number as parameter": (
        "int a(int SYS_a, int SYSCALL_COUNT);",
        ["1:11 parameter `SYS_a` has a name", "1:22 parameter `SYSCALL_COUNT` has a name"],
    ),
    "too many dwords": (
        "int a(off_t b, off_t c, off_t d, off_t e, int f);",
        ["1:47 too many parameters: `f` is beyond argument dword 8"],
    ),
    "too many dwords by half": (
        "int a(int b, off_t c, off_t d, off_t e, off_t f, int g);",
        ["1:47 too many parameters: `f`"],
    ),
    "missing semicolon": (
        "int a()\nint b();",
        ["1:8 missing semicolon after call `a`; write `;` here"],
    ),
    "missing semicolon at the end": (
        "int a() errors(EIO)", ["1:20 missing semicolon after call `a`"]
    ),
    "missing semicolon behind retired": ("retired a\nint b();", ["1:10 missing semicolon"]),
    "something else than a semicolon": (
        "int a() b;", ["1:9 expected `;` after call `a`, found `b`"]
    ),
    "unterminated flags": ("flags F { A = 1,", ["1:9 this `{` is never closed"]),
    "unterminated enum before a call": (
        "enum E { A = 1\nint a();",
        ["1:8 this `{` is never closed"],
    ),
    "unterminated parameters": ("int a(int x", ["1:6 this `(` is never closed"]),
    "unterminated parameters before a call": (
        "int a(int x\nint b();",
        ["1:6 this `(` is never closed"],
    ),
    "unterminated errors": ("int a() errors(EIO", ["1:15 this `(` is never closed"]),
    "unterminated annotation": (
        "int a(int x [fd",
        ["1:6 this `(` is never closed", "1:13 this `[` is never closed"],
    ),
    "doc above a blank line": (
        "/// Lost.\n\nint a();",
        ["1:1 this doc comment belongs to nothing"],
    ),
    "doc above a plain comment": ("/// Lost.\n// so\nint a();", ["1:1 this doc comment"]),
    "doc at the end": ("int a();\n  /// Lost.", ["2:3 this doc comment belongs to nothing"]),
    "doc behind a call": ("int a(); /// Lost.\nint b();", ["1:10 this doc comment"]),
    "doc inside a call": ("int a(\n    /// Lost.\n    int x);", ["2:5 this doc comment"]),
    "doc above retired": ("/// Lost.\nretired a;", ["1:1 this doc comment belongs to nothing"]),
    "pointer without direction": (
        "int a(const char *path);",
        ["1:19 pointer `path` has no direction"],
    ),
    "direction on a value": ("int a(int x [in]);", ["1:14 [in] on `x`, which is no pointer"]),
    "string on a value": ("int a(int x [string]);", ["1:14 [string] on `x`, which is no pointer"]),
    "fd on a pointer": ("int a(int *x [fd]);", ["1:15 [fd] on `x`, which is a pointer"]),
    "fd on a bool": ("int a(bool x [fd]);", ["1:15 [fd] on `x`, which is a bool"]),
    "? on a value": ("int a(int x [fd?]);", ["1:16 `?` on [fd], which is no pointer"]),
    "out through const": ("int a(const int *x [out]);", ["1:21 [out] on a pointer to const"]),
    "inout through const": ("int a(const int *x [inout]);", ["1:21 [inout] on a pointer to const"]),
    "void without length": ("int a(void *x [out]);", ["1:16 [out] on a `void *` needs a length"]),
    "string of the wrong type": ("int a(char *x [string]);", ["1:16 [string] on a `char *`"]),
    "strings of the wrong type": ("int a(char **x [strings]);", ["1:17 [strings] on a `char **`"]),
    "two stars without strings": (
        "int a(const char *const *x [in]);",
        ["1:29 [in] on a `const char *const *`; use [strings]"],
    ),
    "flags of no set": ("int a(int x [flags: G]);", ["1:21 [flags: G] names no flags set"]),
    "flags of a near set": (
        "flags MODE { A = 1 }\nint a(int x [flags: MODES]);",
        ["2:21 [flags: MODES] names no flags set; did you mean `MODE`?"],
    ),
    "flags of an enum": (
        "enum E { A = 1 }\nint a(int x [flags: E]);",
        ["2:21 `E` is a set of `enum`; write [enum: E]"],
    ),
    "flags without a set": ("int a(int x [flags]);", ["1:14 [flags] does not say which set"]),
    "keyword as call": ("int register();", ["1:5 `register` is reserved in C"]),
    "keyword as parameter": ("int a(int default);", ["1:11 `default` is reserved in C"]),
    "type as parameter": ("int a(int size_t);", ["1:11 `size_t` is reserved in C"]),
    "macro as parameter": ("int a(int linux);", ["1:11 `linux` is reserved in C"]),
    "underscore": ("int _a();", ["1:5 call name `_a` begins with an underscore"]),
    "long name": ("int " + "a" * 64 + "();", ["1:5 call name `" + "a" * 37 + "...` is too long"]),
    "register as constant": (
        "enum E { EAX = 1 }", ["1:10 `EAX` is a register or operator in NASM"]
    ),
    "error as constant": ("enum E { EIO = 1 }", ["1:10 constant `EIO` has a name"]),
    "constant as parameter": (
        "enum E { SIZE = 1 }\nint a(int SIZE);",
        ["2:11 parameter `SIZE` is also a constant, in line 1"],
    ),
    "constant as struct": (
        "enum E { pair = 1 }\nint a(struct pair *p [in]);",
        ["1:10 constant `pair` is also the name of a struct"],
    ),
    "value beyond 32 bits": (
        "flags F { A = 0x100000000 }",
        ["1:15 number `0x100000000` does not fit in 32 bits"],
    ),
    "decimal beyond 32 bits": ("enum E { A = 4294967296 }", ["1:14 value 4294967296 does not fit"]),
    "value far below": ("enum E { A = -2147483649 }", ["1:14 value -2147483649 does not fit"]),
    "number of 5000 digits": ("enum E { A = " + "9" * 5000 + " }", ["1:14 number `9999"]),
    "shift too far": ("flags F { A = 1 << 32 }", ["1:20 shift by 32 leaves 32 bits"]),
    "shifted out": ("flags F { A = 2 << 31 }", ["1:15 value 4294967296 does not fit in 32 bits"]),
    "negative flag": ("flags F { A = -1 }", ["1:15 a flag cannot be negative"]),
    "octal": ("enum E { A = 010 }", ["1:14 number `010` begins with 0"]),
    "malformed number": ("enum E { A = 12u }", ["1:14 malformed number `12u`"]),
    "value missing": ("enum E { A, B = 2 }", ["1:11 expected `=` after `A`, found `,`"]),
    "empty set": ("enum E { }", ["1:6 enum set `E` has no values"]),
    "comma missing": (
        "enum E { A = 1 B = 2 }", ["1:16 expected `,` or `}` in enum `E`, found `B`"]
    ),
    "no return type": ("write(int fd);", ["1:1 call `write` has no return type"]),
    "no parameter name": ("int a(int, int b);", ["1:10 expected the name of the parameter"]),
    "no parentheses": ("int a;", ["1:6 expected `(` after `a`, found `;`"]),
    "misspelt flags": ("flag F { A = 1 }", ["1:1 unknown word `flag`; did you mean `flags`?"]),
    "misspelt retired": ("retire a;", ["1:1 unknown word `retire`; did you mean `retired`?"]),
    "stray semicolon": ("int a();;", ["1:9 this `;` ends nothing"]),
    "stray brace": (
        "int a();\n}", ["2:1 expected a call, `flags`, `enum` or `retired`, found `}`"]
    ),
    "block comment": ("int a(); /* so */", ["1:10 `/*` comments are not known here"]),
    "letter of another script": (
        "int a(int \u00e9t\u00e9);", ["1:11 unexpected `\u00e9`", "1:13 unexpected `\u00e9`"]
    ),
    "not UTF-8": (b"int a();\n// \xc3\xa9 \xff so", ["2:6 byte 0xff is not UTF-8"]),
    "not UTF-8 behind a BOM": (b"\xef\xbb\xbfint \x80();", ["1:5 byte 0x80 is not UTF-8"]),
    "cut UTF-8": (b"int a(); // \xe2\x82", ["1:13 byte 0xe2 is not UTF-8"]),
    "UTF-16": ("int a();".encode("utf-16"), ["1:1 byte 0xff is not UTF-8"]),
    "NUL": (b"int a(); \0", ["1:10 control character 0x00"]),
    "NUL in a comment": (b"// so\0\nint a();", ["1:6 control character 0x00"]),
    "lone carriage return": (b"int a();\rint b();", ["1:9 carriage return inside a line"]),
    "tabs count as one": ("\tint a(\tfoo x);", ["1:9 unknown type `foo`"]),
    "columns are characters": (
        "int a(); // \u00e9\u00e9\u4e2d\nint b(int x [\u4e2dfd]);",
        ["2:14 unexpected `\u4e2d`"],
    ),
}


@pytest.mark.parametrize("name", COMPLAINTS)
def test_complaint(tmp_path, name):
    text, wanted = COMPLAINTS[name]
    found = [f"{position} {rest}" for position, rest in diagnose(tmp_path, text)]
    matches = [seen.startswith(start) for seen, start in zip(found, wanted)]
    assert len(found) >= len(wanted) and all(matches), found
    # Nothing is said twice, and one mistake rarely has an echo.
    if name not in ("letter of another script", "lone carriage return"):
        assert len(found) == len(wanted), found


def test_several_complaints_in_one_run(tmp_path):
    text = """\
int a(foo x);
int b()
int c(int y [fx]);
flags F { A = 1, A = 1 }
int d(int z, );
/// Lost.

int d(const void *p [in: q], off_t q);
int a();
"""
    positions = [position for position, _ in diagnose(tmp_path, text)]
    assert positions == ["1:7", "2:8", "3:14", "4:18", "5:14", "6:1", "8:5", "8:26", "9:5"]


ACCEPTED = {
    "empty": "",
    "comments only": "// nothing yet\n",
    "no newline at the end": "int a();",
    "(void)": "int a(void);",
    "BOM": "\ufeffint a();",
    "CRLF": "/// Doc.\r\nint a(\r\n    int x);\r\n",
    "four slashes are no doc": "//// so\n\nint a();",
    "struct pointer returned": "struct s *a();",
    "trailing comma and semicolon": "flags F { A = 1, };",
    "? in either place": "int a(void *p [in?: n], void *q [in: n?], int *r [out?], size_t n);",
    "ENOSYS may be listed": "int a() errors(ENOSYS, EIO);",
    "no errors": "uint32_t a() errors();",
    "name free again": "retired a;\nint a();\nretired a;",
    "parameters named as sets and words": "flags flags { A = 1 }\nint a(int flags [flags: flags], int errors, int retired);",
    "constant as length": "int a(void *p [out: LENGTH]);\nenum E { LENGTH = 0x10 }",
    "set defined later": "int a(int x [enum: E]);\nenum E { A = 1 }",
    "all strings": "int a(const char *const *b [strings], char *const *c [strings?], const char **d [strings]);",
    "bounds": "enum E { A = 0xffffffff, B = -0x80000000, C = 1 << 31, D = 0 }",
    "reserved only elsewhere": "int flags();\nint enum_();\nint string(int in, int out);",
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(tmp_path, name):
    assert diagnose(tmp_path, ACCEPTED[name]) == []


# ---- The command line ---------------------------------------------------------


def test_defaults_and_the_repository_itself(tmp_path):
    shutil.copy(REPOSITORY / "syscalls.def", tmp_path)
    result = generate(tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    made = {str(path.relative_to(tmp_path / "build/generated")) for path in (tmp_path / "build/generated").rglob("*.*")}
    assert made == set(gensyscalls.OUTPUTS)
    numbers = (tmp_path / "build/generated/syscall_numbers.inc").read_text()
    calls = "is_computer_on echo echo64 write exit system_time get_info".split()
    for number, name in enumerate(calls):
        assert f"SYS_{name} equ {number}\n" in numbers


def test_definitions_and_lock_of_the_repository_agree(tmp_path):
    result = generate(REPOSITORY, "--output", tmp_path)
    assert (result.returncode, result.stderr) == (0, "")


def test_as_a_program(tmp_path):
    (tmp_path / "syscalls.def").write_text("int a(foo x);")
    result = subprocess.run([GENERATOR], cwd=tmp_path, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("syscalls.def:1:7: unknown type `foo`; ")
    (tmp_path / "syscalls.def").write_text("int a();")
    assert subprocess.run([GENERATOR], cwd=tmp_path).returncode == 0


def test_path_is_printed_as_given(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x/y.def").write_text("int a(foo x);")
    result = generate(tmp_path, "x/../x/y.def")
    assert result.returncode == 1
    assert result.stderr.startswith("x/../x/y.def:1:7: unknown type")


@pytest.mark.parametrize(
    "arguments",
    [["--what"], ["nowhere.def"], ["."], ["--lock", "nowhere", "ok.def"], ["--errno", "nowhere", "ok.def"],
     ["--output", "ok.def", "ok.def"], ["ok.def", "ok.def"]],
)
def test_usage_and_files_exit_2(tmp_path, arguments):
    (tmp_path / "ok.def").write_text("int a();")
    result = generate(tmp_path, *arguments)
    assert result.returncode == 2
    assert result.stderr and "Traceback" not in result.stderr


def test_errors_come_from_the_errno_header(tmp_path):
    (tmp_path / "e.h").write_text("#define EODD 77 /* so */\n#define ESAME\tEODD\n")
    (tmp_path / "ok.def").write_text("int a() errors(EODD);\nint b() errors(ESAME);")
    assert generate(tmp_path, "--errno", "e.h", "ok.def").returncode == 0
    (tmp_path / "bad.def").write_text("int a() errors(EIO);")
    assert generate(tmp_path, "--errno", "e.h", "bad.def").returncode == 1


# ---- Files --------------------------------------------------------------------


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_same_bytes_whatever_the_hash_seed(tmp_path):
    seen = []
    for seed in ("0", "1", "77"):
        output = tmp_path / "out"
        environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": "C"}
        subprocess.run(
            ["/usr/bin/python3", GENERATOR, "--output", output, EVERY_ANNOTATION],
            env=environment,
            check=True,
        )
        seen.append(contents(output))
        shutil.rmtree(output)
    assert seen[0] == seen[1] == seen[2]


def test_every_output_says_where_it_comes_from(tmp_path):
    generate(tmp_path, "--output", tmp_path, EVERY_ANNOTATION)
    for name in gensyscalls.OUTPUTS:
        head = (tmp_path / name).read_text()[:120]
        assert "from syscalls.def by tools/gensyscalls.py; do not edit" in head, name


def test_only_what_changed_is_written(tmp_path):
    definitions = tmp_path / "syscalls.def"
    definitions.write_text("/// Old words.\nint a();\n")
    assert generate(tmp_path).returncode == 0
    output = tmp_path / "build/generated"
    for name in gensyscalls.OUTPUTS:
        os.utime(output / name, (1000, 1000))

    assert generate(tmp_path).returncode == 0
    assert all((output / name).stat().st_mtime == 1000 for name in gensyscalls.OUTPUTS)

    definitions.write_text("/// New words.\nint a();\n")
    assert generate(tmp_path).returncode == 0
    changed = {name for name in gensyscalls.OUTPUTS if (output / name).stat().st_mtime != 1000}
    assert changed == {"syscalls.h", "syscall_handlers.h", "syscalls.json"}
    assert not [path for path in output.rglob(".*")], "temporary files stay behind"


# ---- The lock -----------------------------------------------------------------

LOCKED = "int a();\nint b(int x, off_t y);\nretired old;\nvoid c(const char *p [string]);\nint d();\n"


@pytest.fixture
def locked(tmp_path):
    (tmp_path / "syscalls.def").write_text(LOCKED)
    assert generate(tmp_path, "--write-lock").returncode == 0
    assert not (tmp_path / "build").exists()
    return tmp_path


def test_lock_format(locked):
    lines = (locked / "syscalls.lock").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "0 a int()",
        "1 b int(int, off_t)",
        "2 retired old",
        "3 c void(const char *)",
        "4 d int()",
    ]


LOCK_ACCEPTS = {
    "same": LOCKED,
    "appended": LOCKED + "int e();\n",
    "other names and words": LOCKED.replace("int x", "int z [fd]").replace(
        "int a()", "/// Doc.\nint a(void)"
    ),
    "retired": LOCKED.replace("int a()", "retired a"),
    "retired and named anew": LOCKED.replace("int a()", "retired a") + "off_t a(int x);\n",
    "old name anew": LOCKED + "int old();\n",
}

LOCK_REFUSES = {
    "inserted": (
        "int new();\n" + LOCKED,
        ["2:5 locked call `a` was renumbered: it is number 0, where `new` is now"],
    ),
    "inserted in the middle": (
        LOCKED.replace("void c", "int new();\nvoid c"),
        [
            "5:6 locked call `c` was renumbered: it is number 3, where `new` is now, and would become 4",
        ],
    ),
    "removed": (
        LOCKED.replace("int a();\n", ""),
        [
            "1:5 locked call `a`, number 0, was removed; put it back before what follows, or withdraw it there with `retired a;`",
        ],
    ),
    "removed at the end": (
        LOCKED.replace("int d();\n", ""), ["4:1 locked call `d`, number 4, was removed"]
    ),
    "all removed": ("", ["1:1 locked call"] * 4 + ["1:1 retired call"]),
    "renamed": (LOCKED.replace("int a", "int aa"), ["1:5 locked call `a`, number 0, was removed"]),
    "retired line removed": (
        LOCKED.replace("retired old;\n", ""),
        ["3:6 retired call `old`, number 2, was removed; put back before what follows `retired old;`"],
    ),
    "swapped": (
        LOCKED.replace("int a();", "int d();", 1).replace("int d();\n", "int a();\n").replace(
            "int a();", "int d();", 1
        ),
        ["1:5 locked call `d` was renumbered", "5:5 locked call `a` was renumbered"],
    ),
    "retyped parameter": (
        LOCKED.replace("off_t y", "int y"),
        ["2:14 locked call `b` was retyped: parameter 2 was `off_t`"],
    ),
    "retyped result": (
        LOCKED.replace("void c", "int c"), ["4:1 locked call `c` was retyped: it returned `void`"]
    ),
    "parameter added": (
        LOCKED.replace("off_t y", "off_t y, int z"),
        ["2:23 locked call `b` was retyped: it had 2 parameters"],
    ),
    "parameter removed": (
        LOCKED.replace(", off_t y", ""),
        ["2:5 locked call `b` was retyped: it had 2 parameters"],
    ),
    "const dropped": (
        LOCKED.replace("const char *p [string]", "char *p [out]"),
        ["4:8 locked call `c` was retyped: parameter 1 was `const char *`"],
    ),
    "retired comes back": (
        LOCKED.replace("retired old", "int old()"),
        ["3:5 retired call `old`, number 2, was removed"],
    ),
    "retired elsewhere": (
        LOCKED.replace("int a()", "int new()") + "retired a;\n",
        ["6:9 locked call `a` was renumbered"],
    ),
    "removed and inserted": (
        LOCKED.replace("int a();\n", "").replace("int d", "int new();\nint d"),
        ["1:5 locked call `a`, number 0, was removed"],
    ),
}


@pytest.mark.parametrize("name", LOCK_ACCEPTS)
def test_lock_accepts(locked, name):
    assert diagnose(locked, LOCK_ACCEPTS[name]) == []


@pytest.mark.parametrize("name", LOCK_REFUSES)
def test_lock_refuses(locked, name):
    text, wanted = LOCK_REFUSES[name]
    found = [f"{position} {rest}" for position, rest in diagnose(locked, text)]
    assert len(found) == len(wanted), found
    for seen, start in zip(found, wanted):
        assert seen.startswith(start), found


def test_lost_declaration_is_no_lock_complaint(locked):
    found = diagnose(locked, LOCKED.replace("int a()", "int (a)"))
    assert [position for position, _ in found] == ["1:5"]


def test_broken_lock(locked):
    lock = locked / "syscalls.lock"
    lock.write_text(lock.read_text().replace("1 b int(", "1 b int"))
    result = generate(locked)
    assert result.returncode == 1
    assert re.match(r"syscalls\.lock:4:1: this is not the line of number 1; restore", result.stderr)
    lock.write_bytes(b"# so\n0 \xff")
    result = generate(locked)
    assert result.returncode == 1
    assert result.stderr.startswith("syscalls.lock:2:3: byte 0xff is not UTF-8")
    assert generate(locked, "--write-lock").returncode == 0
    assert generate(locked).returncode == 0


def test_lock_elsewhere(locked):
    (locked / "syscalls.lock").rename(locked / "other")
    (locked / "syscalls.def").write_text("int b();\n")
    assert generate(locked).returncode == 0
    assert generate(locked, "--lock", "other").returncode == 1


def test_write_lock_says_what_changed(locked):
    (locked / "syscalls.def").write_text(
        "retired a;\nint b(int x);\nint older();\nvoid c(const char *p [string]);\n"
    )
    result = generate(locked, "--write-lock")
    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        "retired: 0 a",
        "warning: retyped: 1 b int(int, off_t), is int(int)",
        "warning: changed: 2 was old, is older",
        "warning: removed: 4 d",
        "syscalls.lock: written, 4 numbers",
    ]
    assert generate(locked).returncode == 0
    (locked / "syscalls.def").write_text(
        "retired a;\nint b(int x);\nint older();\nvoid c(const char *p [string]);\nint z();"
    )
    assert generate(locked, "--write-lock").stdout.startswith("added: 4 z\n")
    before = (locked / "syscalls.lock").read_bytes()
    (locked / "syscalls.def").write_text("int a(")
    assert generate(locked, "--write-lock").returncode == 1
    assert (locked / "syscalls.lock").read_bytes() == before


# ---- What is rendered ----------------------------------------------------------


@pytest.mark.parametrize(
    "doc, summary",
    [
        (["One.", "Two."], "One."),
        (["One that", "goes on. Two."], "One that goes on."),
        (["See e.g. this. Two."], "See e.g. this."),
        (["No end", "", "Two."], "No end"),
        (["Version 1.2 of it. Two."], "Version 1.2 of it."),
        ([], ""),
    ],
)
def test_summary(doc, summary):
    assert gensyscalls.summary(doc) == summary


def test_json_has_everything(tmp_path):
    generate(tmp_path, "--output", tmp_path, EVERY_ANNOTATION)
    described = json.loads((tmp_path / "syscalls.json").read_text())
    calls = {call["name"]: call for call in described["calls"]}
    assert described["count"] == len(calls) + 2
    assert described["retired"] == [{"number": 0, "name": "gone"}, {"number": 11, "name": "gone"}]
    assert [p["dword"] for p in calls["scalars"]["parameters"]] == [0, 1, 3, 4, 5, 6, 7]
    assert calls["scalars"]["dwords"] == 8
    assert calls["scalars"]["parameters"][3]["set"] == "OPEN"
    assert calls["in_sixteen"]["parameters"][0]["count"] == {"value": 16}
    assert calls["in_named"]["parameters"][0]["count"] == {"constant": "OPEN_CREATE"}
    assert calls["inout_buffer"]["parameters"][0] == {
        "name": "words",
        "type": "uint32_t *",
        "dword": 0,
        "dwords": 1,
        "annotation": "inout",
        "optional": True,
        "count": {"parameter": "count"},
    }
    assert calls["two_strings"]["door_errors"] == ["EFAULT", "ENAMETOOLONG", "E2BIG", "ENOMEM"]
    assert described["flags"][0]["doc"] == ["How to open."]
    assert described["flags"][0]["values"][0] == {
        "name": "OPEN_READ", "value": 1, "doc": ["For reading."]
    }
    assert [value["value"] for value in described["enums"][0]["values"]] == [0, 2, -1, -(2**31)]


def test_call_without_pointers_pays_nothing(tmp_path):
    generate(tmp_path, "--output", tmp_path, EVERY_ANNOTATION)
    table = (tmp_path / "syscall_table.c").read_text()
    body = table.split("thunk_raw(const uint32_t *arguments)\n")[1].split("\n}\n")[0]
    assert body == "{\n\treturn (int32_t)_user_raw((uint32_t)arguments[0]);"


# Documentation that would end a comment, continue a line, or be no ASCII.
AWKWARD = "/// Ends */ here, begins /* there, \\\n/// ??/\n/// \u4e2d %s \"so\" \\\nint a(int x);\n"


# Instructions, directives and macros of NASM's as constants.
NASM_WORDS = "int a();\nenum E { %s }\n" % ", ".join(
    f"{word} = {value}" for value, word in enumerate(
        "PAUSE MONITOR STR BT SETO SYSCALL CPU FLOAT LIST STATIC REQUIRED AT ISTRUC IEND LONG"
        " DUP DEBUG WARNING SECTALIGN Cpu at".split()))


def compile_outputs(folder, compiler, text=None):
    if compiler == "gcc" and shutil.which("gcc") is None:
        pytest.skip("no gcc here")
    definitions = EVERY_ANNOTATION
    if text is not None:
        definitions = folder / "syscalls.def"
        definitions.write_text(text, encoding="utf-8")
    assert generate(folder, "--output", folder / "out", definitions).returncode == 0
    shutil.copytree(HARNESS / "include/postern", folder / "include/postern", dirs_exist_ok=True)
    (folder / "include/postern/types.h").unlink()  # the real one is found behind it
    include = [folder / "out", folder / "include", REPOSITORY, REPOSITORY / "libroot/include"]
    command = [*COMPILERS[compiler], *KERNEL, *WARNINGS, *[f"-I{path}" for path in include]]
    if compiler == "gcc" and subprocess.run([*command, "-fsyntax-only", "-xc", "/dev/null"]).returncode:
        pytest.skip("this gcc does not build for i386")
    headers = "syscalls.h postern/syscalls.h syscall_constants.h syscall_numbers.h syscall_handlers.h"
    sources = [f"#include <{name}>\n" for name in headers.split()]
    for source in sources + [f"{sources[0]}{sources[4]}{sources[1]}"]:
        subprocess.run([*command, "-fsyntax-only", "-xc", "-"], input=source, text=True, check=True)
    for debug in (0, 1):
        table = folder / "out/syscall_table.c"
        subprocess.run(
            [*command, f"-DPOSTERN_DEBUG={debug}", "-c", table, "-o", folder / "t.o"], check=True
        )
    subprocess.run(
        [
            "nasm",
            "-felf32",
            "-g",
            "-Fdwarf",
            "-w+all",
            "-Werror",
            f"-I{folder}/out/",
            "-o",
            folder / "s.o",
            folder / "out/syscalls.asm",
        ],
        check=True,
    )


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "retired a;\n",
        "void a();\n",
        "uint32_t a();\n",
        AWKWARD,
        "int a() errors(EIO);\n",
        "retired gone;\nint retired(int x) errors(EIO);\n",
        NASM_WORDS,
        (REPOSITORY / "syscalls.def").read_text(),
    ],
    ids=[
        "every annotation", "empty", "retired only", "void", "no errors", "awkward", "errors only",
        "call retired", "NASM's words", "syscalls.def"
    ],
)
def test_outputs_compile(tmp_path, compiler, text):
    compile_outputs(tmp_path, compiler, text)


def compile_handler(folder, definition, handler):
    (folder / "syscalls.def").write_text(definition)
    assert generate(folder).returncode == 0
    include = [folder / "build/generated", REPOSITORY, REPOSITORY / "libroot/include"]
    command = [*COMPILERS["clang"], *KERNEL, *WARNINGS, *[f"-I{path}" for path in include]]
    return subprocess.run(
        [*command, "-fsyntax-only", "-xc", "-"],
        input=f'#include "syscall_handlers.h"\n{handler}\n',
        text=True, capture_output=True,
    )


def test_handler_of_another_type_stops_the_build(tmp_path):
    good = compile_handler(tmp_path, "int a(int x);", "int _user_a(int x) { return x; }")
    assert good.returncode == 0, good.stderr
    bad = compile_handler(tmp_path, "int a(int x);", "int _user_a(unsigned x) { return (int)x; }")
    assert bad.returncode != 0 and "conflicting types for '_user_a'" in bad.stderr


def test_struct_defined_nowhere_is_said(tmp_path):
    result = compile_handler(
        tmp_path,
        "int a(struct nowhere *x [in]);",
        '#define POSTERN_DEBUG 0\n#include "syscall_table.c"',
    )
    assert "struct nowhere is defined nowhere: write libroot/include/postern/nowhere.h" in result.stderr


def test_objects_too_large_for_the_kernel_stack(tmp_path):
    call = "int a(struct big *x [in], struct big *y [out]);"
    (tmp_path / "build/generated/postern").mkdir(parents=True)
    header = tmp_path / "build/generated/postern/big.h"
    for size, fits in ((512, True), (513, False)):
        header.write_text(f"#pragma once\nstruct big {{\n\tchar bytes[{size}];\n}};\n")
        result = compile_handler(
            tmp_path, call, '#define POSTERN_DEBUG 0\n#include "syscall_table.c"'
        )
        assert (result.returncode == 0) == fits, result.stderr
        assert fits or "a: its objects are too large" in result.stderr


def test_stub_is_two_instructions(tmp_path):
    generate(tmp_path, "--output", tmp_path, EVERY_ANNOTATION)
    numbers = (tmp_path / "syscall_numbers.inc").read_text()
    number = int(re.search(r"^SYS_everything equ (\d+)$", numbers, re.MULTILINE)[1])
    asm, binary = tmp_path / "syscalls.asm", tmp_path / "s.o"
    subprocess.run(["nasm", "-felf32", f"-I{tmp_path}/", "-o", binary, asm], check=True)
    section = tmp_path / "section"
    subprocess.run(
        ["llvm-objcopy", "-O", "binary", "--only-section=.text._kern_everything", binary, section], check=True
    )
    # mov eax, imm32; jmp [0xffff000c]
    assert section.read_bytes() == b"\xb8" + number.to_bytes(4, "little") + b"\xff\x25\x0c\x00\xff\xff"


# ---- Thunks at work -------------------------------------------------------------


@pytest.mark.parametrize("debug", [0, 1])
def test_thunks(tmp_path, debug):
    """See harness.c. The table's assertion of a 32-bit layout is set aside."""
    assert generate(tmp_path, "--output", tmp_path, EVERY_ANNOTATION).returncode == 0
    include = [HARNESS / "include", tmp_path, REPOSITORY, REPOSITORY / "libroot/include"]
    subprocess.run(
        ["clang", "-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-Wshadow",
         "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-D_Static_assert(a,b)=",
         f"-DPOSTERN_DEBUG={debug}", *[f"-I{path}" for path in include],
         tmp_path / "syscall_table.c", HARNESS / "harness.c", "-o", tmp_path / "harness"],
        check=True,
    )
    result = subprocess.run([tmp_path / "harness"], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "ok\n"), result.stdout + result.stderr


# ---- Broken input ------------------------------------------------------------------


def test_fuzz_for_a_moment(tmp_path):
    assert fuzz.run(seed=1, seconds=20, rounds=600, processes=6, folder=tmp_path) == 600
