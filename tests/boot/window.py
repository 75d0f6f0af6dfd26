"""A terminal's screen for the tests: what a program in the guest has drawn, as text.

test_editor.py feeds it what comes through the pseudo-terminal. It knows what ECMA-48
programs for TERM=linux send here, and says so when it is sent anything else: a sequence
that it passed over would be a test that looks at the wrong screen.
"""

import re

SEQUENCE = re.compile(rb"\x1b\[(\??)([0-9;]*)([A-Za-z])")
# The beginning of one, whose rest has not come yet.
PART = re.compile(rb"\x1b(\[\??[0-9;]*)?$")


class Window:
    """`lines` and the cursor, `row` and `column`, from 0."""

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.cells = [[" "] * columns for _ in range(rows)]
        self.row = self.column = 0
        self.is_wrap_due = False
        self.rest = b""

    @property
    def lines(self):
        return ["".join(cells).rstrip() for cells in self.cells]

    def __str__(self):
        return "\n".join(f"{line}|" for line in self.lines) + f"\n{self.row}, {self.column}"

    def feed(self, data):
        data = self.rest + data
        self.rest = b""
        position = 0
        while position < len(data):
            if data[position] != 0x1B:
                self._put(data[position])
                position += 1
                continue
            match = SEQUENCE.match(data, position)
            if match is None:
                self.rest = data[position:]
                assert PART.match(self.rest), f"what is {self.rest[:20]!r}?"
                return
            self._obey(*match.groups())
            position = match.end()

    def _put(self, code):
        if code == 0x0A:
            self._down()
        elif code == 0x0D:
            self.column, self.is_wrap_due = 0, False
        elif code == 0x08:
            self.column, self.is_wrap_due = max(self.column - 1, 0), False
        elif code == 0x09:
            self.column = min(self.column // 8 * 8 + 8, self.columns - 1)
        elif code == 0x07:
            pass  # the bell
        else:
            assert 0x20 <= code < 0x7F, f"what is {code:#x}?"
            # After the last column the cursor stays there until something more comes.
            if self.is_wrap_due:
                self.column, self.is_wrap_due = 0, False
                self._down()
            self.cells[self.row][self.column] = chr(code)
            if self.column == self.columns - 1:
                self.is_wrap_due = True
            else:
                self.column += 1

    def _down(self):
        self.is_wrap_due = False
        if self.row < self.rows - 1:
            self.row += 1
        else:
            self._delete_lines(0, 1)

    def _delete_lines(self, row, count):
        count = min(count, self.rows - row)
        self.cells[row:] = self.cells[row + count:] + [
            [" "] * self.columns for _ in range(count)]

    def _insert_lines(self, row, count):
        count = min(count, self.rows - row)
        self.cells[row:] = [[" "] * self.columns for _ in range(count)] + (
            self.cells[row:self.rows - count])

    def _obey(self, private, parameters, kind):
        kind = kind.decode()
        if kind in "mhl":  # colours, and modes such as a cursor that is not shown
            return
        assert not private, f"what is ESC [ ? {parameters} {kind}?"
        numbers = [int(number or 0) for number in parameters.split(b";")]
        first = numbers[0]
        self.is_wrap_due = False
        if kind == "H":
            self.row = min(max(first, 1), self.rows) - 1
            self.column = min(max((numbers + [1])[1], 1), self.columns) - 1
        elif kind == "A":
            self.row = max(self.row - max(first, 1), 0)
        elif kind == "B":
            self.row = min(self.row + max(first, 1), self.rows - 1)
        elif kind == "C":
            self.column = min(self.column + max(first, 1), self.columns - 1)
        elif kind == "D":
            self.column = max(self.column - max(first, 1), 0)
        elif kind == "K":
            self._erase_in_line(first)
        elif kind == "J":
            self._erase(first)
        elif kind == "L":
            self._insert_lines(self.row, max(first, 1))
        elif kind == "M":
            self._delete_lines(self.row, max(first, 1))
        else:
            raise AssertionError(f"what is ESC [ {parameters} {kind}?")

    def _erase_in_line(self, part):
        start = self.column if part == 0 else 0
        end = self.column + 1 if part == 1 else self.columns
        self.cells[self.row][start:end] = [" "] * (end - start)

    def _erase(self, part):
        if part != 2:
            self._erase_in_line(part)
        start = self.row + 1 if part == 0 else 0
        end = self.row if part == 1 else self.rows
        for row in range(start, end):
            self.cells[row] = [" "] * self.columns
