"""A declared stand-in for two endpoints of Grafana Loki, /ready and /loki/api/v1/query_range:
Debian has no Loki (its package of that name is genetics software). It answers in the form of Loki's
HTTP API: `start` (nanoseconds; an hour ago where absent) and `limit` are obeyed, lines come newest
first under direction=backward, a query that does not parse is 400 with plain text, one that
computes a figure gives a matrix."""
import json
import re
import time
from urllib.parse import parse_qs

SELECTOR = re.compile(r'\{\s*\w+\s*(=|=~)\s*"[^"]*"\s*\}')


def answer(path, query, lines, ready=True, obeys_start=True):
    """(status, content type, body) for one request; lines: [(age in seconds, text)]."""
    if path == "/ready":
        return (
            (200, "text/plain", b"ready\n")
            if ready
            else (503, "text/plain", b"Ingester not ready: waiting for 15s after being ready\n")
        )
    if path != "/loki/api/v1/query_range":
        return 404, "text/plain", b"404 page not found\n"
    given = {key: values[0] for key, values in parse_qs(query).items()}
    if given["query"].startswith(("rate(", "count_over_time(")):
        return success("matrix", [])
    if not SELECTOR.fullmatch(given["query"]):
        return (
            400,
            "text/plain",
            b"parse error at line 1, col 1: syntax error: unexpected IDENTIFIER\n",
        )
    now = time.time_ns()
    start = int(given.get("start", now - 3600 * 10**9)) if obeys_start else 0
    found = sorted(
        ((now - int(age * 10**9), text) for age, text in lines),
        reverse=given["direction"] == "backward",
    )
    found = [[str(stamp), text] for stamp, text in found if stamp >= start][: int(given["limit"])]
    return success("streams", [{"stream": {"job": "titan"}, "values": found}] if found else [])


def success(kind, result):
    return (
        200,
        "application/json",
        json.dumps(
            {"status": "success", "data": {"resultType": kind, "result": result, "stats": {}}}
        ).encode(),
    )
