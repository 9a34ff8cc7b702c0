"""Any honest bundle under keys of one's own: every signer is mapped, everything is signed again.

Goal: what a change leaves is a journal that an insider with the right keys could have written. So
whatever names the hash of an entry is made to fit: `prev`, approvals, tenancies, anchors."""

import base64
import hashlib
import json
import pickle
import re

import bundle

KEY_IN_LINE = re.compile(r"ssh-ed25519 (\S+)")


def public_of_line(line):
    return base64.b64decode(KEY_IN_LINE.search(line).group(1))[-32:].hex()


def map_line(line, keys):
    """A line of allowed_signers with the own key in place of the foreign one."""

    def own(match):
        public = base64.b64decode(match.group(1))[-32:]
        blob = keys.for_public(public.hex()).ssh_blob()
        return "ssh-ed25519 " + bundle.base64_text(blob)

    return KEY_IN_LINE.sub(own, line)


def map_keys(entry, keys):
    """Signer, session and roster under own keys. Approvals are signed again by refit()."""
    body = entry["body"]
    entry["signer"] = keys.for_public(entry["signer"]).hex
    if "session" in body:
        body["session"] = keys.for_public(body["session"]).hex
    for role in body.get("roster", {}).values():
        role[:] = [map_line(line, keys) for line in role]


class Refit:
    """Follows the hashes that change: old hash -> (new hash, place) of the same entry."""

    def __init__(self, journal):
        self.journal, self.new = journal, {}

    def tenancy(self, item):
        try:
            held = json.loads(self.journal.text(item))
        except ValueError:
            return
        new = self.new.get(held.get("head_hash")) if isinstance(held, dict) else None
        if new is not None:
            held["head_hash"], held["head_seq"] = new
            self.put(item, bundle.canonical(held) + b"\n")

    def put(self, item, data):
        item["output"], item["size"] = self.journal.blob(data), len(data)

    def approval(self, body):
        statement = json.loads(body["statement"])
        public = bundle.public_of_armor(body["signature"]).hex()
        key = self.journal.keys.for_public(public)
        statement["open"] = self.new.get(statement["open"], (statement["open"], 0))[0]
        body["statement"] = bundle.canonical(statement).decode()
        body["signature"] = key.armored(bundle.APPROVAL, body["statement"].encode())

    def anchor(self, body, before):
        size = int(body["checkpoint"].split("\n")[1])
        if size <= len(before):
            key = self.journal.checkpoint_key()
            name = self.journal.entries[0]["journal"]
            body["checkpoint"] = bundle.note(name, before[:size], key)

    def entry(self, entry):
        body = entry["body"]
        for item in body.get("evidence", []):
            if item["probe"] == "tenancy" and item["output"] in self.journal.blobs:
                self.tenancy(item)
        if entry["type"] == "approval":
            self.approval(body)
        if entry["type"] == "anchor":
            self.anchor(body, self.journal.stored)


def rebuild(journal, old, first=0):
    """Signs the entries from `first` on; `old` are the stored values that they had, by place."""
    refit = Refit(journal)
    places = journal.entries[first:]
    old_hash = {id(entry): hash_ for entry, hash_ in old}
    del journal.stored[first:]
    for entry in places:
        refit.entry(entry)
        journal.sign_next()
        before = old_hash.get(id(entry))
        if before is not None:
            seq = len(journal.stored) - 1
            refit.new[before] = journal.head(seq), seq
    return journal


def adopt(path, trust):
    """(journal, trust text) of a foreign bundle, under own keys."""
    entries, stored, blobs = bundle.read(path)
    keys = bundle.Keys()
    journal = bundle.Journal(keys)
    journal.entries, journal.blobs = entries, blobs
    for entry in entries:
        map_keys(entry, keys)
    old = [(entry, hashlib.sha256(value).hexdigest()) for entry, value in zip(entries, stored)]
    rebuild(journal, old)
    with open(trust, encoding="utf-8") as file:
        return journal, "".join(map_line(line, keys) for line in file)


def changed(journal, change, first=0):
    """A copy of the journal after change(copy), signed again. Entries before `first` are the same:
    they are shared and keep their signatures."""
    copy_of = bundle.Journal(journal.keys)
    copy_of.blobs = dict(journal.blobs)
    copy_of.stored = journal.stored[:first]
    # Data only, so that pickle copies it, in a fifth of deepcopy's time.
    copy_of.entries = journal.entries[:first] + pickle.loads(pickle.dumps(journal.entries[first:]))
    old = [(copy_of.entries[at], journal.head(at)) for at in range(first, len(journal.entries))]
    change(copy_of)
    return rebuild(copy_of, old, first)
