"""Redis servers, in memory only: single, behind TLS, a cluster, watched by a Sentinel."""

from __future__ import annotations

import datetime as dt
import ipaddress
import secrets
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis import Redis
from redis.exceptions import RedisError

from tests.services import find
from tests.services.process import Child, Group, free_port

BUS = 10_000
SLOTS = 16_384
MASTERS = 3
SENTINEL_NAME = "zenith"


def start(group: Group) -> None:
    """One server with 64 databases."""
    port, password = free_port(), secrets.token_hex(16)
    _serve(group, port, password, "databases 64")
    group.is_ready = lambda: _answers(port, password)
    group.wait()
    group.values["url"] = f"redis://:{password}@127.0.0.1:{port}/0"


def start_tls(group: Group) -> None:
    """One server that speaks TLS only, with a certificate of its own authority."""
    port, password = free_port(), secrets.token_hex(16)
    certificate, key = _certify(group.folder)
    _serve(
        *(group, port, password, "port 0", f"tls-port {port}", "tls-auth-clients no"),
        *(f'tls-cert-file "{certificate}"', f'tls-key-file "{key}"'),
    )
    group.is_ready = lambda: _answers(port, password, ssl=True, ssl_ca_certs=str(certificate))
    group.wait()
    group.values["url"] = f"rediss://:{password}@127.0.0.1:{port}/0"
    group.values["ca_file"] = str(certificate)


def start_cluster(group: Group, *, timeout: int = 15_000, replicas: int = 0) -> None:
    """Three masters that share the slots; a node counts as down after `timeout` milliseconds."""
    password = secrets.token_hex(16)
    ports = [free_port(also=BUS) for _ in range(MASTERS + replicas)]
    for port in ports:
        _serve(
            *(group, port, password, "cluster-enabled yes", f"cluster-config-file {port}.nodes"),
            *(f"cluster-node-timeout {timeout}", "cluster-require-full-coverage yes"),
            *(f"masterauth {password}", "repl-diskless-sync-delay 0"),
        )
    group.wait(lambda: all(_answers(port, password) for port in ports))
    for index, port in enumerate(ports[:MASTERS]):
        first, last = index * SLOTS // MASTERS, (index + 1) * SLOTS // MASTERS
        _call(port, password, "CLUSTER", "ADDSLOTS", *range(first, last))
        _call(port, password, "CLUSTER", "SET-CONFIG-EPOCH", index + 1)
    for port in ports[1:]:
        _call(ports[0], password, "CLUSTER", "MEET", "127.0.0.1", port)
    group.is_ready = partial(_are_whole, ports, password)
    group.wait()
    for port in ports[MASTERS:]:
        last_master = _call(ports[MASTERS - 1], password, "CLUSTER", "MYID")
        _call(port, password, "CLUSTER", "REPLICATE", last_master)
        group.wait(partial(_is_replica, port, password))
    group.values["url"] = f"redis://:{password}@127.0.0.1:{ports[0]}/0"
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports[:MASTERS])
    group.values["cluster_url"] = f"redis+cluster://:{password}@{hosts}"


def start_failing_cluster(group: Group) -> None:
    """A cluster that notices a dead node after a second. Its last master (the third child) has a
    replica, which takes its place; the others have none.
    """
    start_cluster(group, timeout=1000, replicas=1)


def start_sentinel(group: Group) -> None:
    """A master, a replica, and one Sentinel whose word is enough."""
    password = secrets.token_hex(16)
    master, replica, sentinel = (free_port() for _ in range(3))
    both = ("databases 64", f"masterauth {password}", "repl-diskless-sync-delay 0")
    _serve(group, master, password, *both)
    _serve(group, replica, password, *both, f"replicaof 127.0.0.1 {master}")
    group.wait(lambda: _answers(master, password) and _is_replica(replica, password))
    _write_config(
        *(group.folder / f"{sentinel}.conf", f"port {sentinel}"),
        *(f"sentinel monitor {SENTINEL_NAME} 127.0.0.1 {master} 1",),
        *(f"sentinel auth-pass {SENTINEL_NAME} {password}",),
        *(f"sentinel down-after-milliseconds {SENTINEL_NAME} 1000",),
        *(f"sentinel failover-timeout {SENTINEL_NAME} 4000",),
    )
    _run(group, sentinel, "--sentinel")
    group.is_ready = lambda: _knows_replica(sentinel)
    group.wait()
    address = f"127.0.0.1:{sentinel}"
    group.values["url"] = f"redis+sentinel://:{password}@{address}/{SENTINEL_NAME}/0"
    group.values |= {"address": address, "name": SENTINEL_NAME, "password": password}


def _serve(group: Group, port: int, password: str, *lines: str) -> None:
    config = group.folder / f"{port}.conf"
    _write_config(
        *(config, f"port {port}", f"requirepass {password}", 'save ""', "appendonly no"),
        *(f'dir "{group.folder}"', f"dbfilename {port}.rdb", *lines),
    )
    _run(group, port)


def _write_config(path: Path, *lines: str) -> None:
    path.touch(mode=0o600)
    path.write_text("\n".join(["bind 127.0.0.1", *lines, ""]), encoding="utf-8")


def _run(group: Group, port: int, *options: str) -> None:
    server = str(find.need("Redis"))
    config = str(group.folder / f"{port}.conf")
    group.add(Child(argv=[server, config, *options], log=group.folder / f"{port}.log"))


def _call(port: int, password: str | None, *command: str | int, **options: Any) -> Any:
    # A bare answer: a cluster's, a Sentinel's or a single server's alike.
    with Redis(port=port, password=password, socket_timeout=5, **options) as client:
        return cast("Any", client).execute_command(*command)


def _answers(port: int, password: str, **options: Any) -> bool:
    try:
        return bool(_call(port, password, "PING", **options))
    except (RedisError, OSError):
        return False


def _are_whole(ports: Sequence[int], password: str) -> bool:
    return all(_is_whole(port, password, len(ports)) for port in ports)


def _is_whole(port: int, password: str, nodes: int) -> bool:
    info = _call(port, password, "CLUSTER", "INFO").decode().split()
    return {"cluster_state:ok", f"cluster_known_nodes:{nodes}"} <= set(info)


def _is_replica(port: int, password: str) -> bool:
    if not _answers(port, password):
        return False
    return bool(_call(port, password, "INFO", "replication").get("master_link_status") == "up")


def _knows_replica(port: int) -> bool:
    try:
        return len(_call(port, None, "SENTINEL", "REPLICAS", SENTINEL_NAME)) == 1
    except (RedisError, OSError):
        return False


def _certify(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine that is its own authority."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), loopback]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    key.touch(mode=0o600)
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, key
