#!/usr/bin/env python3
"""Goal: the items that are decided from the compose configuration and from what runs (hmac_secret,
docker_socket, firewall, compose_renders) pass on a good host and fail on each host that is wrong in
one way, with the line to change; and no secret is printed. Real docker-compose (and the declared
shim for version 2), a real Docker daemon with a bridge, real listeners, all in namespaces of the
test's own. A round breaks several items at once, since each is judged by itself."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from checklist import FAILED, FOR_A_PERSON, PASSED, HERE, Namespace, preflight, skip, wait_until

ADDRESS = "10.98.76.5"
SECRETS = [
    "hmac-3f9c27d1a85e4b06",
    "postgres-91b7d0e4c6a2",
    "literal-77e1f2a90b",
    "othr-5c3d8e7f6a1b2c3d",
    "envfile-2b4c6d8e0f1a",
]
HMAC, POSTGRES, LITERAL, OTHER, ENVFILE = SECRETS
ENV = f"HMAC_SECRET={HMAC}\nPOSTGRES_PASSWORD={POSTGRES}\nOTHER_SECRET={OTHER}\nEMPTY=\n" + "".join(
    f"WORD_{word}_SECRET={word}\n"
    for word in (
        "Docker",
        "socket",
        "door",
        "differs",
        "publishes",
        "listens",
        "Mounts",
        "running",
        "render",
    )
)  # of ours: what is said stays the same
COMPOSE = """version: "3.8"
x-shared: &shared
  HMAC_SECRET: ${HMAC_SECRET}
services:
  traefik:
    image: titan/idle
    ports:
      - "80:80"
      - target: 443
        published: 443
        protocol: tcp
  titan-opsd:
    image: titan/idle
    user: root
    environment:
      OPS_SECRET: "${HMAC_SECRET}"
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock
  titan-brain:
    image: titan/idle
    environment:
      <<: *shared
      DATABASE_URL: postgres://titan:${POSTGRES_PASSWORD:?POSTGRES_PASSWORD required}@postgres/titan
      NOTE: literal-77e1f2a90b
    volumes:
      - ./config:/app/config:ro
  titan-console-api:
    image: titan/idle
    environment:
      - HMAC_SECRET=${HMAC_SECRET}
      - PORT=3000
  postgres:
    image: titan/idle
    ports:
      - "127.0.0.1:5432:5432"
    volumes:
      - data:/var/lib/postgresql/data
volumes:
  data:
"""
PREFLIGHT = """
  hmac_secret:
    probe: env_same
    variables: [titan-opsd=OPS_SECRET, titan-brain=HMAC_SECRET, titan-console-api=HMAC_SECRET]
    absent: [ABSENT]
  docker_socket: {probe: docker_socket, service: titan-opsd}
  firewall: {probe: ports, ports: ["22", "80", "443"], closed: ["3100"], address: "ADDRESS"}
  compose_renders: {probe: compose_renders}
"""
PROXY = """
import os, socket, threading
def pump(a, b):
    while (chunk := a.recv(65536)): b.sendall(chunk)
    b.shutdown(socket.SHUT_WR)
server = socket.socket(socket.AF_UNIX)
server.bind("/srv/proxy.sock")
server.listen()
print("up", flush=True)
while True:
    client, other = server.accept()[0], socket.socket(socket.AF_UNIX)
    other.connect("/run/docker.sock")
    for pair in ((client, other), (other, client)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
"""
LISTEN = """
import signal, socket, sys
family = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET
server = socket.socket(family, socket.SOCK_DGRAM if sys.argv[1] == "udp" else socket.SOCK_STREAM)
server.bind((sys.argv[2], int(sys.argv[3])))
sys.argv[1] == "udp" or server.listen(); print("up", flush=True); signal.pause()
"""


class Host:
    """One host: a Docker daemon with the good containers running, and a directory with the good
    files."""

    def __init__(self):
        for program in ("/usr/sbin/dockerd", "/usr/bin/docker", "/usr/bin/docker-compose"):
            if not os.path.exists(program):
                skip(program + " is not there")
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="titan-check-"))
        self.tree = self.home / "titan"
        self.tree.mkdir()
        self.space = Namespace()
        self.started = []
        self.space.run(
            "sh",
            "-c",
            (
                f"ip link add out0 type bridge && ip address add {ADDRESS}/24 dev out0 && ip link"
                " set out0 up"
            ),
        )
        self.space.start(
            "dockerd",
            "-H",
            "unix:///run/docker.sock",
            "--data-root",
            self.home / "data",
            "--exec-root",
            "/run/docker",
            "--pidfile",
            "/run/docker.pid",
            "--iptables=false",
            "--ip6tables=false",
            "--ip-forward=false",
            "--ip-masq=false",
            "--bip",
            "10.98.75.1/24",
            log=self.home / "dockerd.log",
        )
        wait_until("dockerd", lambda: self.docker("ps", "-q", check=False) == "")
        self.import_image("titan/idle")
        self.import_image("titan/user", "USER 1000")
        self.up("titan-opsd", "-v", "/var/run/docker.sock:/var/run/docker.sock")
        self.up("traefik", "-p", "80:80", "-p", "443:443")
        self.up("postgres", "-p", "127.0.0.1:5432:5432", "-v", "data:/data")
        self.good = set(self.docker("ps", "-aq").split())
        shim = self.home / "shim"
        shim.mkdir()
        shutil.copy(HERE.parent / "stack" / "shim" / "docker-compose-v2", shim / "docker")
        (shim / "shim.conf").write_text("docker=/usr/bin/docker\ncompose=/usr/bin/docker-compose\n")

    def import_image(self, name, *change):
        root = self.home / "root"
        root.mkdir(exist_ok=True)
        shutil.copy(os.environ["TITAN_IDLE"], root / "idle")
        subprocess.run(["tar", "-C", root, "-cf", self.home / "root.tar", "idle"], check=True)
        self.docker(
            "import",
            "--change",
            'CMD ["/idle"]',
            *(word for each in change for word in ("--change", each)),
            self.home / "root.tar",
            name,
        )

    def docker(self, *words, check=True):
        return self.space.run("/usr/bin/docker", *words, check=check)

    def up(self, service, *words, image="titan/idle"):
        """A container of the project, as compose would have made it."""
        self.docker(
            "run",
            "-d",
            "--name",
            "titan_" + service,
            "--label",
            "com.docker.compose.project=titan",
            "--label",
            "com.docker.compose.service=" + service,
            *words,
            image,
        )

    def reset(self, stack="docker-compose", address=ADDRESS, absent=""):
        (self.tree / "docker-compose.prod.yml").write_text(COMPOSE)
        (self.tree / ".env.prod").write_text(ENV)
        docker = self.home / "shim" / "docker" if stack == "v2" else "/usr/bin/docker"
        command = f"{docker} compose" if stack == "v2" else "/usr/bin/docker-compose"
        (self.home / "titan.yml").write_text(
            f"""version: 1
journal: journal
target: {{name: host, local: true, directory: {self.tree}, docker: {docker}}}
operator: {{principal: alice, key: alice.key}}
compose: {{command: {command}, project: titan}}
endpoints: {{web: {{url: "http://127.0.0.1:1/health"}}}}
checklist: own
preflight:{PREFLIGHT.replace('ADDRESS', address).replace('ABSENT', absent)}"""
        )

    def edit(self, old, new):
        path = self.tree / "docker-compose.prod.yml"
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} is not once in the file"
        path.write_text(text.replace(old, new))

    def env(self, old, new):
        path = self.tree / ".env.prod"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def line(self, words):
        """The number of the one line of the compose file that holds these words."""
        found = [
            number
            for number, line in enumerate(
                (self.tree / "docker-compose.prod.yml").read_text().splitlines(), 1
            )
            if words in line
        ]
        assert len(found) == 1, f"{words!r} is in {found}"
        return found[0]

    def start(self, *words):
        process = self.space.start(sys.executable, "-c", *words)
        if process.stdout.readline() != b"up\n":
            raise AssertionError(f"{words} did not start: {process.stdout.read().decode()}")
        self.started.append(process)

    def listen(self, kind, address, port):
        self.start(LISTEN, kind, address, port)

    def end_round(self):
        for process in self.started:  # nsenter waits for what it started: that is what is ended
            for child in (
                pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            ):
                os.kill(int(child), 9)
            process.stdout.close()
            process.wait()
        self.started = []
        more = set(self.docker("ps", "-aq").split()) - self.good
        if more:
            self.docker("rm", "-f", *more)

    def close(self):
        self.space.close()
        shutil.rmtree(self.home, ignore_errors=True)


def expect(item, pattern, **lines):
    return item, pattern, lines


# A round: what is changed on the host, and what each item then says. {a}, {b}, ... are the lines
# that hold the words given.
def other_variable(host):
    host.edit('OPS_SECRET: "${HMAC_SECRET}"', 'OPS_SECRET: "${OTHER_SECRET}"')
    host.edit("- ./config:/app/config:ro", "- /var/run/docker.sock:/var/run/docker.sock:ro")
    host.edit(
        "      - PORT=3000\n",
        '      - PORT=3000\n    ports:\n      - "3000:3000"\n      - "3100:3100"\n',
    )


def literal_and_link(host):
    host.edit("- HMAC_SECRET=${HMAC_SECRET}", f"- HMAC_SECRET={LITERAL}")
    host.space.run("ln", "-sfn", "/run", "/srv/link")
    host.edit(
        "- ./config:/app/config:ro",
        "- type: bind\n        source: /srv/link/docker.sock\n        target: /tmp/innocent",
    )
    host.edit(
        '- "127.0.0.1:5432:5432"', '- "127.0.0.1:5432:5432"\n      - "8000-8002:8000-8002/udp"'
    )


def missing_and_parent(host):
    host.edit("  HMAC_SECRET: ${HMAC_SECRET}\n", "  HMAC_SECRETS: ${HMAC_SECRET}\n")
    host.edit("- ./config:/app/config:ro", "- /var/run:/host:ro")
    host.edit('- "80:80"', '- "80:80"\n      - "8080"')


def absent_and_volume(host):
    host.edit("  titan-console-api:\n", "  titan-console:\n")
    host.edit("- ./config:/app/config:ro", "- socket:/innocent")
    host.edit(
        "  data:\n", "  data:\n  socket: {driver_opts: {type: none, o: bind, device: /run}}\n"
    )
    host.listen("tcp", "0.0.0.0", "9100")


def empty_and_another_name(host):
    host.edit("- HMAC_SECRET=${HMAC_SECRET}", "- HMAC_SECRET=${EMPTY}")
    host.space.run(
        "sh", "-c", "touch /srv/other.sock && mount --bind /run/docker.sock /srv/other.sock"
    )
    host.edit("- ./config:/app/config:ro", "- /srv/other.sock:/innocent")
    host.listen("tcp", "::", "9101")


def env_file_and_proxy(host):
    (host.tree / "console.env").write_text(f"HMAC_SECRET={ENVFILE}\n")
    host.edit(
        "    environment:\n      - HMAC_SECRET=${HMAC_SECRET}\n      - PORT=3000\n",
        "    env_file:\n      - console.env\n",
    )
    host.start(PROXY)
    host.edit("- ./config:/app/config:ro", "- /srv/proxy.sock:/innocent")
    host.listen("udp", "0.0.0.0", "5353")


def longer_and_user(host):
    host.edit('OPS_SECRET: "${HMAC_SECRET}"', 'OPS_SECRET: "${HMAC_SECRET}x"')
    host.edit("    user: root\n", '    user: "1000:1000"\n')
    host.up("titan-hidden", "-p", "3100:3100")


def no_socket_and_privileged(host):
    host.edit("    volumes:\n      - /var/run/docker.sock:/var/run/docker.sock\n", "")
    host.edit(
        "  postgres:\n    image: titan/idle\n",
        "  postgres:\n    image: titan/idle\n    privileged: true\n",
    )
    host.up(
        "portainer",
        "-v",
        "/run:/host",
        "--label",
        "com.docker.compose.project=another",
        "-P",
        "--expose",
        "9000",
    )


def tcp_and_secret(host):
    host.edit("- PORT=3000", "- PORT=3000\n      - DOCKER_HOST=tcp://172.17.0.1:2375")
    host.edit(
        "  postgres:\n    image: titan/idle\n",
        "  postgres:\n    image: titan/idle\n    secrets: [plain]\n",
    )
    host.edit("  data:\n", "  data:\nsecrets:\n  plain: {file: /var/run/docker.sock}\n")
    host.edit("- ./config:/app/config:ro", "- /srv:/srv\n    volumes_from: [titan-opsd]")
    host.listen("tcp", "127.0.0.1", "2375")


def nothing_listens(host):
    host.edit(
        "- /var/run/docker.sock:/var/run/docker.sock",
        "- /run/podman/podman.sock:/var/run/docker.sock",
    )
    host.edit("- ./config:/app/config:ro", "- /run/podman:/innocent")
    host.space.run("ln", "-sfn", "/var/run/podman", "/srv/engine")
    host.edit(
        "  postgres:\n    image: titan/idle\n",
        "  postgres:\n    image: titan/idle\n    configs: [plain]\n",
    )
    host.edit("  data:\n", "  data:\nconfigs:\n  plain: {file: /srv/engine/podman.sock}\n")


def answers_from_outside(host):
    host.reset(
        address="127.0.0.1"
    )  # what is reached there stands for a forwarded port: it listens on loopback only
    host.listen("tcp", "127.0.0.1", "3100")
    host.up("titan-other", "-e", "DOCKER_HOST=tcp://10.0.0.1:2375")


FILE = r"docker-compose\.prod\.yml"
ROUNDS = [
    (
        other_variable,
        [
            expect(
                "hmac_secret",
                FILE
                + r":{a}: OPS_SECRET of titan-opsd \(from OTHER_SECRET of .env.prod\) differs from "
                + FILE
                + r":{b}: .*titan-brain",
                a="OPS_SECRET:",
                b="  HMAC_SECRET: ${",
            ),
            expect(
                "docker_socket",
                FILE + r":{a}: titan-brain has the Docker socket",
                a="docker.sock:ro",
            ),
            expect(
                "firewall",
                FILE
                + r":{a}: titan-console-api publishes 3000\n"
                + FILE
                + ":{b}: titan-console-api publishes 3100$",
                a='"3000:3000"',
                b='"3100:3100"',
            ),
        ],
    ),
    (
        literal_and_link,
        [
            expect(
                "hmac_secret",
                FILE + r":{a}: HMAC_SECRET of titan-console-api differs from ",
                a="- HMAC_SECRET=",
            ),
            expect(
                "docker_socket",
                FILE + r":{a}: titan-brain has the Docker socket: /srv/link/docker.sock leads to"
                r" /run/docker.sock",
                a="type: bind",
            ),
            expect("firewall", FILE + r":{a}: postgres publishes 8000/udp", a="8000-8002"),
        ],
    ),
    (
        missing_and_parent,
        [
            expect("hmac_secret", FILE + r":{a}: titan-brain has no HMAC_SECRET", a="titan-brain:"),
            expect(
                "docker_socket",
                FILE
                + r":{a}: titan-brain has the Docker socket: /var/run leads to /run/docker.sock",
                a="/host:ro",
            ),
            expect(
                "firewall",
                FILE + r":{a}: traefik publishes a port that Docker chooses for 8080",
                a='"8080"',
            ),
        ],
    ),
    (
        absent_and_volume,
        [
            expect("hmac_secret", "there is no service titan-console-api"),
            expect(
                "docker_socket",
                FILE + r":{a}: titan-brain has the Docker socket: /run leads to /run/docker.sock",
                a="socket:/innocent",
            ),
            expect(
                "firewall",
                (
                    r"the host listens on 0\.0\.0\.0:9100 \(process \d+, python3[^)]*\), and it"
                    r" answers at 10\.98\.76\.5"
                ),
            ),
        ],
    ),
    (
        empty_and_another_name,
        [
            expect(
                "hmac_secret",
                FILE
                + r":{a}: HMAC_SECRET of titan-console-api \(from EMPTY of .env.prod\) is empty",
                a="{EMPTY}",
            ),
            expect(
                "docker_socket",
                FILE + r":{a}: titan-brain has the Docker socket: /srv/other.sock",
                a="/innocent",
            ),
            expect("firewall", r"the host listens on \[::\]:9101"),
        ],
    ),
    (
        env_file_and_proxy,
        [
            expect(
                "hmac_secret",
                FILE + r":{a}: HMAC_SECRET of titan-console-api differs",
                a="env_file:",
            ),
            expect(
                "docker_socket",
                FILE + r":{a}: titan-brain has the Docker socket: /srv/proxy.sock",
                a="/innocent",
            ),
            expect("firewall", r"the host listens on 0\.0\.0\.0:5353/udp"),
        ],
    ),
    (
        longer_and_user,
        [
            expect(
                "hmac_secret",
                FILE + r":{a}: OPS_SECRET of titan-opsd \(from HMAC_SECRET",
                a="OPS_SECRET:",
            ),
            expect(
                "docker_socket",
                FILE + r":{a}: titan-opsd runs as 1000:1000 and not as root",
                a='user: "1000',
            ),
            expect(
                "firewall",
                "the running container titan_titan-hidden publishes 3100, and it answers",
            ),
        ],
    ),
    (
        no_socket_and_privileged,
        [
            expect("docker_socket", FILE + r":{a}: postgres is privileged", a="privileged: true"),
            expect(
                "docker_socket", FILE + r":{a}: titan-opsd has no Docker socket", a="titan-opsd:"
            ),
            expect(
                "docker_socket",
                (
                    "the running container titan_portainer has the Docker socket: /run leads to"
                    " /run/docker.sock"
                ),
            ),
            expect("firewall", r"the running container titan_portainer publishes \d+"),
        ],
    ),
    (
        tcp_and_secret,
        [
            expect(
                "docker_socket",
                FILE + r":{a}: titan-console-api reaches a Docker daemon by DOCKER_HOST",
                a="DOCKER_HOST",
            ),
            expect(
                "docker_socket",
                FILE + r":{a}: postgres has the Docker socket",
                a="secrets: [plain]",
            ),
            expect(
                "docker_socket",
                FILE + r":{a}: titan-brain has the Docker socket: /var/run/docker.sock",
                a="volumes_from",
            ),
            expect(
                "docker_socket",
                FILE
                + r":{a}: titan-brain has the Docker socket: /srv leads to /srv/(other|proxy).sock",
                a="/srv:/srv",
            ),
            expect("docker_socket", r"something listens on 127\.0\.0\.1:2375"),
        ],
    ),
    (
        nothing_listens,
        [
            expect(
                "docker_socket",
                FILE
                + r":{a}: titan-opsd mounts /run/podman/podman.sock, and there is no such socket on"
                r" this host; see `sockets`",
                a="podman.sock:/var/run/",
            ),
            expect(
                "docker_socket",
                FILE + r":{a}: titan-brain has /run/podman, the place of a Docker socket:"
                r" /run/podman/podman.sock",
                a="/run/podman:/innocent",
            ),
            expect(
                "docker_socket",
                FILE + r":{a}: postgres has /srv/engine/podman.sock, the place of a Docker socket:"
                r" /run/podman/podman.sock",
                a="configs: [plain]",
            ),
        ],
    ),
    (
        answers_from_outside,
        [
            expect(
                "docker_socket",
                "the running container titan_titan-other reaches a Docker daemon by DOCKER_HOST",
            ),
            expect("firewall", r"127\.0\.0\.1:3100 answers from here: it is internal"),
        ],
    ),
]


# What keeps the configuration from rendering: (change, where and what).
def broken(host):
    host.edit("    image: titan/idle\n    user: root\n", "    image: titan/idle\n   user: root\n")


UNRENDERED = [
    (
        "unset",
        lambda host: host.edit(
            "      - PORT=3000\n", "      # ${NEVER}\n      - PORT=3000\n      - A=${NEVER}\n"
        ),
        FILE + ":{a}: NEVER is not set",
        {"a": "- A="},
    ),
    (
        "two unset",
        lambda host: host.edit("      - PORT=3000\n", "      - A=$ONE\n      - B=${TWO}\n"),
        FILE + ":{a}: ONE is not set|ONE, TWO of " + FILE + ":{b}",
        {"a": "- A=", "b": "- B="},
    ),
    (
        "required",
        lambda host: host.env("POSTGRES_PASSWORD=", "POSTGRES_PASS="),
        FILE + ":{a}: it does not render: .*POSTGRES_PASSWORD required",
        {"a": "DATABASE_URL"},
    ),
    ("broken", broken, FILE + ":{a}: it does not render: ", {"a": "   user: root"}),
    (
        "no env file",
        lambda host: (host.tree / ".env.prod").unlink(),
        r"does not render: .*\.env\.prod",
        {},
    ),
    (
        "bad form",
        lambda host: host.edit("- PORT=3000", "- PORT=${literal-77e1f2a90b"),
        FILE + ": it does not render",
        {},
    ),
]


def judge(host, wanted, stack="docker-compose"):
    """Each expectation against one run; nothing secret is printed."""
    status, items, printed = preflight(host.home / "titan.yml", *host.space.words)
    for secret in SECRETS:
        if secret in printed:
            raise AssertionError(f"a secret is printed: {printed}")
    for item, pattern, lines in wanted:
        found = items[item]["found"]
        for key, words in lines.items():
            pattern = pattern.replace("{" + key + "}", str(host.line(words)))
        if (
            items[item]["status"] != "failed"
            or status != FAILED
            or re.search(pattern, found, re.M) is None
        ):
            raise AssertionError(
                f"{item} is {items[item]['status']} ({status}): '{pattern}' is not in: {found}"
            )


def judge_good(host, stack, **options):
    host.reset(stack, **options)
    status, items, printed = preflight(host.home / "titan.yml", *host.space.words)
    bad = {name: item["found"] for name, item in items.items() if item["status"] != "passed"}
    if bad or status != PASSED:
        raise AssertionError(f"the good host, {stack}: {status} {bad or printed}")


def case_round(host, change, wanted):
    host.reset()
    try:
        change(host)
        judge(host, wanted)
    finally:
        host.end_round()


def case_unrendered(host, stack, change, pattern, lines):
    host.reset(stack)
    change(host)
    one_line = r"\A(?=[^\n]*\Z).*"  # and said once: the others name the item that says it
    judge(
        host,
        [("compose_renders", one_line + f"({pattern})", lines)]
        + [
            (item, rf"\A{FILE} does not render: see compose_renders\Z", {})
            for item in ("hmac_secret", "docker_socket", "firewall")
        ],
    )


def case_replicas(host):
    """Who shares the policy hash has one container."""
    host.reset()
    host.edit(
        "  titan-brain:\n    image: titan/idle\n",
        "  titan-brain:\n    image: titan/idle\n    deploy: {replicas: 2}\n",
    )
    with (host.home / "titan.yml").open("a") as file:
        file.write("services: {execution: titan-opsd, brain: titan-brain}\n")
        file.write("bus: {host: 127.0.0.1}\n")
    wanted = FILE + ":{a}: titan-brain has 2 containers: Execution and Brain have one each"
    judge(host, [("compose_renders", wanted, {"a": "titan-brain:"})])


def case_no_address(host):
    """No attempt from outside is said, and an address that never answers is no evidence."""
    host.reset(address="")
    status, items, _ = preflight(host.home / "titan.yml", *host.space.words)
    if status != PASSED or "no attempt was made from outside" not in items["firewall"]["found"]:
        raise AssertionError(f"{status}: {items['firewall']}")
    host.reset(address="192.0.2.1")
    status, items, _ = preflight(host.home / "titan.yml", *host.space.words)
    if status != FOR_A_PERSON or items["firewall"]["status"] != "undecided":
        raise AssertionError(f"{status}: {items['firewall']}")


def case_absent(host):
    """A service that is declared absent is not asked for; one whose image is not root's is."""
    host.reset(absent="titan-console-api")
    host.edit("  titan-console-api:\n", "  titan-console:\n")
    host.edit("    image: titan/idle\n    user: root\n", "    image: titan/user\n")
    status, items, _ = preflight(host.home / "titan.yml", *host.space.words)
    if items["hmac_secret"]["status"] != "passed" or status != PASSED:
        raise AssertionError(f"{status}: {items}")
    host.docker("rm", "-f", "titan_titan-opsd")
    judge(
        host,
        [
            expect(
                "docker_socket",
                FILE + r":{a}: titan-opsd runs as 1000, its image's user",
                a="titan-opsd:",
            )
        ],
    )


def main():
    host = Host()
    cases = [
        ("good v1", lambda: judge_good(host, "docker-compose")),
        ("good v2", lambda: judge_good(host, "v2")),
    ]
    cases += [
        (change.__name__, lambda change=change, wanted=wanted: case_round(host, change, wanted))
        for change, wanted in ROUNDS
    ]
    cases += [
        (name, lambda row=row: case_unrendered(host, "docker-compose", *row))
        for name, *row in UNRENDERED
    ]
    cases += [
        ("v2 " + name, lambda row=row: case_unrendered(host, "v2", *row))
        for name, *row in UNRENDERED[:3]
    ]
    cases += [("replicas", lambda: case_replicas(host))]
    cases += [("address", lambda: case_no_address(host)), ("absent", lambda: case_absent(host))]
    failed = 0
    try:
        for name, case in cases:
            if len(sys.argv) > 1 and sys.argv[1] not in name:
                continue
            try:
                case()
                print("ok   " + name)
            except Exception as failure:
                failed += 1
                print(f"FAIL {name}: {failure}")
            sys.stdout.flush()
    finally:
        host.close()
    print(f"{len(cases)} cases, {failed} not as they must be")
    sys.exit(1 if failed else 0)


main()
