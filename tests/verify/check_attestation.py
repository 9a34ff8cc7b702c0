#!/usr/bin/python3
"""Goal: what --attest writes is what the public formats say, by implementations that are not ours:
OpenSSL over the PAE and Debian's securesystemslib over the signature, and the fields one by one
against in-toto Statement v1 and SLSA VSA v1. Each flipped byte of the payload, of the type, of the
signature must fail with both.

check_attestation.py FILE PUBLIC BUNDLE TRUST POLICY [CHECKPOINT]; run by test_attest.c. Debian's
own python, because securesystemslib is Debian's."""
import base64
import datetime
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Signature, SSlibKey

IMAGE, MANIFEST, COMMIT = f"{2:064d}", f"{3:064d}", "2" * 40
CLAIMS = [
    "INTEGRITY",
    "AUTHORITY",
    "PROCEDURE",
    "PREFLIGHT",
    "INTERLOCK",
    "PARITY",
    "WINDOW",
    "RESTORATION",
    "CLOCKS",
]


def pae(kind, body):
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)


def openssl_accepts(public, message, signature):
    with tempfile.TemporaryDirectory() as place:
        where = pathlib.Path(place)
        (where / "message").write_bytes(message)
        (where / "signature").write_bytes(signature)
        words = [
            "openssl",
            "pkeyutl",
            "-verify",
            "-pubin",
            "-inkey",
            public,
            "-rawin",
            "-in",
            where / "message",
            "-sigfile",
            where / "signature",
        ]
        return (
            subprocess.run(
                words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60
            ).returncode
            == 0
        )


def securesystemslib_accepts(raw_key, keyid, message, signature):
    key = SSlibKey(keyid, "ed25519", "ed25519", {"public": raw_key.hex()})
    try:
        key.verify_signature(Signature(keyid, signature.hex()), message)
    except UnverifiedSignatureError:  # any other says that it could not judge
        return False
    return True


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def check_signature(envelope, public):
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-in", public, "-outform", "DER"],
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    ).stdout
    assert der[:12].hex() == "302a300506032b6570032100" and len(der) == 44
    raw = der[12:]
    assert (
        list(envelope) == ["payload", "payloadType", "signatures"]
        and len(envelope["signatures"]) == 1
    )
    kind, body = envelope["payloadType"].encode(), base64.b64decode(
        envelope["payload"], validate=True
    )
    only = envelope["signatures"][0]
    signature = base64.b64decode(only["sig"], validate=True)
    assert only["keyid"] == hashlib.sha256(der).hexdigest()
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert openssl_accepts(public, pae(kind, body), signature) and securesystemslib_accepts(
        raw, only["keyid"], pae(kind, body), signature
    )

    def flipped(data, at):
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    for at in range(len(body)):
        assert not securesystemslib_accepts(
            raw, only["keyid"], pae(kind, flipped(body, at)), signature
        ), f"payload byte {at}"
    for at in range(len(signature)):
        assert not securesystemslib_accepts(
            raw, only["keyid"], pae(kind, body), flipped(signature, at)
        ), f"signature byte {at}"
    assert not securesystemslib_accepts(raw, only["keyid"], pae(flipped(kind, 3), body), signature)
    for bad, sig in (
        (pae(kind, flipped(body, 40)), signature),
        (pae(flipped(kind, 3), body), signature),
        (pae(kind, body), flipped(signature, 5)),
        (body, signature),
    ):
        assert not openssl_accepts(public, bad, sig)
    return json.loads(body)


def check_statement(statement, bundle, trust, policy, checkpoint):
    assert list(statement) == ["_type", "subject", "predicateType", "predicate"]
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/verification_summary/v1"
    assert statement["subject"] == [
        {"name": "commit", "digest": {"gitCommit": COMMIT}},
        {"name": "image/titan-brain", "digest": {"sha256": IMAGE}},
        {"name": "image/titan-execution", "digest": {"sha256": IMAGE}},
        {
            "name": "manifest/titan-execution/127.0.0.1:5000/execution",
            "digest": {"sha256": MANIFEST},
        },
    ], statement["subject"]
    predicate = statement["predicate"]
    required = {
        "verifier",
        "timeVerified",
        "resourceUri",
        "policy",
        "verificationResult",
        "verifiedLevels",
    }
    assert set(predicate) == required | {"inputAttestations"}
    assert predicate["verifier"]["id"] == "titan:verifier"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", predicate["timeVerified"])
    verified = datetime.datetime.strptime(predicate["timeVerified"], "%Y-%m-%dT%H:%M:%S%z")
    assert abs((datetime.datetime.now(datetime.timezone.utc) - verified).total_seconds()) < 3600
    assert predicate["resourceUri"] == "titan:target:titan-test"
    assert predicate["policy"] == {
        "uri": "titan:policy:v1",
        "digest": {"sha256": sha256(policy)},
        "annotations": {"titan:trust": {"sha256": sha256(trust)}},
    }
    assert predicate["verificationResult"] == "PASSED"
    levels = predicate["verifiedLevels"]
    assert not any(level.startswith("SLSA_") or level == "FAILED" for level in levels)
    proven = {"TITAN_" + claim for claim in CLAIMS} - {
        "TITAN_RESTORATION"
    }  # nothing was rolled back: not applicable, so it has no name
    assert set(levels) == proven | ({"TITAN_ANCHORED"} if checkpoint else set()) and len(
        levels
    ) == len(set(levels)), levels
    lines = pathlib.Path(bundle).read_text("utf-8").splitlines()
    head, last = json.loads(lines[0]), json.loads(lines[json.loads(lines[0])["entries"]])
    value = base64.b64decode(last["signature"]) + base64.b64decode(last["payload"])
    inputs = predicate["inputAttestations"]
    assert inputs[0] == {
        "uri": "titan:journal:" + head["journal"],
        "digest": {"sha256": sha256(bundle)},
        "annotations": {
            "titan:deployment": 1,
            "titan:entries": head["entries"],
            "titan:head": hashlib.sha256(value).hexdigest(),
            "titan:procedure": "policy",
        },
    }, inputs[0]
    others = (
        [
            {
                "uri": f"titan:checkpoint:{head['journal']}:{head['entries']}",
                "digest": {"sha256": sha256(checkpoint)},
            }
        ]
        if checkpoint
        else []
    )
    assert inputs[1:] == others


def main(file, public, bundle, trust, policy, checkpoint=None):
    text = pathlib.Path(file).read_text("ascii")
    assert text.endswith("}\n") and text.count("\n") == 1
    check_statement(check_signature(json.loads(text), public), bundle, trust, policy, checkpoint)
    print("accepted by OpenSSL and securesystemslib; each flipped byte refused")


main(*sys.argv[1:])
