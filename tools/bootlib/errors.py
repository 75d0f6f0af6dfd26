"""The one exception with which the parts of boot.py end a run."""


class BootError(Exception):
    """The machine cannot be started as asked: message, then exit status 126."""
