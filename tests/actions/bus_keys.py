"""Writes into DIRECTORY what a NATS server and its clients need for each kind of login: keys, JWTs,
certificates, and one configuration a kind. usage: bus_keys.py DIRECTORY PORT"""

import base64
import datetime
import hashlib
import ipaddress
import json
import os
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

OPERATOR, ACCOUNT, USER, SEED = 14 << 3, 0, 20 << 3, 18 << 3


def crc16(data):
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc.to_bytes(2, "little")


def base32(data):
    return base64.b32encode(data + crc16(data)).decode().rstrip("=")


class NKey:
    """A pair of keys in the notation of NATS."""

    def __init__(self, kind):
        self.private = ed25519.Ed25519PrivateKey.generate()
        raw = serialization.Encoding.Raw
        secret = self.private.private_bytes(
            raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
        )
        public = self.private.public_key().public_bytes(raw, serialization.PublicFormat.Raw)
        self.public = base32(bytes([kind]) + public)
        self.seed = base32(bytes([SEED | kind >> 5, (kind & 31) << 3]) + secret)


def base64_url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def jwt(issuer, subject, name, kind, more):
    claims = {"iat": 1700000000, "iss": issuer.public, "name": name, "sub": subject.public}
    claims["nats"] = {"type": kind, "version": 2, **more}
    claims["jti"] = base64.b32encode(hashlib.sha256(repr(claims).encode()).digest()).decode()
    header = {"typ": "JWT", "alg": "ed25519-nkey"}
    text = ".".join(base64_url(json.dumps(part).encode()) for part in (header, claims))
    return text + "." + base64_url(issuer.private.sign(text.encode()))


def write(name, text):
    """600 from the beginning."""
    descriptor = os.open(DIRECTORY / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def configuration(name, text):
    write(f"{name}.conf", f"listen: 127.0.0.1:{PORT}\n{text}\n")


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def certificate(name, issuer, alternatives):
    """Key and certificate below `issuer` (None = of itself), written as NAME.key and NAME.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.utcnow()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[1] if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), True)
    )
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), False)
    made = builder.sign(issuer[0] if issuer else key, hashes.SHA256())
    write(f"{name}.key", pem(key))
    write(f"{name}.pem", made.public_bytes(serialization.Encoding.PEM).decode())
    return key, subject


def write_nkey():
    user, other = NKey(USER), NKey(USER)
    write("nkey", user.seed + "\n")
    write("nkey.public", user.public)
    write("nkey.other", other.seed + "\n")
    configuration("nkey", f"authorization {{ users = [ {{ nkey: {user.public} }} ] }}")


def write_creds():
    operator, account, user = NKey(OPERATOR), NKey(ACCOUNT), NKey(USER)
    limits = {"subs": -1, "data": -1, "payload": -1}
    operator_jwt = jwt(operator, operator, "operator", "operator", {})
    account_limits = {**limits, "imports": -1, "exports": -1, "wildcards": True, "conn": -1}
    account_limits["leaf"] = -1
    account_jwt = jwt(operator, account, "account", "account", {"limits": account_limits})
    user_jwt = jwt(account, user, "driver", "user", {"pub": {}, "sub": {}, **limits})
    configuration(
        "creds",
        f"operator: {operator_jwt}\nresolver: MEMORY\n"
        f"resolver_preload: {{ {account.public}: {account_jwt} }}",
    )
    write(
        "creds",
        f"-----BEGIN NATS USER JWT-----\n{user_jwt}\n------END NATS USER JWT------\n\n"
        "NKEY Seed printed below can be used to sign and prove identity.\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n",
    )
    write("creds.torn", f"-----BEGIN NATS USER JWT-----\n{user_jwt}\n")


def write_tls():
    authority = certificate("authority", None, None)
    certificate("stranger", None, None)
    certificate("server", authority, [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate("elsewhere", authority, [x509.DNSName("nats.example")])
    certificate("client", authority, [x509.DNSName("driver.example")])
    for name, of, verify in [
        ("tls", "server", ""),
        ("tls-name", "elsewhere", ""),
        ("tls-client", "server", f'ca_file: "{DIRECTORY}/authority.pem", verify: true'),
    ]:
        files = f'cert_file: "{DIRECTORY}/{of}.pem", key_file: "{DIRECTORY}/{of}.key"'
        configuration(name, f"tls {{ {files}, {verify} }}")


DIRECTORY, PORT = pathlib.Path(sys.argv[1]), int(sys.argv[2])
write("password", "p4ss-of-the-driver\n")
write("token", "t0ken-of-the-driver\n")
write("other", "s0mebody-elses\n")
write("empty", "\n")
configuration(
    "password", 'authorization { users = [ { user: driver, password: "p4ss-of-the-driver" } ] }'
)
configuration("token", 'authorization { token: "t0ken-of-the-driver" }')
write_nkey()
write_creds()
write_tls()
