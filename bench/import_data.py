#!/usr/bin/env python3
"""Makes a public cell file with damage of every kind; standard library only.

usage: import_data.py FILE.csv.gz [--rows N] [--damage SHARE] [--order random|sorted] [--seed N]

Beside FILE comes FILE.json: how many of its rows are good, duplicates, and rejected for which reason,
as `ichnaea import --json` has to count them. The same arguments give the same file.
"""
import argparse
import gzip
import json
import random

HEADER = "radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal"
# Country code, and a box well inside the country.
COUNTRIES = [(262, 49.5, 51.5, 8.5, 11.5), (208, 45.5, 48.0, 1.0, 4.5), (260, 51.0, 53.0, 17.0, 22.0),
             (234, 51.2, 53.0, -2.2, -0.2), (310, 36.0, 42.0, -104.0, -85.0), (505, -35.0, -28.0, 142.0, 150.0)]
RADIOS = ["GSM"] * 5 + ["UMTS"] * 5 + ["LTE"] * 9 + ["NR"]
CELLS_PER_AREA = 50
DUPLICATES = 0.001
NEWEST, OLDEST = 1_710_000_000, 1_500_000_000

RADIO, MCC, NET, AREA, CELL, UNIT, LON, LAT, RANGE, SAMPLES, CHANGEABLE, CREATED, UPDATED, SIGNAL = range(14)


def put(place, text):
    def damage(fields):
        fields[place] = text
        return ",".join(fields).encode()
    return damage


def swapped(fields):
    fields[LON], fields[LAT] = "48.5000000", "120.5000000"
    return ",".join(fields).encode()


# Every kind of damage, and the reason it has to be counted under.
DAMAGE = [
    (put(AREA, "0"), "bad_area"), (put(AREA, "65534000"), "bad_area"), (put(AREA, "-1"), "bad_area"),
    (put(CELL, "0"), "bad_cell"), (put(CELL, "99999999999999"), "bad_cell"),
    (put(RADIO, ""), "radio_missing"), (put(RADIO, "0"), "radio_unknown"), (put(RADIO, "WIMAX"), "radio_unknown"),
    (put(RADIO, "CDMA"), "radio_unsupported"), (put(RADIO, "NB-IoT"), "radio_unsupported"),
    (put(MCC, "901"), "unknown_mcc"), (put(MCC, "0"), "unknown_mcc"), (put(MCC, ""), "missing_value"),
    (put(NET, "1000"), "bad_mnc"), (put(LAT, "95.5"), "bad_position"), (put(LON, "-190.1"), "bad_position"),
    (swapped, "bad_position"), (put(LAT, "north"), "bad_number"), (put(UNIT, "?"), "bad_number"),
    (put(LON, "nan"), "bad_number"), (put(LAT, ""), "missing_value"), (put(RANGE, "-5"), "bad_range"),
    (put(SAMPLES, "-1"), "bad_samples"), (put(UPDATED, "0"), "bad_time"), (put(UPDATED, ""), "bad_time"),
    (put(UPDATED, "4000000000"), "future_time"), (put(UPDATED, "1710000000000"), "future_time"),
    (lambda fields: ",".join(fields[:7]).encode(), "short_row"),
    (lambda fields: ",".join([*fields, "more", "and more"]).encode(), "long_row"),
    (lambda fields: ('"' + ",".join(fields)).encode(), "quoting"),
    (lambda fields: b"\xff\xfe" + ",".join(fields).encode(), "encoding"),
    (lambda fields: b"\x00" * 20 + ",".join(fields).encode(), "encoding"),
    (lambda fields: ",".join(fields).encode() + b"x" * 70_000, "long_line"),
    (lambda fields: HEADER.encode(), "repeated_header"),
]
# What looks odd but is a row all the same.
ODD = [
    lambda fields: ",".join(f'"{field}"' for field in fields),
    lambda fields: ",".join([fields[0].lower(), *fields[1:]]),
    lambda fields: ",".join([*fields[:9], fields[9] + ".0", *fields[10:]]),
    lambda fields: ",".join(fields[:13]),
    lambda fields: ",".join(fields) + "\r",
]
# Long lines are seldom: 70 kB each.
LONG_EVERY = 20


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--damage", type=float, default=0.01)
    parser.add_argument("--order", choices=["random", "sorted"], default="random")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    damaged = int(options.rows * options.damage)
    duplicates = int(options.rows * DUPLICATES)
    good = options.rows - damaged - duplicates
    names = set()

    def area():
        while True:
            radio, country = draw.choice(RADIOS), draw.choice(COUNTRIES)
            name = (radio, country[0], draw.randrange(1, 9), draw.randrange(1, 65_534))
            if name not in names:
                names.add(name)
                return name, draw.uniform(country[1], country[2]), draw.uniform(country[3], country[4])

    lines = []
    while len(lines) < good:
        (radio, mcc, net, lac), lat, lon = area()
        cid = draw.randrange(1, 60_000)
        for number in range(min(CELLS_PER_AREA, good - len(lines))):
            updated = draw.randrange(OLDEST, NEWEST)
            unit = "" if draw.random() < 0.5 else str(draw.randrange(500))
            lines.append([radio, str(mcc), str(net), str(lac), str(cid + number), unit,
                          f"{lon + draw.uniform(-.1, .1):.7f}", f"{lat + draw.uniform(-.1, .1):.7f}",
                          str(draw.randrange(20_000)), str(draw.randrange(1, 500)), "1",
                          str(updated - draw.randrange(10_000_000)), str(updated), ""])
    reasons, kinds = {}, list(DAMAGE)
    extra = []
    for number in range(damaged):
        damage, reason = kinds[number % len(kinds)]
        if reason == "long_line" and number // len(kinds) % LONG_EVERY:
            damage, reason = kinds[0]
        extra.append(damage(list(draw.choice(lines))))
        reasons[reason] = reasons.get(reason, 0) + 1
    for _ in range(duplicates):
        # Older: the row that stands already is the one that counts.
        fields = list(draw.choice(lines))
        fields[UPDATED], fields[SAMPLES] = str(OLDEST - 1), "7777"
        extra.append(",".join(fields).encode())
    if options.order == "sorted":
        order = {"GSM": 0, "UMTS": 2, "LTE": 3, "NR": 5}
        lines.sort(key=lambda fields: (order[fields[0]], *map(int, fields[1:5])))
    else:
        draw.shuffle(lines)
    every = max(1, len(lines) // max(1, len(extra)))
    with gzip.open(options.file, "wb", 4) as file:
        file.write(HEADER.encode() + b"\n")
        for number, fields in enumerate(lines):
            odd = ODD[number // 1000 % len(ODD)] if number % 1000 == 7 else None
            text = odd(fields) if odd else ",".join(fields)
            file.write(text.encode() + b"\n")
            if number % every == 0 and extra:
                file.write(extra.pop() + b"\n")
        for line in extra:
            file.write(line + b"\n")
    expected = {"rows": options.rows, "good": good, "duplicates": duplicates, "rejected": damaged, "by_reason": reasons}
    with open(options.file + ".json", "w", encoding="utf-8") as file:
        json.dump(expected, file, indent=1, sort_keys=True)


if __name__ == "__main__":
    main()
