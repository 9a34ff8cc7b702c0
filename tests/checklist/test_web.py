#!/usr/bin/env python3
"""Goal: the items of the checklist that look at the system from outside (https, websocket,
download, heartbeat, logs) pass where all is well and fail on each server that is wrong in one way,
with what is to be changed in the words; an item without its setting asks a person; no token,
password or log line is printed.

A row is one item: (probe, settings, status, words that must stand in what was found). All rows of a
family are one run of `titan-fsm preflight`. The servers are servers.py's: real TLS, nats-server and
Prometheus; Loki is a declared stand-in (loki_standin.py)."""
import json
import os
import pathlib
import subprocess
import sys

import servers

BUILD = pathlib.Path(
    os.environ.get("TITAN_BUILD", pathlib.Path(__file__).resolve().parent.parent.parent / "build")
)
PASSED, FAILED, UNDECIDED = "passed", "failed", "undecided"
EXIT = {PASSED: 0, FAILED: 21, UNDECIDED: 13}
SECRETS = ("t0ken-of-the-operator", "opass", "lpass", "S3CRET")


def preflight(house, rows, bus=""):
    """One run; the items in the order of the rows. What the run prints must not hold a secret."""
    items = "".join(
        f"  item{number}: {json.dumps({'probe': probe, 'advice': 'mend it', **settings})}\n"
        for number, (probe, settings, _, _) in enumerate(rows)
    )
    config = house.home / "titan.yml"
    config.write_text(
        f"""version: 1
journal: journal
target: {{name: here, local: true, directory: {house.home}}}
operator: {{principal: alice, key: alice.key}}
endpoints: {{web: {{url: "http://127.0.0.1:1/health"}}}}
{bus}
checklist: own
preflight:
{items}"""
    )
    result = subprocess.run(
        [BUILD / "fsm" / "titan-fsm", "preflight", "--config", config, "--json"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
    )
    printed = result.stdout.decode() + result.stderr.decode()
    if any(secret in printed for secret in SECRETS):
        raise AssertionError("a secret was printed: " + printed)
    if result.returncode not in EXIT.values() or result.stdout == b"":
        raise AssertionError(f"{result.returncode}: {printed}")
    return result.returncode, json.loads(result.stdout)["items"]


def judge(name, house, rows, bus=""):
    status, items = preflight(house, rows, bus)
    problems = []
    for (probe, settings, expected, words), item in zip(rows, items, strict=True):
        missing = [word for word in words if word not in item["found"]]
        if item["status"] != expected or missing:
            problems.append(
                f"  {probe} {settings}: {item['status']} and not {expected}, without {missing}:"
                f" {item['found']}"
            )
    kinds = {row[2] for row in rows}
    wanted = EXIT[FAILED if FAILED in kinds else UNDECIDED if UNDECIDED in kinds else PASSED]
    if status != wanted:
        problems.append(f"  exit status {status} and not {wanted}")
    print(("FAIL " if problems else "ok   ") + f"{name} ({len(rows)} items)")
    print("\n".join(problems), end="\n" if problems else "")
    return not problems


def private(house, name, text, mode=0o600):
    path = house.home / name
    path.write_text(text)
    path.chmod(mode)
    return str(path)


class Web:
    """One authority that is known, one that is not, and a server for each way in which a
    certificate can be."""

    def __init__(self, house):
        known, other = servers.Authority(house.home, "known"), servers.Authority(
            house.home, "other"
        )
        contexts = {
            "good": known.context("good"),
            "expired": known.context("expired", days=-1),
            "wrong": known.context("wrong", "DNS:other.example"),
            "stranger": other.context("stranger"),
            "alone": known.self_signed("alone"),
            "plain": None,
        }
        self.pages = {
            name: house.start(servers.pages(context)).port for name, context in contexts.items()
        }
        self.sockets = {
            name: house.start(servers.sockets(contexts[name])).port
            for name in ("good", "expired", "plain")
        }
        self.ca = {"ca_file": str(known.file)}
        self.closed = servers.free_port()

    def page(self, path, server="good", **settings):
        return {
            "url": f"https://127.0.0.1:{self.pages.get(server, self.closed)}{path}",
            **self.ca,
            **settings,
        }

    def socket(self, path, server="good", **settings):
        scheme = "ws" if server == "plain" else "wss"
        return {
            "url": f"{scheme}://127.0.0.1:{self.sockets.get(server, self.closed)}{path}",
            **self.ca,
            **settings,
        }


def https(house, web):
    def row(settings, status, *words):
        return "https", settings, status, words

    good = [
        row(web.page("/console"), PASSED, "200", "verified"),
        row(web.page("/moved"), PASSED),
        row(web.page("/large"), PASSED),
        row(web.page("/console", text="Titan"), PASSED),
    ]
    bad = [
        row(web.page("/console", "expired"), FAILED, str(web.pages["expired"]), "has expired"),
        row(web.page("/console", "wrong"), FAILED, "another host"),
        row(web.page("/console", "stranger"), FAILED, "authority that is not known", "ca_file"),
        row(web.page("/console", "alone"), FAILED, "self-signed"),
        row(
            {**web.page("/console"), "ca_file": ""},
            FAILED,
            "authority that is not known",
            "ca_file",
        ),
        row(
            web.page("/console", ca_file="absent.pem"),
            FAILED,
            "ca_file cannot be used",
            "absent.pem",
        ),
        row(web.page("/console", "plain"), FAILED, "does not speak TLS"),
        row(
            {"url": f"http://127.0.0.1:{web.pages['plain']}/console"},
            FAILED,
            "not encrypted",
            "write https://",
        ),
        row({"url": "titan.example"}, FAILED, "titan.example"),
        row({"url": "https://alice:S3CRET@127.0.0.1/"}, FAILED, "user name"),
        row({"url": "https://titan.invalid/"}, FAILED, "https://titan.invalid/", "resolve"),
        row(web.page("/console", "closed"), FAILED, str(web.closed), "connect"),
        row(web.page("/503"), FAILED, "/503 answers 503"),
        row(web.page("/404"), FAILED, "404"),
        row(web.page("/guarded/console"), FAILED, "401"),
        row(web.page("/json"), FAILED, "application/json and not text/html"),
        row(web.page("/htmlx"), FAILED, "text/htmlx"),
        row(web.page("/untyped"), FAILED, "no Content-Type"),
        row(web.page("/text"), FAILED, "no HTML"),
        row(web.page("/empty"), FAILED, "empty"),
        row(web.page("/console", text="Grafana"), FAILED, "`Grafana`"),
        row(web.page("/cut"), FAILED, "/cut: "),
        row(web.page("/away"), FAILED, "another place: https://127.0.0.2:1/login"),
        row(web.page("/down"), FAILED, "another place: http://"),
        row(web.page("/loop"), FAILED, "too often"),
        row(web.page("/hang", within_ms=300), FAILED, "within 300 ms"),
    ]
    return (
        judge("https, all is well", house, good)
        & judge("https", house, good + bad)
        & judge("https, no url", house, [row({"url": ""}, UNDECIDED, "url is not configured")])
    )


def download(house, web):
    token = {"token_file": private(house, "token", "t0ken-of-the-operator\n")}

    def row(settings, status, *words):
        return "download", settings, status, words

    good = [
        row(web.page("/export"), PASSED, "attachment with content"),
        row(web.page("/export/large"), PASSED),
        row(web.page("/guarded/export", **token), PASSED),
    ]
    bad = [
        row(web.page("/export/inline"), FAILED, "inline and not attachment"),
        row(web.page("/export/none"), FAILED, "absent"),
        row(web.page("/export/almost"), FAILED, "attachments"),
        row(web.page("/export/empty"), FAILED, "without content"),
        row(web.page("/503"), FAILED, "503"),
        row(web.page("/export", "expired"), FAILED, "expired"),
        row(web.page("/guarded/export"), FAILED, "401", "token_file"),
        row(
            web.page("/export", token_file=private(house, "open", "t0ken-of-the-operator", 0o644)),
            FAILED,
            "open: token_file",
            "readable by others",
            "chmod 600",
        ),
        row(web.page("/export", token_file="absent"), FAILED, "absent: token_file"),
        row(
            web.page(
                "/export", token_file=private(house, "two-lines", "t0ken-of-the-operator\r\nX: y")
            ),
            FAILED,
            "two-lines: token_file",
        ),
        row(
            {"url": f"http://127.0.0.1:{web.pages['plain']}/export", **token},
            FAILED,
            "not encrypted",
        ),
        row(web.page("/hang", within_ms=300), FAILED, "within 300 ms"),
    ]
    return (
        judge("download, all is well", house, good)
        & judge("download", house, good + bad)
        & judge("download, no url", house, [row({}, UNDECIDED, "url is not configured")])
    )


def websocket(house, web):
    token = {"token_file": private(house, "token", "t0ken-of-the-operator\n")}
    connected, short = {"text": '"Connected"'}, {"within_ms": 300}

    def row(settings, status, *words):
        return "websocket", settings, status, words

    good = [
        row(web.socket("/good", **connected), PASSED, "in time"),
        row(web.socket("/good", "plain"), PASSED),
        row(web.socket("/ping", **connected), PASSED),
        row(web.socket("/fragments", **connected), PASSED),
        row(web.socket("/guarded", **token), PASSED),
    ]
    bad = [
        row(web.socket("/wrong-accept"), FAILED, "Sec-WebSocket-Accept"),
        row(web.socket("/plain"), FAILED, "200 and not 101"),
        row(web.socket("/guarded"), FAILED, "401"),
        row(web.socket("/gone"), FAILED, "ended before the handshake"),
        row(web.socket("/mute", **short), FAILED, "handshake was not answered"),
        row(web.socket("/drops"), FAILED, "ended before the first message"),
        row(web.socket("/closes"), FAILED, "code 1008 before the first message"),
        row(web.socket("/silent", **short), FAILED, "no message within 300 ms"),
        row(web.socket("/second", **connected), FAILED, '`"Connected"`'),
        row(web.socket("/binary"), FAILED, "binary"),
        row(web.socket("/masked"), FAILED, "masked"),
        row(web.socket("/huge"), FAILED, "longer than 65536"),
        row(web.socket("/good", "expired"), FAILED, str(web.sockets["expired"]), "has expired"),
        row({**web.socket("/good"), "ca_file": ""}, FAILED, "authority"),
        row(web.socket("/good", "closed"), FAILED, str(web.closed), "connect"),
        row(web.socket("/good", "plain", **token), FAILED, "write wss://"),
        row({"url": f"wss://127.0.0.1:{web.sockets['plain']}/good"}, FAILED, "does not speak TLS"),
        row({"url": "https://127.0.0.1/ws"}, FAILED, "write wss://"),
        row(
            web.socket("/good", token_file=private(house, "open", "x", 0o640)),
            FAILED,
            "open: token_file",
        ),
    ]
    return (
        judge("websocket, all is well", house, good)
        & judge("websocket", house, good + bad)
        & judge("websocket, no url", house, [row({}, UNDECIDED, "url is not configured")])
    )


def heartbeat(house):
    bus = house.start(servers.Bus(house.home))
    beat = "titan.sys.heartbeat.v1."

    def row(subjects, status, *words, within_ms=400):
        return "heartbeat", {"subjects": subjects, "within_ms": within_ms}, status, words

    def as_user(user, port=bus.port, mode=0o600, word=None):
        return (
            f"bus: {{host: 127.0.0.1, port: {port}, user: {user}, password_file:"
            f" {private(house, 'bus.' + user, word or user[0] + 'pass', mode)}}}"
        )

    good = [
        row([beat + ">"], PASSED, within_ms=10000),
        row([beat + "risk-guardian", "titan.*.heartbeat.>"], PASSED, "2 subjects", within_ms=10000),
    ]
    bad = [
        row([beat + "absent"], FAILED, beat + "absent", "400 ms"),
        row([beat + ">", beat + "once"], FAILED, "no message arrived on " + beat + "once"),
        row(["titan.evt.>"], FAILED, "does not permit", "`operator`", "titan.evt.>"),
        row([beat + ">", "titan.evt.a"], FAILED, "titan.evt.a: grant it"),
        row(
            [beat[:-1] + " queue"], FAILED, "`titan.sys.heartbeat.v1 queue` is not a valid subject"
        ),
        row([">.a"], FAILED, "not a valid subject"),
        row(["titan..a"], FAILED, "not a valid subject"),
        row([], UNDECIDED, "subjects is not configured"),
    ]
    one = good[0][1]["subjects"]
    return (
        judge("heartbeat, all is well", house, good, as_user("operator"))
        & judge("heartbeat", house, good + bad, as_user("operator"))
        & judge(
            "heartbeat, a user without the right",
            house,
            [row(one, FAILED, "does not permit", "`limited`", "grant it")],
            as_user("limited"),
        )
        & judge(
            "heartbeat, wrong password",
            house,
            [row(one, FAILED, "nats://127.0.0.1:", "Authentication Violation")],
            as_user("operator", word="guess"),
        )
        & judge(
            "heartbeat, password readable",
            house,
            [row(one, FAILED, "bus.operator", "chmod 600")],
            as_user("operator", mode=0o644),
        )
        & judge(
            "heartbeat, no bus there",
            house,
            [row(one, FAILED, "cannot be reached")],
            as_user("operator", port=servers.free_port()),
        )
        & judge(
            "heartbeat, no bus configured",
            house,
            [row(one, UNDECIDED, "bus.host is not configured")],
        )
    )


def logs(house, web, server):
    server.await_samples()
    plain = f"http://127.0.0.1:{web.pages['plain']}"
    prometheus = f"http://127.0.0.1:{server.port}"

    def row(settings, status, *words, within_ms=10000):
        return "logs", {"within_ms": within_ms, **settings}, status, words

    def of(query, base=prometheus):
        return {"prometheus": base, "prometheus_query": query}

    def loki(kind, query='{job="titan"}'):
        return {"loki": f"{plain}/loki-of/{kind}", "loki_query": query}

    good = [
        row({"prometheus": prometheus + "/"}, PASSED, "2 series"),
        row(of('fresh_total{job="titan"}'), PASSED, "1 series"),
        row(of("old_total"), PASSED, within_ms=600000),
        row(loki("good"), PASSED, "recent line"),
        row({**of("up"), **loki("good")}, PASSED, "2 series", "recent line"),
        row(loki("old"), PASSED, within_ms=7200000),
    ]
    bad = [
        row(of("old_total"), FAILED, prometheus, "`old_total`", "10000 ms", "prometheus_query"),
        row(of("no_such_metric"), FAILED, "`no_such_metric`"),
        row(of("sum(old_total)"), FAILED, "prometheus_query `sum(old_total)`", "selector"),
        row(of("up #"), FAILED, "prometheus_query"),
        row(of("up{"), FAILED, "prometheus_query"),
        row(
            of("up", f"http://127.0.0.1:{web.closed}"),
            FAILED,
            str(web.closed),
            "(prometheus)",
            "connect",
        ),
        row(of("up", plain + "/busy"), FAILED, "/busy/-/ready answers 503"),
        row(of("up", plain), FAILED, "not as Prometheus does"),
        row(of("up", "prometheus:9090"), FAILED, "prometheus: write http://"),
        row(loki("old"), FAILED, "no line of", "loki_query"),
        row(loki("older"), FAILED, "no line of"),
        row(loki("silent"), FAILED, "no line of"),
        row(loki("unready"), FAILED, "answers 503", "(loki)"),
        row(loki("ahead"), FAILED, "ahead of the target's clock"),
        row(loki("good", "titan"), FAILED, "refuses loki_query `titan`"),
        row(loki("good", 'rate({job="titan"}[1m])'), FAILED, "must select lines"),
        row({"loki": plain + "/absent"}, FAILED, "404"),
        row({**of("old_total"), **loki("good")}, FAILED, "old_total", "recent line"),
        row({**of("up"), **loki("silent")}, FAILED, "2 series", "no line of"),
        row({}, UNDECIDED, "neither is configured"),
    ]
    return (
        judge("logs, all is well", house, good)
        & judge("logs", house, good + bad)
        & judge("logs, neither", house, bad[-1:])
    )


def main():
    with servers.House() as house:
        prometheus = house.start(servers.Prometheus(house.home, house.start(servers.pages())))
        web = Web(house)
        results = [
            https(house, web),
            download(house, web),
            websocket(house, web),
            heartbeat(house),
            logs(house, web, prometheus),
        ]
    return 0 if all(results) else 1


sys.exit(main())
