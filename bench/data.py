#!/usr/bin/env python3
"""Makes the data of the load measurements; standard library only.

usage: data.py OUTDIR [--sites N] [--cells N] [--bodies N] [--new N]

A site is a building with ten access points within about 60 m. Sites lie in three boxes in the
middle of Germany, France and Poland; every cell is one of an LTE network in Germany. Everything
follows from numbers, so that each run gives the same files, except that dates count back from
today.

  wifi_<x>.tsv    rows of one station table, <x> is the shard (fifth hex digit of the address)
  cell_lte.tsv    rows of the table of LTE cells
  wifi10.txt      bodies, one a line: the ten access points of a site that is in the tables
  lte1.txt        bodies: one cell that is in the tables
  submit.txt      bodies: ten reports with ten access points each, of sites in the tables
  pipeline.txt    bodies: ten reports each, four of every one of NEW sites (SITES / 20) that are in no table
"""
import argparse
import concurrent.futures
import datetime
import hashlib
import json
import math
import os
import random
import shutil
import struct

BOXES = [("DE", 49.5, 51.5, 8.5, 11.5), ("FR", 45.5, 48.0, 1.0, 4.5), ("PL", 51.0, 53.0, 17.0, 22.0)]
METRES_PER_DEGREE = 111_320.0
SITE_SIZE_M = 60.0
PER_SITE = 10
SHARDS = "0123456789abcdef"
# Columns of the station tables, without those of blocked stations; `load.py` uses them too.
PLACE = ["lat", "lon", "max_lat", "min_lat", "max_lon", "min_lon", "radius", "region", "samples", "source", "weight"]
DATES = ["created", "modified", "last_seen"]
WIFI_COLUMNS = ["mac", *PLACE, *DATES]
CELL_COLUMNS = ["cellid", "radio", "mcc", "mnc", "lac", "cid", *PLACE, *DATES]
GNSS = 3
LTE = 3
MCC, MNC, CELLS_PER_AREA = 262, 2, 200


def draw(label, number):
    """Two independent numbers in [0, 1) and a whole one that follow from a label and a number."""
    digest = hashlib.blake2b(struct.pack("!Q", number), digest_size=12, key=label).digest()
    a, b, c = struct.unpack("!LLL", digest)
    return a / 2**32, b / 2**32, c


def mac(site, index):
    """A locally administered address; no two are the same, since an odd factor permutes."""
    number = (site * PER_SITE + index) * 0x9E3779B97F + 0x5851F42D4C
    return "02%010x" % (number & 0xFF_FFFF_FFFF)


def site_place(site):
    region, south, north, west, east = BOXES[site % len(BOXES)]
    a, b, _ = draw(b"site", site)
    return region, south + a * (north - south), west + b * (east - west)


def nearby(lat, lon, a, b):
    """A point in the square of a site around its centre."""
    north, east = (a - 0.5) * SITE_SIZE_M * 1.4, (b - 0.5) * SITE_SIZE_M * 1.4
    return (round(lat + north / METRES_PER_DEGREE, 7),
            round(lon + east / METRES_PER_DEGREE / math.cos(math.radians(lat)), 7))


class Days:
    """Dates as the tables keep them, counted back from today."""

    def __init__(self):
        now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0, tzinfo=None)
        self.times = [str(now - datetime.timedelta(days=day)) for day in range(600)]

    def columns(self, number):
        created, modified = 100 + number % 400, number % 90
        return [self.times[created], self.times[modified], self.times[modified][:10]]


def place_columns(region, lat, lon, reach, radius, samples):
    """`reach`: half the side of the box in degrees."""
    box = [lat + reach, lat - reach, lon + reach, lon - reach]
    return [lat, lon, *(round(side, 7) for side in box), radius, region, samples, GNSS, float(samples)]


def write_stations(out, part, begin, end):
    """The rows of some sites, one file a shard; their names."""
    days = Days()
    names = [os.path.join(out, f"wifi_{shard}.tsv.{part}") for shard in SHARDS]
    files = {shard: open(name, "w") for shard, name in zip(SHARDS, names)}
    for site in range(begin, end):
        region, lat, lon = site_place(site)
        for index in range(PER_SITE):
            a, b, number = draw(b"station", site * PER_SITE + index)
            place = place_columns(region, *nearby(lat, lon, a, b), 0.0002, 20 + number % 80, 1 + number % 200)
            address = mac(site, index)
            files[address[4]].write("\t".join([address, *map(str, place), *days.columns(number)]) + "\n")
    for file in files.values():
        file.close()
    return names


def write_rows(out, sites, cells):
    days, parts = Days(), len(os.sched_getaffinity(0))
    bounds = [(part, sites * part // parts, sites * (part + 1) // parts) for part in range(parts)]
    with concurrent.futures.ProcessPoolExecutor(parts) as pool:
        written = [pool.submit(write_stations, out, *bound) for bound in bounds]
        for names in zip(*(one.result() for one in written)):
            with open(names[0].rsplit(".", 1)[0], "wb") as whole:
                for name in names:
                    with open(name, "rb") as part:
                        shutil.copyfileobj(part, whole, 1 << 20)
                    os.remove(name)
    with open(os.path.join(out, "cell_lte.tsv"), "w") as file:
        for cell in range(cells):
            region, lat, lon = site_place(cell * len(BOXES))  # all in the first box
            number = draw(b"cell", cell)[2]
            area, cid = cell_numbers(cell)
            key = struct.pack("!BHHHI", LTE, MCC, MNC, area, cid).hex()
            place = place_columns(region, round(lat, 7), round(lon, 7), 0.01, 1000 + number % 4000, 1 + number % 500)
            print(key, LTE, MCC, MNC, area, cid, *place, *days.columns(number), sep="\t", file=file)


def cell_numbers(cell):
    return 1 + cell // CELLS_PER_AREA, 1_000_000 + cell


def networks(site, chance, **more):
    def network(index):
        address = mac(site, index)
        pairs = ":".join(address[at:at + 2] for at in range(0, 12, 2))
        one = {"macAddress": pairs, "signalStrength": -chance.randrange(45, 90), "age": chance.randrange(3000)}
        one.update((name, value()) for name, value in more.items())
        return one
    return [network(index) for index in range(PER_SITE)]


def report(site, chance):
    _, lat, lon = site_place(site)
    lat, lon = nearby(lat, lon, chance.random(), chance.random())
    position = {"latitude": lat, "longitude": lon, "accuracy": round(chance.uniform(4, 30), 1),
                "age": chance.randrange(2000), "speed": round(chance.uniform(0, 10), 1)}
    seen = networks(site, chance, channel=lambda: chance.randrange(1, 14))
    return {"timestamp": 1_700_000_000_000 + chance.randrange(10**9), "position": position, "wifiAccessPoints": seen}


def write_bodies(out, sites, cells, bodies, new):
    chance = random.Random(20)

    def lines(name, documents):
        with open(os.path.join(out, name), "w") as file:
            for document in documents:
                print(json.dumps(document), file=file)

    def cell():
        area, cid = cell_numbers(chance.randrange(cells))
        return {"radioType": "lte", "mobileCountryCode": MCC, "mobileNetworkCode": MNC,
                "locationAreaCode": area, "cellId": cid, "signalStrength": -chance.randrange(70, 120)}

    lines("wifi10.txt", ({"wifiAccessPoints": networks(chance.randrange(sites), chance)} for _ in range(bodies)))
    lines("lte1.txt", ({"cellTowers": [cell()]} for _ in range(bodies)))
    lines("submit.txt", ({"items": [report(chance.randrange(sites), chance) for _ in range(10)]}
                         for _ in range(max(bodies // 10, 1))))
    new_sites = [1_000_000_000 + number for number in range(new)] * 4
    chance.shuffle(new_sites)
    lines("pipeline.txt", ({"items": [report(site, chance) for site in new_sites[at:at + 10]]}
                           for at in range(0, len(new_sites), 10)))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("out")
    options.add_argument("--sites", type=int, default=100_000)
    options.add_argument("--cells", type=int, default=100_000)
    options.add_argument("--bodies", type=int, default=20_000)
    options.add_argument("--new", type=int)
    options = options.parse_args()
    os.makedirs(options.out, exist_ok=True)
    write_rows(options.out, options.sites, options.cells)
    new = options.new or max(options.sites // 20, 10)
    write_bodies(options.out, options.sites, options.cells, options.bodies, new)


if __name__ == "__main__":
    main()
