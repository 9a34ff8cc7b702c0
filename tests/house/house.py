"""What the tests of the house share: its rooms, its files, and how a finding is printed.

Every test takes the root of the tree (and of the build, where it reads objects), so that it can be
shown on a broken copy that it fails."""
import pathlib
import re
import subprocess
import sys

ROOMS = ("journal", "actions", "fsm", "verify")


def sources(root):
    """Path below the root, as text -> content, of every C file of the product."""
    found = {
        file.relative_to(root).as_posix(): file.read_text("utf-8")
        for room in ROOMS
        for file in sorted((root / room).rglob("*.[ch]"))
    }
    if len(found) < 100:
        sys.exit(f"only {len(found)} sources found below {root}: this test looks at nothing")
    return found


def tracked(root):
    """Every file under version control, or every file where there is none (an export)."""
    listed = subprocess.run(
        ["git", "-C", str(root), "-c", "safe.directory=*", "ls-files", "-z"],
        capture_output=True,
    )
    names = listed.stdout.decode().split("\0")[:-1]
    if listed.returncode != 0 or not names:
        names = [
            file.relative_to(root).as_posix()
            for file in sorted(root.rglob("*"))
            if file.is_file() and not re.match(r"(build|\.git)/", file.relative_to(root).as_posix())
        ]
    return [name for name in names if (root / name).is_file()]


def exempted(found, known, what, problems):
    """A known exception is passed over; one that is not needed any more is a problem itself."""
    for item in sorted(set(found) - known):
        problems.append(f"{item}: {found[item]}")
    for item in sorted(known - set(found)):
        problems.append(f"{item}: no longer {what}; remove it from the known exceptions")


def end(problems, good):
    print("\n".join(problems) if problems else good)
    sys.exit(1 if problems else 0)


def root_of_arguments():
    return pathlib.Path(sys.argv[1]).resolve()
