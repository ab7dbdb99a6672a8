#!/usr/bin/env python3
"""What the backends do at most, asked directly; standard library only, with the clients of the servers.

usage: ceilings.py FOLDER_OF_DATA DATABASE_URI KEY_VALUE_URI

Rows are those of three tables of `data.py`, with keys that are in none of them. Prints
`insert=… append=…`: rows a second that a table with the indexes of a station table takes in statements
of 1000 rows, and appends of a kilobyte a second by eight clients that wait for each (Redis), or
transactions of ten such rows a second, each synced to disk (SQLite).
"""
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse

from data import WIFI_COLUMNS
from load import run_mysql

ROWS_PER_STATEMENT = 1000
APPENDS = 100_000
TRANSACTIONS = 3_000
NUMBERS = {"lat", "lon", "max_lat", "min_lat", "max_lon", "min_lon", "radius", "samples", "source", "weight"}


def rows_of(folder):
    rows = []
    for shard in "012":
        with open(os.path.join(folder, f"wifi_{shard}.tsv")) as lines:
            rows.extend(line.rstrip("\n").split("\t") for line in lines)
    return sorted(rows)


def statements(rows, table):
    """Inserts as text; keys as hex digits, all else as it stands."""
    def literal(name, text):
        return f"X'{text}'" if name == "mac" else text if name in NUMBERS else f"'{text}'"

    head = f"INSERT INTO {table} ({', '.join(WIFI_COLUMNS)}) VALUES "
    for first in range(0, len(rows), ROWS_PER_STATEMENT):
        some = rows[first:first + ROWS_PER_STATEMENT]
        yield head + ",".join("(" + ",".join(map(literal, WIFI_COLUMNS, row)) + ")" for row in some)


def mysql_insert(rows, uri):
    run_mysql(uri, ["DROP TABLE IF EXISTS bench_rows", "CREATE TABLE bench_rows LIKE wifi_shard_0"])
    inserts = list(statements(rows, "bench_rows"))
    started = time.monotonic()
    run_mysql(uri, inserts)
    took = time.monotonic() - started
    run_mysql(uri, ["DROP TABLE bench_rows"])
    return len(rows) / took


def new_file(folder):
    """A file as the service opens its own."""
    database = sqlite3.connect(os.path.join(folder, "rows.sqlite"))
    database.execute("PRAGMA journal_mode = wal")
    database.execute("PRAGMA synchronous = full")
    return database


def sqlite_insert(rows, uri):
    with tempfile.TemporaryDirectory(dir=os.path.dirname(uri.removeprefix("sqlite:"))) as folder:
        with sqlite3.connect(uri.removeprefix("sqlite:")) as model, new_file(folder) as database:
            for (sql,) in model.execute("SELECT sql FROM sqlite_master WHERE tbl_name = 'wifi_shard_0' AND sql NOT NULL"):
                database.execute(sql)
            inserts = list(statements(rows, "wifi_shard_0"))
            started = time.monotonic()
            for statement in inserts:
                with database:
                    database.execute(statement)
            return len(rows) / (time.monotonic() - started)


def redis_append(uri):
    parts = urllib.parse.urlsplit(uri)
    command = ["redis-benchmark", "-h", parts.hostname, "-p", str(parts.port or 6379), "--dbnum", parts.path.lstrip("/") or "0",
               "-n", str(APPENDS), "-c", "8", "-d", "1000", "-t", "rpush", "--csv"]
    if parts.password:
        command += ["-a", urllib.parse.unquote(parts.password)]
    out = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return float(re.search(r'"RPUSH","([0-9.]+)"', out).group(1))


def sqlite_append(uri):
    with tempfile.TemporaryDirectory(dir=os.path.dirname(uri.removeprefix("sqlite:"))) as folder:
        with new_file(folder) as database:
            database.execute("CREATE TABLE item (number INTEGER PRIMARY KEY, item BLOB)")
            started = time.monotonic()
            for _ in range(TRANSACTIONS):
                with database:
                    database.executemany("INSERT INTO item (item) VALUES (?)", [(bytes(1000),)] * 10)
            return TRANSACTIONS / (time.monotonic() - started)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    folder, database, keyvalue = sys.argv[1:]
    rows = rows_of(folder)
    insert = sqlite_insert(rows, database) if database.startswith("sqlite:") else mysql_insert(rows, database)
    append = sqlite_append(keyvalue) if keyvalue.startswith("sqlite:") else redis_append(keyvalue)
    print(f"insert={insert:.0f} append={append:.0f}")


if __name__ == "__main__":
    main()
