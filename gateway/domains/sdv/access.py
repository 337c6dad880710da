"""Who a client is: JSON web tokens (RFC 7519), signed by the key's owner, as kuksa's databroker takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from gateway.domains.errors import Code, DomainError, ServeError, need_extra
from gateway.domains.sdv.permissions import EVERYTHING, Permissions, parse_scopes
from gateway.sim import calendar_ns

ALGORITHMS: Final = ["RS256", "RS384", "RS512", "ES256", "ES384", "EdDSA"]
AUDIENCE: Final = "kuksa.val"
CACHED: Final = 1024


class Access:
    """What a token allows. Without a key everybody may do everything."""

    def __init__(self, key: bytes | None = None, source: str = "the key") -> None:
        """ServeError for bytes that are no public key or certificate in PEM."""
        self.open: Final = key is None
        self._key = None if key is None else _public_key(key, source)
        self._known: dict[str, Permissions] = {}

    @classmethod
    def of_file(cls, path: Path | None) -> Access:
        """ServeError for a file that cannot be read or holds no public key."""
        if path is None:
            return cls()
        try:
            return cls(path.read_bytes(), str(path))
        except OSError as error:
            raise ServeError(f"the key cannot be read: {error.strerror}", file=str(path)) from None

    def permissions(self, authorization: str | None) -> Permissions:
        """Of an `authorization` header (`Bearer TOKEN`). DomainError, UNAUTHENTICATED, for none or a bad one."""
        if self._key is None:
            return EVERYTHING
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise DomainError(Code.UNAUTHENTICATED, "no token: send `authorization: Bearer TOKEN`")
        permissions = self._known.get(token)
        if permissions is None:
            permissions = self._decode(token)
            if len(self._known) >= CACHED:
                self._known.clear()
            self._known[token] = permissions
        permissions.check_time(now_s())
        return permissions

    def _decode(self, token: str) -> Permissions:
        import jwt

        assert self._key is not None
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=ALGORITHMS,
                audience=AUDIENCE,
                options={"require": ["exp"], "verify_iat": False},
            )
        except jwt.ExpiredSignatureError:
            raise DomainError(Code.UNAUTHENTICATED, "the token has expired; ask for a new one") from None
        except jwt.PyJWTError as error:
            raise DomainError(Code.UNAUTHENTICATED, f"the token is not valid: {error}") from None
        return parse_scopes(str(claims.get("scope", "")), float(claims["exp"]))


def now_s() -> float:
    """Seconds since 1970, by which tokens expire."""
    return calendar_ns() / 1e9


def _public_key(data: bytes, source: str) -> Any:
    try:
        import jwt  # noqa: F401  # without it no token can be read: better told now
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError as error:
        raise need_extra("A key for tokens", "sdv", error) from None
    try:
        if b"BEGIN CERTIFICATE" in data:
            return x509.load_pem_x509_certificate(data).public_key()
        return load_pem_public_key(data)
    except ValueError:
        raise ServeError(
            "is no public key: expected is PEM, like `openssl rsa -in jwt.key -pubout` writes", file=source
        ) from None
