"""The other sides of the checklist's web and operations items: a private authority made by openssl,
TLS and plain servers of pages, a WebSocket server, a real nats-server and a real Prometheus, all on
127.0.0.1 on free ports, all ended with the test."""
import base64
import hashlib
import http.server
import json
import pathlib
import shutil
import socket
import socketserver
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.request
from urllib.parse import urlsplit

import loki_standin


def wait_until(what, condition, seconds=180):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise AssertionError("waited in vain: " + what)
        time.sleep(0.02)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


class Authority:
    """A private CA; certificates for 127.0.0.1 unless said otherwise."""

    def __init__(self, home, name):
        self.home, self.name, self.file = home, name, home / (name + ".pem")
        self.openssl(
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            home / (name + ".key"),
            "-out",
            self.file,
            "-subj",
            "/CN=" + name,
            "-days",
            "30",
            "-addext",
            "basicConstraints=critical,CA:true",
            "-addext",
            "keyUsage=critical,keyCertSign",
        )

    def openssl(self, *words):
        subprocess.run(
            ["openssl", *map(str, words)],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def context(self, name, alternative="IP:127.0.0.1", days=30):
        """A server's TLS context with a fresh certificate of this authority."""
        key, request, certificate, extensions = (
            self.home / (name + end) for end in (".key", ".csr", ".crt", ".ext")
        )
        extensions.write_text("subjectAltName=" + alternative)
        self.openssl(
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            key,
            "-out",
            request,
            "-subj",
            "/CN=" + name,
        )
        self.openssl(
            "x509",
            "-req",
            "-in",
            request,
            "-CA",
            self.file,
            "-CAkey",
            self.home / (self.name + ".key"),
            "-set_serial",
            "7",
            "-out",
            certificate,
            "-days",
            days,
            "-extfile",
            extensions,
        )
        return tls(certificate, key)

    def self_signed(self, name):
        key, certificate = self.home / (name + ".key"), self.home / (name + ".crt")
        self.openssl(
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            key,
            "-out",
            certificate,
            "-subj",
            "/CN=127.0.0.1",
            "-days",
            "30",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        )
        return tls(certificate, key)


def tls(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


class Threads(socketserver.ThreadingTCPServer):
    """A thread a connection; TLS where there is a context. Handlers wait on `ending` where they are
    to hang."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, handler, context=None):
        self.context, self.ending = context, threading.Event()
        super().__init__(("127.0.0.1", 0), handler)
        self.port = self.server_address[1]
        self.thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self.thread.start()

    def finish_request(self, request, client_address):
        try:
            request.settimeout(20)
            if self.context is not None:
                request = self.context.wrap_socket(request, server_side=True)
            elif (
                request.recv(1, socket.MSG_PEEK) == b"\x16"
            ):  # TLS, where none is spoken: as web servers answer it
                request.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                return
            super().finish_request(request, client_address)
            if self.context is not None:
                request.close()
        except OSError:
            pass  # a client that refuses the certificate ends here

    def stop(self):
        self.ending.set()
        self.shutdown()
        self.server_close()


class Pages(http.server.BaseHTTPRequestHandler):
    """One path a behaviour: PAGES, and those that need more than a fixed answer."""

    protocol_version = "HTTP/1.1"
    HTML = (
        b"\xef\xbb\xbf\n<!-- built -->\n<!DOCTYPE html>\n<html><title>Titan Console</title></html>"
    )
    LINES = [(2, "a line with a S3CRET"), (50, "another")]
    PAGES = {
        "/console": (200, {"Content-Type": "text/html; charset=utf-8"}, HTML),
        "/large": (200, {"Content-Type": "text/html"}, b"<html>" + b"x" * 300000),
        "/moved": (302, {"Location": "/console"}, b""),
        "/loop": (302, {"Location": "/loop"}, b""),
        "/away": (302, {"Location": "https://127.0.0.2:1/login"}, b""),
        "/down": (301, {"Location": "http://127.0.0.1:1/console"}, b""),
        "/503": (503, {"Content-Type": "text/html"}, HTML),
        "/404": (404, {"Content-Type": "text/html"}, HTML),
        "/json": (200, {"Content-Type": "application/json"}, b"{}"),
        "/htmlx": (200, {"Content-Type": "text/htmlx"}, HTML),
        "/untyped": (200, {}, HTML),
        "/text": (200, {"Content-Type": "text/html"}, b"It works! <html>"),
        "/empty": (200, {"Content-Type": "text/html"}, b""),
        "/export": (
            200,
            {
                "Content-Type": "application/zip",
                "Content-Disposition": 'attachment; filename="evidence.zip"',
            },
            b"PK\x03\x04",
        ),
        "/export/large": (200, {"Content-Disposition": "ATTACHMENT"}, b"x" * 300000),
        "/export/inline": (200, {"Content-Disposition": "inline"}, b"PK"),
        "/export/none": (200, {"Content-Type": "text/html"}, HTML),
        "/export/empty": (200, {"Content-Disposition": "attachment"}, b""),
        "/export/almost": (200, {"Content-Disposition": "attachments"}, b"PK"),
        "/-/ready": (200, {"Content-Type": "text/plain"}, b"any server says yes"),
        "/busy/-/ready": (503, {"Content-Type": "text/plain"}, b"Service Unavailable"),
    }
    LOKIS = {
        "good": {},
        "unready": {"ready": False},
        "old": {"lines": [(3600, "old")]},
        "older": {"lines": [(60, "old")], "obeys_start": False},
        "ahead": {"lines": [(-3600, "from the future")]},
        "silent": {"lines": []},
    }

    def do_GET(self):
        parts = urlsplit(self.path)
        words = parts.path.split("/")
        if words[1] == "loki-of":
            options = {"lines": self.LINES, **self.LOKIS[words[2]]}
            status, kind, body = loki_standin.answer(
                "/" + "/".join(words[3:]), parts.query, **options
            )
            self.give(status, {"Content-Type": kind}, body)
        elif words[1] == "hang":
            self.server.ending.wait(60)
        elif words[1] == "cut":
            self.give(200, {"Content-Type": "text/html", "Content-Length": "5000"}, self.HTML)
            self.close_connection = True
        elif words[1] == "metrics":
            body = (
                "# TYPE fresh_total counter\nfresh_total 1\n# TYPE old_total counter\nold_total 1"
                " %d\n" % self.server.old_ms
            )
            self.give(200, {"Content-Type": "text/plain; version=0.0.4"}, body.encode())
        elif (
            words[1] == "guarded"
            and self.headers["Authorization"] != "Bearer t0ken-of-the-operator"
        ):
            self.give(401, {"Content-Type": "text/plain"}, b"who are you")
        else:
            path = parts.path[len("/guarded") :] if words[1] == "guarded" else parts.path
            self.give(*self.PAGES.get(path, self.PAGES["/404"]))

    def give(self, status, headers, body):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *ignored):
        pass


def pages(context=None):
    return Threads(Pages, context)


def frame(opcode, payload, final=True):
    assert len(payload) < 126
    return bytes([(0x80 if final else 0) | opcode, len(payload)]) + payload


class Sockets(socketserver.StreamRequestHandler):
    """A WebSocket server, one path a behaviour."""

    FIRST = frame(1, b'{"status":"Connected"}')

    def handle(self):
        lines = iter(lambda: self.rfile.readline().decode("latin-1").strip(), "")
        path = next(lines, "GET /gone HTTP/1.1").split(" ")[1]
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        if path == "/mute":
            self.server.ending.wait(60)
            return
        if path == "/gone":
            return
        if path == "/plain" or (
            path == "/guarded" and headers.get("authorization") != "Bearer t0ken-of-the-operator"
        ):
            self.wfile.write(
                b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n"
                % (b"200 OK" if path == "/plain" else b"401 Unauthorized")
            )
            return
        key = (
            headers["sec-websocket-key"]
            + ("x" if path == "/wrong-accept" else "")
            + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        )
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest())
        self.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection:"
            b" Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self.speak(path)

    def speak(self, path):
        if path == "/ping":  # the message comes only to a client that answers, masked
            self.wfile.write(frame(9, b"are you there"))
            head = self.rfile.read(6)
            pong = bytes(
                byte ^ head[2 + i % 4] for i, byte in enumerate(self.rfile.read(head[1] & 0x7F))
            )
            if head[0] != 0x8A or not head[1] & 0x80 or pong != b"are you there":
                return
        said = {
            "/good": self.FIRST,
            "/guarded": self.FIRST,
            "/ping": self.FIRST,
            "/fragments": (
                frame(1, b'{"status":"Conn', final=False) + frame(9, b"") + frame(0, b'ected"}')
            ),
            "/second": frame(1, b"{}") + self.FIRST,
            "/closes": frame(8, b"\x03\xf0go away"),
            "/binary": frame(2, b"Connected"),
            "/masked": b"\x81\x81\x00\x00\x00\x00a",
            "/huge": b"\x81\x7f\x00\x00\x00\x01\x00\x00\x00\x00",
        }.get(path, b"")
        for at in range(0, len(said), 3):
            self.wfile.write(said[at : at + 3])
        if path != "/drops":
            self.rfile.read(1)  # until the client goes


def sockets(context=None):
    return Threads(Sockets, context)


class Process:
    """A real server as a child, stopped by its pid."""

    def __init__(self, words, port, log):
        self.port, self.log = port, log
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                [str(word) for word in words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        wait_until(f"{words[0]} listens", lambda: listens(port) or self.process.poll() is not None)
        if self.process.poll() is not None:
            raise AssertionError(f"{words[0]} ended at once: " + pathlib.Path(log).read_text())

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


class Bus(Process):
    """nats-server with permissions, and Brain's heartbeat on it: a publisher of its own, every 50
    ms."""

    def __init__(self, home):
        port = free_port()
        (home / "nats.conf").write_text(
            f"""listen: "127.0.0.1:{port}"
authorization {{ users = [
  {{ user: brain, password: bpass, permissions: {{
     publish: ["titan.sys.>"], subscribe: ["_INBOX.>"] }} }}
  {{ user: operator, password: opass, permissions: {{
     publish: ["titan.cmd.>"], subscribe: ["titan.sys.>", "titan.*.heartbeat.>", "_INBOX.>"] }} }}
  {{ user: limited, password: lpass, permissions: {{
     publish: ["titan.cmd.>"], subscribe: ["_INBOX.>", "titan.sys.other.>"] }} }}
] }}
"""
        )
        super().__init__(["nats-server", "-c", home / "nats.conf"], port, home / "nats.log")
        self.ending = threading.Event()
        self.publisher = threading.Thread(target=self.publish, daemon=True)
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.connection.recv(4096)
        self.connection.sendall(
            b'CONNECT {"user":"brain","pass":"bpass","verbose":false}\r\nPUB'
            b" titan.sys.heartbeat.v1.once 2\r\n{}\r\nPING\r\n"
        )
        if b"PONG" not in self.connection.recv(4096):
            raise AssertionError("the bus does not take the heartbeat")
        self.publisher.start()

    def publish(self):
        while not self.ending.wait(0.05):
            self.connection.sendall(b"PUB titan.sys.heartbeat.v1.risk-guardian 2\r\n{}\r\n")

    def stop(self):
        self.ending.set()
        self.publisher.join(10)
        self.connection.close()
        super().stop()


class Prometheus(Process):
    """Debian's, scraping itself and a page with a fresh figure and one whose own timestamp is a
    minute old."""

    def __init__(self, home, metrics):
        port = free_port()
        metrics.old_ms = int(time.time() * 1000) - 60000
        (home / "prometheus.yml").write_text(
            f"""global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - {{job_name: prometheus, static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}
  - {{job_name: titan, static_configs: [{{targets: ["127.0.0.1:{metrics.port}"]}}]}}
"""
        )
        super().__init__(
            [
                "prometheus",
                f"--config.file={home / 'prometheus.yml'}",
                f"--storage.tsdb.path={home / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            port,
            home / "prometheus.log",
        )

    def await_samples(self):
        """It finds its own targets only five seconds after its start."""
        wait_until(
            "the first samples",
            lambda: self.series("up") == 2
            and self.series("fresh_total") == 1
            and self.series("old_total") == 1,
        )

    def series(self, metric):
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/api/v1/query?query={metric}", timeout=5
            ) as reply:
                return len(json.load(reply)["data"]["result"])
        except OSError:
            return 0


class House:
    """A directory, and everything that was started; used as `with House() as house`."""

    def __init__(self):
        self.home, self.running = pathlib.Path(tempfile.mkdtemp(prefix="titan-web-")), []

    def __enter__(self):
        return self

    def start(self, server):
        self.running.append(server)
        return server

    def __exit__(self, *ignored):
        for server in reversed(self.running):
            server.stop()
        shutil.rmtree(self.home, ignore_errors=True)
