#!/usr/bin/env python3
"""Goal: the programs that are installed are hardened: position independent (the static one too),
relocations read-only and bound at the start, no executable stack, fortified calls, canaries in the
stack, and marked for control-flow enforcement where the compiler does that. Read from the ELF files
themselves."""
import os
import pathlib
import struct
import subprocess
import sys

import house

ET_DYN, PT_DYNAMIC, PT_INTERP, PT_STACK, PT_RELRO = 3, 2, 3, 0x6474E551, 0x6474E552
DT_NULL, DT_FLAGS, DT_FLAGS_1 = 0, 30, 0x6FFFFFFB
BIND_NOW, NOW, PIE = 8, 1, 0x08000000


class Elf:
    def __init__(self, path):
        self.data = path.read_bytes()
        if self.data[:6] != b"\x7fELF\x02\x01":
            sys.exit(f"{path}: not a little-endian ELF file of 64 bits")
        self.type = struct.unpack_from("<H", self.data, 16)[0]
        first, size, count = (
            struct.unpack_from("<Q", self.data, 32)[0],
            *struct.unpack_from("<HH", self.data, 54),
        )
        # type, flags, offset, address, physical, bytes in the file
        self.segments = [
            struct.unpack_from("<IIQQQQ", self.data, first + size * i) for i in range(count)
        ]

    def segment(self, kind):
        return next((segment for segment in self.segments if segment[0] == kind), None)

    def dynamic(self):
        """Tag -> value."""
        found, tags = self.segment(PT_DYNAMIC), {}
        for at in range(found[2], found[2] + found[5], 16) if found else ():
            tag, value = struct.unpack_from("<QQ", self.data, at)
            if tag == DT_NULL:
                break
            tags[tag] = value
        return tags


def has_enforcement(compiler, directory):
    """The compiler marks what it compiles: it is asked with a file of its own."""
    source, made = directory / "asked.c", directory / "asked.o"
    source.write_text("int asked(void);\nint asked(void)\n{\n    return 1;\n}\n")
    asked = subprocess.run(
        [*compiler, "-fcf-protection=full", "-c", source, "-o", made], capture_output=True
    )
    marked = asked.returncode == 0 and b"\xf3\x0f\x1e\xfa" in made.read_bytes()
    for file in (source, made):
        file.unlink(missing_ok=True)
    return marked


def look(path, problems, enforced):
    elf = Elf(path)
    tags = elf.dynamic()
    stack = elf.segment(PT_STACK)
    static = elf.segment(PT_INTERP) is None
    wanted = {
        "is not position independent": elf.type == ET_DYN and tags.get(DT_FLAGS_1, 0) & PIE,
        "has no read-only relocations": elf.segment(PT_RELRO) is not None,
        "binds late": tags.get(DT_FLAGS, 0) & BIND_NOW or tags.get(DT_FLAGS_1, 0) & NOW,
        "has an executable stack": stack is not None and not stack[1] & 1,
        "has no canary": b"__stack_chk_fail" in elf.data,
        "has no fortified call": b"snprintf_chk\0" in elf.data,
        # endbr64 in front of each function: a program of ours has more than a hundred
        "has no marks for control-flow enforcement": not enforced
        or elf.data.count(b"\xf3\x0f\x1e\xfa") > 100,
        "is not static": not path.name.endswith("static") or static,
    }
    problems += [f"{path.name}: {what}" for what, good in wanted.items() if not good]


def main(build, compiler):
    problems, looked = [], []
    if b"__asan_init" in (build / "fsm" / "titan-fsm").read_bytes():
        print("a build with sanitizers is not what is installed")
        sys.exit(77)
    enforced = has_enforcement(compiler, build / "tests")
    for name in ("fsm/titan-fsm", "verify/titan-verify", "verify/titan-verify-static"):
        path = build / name
        if path.exists():
            look(path, problems, enforced)
            looked.append(name)
    if len(looked) < 2:
        problems.append(f"only {looked} are there")
    house.end(problems, f"{', '.join(looked)}: hardened{'' if enforced else ', without endbr64'}")


# ./check names the plain build, whose programs are those that are installed.
main(pathlib.Path(os.environ.get("TITAN_PLAIN_BUILD", sys.argv[1])), sys.argv[2:])
