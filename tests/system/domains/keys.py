"""Keys and a certificate of the tests' own, made once."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path
from typing import NamedTuple

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.now(datetime.UTC)


class Keys(NamedTuple):
    """The owner's key for tokens, and files of the server."""

    private: rsa.RSAPrivateKey
    public_file: Path
    certificate_file: Path
    certificate_key_file: Path

    def token(self, scope: str, *, audience: str = "kuksa.val", lives_s: int = 3600) -> str:
        claims = {"sub": "test", "aud": [audience], "scope": scope, "exp": NOW + datetime.timedelta(seconds=lives_s)}
        return jwt.encode(claims, self.private, algorithm="RS256")


def make_keys(folder: Path) -> Keys:
    """The certificate is its own authority, for localhost and 127.0.0.1."""
    private = rsa.generate_private_key(65537, 2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (folder / "jwt.pub").write_bytes(public)
    own = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(own.public_key())
        .serial_number(1)
        .not_valid_before(NOW - datetime.timedelta(days=1))
        .not_valid_after(NOW + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(own, hashes.SHA256())
    )
    (folder / "server.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Keys(private, folder / "jwt.pub", folder / "server.pem", folder / "server.key")
