#!/usr/bin/env python3
"""Goal: only the world's own files reach what is not decided by the program: clock and waits,
random bytes, files, processes, sockets, terminal, signals, environment, and the libraries behind
them.

Read from the objects that were built, by what each one calls; so that no macro and no inline
function hides a call. Whatever a file of the world defines is named by main's world only, and is
reached by everything else through `struct world`.

usage: test_symbols.py ROOT BUILD"""
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys

import house

# The implementations of `struct world`, and where it is put together.
WORLD = (
    "actions/target/world_*.c",
    "actions/target/bus_nats.c",
    "actions/target/connect.c",
    "actions/target/http_curl.c",
    "actions/target/process.c",
    "actions/target/reach_sockets.c",
    "actions/target/ssh/ssh.c",
    "actions/target/ssh/ssh_agent.c",
    "actions/target/ssh/ssh_auth.c",
    "actions/target/ssh/ssh_connection.c",
    "actions/target/ssh/ssh_host.c",
    "actions/target/ssh/ssh_tunnel.c",
    "fsm/terminal/world_*.c",
    "journal/store.c",
    "journal/store_answers.c",
    "journal/store_directory.c",
)
MADE_IN = ("fsm/commands/world.c", "fsm/commands/main.c", "verify/main.c")
# What they hand out for main's world; it is reached through the world only.
TABLES = r"world_\w+_system|\w+_backend_open"
# The verifier's short list: what opens, maps, forks and starts threads.
VERIFIER = (
    "verify/read/file.c",
    "verify/read/kept.c",
    "verify/read/reader_lmdb.c",
    "verify/report/output.c",
    "verify/report/terminal.c",
    "verify/report/wall_clock.c",
    "verify/whole/crew.c",
)
CALLS = {
    "time": "clock_gettime clock_settime clock_nanosleep nanosleep sleep usleep time gettimeofday"
    " ftime times timespec_get alarm setitimer timer_create timerfd_create",
    "random": "getrandom getentropy random rand rand_r drand48 arc4random randombytes"
    " randombytes_buf randombytes_random randombytes_uniform crypto_sign_keypair"
    " crypto_sign_ed25519_keypair crypto_box_keypair crypto_secretbox_keygen crypto_auth_keygen"
    " crypto_kx_keypair RAND_bytes",
    "waits": "poll ppoll select pselect epoll_create epoll_create1 epoll_wait eventfd",
    "files": "open openat creat fopen fdopen freopen tmpfile opendir fdopendir mkstemp mkostemp"
    " mkdtemp mkdir mkdirat rename renameat renameat2 unlink unlinkat remove rmdir link linkat"
    " symlink readlink realpath stat lstat fstat fstatat statx access faccessat chmod fchmod chown"
    " truncate ftruncate fsync fdatasync flock lockf fcntl mmap statvfs glob ftw nftw inotify_init",
    "processes": "fork vfork clone posix_spawn posix_spawnp execv execve execvp execl execlp system"
    " popen waitpid waitid wait kill killpg pthread_create thrd_create pipe pipe2 dup dup2 getpid",
    "sockets": "socket socketpair connect bind listen accept accept4 getaddrinfo gethostbyname"
    " getnameinfo send sendto sendmsg recv recvfrom recvmsg",
    "terminal": "isatty ttyname tcgetattr tcsetattr ioctl getpass",
    "signals": "signal sigaction sigprocmask pthread_sigmask raise signalfd sigwait",
    "host": "getenv secure_getenv setenv putenv gethostname uname sysconf getlogin getpwuid"
    " getuid geteuid",
    "syscall": "syscall prctl",
}
# Functions of a library, by their prefix, and the file that may call them.
LIBRARIES = {
    r"nats(Connection|Options|Status|Msg|Subscription|_|Inbox)": ("actions/target/bus_nats.c",),
    r"curl_": ("actions/target/http_curl.c",),
    r"ssh_|sftp_": ("actions/target/ssh/ssh*.c",),
    r"mdb_": ("journal/store.c", "journal/store_write.c", "verify/read/reader_lmdb.c"),
}
# Calls that still stand outside. One that is gone is removed here: the test fails until it is.
# A crash within a library becomes an answer; nothing of the world is reached.
KNOWN = {"journal/format/crash.c:sigaction"}


GROUPS = {name: group for group, names in CALLS.items() for name in names.split()}


def normalized(symbol):
    """The name as the source has it, where a fortified or large-file variant of it is called."""
    symbol = symbol.split("@")[0]
    plain = re.sub(r"^__(?:isoc99_)?(\w+?)(?:_chk|_2|64_2)$", r"\1", symbol)
    plain = re.sub(r"64$", "", plain)
    return plain if plain in GROUPS else symbol


def objects(root, build):
    """(source below the root, object) of every object of the product."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        directory = pathlib.Path(entry["directory"])
        source = pathlib.Path(os.path.normpath(directory / entry["file"]))
        if root not in source.parents:
            continue
        path = source.relative_to(root).as_posix()
        if path.split("/")[0] in house.ROOMS:
            yield path, directory / entry["output"]


def symbols(paths):
    """(object, kind, name) of every symbol, by one call of nm."""
    command = ["nm", "--print-file-name", *map(str, paths)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        place, kind, name = line.rsplit(None, 2)
        yield place.rsplit(":", 1)[0], kind, name


def is_one_of(path, patterns):
    return any(fnmatch.fnmatch(path, pattern) for pattern in patterns)


def main():
    root, build = house.root_of_arguments(), pathlib.Path(sys.argv[2]).resolve()
    undefined, defined = {}, {}
    built = {str(place): path for path, place in objects(root, build)}
    for place, kind, name in symbols(built):
        path = built[place]
        if kind in "Uwv":
            undefined.setdefault(path, set()).add(normalized(name))
        elif kind in "TDRBCV":
            defined[name] = path
    missing = sorted(
        {path for path in house.sources(root) if path.endswith(".c")} - set(built.values())
    )
    problems = [f"{path}: no object of it was built" for path in missing]
    found, users = {}, []
    for path, names in sorted(undefined.items()):
        for name in sorted(names):
            home = defined.get(name)
            allowed = None
            for prefix, patterns in LIBRARIES.items():
                if home is None and re.match(prefix, name):
                    allowed, what = patterns, "a function of a library"
            if name in GROUPS:
                allowed, what = WORLD + VERIFIER, GROUPS[name]
                if home is not None:
                    allowed = WORLD + MADE_IN
            elif re.fullmatch(TABLES, name) and is_one_of(home or "", WORLD):
                allowed, what = (
                    WORLD + MADE_IN,
                    f"of {home}, which is reached through the world",
                )
            if allowed is None:
                continue
            users.append(path)
            if not is_one_of(path, allowed):
                found[f"{path}:{name}"] = f"calls {name} ({what}), and is no file of the world"
    for pattern in WORLD + VERIFIER:
        if not any(fnmatch.fnmatch(path, pattern) for path in users):
            problems.append(f"{pattern}: reaches nothing; it is no file of the world")
    seen = len(users)
    if seen < 50:
        problems.append(f"only {seen} such calls were found at all: the objects are not read")
    house.exempted(found, KNOWN, "called there", problems)
    if "--list" in sys.argv:
        print("\n".join(sorted(found)))
    house.end(
        problems,
        f"{seen} calls, {len(found)} of them outside the world's files, as known",
    )


main()
