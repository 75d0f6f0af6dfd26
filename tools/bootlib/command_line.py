"""The kernel's command line: built, split, and carried through GRUB.

The kernel splits its line at blanks (0x20 only). "..." groups, and in it and
outside a backslash escapes the next character; '...' groups without escapes.
GRUB stands between twice: its script parser reads the line of the run
configuration, and it then joins the words again in the kernel's own syntax,
wrapping a word with a blank in double quotes and putting a backslash before
every backslash and quote. So a word arrives as it left, with one exception:
GRUB writes an empty word as nothing at all. EMPTY_WORD stands for it; the
kernel drops that character wherever it finds it and so sees an empty word.
"""

from bootlib.errors import BootError

EMPTY_WORD = "\x1f"

# What the kernel has room for (arch/i386/boot_info.h, kernel/options.h).
LINE_BYTES_MAX = 2047
ARGUMENTS_MAX = 62


def split(line):
    """The words of a line in the kernel's syntax. The model of its parser."""
    words = []
    word = None
    quote = ""
    position = 0
    while position < len(line):
        character = line[position]
        position += 1
        if quote == "" and character == " ":
            if word is not None:
                words.append(word)
                word = None
            continue
        if word is None:
            word = ""
        if character == "\\" and quote != "'":
            if position == len(line):
                raise ValueError("a backslash at the end escapes nothing")
            word += line[position]
            position += 1
        elif character == quote:
            quote = ""
        elif quote == "" and character in "\"'":
            quote = character
        elif character != EMPTY_WORD:
            word += character
    if quote != "":
        raise ValueError(f"{quote} is not closed")
    if word is not None:
        words.append(word)
    return words


def quote_for_kernel(word):
    if word != "" and not any(character in " \\\"'" for character in word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def quote_for_grub(word):
    """The word in GRUB's script syntax: nothing is special in '...'."""
    if word == "":
        word = EMPTY_WORD
    return "'" + word.replace("'", "'\"'\"'") + "'"


def console_of(words):
    """What the kernel takes `console=` for: the last one counts."""
    console = "terminal"
    for word in words[: words.index("--") if "--" in words else None]:
        if word.startswith("console="):
            console = word.removeprefix("console=")
    return console


def kernel_words(program, arguments, syscall, append, hold, console=None):
    """The words that the kernel is to see, in order."""
    words = []
    if program is not None:
        if not program.startswith("/"):
            program = f"/bin/{program}"
        words.append(f"init={program}")
    if syscall is not None:
        words.append(f"syscall={syscall}")
    if hold:
        words.append("hold=1")
    if console is not None:
        words.append(f"console={console}")
    for text in append:
        try:
            words += split(text)
        except ValueError as error:
            raise BootError(f"--append {text!r}: {error}") from error
    if arguments:
        words.append("--")
        words += arguments
    for word in words:
        for character in word:
            # GRUB reads its configuration by lines; NUL ends a C string.
            if character in "\0\n\r" or (character == EMPTY_WORD):
                raise BootError(
                    f"{word!r}: the kernel's command line cannot carry {character!r}"
                )
    # QEMU puts the kernel's file name and a blank before it.
    size = len(" ".join(map(quote_for_kernel, words)).encode()) + len("postern.elf ")
    if size > LINE_BYTES_MAX or len(arguments) > ARGUMENTS_MAX:
        raise BootError(
            f"the kernel's command line takes {ARGUMENTS_MAX} arguments and {LINE_BYTES_MAX}"
            f" bytes; these are {len(arguments)} arguments and {size} bytes"
        )
    return words
