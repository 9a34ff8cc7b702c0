"""A bundle made longer by hand, validly signed: what somebody does who still has a key and writes
the record himself. OpenSSL signs; nothing of the driver is used."""
import base64
import hashlib
import json
import pathlib
import subprocess
import tempfile


def sign(seed, data):
    with tempfile.TemporaryDirectory() as directory:
        key, message = pathlib.Path(directory, "key.der"), pathlib.Path(directory, "message")
        key.touch(mode=0o600)
        key.write_bytes(bytes.fromhex("302e020100300506032b657004220420") + seed)
        message.write_bytes(data)
        return subprocess.run(
            [
                "openssl",
                "pkeyutl",
                "-sign",
                "-rawin",
                "-keyform",
                "DER",
                "-inkey",
                key,
                "-in",
                message,
            ],
            stdout=subprocess.PIPE,
            check=True,
        ).stdout


def public_key(seed):
    der = bytes.fromhex("302e020100300506032b657004220420") + seed
    return subprocess.run(
        ["openssl", "pkey", "-inform", "DER", "-pubout", "-outform", "DER"],
        input=der,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout[-32:]


def string(data):
    return len(data).to_bytes(4, "big") + data


def root(leaves):
    """RFC 6962, section 2.1, by its definition."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\1" + root(leaves[:half]) + root(leaves[half:])).digest()


def canonical(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class Bundle:
    def __init__(self, path):
        lines = [json.loads(line) for line in pathlib.Path(path).read_text("utf-8").splitlines()]
        self.head = lines[0]
        self.blobs = [line for line in lines if "sha256" in line]
        self.values = [
            base64.b64decode(line["signature"]) + base64.b64decode(line["payload"])
            for line in lines
            if "payload" in line
        ]

    def append(self, seed, kind, deployment, body):
        """One entry more, at the time of the last one, signed by this key."""
        last = json.loads(self.values[-1][64:])
        payload = {key: last[key] for key in ("v", "journal")}
        payload |= {
            "seq": len(self.values),
            "prev": hashlib.sha256(self.values[-1]).hexdigest(),
            "utc": last["utc"],
            "boot": last["boot"],
            "boottime_ns": last["boottime_ns"] + 1,
            "signer": public_key(seed).hex(),
            "type": kind,
        }
        payload |= {} if deployment is None else {"deployment": deployment}
        payload["body"] = body
        text = canonical(payload)
        signed = (
            b"SSHSIG"
            + string(b"titan-journal-v1")
            + string(b"")
            + string(b"sha512")
            + string(hashlib.sha512(text).digest())
        )
        self.values.append(sign(seed, signed) + text)

    def write(self, path, seed):
        """With a checkpoint of its own, by this key."""
        origin = "titan/" + self.head["journal"]
        tree_root = base64.b64encode(root(self.values)).decode()
        text = f"{origin}\n{len(self.values)}\n{tree_root}\n".encode()
        key_hash = hashlib.sha256(origin.encode() + b"\n\x01" + public_key(seed)).digest()[:4]
        note = (
            text.decode()
            + f"\n\u2014 {origin} {base64.b64encode(key_hash + sign(seed, text)).decode()}\n"
        )
        lines = [self.head | {"entries": len(self.values)}]
        lines += [
            {
                "seq": seq,
                "payload": base64.b64encode(value[64:]).decode(),
                "signature": base64.b64encode(value[:64]).decode(),
            }
            for seq, value in enumerate(self.values)
        ]
        lines += [*self.blobs, {"checkpoint": note}]
        pathlib.Path(path).write_bytes(b"".join(canonical(line) + b"\n" for line in lines))
