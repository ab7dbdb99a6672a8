"""Compares the tables after a soak with what the model makes of the reports; standard library only.

A station of a soak stays where it is or is seen at two places that are far apart, so what it has learned
does not depend on which observations came first or together; with one exception: once a station weighs more than
10,000 its position depends on the order, and is only looked for inside of its box. Dates are compared with the
days of the soak by any of its clocks. Regions are not looked at.
"""
import datetime

from model import MAX_OLD_WEIGHT, RADIOS, SOURCES, Model, grid_of_row, is_close

UTC = datetime.timezone.utc
COLUMNS = ["lat", "lon", "max_lat", "min_lat", "max_lon", "min_lon", "radius", "samples", "source", "weight",
           "created", "last_seen", "block_count"]
WHOLE = {"radius", "samples", "source", "block_count"}
EXACT = {"samples", "source", "block_count"}
DAYS = {"created", "last_seen"}
STAT_KEYS = {1: "cell", 2: "unique_cell", 3: "wifi", 4: "unique_wifi", 8: "blue", 9: "unique_blue"}
SHARDS = "0123456789abcdef"
# How far a clock of a soak may be off, in days: 26 hours.
DAYS_OFF = 2


class Account:
    """Learns what was answered with success as it comes, and keeps what is in doubt."""

    def __init__(self):
        self.first_day = datetime.datetime.now(UTC).date()
        self.model = Model(self.first_day)
        self.accepted, self.doubtful, self.lessons = 0, [], []

    def add(self, reports, is_accepted):
        if is_accepted:
            self.accepted += len(reports)
            for report in reports:
                self.model.learn([report])
        else:
            self.doubtful.extend(reports)

    def problems(self, rows):
        """What differs, given a function from a statement to rows of text; prints the sums."""
        found = dict(stations(rows))
        is_there = lambda report: ("wifi", report["wifiAccessPoints"][0]["macAddress"]) in found
        queued, learned = (list(filter(is_there, reports)) for reports in (self.doubtful, self.lessons))
        for report in queued + learned:
            self.model.learn([report])
        print(f"\n{self.accepted:,} reports were accepted; of {len(self.doubtful):,} more that were refused or had no answer "
              f"{len(queued):,} were queued all the same. {len(learned):,} of {len(self.lessons):,} queries were learned "
              f"from. The tables have {len(found):,} stations.")
        off = datetime.timedelta(days=DAYS_OFF)
        days = (self.first_day - off, datetime.datetime.now(UTC).date() + off)
        unlearned = Model(self.first_day)
        unlearned.learn(self.lessons)
        return [*of_lessons(len(learned), len(self.lessons)), *of_stations(found, self.model.stations, days),
                *of_counts(rows, self.model.counts), *of_areas(rows, self.model.stations),
                *of_grids(rows, self.model.grids, unlearned.grids)]


def stations(rows):
    columns = ", ".join(COLUMNS)
    for kind in ("blue", "wifi"):
        for shard in SHARDS:
            for mac, *values in rows(f"SELECT HEX(mac), {columns} FROM {kind}_shard_{shard}"):
                yield (kind, mac.lower()), row_of(values)
    for radio in RADIOS.values():
        for row in rows(f"SELECT mcc, mnc, lac, cid, {columns} FROM cell_{radio}"):
            yield ("cell", (radio, *map(int, row[:4]))), row_of(row[4:])


def row_of(values):
    def read(name, value):
        if value is None:
            return None
        if name in DAYS:
            return datetime.date.fromisoformat(value[:10])
        return int(value) if name in WHOLE else float(value)

    return {name: read(name, value) for name, value in zip(COLUMNS, values)}


def of_stations(found, expected, days):
    for station in expected.keys() - found.keys():
        yield f"{station} is missing"
    for station in found.keys() - expected.keys():
        yield f"{station} is there and nobody reported it"
    for station in expected.keys() & found.keys():
        row, right = found[station], expected[station]
        if row["samples"] != right["samples"]:
            yield f"{station} has {row['samples']} samples, not {right['samples']}"
            continue
        for name in COLUMNS:
            if not agrees(name, row, right, days):
                yield f"{station} {name} is {row[name]}, not {right[name]}"


def agrees(name, row, right, days):
    value, expected = row[name], right[name]
    if value is None or expected is None:
        return value is expected
    if name in DAYS:
        return days[0] <= value <= days[1]
    if name == "weight" and right["source"] == SOURCES["query"]:
        return abs(value - expected) <= 1e-3 * expected
    if right["weight"] is not None and right["weight"] > MAX_OLD_WEIGHT:
        if name in ("lat", "lon"):
            return right[f"min_{name}"] <= value <= right[f"max_{name}"]
        if name == "radius":
            return abs(value - expected) <= 50
    return value == expected if name in EXACT else is_close(name, value, expected)


def of_counts(rows, counts):
    totals = {int(key): int(float(value)) for key, value in rows("SELECT `key`, MAX(value) FROM stat GROUP BY `key`")}
    for key, name in STAT_KEYS.items():
        if totals.get(key, 0) != counts.get(name, 0):
            yield f"the total of {name} is {totals.get(key, 0)}, not {counts.get(name, 0)}"


def of_lessons(learned, answered):
    """Queries are no promise, but most of them come through; few of a very short soak tell nothing."""
    if answered >= 50 and learned < answered / 2:
        yield f"only {learned} of {answered} answered queries were learned from"


def of_areas(rows, expected):
    right = {}
    for (kind, key), row in expected.items():
        if kind == "cell" and row["lat"] is not None:
            right[key[:4]] = right.get(key[:4], 0) + 1
    found = {(RADIOS[int(radio)], *map(int, key)): int(cells) for table in ("cell_area", "cell_area_nr")
             for radio, *key, cells in rows(f"SELECT radio, mcc, mnc, lac, num_cells FROM {table}")}
    for area in sorted(found.keys() | right.keys()):
        if found.get(area) != right.get(area):
            yield f"area {area} has {found.get(area)} cells, not {right.get(area)}"


def of_grids(rows, expected, possible):
    found = set()
    for name in ("ne", "nw", "se", "sw"):
        found.update(grid_of_row(name, grid) for (grid,) in rows(f"SELECT HEX(grid) FROM datamap_{name}"))
    for grid in sorted(expected - found)[:5]:
        yield f"cell {grid} of the data map is missing"
    for grid in sorted(found - expected - possible)[:5]:
        yield f"cell {grid} of the data map is there without a report"
