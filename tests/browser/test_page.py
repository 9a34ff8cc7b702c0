#!/usr/bin/env python3
"""Goal: the auditor's page (titan-verify --html) works for whoever opens it: in a real Chromium,
light and dark, wide and narrow, on paper, with a keyboard, for a screen reader (axe finds nothing),
without script, without any request; and nothing that a journal carries is obeyed by it.

Makes the journals (journals.c), lets titan-verify write their pages, and hands them to page.mjs.
Screenshots are left in the build directory. playwright-core and axe-core come by `npm ci` into the
build directory, pinned by their hashes; where they cannot be had the test is skipped."""
import os
import pathlib
import resource
import shutil
import stat
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
VERIFY, JOURNALS, BUILD = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]).resolve()
STATUS = {
    "release": 0,
    "policy": 0,
    "rolled_back": 0,
    "violated": 1,
    "open": 3,
    "hostile": 1,
    "many": 0,
    "damaged": 4,
}


def skip(reason):
    print(reason)
    sys.exit(77)


def check(good, words):
    if not good:
        sys.exit(f"failed: {words}")


def packages():
    """The two packages, installed once for each lock file."""
    place, lock = BUILD / "npm", (HERE / "package-lock.json").read_text("utf-8")
    check('"resolved"' not in lock, "the lock file names an address")
    mark = place / "installed.json"
    if mark.exists() and mark.read_text("utf-8") == lock:
        return place
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, place / name)
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode != 0:
        skip(
            "npm cannot install playwright-core and axe-core here: "
            + " ".join(done.stderr.split())[:200]
        )
    mark.write_text(lock, "utf-8")
    return place


def verify(*words, **more):
    return subprocess.run(
        [VERIFY, *map(str, words)], capture_output=True, text=True, timeout=60, **more
    )


def write_pages(pages):
    subprocess.run([JOURNALS, str(pages)], check=True, timeout=60)
    (pages / "damaged.bundle").write_text("<script>window.planted=1</script>\n", "utf-8")
    for name, status in STATUS.items():
        every = ["--deployment", "all"] if name == "many" else []
        done = verify(
            pages / f"{name}.bundle",
            "--trust",
            pages / "trust",
            "--target",
            "titan-test",
            "--html",
            pages / f"{name}.html",
            *every,
        )
        check(
            done.returncode == status,
            f"{name}: exit status {done.returncode} and not {status}: {done.stdout}{done.stderr}",
        )
        mode = stat.S_IMODE((pages / f"{name}.html").stat().st_mode)
        check(mode == 0o600, f"{name}: mode {mode:o}")


def check_writing(pages):
    """Whole or not at all: what cannot be written is said, leaves what stood there, and leaves
    nothing beside it."""
    page, base = pages / "kept.html", [
        pages / "release.bundle",
        "--trust",
        pages / "trust",
        "--target",
        "titan-test",
        "--html",
    ]
    page.write_text("an earlier page", "utf-8")
    full = subprocess.run(
        [
            "sh",
            "-c",
            'trap "" XFSZ; ulimit -f 64; exec "$@"',
            "sh",
            VERIFY,
            *map(str, base),
            str(page),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    check(
        full.returncode == 2 and "cannot be written" in full.stderr and not full.stdout,
        f"a full disk: {full.returncode} {full.stderr}",
    )
    check(
        page.read_text("utf-8") == "an earlier page",
        "a failed write changed the page that stood there",
    )
    check(
        [p.name for p in pages.glob("kept.html*")] == ["kept.html"],
        "a failed write left something beside it",
    )
    for path in (pages / "missing" / "page.html", pathlib.Path("/dev/null"), pages):
        done = verify(*base, path)
        check(
            done.returncode == 2 and "cannot be written" in done.stderr,
            f"{path}: {done.returncode} {done.stderr}",
        )
    page.unlink()


def main():
    for program in ("chromium", "node", "npm"):
        if shutil.which(program) is None:
            skip(f"{program} is not installed")
    pages = BUILD / "pages"
    shutil.rmtree(pages, ignore_errors=True)
    pages.mkdir(parents=True)
    write_pages(pages)
    check_writing(pages)
    place = packages()
    environment = {
        **os.environ,
        "TITAN_PAGES": str(pages),
        "TITAN_CHROMIUM": shutil.which("chromium"),
        "TITAN_NPM": str(place),
    }
    done = subprocess.run(["node", str(HERE / "page.mjs")], env=environment, timeout=240)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{used.ru_utime + used.ru_stime:.0f} s of CPU; screenshots in {pages}")
    sys.exit(done.returncode)


main()
