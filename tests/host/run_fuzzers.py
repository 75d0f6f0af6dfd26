#!/usr/bin/env python3
"""Builds and runs every fuzz_*.c of this folder, one after the other.

    tests/host/run_fuzzers.py [--seconds N] [NAME...]

NAME is as in fuzz_NAME.c. Exits with 1 when one of them found something; the
input is then in build/host/, and build/host/fuzz_NAME FILE repeats it.
"""

import argparse
import sys

import host_build


def main() -> int:
    parser = argparse.ArgumentParser(description="build and run the fuzzers")
    parser.add_argument("--seconds", type=int, default=60, help="for each (60)")
    parser.add_argument("names", nargs="*", metavar="NAME", help="as in fuzz_NAME.c (all)")
    options = parser.parse_args()

    sources = sorted(host_build.HERE.glob("fuzz_*.c"))
    if options.names:
        sources = [host_build.HERE / f"fuzz_{name}.c" for name in options.names]

    failed = 0
    for source in sources:
        try:
            done = host_build.run_fuzzer(host_build.build(source, "fuzz"), options.seconds)
        except (host_build.BuildError, OSError) as error:
            print(f"{source.name}: not built\n{error}")
            failed += 1
            continue
        if done.returncode != 0:
            print(f"{source.name}: FAILED\n{done.stdout}")
            failed += 1
        else:
            units = [line.split()[-1] for line in done.stdout.splitlines()
                     if line.startswith("stat::number_of_executed_units")]
            print(f"{source.name}: {units[0] if units else 'some'} inputs, nothing found")
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
