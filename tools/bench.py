#!/usr/bin/env python3
"""What the kernel's paths cost: cycles and instructions, by both entries.

usage: bench.py [--build DIR] [--cpu MODEL] [--json FILE] [ROW...]

Boots tests/bench/figures several times by each entry, and once by each with
QEMU's -icount, under which the time-stamp counter counts instructions. The rows
that are about several processors come from machines that have 2 and 4. The ports'
own benchmarks follow, in seconds, where `make ports` has built them (bench_ports.py).
A ROW is a name, or what several names begin with. docs/benchmarks.md says what each
is.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

import bench_ports
import benching
from bootlib import accelerator
from bootlib.qemu import program_name

# As the log names it, the title, and the kernel's option: "auto" takes SYSENTER
# where there is one, and "sysenter" panics where there is none.
ENTRIES = (("sysenter", "SYSENTER", "auto"), ("int99", "int 99", "int"))
# Which rows come from a machine of how many processors.
SMP_ROWS = ((2, "smp-futex"), (2, "smp-wake"), (4, "smp-null"))

DISK_SIZE = 16 << 20


class Failure(Exception):
    """The program did not run to its end: its message."""


class Bench:
    """The boots of one report, and what they gave."""

    def __init__(self, arguments):
        self.iso = os.path.join(arguments.build, "postern.iso")
        self.program = os.path.join(arguments.build, "bench", "bin", "figures")
        self.build = arguments.build
        self.size = arguments.size
        self.port_rows, self.wanted = choose(arguments)
        self.ports = []  # rows of the report, of their own kind
        self.is_all_of_ports = bool(arguments.rows) and not self.wanted
        self.samples = arguments.samples
        self.runs = arguments.runs
        self.kvm_obstacle = accelerator.host_kvm_obstacle()
        if arguments.accel == "tcg":
            self.kvm_obstacle = "not asked for"
        self.accelerator = accelerator.choose(arguments.accel, self.kvm_obstacle)
        self.cpu = arguments.cpu or ("host" if self.accelerator == "kvm" else "qemu32")
        self.rows = {}  # (name, entry): a row of the report
        self.skipped = {}  # name: reason
        self.notes = []
        self.kernel = ""

    def boot(self, way, *options, smp_rows=None):
        """One boot: {name: (minimum, median, further words)}, or None where the
        CPU has no such entry."""
        words = ["--samples", str(self.samples)] if self.samples else []
        if smp_rows is not None:
            words += ["--smp", *smp_rows]
        else:
            words += self.wanted
        with tempfile.NamedTemporaryFile() as disk:
            # What the disk's rows read and write; nothing is in it.
            os.truncate(disk.name, DISK_SIZE)
            status, output, log = benching.boot_program(
                self.iso, self.program, "--syscall", way[2], "--timeout", "120",
                "--disk", disk.name, *options, arguments=words)
        if status != 0:
            raise Failure(output.strip() or log.strip().splitlines()[-1])
        if benching.entry_of(log) != way[0]:
            return None
        for line in log.splitlines():
            if line.startswith("kernel: "):
                self.kernel = line.removeprefix("kernel: ").split(",")[0]
        for line in output.splitlines():
            word, _, rest = line.partition(" ")
            if word == "skip":
                name, _, reason = rest.partition(" ")
                self.skipped[name] = reason
            elif word == "note" and rest not in self.notes:
                self.notes.append(rest)
        return benching.rows_of(output)

    def measure(self, way, *options, processors=1, smp_rows=None):
        """Several boots: the least minimum, the median of the medians."""
        machine = ["--accel", self.accelerator, "--cpu", self.cpu, "--smp", str(processors),
                   *options]
        runs = [self.boot(way, *machine, smp_rows=smp_rows) for _ in range(self.runs)]
        if None in runs:
            self.note_no_entry(way[1])
            return False
        # A busy host may keep one boot from seeing all of its processors.
        for name in dict.fromkeys(name for run in runs for name in run):
            runs_with = [run[name] for run in runs if name in run]
            self.skipped.pop(name, None)
            self.rows[name, way[0]] = {
                "name": name,
                "entry": way[0],
                "processors": processors,
                "cycles_min": min(minimum for minimum, _, _ in runs_with),
                "cycles_median": round(statistics.median(median for _, median, _ in runs_with)),
                "instructions": None,
                "unit": " ".join(runs_with[0][2][1:]),
            }
        return True

    def note_no_entry(self, title):
        note = f"CPU model {self.cpu} has no {title}"
        if note not in self.notes:
            self.notes.append(note)

    def count_instructions(self, way):
        # Never under KVM, so not with its host model.
        cpu = "qemu32" if self.cpu == "host" else self.cpu
        counted = self.boot(way, "--accel", "tcg", "--icount", "--cpu", cpu)
        for name, (_, median, _) in (counted or {}).items():
            self.rows[name, way[0]]["instructions"] = median

    def smp_rows(self, beginning):
        """What of the rows that begin so is wanted."""
        if not self.wanted or any(beginning.startswith(row) for row in self.wanted):
            return [beginning]
        return [row for row in self.wanted if row.startswith(beginning)]

    def run_ports(self):
        for name in self.port_rows:
            for entry, title, option in ENTRIES:
                try:
                    seconds, parts, log = bench_ports.run(
                        self.build, name, self.size, "--accel", self.accelerator, "--cpu",
                        self.cpu, "--syscall", option)
                except bench_ports.NotBuilt as missing:
                    self.skipped[name] = f"`make ports` has not made {missing}"
                    break
                except bench_ports.Failure as failure:
                    raise Failure(str(failure)) from failure
                if benching.entry_of(log) != entry:
                    self.note_no_entry(title)
                    continue
                self.kernel = self.kernel or next(
                    line.removeprefix("kernel: ").split(",")[0] for line in log.splitlines()
                    if line.startswith("kernel: "))
                self.ports.append({"name": name, "entry": entry, "seconds": seconds,
                                   "parts": parts})

    def run(self):
        if not self.is_all_of_ports:
            self.run_kernel()
        self.run_ports()

    def run_kernel(self):
        smp_names = sum((self.smp_rows(beginning) for _, beginning in SMP_ROWS), [])
        # A name that does not exist goes to the program, which says so.
        is_more_wanted = not self.wanted or any(
            not row.startswith("smp") or not smp_names for row in self.wanted)
        for way in ENTRIES:
            if is_more_wanted:
                if not self.measure(way):
                    continue
                self.count_instructions(way)
            for processors in sorted({processors for processors, _ in SMP_ROWS}):
                names = sum((self.smp_rows(beginning) for number, beginning in SMP_ROWS
                             if number == processors), [])
                if names:
                    self.measure(way, processors=processors, smp_rows=names)

    # ---- The report ------------------------------------------------------------------

    def heading(self):
        emulator = program_name(self.cpu, "bios")
        version = subprocess.run([emulator, "--version"], capture_output=True, text=True,
                                 check=True).stdout.split()[3]
        return {
            "kernel": self.kernel,
            "emulator": f"QEMU {version}",
            "accelerator": self.accelerator.upper(),
            "cpu": self.cpu,
            "host": host_model(),
            "host_processors": len(os.sched_getaffinity(0)),
            "runs": self.runs,
        }

    def print_table(self):
        heading = self.heading()
        print(f"{heading['kernel']}, {heading['emulator']}, {heading['accelerator']},"
              f" CPU model {heading['cpu']}; host: {heading['host']},"
              f" {heading['host_processors']} processors")
        if self.accelerator != "kvm":
            print(f"KVM: {self.kvm_obstacle}")
        print(f"Cycles: least, and median of {self.runs} boots; instr: instructions of both"
              " rings, QEMU's -icount\n")
        if self.rows:
            print(f"{'':22}{'':10}" + "".join(f"  {title:>27}" for _, title, _ in ENTRIES))
            print(f"{'row':22}{'each':10}" + f"  {'min':>9}{'median':>10}{'instr':>8}" * 2)
        for name in dict.fromkeys(name for name, _ in self.rows):
            line, unit = "", ""
            for entry, _, _ in ENTRIES:
                row = self.rows.get((name, entry))
                if row is None:
                    line += f"  {'-':>9}{'-':>10}{'-':>8}"
                    continue
                unit = row["unit"]
                counted = "-" if row["instructions"] is None else row["instructions"]
                line += f"  {row['cycles_min']:9}{row['cycles_median']:10}{counted:>8}"
            print(f"{name:22}{unit:10}{line}")
        self.print_scaling()
        self.print_ports()
        for name, reason in self.skipped.items():
            print(f"{name}: not measured: {reason}")
        for note in self.notes:
            print(f"note: {note}")

    def print_ports(self):
        seconds = {(row["name"], row["entry"]): row["seconds"] for row in self.ports}
        if seconds:
            print(f"\n{'the ports, seconds':32}"
                  + "".join(f"  {title:>27}" for _, title, _ in ENTRIES))
        for name in dict.fromkeys(name for name, _ in seconds):
            figures = (seconds.get((name, entry)) for entry, _, _ in ENTRIES)
            print(f"{name:32}" + "".join(
                f"  {'-' if figure is None else format(figure, '.3f'):>27}"
                for figure in figures))

    def print_scaling(self):
        for entry, title, _ in ENTRIES:
            one = self.rows.get(("smp-null-1", entry))
            for threads in (2, 4):
                row = self.rows.get((f"smp-null-{threads}", entry))
                if one and row:  # by the least: a busy host has no say in it
                    print(f"null calls a second by {title}, {threads} processors to one:"
                          f" {one['cycles_min'] / row['cycles_min']:.2f}"
                          f" (this host allows {min(threads, self.heading()['host_processors'])})")

    def write_json(self, path):
        report = {"machine": self.heading(), "rows": list(self.rows.values()),
                  "ports": self.ports,
                  "skipped": [{"name": name, "reason": reason}
                              for name, reason in self.skipped.items()]}
        with open(path, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
            file.write("\n")


def choose(arguments):
    """Of the rows that are asked for, the ports' by name, and what the others begin with."""
    if not arguments.rows:
        return ([] if arguments.no_ports else list(bench_ports.ROWS)), []
    of_ports = [name for name in bench_ports.ROWS
                if any(name.startswith(row) for row in arguments.rows)]
    kinds = {name.split("-")[0] for name in of_ports}
    return of_ports, [row for row in arguments.rows if not any(
        row == kind or row.startswith(kind + "-") for kind in kinds)]


def host_model():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return "unknown"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--cpu", metavar="MODEL", help="(qemu32; under KVM: host)")
    parser.add_argument("--accel", choices=("auto", "kvm", "tcg"), default="auto")
    parser.add_argument("--runs", type=int, default=3, help="boots by each entry (3)")
    parser.add_argument("--samples", type=int, help="at most so many of each row")
    parser.add_argument("--no-ports", action="store_true", help="without the ports' own")
    parser.add_argument("--size", type=int, default=5,
                        help="how much SQLite's benchmark does, of 100 (5)")
    parser.add_argument("--json", metavar="FILE", help="the report for other programs")
    parser.add_argument("rows", nargs="*", metavar="ROW")
    arguments = parser.parse_args()
    bench = Bench(arguments)
    if shutil.which(program_name(bench.cpu, "bios")) is None:
        sys.exit(f"bench.py: there is no {program_name(bench.cpu, 'bios')}")
    try:
        bench.run()
    except Failure as failure:
        sys.exit(f"bench.py: {failure}")
    bench.print_table()
    if arguments.json:
        bench.write_json(arguments.json)


if __name__ == "__main__":
    main()
