#!/usr/bin/env python3
"""Loads the rows that data.py made into a migrated database; standard library only.

usage: load.py DIR URI        URI: sqlite:PATH or mysql://USER:PASSWORD@HOST:PORT/NAME

Also makes the API key `test`, without a limit. MariaDB is reached through its own `mariadb` client.
"""
import os
import sqlite3
import subprocess
import sys
import urllib.parse

from data import CELL_COLUMNS, WIFI_COLUMNS

TABLES = [(f"wifi_{shard}.tsv", f"wifi_shard_{shard}", WIFI_COLUMNS) for shard in "0123456789abcdef"]
TABLES.append(("cell_lte.tsv", "cell_lte", CELL_COLUMNS))
API_KEY = ("INSERT INTO api_key (valid_key, maxreq, allow_fallback, allow_locate, allow_region, "
           "store_sample_locate, store_sample_submit) VALUES ('test', 0, 0, 1, 1, 100, 100)")
NUMBERS = {"radio", "mcc", "mnc", "lac", "cid", "radius", "samples", "source"}
FLOATS = {"lat", "lon", "max_lat", "min_lat", "max_lon", "min_lon", "weight"}


def load_sqlite(folder, path):
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA synchronous = OFF")
        for name, table, columns in TABLES:
            marks = ", ".join("?" * len(columns))
            kinds = [int if name in NUMBERS else float if name in FLOATS else str for name in columns]
            kinds[0] = bytes.fromhex
            with open(os.path.join(folder, name)) as lines:
                # In the order of the key: the table is a tree by it.
                rows = sorted([kind(text) for kind, text in zip(kinds, line.rstrip("\n").split("\t"))] for line in lines)
            database.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)
            del rows
            # Table by table, so that the log beside the file never holds all of them.
            database.commit()
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        database.execute(API_KEY)
        database.execute("ANALYZE")


def run_mysql(uri, statements):
    """Has the client run statements in the database that an address names."""
    parts = urllib.parse.urlsplit(uri)
    client = ["mariadb", "--local-infile=1", "-h", parts.hostname, "-P", str(parts.port or 3306),
              "-u", urllib.parse.unquote(parts.username or "root"), parts.path.lstrip("/")]
    environment = dict(os.environ, MYSQL_PWD=urllib.parse.unquote(parts.password or ""))
    subprocess.run(client, input=";\n".join(statements), env=environment, check=True, text=True,
                   stdout=subprocess.DEVNULL)


def load_mysql(folder, uri):
    statements = []
    for name, table, columns in TABLES:
        key, *others = columns
        path = os.path.abspath(os.path.join(folder, name))
        statements.append(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {table} "
                          f"(@{key}, {', '.join(others)}) SET {key} = UNHEX(@{key})")
    statements.append(API_KEY)
    statements.extend(f"ANALYZE TABLE {table}" for _, table, _ in TABLES)
    run_mysql(uri, statements)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, uri = sys.argv[1:]
    if uri.startswith("sqlite:"):
        load_sqlite(folder, uri.removeprefix("sqlite:"))
    else:
        load_mysql(folder, uri)


if __name__ == "__main__":
    main()
