#!/usr/bin/env python3
"""Puts the programs of a ustar archive on whole pages of it.

usage: align_archive.py FILE

The kernel maps the pages of such programs where the boot loader has put them, and
copies those of others for each process. FILE is replaced.
"""
import os
import sys

from bootlib import archive


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    path = sys.argv[1]
    with open(path, "rb") as file:
        data = archive.align_programs(file.read())
    with open(path + ".new", "wb") as file:
        file.write(data)
    os.replace(path + ".new", path)


if __name__ == "__main__":
    main()
