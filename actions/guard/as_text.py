"""A shell script as lines for C, guard_sh[] of guard.sh, without its comments.

usage: as_text.py SCRIPT HEADER"""

import json
import os
import sys

script, header = sys.argv[1:]
with open(script, encoding="ascii") as file:
    lines = [line.rstrip("\n") for line in file if not line.startswith("#")]
name = os.path.basename(script).replace(".", "_")
with open(header, "w", encoding="ascii") as file:
    file.write(f"static const char *const {name}[] = {{\n")
    file.write("".join(f"    {json.dumps(line + chr(10))},\n" for line in lines if line))
    file.write("};\n")
