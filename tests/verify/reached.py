"""Which cases of test_verify_rules, and which other tests, reach a line of what judges: a mutant of
a line can only be noticed by those. What judges is compiled once more with a call at the beginning
of each block (reached.c); the lines of a block are read from the disassembly."""
import array
import collections
import re
import struct

TRACED = "__sanitizer_cov_trace_pc"
BEFORE = "before"  # a test that has no cases, and what is reached before the first one


class Blocks:
    def __init__(self, disassembly):
        """`objdump -dl`: for each "path:line" the addresses behind the calls of its blocks."""
        self.origin, self.of_line = None, collections.defaultdict(set)
        place, block, called = None, None, False
        for line in disassembly.split("\n"):
            function = re.match(r"([0-9a-f]+) <(\w+)>:", line)
            found = re.match(r"(\S*\.c):(\d+)( \(discriminator \d+\))?$", line)
            instruction = re.match(r"\s+([0-9a-f]+):\s", line)
            if function is not None:
                place, block, called = None, None, False
                if function.group(2) == "reached_origin":
                    self.origin = int(function.group(1), 16)
            elif found is not None:
                path = re.search(r"verify/.*", found.group(1))
                place = path and (path.group(), int(found.group(2)))
            elif instruction is not None:
                if called:
                    block = int(instruction.group(1), 16)
                called = f"<{TRACED}" in line
                if not called and place is not None and block is not None:
                    self.of_line[place].add(block)
        addresses = sorted(set().union(*self.of_line.values()))
        self.places = {address: place for place, address in enumerate(addresses)}

    def cases(self, path):
        """For each case, in order, the blocks that it reached, as bits of a number."""
        data, at, found = path.read_bytes(), 0, {}
        while at < len(data):
            (length,) = struct.unpack_from("I", data, at)
            name = data[at + 4 : at + 4 + length].decode()
            (count,) = struct.unpack_from("I", data, at + 4 + length)
            at += 8 + length
            offsets = array.array("i", data[at : at + 4 * count])
            found[name] = found.get(name, 0) | self.bits(self.origin + one for one in offsets)
            at += 4 * count
        return found

    def bits(self, addresses):
        made = bytearray(len(self.places) // 8 + 1)
        for address in addresses:
            place = self.places.get(address)
            if place is not None:
                made[place >> 3] |= 1 << (place & 7)
        return int.from_bytes(made, "little")

    def reaching(self, cases, path, numbers):
        """Names of the cases that reach one of these lines (from 0). All, where they have no code
        of their own."""
        blocks = set().union(*(self.of_line.get((path, number + 1), ()) for number in numbers))
        wanted = self.bits(blocks)
        return [name for name, reached in cases.items() if not blocks or wanted & reached]


def statement_of(lines, number):
    """Its lines up to this one: what stands before decides whether this one is reached."""
    first = number
    while first > 0 and not re.search(r"([;{}:]|\*/|\belse)\s*$", lines[first - 1]):
        first -= 1
    return range(first, number + 1)
