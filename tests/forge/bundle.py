"""Bundles of journal format 1, written from journal/FORMAT.md alone: read, written, signed again.

A journal is a list of entries (dicts in the payload's key order) and a store of blobs. sign() fills
`prev` and signs; what names the hash of another entry (approvals, tenancies, anchors) follows."""

import base64
import hashlib
import json
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

JOURNAL, APPROVAL = "titan-journal-v1", "titan-approval-v1"


# json.dumps() would make one at every call.
CANONICAL = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def canonical(value):
    return CANONICAL.encode(value).encode()


def base64_text(data):
    return base64.b64encode(data).decode()


def ssh_string(data):
    return struct.pack(">I", len(data)) + data


class Key:
    """An Ed25519 key from a name: the same name is always the same key."""

    def __init__(self, name):
        seed = hashlib.sha256(b"tests/forge " + name.encode()).digest()
        self.private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.hex = self.public.hex()
        self.signed = {}  # one journal is signed again and again, mostly as it was

    def ssh_blob(self):
        return ssh_string(b"ssh-ed25519") + ssh_string(self.public)

    def line(self, principals, namespaces=(JOURNAL, APPROVAL)):
        words = ",".join(namespaces)
        return f'{principals} namespaces="{words}" ssh-ed25519 {base64_text(self.ssh_blob())}'

    def sign(self, namespace, data):
        signed = (
            b"SSHSIG"
            + ssh_string(namespace.encode())
            + ssh_string(b"")
            + ssh_string(b"sha512")
            + ssh_string(hashlib.sha512(data).digest())
        )
        if signed not in self.signed:
            self.signed[signed] = self.private.sign(signed)
        return self.signed[signed]

    def armored(self, namespace, data):
        blob = b"SSHSIG" + struct.pack(">I", 1) + ssh_string(self.ssh_blob())
        blob += ssh_string(namespace.encode()) + ssh_string(b"") + ssh_string(b"sha512")
        blob += ssh_string(ssh_string(b"ssh-ed25519") + ssh_string(self.sign(namespace, data)))
        text = base64_text(blob)
        lines = [text[at : at + 70] for at in range(0, len(text), 70)]
        head, foot = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
        return "\n".join([head, *lines, foot, ""])


def public_of_armor(armor):
    """The raw public key in an armored SSHSIG."""
    data = base64.b64decode("".join(armor.strip().splitlines()[1:-1]))
    return data[10 + 4 + 4 + 11 + 4 :][:32]


class Keys:
    """Own keys by their public half; for_public() makes one that stands for a foreign key."""

    def __init__(self):
        self.by_hex, self.instead = {}, {}

    def add(self, key):
        self.by_hex[key.hex] = key
        return key

    def for_public(self, public_hex):
        if public_hex not in self.by_hex and public_hex not in self.instead:
            self.instead[public_hex] = self.add(Key("instead of " + public_hex))
        return self.by_hex.get(public_hex) or self.instead[public_hex]


def merkle_root(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = [
            hashlib.sha256(b"\1" + level[at] + level[at + 1]).digest()
            for at in range(0, len(level) - 1, 2)
        ]
        level = pairs + level[len(level) - len(level) % 2 :]
    return level[0]


def note(journal, leaves, key):
    origin = "titan/" + journal
    text = f"{origin}\n{len(leaves)}\n{base64_text(merkle_root(leaves))}\n"
    name = hashlib.sha256(origin.encode() + b"\n\x01" + key.public).digest()[:4]
    signature = base64_text(name + key.private.sign(text.encode()))
    return f"{text}\n\u2014 {origin} {signature}\n"


class Journal:
    def __init__(self, keys):
        self.keys, self.entries, self.blobs = keys, [], {}
        self.stored = []  # stored values, as far as they are signed
        self.unreferred, self.note_key = {}, None  # what a bundle should not have

    def blob(self, data):
        data = data.encode() if isinstance(data, str) else data
        name = hashlib.sha256(data).hexdigest()
        self.blobs[name] = data
        return name

    def text(self, item):
        return self.blobs[item["output"]].decode()

    def head(self, seq):
        return hashlib.sha256(self.stored[seq]).hexdigest()

    def sign_next(self):
        """Signs the first entry that is not signed yet."""
        entry = self.entries[len(self.stored)]
        entry["prev"] = self.head(len(self.stored) - 1) if self.stored else "0" * 64
        payload = canonical(entry)
        key = self.keys.by_hex[entry["signer"]]
        self.stored.append(key.sign(JOURNAL, payload) + payload)

    def write(self, path):
        key = self.note_key or self.checkpoint_key()
        referred = {
            item["output"] for entry in self.entries for item in entry["body"].get("evidence", [])
        }
        blobs = {name: data for name, data in self.blobs.items() if name in referred}
        for data in self.unreferred.values():
            blobs[hashlib.sha256(data).hexdigest()] = data
        head = {
            "titan_bundle": 1,
            "journal": self.entries[0]["journal"],
            "entries": len(self.stored),
            "blobs": len(blobs),
        }
        lines = [canonical(head)]
        for seq, value in enumerate(self.stored):
            line = {
                "seq": seq,
                "payload": base64_text(value[64:]),
                "signature": base64_text(value[:64]),
            }
            lines.append(canonical(line))
        for name in sorted(blobs):
            lines.append(canonical({"sha256": name, "data": base64_text(blobs[name])}))
        lines.append(canonical({"checkpoint": note(self.entries[0]["journal"], self.stored, key)}))
        with open(path, "wb") as file:
            file.write(b"\n".join(lines) + b"\n")

    def checkpoint_key(self):
        """An operator of the roster in force speaks for a journal at any time."""
        roster = None
        for entry in self.entries:
            roster = entry["body"].get("roster", roster)
        blob = base64.b64decode(roster["operators"][0].split("ssh-ed25519 ")[1].split()[0])
        return self.keys.by_hex[blob[-32:].hex()]


def read(path):
    """(entries, stored values, blobs) of a bundle."""
    entries, stored, blobs = [], [], {}
    with open(path, "rb") as file:
        for line in file:
            value = json.loads(line)
            if "payload" in value:
                payload = base64.b64decode(value["payload"])
                entries.append(json.loads(payload))
                stored.append(base64.b64decode(value["signature"]) + payload)
            elif "sha256" in value:
                blobs[value["sha256"]] = base64.b64decode(value["data"])
    return entries, stored, blobs
