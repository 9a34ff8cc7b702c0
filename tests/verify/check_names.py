"""The driver's list of names and the verifier's, each against the tables of journal/FORMAT.md."""

import re
import sys
from pathlib import Path


def first_cells(text, header):
    """The words in code of the first cells of the table that begins so."""
    table = text.split(header, 1)[1].split("\n\n", 1)[0]
    cells = "".join(re.findall(r"^\|([^|]*)\|", table, re.M))
    return set(re.findall(r"`([A-Za-z_.]+)`", cells))


def of_format(text):
    probes = first_cells(text, "| probe | subject |")
    roles = {probe for probe in probes if "ROLE" in probe}
    probes -= roles
    probes |= {p.replace("ROLE", role) for p in roles for role in ("execution", "brain")}
    return {
        "types": first_cells(text, "| type | body |"),
        "probes": probes,
        "limits": first_cells(text, "| limit | standard |"),
        "patterns": first_cells(text, "| pattern | default |"),
        "facts": first_cells(text, "| fact |"),
    }


def of_driver(text):
    def values(prefix):
        return set(re.findall(rf'^#define {prefix}_\w+ "([^"]+)"', text, re.M))

    def members(name):
        body = re.search(rf"#define {name}\(X\)((?:.*\\\n)*.*)", text).group(1)
        return set(re.findall(r"X\((\w+)\)", body))

    return {
        "types": values("ENTRY"),
        "probes": values("PROBE"),
        "limits": members("LIMITS"),
        "patterns": members("PATTERNS"),
        "facts": values("FACT"),
    }


def of_verifier(text):
    def members(name):
        body = re.search(rf"#define {name}\(X\)((?:.*\\\n)*.*)", text).group(1)
        return set(re.findall(r'X\((?:\w+, ")?([\w.]+)"?\)', body))

    return {
        "types": members("NAMES_ENTRY_TYPES"),
        "probes": members("NAMES_PROBES"),
        "limits": members("NAMES_LIMITS"),
        "patterns": members("NAMES_PATTERNS"),
    }


def main(text, driver, verifier):
    wanted = of_format(Path(text).read_text())
    failed = False
    for path, read in ((driver, of_driver), (verifier, of_verifier)):
        found = read(Path(path).read_text())
        for kind, names in wanted.items():
            if not names:
                sys.exit(f"FORMAT.md lists no {kind}")
            if kind not in found:  # facts: no verifier trusts them
                continue
            for name in sorted(names ^ found[kind]):
                place = "FORMAT.md" if name in names else path
                print(f"{kind}: {name} stands in {place} only, of the two", path)
                failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main(*sys.argv[1:])
