#!/usr/bin/env python3
"""Makes compile_commands.json of what `make -Bn V=1` prints on standard input."""
import json
import os
import shlex
import sys


def main():
    entries = []
    for line in sys.stdin:
        try:
            words = shlex.split(line)
        except ValueError:
            continue  # a recipe with quotes over several lines is no compiler's
        if "-c" in words and words[-1].endswith(".c"):
            entries.append({"directory": os.getcwd(), "arguments": words, "file": words[-1]})
    json.dump(entries, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
