"""libroot's headers promise nothing that the C library does not have: a program that refers
to each function they declare is linked with it."""

import json
import re
import subprocess

import pytest

import booting

OWN = booting.TOP / "libroot" / "posix" / "include"
NEWLIB = booting.TOP / "build" / "cache" / "newlib-clang" / "i686-elf" / "include"
LIBRARY = booting.BUILD / "lib" / "libc.a"
COMPILER = booting.TOP / "tools" / "postern-cc"  # POSTERN_BUILD says to it, too, which build

# Declared by newlib's headers, and defined by libroot/posix/.
OURS_OF_NEWLIB = {
    "clock_nanosleep", "daemon", "dup3", "execlpe", "execvpe", "futimes", "get_current_dir_name",
    "getentropy", "getgrent", "getpwent", "initgroups", "issetugid", "lockf", "lutimes",
    "posix_memalign", "realpath", "remove", "secure_getenv", "setgroups", "setregid", "setreuid",
    "sysconf"}
# newlib's own sources, which its configure leaves out.
OPTIONAL_OF_NEWLIB = {"fnmatch", "glob", "globfree", "popen", "posix_spawn", "posix_spawnp",
                      "posix_spawn_file_actions_addopen", "posix_spawnattr_setsigmask", "regcomp"}


def needs_library():
    if not LIBRARY.is_file() or not NEWLIB.is_dir():
        pytest.skip("the C library is not built")


def declarations(headers):
    """{function: header} of what a program sees that includes them all."""
    source = "#define _GNU_SOURCE\n" + "".join(f"#include <{name}.h>\n" for name in headers)
    dump = subprocess.run([COMPILER, "-c", "-fsyntax-only", "-Xclang", "-ast-dump=json",
                           "-x", "c", "-"], input=source, check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    found = {}
    file = None

    def walk(node):
        # Only what has changed since the place before is said.
        nonlocal file
        if isinstance(node, dict):
            if "file" in node and ("line" in node or "offset" in node):
                file = node["file"]
            for name, value in node.items():
                if name != "inner":
                    walk(value)
            if (node.get("kind") == "FunctionDecl" and not node.get("isImplicit")
                    and node.get("storageClass") != "static" and not node.get("inline")
                    and not node["name"].startswith("_")):  # newlib's own
                found.setdefault(node["name"], file)
            for child in node.get("inner", ()):
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(json.loads(dump))
    return found


def undefined(names, folder):
    """Those that a program which refers to all of them cannot be linked for."""
    source, refers = folder / "refers.s", folder / "refers.o"
    missing = set()
    # The linker tells of a few at a time.
    while True:
        source.write_text(".globl main\nmain:\n"
                          + "".join(f".long {name}\n" for name in names if name not in missing))
        subprocess.run([COMPILER, "-c", source, "-o", refers], check=True)
        done = subprocess.run([COMPILER, refers, "-o", folder / "refers"],
                              stderr=subprocess.PIPE, text=True)
        told = set(re.findall(r"undefined symbol: (\w+)", done.stderr))
        assert (done.returncode == 0) == (not told), done.stderr[-3000:]
        if not told:
            return missing
        # Otherwise it is a function of the library that wants one.
        assert not told <= missing, done.stderr[-3000:]
        missing |= told


def test_own_headers(tmp_path):
    """What libroot/posix/include/ declares is defined, without exception."""
    needs_library()
    headers = sorted(str(path.relative_to(OWN))[:-2] for path in OWN.rglob("*.h")
                     if path.parent.name != "machine")
    declared = declarations([*headers, "fnmatch", "glob", "grp", "pwd", "spawn", "stdlib",
                             "sys/time", "time", "unistd"])
    own = {name for name, file in declared.items() if file.startswith(str(OWN))}
    assert len(own) > 60 and {"open", "futimens", "fstatvfs"} <= own
    others = OURS_OF_NEWLIB | OPTIONAL_OF_NEWLIB
    assert others <= set(declared), others - set(declared)
    assert undefined(sorted(own | others), tmp_path) == set()


def test_headers_and_calls():
    """A program includes the C library's headers and the system calls, in either order; but
    not <sys/stat.h>, whose struct stat is POSIX's and not the kernel's."""
    needs_library()
    headers = {str(path.relative_to(OWN)) for path in OWN.rglob("*.h")
               if path.parent.name != "machine" and path.name != "stat.h"}
    lines = [f"#include <{name}>\n" for name in sorted(headers | {"stdlib.h", "unistd.h", "time.h"})]
    calls = "#include <postern/syscalls.h>\n"
    for source in ("".join(lines) + calls, calls + "".join(lines)):
        done = subprocess.run([COMPILER, "-c", "-fsyntax-only", "-D_GNU_SOURCE", "-Wall", "-Werror",
                               "-I", booting.BUILD / "generated", "-x", "c", "-"],
                              input=source, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
