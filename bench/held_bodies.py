#!/usr/bin/env python3
"""Bodies that are read before they are decided, as many at once as are asked for: 4 MiB each, of every kind that is looked through
in another way. Prints how many were answered, as JSON.

usage: bench/held_bodies.py URL --proxy HOST:PORT [--at-once N]
"""

import argparse
import http.client
import json
import os
import threading

BYTES = 4 << 20
KINDS = {
    "a text": lambda: b'{"a":"' + b"x" * (BYTES - 8) + b'"}',
    "an escaped text": lambda: b'{"a":"' + rb"\u0061" * ((BYTES - 8) // 6) + b'"}',
    "maps": lambda: b"[" + b'{"a":0},' * (BYTES // 8 - 1) + b"0]",
    "numbers": lambda: b"[" + b"0," * (BYTES // 2 - 1) + b"0]",
    "noise": lambda: os.urandom(BYTES),
}


def sent(url, proxy, body, answered):
    connection = http.client.HTTPConnection(*proxy.rsplit(":", 1))
    connection.request("POST", url, body, {"Content-Type": "application/json"})
    if connection.getresponse().status == 200:
        answered.append(url)
    connection.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--at-once", type=int, default=24)
    asked = parser.parse_args()
    answered = []
    for made in KINDS.values():
        body = made()
        all_of = [threading.Thread(target=sent, args=(asked.url, asked.proxy, body, answered)) for _ in range(asked.at_once)]
        for one in all_of:
            one.start()
        for one in all_of:
            one.join()
    print(json.dumps({"answered": len(answered), "of": asked.at_once * len(KINDS)}))


main()
