#!/usr/bin/env python3
"""Generates both sides of the system-call boundary from syscalls.def.

Called by the Makefile whenever syscalls.def, syscalls.lock or this file
changed. What it reads is described in docs/syscalls-def.md; what it writes goes to
build/generated/ and is listed in OUTPUTS at the end of the rendering part.

The file reads from top to bottom as the work is done: what a definition is
(dataclasses), text to tokens (Lexer), tokens to definitions (Parser), the
comparison with the ABI lock, one pure render_* function per output, main.

What must hold: the same input always gives the same bytes, an output whose
bytes did not change is not touched, and no input, however broken, ends in
anything but a result or diagnostics of the form

    syscalls.def:LINE:COLUMN: what is wrong; how to mend it

Exit status: 0 done, 1 the definitions are wrong, 2 usage or files.
"""

import argparse
import difflib
import json
import os
import re
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
MAX_ARGUMENT_DWORDS = 8
MAX_NAME_LENGTH = 63
COMMPAGE_SYSCALL_ENTRY = 0xFFFF000C


# ---- What a definition is ----------------------------------------------------


@dataclass(frozen=True)
class Scalar:
    """A type that travels by value."""

    bits: int
    signed: bool
    is_length: bool = False  # may be the n of [in: n]


# The same names and widths as libroot/include/postern/types.h.
SCALARS = {
    "int": Scalar(32, True, is_length=True),
    "unsigned": Scalar(32, False, is_length=True),
    "int32_t": Scalar(32, True, is_length=True),
    "uint32_t": Scalar(32, False, is_length=True),
    "int64_t": Scalar(64, True),
    "uint64_t": Scalar(64, False),
    "size_t": Scalar(32, False, is_length=True),
    "ssize_t": Scalar(32, True, is_length=True),
    "off_t": Scalar(64, True),
    "bool": Scalar(32, False),
    "pid_t": Scalar(32, True),
    "tid_t": Scalar(32, True),
    "mode_t": Scalar(32, False),
    "time_us_t": Scalar(64, True),
}

# What to write instead of a C type that the boundary does not have.
INSTEAD_OF = {
    "char": "`int` for one character, or a pointer to char",
    "short": "`int32_t`",
    "long": "`int32_t`, or `int64_t` for 64 bits",
    "signed": "`int`",
    "float": "a pointer to a struct that holds it",
    "double": "a pointer to a struct that holds it",
    "int8_t": "`int32_t`",
    "uint8_t": "`uint32_t`",
    "int16_t": "`int32_t`",
    "uint16_t": "`uint32_t`",
    "uintptr_t": "`uint32_t`",
    "intptr_t": "`int32_t`",
    "uint": "`unsigned`",
}

DIRECTIONS = ("in", "out", "inout")
ANNOTATIONS = DIRECTIONS + ("string", "strings", "fd", "pid", "flags", "enum")

# Not usable as the name of a call, a parameter or a constant. The last line
# is what compilers predefine for i386 without asking.
C_RESERVED = frozenset(
    """auto break case char const continue default do double else enum extern
    float for goto if inline int long register restrict return short signed
    sizeof static struct switch typedef union unsigned void volatile while
    asm typeof bool true false NULL errno offsetof
    i386 linux unix""".split()
) | frozenset(SCALARS)

# Words that NASM reads as a register or an operator in any letter case, so
# that `NAME equ 1` would not be a constant.
NASM_RESERVED = frozenset(
    """al ah ax eax rax bl bh bx ebx rbx cl ch cx ecx rcx dl dh dx edx rdx
    si esi rsi di edi rdi sp esp rsp bp ebp rbp spl bpl sil dil
    cs ds es fs gs ss segr6 segr7 seg wrt rel abs rep repe repne repz repnz
    lock times equ near far short to strict nosplit byte word dword qword
    tword oword yword zword ptr in out and or not xor add sub mul div neg inc
    dec push pop call ret int into jmp nop test cmp mov lea shl shr sal sar rol
    ror hlt cli sti cld std clc stc cmc wait loop enter leave bound iret db dw
    dd dq dt resb resw resd incbin global extern section segment bits use16
    use32 default org align common absolute struc endstruc""".split()
) | frozenset(
    f"{kind}{number}"
    for kind in ("cr", "dr", "tr", "st", "mm", "xmm", "ymm", "zmm", "k", "r", "bnd")
    for number in range(32)
)


@dataclass(frozen=True)
class Token:
    kind: str  # "name", "number", "punctuation" or "end"
    text: str
    line: int
    column: int

    @property
    def end_column(self):
        return self.column + len(self.text)


@dataclass(frozen=True)
class Type:
    base: str  # "int", "void", "char", "struct NAME"
    const: bool = False
    stars: int = 0
    inner_const: bool = False  # the const of `char *const *`
    token: Token = field(default=None, compare=False)

    @property
    def is_known(self):
        """False after a complaint: then nothing more is said about the type."""
        return self.base.startswith("struct ") or self.base in (*SCALARS, "void", "char")

    @property
    def is_pointer(self):
        return self.stars > 0

    @property
    def scalar(self):
        """What travels by value, or None for pointers, void and unknown types."""
        return None if self.is_pointer else SCALARS.get(self.base)

    @property
    def is_wide(self):
        return self.scalar is not None and self.scalar.bits == 64

    @property
    def dwords(self):
        return 2 if self.is_wide else 1

    def __str__(self):
        text = ("const " if self.const else "") + self.base
        if self.stars == 1:
            text += " *"
        elif self.stars == 2:
            text += " *const *" if self.inner_const else " **"
        return text

    def declare(self, name):
        return f"{self}{name}" if self.is_pointer else f"{self} {name}"


@dataclass
class Annotation:
    kind: str
    token: Token
    optional: bool = False  # a trailing ?
    count: Token = None  # the n of [in: n]
    set_name: Token = None  # the NAME of [flags: NAME]


@dataclass
class Parameter:
    type: Type
    name: str
    token: Token
    annotation: Annotation = None
    dword: int = 0  # where it starts in the argument block

    @property
    def kind(self):
        return self.annotation.kind if self.annotation else None

    @property
    def optional(self):
        return bool(self.annotation and self.annotation.optional)

    @property
    def is_counted(self):
        return self.kind in DIRECTIONS and self.annotation.count is not None

    @property
    def is_object(self):
        return self.kind in DIRECTIONS and self.annotation.count is None

    @property
    def is_string(self):
        return self.kind in ("string", "strings")


@dataclass
class Call:
    name: str
    token: Token
    type: Type
    parameters: list
    errors: list  # names, in the order of the line
    doc: list  # lines
    number: int = 0
    complete: bool = True  # False when parameters were lost to syntax errors
    restarts: bool = False  # entered again after a signal, where its action says so
    retired = False

    @property
    def dwords(self):
        return sum(parameter.type.dwords for parameter in self.parameters)

    @property
    def types(self):
        return [str(parameter.type) for parameter in self.parameters]

    @property
    def signature(self):
        return f"{self.type}({', '.join(self.types)})"

    @property
    def prototype(self):
        return prototype(self.type, self.name, self.plain_parameters)

    @property
    def plain_parameters(self):
        return [parameter.type.declare(parameter.name) for parameter in self.parameters]

    @property
    def can_fail(self):
        """Whether results from -4095 to -1 are errors rather than values."""
        if self.type.is_pointer or self.errors:
            return True
        return self.type.scalar is not None and self.type.scalar.signed


@dataclass
class RetiredCall:
    name: str
    token: Token
    number: int = 0
    retired = True


@dataclass
class Constant:
    name: str
    token: Token
    value: int
    doc: list


@dataclass
class ConstantSet:
    kind: str  # "flags" or "enum"
    name: str
    token: Token
    constants: list
    doc: list


@dataclass
class Definitions:
    calls: list = field(default_factory=list)  # Call and RetiredCall, by number
    sets: list = field(default_factory=list)

    @property
    def live_calls(self):
        return [call for call in self.calls if not call.retired]

    @cached_property
    def constants(self):
        return {
            constant.name: constant
            for constants in self.sets
            for constant in constants.constants
        }

    @property
    def structs(self):
        """The names of all structs, in the order in which they first appear."""
        names = {}
        for call in self.live_calls:
            for kind in [call.type] + [parameter.type for parameter in call.parameters]:
                if kind.base.startswith("struct "):
                    names[kind.base.removeprefix("struct ")] = True
        return list(names)


class Diagnostics:
    """Collects what is wrong, to be printed in the order of the lines."""

    def __init__(self):
        self.found = []

    def add(self, line, column, problem, mend, path=None):
        """`path` is None for the definition file itself."""
        self.found.append((path or "", line, column, problem, mend))

    def at(self, token, problem, mend):
        self.add(token.line, token.column, problem, mend)

    def lines(self, definitions_path):
        for path, line, column, problem, mend in sorted(set(self.found)):
            yield f"{path or definitions_path}:{line}:{column}: {problem}; {mend}"


class SyntaxProblem(Exception):
    """Already reported; whoever catches it looks for a place to go on."""


def quoted(text):
    return f"`{text}`" if len(text) <= 40 else f"`{text[:37]}...`"


def did_you_mean(name, candidates, otherwise):
    """The mend for an unknown name: a near one, or `otherwise`."""
    near = []
    if len(name) <= MAX_NAME_LENGTH:
        near = difflib.get_close_matches(name, sorted(candidates), n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else otherwise


def prototype(return_type, name, parameters):
    return f"{return_type.declare(name)}({', '.join(parameters) or 'void'})"


# ---- Text to tokens ----------------------------------------------------------


def decode(data, diagnostics, path=None):
    """The text of a file, or None when it is no text. CRLF and a BOM are fine."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].removeprefix(b"\xef\xbb\xbf").decode("utf-8")
        line, column = position(before.replace("\r\n", "\n"))
        diagnostics.add(
            line,
            column,
            f"byte 0x{data[error.start]:02x} is not UTF-8",
            "save the file as UTF-8",
            path,
        )
        return None
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def position(text_before):
    """Line and column, from 1, of what follows `text_before`."""
    return text_before.count("\n") + 1, len(text_before) - text_before.rfind("\n")


@dataclass
class Doc:
    """A block of /// lines."""

    lines: list
    line: int
    column: int
    last_line: int
    alone: bool  # nothing but blanks before it on its line
    claimed: bool = False  # found above what it describes, or in a part that is skipped


TOKEN = re.compile(
    r"""(?P<blank>[ \t\n]+)
    |(?P<control>[\x00-\x08\x0b-\x1f\x7f])
    |(?P<doc>///(?!/)[^\n]*)
    |(?P<comment>//[^\n]*)
    |(?P<block_comment>/\*)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>[0-9][A-Za-z0-9_]*)
    |(?P<punctuation><<|[()\[\]{},;:?*=-])
    |(?P<other>[^ \t\nA-Za-z0-9_()\[\]{},;:?*=/\x00-\x1f\x7f-]+|.)""",
    re.VERBOSE,
)


class Lexer:
    """Splits the text into `tokens`, closed by an "end" token, and `docs`."""

    def __init__(self, text, diagnostics):
        self.text = text
        self.diagnostics = diagnostics
        self.tokens = []
        self.docs = []
        self.line = 1
        self.line_start = 0
        self.run()

    def run(self):
        offset = 0
        while offset < len(self.text):
            match = TOKEN.match(self.text, offset)
            kind, text = match.lastgroup, match.group()
            column = offset - self.line_start + 1
            end = match.end()
            if kind in ("name", "number", "punctuation"):
                self.tokens.append(Token(kind, text, self.line, column))
            elif kind == "doc":
                self.add_doc(text, column)
            elif kind == "block_comment":
                self.complain(
                    column, "`/*` comments are not known here", "begin each line with `//`"
                )
                close = self.text.find("*/", end)
                end = len(self.text) if close < 0 else close + 2
            elif kind == "control":
                self.complain_control(text, column)
            elif kind == "other":
                self.complain(column, f"unexpected {quoted(text)}", "delete it")
            if kind in ("doc", "comment"):
                self.find_control_characters(text, column)
            newlines = self.text.count("\n", offset, end)
            if newlines:
                self.line += newlines
                self.line_start = self.text.rfind("\n", offset, end) + 1
            offset = end
        self.tokens.append(Token("end", "", self.line, offset - self.line_start + 1))

    def complain(self, column, problem, mend):
        self.diagnostics.add(self.line, column, problem, mend)

    def complain_control(self, character, column):
        if character == "\r":
            self.complain(column, "carriage return inside a line", "end lines with a newline")
        else:
            self.complain(column, f"control character 0x{ord(character):02x}", "delete it")

    def find_control_characters(self, comment, column):
        for match in re.finditer(r"[\x00-\x08\x0b-\x1f\x7f]", comment):
            self.complain_control(match.group(), column + match.start())

    def add_doc(self, text, column):
        before = self.text[self.line_start : self.line_start + column - 1]
        alone = before.strip(" \t") == ""
        line = text[3:].removeprefix(" ").rstrip()
        previous = self.docs[-1] if self.docs else None
        if alone and previous and previous.alone and previous.last_line == self.line - 1:
            previous.lines.append(line)
            previous.last_line = self.line
        else:
            self.docs.append(Doc([line], self.line, column, self.line, alone))


# ---- Tokens to definitions ---------------------------------------------------


class Parser:
    """Reads declarations until the end, complaining and going on where it can."""

    def __init__(self, lexer, errors, diagnostics):
        self.tokens = lexer.tokens
        self.known_errors = errors
        self.diagnostics = diagnostics
        self.index = 0
        self.definitions = Definitions()
        self.lost = False  # a declaration was skipped, so numbers may be wrong
        self.parameter_lost = False
        self.docs = lexer.docs
        self.docs_above = {doc.last_line + 1: doc for doc in lexer.docs if doc.alone}

    # Looking at tokens

    @property
    def token(self):
        return self.tokens[self.index]

    @property
    def previous(self):
        return self.tokens[max(self.index - 1, 0)]

    def ahead(self, count):
        return self.tokens[min(self.index + count, len(self.tokens) - 1)]

    def advance(self):
        token = self.token
        if token.kind != "end":
            self.index += 1
        return token

    def at(self, *texts):
        return self.token.kind != "number" and self.token.text in texts and self.token.text != ""

    def accept(self, text):
        return self.advance() if self.at(text) else None

    def at_end(self):
        return self.token.kind == "end"

    def fail(self, token, problem, mend):
        self.diagnostics.at(token, problem, mend)
        raise SyntaxProblem

    def found(self):
        return "the end of the file" if self.at_end() else quoted(self.token.text)

    def expect(self, text, mend):
        if not self.at(text):
            self.fail(self.token, f"expected `{text}`, found {self.found()}", mend)
        return self.advance()

    def expect_name(self, what, example):
        if self.token.kind != "name":
            self.fail(self.token, f"expected {what}, found {self.found()}", f"write {example}")
        return self.advance()

    def starts_declaration(self):
        return self.token.kind == "name" and (
            self.token.text in SCALARS
            or self.at("const", "struct", "void", "char", "flags", "enum", "retired")
        )

    # Documentation

    def claim_doc(self, token):
        """The lines of the /// block that ends directly above `token`."""
        doc = self.docs_above.get(token.line)
        first_of_line = self.index == 0 or self.tokens[self.index - 1].line < token.line
        if doc is None or not first_of_line:
            return []
        doc.claimed = True
        return doc.lines

    def complain_about_docs(self):
        for doc in self.docs:
            if doc.claimed:
                continue
            if doc.alone:
                mend = "put it directly above a call, or write it with `//`"
            else:
                mend = "put it on lines of its own above what it describes"
            self.diagnostics.add(
                doc.line, doc.column, "this doc comment belongs to nothing", mend
            )

    # Going on after a mistake

    def skip(self, until):
        """Moves on until `until()`, with no word about what is skipped."""
        first = self.token.line
        while not self.at_end() and not until():
            self.advance()
        for line in range(first, self.token.line - 1):
            if line + 1 in self.docs_above:
                self.docs_above[line + 1].claimed = True

    def recover(self):
        """To behind the next ; or }, or to what starts a line as a declaration does."""
        self.lost = True
        start = self.index
        self.skip(
            lambda: self.at(";", "}")
            or (self.index > start and self.token.column == 1 and self.starts_declaration())
        )
        if self.at(";", "}"):
            self.advance()

    # Declarations

    def run(self):
        while not self.at_end():
            start = self.index
            try:
                self.declaration()
            except SyntaxProblem:
                self.recover()
            if self.index == start and not self.at_end():
                self.advance()
        self.complain_about_docs()
        check_definitions(self.definitions, self.known_errors, self.diagnostics)
        return self.definitions

    def declaration(self):
        if self.accept(";"):
            self.fail(self.previous, "this `;` ends nothing", "delete it")
        elif self.at("flags", "enum"):
            self.constant_set()
        elif self.at("retired"):
            self.retired_call()
        elif self.token.kind == "name":
            self.call_or_misspelt_word()
        else:
            self.fail(
                self.token,
                f"expected a call, `flags`, `enum` or `retired`, found {self.found()}",
                "write a call as a C prototype, `int name(int value);`",
            )

    def call_or_misspelt_word(self):
        word, after = self.token, self.ahead(2)
        if word.text not in SCALARS and self.ahead(1).kind == "name":
            expected = {"{": ("flags", "enum"), ";": ("retired",)}.get(after.text, ())
            if expected and word.text not in ("const", "struct", "void", "char"):
                choices = " or ".join(f"`{choice}`" for choice in expected)
                self.fail(
                    word,
                    f"unknown word {quoted(word.text)}",
                    did_you_mean(word.text, expected, f"write {choices}"),
                )
        if self.ahead(1).text == "(" and not self.starts_declaration():
            self.fail(
                word,
                f"call {quoted(word.text)} has no return type",
                "write `int` before it, or `void` when it returns nothing",
            )
        self.call()

    def end_of_declaration(self, what):
        if self.accept(";"):
            return
        after = self.previous
        if self.at_end() or self.starts_declaration() or self.token.line > after.line:
            self.diagnostics.add(
                after.line,
                after.end_column,
                f"missing semicolon after {what}",
                "write `;` here",
            )
        else:
            self.fail(
                self.token, f"expected `;` after {what}, found {self.found()}", "end it with `;`"
            )

    def retired_call(self):
        self.advance()
        name = self.expect_name("the name of the retired call", "`retired name;`")
        self.check_name(name, "call")
        number = len(self.definitions.calls)
        self.definitions.calls.append(RetiredCall(name.text, name, number))
        self.end_of_declaration(f"`retired {name.text[:MAX_NAME_LENGTH]}`")

    def call(self):
        doc = self.claim_doc(self.token)
        return_type = self.type("return")
        name = self.expect_name("the name of the call", "`type name(parameters);`")
        self.check_name(name, "call")
        self.parameter_lost = False
        parameters = self.parameters(name)
        errors = self.errors() if self.at("errors") else []
        restarts = self.restarts(errors) if self.at("restarts") else False
        number = len(self.definitions.calls)
        self.definitions.calls.append(
            Call(
                name.text,
                name,
                return_type,
                parameters,
                errors,
                doc,
                number,
                not self.parameter_lost,
                restarts,
            )
        )
        if self.at("errors", "restarts"):
            self.fail(
                self.token,
                f"`{self.token.text}` stands twice, or behind `restarts`",
                "write `errors(...) restarts`, each once",
            )
        if self.token.kind == "name" and self.ahead(1).text == "(" and not (
            self.starts_declaration() or self.token.line > self.previous.line + 1
        ):
            self.fail(
                self.token,
                f"unknown word {quoted(self.token.text)} behind a call",
                did_you_mean(
                    self.token.text, ["errors", "restarts"], "write `errors(...)` or `;`"
                ),
            )
        self.end_of_declaration(f"call {quoted(name.text)}")

    def check_name(self, token, what):
        name = token.text
        if name in C_RESERVED:
            self.diagnostics.at(
                token, f"`{name}` is reserved in C and cannot name a {what}", "choose another name"
            )
        elif name.startswith("_"):
            self.diagnostics.at(
                token,
                f"{what} name {quoted(name)} begins with an underscore",
                "such names belong to the compiler and the generator: choose another",
            )
        elif len(name) > MAX_NAME_LENGTH:
            self.diagnostics.at(
                token,
                f"{what} name {quoted(name)} is too long",
                f"use {MAX_NAME_LENGTH} characters at most",
            )
        elif what == "constant" and name.lower() in NASM_RESERVED:
            self.diagnostics.at(
                token,
                f"`{name}` is a register or operator in NASM and cannot name a constant",
                f"give it a prefix, like `SOME_{name}`",
            )

    # Types

    def type(self, where):
        """`where` is "return" or "parameter". Complains about unknown types, goes on."""
        first = self.token
        const = self.accept("const") is not None
        if self.accept("struct"):
            name = self.expect_name("the name of the struct", "`struct name *`")
            self.check_name(name, "struct")
            base, token = f"struct {name.text}", first
        else:
            token = self.expect_name("a type", "one of the types of <postern/types.h>")
            base = token.text
        type_token = first if const else token
        stars, inner_const = 0, False
        while self.at("*", "const"):
            if self.at("*"):
                stars += 1
            elif stars == 1 and self.ahead(1).text == "*":
                inner_const = True
            else:
                self.fail(
                    self.token,
                    "`const` is in an unexpected place",
                    "write it before the type, as in `const char *`",
                )
            self.advance()
        kind = Type(base, const, stars, inner_const, type_token)
        self.check_type(kind, token, where)
        return kind

    def check_type(self, kind, token, where):
        base = kind.base
        if not kind.is_known:
            candidates = list(SCALARS) + ["void", "char"]
            instead = INSTEAD_OF.get(base)
            if instead:
                mend = f"use {instead}"
            else:
                mend = did_you_mean(base, candidates, "use a type of <postern/types.h>")
            self.diagnostics.at(token, f"unknown type {quoted(base)}", mend)
        elif base == "unsigned" and self.token.text == "int" and not kind.is_pointer:
            self.diagnostics.at(self.token, "unknown type `unsigned int`", "write `unsigned`")
            self.advance()
        elif kind.stars > 2 or (kind.stars == 2 and (base != "char" or where == "return")):
            self.diagnostics.at(
                token,
                f"type `{base[:40]} {'*' * min(kind.stars, 8)}` has too many levels of pointers",
                "only [strings] has two, as `const char *const *`",
            )
        elif not kind.is_pointer:
            self.check_value_type(kind, token, where)

    def check_value_type(self, kind, token, where):
        if kind.base.startswith("struct "):
            self.diagnostics.at(
                token, f"`{kind.base[:60]}` cannot be passed by value", "pass a pointer to it"
            )
        elif kind.base == "char":
            self.diagnostics.at(
                token, "unknown type `char` by value", f"use {INSTEAD_OF['char']}"
            )
        elif kind.base == "void" and where != "return":
            self.diagnostics.at(
                token,
                "a parameter cannot be `void`",
                "name its type, or write `()` for no parameters",
            )
        elif kind.const:
            self.diagnostics.at(
                kind.token, "`const` says nothing about a value", "leave it out"
            )

    # Parameters

    def parameters(self, call):
        self.expect_open(call)
        opening = self.previous
        if self.accept(")"):
            return []
        if self.at("void") and self.ahead(1).text == ")":
            self.advance()
            self.advance()
            return []
        parameters = []
        while True:
            try:
                parameters.append(self.parameter())
            except SyntaxProblem:
                self.parameter_lost = True
                self.skip(lambda: self.at(",", ")", ";", "{", "}"))
            if self.accept(","):
                continue
            if self.accept(")"):
                break
            if self.at_end() or (self.token.column == 1 and self.starts_declaration()):
                self.fail(
                    opening, "this `(` is never closed", "close the parameters with `)` and `;`"
                )
            self.fail(
                self.token,
                f"expected `,` or `)` in the parameters, found {self.found()}",
                "part parameters with `,` and close them with `)`",
            )
        dword = 0
        for parameter in parameters:
            parameter.dword = dword
            dword += parameter.type.dwords
        return parameters

    def expect_open(self, call):
        if not self.at("("):
            self.fail(
                self.token,
                f"expected `(` after {quoted(call.text)}, found {self.found()}",
                "write the parameters, or `()` for none",
            )
        return self.advance()

    def parameter(self):
        kind = self.type("parameter")
        if self.at("["):
            self.fail(
                self.token,
                "a parameter needs a name before its annotation",
                "write `type name [annotation]`",
            )
        name = self.expect_name("the name of the parameter", "`type name`")
        self.check_name(name, "parameter")
        annotation = self.annotation() if self.at("[") else None
        if self.at("["):
            self.fail(
                self.token,
                f"parameter {quoted(name.text)} has a second annotation",
                "keep one",
            )
        return Parameter(kind, name.text, name, annotation)

    def annotation(self):
        opening = self.advance()
        if self.token.kind == "number":
            self.fail(self.token, "arrays are not passed", "use a pointer with [in: n] or [out: n]")
        name = self.expect_name("an annotation", "[in], [out], [inout], [string], [fd] or the like")
        annotation = Annotation(name.text, name)
        if name.text not in ANNOTATIONS:
            self.diagnostics.at(
                name,
                f"unknown annotation {quoted(name.text)}",
                did_you_mean(name.text, ANNOTATIONS, f"use one of {', '.join(ANNOTATIONS)}"),
            )
            self.skip(lambda: self.at("]", ",", ")", ";", "{", "}"))
        else:
            self.annotation_rest(annotation)
        if not self.accept("]"):
            if self.at_end():
                self.fail(opening, "this `[` is never closed", "write `]` behind the annotation")
            self.fail(
                self.token,
                f"expected `]`, found {self.found()}",
                "an annotation is `[word]`, `[word: argument]`, either with `?` for NULL",
            )
        return annotation

    def annotation_rest(self, annotation):
        kind = annotation.kind
        question = self.accept("?")
        if self.accept(":"):
            if kind in DIRECTIONS:
                if self.token.kind not in ("name", "number"):
                    self.fail(
                        self.token,
                        f"expected a length, found {self.found()}",
                        "name an integer parameter or a constant",
                    )
                annotation.count = self.advance()
            elif kind in ("flags", "enum"):
                annotation.set_name = self.expect_name(
                    f"the name of a {kind} set", f"[{kind}: NAME]"
                )
            else:
                self.fail(self.token, f"[{kind}] takes no argument", f"write [{kind}]")
            question = question or self.accept("?")
        elif kind in ("flags", "enum"):
            self.diagnostics.at(
                annotation.token, f"[{kind}] does not say which set", f"write [{kind}: NAME]"
            )
        if question:
            annotation.optional = True
            if kind not in DIRECTIONS + ("string", "strings"):
                self.diagnostics.at(
                    question,
                    f"`?` on [{kind}], which is no pointer",
                    "only a pointer can be NULL: leave `?` out",
                )

    def errors(self):
        self.advance()
        if not self.accept("("):
            self.fail(
                self.token,
                f"expected `(` after `errors`, found {self.found()}",
                "write `errors(EINVAL)`",
            )
        opening = self.previous
        errors, numbers = [], {}
        while not self.accept(")"):
            if self.at_end():
                self.fail(opening, "this `(` is never closed", "close the errors with `)` and `;`")
            name = self.expect_name("the name of an error", "`errors(EINVAL, ...)`")
            number = self.known_errors.get(name.text)
            if number is None:
                self.diagnostics.at(
                    name,
                    f"unknown error {quoted(name.text)}",
                    did_you_mean(name.text, self.known_errors, "use a name of <postern/errno.h>"),
                )
            elif number in numbers:
                other = numbers[number]
                same = "" if other == name.text else f" (it is the same as `{other}`)"
                self.diagnostics.at(name, f"error `{name.text}` is listed twice{same}", "keep one")
            else:
                numbers[number] = name.text
                errors.append(name.text)
            if not self.at(")") and not self.at_end():
                self.expect(",", "part errors with `,` and close them with `)`")
        return errors

    def restarts(self, errors):
        if "EINTR" not in errors:
            self.diagnostics.at(
                self.token,
                "`restarts` on a call that does not return EINTR",
                "list EINTR in errors(...), or take `restarts` away",
            )
        self.advance()
        return True

    # Flags and enums

    def constant_set(self):
        doc = self.claim_doc(self.token)
        kind = self.advance().text
        name = self.expect_name(f"the name of the {kind} set", f"`{kind} NAME {{ A = 1 }}`")
        if len(name.text) > MAX_NAME_LENGTH:
            self.check_name(name, "set")
        opening = self.expect("{", f"write `{kind} NAME {{ A = 1, B = 2 }}`")
        constants = []
        while not self.accept("}"):
            if self.at_end() or self.starts_declaration():
                self.diagnostics.at(
                    opening, "this `{` is never closed", "write `}` behind the last value"
                )
                break
            try:
                constants.append(self.constant(kind))
            except SyntaxProblem:
                self.skip(lambda: self.at(",", "}", ";", ")"))
            if self.at("}") or self.at_end() or self.starts_declaration():
                continue
            if not self.accept(","):
                self.fail(
                    self.token,
                    f"expected `,` or `}}` in {kind} {quoted(name.text)}, found {self.found()}",
                    "part values with `,` and close them with `}`",
                )
        else:
            self.accept(";")
            if not constants:
                self.diagnostics.at(
                    name,
                    f"{kind} set {quoted(name.text)} has no values",
                    "give it one, or delete it",
                )
        self.definitions.sets.append(ConstantSet(kind, name.text, name, constants, doc))

    def constant(self, kind):
        doc = self.claim_doc(self.token)
        name = self.expect_name("the name of a value", "`NAME = 1`")
        self.check_name(name, "constant")
        if not self.accept("="):
            self.fail(
                self.token,
                f"expected `=` after {quoted(name.text)}, found {self.found()}",
                "give every name its value, as in `NAME = 1`",
            )
        return Constant(name.text, name, self.value(kind), doc)

    def value(self, kind):
        minus = self.accept("-")
        first = self.token
        value = self.number()
        if minus:
            value = -value
            if kind == "flags":
                self.diagnostics.at(
                    minus, "a flag cannot be negative", "write its bits, as in 0x80000000"
                )
        if self.accept("<<"):
            shift_token = self.token
            shift = self.number()
            if shift > 31:
                self.diagnostics.at(
                    shift_token, f"shift by {shift} leaves 32 bits", "shift by 31 at most"
                )
                return 0
            value <<= shift
        if not -(2**31) <= value < 2**32:
            self.diagnostics.at(
                minus or first,
                f"value {value} does not fit in 32 bits",
                "use -0x80000000 to 0xffffffff",
            )
            return 0
        return value

    def number(self):
        token = self.token
        if token.kind != "number":
            self.fail(
                token, f"expected a number, found {self.found()}", "write a decimal or 0x number"
            )
        self.advance()
        return parse_number(token, self.diagnostics)


def parse_number(token, diagnostics):
    """The value of a number token, 0 after a complaint."""
    text = token.text
    if re.fullmatch(r"0|[1-9][0-9]{0,11}", text):
        return int(text)
    if re.fullmatch(r"0[xX]0*[0-9a-fA-F]{1,8}", text):
        return int(text, 16)
    if re.fullmatch(r"[1-9][0-9]*|0[xX][0-9a-fA-F]+", text):
        diagnostics.at(
            token, f"number {quoted(text)} does not fit in 32 bits", "use 0xffffffff at most"
        )
    elif re.fullmatch(r"0[0-9]+", text):
        diagnostics.at(
            token,
            f"number {quoted(text)} begins with 0",
            "write it in decimal, or in hexadecimal with 0x",
        )
    else:
        diagnostics.at(token, f"malformed number {quoted(text)}", "write a decimal or 0x number")
    return 0


# ---- What must hold between the parts of the definitions ---------------------


def check_definitions(definitions, errors, diagnostics):
    check_sets(definitions, errors, diagnostics)
    seen = {}
    for call in definitions.live_calls:
        if call.name in seen:
            diagnostics.at(
                call.token,
                f"call `{call.name}` is already defined in line {seen[call.name].line}",
                "give one of them another name",
            )
        seen.setdefault(call.name, call.token)
        check_call(call, definitions, errors, diagnostics)


def check_sets(definitions, errors, diagnostics):
    sets, constants = {}, {}
    for group in definitions.sets:
        if group.name in sets:
            diagnostics.at(
                group.token,
                f"duplicate {group.kind} set {quoted(group.name)},"
                f" already in line {sets[group.name].line}",
                "give one of them another name",
            )
        sets.setdefault(group.name, group.token)
        for constant in group.constants:
            name = constant.name
            if name in constants:
                diagnostics.at(
                    constant.token,
                    f"duplicate {group.kind.rstrip('s')} value {quoted(name)},"
                    f" already in line {constants[name].line}",
                    "all constants share one namespace in C: give one of them another name",
                )
            elif name in errors or is_number_name(name):
                diagnostics.at(
                    constant.token,
                    f"constant {quoted(name)} has a name that <postern/errno.h> or the numbers use",
                    "choose another name",
                )
            constants.setdefault(name, constant.token)
    for struct in definitions.structs:
        if struct in constants:
            diagnostics.at(
                constants[struct],
                f"constant {quoted(struct)} is also the name of a struct",
                "choose another name",
            )


def is_number_name(name):
    """Whether syscall_numbers.h may define it."""
    return name.startswith("SYS_") or name == "SYSCALL_COUNT"


def check_call(call, definitions, errors, diagnostics):
    constants = definitions.constants
    seen, too_many = {}, False
    for parameter in call.parameters:
        name = parameter.name
        if name in seen:
            diagnostics.at(
                parameter.token,
                f"call `{call.name[:MAX_NAME_LENGTH]}` has two parameters {quoted(name)}",
                "rename one",
            )
        elif name in constants:
            diagnostics.at(
                parameter.token,
                f"parameter {quoted(name)} is also a constant, in line {constants[name].token.line}",
                "choose another name",
            )
        elif name in errors or is_number_name(name):
            diagnostics.at(
                parameter.token,
                f"parameter {quoted(name)} has a name that <postern/errno.h> or the numbers use",
                "choose another name",
            )
        seen.setdefault(name, parameter)
        if parameter.dword + parameter.type.dwords > MAX_ARGUMENT_DWORDS and not too_many:
            too_many = True
            diagnostics.at(
                parameter.token,
                f"too many parameters: {quoted(name)} is beyond argument dword {MAX_ARGUMENT_DWORDS}"
                " (a 64-bit parameter is two)",
                "pass some of them in a struct, by a pointer with [in]",
            )
    if call.complete:
        for parameter in call.parameters:
            check_annotation(parameter, seen, definitions, diagnostics)
    check_result(call, diagnostics)


def check_result(call, diagnostics):
    base, by_value = call.type.base, not call.type.is_pointer
    if by_value and base in ("void", "bool") and call.errors:
        diagnostics.at(
            call.type.token, f"`{base}` cannot carry the errors that the call lists", "return `int`"
        )
    elif by_value and base == "bool" and any(p.type.is_pointer for p in call.parameters):
        diagnostics.at(
            call.type.token,
            "`bool` cannot carry EFAULT, which a call with pointers may return",
            "return `int`",
        )


def check_annotation(parameter, by_name, definitions, diagnostics):
    kind, annotation = parameter.type, parameter.annotation
    if not kind.is_known:
        return
    if annotation is None:
        if kind.is_pointer:
            diagnostics.at(
                parameter.token,
                f"pointer {quoted(parameter.name)} has no direction",
                "add [in], [out] or [inout], with `: n` for n elements, or [string]",
            )
        return
    word = annotation.kind
    if word not in ANNOTATIONS:
        return
    if word in DIRECTIONS + ("string", "strings"):
        if not kind.is_pointer:
            diagnostics.at(
                annotation.token,
                f"[{word}] on {quoted(parameter.name)}, which is no pointer",
                "leave it out, or pass a pointer",
            )
        elif word == "string" and str(kind) != "const char *":
            diagnostics.at(
                annotation.token, f"[string] on a `{str(kind)[:60]}`", "make it `const char *`"
            )
        elif word == "strings" and str(kind) not in (
            "const char *const *",
            "char *const *",
            "const char **",
        ):
            diagnostics.at(
                annotation.token,
                f"[strings] on a `{str(kind)[:60]}`",
                "make it `const char *const *`",
            )
        elif word in DIRECTIONS:
            check_direction(parameter, by_name, definitions, diagnostics)
    elif kind.is_pointer:
        diagnostics.at(
            annotation.token,
            f"[{word}] on {quoted(parameter.name)}, which is a pointer",
            "use [in], [out] or [inout]",
        )
    elif kind.base == "bool":
        diagnostics.at(
            annotation.token,
            f"[{word}] on {quoted(parameter.name)}, which is a bool",
            "make it an integer",
        )
    elif annotation.set_name is not None:
        check_set_name(annotation, definitions, diagnostics)


def check_direction(parameter, by_name, definitions, diagnostics):
    kind, annotation = parameter.type, parameter.annotation
    if kind.stars > 1 and kind.base != "char" or kind.stars > 2:
        return  # reported already
    if kind.stars == 2:
        diagnostics.at(annotation.token, f"[{annotation.kind}] on a `{kind}`", "use [strings]")
    elif annotation.kind != "in" and kind.const:
        diagnostics.at(
            annotation.token,
            f"[{annotation.kind}] on a pointer to const, which nobody may write",
            "drop `const`, or use [in]",
        )
    elif kind.base == "void" and annotation.count is None:
        diagnostics.at(
            annotation.token,
            f"[{annotation.kind}] on a `{kind}` needs a length in bytes",
            f"write [{annotation.kind}: n]",
        )
    if annotation.count is not None:
        check_count(parameter, by_name, definitions, diagnostics)


def check_count(parameter, by_name, definitions, diagnostics):
    token, constants = parameter.annotation.count, definitions.constants
    if token.kind == "number":
        before = len(diagnostics.found)
        value = parse_number(token, diagnostics)
        if len(diagnostics.found) == before and not 0 < value < 2**31:
            diagnostics.at(token, f"length {value} is out of range", "use 1 to 0x7fffffff")
        return
    other = by_name.get(token.text)
    if other is not None:
        scalar = other.type.scalar
        if other.type.is_known and (scalar is None or not scalar.is_length):
            diagnostics.at(
                token,
                f"length {quoted(token.text)} is a `{str(other.type)[:60]}`, no 32-bit integer",
                "make it `size_t`",
            )
    elif token.text in constants:
        if not 0 < constants[token.text].value < 2**31:
            diagnostics.at(
                token, f"length {quoted(token.text)} is out of range", "use 1 to 0x7fffffff"
            )
    else:
        candidates = [p.name for p in by_name.values() if p.type.scalar and p.type.scalar.is_length]
        diagnostics.at(
            token,
            f"length {quoted(token.text)} names no parameter",
            did_you_mean(
                token.text, candidates + list(constants), "name an integer parameter or a constant"
            ),
        )


def check_set_name(annotation, definitions, diagnostics):
    token, kind = annotation.set_name, annotation.kind
    named = [group for group in definitions.sets if group.name == token.text]
    if not named:
        candidates = [group.name for group in definitions.sets if group.kind == kind]
        diagnostics.at(
            token,
            f"[{kind}: {token.text[:MAX_NAME_LENGTH]}] names no {kind} set",
            did_you_mean(token.text, candidates, f"define it: `{kind} NAME {{ ... }}`"),
        )
    elif all(group.kind != kind for group in named):
        other = named[0].kind
        diagnostics.at(
            token, f"{quoted(token.text)} is a set of `{other}`", f"write [{other}: {token.text}]"
        )


def parse(data, errors, diagnostics):
    """(definitions, numbers are sure) from the bytes of a definition file."""
    text = decode(data, diagnostics)
    if text is None:
        return Definitions(), False
    parser = Parser(Lexer(text, diagnostics), errors, diagnostics)
    definitions = parser.run()
    return definitions, not parser.lost


# ---- The ABI lock ------------------------------------------------------------


@dataclass
class LockedCall:
    number: int
    name: str
    type: str  # empty for a retired call
    types: list

    @property
    def retired(self):
        return self.type == ""


LOCK_HEADER = """\
# The system calls that programs already rely on: number, name, types.
# Written only by `make abi-lock`; compared with syscalls.def in every build.
"""

LOCK_LINE = re.compile(
    r"(\d{1,9}) (?:retired ([A-Za-z]\w*)|([A-Za-z]\w*) ([^()]+)\(([^()]*)\))", re.ASCII
)


def render_lock(definitions):
    lines = [LOCK_HEADER]
    for call in definitions.calls:
        what = f"retired {call.name}" if call.retired else f"{call.name} {call.signature}"
        lines.append(f"{call.number} {what}\n")
    return "".join(lines)


def parse_lock(data, path, diagnostics):
    locked = []
    text = decode(data, diagnostics, path)
    for line_number, line in enumerate((text or "").split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = LOCK_LINE.fullmatch(line)
        if match is None or int(match[1]) != len(locked):
            diagnostics.add(
                line_number,
                1,
                f"this is not the line of number {len(locked)}",
                "restore the file from version control, or write it anew with `make abi-lock`",
                path,
            )
            return None
        types = match[5].split(", ") if match[5] else []
        locked.append(LockedCall(len(locked), match[2] or match[3], match[4] or "", types))
    return None if text is None else locked


def check_lock(definitions, locked, end, diagnostics):
    """Complains about each locked call that is not what it was. `end` is the
    position to point at where a call is missing behind the last one."""
    calls = definitions.calls
    live = {call.name: call for call in definitions.live_calls}
    retired = {call.name: call for call in calls if call.retired}
    shift = 0  # by how much the calls around here are off their numbers
    removed = 0  # locked calls gone since the last one that was found
    for was in locked:
        here = calls[was.number] if was.number < len(calls) else None
        if here is not None and here.name == was.name and (here.retired or not was.retired):
            if not here.retired:
                check_retyped(was, here, diagnostics)
            shift, removed = 0, 0
            continue
        now = retired.get(was.name) if was.retired else live.get(was.name) or retired.get(was.name)
        if now is None:
            removed += 1
            token = here.token if here is not None else end
            what, mend = "locked", "put it back before what follows, or withdraw it there with"
            if was.retired:
                what, mend = "retired", "put back before what follows"
            diagnostics.at(
                token,
                f"{what} call `{was.name}`, number {was.number}, was removed",
                f"{mend} `retired {was.name};`",
            )
            continue
        new_shift = now.number - was.number
        if new_shift != shift and shift - new_shift != removed:
            instead = f", where `{here.name}` is now" if here is not None else ""
            diagnostics.at(
                now.token,
                f"locked call `{was.name}` was renumbered: it is number {was.number}{instead},"
                f" and would become {now.number}",
                "move it back, and add new calls behind the last one",
            )
        if not now.retired:
            check_retyped(was, now, diagnostics)
        shift, removed = new_shift, 0


def check_retyped(was, now, diagnostics):
    mend = "put the old type back, or append a new call and retire this one"
    if not now.complete:
        return
    if now.type.is_known and str(now.type) != was.type:
        diagnostics.at(
            now.type.token, f"locked call `{was.name}` was retyped: it returned `{was.type}`", mend
        )
    for index, parameter in enumerate(now.parameters[: len(was.types)]):
        if parameter.type.is_known and str(parameter.type) != was.types[index]:
            diagnostics.at(
                parameter.type.token,
                f"locked call `{was.name}` was retyped:"
                f" parameter {index + 1} was `{was.types[index]}`",
                mend,
            )
            return
    if len(now.parameters) > len(was.types):
        token = now.parameters[len(was.types)].type.token
        diagnostics.at(
            token, f"locked call `{was.name}` was retyped: it had {len(was.types)} parameters", mend
        )
    elif len(now.parameters) < len(was.types):
        diagnostics.at(
            now.token,
            f"locked call `{was.name}` was retyped: it had {len(was.types)} parameters",
            mend,
        )


def describe_lock_changes(definitions, locked):
    """What `make abi-lock` prints: a line for each number that changes."""
    for call in definitions.calls[len(locked) :]:
        yield f"added: {call.number} {call.name}"
    for was in locked:
        now = definitions.calls[was.number] if was.number < len(definitions.calls) else None
        if now is None:
            yield f"warning: removed: {was.number} {was.name}"
        elif now.retired and now.name == was.name:
            if not was.retired:
                yield f"retired: {was.number} {was.name}"
        elif was.retired or now.retired or now.name != was.name:
            yield f"warning: changed: {was.number} was {was.name}, is {now.name}"
        elif (str(now.type), now.types) != (was.type, was.types):
            signature = f"{was.type}({', '.join(was.types)})"
            yield f"warning: retyped: {was.number} {was.name} {signature}, is {now.signature}"


# ---- Rendering: what the outputs share ---------------------------------------

GENERATED = "generated from syscalls.def by tools/gensyscalls.py; do not edit"


def comment(lines, indent=""):
    """A C comment of `lines`, whatever they contain."""
    # Part comment marks, and the trigraph of a backslash, by a blank.
    marks = r"(?<=\*)(?=/)|(?<=/)(?=\*)|(?<=\?\?)(?=/)"
    safe = [re.sub(marks, " ", line) for line in lines]
    body = "".join(f"{indent} * {line}".rstrip() + "\n" for line in safe)
    return f"{indent}/*\n{body}{indent} */\n"


def call_comment(call):
    lines = list(call.doc)
    if call.errors:
        lines += ([""] if lines else []) + [f"Errors: {', '.join(call.errors)}."]
    return comment(lines) if lines else ""


def summary(doc):
    """The first sentence of a documentation comment, on one line."""
    paragraph = []
    for line in doc:
        if not line.strip() and paragraph:
            break
        paragraph.append(line.strip())
    text = " ".join(" ".join(paragraph).split())
    for match in re.finditer(r"[.!?](?= |$)", text):
        if not re.search(r"\b(e\.g|i\.e|cf|vs)$", text[: match.start()]):
            return text[: match.end()]
    return text


def wrapped(text, width=88):
    """A C prototype, call or list broken behind commas, continued by a tab."""
    lines, line = [], ""
    for part in re.split(r"(?<=,) ", text):
        if line and len(line.expandtabs(4)) + len(part) >= width:
            lines.append(line)
            line = re.match(r"\t*", lines[0]).group() + "\t" + part
        else:
            line = f"{line} {part}" if line else part
    return "\n".join(lines + [line])


def struct_headers(definitions, required=False):
    """Includes the header of each struct, and declares the struct in any case."""
    text = ""
    for name in definitions.structs:
        text += f"#if __has_include(<postern/{name}.h>)\n#include <postern/{name}.h>\n"
        if required:
            header = f"libroot/include/postern/{name}.h"
            text += f'#else\n#error "struct {name} is defined nowhere: write {header}"\n'
        text += "#endif\n"
    if not required:
        text += "".join(f"struct {name};\n" for name in definitions.structs)
    return text


def constant_value(constant, group):
    """As a C constant of 32 bits: in hexadecimal where the sign bit is set."""
    if group.kind == "flags" or constant.value > 0x7FFFFFFF:
        return f"0x{constant.value:x}"
    if constant.value == -(2**31):
        return "(-0x7fffffff - 1)"
    return f"({constant.value})" if constant.value < 0 else str(constant.value)


# ---- Rendering: constants, numbers and what programs see ---------------------


def render_constants(definitions):
    text = f"/* {GENERATED} */\n#pragma once\n"
    for group in definitions.sets:
        text += "\n" + comment(
            [f"{group.kind} {group.name}"] + ([""] + group.doc if group.doc else [])
        )
        for constant in group.constants:
            if constant.doc:
                text += comment(constant.doc)
            text += f"#define {constant.name} {constant_value(constant, group)}\n"
    return text


def render_numbers_h(definitions):
    text = f"/* {GENERATED} */\n#pragma once\n\n"
    for call in definitions.live_calls:
        text += f"#define SYS_{call.name} {call.number}\n"
    return text + f"\n#define SYSCALL_COUNT {len(definitions.calls)}\n"


def nasm_name(name):
    """The name as NASM takes it for one, whatever it is else: an instruction (PAUSE), or
    a directive (CPU). None of these has an underscore and is a name in C that one chooses.
    """
    return name if "_" in name else f"${name}"


def render_numbers_inc(definitions):
    text = f"; {GENERATED}\n\n"
    for call in definitions.live_calls:
        text += f"SYS_{call.name} equ {call.number}\n"
    text += f"\nSYSCALL_COUNT equ {len(definitions.calls)}\n"
    for group in definitions.sets:
        text += f"\n; {group.kind} {group.name}\n"
        for constant in group.constants:
            text += f"{nasm_name(constant.name)} equ {constant_value(constant, group)}\n"
    return text


def render_stubs(definitions):
    text = f"""\
; {GENERATED}
;
; What C programs call. A stub loads the number and jumps through the
; commpage's entry pointer, which leaves the caller's stack as it is: the
; arguments lie behind the return address, where the kernel reads them.
; Each stub has a section of its own, so that the linker drops unused ones.

%include "syscall_numbers.inc"

COMMPAGE_SYSCALL_ENTRY equ 0x{COMMPAGE_SYSCALL_ENTRY:08x}

	bits	32
"""
    for call in definitions.live_calls:
        stub = f"_kern_{call.name}"
        text += f"""
	section	.text.{stub} progbits alloc exec nowrite align=16
	global	{stub}:function ({stub}.end - {stub})
{stub}:
	mov	eax, SYS_{call.name}
	jmp	dword [COMMPAGE_SYSCALL_ENTRY]
.end:
"""
    return text + "\n	section	.note.GNU-stack noalloc noexec nowrite progbits\n"


def render_syscalls_h(definitions):
    text = f"""\
/* {GENERATED} */

/*
 * The system calls as C functions, one stub each. They return what the kernel
 * returned: a result, or a negative errno value.
 */
#pragma once

#include <postern/types.h>

#include "syscall_constants.h"
#include "syscall_numbers.h"

"""
    text += struct_headers(definitions)
    for call in definitions.live_calls:
        text += "\n" + call_comment(call)
        text += wrapped(prototype(call.type, f"_kern_{call.name}", call.plain_parameters)) + ";\n"
    return text


def render_postern_syscalls_h(definitions):
    del definitions
    return f'/* {GENERATED} */\n#pragma once\n#include "../syscalls.h"\n'


# ---- Rendering: what the kernel sees -----------------------------------------


def handler_parameter(parameter):
    """A parameter as the handler gets it: see kernel/user_memory.h."""
    name = parameter.name
    if parameter.is_counted:
        return f"struct user_{parameter.kind} {name}"
    if parameter.kind == "in":
        return f"const {parameter.type.base} *{name}"
    if parameter.kind == "string":
        return f"const char *{name}"
    if parameter.kind == "strings":
        return f"const char *const *{name}"
    return parameter.type.declare(name)


def render_handlers(definitions):
    text = f"""\
/* {GENERATED} */

/*
 * The handlers of the system calls: write each in any file of kernel/ that
 * includes this one. A handler is called by its thunk in syscall_table.c, with
 * interrupts on, and touches no user memory but through kernel/user_memory.h.
 */
#pragma once

#include <postern/errno.h>
#include <postern/types.h>

#include "kernel/user_memory.h"
#include "syscall_constants.h"

"""
    text += struct_headers(definitions)
    for call in definitions.live_calls:
        parameters = [handler_parameter(parameter) for parameter in call.parameters]
        text += "\n" + call_comment(call)
        text += wrapped(prototype(call.type, f"_user_{call.name}", parameters)) + ";\n"
    return text


def local(parameter):
    """The thunk's variable for a pointer; the prefix keeps it apart from its own."""
    return f"arg_{parameter.name}"


def handler_argument(parameter):
    """The expression that hands `parameter` to the handler."""
    first = parameter.dword
    if parameter.is_counted or parameter.is_string:
        return local(parameter)
    if parameter.is_object:
        if parameter.optional:
            return f"arguments[{first}] != 0 ? &{local(parameter)} : NULL"
        return f"&{local(parameter)}"
    if parameter.type.is_wide:
        return f"({parameter.type})ARGUMENT64({first})"
    if parameter.type.base == "bool":
        return f"arguments[{first}] != 0"
    return f"({parameter.type})arguments[{first}]"


def indented(lines):
    return ["\t" + line for line in lines]


def when_given(parameter, lines):
    """`lines` as they are, or under a test where the pointer may be NULL."""
    if not parameter.optional:
        return lines
    return [f"if (arguments[{parameter.dword}] != 0) {{", *indented(lines), "}"]


def checked(expression):
    return [f"error = {expression};", "if (error != 0)", "\treturn error;"]


def count_lines(parameter, call):
    """Computes and checks the byte size of a counted buffer."""
    token = parameter.annotation.count
    by_name = {other.name: other for other in call.parameters}
    lines = []
    count = token.text
    if token.kind == "name" and token.text in by_name:
        length = by_name[token.text]
        count = f"arguments[{length.dword}]"
        if length.type.scalar.signed:
            lines += [f"if ((int32_t){count} < 0)", "\treturn -EFAULT;"]
    size = "1" if parameter.type.base == "void" else f"sizeof({parameter.type.base})"
    address = f"arguments[{parameter.dword}]"
    lines += [f"{local(parameter)}.address = {address};"] if parameter.optional else []
    lines += checked(f"user_counted_size({address}, {count}, {size}, &{local(parameter)}.size)")
    return when_given(parameter, lines)


def object_lines(parameter):
    """Makes the kernel's own object: probed where it goes out, copied where it comes in."""
    address, name = f"arguments[{parameter.dword}]", local(parameter)
    probe = checked(f"user_probe_out({address}, sizeof({name}))") if parameter.kind != "in" else []
    if parameter.kind == "out":
        return [f"memset(&{name}, 0, sizeof({name}));", *when_given(parameter, probe)]
    copy = checked(f"user_copy_in(&{name}, {address}, sizeof({name}))")
    if parameter.type.base == "bool":
        copy.append(f"{name} = *(const unsigned char *)&{name} != 0;")
    return when_given(parameter, probe + copy)


def string_lines(parameter, earlier):
    """Copies a string in; on failure what `earlier` strings took is given back."""
    function = "user_strings_in" if parameter.kind == "strings" else "user_string_in"
    call = f"{function}(arguments[{parameter.dword}], &{local(parameter)})"
    if not earlier:
        return when_given(parameter, checked(call))
    lines = [f"error = {call};", "if (error != 0) {", "\tresult = error;"]
    lines += [f"\tgoto free_{earlier[-1].name};", "}"]
    return when_given(parameter, lines)


def declaration_lines(call):
    lines = ["int error = 0;"]
    for parameter in call.parameters:
        name, address = local(parameter), f"arguments[{parameter.dword}]"
        if parameter.is_counted:
            start = "0" if parameter.optional else address
            lines.append(
                f"struct user_{parameter.kind} {name} = {{.address = {start}, .size = 0}};"
            )
        elif parameter.is_object:
            lines.append(f"{parameter.type.base} {name};")
        elif parameter.kind == "string":
            lines.append(f"const char *{name} = NULL;")
        elif parameter.kind == "strings":
            lines.append(f"const char *const *{name} = NULL;")
    return lines


def handler_call(call):
    """The expression that calls the handler and, in debug builds, checks its error."""
    arguments = ", ".join(handler_argument(parameter) for parameter in call.parameters)
    expression = f"_user_{call.name}({arguments})"
    if call.type.base == "void" and not call.type.is_pointer:
        return expression
    width = "int64_t" if call.type.is_wide else "int32_t"
    cast = f"({width})(intptr_t)" if call.type.is_pointer else f"({width})"
    if not call.can_fail:
        return f"{cast}{expression}"
    return f"({width})CHECKED(SYS_{call.name}, {cast}{expression})"


def copy_out_lines(call):
    lines = []
    for parameter in call.parameters:
        if parameter.is_object and parameter.kind != "in":
            address, name = f"arguments[{parameter.dword}]", local(parameter)
            conditions = [f"{address} != 0"] if parameter.optional else []
            conditions = (["error == 0"] if lines else []) + conditions
            copy = f"error = user_copy_out({address}, &{name}, sizeof({name}));"
            lines += [f"if ({' && '.join(conditions)})", f"\t{copy}"] if conditions else [copy]
    if lines:
        lines += ["if (error != 0)", "\tresult = error;"]
        if call.can_fail:
            lines = ["if (!IS_ERROR(result)) {", *indented(lines), "}"]
    return lines


def free_lines(strings):
    lines = []
    for parameter in reversed(strings):
        if parameter is not strings[-1]:
            lines.append(f"free_{parameter.name}:")
        function = "user_strings_free" if parameter.kind == "strings" else "user_string_free"
        free = f"{function}({local(parameter)});"
        lines += [f"if ({local(parameter)} != NULL)", f"\t{free}"] if parameter.optional else [free]
    return lines


def plain_body(call):
    """A call without pointers: straight into the handler, a jump where it can be."""
    if call.type.base == "void" and not call.type.is_pointer:
        return [f"{handler_call(call)};", "return 0;"]
    return [f"return {handler_call(call)};"]


def pointer_body(call, width):
    """Everything is checked, probed and copied in before the handler runs."""
    pointers = [parameter for parameter in call.parameters if parameter.type.is_pointer]
    strings = [parameter for parameter in pointers if parameter.is_string]
    copy_out = copy_out_lines(call)
    returns_void = call.type.base == "void" and not call.type.is_pointer
    needs_result = bool(copy_out or strings)

    lines = declaration_lines(call)
    if needs_result:
        lines.append(f"{width} result;")
    lines.append("")
    required = [f"arguments[{p.dword}] == 0" for p in pointers if not p.optional]
    if required:
        lines += [f"if ({' || '.join(required)})", "\treturn -EFAULT;"]
    for parameter in pointers:
        if parameter.is_counted:
            lines += count_lines(parameter, call)
    for parameter in pointers:
        if parameter.is_object:
            lines += object_lines(parameter)
    for index, parameter in enumerate(strings):
        lines += string_lines(parameter, strings[:index])
    if lines[-1] != "":
        lines.append("")
    if not needs_result:
        return lines + plain_body(call)
    if returns_void:
        lines += [f"{handler_call(call)};", "result = 0;"]
    else:
        lines.append(f"result = {handler_call(call)};")
    return lines + copy_out + free_lines(strings) + ["return result;"]


def render_thunk(call):
    width = "int64_t" if call.type.is_wide else "int32_t"
    if any(parameter.type.is_pointer for parameter in call.parameters):
        body = pointer_body(call, width)
    else:
        body = plain_body(call)
    if not call.parameters:
        body = ["(void)arguments;", *body]
    text = f"/* {call.prototype} */\n"
    text += f"THUNK {width} thunk_{call.name}(const uint32_t *arguments)\n{{\n"
    for line in body:
        is_label = line.endswith(":")
        text += line + "\n" if is_label or not line else wrapped("\t" + line) + "\n"
    text += "}\n"
    objects = [parameter for parameter in call.parameters if parameter.is_object]
    if objects:
        sizes = " + ".join(f"sizeof({parameter.type.base})" for parameter in objects)
        text += (
            f"_Static_assert({sizes} <= THUNK_OBJECTS_MAX,\n"
            f'\t"{call.name}: its objects are too large for the kernel stack;'
            ' use [in: n] or [out: n]");\n'
        )
    return text


TABLE_HEADER = """\

/*
 * The table of the system calls, and a thunk for each.
 *
 * handle_syscall calls a thunk with the argument block, which it has copied
 * from the user's stack, and with interrupts on. The thunk does what the
 * annotations of the line in syscalls.def say, so that no handler can forget
 * it: NULL, lengths, probes and copies in first, then the handler, then copies
 * out. The dwords of `arguments` are the kernel's own: reading one twice is
 * not a double fetch.
 */
#include "kernel/syscall.h"

#include <postern/errno.h>
#include <postern/types.h>

"""

TABLE_MACROS = """\

/* One section, so that the linker can put the thunks beside the entry path. */
#define THUNK static __attribute__((section(".text.syscall_thunks")))

/* The objects of a call live on the kernel stack while its handler runs. */
#define THUNK_OBJECTS_MAX 1024

/* A 64-bit argument: two dwords, the low one first. */
#define ARGUMENT64(first) ((uint64_t)arguments[(first) + 1] << 32 | arguments[first])

#define IS_ERROR(result) ((result) < 0 && (result) >= -4095)

_Static_assert(sizeof(struct syscall_info) == 8, "the entry path scales numbers by 8");
"""

TABLE_CHECK = """
#if POSTERN_DEBUG
/* Stops at an error that the call's line does not list. -ENOSYS never needs to be. */
static int64_t check_result(uint32_t number, int64_t result)
{
	const int16_t *error;

	if (!IS_ERROR(result) || result == -ENOSYS)
		return result;
	for (error = kSyscallDetails[number].errors; *error != 0; error++) {
		if (*error == -result)
			return result;
	}
	syscall_undeclared_error(number, (int)result);
}
#define CHECKED(number, result) check_result(number, result)
#else
#define CHECKED(number, result) (result)
#endif
"""

RETIRED_THUNK = """
/* Answers for the numbers that are no longer served, in 64 bits: an old
 * program may expect that many. */
THUNK int64_t retired_thunk(const uint32_t *arguments)
{
	(void)arguments;
	return -ENOSYS;
}
"""


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def render_info_row(call):
    if call.retired:
        row = f"[{call.number}] = {{.thunk.wide = retired_thunk, .facts = SYSCALL_WIDE_RESULT}}"
        return f"\t{row}, /* was {call.name} */\n"
    member, facts = ("wide", "SYSCALL_WIDE_RESULT | ") if call.type.is_wide else ("narrow", "")
    thunk = f".thunk.{member} = thunk_{call.name}"
    return f"\t[SYS_{call.name}] = {{{thunk}, .facts = {facts}{call.dwords}}},\n"


def render_details_row(call):
    if call.retired:
        return f"\t[{call.number}] = {{.name = NULL, .prototype = NULL, .errors = kNoErrors}},\n"
    errors = f"kErrors_{call.name}" if call.errors else "kNoErrors"
    restarts = "\t\t.restarts = true,\n" if call.restarts else ""
    return (
        f"\t[SYS_{call.name}] = {{\n\t\t.name = {c_string(call.name)},\n"
        f"\t\t.prototype = {c_string(call.prototype)},\n\t\t.errors = {errors},\n{restarts}\t}},\n"
    )


def render_table(definitions):
    calls = definitions.calls
    # C has no empty arrays: a table without calls holds one row that is out of reach.
    rows = calls or [RetiredCall("nothing", None)]
    parameters = [parameter for call in definitions.live_calls for parameter in call.parameters]

    text = f"/* {GENERATED} */\n" + TABLE_HEADER + struct_headers(definitions, required=True)
    if any(parameter.is_object and parameter.kind == "out" for parameter in parameters):
        text += '#include "kernel/string.h"\n'
    for header in ("kernel/user_memory.h", "syscall_handlers.h", "syscall_numbers.h"):
        text += f'#include "{header}"\n'
    text += TABLE_MACROS
    text += "\n"
    if any(call.retired or not call.errors for call in rows):
        text += "static const int16_t kNoErrors[] = {0};\n"
    for call in definitions.live_calls:
        if call.errors:
            errors = ", ".join([*call.errors, "0"])
            text += wrapped(f"static const int16_t kErrors_{call.name}[] = {{{errors}}};") + "\n"
    text += "\nconst struct syscall_details kSyscallDetails[] = {\n"
    text += "".join(render_details_row(call) for call in rows) + "};\n"
    if any(call.can_fail for call in definitions.live_calls):
        text += TABLE_CHECK
    if any(call.retired for call in rows):
        text += RETIRED_THUNK
    for call in definitions.live_calls:
        text += "\n" + render_thunk(call)
    text += "\nconst struct syscall_info kSyscallInfos[] = {\n"
    text += "".join(render_info_row(call) for call in rows) + "};\n"
    return text + f"\nconst uint32_t kSyscallCount = {len(calls)};\n"


# ---- Rendering: everything, for other tools ----------------------------------


def describe_parameter(parameter, call):
    described = {
        "name": parameter.name,
        "type": str(parameter.type),
        "dword": parameter.dword,
        "dwords": parameter.type.dwords,
    }
    annotation = parameter.annotation
    if annotation is not None:
        described["annotation"] = annotation.kind
        described["optional"] = annotation.optional
        if annotation.count is not None:
            names = [other.name for other in call.parameters]
            token = annotation.count
            if token.text in names:
                described["count"] = {"parameter": token.text}
            elif token.kind == "name":
                described["count"] = {"constant": token.text}
            else:
                described["count"] = {"value": int(token.text, 0)}
        if annotation.set_name is not None:
            described["set"] = annotation.set_name.text
    return described


def door_errors(call):
    """What the thunk itself can answer, whether or not the line lists it."""
    kinds = {parameter.kind for parameter in call.parameters if parameter.type.is_pointer}
    errors = ["EFAULT"] if kinds else []
    if "string" in kinds:
        errors.append("ENAMETOOLONG")
    if "strings" in kinds:
        errors.append("E2BIG")
    if kinds & {"string", "strings"}:
        errors.append("ENOMEM")
    return errors


def describe_call(call):
    return {
        "number": call.number,
        "name": call.name,
        "summary": summary(call.doc),
        "doc": call.doc,
        "prototype": call.prototype,
        "returns": str(call.type),
        "wide": call.type.is_wide,
        "can_fail": call.can_fail,
        "dwords": call.dwords,
        "parameters": [describe_parameter(parameter, call) for parameter in call.parameters],
        "errors": call.errors,
        "restarts": call.restarts,
        "door_errors": door_errors(call),
    }


def describe_set(group):
    values = [{"name": c.name, "value": c.value, "doc": c.doc} for c in group.constants]
    return {"name": group.name, "doc": group.doc, "values": values}


def render_json(definitions):
    described = {
        "generated": GENERATED.removeprefix("generated "),
        "count": len(definitions.calls),
        "calls": [describe_call(call) for call in definitions.live_calls],
        "retired": [{"number": c.number, "name": c.name} for c in definitions.calls if c.retired],
        "flags": [describe_set(group) for group in definitions.sets if group.kind == "flags"],
        "enums": [describe_set(group) for group in definitions.sets if group.kind == "enum"],
    }
    return json.dumps(described, indent=2, ensure_ascii=False) + "\n"


OUTPUTS = {
    "postern/syscalls.h": render_postern_syscalls_h,
    "syscall_constants.h": render_constants,
    "syscall_handlers.h": render_handlers,
    "syscall_numbers.h": render_numbers_h,
    "syscall_numbers.inc": render_numbers_inc,
    "syscall_table.c": render_table,
    "syscalls.asm": render_stubs,
    "syscalls.h": render_syscalls_h,
    "syscalls.json": render_json,
}


def call_files(definitions):
    """{file name: text}: what C code that names a call depends on, a file for each.

    The headers change with every call that is added; these do not, so the Makefile
    has objects depend on them instead.
    """
    files = {}
    for call in definitions.live_calls:
        parameters = [handler_parameter(parameter) for parameter in call.parameters]
        stub = prototype(call.type, f"_kern_{call.name}", call.plain_parameters)
        handler = prototype(call.type, f"_user_{call.name}", parameters)
        files[f"calls/{call.name}"] = f"{call.number}\n{stub}\n{handler}\n"
    return files


# ---- Files and the command line ----------------------------------------------


def read_errors(text):
    """{name: number} from the text of <postern/errno.h>."""
    errors = {}
    for name, value in re.findall(
        r"^#define[ \t]+(E[A-Z0-9]+)[ \t]+([0-9]{1,4}|E[A-Z0-9]+)\b", text, re.MULTILINE
    ):
        if value.isdigit():
            errors[name] = int(value)
        elif value in errors:
            errors[name] = errors[value]
    return errors


def write_if_changed(path, text):
    """Writes all at once, and not at all when the file has these bytes already."""
    data = text.encode("utf-8")
    try:
        if path.read_bytes() == data:
            return False
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return True


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(
        description="Generate the system-call boundary from its definitions."
    )
    parser.add_argument(
        "definitions",
        nargs="?",
        default="syscalls.def",
        metavar="DEFINITIONS",
        help="(syscalls.def)",
    )
    parser.add_argument(
        "--output", default="build/generated", metavar="DIR", help="(build/generated)"
    )
    parser.add_argument(
        "--lock",
        metavar="FILE",
        help="the ABI lock (syscalls.lock beside DEFINITIONS, if it exists)",
    )
    parser.add_argument(
        "--write-lock", action="store_true", help="write the ABI lock, and nothing else"
    )
    parser.add_argument(
        "--errno",
        default=REPOSITORY / "libroot/include/postern/errno.h",
        metavar="FILE",
        help="where the names for errors(...) come from (libroot/include/postern/errno.h)",
    )
    return parser.parse_args(arguments)


def read_lock(options, path):
    """The bytes of the lock, or None where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        if options.lock and not options.write_lock:
            raise
        return None


def write_lock(definitions, locked, path):
    for change in describe_lock_changes(definitions, locked):
        print(change)
    written = write_if_changed(path, render_lock(definitions))
    print(f"{path}: {'written' if written else 'unchanged'}, {len(definitions.calls)} numbers")


def run(options):
    errors = read_errors(Path(options.errno).read_text(encoding="utf-8", errors="replace"))
    data = Path(options.definitions).read_bytes()
    lock_path = Path(options.lock or Path(options.definitions).with_suffix(".lock"))
    lock_data = read_lock(options, lock_path)

    diagnostics = Diagnostics()
    definitions, numbers_are_sure = parse(data, errors, diagnostics)
    # A lock that cannot be read is replaced by --write-lock, with no word about its changes.
    lock_diagnostics = Diagnostics() if options.write_lock else diagnostics
    locked = parse_lock(lock_data or b"", str(lock_path), lock_diagnostics)
    if not options.write_lock and locked and numbers_are_sure:
        last_line = Token("end", "", max(data.count(b"\n"), 1), 1)
        check_lock(definitions, locked, last_line, diagnostics)
    if diagnostics.found:
        for line in diagnostics.lines(options.definitions):
            print(line, file=sys.stderr)
        return 1

    if options.write_lock:
        write_lock(definitions, locked or [], lock_path)
        return 0
    for name, render in OUTPUTS.items():
        write_if_changed(Path(options.output) / name, render(definitions))
    files = call_files(definitions)
    for name, text in files.items():
        write_if_changed(Path(options.output) / name, text)
    for path in (Path(options.output) / "calls").glob("*"):
        if f"calls/{path.name}" not in files:
            path.unlink()
    return 0


def main(arguments=None):
    options = parse_arguments(arguments)
    try:
        return run(options)
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        print(f"gensyscalls.py: {name}{error.strerror or error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
