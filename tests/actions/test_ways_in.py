#!/usr/bin/env python3
"""Goal: a target is reached as the operator's own ssh reaches it: every login shell, every form of
known_hosts name and of identity, an agent with many keys or one that hangs.

A real sshd and ssh-agent on 127.0.0.1, as this user; what runs there is the driver's own code.

usage: test_ways_in.py RUN_THERE"""
import atexit
import os
import pathlib
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

RUN_THERE = sys.argv[1]
USER = pwd.getpwuid(os.getuid()).pw_name
# Whatever a shell may read for itself, in one script.
TRICKY = r"""printf '%s|' 'a'"'"'b' "it's" '!x!' 'c\d\\e\'\' "$HOME" '%s%%' 'é ü' `echo tick` "a
b" '*' '~' '#no' '{x,y}' '[z]' '$?' '&&;' "$(printf 'q\tq')"; echo; exit 7
"""
SHELLS = ("/bin/sh", "/bin/bash", "/bin/rbash", "/usr/bin/fish", "/bin/tcsh", "/bin/zsh")


def ssh_keygen(path, *more):
    subprocess.run(["ssh-keygen", "-q", "-f", path, "-N", "", *more], check=True)
    return path


def free_port(family=socket.AF_INET, address="127.0.0.1"):
    with socket.socket(family) as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def wait_for(condition, what):
    for _ in range(1800):
        if condition():
            return
        time.sleep(0.1)
    sys.exit(f"{what} did not come up")


def answers(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        return probe.connect_ex((address, port)) == 0


class Server:
    """sshd in the foreground, with `lines` in its configuration."""

    def __init__(self, room, name, *lines, address="127.0.0.1"):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.address, self.port = address, free_port(family, address)
        listen = f"[{address}]" if ":" in address else address
        self.known = room / f"{name}.known"
        host_key = (room / "host.pub").read_text().rsplit(" ", 1)[0]
        self.host_key = host_key
        self.known.write_text(f"[{address}]:{self.port} {host_key}\n")
        config = room / f"{name}.sshd"
        config.write_text(
            f"ListenAddress {listen}:{self.port}\nHostKey {room}/host\nPidFile none\n"
            f"AuthorizedKeysFile {room}/authorized\nStrictModes no\nUsePAM no\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n"
            + "".join(line + "\n" for line in lines)
        )
        self.process = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-e", "-f", config], stderr=subprocess.DEVNULL
        )
        wait_for(lambda: answers(address, self.port), "sshd")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def run(server, room, script=TRICKY, agent=None, forward=(), **options):
    words = {
        "host": server.address,
        "port": str(server.port),
        "identity": str(room / "good"),
        "known": str(server.known),
        "config": "",
        **options,
    }
    environment = {k: v for k, v in os.environ.items() if k != "SSH_AUTH_SOCK"}
    if agent:
        environment["SSH_AUTH_SOCK"] = str(agent)
    done = subprocess.run(
        [RUN_THERE, words["host"], words["port"], USER, words["identity"], words["known"]]
        + [words["config"], str(room)]
        + [str(word) for word in forward],
        input=script,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def must_run(what, got, wanted):
    assert got == wanted, f"{what}: {got}"
    print(f"  {what}: as it must be")


def must_say(what, got, *words):
    assert got[0] == 100 and all(word in got[1] for word in words), f"{what}: {got}"
    print(f"  {what}: {got[1].strip()}")


def login_shells(room, wanted):
    for shell in SHELLS:
        if not os.path.exists(shell):
            sys.exit(f"{shell} is not installed")
        with Server(room, "shell", f'ForceCommand {shell} -c "$SSH_ORIGINAL_COMMAND"') as server:
            must_run(f"login shell {shell}", run(server, room), wanted)
            big = "x=1\n" + ": 'padding of a long script, it''s'\n" * 400 + "echo $x; exit 3\n"
            must_run(f"login shell {shell}, 17 KB", run(server, room, big), (3, "1\n"))
    banner = "echo hello from .bashrc; echo and >&2; printf 'no newline'; "
    with Server(room, "banner", f'ForceCommand {banner} sh -c "$SSH_ORIGINAL_COMMAND"') as server:
        must_run("a .bashrc that prints", run(server, room), wanted)
    with Server(room, "none", "ForceCommand echo This account is not available.; exit 1") as server:
        must_say("nologin", run(server, room), "did not run sh", "This account is not available.")
    with Server(room, "git", "ForceCommand echo fatal: unknown command >&2; exit 128") as server:
        must_say("git-shell", run(server, room), "did not run sh", "fatal: unknown command")
    with Server(room, "mute", "ForceCommand /bin/false") as server:
        must_say("a shell that says nothing", run(server, room), "did not run sh")


def start_agent(room, *keys):
    path = room / "agent"
    path.unlink(missing_ok=True)
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    atexit.register(process.kill)
    wait_for(path.exists, "ssh-agent")
    environment = {**os.environ, "SSH_AUTH_SOCK": str(path)}
    for key in keys:
        subprocess.run(["ssh-add", "-q", key], env=environment, check=True)
    return process, path


def identities(room, wanted):
    others = [ssh_keygen(room / f"other{i}", "-t", "ed25519") for i in range(8)]
    lone = room / "lone"
    lone.mkdir()
    shutil.copy(room / "good.pub", lone / "id.pub")
    sealed = room / "sealed"
    shutil.copy(room / "good", sealed)
    subprocess.run(["ssh-keygen", "-q", "-p", "-f", sealed, "-P", "", "-N", "sealed"], check=True)
    (room / "sealed.pub").unlink(missing_ok=True)
    (room / "junk").write_text("no key\n")
    old = room / "old"
    ssh_keygen(old, "-t", "rsa", "-m", "PEM")
    with (room / "authorized").open("a") as authorized:
        authorized.write((room / "old.pub").read_text())
    (room / "old.pub").unlink()
    with Server(room, "tries", "MaxAuthTries 3") as server:
        process, path = start_agent(room, *others, room / "good")
        for what, key in (
            ("identity: FILE.pub picks one of nine keys", lone / "id.pub"),
            ("a sealed key picks its own out of nine", sealed),
            ("the public key beside a name", lone / "id"),
        ):
            must_run(what, run(server, room, identity=str(key), agent=path), wanted)
        got = run(server, room, identity=str(room / "other0"), agent=path)
        must_say("a key that is not authorized", got, "refused the login")
        got = run(server, room, identity=str(room / "junk"), agent=path)
        must_say("a file that is no key", got, "holds no key that can be read")
        got = run(server, room, identity=str(room / "absent"), agent=path)
        must_say("a key that is not there", got, "holds no key that can be read")
        process.terminate()
        process.wait()
        process, path = start_agent(room, *others)
        got = run(server, room, identity=str(lone / "id.pub"), agent=path)
        must_say("an agent without the key", got, "does not hold the key")
        process.terminate()
        process.wait()
        process, path = start_agent(room, old)
        sealing = ["ssh-keygen", "-q", "-p", "-m", "PEM", "-f", old, "-P", "", "-N", "sealed"]
        subprocess.run(sealing, check=True, stdout=subprocess.DEVNULL)
        got = run(server, room, identity=str(old), agent=path)
        must_run("a key sealed in the old form", got, wanted)
        process.terminate()
        process.wait()
        process, path = start_agent(room, room / "good")
        must_run("the agent's key", run(server, room, identity="", agent=path), wanted)
        process.send_signal(signal.SIGSTOP)
        got = run(server, room, identity=str(lone / "id.pub"), agent=path)
        must_say("an agent that hangs", got, "no ssh-agent answers")
        must_run("a key file beside an agent that hangs", run(server, room, agent=path), wanted)
        process.kill()
        process.wait()
        got = run(server, room, identity=str(lone / "id.pub"), agent=path)
        must_say("an agent that is gone", got, "no ssh-agent answers")
        got = run(server, room, identity=str(lone / "id.pub"))
        must_say("no agent", got, "no ssh-agent answers")


def configurations(room, wanted):
    config, alias = room / "config", room / "alias.known"
    with Server(room, "config") as server:
        alias.write_text(f"titan-prod {server.host_key}\n")
        name = f"HostName {server.address}\nPort {server.port}\n"

        def go(text, known, host="titan"):
            config.write_text(text)
            port = {"host": host, "port": "22", "known": str(known), "config": str(config)}
            return run(server, room, **port)

        must_run("Port and HostName", go("Host titan\n" + name, server.known), wanted)
        for text in (
            f"Host titan\n{name} HostKeyAlias titan-prod\n",
            f"host=other\n HostKeyAlias no\nHost t*n !titania\n\thostkeyalias = titan-prod\n{name}",
            f'HostKeyAlias "titan-prod" # first wins\nHost *\n{name}HostKeyAlias no\n',
            f"Match all\n{name}HostKeyAlias titan-prod\n",
        ):
            must_run(f"HostKeyAlias, {text.split()[0]}", go(text, alias), wanted)
        got = go(f"Host titan\n{name}HostKeyAlias titan-prod\n", server.known)
        must_say("an alias that known_hosts lacks", got, "the host key is unknown")
        alias.write_text(f"@revoked titan-prod {server.host_key}\ntitan-prod {server.host_key}\n")
        got = go(f"Host titan\n{name}HostKeyAlias titan-prod\n", alias)
        must_say("a revoked key under its alias", got, "@revoked")
        must_say("a configuration that is not there", run(server, room, config="/absent"), "absent")
        through = room / "jump.config"
        through.write_text(
            f"Host jump\n HostName {server.address}\n Port {server.port}\n User {USER}\n"
            f" IdentityFile {room}/good\n UserKnownHostsFile {server.known}\n"
        )
        proxy = f"ProxyCommand ssh -F {through} -W %h:%p jump\n"
        must_run("ProxyCommand", go(f"Host titan\n{name}{proxy}", server.known), wanted)
        jump = f"Host titan\n{name}ProxyJump {USER}@jump\n"
        must_say("a ProxyJump that does not answer", go(jump, server.known), "cannot be reached")


def forwards(room, wanted):
    with Server(room, "one", "MaxSessions 1") as server:
        must_run("MaxSessions 1", run(server, room), wanted)
        status, said = run(server, room, forward=[server.port])
        assert status == 0 and said.startswith("SSH-2.0-"), (status, said)
        assert run(server, room, forward=[free_port()]) == (1, "")
        print("  a port, and one where nobody listens: as it must be")
    for line in ("AllowTcpForwarding no", "DisableForwarding yes", "PermitOpen 127.0.0.1:1"):
        with Server(room, "forbids", line) as server:
            got = run(server, room, forward=[server.port])
            must_say(line, got, "forbids to forward", "AllowTcpForwarding local")


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngood"


class Answers:
    """Answers every request on a listening socket with `good`."""

    def __init__(self, listener, tls=None):
        self.listener, self.tls = listener, tls
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection = self.listener.accept()[0]
            try:
                if self.tls:
                    connection = self.tls.wrap_socket(connection, server_side=True)
                connection.recv(65536)
                connection.sendall(ANSWER)
            except OSError:
                pass
            connection.close()


def certificate(room, name):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
        + ["-addext", "subjectAltName=DNS:localhost", "-days", "2"]
        + ["-keyout", room / f"{name}.key", "-out", room / f"{name}.pem"],
        check=True,
        capture_output=True,
    )
    return room / f"{name}.pem"


def endpoints(room, _):
    """https with an authority of one's own, and a unix socket, through a real sshd."""
    own, other = certificate(room, "own"), certificate(room, "other")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own, room / "own.key")
    plain = socket.create_server(("127.0.0.1", 0))
    Answers(plain, context)
    url = f"https://localhost:{plain.getsockname()[1]}/health"
    there = room / "app.sock"
    for tls in (None, context):
        there.unlink(missing_ok=True)
        local = socket.socket(socket.AF_UNIX)
        local.bind(str(there))
        local.listen()
        Answers(local, tls)
        name = "https" if tls else "http"
        with Server(room, "plain") as server:
            got = run(server, room, forward=[f"{name}://localhost/health", there, own])
            must_run(f"{name} over a unix socket", got, (0, "200 good"))
    with Server(room, "web") as server:
        must_run("https", run(server, room, forward=[url, "", own]), (0, "200 good"))
        for what, authority in (("another authority", other), ("the system's", "")):
            status, said = run(server, room, forward=[url, "", authority])
            assert status == 0 and said.startswith("0 its certificate"), said
            print(f"  https by {what}: {said}")
        status, said = run(server, room, forward=["http://localhost/", room / "none.sock", ""])
        assert status == 0 and said.startswith("0 "), said
        print(f"  no socket there: {said}")


def addresses(room, wanted):
    if not os.path.exists("/proc/net/if_inet6") or not open("/proc/net/if_inet6").read():
        print("  this machine has no IPv6")
        return
    with Server(room, "six", address="::1") as server:
        must_run("an IPv6 literal", run(server, room), wanted)


def main():
    with tempfile.TemporaryDirectory() as name:
        room = pathlib.Path(name)
        room.chmod(0o755)
        (pathlib.Path("/run/sshd")).mkdir(exist_ok=True) if os.getuid() == 0 else None
        ssh_keygen(room / "host", "-t", "ed25519")
        ssh_keygen(room / "good", "-t", "ed25519")
        shutil.copy(room / "good.pub", room / "authorized")
        said = subprocess.run(["sh", "-c", TRICKY], capture_output=True, text=True, check=False)
        wanted = (said.returncode, said.stdout)
        assert wanted[0] == 7 and wanted[1].count("|") > 10
        for case in (login_shells, identities, configurations, forwards, endpoints, addresses):
            print(case.__name__.replace("_", " "))
            case(room, wanted)


main()
