#!/usr/bin/env python3
"""POSTs every line of a file once, over a few connections; standard library only.

usage: post.py URL FILE [CONNECTIONS]

Ends with status 1 when an answer was not 200 or 204.
"""
import http.client
import sys
import threading
import time
import urllib.parse


def send(target, bodies, statuses):
    """Sends all bodies over one connection; appending to the shared list is atomic."""
    connection = http.client.HTTPConnection(target.hostname, target.port, timeout=60)
    for body in bodies:
        connection.request("POST", f"{target.path}?{target.query}", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    target, connections = urllib.parse.urlsplit(sys.argv[1]), int(sys.argv[3]) if len(sys.argv) > 3 else 4
    with open(sys.argv[2], "rb") as file:
        bodies = file.read().splitlines()
    statuses, start = [], time.monotonic()
    senders = [threading.Thread(target=send, args=(target, bodies[place::connections], statuses))
               for place in range(connections)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    counts = {status: statuses.count(status) for status in sorted(set(statuses))}
    print(f"{len(bodies)} bodies in {time.monotonic() - start:.1f} s, answers {counts}")
    if len(statuses) < len(bodies) or not set(statuses) <= {200, 204}:
        sys.exit(1)


if __name__ == "__main__":
    main()
