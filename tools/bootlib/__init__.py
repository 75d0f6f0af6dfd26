"""The parts of tools/boot.py, each usable alone in tests/host/."""
