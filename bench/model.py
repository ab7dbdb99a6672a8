"""What the tables have to hold after reports were learned: a slow and plain second telling of the rules.

It shares nothing with the service and is as literal as can be: dictionaries instead of rows, one
observation after the other. What is left out: regions (a border has no plain form), the names of
the API's older versions, and areas, which are checked as sums over their cells.

    model = Model(today)
    model.learn([report, …])        # one batch of observations: reports as in `/v2/geosubmit`
    model.stations[("wifi", mac)]   # a dictionary of columns
"""
import datetime
import math
import struct

WORLD = {"lat": (-85.051, 85.051), "lon": (-180.0, 180.0)}
POSITION = {"accuracy": (0, 1_000_000), "speed": (0, 300)}
EXTENT_M = {"blue": 100.0, "wifi": 5_000.0, "cell": 100_000.0}
WEIGHTLESS_BEYOND_M = {"blue": 100, "wifi": 200, "cell": 1000}
MEDIAN_SIGNAL = {"gsm": -95, "wcdma": -100, "lte": -105, "nr": -105, "wifi": -80}
SIGNAL_OFFSET = {"gsm": -5, "wcdma": 0, "lte": 5, "nr": 5, "wifi": -20}
SIGNAL = {"gsm": (-113, -51), "wcdma": (-121, -25), "lte": (-140, -43), "nr": (-156, -31)}
ASU = {"gsm": (0, 31), "wcdma": (-5, 91), "lte": (0, 97), "nr": (0, 126)}
ASU_TO_DBM = {"gsm": lambda asu: 2 * asu - 113, "wcdma": lambda asu: asu - 116, "lte": lambda asu: asu - 140,
              "nr": lambda asu: -31 if asu > 125 else asu - 156}
PSC = {"gsm": 511, "wcdma": 511, "lte": 503, "nr": 1007}
TA = {"gsm": (0, 63), "lte": (0, 63), "nr": (0, 3846)}
BANNED = {"000000000000", "ffffffffffff", "01005e901000"}
SOURCES = {"fixed": 0, "gnss": 3, "fused": 6, "query": 9}
# The larger of two is the better one, or the smaller.
BETTER = {"blue": [("signal", 1), ("age", -1)], "wifi": [("signal", 1), ("snr", 1), ("age", -1)],
          "cell": [("ta", -1), ("signal", 1), ("asu", 1), ("age", -1)]}
MAX_OLD_WEIGHT = 10_000.0
# As keys and rows have them.
RADIOS = {0: "gsm", 2: "wcdma", 3: "lte", 5: "nr"}


def whole(value):
    """A whole number, or nothing where it cannot be read as one."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float)) and math.isfinite(value):
        return int(value)
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return None
    return None


def real(value):
    try:
        value = float(value) if isinstance(value, (int, float, str)) and value != "" else None
    except ValueError:
        return None
    return value if value is not None and math.isfinite(value) else None


def within(value, bounds):
    return value if value is not None and bounds[0] <= value <= bounds[1] else None


def mac_of(text):
    text = "".join(letter for letter in str(text or "") if letter not in ":-.").lower()
    is_hex = len(text) == 12 and all(letter in "0123456789abcdef" for letter in text)
    return text if is_hex and text not in BANNED else None


def radio_network(kind, given, fix_age):
    """A network of one kind with its key, or nothing for one that is refused."""
    age = whole(given.get("age"))
    if fix_age:
        age = (age or 0) - fix_age
    network = {"age": within(age, (-3_600_000, 3_600_000))}
    signal = whole(given.get("signalStrength"))
    if kind != "cell":
        key = mac_of(given.get("macAddress"))
        network["signal"] = within(signal, (-127, 0) if kind == "blue" else (-100, -10))
        if kind == "wifi":
            network["snr"] = within(whole(given.get("signalToNoiseRatio")), (1, 100))
        return key, network
    radio = {"umts": "wcdma"}.get(str(given.get("radioType")).lower(), str(given.get("radioType")).lower())
    if radio not in SIGNAL:
        return None, network
    cid, psc, asu = whole(given.get("cellId")), whole(given.get("primaryScramblingCode")), whole(given.get("asu"))
    if asu is not None and asu < -5 and (signal is None or signal >= 0):
        signal, asu = asu, None
    if radio == "gsm" and cid is not None and cid > 65_535:
        radio = "wcdma"
    key = (radio, within(whole(given.get("mobileCountryCode")), (1, 999)), within(whole(given.get("mobileNetworkCode")), (0, 999)),
           within(whole(given.get("locationAreaCode")), (1, 2**24 - 3 if radio == "nr" else 65_533)),
           within(cid, (1, 2**36 - 1 if radio == "nr" else 2**28 - 1)))
    network["psc"] = within(psc, (0, PSC[radio]))
    network["asu"] = within(asu, ASU[radio])
    network["signal"] = within(signal, SIGNAL[radio])
    network["ta"] = within(whole(given.get("timingAdvance")), TA[radio]) if radio in TA else None
    if network["signal"] is None and network["asu"] is not None:
        network["signal"] = ASU_TO_DBM[radio](network["asu"])
    return (None if None in key else key), network


def is_better(kind, earlier, later):
    return any(earlier.get(field) is not None and later.get(field) is not None
               and sign * earlier[field] > sign * later[field] for field, sign in BETTER[kind])


def observations(report):
    """The observations of one report, each with kind and key, and its place; nothing where it is refused."""
    position = report.get("position") or {}
    place = {"lat": within(real(position.get("latitude")), WORLD["lat"]),
             "lon": within(real(position.get("longitude")), WORLD["lon"])}
    if None in place.values():
        return []
    common = dict(place, source=SOURCES.get(position.get("source")))
    for field, bounds in POSITION.items():
        common[field] = within(real(position.get(field)), bounds)
    fix_age = whole(position.get("age")) or 0
    found = {}
    lists = [("blue", "bluetoothBeacons"), ("cell", "cellTowers"), ("wifi", "wifiAccessPoints")]
    for kind, name in lists:
        for given in report.get(name) or []:
            key, network = radio_network(kind, given, fix_age)
            if key is None:
                continue
            earlier = found.get((kind, key))
            if earlier is None or not is_better(kind, earlier, network):
                found[kind, key] = network
    return [(kind, key, dict(common, **network)) for (kind, key), network in found.items()]


def weight(kind, key, seen):
    accuracy = max(abs(seen["accuracy"] or 10), 10)
    age = max(abs(seen["age"] or 2000), 2000)
    speed = max(abs(seen["speed"] or 1), 1)
    if accuracy > WEIGHTLESS_BEYOND_M[kind] or age > 20_000 or speed > 50:
        return 0.0
    signal_weight = 1.0
    if kind != "blue":
        name = key[0] if kind == "cell" else "wifi"
        signal = seen["signal"] if seen["signal"] is not None else MEDIAN_SIGNAL[name]
        signal_weight = ((1 / (signal + SIGNAL_OFFSET[name]) ** 2) * 10_000) ** 2
    return math.sqrt(10 / accuracy) * min(math.sqrt(2000 / age), 1) * min(math.sqrt(5 / speed), 1) * signal_weight


def distance_m(lat1, lon1, lat2, lon2):
    """Vincenty's inverse formula on WGS 84; good for what is not nearly antipodal."""
    if (lat1, lon1) == (lat2, lon2):
        return 0.0
    major, minor = 6378137.0, 6356752.314245
    flat = (major - minor) / major
    u1, u2 = (math.atan((1 - flat) * math.tan(math.radians(lat))) for lat in (lat1, lat2))
    across = math.radians(lon2 - lon1)
    turn = across
    for _ in range(50):
        sin_sigma = math.hypot(math.cos(u2) * math.sin(turn),
                               math.cos(u1) * math.sin(u2) - math.sin(u1) * math.cos(u2) * math.cos(turn))
        cos_sigma = math.sin(u1) * math.sin(u2) + math.cos(u1) * math.cos(u2) * math.cos(turn)
        sigma = math.atan2(sin_sigma, cos_sigma)
        sin_alpha = math.cos(u1) * math.cos(u2) * math.sin(turn) / sin_sigma if sin_sigma else 0.0
        cos2_alpha = 1 - sin_alpha**2
        middle = cos_sigma - 2 * math.sin(u1) * math.sin(u2) / cos2_alpha if cos2_alpha else 0.0
        c = flat / 16 * cos2_alpha * (4 + flat * (4 - 3 * cos2_alpha))
        before, turn = turn, across + (1 - c) * flat * sin_alpha * (
            sigma + c * sin_sigma * (middle + c * cos_sigma * (2 * middle**2 - 1)))
        if abs(turn - before) < 1e-11:
            break
    square = cos2_alpha * (major**2 - minor**2) / minor**2
    a = 1 + square / 16384 * (4096 + square * (square * (320 - 175 * square) - 768))
    b = square / 1024 * (256 + square * (square * (74 - 47 * square) - 128))
    change = b * sin_sigma * (middle + b / 4 * (cos_sigma * (2 * middle**2 - 1)
                                                - b / 6 * middle * (4 * sin_sigma**2 - 3) * (4 * middle**2 - 3)))
    return minor * a * (sigma - change)


def radius_m(row):
    corners = [(lat, lon) for lat in (row["min_lat"], row["max_lat"]) for lon in (row["min_lon"], row["max_lon"])]
    return round(max(distance_m(row["lat"], row["lon"], lat, lon) for lat, lon in corners))


def grid_of(lat, lon):
    """A cell of the data map: its table and its scaled coordinates."""
    lat, lon = round(lat * 1000), round(lon * 1000)
    return ("n" if lat >= 36_000 else "s") + ("e" if lon >= 5_000 else "w"), lat, lon


def grid_of_row(table, grid):
    """The same from the hex digits of its key in a table."""
    lat, lon = struct.unpack("!II", bytes.fromhex(grid))
    return table[-2:], lat - 90_000, lon - 180_000


def is_close(name, value, expected):
    """Is a number of a station what it should be, but for the order in which sums were made?"""
    if value is None or expected is None:
        return value is expected
    if name == "weight":
        return abs(value - expected) <= 1e-6 * max(abs(expected), 1)
    return abs(value - expected) <= (1 if name == "radius" else 1e-7)


class Model:
    """The tables."""

    def __init__(self, today):
        self.today = today
        self.stations, self.grids, self.counts = {}, set(), {}

    def learn(self, reports):
        """Learns from reports of which the observations come together."""
        groups = {}
        for report in reports:
            found = observations(report)
            if found:
                self.grids.add(grid_of(found[0][2]["lat"], found[0][2]["lon"]))
            for kind, key, seen in found:
                seen["weight"] = weight(kind, key, seen)
                if seen["weight"] > 0:
                    groups.setdefault((kind, key), []).append(seen)
        for station, all_seen in groups.items():
            self.update(station, all_seen)

    def count(self, name, by):
        self.counts[name] = self.counts.get(name, 0) + by

    def update(self, station, all_seen):
        kind, row = station[0], self.stations.get(station)
        self.count(kind, len(all_seen))
        if row and self.is_blocked(row):
            return
        measured = [seen for seen in all_seen if seen["source"] != SOURCES["query"]]
        chosen, source = (measured, 3) if measured else (all_seen, 9)
        lats, lons = [seen["lat"] for seen in chosen], [seen["lon"] for seen in chosen]
        box = {"min_lat": min(lats), "max_lat": max(lats), "min_lon": min(lons), "max_lon": max(lons)}
        extent = EXTENT_M[kind]
        is_consistent = distance_m(box["min_lat"], box["min_lon"], box["max_lat"], box["max_lon"]) <= extent
        psc = next((seen["psc"] for seen in reversed(chosen) if seen.get("psc") is not None), None)
        is_new = row is None
        if is_new:
            self.count(f"unique_{kind}", 1)
            row = self.stations[station] = dict.fromkeys(
                ["lat", "lon", *box, "radius", "samples", "weight", "source", "last_seen", "block_first", "block_last",
                 "block_count", "psc"])
            row["created"] = self.today
        has_position = row["lat"] is not None and row["lon"] is not None
        agrees = has_position and all(distance_m(row["lat"], row["lon"], lat, lon) <= extent for lat, lon in zip(lats, lons))
        is_old = not is_new and row["modified"] < self.today - datetime.timedelta(days=365)
        is_query = row["source"] == SOURCES["query"]
        if not has_position:
            action = ("change" if is_consistent else "block") if is_new or is_consistent else None
        elif not is_consistent or not agrees and not is_old:
            action = "block"
        elif not agrees:
            action = "replace"
        elif source == 9:
            action = "change" if is_query else "confirm"
        else:
            action = "replace" if is_query else "change"
        if action == "confirm":
            row["last_seen"] = self.today
        if action in (None, "confirm"):
            return
        row["psc"] = psc if psc is not None else row["psc"]
        row["modified"] = self.today
        if action == "block":
            row.update(dict.fromkeys(["lat", "lon", *box, "radius", "samples", "weight", "source", "last_seen"]))
            row.update(block_first=row["block_first"] or self.today, block_last=self.today,
                       block_count=(row["block_count"] or 0) + 1)
            return
        keeps = action == "change" and has_position
        old_weight = min(row["weight"] or 0.0, MAX_OLD_WEIGHT) if keeps else 0.0
        new_weight = sum(seen["weight"] for seen in chosen)
        for axis, values in (("lat", lats), ("lon", lons)):
            mean = sum(value * seen["weight"] for value, seen in zip(values, chosen)) / new_weight
            ends = [box[f"min_{axis}"], box[f"max_{axis}"]]
            if keeps:
                ends += [value for value in (row[f"min_{axis}"], row[f"max_{axis}"], row[axis]) if value is not None]
                mean = (mean * new_weight + row[axis] * old_weight) / (new_weight + old_weight)
            row[f"min_{axis}"], row[f"max_{axis}"], row[axis] = min(ends), max(ends), mean
        is_change = action == "change" and not is_new
        row.update(
            radius=radius_m(row), source=source, last_seen=self.today,
            samples=min(((row["samples"] or 0) if is_change else 0) + len(chosen), 2**32 - 1),
            weight=min(((row["weight"] or 0.0) if is_change else 0.0) + new_weight, 1e9))

    def is_blocked(self, row):
        """Has it moved today or yesterday, or once for each month that it is known?"""
        if row["block_last"] is not None and (self.today - row["block_last"]).days < 2:
            return True
        months = round(abs((row["created"] - self.today).days) / 30)
        return bool(row["block_count"]) and row["block_count"] >= months
