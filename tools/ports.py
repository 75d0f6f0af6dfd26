#!/usr/bin/env python3
"""Builds other people's programs, unmodified, from Debian's source packages.

    ports.py [--build FOLDER] [NAME...]     fetch and build; all of them by default
    ports.py --list                         names and versions

`make ports` calls it, behind `make libc`. Each port is pinned: the source package's
version, and the SHA-256 of each archive that is used. What comes out lies under
FOLDER/ports/root, as it will in the image.

apt-get fetches, from wherever this machine's own apt does: a copy of its sources, with
deb-src in place of deb, is made below the cache, so nothing of the machine changes.
Archives are kept in build/cache/ports, and nothing is fetched that is there.
"""

import argparse
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Callable

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / "build" / "cache" / "ports"
COMPILER = ROOT / "tools" / "postern-cc"
# Programs of the build itself run here, not in the guest.
HOST_COMPILER = os.environ.get("HOST_CC", "clang")


class PortError(Exception):
    """Says in one line what went wrong."""


@dataclass
class Work:
    """What a recipe gets: where the source is, where its products go, and how to run."""

    source: pathlib.Path
    image: pathlib.Path
    build: pathlib.Path
    log: "object"

    def run(self, *command, cwd=None, **environment):
        """Runs a command in the source, everything it says into the log."""
        full = dict(os.environ, POSTERN_BUILD=str(self.build), CC=str(COMPILER), AR="llvm-ar",
                    RANLIB="llvm-ranlib", NM="llvm-nm", STRIP="true", LC_ALL="C")
        # The make that called this one has its own variables and its own jobs.
        for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "BUILD", "CFLAGS"):
            full.pop(name, None)
        full.update(environment)
        words = [str(word) for word in command]
        print("+", " ".join(words), file=self.log, flush=True)
        done = subprocess.run(words, cwd=cwd or self.source, env=full, stdin=subprocess.DEVNULL,
                              stdout=self.log, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise PortError(f"`{' '.join(words)[:120]}` ended with {done.returncode}")

    def compile(self, output, sources, *flags, libraries=()):
        """One program from a list of sources, all at once."""
        names = [str(source) for source in sources]
        objects = [f"{name}.{output}.o" for name in names]
        jobs = []
        for name, target in zip(names, objects):
            command = [str(COMPILER), "-O2", "-w", *flags, "-c", name, "-o", target]
            jobs.append((command, target))
        environment = dict(os.environ, POSTERN_BUILD=str(self.build))
        running = []
        for command, _ in jobs:
            print("+", " ".join(command), file=self.log, flush=True)
            running.append((command, subprocess.Popen(
                command, cwd=self.source, env=environment, stdin=subprocess.DEVNULL,
                stdout=self.log, stderr=subprocess.STDOUT)))
            if len(running) >= (os.cpu_count() or 1):
                self._finish(*running.pop(0))
        for command, process in running:
            self._finish(command, process)
        self.run(COMPILER, "-o", output, *objects, *libraries)

    @staticmethod
    def _finish(command, process):
        if process.wait() != 0:
            raise PortError(f"`{command[-3]}` does not compile")

    def install(self, program, *names, folder="bin"):
        """Puts a program of the source into the image, without its debugging information."""
        for name in names or (pathlib.Path(program).name,):
            target = self.image / folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["llvm-strip", "-o", target, self.source / program], check=True)


def lua(work):
    sources = sorted(path.relative_to(work.source) for path in (work.source / "src").glob("*.c")
                     if path.name != "luac.c")
    work.compile("lua", sources, "-DLUA_USE_POSIX", "-DLUA_COMPAT_5_3", libraries=["-lm"])
    work.install("lua")


def zlib(work):
    sources = sorted(path.relative_to(work.source) for path in work.source.glob("*.c"))
    work.compile("minigzip", [*sources, "test/minigzip.c"], "-I.", "-DHAVE_UNISTD_H",
                 "-D_LARGEFILE64_SOURCE=0")
    work.install("minigzip")
    # zlib's own test, for tests/boot/test_ports.py
    work.compile("example", [*sources, "test/example.c"], "-I.", "-DHAVE_UNISTD_H",
                 "-D_LARGEFILE64_SOURCE=0")


def dash(work):
    work.run("./configure", "--host=i686-elf", "--disable-lineno", f"CC_FOR_BUILD={HOST_COMPILER}",
             "CFLAGS=-O2 -w", "ac_cv_func_isalpha=yes")
    work.run("make", f"-j{os.cpu_count()}")
    work.install("src/dash", "dash", "sh")


def mksh(work):
    # Its configuration only compiles and links. -r: no manual is formatted. Without select()
    # it has no `sleep` of its own, which would be the shell itself and not stop for ^Z.
    work.run("sh", "Build.sh", "-r", TARGET_OS="Postern", CFLAGS="-O2 -w", HAVE_SELECT="0")
    work.install("mksh")


def ed(work):
    work.run("./configure", f"CC={COMPILER}", "CFLAGS=-O2 -w")
    work.run("make", "ed", f"CC={COMPILER}")
    work.install("ed")


def elvis(work):
    # Its own description of terminals, so that no library of those is needed. It takes this
    # for Minix, whose console, like ours, stays in the last column until more comes.
    names = ("blk cmd1 cmd2 curses cut ex input main misc modify move1 move2 move3 move4 move5 "
             "opts recycle redraw regexp regsub system tio tmp vars vcmd vi").split()
    work.run(COMPILER, "-O2", "-w", "-std=gnu89", "-c", "tinytcap.c")
    work.run(COMPILER, "-O2", "-c", ROOT / "tools/ports/elvis_calls.c", "-o", "calls.o")
    work.compile("elvis", [f"{name}.c" for name in names], "-std=gnu89", "-DM_SYSV=0",
                 "-Dsignal=elvis_signal", "-Dlseek=elvis_lseek",
                 libraries=["tinytcap.o", "calls.o"])
    work.install("elvis", "elvis", "vi")


def sqlite(work):
    # The amalgamation and its shell are made on this machine, by Tcl and C programs.
    work.run("./configure", "--disable-tcl", "--disable-readline", "--disable-load-extension",
             "CC=" + HOST_COMPILER, "BUILD_CC=" + HOST_COMPILER)
    work.run("make", "sqlite3.c", "shell.c", CC=HOST_COMPILER)
    work.compile("sqlite3", ["sqlite3.c", "shell.c"], "-DSQLITE_THREADSAFE=0",
                 "-DSQLITE_OMIT_LOAD_EXTENSION", "-DSQLITE_OMIT_WAL", "-DSQLITE_MAX_MMAP_SIZE=0",
                 "-DSQLITE_OMIT_DEPRECATED", libraries=["-lm"])
    work.install("sqlite3")
    # SQLite's own benchmark, for tools/bench.py; not in the image.
    work.compile("speedtest1", ["test/speedtest1.c"], "-I.", "-DSQLITE_THREADSAFE=0",
                 "-DSQLITE_OMIT_DEPRECATED", libraries=["sqlite3.c.sqlite3.o", "-lm"])
    work.install("speedtest1", folder="../bench")


def mujs(work):
    work.compile("mujs", ["one.c", "main.c"], "-std=c99", libraries=["-lm"])
    work.install("mujs")


def bc(work):
    # Its makefile wants ed and makeinfo. What they and its configure do is this: its
    # library of functions, compiled by a bc without one, as an array of strings.
    (work.source / "config.h").write_text("".join(f"#define {line}\n" for line in (
        "HAVE_LIMITS_H 1", "HAVE_STDARG_H 1", "HAVE_STDLIB_H 1", "HAVE_STRING_H 1",
        "HAVE_UNISTD_H 1", "HAVE_ISGRAPH 1", "HAVE_SETVBUF 1", "HAVE_STRTOL 1",
        "STDC_HEADERS 1", 'PACKAGE "bc"', 'VERSION "1.07.1"',
        'BC_COPYRIGHT "Copyright Free Software Foundation, Inc."')))
    sources = [f"bc/{name}.c" for name in
               "main bc scan execute load storage util warranty global".split()]
    sources += ["lib/number.c", "lib/getopt.c", "lib/getopt1.c"]
    flags = ["-DHAVE_CONFIG_H", "-I.", "-Ih", "-Ibc"]
    library = work.source / "bc/libmath.h"
    library.write_text("{0}\n")
    work.run(HOST_COMPILER, "-O1", "-w", *flags, "-o", "host-bc", *sources)
    lines = subprocess.run(["./host-bc", "-c", "bc/libmath.b"], cwd=work.source, check=True,
                           stdin=subprocess.DEVNULL, capture_output=True,
                           text=True).stdout.splitlines()
    library.write_text("{" + "".join(f'"{line}",\n' for line in lines if line) + "0}\n")
    # With its library, for tests/boot/test_ports.py to compare with
    work.run(HOST_COMPILER, "-O1", "-w", *flags, "-o", "host-bc", *sources)
    work.compile("guest-bc", sources, *flags)
    work.install("guest-bc", "bc")


def tcc(work):
    """The compiler, and what it needs in the guest: headers, libc.a, and its libtcc1.a."""
    (work.source / "config.h").write_text(
        '#define TCC_VERSION "0.9.27"\n#define GCC_MAJOR 4\n#define GCC_MINOR 2\n'
        "#define CC_NAME CC_clang\n")
    # CONFIG_TCCBOOT: without the backtraces of -bt and -b, which want <ucontext.h>
    flags = ["-I.", "-DTCC_TARGET_I386", "-DONE_SOURCE=1", "-DCONFIG_TCC_STATIC",
             "-DCONFIG_TCCBOOT", '-DCONFIG_TCCDIR="/lib/tcc"',
             '-DCONFIG_TCC_SYSINCLUDEPATHS="{B}/include:/usr/include:/usr/include/newlib"',
             '-DCONFIG_TCC_LIBPATHS="/usr/lib"']
    work.run(COMPILER, "-O2", "-w", *flags, "-Dmain=tcc_main", "-c", "tcc.c", "-o", "guest.o")
    work.run(COMPILER, "-O2", "-o", "tcc", ROOT / "tools/ports/tcc_main.c", "guest.o", "-lm")
    work.install("tcc")
    # Its library is compiled by itself, on this machine.
    work.run(HOST_COMPILER, "-O1", "-w", *flags, "-o", "cross-tcc", "tcc.c", "-lpthread")
    for name in ("libtcc1.c", "alloca86.S", "dsohandle.c"):
        work.run("./cross-tcc", "-nostdinc", "-Iinclude", "-c", f"lib/{name}",
                 "-o", f"{name}.o")

    library = work.image / "usr/lib"
    library.mkdir(parents=True, exist_ok=True)
    support = work.image / "lib/tcc"
    shutil.rmtree(support, ignore_errors=True)
    shutil.copytree(work.source / "include", support / "include")
    # What clang's code in libc.a calls and TinyCC's does not is in clang's library.
    work.run("llvm-ar", "qcsL", support / "libtcc1.a", "libtcc1.c.o", "alloca86.S.o",
             "dsohandle.c.o", compiler_library())
    drop_shadowed(work, work.build / "lib/libc.a", library / "libc.a")
    work.run("llvm-ar", "qcs", library / "libm.a")
    work.run("llvm-strip", "-g", "-o", library / "crt1.o",
             work.build / "libroot/posix/crt0.asm.o")
    for name in ("crti.o", "crtn.o"):  # TinyCC asks for them; there is nothing to do there
        work.run("clang", "--target=i686-elf", "-c", "-x", "assembler", "/dev/null",
                 "-o", library / name)

    headers = work.image / "usr/include"
    shutil.rmtree(headers, ignore_errors=True)
    for source, target in ((ROOT / "libroot/posix/include", headers),
                           (ROOT / "libroot/include", headers),
                           (work.build / "generated/postern", headers / "postern"),
                           (ROOT / "build/cache/newlib-clang/i686-elf/include",
                            headers / "newlib")):
        shutil.copytree(source, target, dirs_exist_ok=True)
    # <postern/syscalls.h> includes these from beside its folder.
    for name in ("syscalls.h", "syscall_constants.h", "syscall_numbers.h"):
        shutil.copy(work.build / "generated" / name, headers)


def drop_shadowed(work, archive, output):
    """Copies an archive without the members that define again what one before them does.

    Of two that define a function lld takes the first. TinyCC goes through an archive from
    top to bottom, and takes the second where the need for it arises between them.
    """
    folder = work.source / "members"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    data = archive.read_bytes()
    position, members = 8, []
    while position < len(data):  # ar(5): a header of 60 bytes, contents, and a byte to even
        name = data[position:position + 16].decode().strip()
        size = int(data[position + 48:position + 58])
        if name not in ("/", "//"):
            members.append(folder / f"{len(members):04}.o")
            members[-1].write_bytes(data[position + 60:position + 60 + size])
        position += 60 + size + size % 2
    listed = subprocess.run(["llvm-nm", "--format=posix", "--extern-only", "--defined-only",
                             "--print-file-name", *members], check=True, capture_output=True,
                            text=True).stdout
    symbols = {}
    for line in listed.splitlines():
        member, name, kind = line.split()[:3]
        if kind not in "VvWw":
            symbols.setdefault(member.rstrip(":"), set()).add(name)
    seen, kept = set(), []
    for member in members:
        own = symbols.get(str(member), set())
        if not own & seen:
            seen |= own
            kept.append(member)
    print(f"{len(members) - len(kept)} of {len(members)} members are shadowed", file=work.log)
    output.unlink(missing_ok=True)
    subprocess.run(["llvm-strip", "-g", *kept], check=True, stderr=work.log)
    work.run("llvm-ar", "qcs", output, *kept)


def compiler_library():
    """What tools/postern-cc links last."""
    resources = subprocess.run(["clang", "--print-resource-dir"], check=True,
                               capture_output=True, text=True).stdout.strip()
    for path in (pathlib.Path(resources, "lib/linux/libclang_rt.builtins-i386.a"),
                 *pathlib.Path("/usr/lib/gcc-cross/i686-linux-gnu").glob("*/libgcc.a")):
        if path.is_file():
            return path
    raise PortError("there is no library of clang's or gcc's for i386")


# What is built of toybox. What Postern has a program of its own for (apps/) is not; nor is
# what there is nothing for: users, networks.
TOYBOX_PROGRAMS = (
    "base64 basename cal chmod cksum cmp comm count cut date diff dirname du env expand expr "
    "factor false find fold link ln md5sum mkfifo mktemp nl nohup od paste patch printf pwd readlink "
    "realpath rev rmdir sed seq sha1sum sort split stat strings sync tac tail tee test timeout "
    "touch tr true truncate tty uniq unlink which xargs yes").split()
# Headers of toybox's that are not here. tools/ports/toybox/postern.h has what they are for.
TOYBOX_HEADERS = (
    "arpa/inet.h byteswap.h endian.h mntent.h net/if.h netdb.h netinet/in.h netinet/tcp.h "
    "pty.h sys/inotify.h sys/mount.h sys/personality.h sys/socket.h sys/statfs.h sys/swap.h "
    "sys/syscall.h sys/sysinfo.h sys/un.h sys/xattr.h syslog.h").split()


def toybox(work):
    # Its own configuration, of nothing but these, and what its build makes of that: the
    # tables of programs and of options. They are programs and scripts of this machine.
    tools = {"CC": HOST_COMPILER, "HOSTCC": HOST_COMPILER}
    work.run("make", "allnoconfig", **tools)
    config = work.source / ".config"
    text = config.read_text()
    for name in (*TOYBOX_PROGRAMS, "test_glue", "toybox", "toybox_float", "toybox_help",
                 "toybox_help_dashdash", "sort_float"):
        text = text.replace(f"# CONFIG_{name.upper()} is not set\n", f"CONFIG_{name.upper()}=y\n")
    config.write_text(text)
    work.run("make", "silentoldconfig", **tools)
    missing = [name for name in TOYBOX_PROGRAMS
               if f"CONFIG_{name.upper()}=y\n" not in config.read_text()]
    if missing:
        raise PortError(f"its configuration has no {', '.join(missing)}")
    work.run("bash", "scripts/make.sh", NOBUILD="1", **tools)

    for name in TOYBOX_HEADERS:
        header = work.source / "postern" / name
        header.parent.mkdir(parents=True, exist_ok=True)
        header.touch()
    ours = ROOT / "tools/ports/toybox"
    flags = ["-funsigned-char", "-I.", "-isystem", "postern", "-include", str(ours / "postern.h")]
    sources = ["main.c", *(f"lib/{name}.c" for name in
                           "args commas dirtree env lib llist tty utf8 xwrap".split())]
    programs = "|".join(TOYBOX_PROGRAMS)
    for path in sorted(work.source.glob("toys/*/*.c")):
        if re.search(rf"^USE_.*TOY\(({programs})[ ,]", path.read_text(errors="replace"), re.M):
            sources.append(path.relative_to(work.source))
    # For the numbers of devices it knows Linux's way, which is ours, and a few others.
    work.run(COMPILER, "-O2", "-w", *flags, "-D__linux__=1", "-DTOYBOX_PORTABILITY=1", "-c",
             "lib/portability.c", "-o", "portability.o")
    work.run(COMPILER, "-O2", "-w", "-c", ours / "postern.c", "-o", "postern.o")
    work.compile("toybox", sources, *flags, libraries=["portability.o", "postern.o", "-lm"])
    work.install("toybox")
    for name in (*TOYBOX_PROGRAMS, "["):  # which is a name of test
        link = work.image / "bin" / name
        link.unlink(missing_ok=True)
        link.symlink_to("toybox")


@dataclass
class Port:
    package: str
    version: str
    archive: str
    sha256: str
    recipe: Callable[[Work], None]
    also: dict = field(default_factory=dict)  # further archives: name to SHA-256


PORTS = {
    "bc": Port(
        "bc", "1.07.1-3", "bc_1.07.1.orig.tar.gz",
        "62adfca89b0a1c0164c2cdca59ca210c1d44c3ffc46daf9931cf4942664cb02a", bc),
    "dash": Port(
        "dash", "0.5.12-2", "dash_0.5.12.orig.tar.gz",
        "6a474ac46e8b0b32916c4c60df694c82058d3297d8b385b74508030ca4a8f28a", dash),
    "ed": Port(
        "ed", "1.19-1", "ed_1.19.orig.tar.gz",
        "8e5c3e7c84972e73957ff396b8318a21795f86547dd1fe4ec4232a9e6e44ca1d", ed),
    "elvis": Port(
        "elvis-tiny", "1.4-24.1", "elvis-tiny_1.4.orig.tar.gz",
        "975f6669b53fe682b4a5f6d4ad3c2459bdc23a7a2c807505368172981137faaf", elvis),
    "lua": Port(
        "lua5.4", "5.4.4-3+deb12u1", "lua5.4_5.4.4.orig.tar.gz",
        "164c7849653b80ae67bec4b7473b884bf5cc8d2dca05653475ec2ed27b9ebf61", lua),
    "minigzip": Port(
        "zlib", "1:1.2.13.dfsg-1", "zlib_1.2.13.dfsg.orig.tar.bz2",
        "71feb7947e3c00ef125f83b79a4e529bde31171e5babe48b391f06758d1ab0a1", zlib),
    "mksh": Port(
        "mksh", "59c-28+deb12u1", "mksh_59c.orig.tar.gz",
        "77ae1665a337f1c48c61d6b961db3e52119b38e58884d1c89684af31f87bc506", mksh),
    "mujs": Port(
        "mujs", "1.3.2-1", "mujs_1.3.2.orig.tar.xz",
        "4886593fc688b0cdccd31e5ecbe5afe7ad1bee23aa69e667b871afd5dfc640c3", mujs),
    "sqlite3": Port(
        "sqlite3", "3.40.1-2+deb12u2", "sqlite3_3.40.1.orig.tar.xz",
        "aaa776260ab4dc976db34aa7891819484c8676b5b2783123ebc6301e2ca5d655", sqlite),
    "tcc": Port(
        "tcc", "0.9.27+git20200814.62c30a4a-1", "tcc_0.9.27+git20200814.62c30a4a.orig.tar.bz2",
        "d63c113bcdd657f51c8ee197a0b0a24203603313e19a52b5f678d40ab7f5df35", tcc),
    "toybox": Port(
        "toybox", "0.8.9+dfsg-1", "toybox_0.8.9+dfsg.orig.tar.xz",
        "16fb5967531e88ca33b8c9142376987617ebe52e34e2b3f3a779603674b7d07c", toybox),
}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def apt_options():
    """A private apt: this machine's sources, asked for source packages."""
    folder = CACHE / "apt"
    parts = folder / "sources"
    for name in ("sources", "lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    etc = pathlib.Path("/etc/apt")
    for path in [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]:
        if not path.is_file():
            continue
        text = path.read_text(errors="replace")
        if path.suffix == ".sources":
            text = re.sub(r"(?m)^Types:.*$", "Types: deb-src", text)
        elif path.suffix == ".list":
            text = re.sub(r"(?m)^\s*deb(-src)?\s", "deb-src ", text)
        else:
            continue
        (parts / path.name).write_text(text)
    return ["-o", "Dir::Etc::sourcelist=/dev/null", "-o", f"Dir::Etc::sourceparts={parts}",
            "-o", f"Dir::State::lists={folder / 'lists'}", "-o", f"Dir::Cache={folder / 'cache'}",
            "-o", "APT::Sandbox::User="]


def fetch(names, log):
    """Downloads what is missing of the ports `names`, and checks all that is there then.
    Returns what could not be had: lines that say it, by name."""
    missing = {}
    archives = {name: {PORTS[name].archive: PORTS[name].sha256, **PORTS[name].also}
                for name in names}
    wanted = {name: PORTS[name] for name in names
              if not all((CACHE / file).is_file() for file in archives[name])}
    if wanted and shutil.which("apt-get") is None:
        why = "there is no apt-get here to fetch Debian's source packages with"
        missing = {name: f"{name}: {why}" for name in wanted}
    elif wanted:
        CACHE.mkdir(parents=True, exist_ok=True)
        options = apt_options()
        subprocess.run(["apt-get", *options, "-q", "update"], stdout=log,
                       stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
        for name, port in wanted.items():
            # Whether it brings the rest of the source package, too, does not matter.
            subprocess.run(
                ["apt-get", *options, "-q", "source", "--download-only", "--only-source",
                 f"{port.package}={port.version}"],
                cwd=CACHE, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                check=False)
            if not all((CACHE / file).is_file() for file in archives[name]):
                missing[name] = (f"{name}: apt-get cannot fetch the source package "
                                 f"{port.package}={port.version}")
    for name in names:
        for file, expected in archives[name].items():
            if (CACHE / file).is_file() and digest(CACHE / file) != expected:
                raise PortError(f"{name}: {CACHE / file} does not have the SHA-256 that is "
                                "pinned in tools/ports.py; remove it and try again")
    return missing


def build_port(name, build):
    """Unpacks and builds one port, unless that has been done with what there is now."""
    port = PORTS[name]
    folder = build / "ports"
    stamp = folder / f"{name}.stamp"
    # TinyCC brings the guest the library itself, with the stubs of all calls.
    library = build / ("lib/libc.a" if name == "tcc" else "libc.contents")
    inputs = [pathlib.Path(__file__), COMPILER, library, ROOT / "libroot/program.ld",
              *(ROOT / "tools/ports").rglob("*.[ch]")]
    if stamp.is_file() and all(path.stat().st_mtime <= stamp.stat().st_mtime for path in inputs):
        return
    source = folder / "source" / name
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    log_path = folder / f"{name}.log"
    with open(log_path, "w", encoding="utf-8", errors="replace") as log:
        print(f"  PORT  {name} ({port.package} {port.version})", flush=True)
        subprocess.run(["tar", "-xf", CACHE / port.archive, "-C", source], check=True)
        inside = list(source.iterdir())
        if len(inside) == 1: # most archives hold one folder, some none
            source = inside[0]
        try:
            port.recipe(Work(source, folder / "root", build, log))
        except (PortError, subprocess.CalledProcessError) as error:
            raise PortError(f"{name}: {error}; see {log_path}") from error
    stamp.touch()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--if-possible", action="store_true",
                        help="say which sources cannot be fetched, and do without those")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    if options.list:
        for name, port in PORTS.items():
            print(f"{name:10} {port.package} {port.version}")
        return 0
    names = options.names or list(PORTS)
    unknown = [name for name in names if name not in PORTS]
    if unknown:
        parser.error(f"there is no port {', '.join(unknown)}; there are {', '.join(PORTS)}")
    build = options.build.resolve()
    (build / "ports").mkdir(parents=True, exist_ok=True)
    failed = []
    try:
        with open(build / "ports" / "fetch.log", "w", encoding="utf-8") as log:
            missing = fetch(names, log)
    except PortError as error:
        print(f"ports.py: {error}", file=sys.stderr)
        return 1
    for why in missing.values():
        print(f"ports.py: {why}", file=sys.stderr)
    if missing and not options.if_possible:
        return 1
    for name in names:
        if name in missing:
            continue
        try:
            build_port(name, build)
        except PortError as error:
            print(f"ports.py: {error}", file=sys.stderr)
            failed.append(name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
