"""One run of an emulator: its ports relayed, its end turned into a status.

Called by boot.py with a prepared Qemu or Bochs. Four threads relay, because
any of the four streams may block for as long as it likes while the others go
on; the queue towards standard output has no bound, so the guest never loses a
byte to a slow reader.
"""

import ctypes
import json
import os
import queue
import re
import signal
import subprocess
import tempfile
import termios
import threading
import time

from bootlib.archive import FIRMWARE_END

TIME_LIMIT = 124
PANIC = 125
NOT_STARTED = 126
INTERRUPTED = 130
OUTPUT_CLOSED = 141

# The kernel's last line on COM2, under every emulator and log level.
STATUS_LINE = re.compile(rb"power: off, status (\d{1,3})\r?")
# Or, where a program has asked for that, this one, and then the first line again.
REBOOT_LINE = re.compile(rb"power: reboot\r?")

# After the status line an emulator has this long to end by itself.
GRACE_SECONDS = 5.0

PR_SET_PDEATHSIG = 1


def say(message):
    # A terminal may still be the guest's, and raw.
    end = "\r\n" if os.isatty(2) else "\n"
    try:
        os.write(2, f"boot.py: {message}{end}".encode(errors="surrogateescape"))
    except OSError:
        pass


class FirmwareFilter:
    """Drops what firmware and GRUB wrote to a port, up to FIRMWARE_END."""

    def __init__(self, is_active):
        self.is_active = is_active
        self.dropped = b""

    def feed(self, data):
        if not self.is_active:
            return data
        self.dropped += data
        position = self.dropped.find(FIRMWARE_END)
        if position < 0:
            return b""
        self.is_active = False
        return self.dropped[position + len(FIRMWARE_END) :]


class StatusScanner:
    """Finds the status line in the log as it arrives in pieces."""

    def __init__(self):
        self.status = None
        self.is_reboot = False
        self.line = b""

    def feed(self, data):
        """Whether the status line or the one of a reboot ended in these bytes."""
        is_found = False
        *lines, rest = data.split(b"\n")
        for line in lines:
            match = STATUS_LINE.fullmatch(self.line + line)
            if REBOOT_LINE.fullmatch(self.line + line):
                self.is_reboot = is_found = True
            self.line = b""
            if match is not None and int(match.group(1)) <= 127:
                self.status = int(match.group(1))
                is_found = True
        # A line longer than the status line can be cannot become one.
        self.line = (self.line + rest)[:80]
        return is_found


def console_of_streams():
    """The kernel's `console=` for our standard streams."""
    try:
        if not os.isatty(0) or not os.isatty(1):
            return "plain"
        columns, rows = os.get_terminal_size(1)
    except OSError:
        return "plain"
    if not 0 < columns < 10000 or not 0 < rows < 10000:
        return "terminal,80x24"
    return f"terminal,{columns}x{rows}"


# In plain input: the end, and what takes the next byte as it is
# (kernel/line_discipline.c, plain_input()).
END_OF_INPUT = b"\x04"
LITERAL_NEXT = b"\x16"


def escape_plain(data):
    """Bytes of a pipe as the kernel is to get them."""
    for special in (LITERAL_NEXT, END_OF_INPUT):
        data = data.replace(special, LITERAL_NEXT + special)
    return data


class EscapeKey:
    """Finds the key that ends the run, pressed three times within a second;
    pressed less it is the guest's, as every other."""

    KEY = 0x1D  # ^]
    TIMES = 3
    SECONDS = 1.0

    def __init__(self):
        self.pressed = []

    def feed(self, data, now):
        """Whether the run is to end."""
        for byte in data:
            if byte != self.KEY:
                self.pressed = []
                continue
            self.pressed = [*self.pressed, now][-self.TIMES :]
            if len(self.pressed) == self.TIMES and now - self.pressed[0] <= self.SECONDS:
                return True
        return False


class Terminal:
    """A terminal on standard input that is the guest's: every key goes through
    as it is, and the mode is put back in any case. For a plain console it is
    left as it is: the host's own line editing serves, its ^D and its ^C."""

    def __init__(self, is_plain):
        self.is_plain = is_plain
        self.saved = None

    def __enter__(self):
        try:
            if self.is_plain or not os.isatty(0):
                return self
            saved = termios.tcgetattr(0)
            mode = termios.tcgetattr(0)
            mode[0] &= ~(
                termios.IXON | termios.ICRNL | termios.INLCR | termios.IGNCR | termios.ISTRIP
            )
            mode[1] &= ~termios.OPOST
            mode[3] &= ~(termios.ICANON | termios.ECHO | termios.IEXTEN | termios.ISIG)
            mode[6][termios.VMIN] = 1
            mode[6][termios.VTIME] = 0
            self.saved = saved
            termios.tcsetattr(0, termios.TCSADRAIN, mode)
        except (OSError, termios.error):
            pass
        return self

    @property
    def is_raw(self):
        return self.saved is not None

    def __exit__(self, *exception):
        if self.saved is not None:
            try:
                termios.tcsetattr(0, termios.TCSADRAIN, self.saved)
            except (OSError, termios.error):
                pass
            self.saved = None


class Session:
    def __init__(self, machine, timeout, screenshot):
        self.machine = machine
        self.timeout = timeout
        self.screenshot = screenshot
        self.may_reboot = False
        self.is_plain = True
        self.terminal = Terminal(True)
        self.process = None
        self.scanner = StatusScanner()
        self.com1_filter = FirmwareFilter(machine.firmware_uses_serial)
        self.com2_filter = FirmwareFilter(machine.firmware_uses_serial)
        self.kernel_runs = threading.Event()
        self.wake = threading.Event()
        self.output_closed = False
        self.is_escaped = False
        self.console = queue.SimpleQueue()
        self.log = queue.SimpleQueue()
        self.log_ends_line = True

    # ---- Threads -----------------------------------------------------------

    def _spawn(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        thread.start()
        return thread

    def _read_port(self, port, take):
        while True:
            try:
                data = port.recv(65536)
            except OSError:
                return
            if data == b"":
                return
            take(data)

    def _take_console(self, data):
        data = self.com1_filter.feed(data)
        if data != b"":
            self.console.put(data)
            self.kernel_runs.set()

    def _take_log(self, data):
        data = self.com2_filter.feed(data)
        if data != b"":
            self.log_ends_line = data.endswith(b"\n")
            self.log.put(data)
            self.kernel_runs.set()
            if self.scanner.feed(data):
                self.wake.set()

    def _write_out(self, descriptor, source):
        is_closed = False
        while True:
            data = source.get()
            if data is None:
                return
            if descriptor == 2 and self.terminal.is_raw and os.isatty(2):
                # The log has lines; a raw terminal only moves down at their ends.
                data = data.replace(b"\n", b"\r\n")
            while data != b"" and not is_closed:
                try:
                    data = data[os.write(descriptor, data) :]
                except BlockingIOError:
                    time.sleep(0.005)
                except OSError:
                    # Nobody reads it any more. Without a console a run is
                    # pointless; without a log it goes on.
                    is_closed = True
                    if descriptor == 1:
                        self.output_closed = True
                        self.wake.set()

    def _send_input(self):
        # Before the kernel has set up the port, a byte would go to the firmware
        # or be lost. Its first output shows that; a kernel that says nothing
        # gets its input after a while all the same.
        while not self.kernel_runs.wait(self.machine.quiet_seconds):
            if not self.com2_filter.is_active:
                break
        escape = EscapeKey()
        while True:
            try:
                data = os.read(0, 65536)
            except OSError:
                data = b""
            if self.terminal.is_raw and escape.feed(data, time.monotonic()):
                self.is_escaped = True
                self.wake.set()
                return
            is_end = data == b""
            if self.is_plain:
                data = END_OF_INPUT if is_end else escape_plain(data)
            try:
                self.machine.com1.sendall(data)
            except OSError:
                return
            if is_end:
                return

    # ---- The emulator ------------------------------------------------------

    def _start(self, output):
        # The emulator gets a session of its own, so that ^C reaches it through
        # us only, and it must not outlive us when we are killed.
        try:
            prctl = ctypes.CDLL(None).prctl
        except (OSError, AttributeError):
            prctl = None

        def prepare():
            if prctl is not None:
                prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

        self.process = subprocess.Popen(
            self.machine.command,
            cwd=self.machine.work,
            env=self.machine.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=self.machine.pass_fds(),
            start_new_session=True,
            preexec_fn=prepare,
        )
        self.machine.started()

    def _kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _qmp(self, stream, command, **arguments):
        """One command; None when it succeeded, else QEMU's words."""
        request = {"execute": command, "arguments": arguments}
        stream.write(json.dumps(request).encode() + b"\n")
        stream.flush()
        for line in stream:
            answer = json.loads(line)
            if "error" in answer:
                return answer["error"].get("desc", "unknown error")
            if "return" in answer:
                return None
        return "QEMU closed its monitor"

    def _take_screenshot(self):
        self.machine.qmp.settimeout(GRACE_SECONDS)
        try:
            with self.machine.qmp.makefile("rwb") as stream:
                stream.readline()  # the greeting
                error = self._qmp(stream, "qmp_capabilities")
                # The log's last line and the screen's last change are close.
                time.sleep(0.1)
                if error is None:
                    error = self._qmp(stream, "screendump", filename=self.screenshot)
                self._qmp(stream, "quit")
        except OSError as exception:
            error = str(exception)
        if error is not None:
            say(f"--screenshot {self.screenshot}: {error}")
        return error is None

    def _wait_for_end(self):
        """Until the emulator has ended: None, or the status that ends it."""
        end = None if self.timeout == 0 else time.monotonic() + self.timeout
        watcher = self._spawn(lambda: (self.process.wait(), self.wake.set()))
        is_asked_to_end = False
        while watcher.is_alive():
            now = time.monotonic()
            if end is not None and now >= end:
                if is_asked_to_end:
                    self._kill()
                    return None
                return TIME_LIMIT
            self.wake.wait(None if end is None else end - now)
            self.wake.clear()
            if self.output_closed:
                return OUTPUT_CLOSED
            if self.is_escaped:
                return INTERRUPTED
            if self.process.poll() is not None:
                return None
            if self.scanner.is_reboot and not self.may_reboot:
                # Before an emulator without an option for that starts again
                self._kill()
                return None
            if self.scanner.status is not None and not is_asked_to_end:
                is_asked_to_end = True
                end = time.monotonic() + GRACE_SECONDS
                if self.screenshot is not None and not self._take_screenshot():
                    return NOT_STARTED
        return None

    def run(self):
        with tempfile.TemporaryFile() as output:
            try:
                return self._run(output)
            finally:
                self._kill()

    def _run(self, output):
        self._start(output)
        self.machine.connect(self.process)
        readers = []
        if self.machine.com1 is not None and self.machine.com2 is not None:
            readers = [
                self._spawn(self._read_port, self.machine.com1, self._take_console),
                self._spawn(self._read_port, self.machine.com2, self._take_log),
            ]
            self._spawn(self._send_input)
        writers = [
            self._spawn(self._write_out, 1, self.console),
            self._spawn(self._write_out, 2, self.log),
        ]
        ended_by = self._wait_for_end()
        code = self.process.poll()
        self._kill()
        for reader in readers:
            reader.join()
        if not self.log_ends_line:
            self.log.put(b"\n")
        self.console.put(None)
        self.log.put(None)
        for writer in writers:
            writer.join(1.0 if ended_by is not None else None)
        output.seek(0)
        return self._judge(ended_by, code, output.read().decode(errors="replace"))

    def _judge(self, ended_by, code, output):
        if ended_by == TIME_LIMIT:
            say(f"time limit of {self.timeout:g} s: the emulator was ended")
            if self.com2_filter.is_active:
                say("the firmware never started the kernel")
            return TIME_LIMIT
        if ended_by == OUTPUT_CLOSED or self.output_closed:
            return OUTPUT_CLOSED
        if ended_by is not None:
            return ended_by
        status = self.scanner.status
        if status is None and self.scanner.is_reboot and not self.may_reboot:
            say("the guest asked for a reboot, which ends the run")
            return 0
        if status is None:
            for line in self.machine.explanation(output).splitlines():
                say(f"{self.machine.name}: {line}")
            say(self.machine.failure(code, output))
            return NOT_STARTED
        # A negative code, or 0, is an emulator that was ended from outside:
        # by us after the grace time, or through a monitor.
        if code is not None and code > 0 and not self.machine.code_matches(code, status):
            say(
                f"the log says status {status}, but {self.machine.name} ended with {code}"
            )
            return PANIC
        return status
