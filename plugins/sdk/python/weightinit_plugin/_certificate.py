"""A one-time TLS identity: a P-256 key and a self-signed certificate.

Plain Python on purpose: the alternative is a third dependency that takes
longer to import than the arithmetic takes to run. It is good for keys that
live as long as one process and are used with one peer, which is all a plugin
needs: the arithmetic is not constant-time, so nothing here suits a key that
others could time.

Curve and names are those of FIPS 186-5 and SEC 1; the certificate is that of
RFC 5280.
"""

from __future__ import annotations

import base64
import hashlib
import os
import time

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)

_DAY = 86_400
_LIFETIME = 3_650 * _DAY

# Object identifiers as DER has them, without tag and length.
_EC_PUBLIC_KEY = bytes.fromhex("2a8648ce3d0201")
_PRIME256V1 = bytes.fromhex("2a8648ce3d030107")
_ECDSA_SHA256 = bytes.fromhex("2a8648ce3d040302")
_COMMON_NAME = bytes.fromhex("550403")
_ALT_NAME = bytes.fromhex("551d11")
_KEY_USAGE = bytes.fromhex("551d0f")
_CONSTRAINTS = bytes.fromhex("551d13")
_EXTENDED_USAGE = bytes.fromhex("551d25")
_SERVER_AUTH = bytes.fromhex("2b06010505070301")
_CLIENT_AUTH = bytes.fromhex("2b06010505070302")

_SEQUENCE, _SET, _OID, _INTEGER, _BITS, _OCTETS = 0x30, 0x31, 0x06, 0x02, 0x03, 0x04

Point = tuple[int, int, int]


def _double(point: Point) -> Point:
    """Doubles a point in Jacobian coordinates; z = 0 is the point at infinity."""
    x, y, z = point
    y2 = y * y % _P
    s = 4 * x * y2 % _P
    z2 = z * z % _P
    m = 3 * (x - z2) * (x + z2) % _P
    x3 = (m * m - 2 * s) % _P
    return x3, (m * (s - x3) - 8 * y2 * y2) % _P, 2 * y * z % _P


def _add_g(point: Point) -> Point:
    """Adds the base point to a point in Jacobian coordinates."""
    x, y, z = point
    if z == 0:
        return (*_G, 1)
    z2 = z * z % _P
    h = (_G[0] * z2 - x) % _P
    r = (_G[1] * z2 * z - y) % _P
    if h == 0:
        return _double(point) if r == 0 else (1, 1, 0)
    h2 = h * h % _P
    h3 = h2 * h % _P
    v = x * h2 % _P
    x3 = (r * r - h3 - 2 * v) % _P
    return x3, (r * (v - x3) - y * h3) % _P, h * z % _P


def multiply_g(k: int) -> tuple[int, int]:
    """Returns k times the base point, for 0 < k < n, as (x, y)."""
    point: Point = (1, 1, 0)
    for bit in bin(k)[2:]:
        point = _double(point)
        if bit == "1":
            point = _add_g(point)
    x, y, z = point
    inverse = pow(z, -1, _P)
    square = inverse * inverse % _P
    return x * square % _P, y * square * inverse % _P


def _scalar() -> int:
    """Returns a random number in [1, n); 64 spare bits make the bias nothing."""
    return int.from_bytes(os.urandom(40), "big") % (_N - 1) + 1


def sign(key: int, message: bytes) -> bytes:
    """Returns the ECDSA signature of the SHA-256 of message, in DER."""
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    while True:
        k = _scalar()
        r = multiply_g(k)[0] % _N
        s = pow(k, -1, _N) * (digest + r * key) % _N
        if r and s:
            return _der(_SEQUENCE, _integer(r), _integer(s))


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def _integer(value: int) -> bytes:
    # One bit more than the value needs: DER integers are signed.
    return _der(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _bits(body: bytes) -> bytes:
    return _der(_BITS, b"\0", body)


def _date(seconds: float) -> bytes:
    t = time.gmtime(seconds)
    if t.tm_year < 2050:  # RFC 5280, 4.1.2.5
        return _der(0x17, time.strftime("%y%m%d%H%M%SZ", t).encode())
    return _der(0x18, time.strftime("%Y%m%d%H%M%SZ", t).encode())


def _extension(oid: bytes, value: bytes, critical: bool = False) -> bytes:
    flag = b"\x01\x01\xff" if critical else b""
    return _der(_SEQUENCE, _der(_OID, oid), flag, _der(_OCTETS, value))


def _pem(label: str, der: bytes) -> bytes:
    text = base64.b64encode(der).decode()
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


def make_identity(now: float | None = None) -> tuple[bytes, bytes, bytes]:
    """Makes a key and its certificate for the name localhost.

    The certificate is valid from a day before now (a Unix time, default: the
    clock) for ten years, and may be a trust anchor of its own.

    Returns the key in PEM (PKCS 8), the certificate in PEM and in DER.
    """
    now = time.time() if now is None else now
    key = _scalar()
    x, y = multiply_g(key)
    point = b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")
    curve = _der(_SEQUENCE, _der(_OID, _EC_PUBLIC_KEY), _der(_OID, _PRIME256V1))
    algorithm = _der(_SEQUENCE, _der(_OID, _ECDSA_SHA256))
    name = _der(
        _SEQUENCE,
        _der(_SET, _der(_SEQUENCE, _der(_OID, _COMMON_NAME), _der(0x0C, b"localhost"))),
    )
    extensions = _der(
        _SEQUENCE,
        _extension(_CONSTRAINTS, _der(_SEQUENCE, b"\x01\x01\xff"), critical=True),
        # digitalSignature and keyCertSign; the latter as it signs itself.
        _extension(_KEY_USAGE, b"\x03\x02\x02\x84", critical=True),
        _extension(
            _EXTENDED_USAGE,
            _der(_SEQUENCE, _der(_OID, _SERVER_AUTH), _der(_OID, _CLIENT_AUTH)),
        ),
        _extension(_ALT_NAME, _der(_SEQUENCE, _der(0x82, b"localhost"))),
    )
    body = _der(
        _SEQUENCE,
        _der(0xA0, _integer(2)),  # version 3
        _integer(int.from_bytes(os.urandom(15), "big") + 1),
        algorithm,
        name,
        _der(_SEQUENCE, _date(now - _DAY), _date(now + _LIFETIME)),
        name,
        _der(_SEQUENCE, curve, _bits(point)),
        _der(0xA3, extensions),
    )
    certificate = _der(_SEQUENCE, body, algorithm, _bits(sign(key, body)))
    inner = _der(
        _SEQUENCE,
        _integer(1),
        _der(_OCTETS, key.to_bytes(32, "big")),
        _der(0xA1, _bits(point)),
    )
    private = _der(_SEQUENCE, _integer(0), curve, _der(_OCTETS, inner))
    return _pem("PRIVATE KEY", private), _pem("CERTIFICATE", certificate), certificate
