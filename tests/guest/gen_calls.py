#!/usr/bin/env python3
"""Writes door_calls.h, the description of every system call that the door's
harness (tests/guest/door/) derives its cases from: build/generated/syscalls.json
in, a C table out, rewritten only when it changes. A call that is added to
syscalls.def is thereby tested on all paths without a line of code.

    gen_calls.py SYSCALLS.JSON DOOR_CALLS.H
"""

import json
import os
import re
import sys

POINTER_KINDS = {
    "in": "PARAMETER_IN",
    "out": "PARAMETER_OUT",
    "inout": "PARAMETER_INOUT",
    "string": "PARAMETER_STRING",
    "strings": "PARAMETER_STRINGS",
}


def element_size(type_text):
    pointee = type_text.rstrip().removesuffix("*")
    pointee = re.sub(r"\bconst\b", "", pointee).strip()
    return "1" if pointee == "void" else f"sizeof({pointee})"


def render_count(call, parameter):
    """The initialisers for how many elements a pointer points at."""
    count = parameter.get("count")
    if count is None:
        return ".length_dword = -1, .length = 1"
    if "parameter" in count:
        dwords = {p["name"]: p["dword"] for p in call["parameters"]}
        return f".length_dword = {dwords[count['parameter']]}"
    value = count.get("constant", count.get("value"))
    return f".length_dword = -1, .length = {value}"


def render_parameter(call, parameter):
    annotation = parameter.get("annotation")
    kind = POINTER_KINDS.get(annotation)
    fields = [f".name = \"{parameter['name']}\"", f".dword = {parameter['dword']}",
              f".dwords = {parameter['dwords']}"]
    if kind is None:
        lengths = [p.get("count", {}).get("parameter") for p in call["parameters"]]
        if parameter["name"] in lengths:
            kind = "PARAMETER_LENGTH"
        elif annotation == "fd":
            kind = "PARAMETER_FD"
        else:
            kind = "PARAMETER_SCALAR"
    elif annotation in ("in", "out", "inout"):
        fields.append(f".element_size = {element_size(parameter['type'])}")
        fields.append(render_count(call, parameter))
        if "count" in parameter:
            fields.append(".counted = true")
    if parameter.get("optional"):
        fields.append(".nullable = true")
    return "\t\t\t{.kind = " + ", ".join([kind] + fields) + "},\n"


def render_call(call):
    text = f"\t{{\n\t\t.name = \"{call['name']}\",\n\t\t.number = {call['number']},\n"
    text += f"\t\t.dwords = {call['dwords']},\n"
    text += f"\t\t.wide = {'true' if call['wide'] else 'false'},\n"
    text += f"\t\t.can_fail = {'true' if call['can_fail'] else 'false'},\n"
    text += f"\t\t.nothing = {'true' if call['returns'] == 'void' else 'false'},\n"
    text += f"\t\t.parameter_count = {len(call['parameters'])},\n"
    if call["parameters"]:
        text += "\t\t.parameters = {\n"
        text += "".join(render_parameter(call, p) for p in call["parameters"])
        text += "\t\t},\n"
    errors = sorted(set(call["errors"]) | set(call.get("door_errors", [])))
    text += "\t\t.errors = {" + "".join(f"{name}, " for name in errors) + "0},\n"
    return text + "\t},\n"


def render(description):
    calls = description["calls"]
    structs = sorted({name for call in calls for p in call["parameters"]
                      for name in re.findall(r"\bstruct (\w+)", p["type"])})
    text = "/* generated from syscalls.json by tests/guest/gen_calls.py; do not edit */\n\n"
    for name in structs:
        text += f"#if __has_include(<postern/{name}.h>)\n#include <postern/{name}.h>\n#endif\n"
    text += "#include <postern/errno.h>\n#include \"syscall_constants.h\"\n\n"
    text += f"#define DOOR_CALL_NUMBERS {description['count']}u /* the retired ones too */\n\n"
    text += "static const struct door_call kCalls[] = {\n"
    text += "".join(render_call(call) for call in calls)
    return text + "};\n"


def main(source, target):
    with open(source, encoding="utf-8") as file:
        text = render(json.load(file))
    if os.path.exists(target):
        with open(target, encoding="utf-8") as file:
            if file.read() == text:
                return
    with open(target, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: gen_calls.py SYSCALLS.JSON DOOR_CALLS.H")
    main(*sys.argv[1:])
