#!/usr/bin/env python3
"""What the door costs: a null call by each path, beside the least it could cost.

usage: bench_door.py --build DIR --bench DIR [--runs N]

DIR of --bench is a build with BENCH=1, whose kernel also has the floor: bare
entries that check nothing and keep nothing (tests/bench/kernel/floor.asm).
Path and floor are timed in one run of one machine, so their ratio holds
however busy the host is; of several runs the one with the median ratio counts.

Instructions are counted by QEMU's -icount, under which the guest's time-stamp
counter counts instructions. KVM is used where it can run a 32-bit kernel.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import time

import benching

PATHS = [("sysenter", "SYSENTER, through the commpage"), ("int99", "int 99, raw")]
AIM_INSTRUCTIONS = {"sysenter": 40, "int99": 40}
AIM_RATIO = {"sysenter": 1.5, "int99": 1.25}


def measure(bench, *options):
    """One run of the door program: {name: (minimum, median)}, or None if it cannot."""
    status, output, _ = benching.boot_program(
        os.path.join(bench, "postern.iso"), os.path.join(bench, "bench", "bin", "door"), *options)
    return benching.rows_of(output) if status == 0 else None


def missed(is_missed):
    return "  missed" if is_missed else ""


def print_instructions(bench):
    results = measure(bench, "--icount")
    print("Instructions from the program's call to its return, both rings")
    print(f"  {'path':32} {'count':>6} {'floor':>6} {'aim':>6}")
    for path, title in PATHS:
        print(f"  {title:32} {results[path][0]:6} {results['floor-' + path][0]:6}"
              f" {'<= %d' % AIM_INSTRUCTIONS[path]:>6}"
              f"{missed(results[path][0] > AIM_INSTRUCTIONS[path])}")
    print()


def print_cycles(bench, title, runs, *options):
    measured = [results for results in (measure(bench, *options) for _ in range(runs))
                if results]
    if not measured:
        return False
    print(f"Cycles under {title}, {len(measured)} runs, each path's run of median ratio")
    print(f"  {'path':32} {'min':>6} {'median':>6} | {'floor':>6} {'median':>6} |"
          f" {'ratio':>6} {'aim':>8}")
    for path, name in PATHS:
        def ratio(results, column=1):
            return results[path][column] / results["floor-" + path][column]
        run = sorted(measured, key=ratio)[len(measured) // 2]
        floor = run["floor-" + path]
        print(f"  {name:32} {run[path][0]:6} {run[path][1]:6} | {floor[0]:6} {floor[1]:6} |"
              f" {ratio(run):6.2f} {'<= %.2f' % AIM_RATIO[path]:>8}"
              f"{missed(ratio(run) > AIM_RATIO[path])}")
    def median_of(name, column=1):
        return statistics.median(results[name][column] for results in measured)
    print(f"  {'empty user function':32} {median_of('function', 0):6.0f}"
          f" {median_of('function'):6.0f}")
    print("  SYSENTER's stack: floor by MSR"
          f" {median_of('floor-sysenter'):.0f}, by a pointer loaded on entry"
          f" {median_of('floor-sysenter-by-pointer'):.0f}; a switch pays WRMSR"
          f" {median_of('wrmsr-1000', 0) / 1000:.0f} or a store"
          f" {median_of('store-1000', 0) / 1000:.0f}")
    print()
    return True


def timed(command, **options):
    start = time.monotonic()
    # The make that called this one has jobs of its own.
    variables = {name: value for name, value in os.environ.items()
                 if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=variables, **options)
    return time.monotonic() - start


def print_builds(repo, scratch):
    """Times the two builds of a day's work, in a copy of the sources. The C library is there;
    a first build has it made in the background, and does not wait for it."""
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(repo, scratch, symlinks=True,
                    ignore=shutil.ignore_patterns("build", ".git", "__pycache__"))
    make = ["make", "-C", scratch, "POSTERN_DEPS=skip", "BUILD=build"]
    cache = os.path.join(scratch, "build", "cache")
    os.mkdir(os.path.dirname(cache))
    os.symlink(os.path.join(os.path.abspath(repo), "build", "cache"), cache)
    print("Builds, seconds")
    print(f"  {'clean tree to ISO, make':38} {timed(make):5.1f}  aim < 10")
    for name in os.listdir(os.path.dirname(cache)):
        if name != "cache":
            subprocess.run(["rm", "-rf", os.path.join(scratch, "build", name)], check=True)
    print(f"  {'clean tree to ISO, make -j2':38} {timed([*make, '-j2']):5.1f}")
    with open(os.path.join(scratch, "syscalls.def"), "a", encoding="utf-8") as definitions:
        definitions.write("\n/// One more.\nuint32_t one_more(uint32_t value);\n")
    with open(os.path.join(scratch, "kernel", "one_more.c"), "w", encoding="utf-8") as handler:
        handler.write('#include "syscall_handlers.h"\n\n'
                      "uint32_t _user_one_more(uint32_t value)\n{\n\treturn value + 1;\n}\n")
    print(f"  {'a line of syscalls.def to the ISO':38} {timed(make):5.1f}  aim < 2")
    shutil.rmtree(scratch)
    print()


def print_boot(build):
    iso = os.path.join(build, "postern.iso")
    print("From the emulator's start to hello's end")
    start = time.monotonic()
    benching.boot(iso, "--accel", "tcg", "hello")
    print(f"  {'BIOS, GRUB, kernel, hello':38} {time.monotonic() - start:5.2f} s")
    start = time.monotonic()
    benching.boot(iso, "--accel", "tcg", "--direct", "hello")
    print(f"  {'without firmware (--direct)':38} {time.monotonic() - start:5.2f} s")
    _, _, log = benching.boot(iso, "--direct", "--icount", "--append", "loglevel=debug", "hello")
    for line in log.splitlines():
        if line.startswith("boot: "):
            cycles = int(line.split()[1])
            print(f"  {'of that the kernel, in guest time':38} {cycles / 1e6:5.1f} ms, aim < 50"
                  f"  ({cycles} instructions at 1 ns)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--bench", default="build/bench")
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()

    print_instructions(arguments.bench)
    print_cycles(arguments.bench, "TCG", arguments.runs, "--accel", "tcg")
    if not print_cycles(arguments.bench, "KVM", arguments.runs, "--accel", "kvm",
                        "--cpu", "host"):
        print("Cycles under KVM: not measured; it cannot run a 32-bit kernel here\n")
    print_builds(os.path.dirname(benching.HERE),
                 os.path.join(os.path.abspath(arguments.build), "bench-tree"))
    print_boot(arguments.build)


if __name__ == "__main__":
    main()
