#!/usr/bin/env python3
"""Turns the records of `bench/run` into tables; standard library only.

usage: report.py RECORDS MACHINE [DOCUMENT]

A record is a line `KIND name=value …`. Prints the tables, and puts them into DOCUMENT between its lines
`<!-- bench/run -->` and `<!-- end of bench/run -->`.
"""
import collections
import sys

BEGIN, END = "<!-- bench/run -->\n", "<!-- end of bench/run -->\n"
PAIRS = {"embedded": "embedded", "servers": "MariaDB + Redis"}
CASES = {"address": "a, address only", "wifi10": "b, ten access points", "lte1": "c, one LTE cell",
         "submit": "d, submit ten reports"}
# Requests a second of the original, and observations a second of its pipeline by number of processes.
ORIGINAL = {"address": 1290, "wifi10": 163, "lte1": 491, "submit": 535}
ORIGINAL_PIPELINE = {1: 1900, 2: 3700}


def read(path):
    records = collections.defaultdict(list)
    with open(path) as lines:
        for line in lines:
            kind, *fields = line.split()
            records[kind].append(dict(field.split("=", 1) for field in fields))
    return records


def number(value, digits=0):
    return f"{float(value):,.{digits}f}"


def measured(one):
    """The columns that every case of requests has, from what it is of the original."""
    rate = float(one["rate"])
    cpu = [number(one[process]) if one.get(process) else "" for process in ("web_us", "db_us", "kv_us")]
    return (f"{rate / ORIGINAL[one['case']]:.1f}× | {number(rate)} | {one['p50']} | {one['p99']} | {' | '.join(cpu)} | "
            f"{one['peak_mb']} |")


def of_requests(records):
    bare = {case["case"]: float(case["rate"]) for case in records["bare"]}
    yield "| Case | Backends | Of the bare handler | Of the original | Requests/s | p50 ms | p99 ms | µs `web` | µs database | µs Redis | Peak MB |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for case, title in CASES.items():
        for one in records["web"]:
            if one["case"] != case:
                continue
            of_bare = f"{100 * float(one['rate']) / bare[case]:.1f} %" if case in bare else ""
            yield f"| {title} | {PAIRS[one['pair']]} | {of_bare} | {measured(one)}"
        for one in records["bare"]:
            if one["case"] == case:
                yield (f"| | bare handler | | | {number(one['rate'])} | {one['p50']} | {one['p99']} | "
                       f"{number(one['web_us'])} | | | {one['peak_mb']} |")


def of_many(records):
    yield "| More callers at a time | Backends | Connections | Of the original | Requests/s | p50 ms | p99 ms | µs `web` | µs database | µs Redis | Peak MB |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for case, title in CASES.items():
        for one in records["many"]:
            if one["case"] == case:
                yield f"| {title} | {PAIRS[one['pair']]} | {one['connections']} | {measured(one)}"


def of_pipeline(records):
    inserts = {one["pair"]: float(one["insert"]) for one in records["ceiling"]}
    yield "| Case e | Backends | Processes | Of bulk inserts | Of the original | Observations/s | µs `drain` | µs database | µs Redis | Peak MB |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for one in records["pipeline"]:
        rate, drains = float(one["rate"]), int(one["drains"])
        # Every observation writes a row: four observations of each station, one batch or several.
        of_bulk = f"{100 * rate / inserts[one['pair']]:.0f} %" if one["pair"] in inserts else ""
        original = ORIGINAL_PIPELINE.get(drains)
        of_original = f"{rate / original:.1f}×" if original else ""
        cpu = [number(one[process], 1) if one.get(process) else "" for process in ("drain_us", "db_us", "kv_us")]
        yield (f"| {one['what']} stations | {PAIRS[one['pair']]} | {drains} | {of_bulk} | {of_original} | {number(rate)} | "
               f"{' | '.join(cpu)} | {one['peak_mb']} |")


def of_workers(records):
    yield "| `worker` with `scheduler`, case e | Seconds | Peak MB |"
    yield "| --- | ---: | ---: |"
    for one in records["worker"]:
        yield f"| {PAIRS[one['pair']]} | {one['seconds']} | {one['peak_mb']} |"


def of_ceilings(records):
    yield "| Asked directly | Rows/s in bulk inserts | Appends/s |"
    yield "| --- | ---: | --- |"
    for one in records["ceiling"]:
        unit = "of 1 kB, `redis-benchmark`, 8 clients" if one["pair"] == "servers" else "transactions of 10 kB, synced"
        yield f"| {PAIRS[one['pair']]} | {number(one['insert'])} | {number(one['append'])} {unit} |"


def put(path, begin, end, text):
    """Puts a text into a document between two lines, in the place of what is there."""
    with open(path) as file:
        document = file.read()
    before, found, rest = document.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        sys.exit(f"{path} has no place for the tables")
    with open(path, "w") as file:
        file.write(f"{before}{begin}\n{text}\n{end}{after}")


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    records = read(sys.argv[1])
    tables = [of_requests, of_many, of_pipeline, of_workers, of_ceilings]
    text = "\n\n".join([sys.argv[2], *("\n".join(table(records)) for table in tables)]) + "\n"
    print(text)
    if len(sys.argv) == 4:
        put(sys.argv[3], BEGIN, END, text)


if __name__ == "__main__":
    main()
