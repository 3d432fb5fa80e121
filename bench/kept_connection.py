#!/usr/bin/env python3
"""GET after GET on one connection; prints {"p50","p99","per_second"}, times in microseconds.

usage: kept_connection.py URL COUNT [--proxy HOST:PORT] [--ca FILE]

Plain sockets: a client library costs more than what is measured.
"""

import argparse
import json
import socket
import ssl
import time
from urllib.parse import urlsplit


def answer(stream, rest):
    """Reads one answer with a Content-Length; gives its status and what came after it."""
    while b"\r\n\r\n" not in rest:
        piece = stream.recv(65536)
        if not piece:
            raise SystemExit(f"the connection ended in the middle of an answer: {rest!r}")
        rest += piece
    head, rest = rest.split(b"\r\n\r\n", 1)
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(rest) < length:
        rest += stream.recv(65536)
    return head.split(b" ", 2)[1], rest[:length], rest[length:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("count", type=int)
    parser.add_argument("--proxy")
    parser.add_argument("--ca")
    asked = parser.parse_args()
    url = urlsplit(asked.url)
    host, port = (asked.proxy.rsplit(":", 1) if asked.proxy else (url.hostname, url.port))
    stream = socket.create_connection((host, int(port)))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    target = url.path
    if url.scheme == "https":
        if asked.proxy:
            stream.sendall(f"CONNECT {url.netloc} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode())
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                piece = stream.recv(1)
                if not piece:
                    raise SystemExit(f"no tunnel: {head!r}")
                head += piece
            if b" 200" not in head.split(b"\r\n")[0]:
                raise SystemExit(f"no tunnel: {head!r}")
        context = ssl.create_default_context(cafile=asked.ca)
        stream = context.wrap_socket(stream, server_hostname=url.hostname)
    elif asked.proxy:
        target = asked.url
    request = f"GET {target} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode()
    times, rest = [], b""
    for turn in range(asked.count + 50):
        began = time.perf_counter_ns()
        stream.sendall(request)
        status, body, rest = answer(stream, rest)
        took = time.perf_counter_ns() - began
        if status != b"200":
            raise SystemExit(f"{status!r}: {body[:300]!r}")
        if turn >= 50:
            times.append(took / 1000)
    total = sum(times)
    times.sort()
    print(json.dumps({"p50": times[len(times) // 2], "p99": times[int(len(times) * 0.99)],
                      "per_second": len(times) / total * 1e6}))


main()
