"""TLS before the service, as API Gateway speaks it: with a certificate of an authority of the tests' own."""

import asyncio
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import socket

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from local import gateway

AUTHORITY = "authority.pem"
_LIFETIME = timedelta(hours=6)


def certificate(folder: Path, *hosts: str) -> ssl.SSLContext:
    """Return what a server at localhost, or at these *hosts*, needs, and leave its authority in the folder."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _name("Authority of the tests")
    root = (
        _certificate(authority, authority, authority_key.public_key(), authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(authority_key, SHA256())
    )
    names = [*map(x509.DNSName, ("localhost", *hosts)), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    leaf = (
        _certificate(_name("localhost"), authority, key.public_key(), authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority_key, SHA256())
    )
    (folder / AUTHORITY).write_bytes(root.public_bytes(Encoding.PEM))
    chain = folder / "localhost.pem"
    chain.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + leaf.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


@contextmanager
def before(port: int, context: ssl.SSLContext) -> Iterator[str]:
    """Pass on to a port of this machine what comes in by TLS, until the block ends; yield where it comes in."""
    listening = gateway.listen(0)
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=[_pass_on(port, listening, context, ended)])
    thread.start()
    try:
        yield f"https://localhost:{listening[0].getsockname()[1]}/"
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


async def _pass_on(port: int, listening: list[socket], context: ssl.SSLContext, ended: asyncio.Event) -> None:
    async def connected(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        service, to_service = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_pipe(client, to_service), _pipe(service, to_client))

    servers = [await asyncio.start_server(connected, sock=one, ssl=context) for one in listening]
    await ended.wait()
    for server in servers:
        server.close()
        server.abort_clients()
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})


async def _pipe(source: asyncio.StreamReader, drain: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, ssl.SSLError):
        while octets := await source.read(2**16):
            drain.write(octets)
            await drain.drain()
    drain.close()


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, issuer_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
