"""What the senders of a soak send: reports in every version of the interface, and queries; standard library only.

Each report has an access point of its own, by which it is found in the tables. Beside it stand stations that
others see too, at a place of theirs, and such that are seen at two places and are blocked for it, whatever
comes first. A query that is learned from has an access point of its own as well.
"""
import datetime
import gzip
import json

REPORTS_PER_REQUEST = (1, 6)
SHARED = 200
# Access points at each shared place: enough of them to be located by.
AT_ONE_PLACE = 3
MOVERS = 40
# Further than cells of one mast are apart.
ABROAD_DEG = 4.0
RADIOS = ["gsm", "wcdma", "lte", "nr"]
AT = {"X-Forwarded-For": "81.2.69.142"}
PAGES = ["/", "/stats", "/stats_wifi.json", "/coverage.json?bbox=9,50,10,51", "/downloads", "/__heartbeat__",
         "/__lbheartbeat__", "/__version__"]
# The names of the first version, by those of the newest.
V0_POSITION = {"latitude": "lat", "longitude": "lon", "altitudeAccuracy": "altitude_accuracy"}
V0_LISTS = {"bluetoothBeacons": "blue", "cellTowers": "cell", "wifiAccessPoints": "wifi"}
V0_FIELDS = {"macAddress": "key", "signalStrength": "signal", "radioType": "radio", "mobileCountryCode": "mcc",
             "mobileNetworkCode": "mnc", "locationAreaCode": "lac", "cellId": "cid", "primaryScramblingCode": "psc",
             "timingAdvance": "ta"}


def place_of(number, chance=None):
    """Where a station is, in the middle of Germany; with chance, a point at most 20 m away."""
    lat, lon = 50.2 + number * 7919 % 15_000 / 10_000, 9.0 + number * 104_729 % 20_000 / 10_000
    spread = (lambda: chance.uniform(-0.00009, 0.00009)) if chance else (lambda: 0.0)
    return round(lat + spread(), 7), round(lon + spread(), 7)


def mac_of(kind, number, place):
    return f"{kind}00{number:02x}{place * 40_503 % 256:02x}{place:04x}"


def own_mac(kind, number):
    """An access point that nobody else reports."""
    return f"{kind}{number * 2_654_435_761 % 2**32:08x}{number >> 32 & 255:02x}"


def cell_of(number, area):
    radio = RADIOS[number % len(RADIOS)]
    cell = {"radioType": radio, "mobileCountryCode": 262, "mobileNetworkCode": 2, "locationAreaCode": area + number // 16,
            "cellId": 1000 + number, "signalStrength": -90}
    if radio == "nr":
        cell.update(locationAreaCode=cell["locationAreaCode"] + 100_000, cellId=cell["cellId"] + 2**33, asu=60)
    if radio != "gsm":
        cell["primaryScramblingCode"] = 9
    return cell


def report(number, chance):
    """A report with an access point of its own, and at times stations that others see too."""
    shared, is_abroad = chance.randrange(SHARED), chance.random() < 0.1
    lat, lon = place_of(shared, chance)
    position = {"latitude": round(lat + ABROAD_DEG * is_abroad, 7), "longitude": lon,
                "accuracy": chance.choice([5, 10, 25.5, 80])}
    for name, value in [("speed", chance.uniform(0, 20)), ("age", chance.randrange(-3000, 3000)), ("source", "gnss")]:
        if chance.random() < 0.3:
            position[name] = value
    signal = lambda: -chance.randrange(40, 90)
    networks = [{"macAddress": own_mac("06", number), "signalStrength": signal()}]
    given = {"timestamp": 1_700_000_000_000 + number, "position": position, "wifiAccessPoints": networks}
    if not is_abroad:
        for which in range(AT_ONE_PLACE):
            if chance.random() < 0.4:
                networks.append({"macAddress": mac_of("0a", which, shared), "signalStrength": signal(),
                                 "age": chance.randrange(0, 9000)})
        if chance.random() < 0.3:
            given["cellTowers"] = [cell_of(shared, 1)]
        if chance.random() < 0.2:
            given["bluetoothBeacons"] = [{"macAddress": mac_of("0e", 0, shared), "signalStrength": -70}]
    if is_abroad or chance.random() < 0.1:
        mover = chance.randrange(MOVERS)
        networks.append({"macAddress": mac_of("12", 0, mover), "signalStrength": signal()})
        given["cellTowers"] = [*given.get("cellTowers", []), cell_of(mover + SHARED, 1)]
        given["bluetoothBeacons"] = [*given.get("bluetoothBeacons", []),
                                     {"macAddress": mac_of("16", 0, mover), "signalStrength": -60}]
    if chance.random() < 0.1:
        networks.append(dict(networks[0], signalStrength=signal()))
    if chance.random() < 0.1:
        networks.append({"macAddress": chance.choice(["ffffffffffff", "none", ""])})
    return given


def as_v1(given):
    """The same report as the second version of the interface takes it."""
    cells = [{"psc" if name == "primaryScramblingCode" else name: value for name, value in cell.items()}
             for cell in given.get("cellTowers", [])]
    rest = {name: value for name, value in given.items() if name not in ("position", "cellTowers")}
    return {**given["position"], **rest, **({"cellTowers": cells} if cells else {})}


def as_v0(given):
    """The same report as the first version of the interface takes it."""
    time = datetime.datetime.fromtimestamp(given["timestamp"] // 1000, datetime.timezone.utc)
    renamed = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ")}
    renamed.update((V0_POSITION.get(name, name), value) for name, value in given["position"].items())
    for name, short in V0_LISTS.items():
        if name in given:
            renamed[short] = [{V0_FIELDS.get(field, field): value for field, value in network.items()}
                              for network in given[name]]
    return renamed


VERSIONS = [("/v2/geosubmit", lambda given: given), ("/v1/geosubmit", as_v1), ("/v1/submit", as_v0)]


def submission(told, chance):
    reports = [report(number, chance) for number in told.numbers(chance.randint(*REPORTS_PER_REQUEST))]
    path, form = chance.choices(VERSIONS, weights=[4, 1, 1])[0]
    body, headers = json.dumps({"items": [form(given) for given in reports]}).encode(), {"Content-Type": "application/json"}
    if chance.random() < 0.5:
        body, headers = gzip.compress(body), {**headers, "Content-Encoding": "gzip"}
    return "submit", "POST", f"{path}?key=test", body, headers, reports


def lesson(told, chance):
    """A query with the access points of one place and one that is unknown: it may be learned from."""
    place = chance.randrange(SHARED)
    macs = [own_mac("04", told.numbers(1)[0]), *(mac_of("0a", which, place) for which in range(AT_ONE_PLACE))]
    networks = [{"macAddress": mac, "signalStrength": -chance.randrange(40, 90)} for mac in macs]
    body = json.dumps({"wifiAccessPoints": networks, "considerIp": False}).encode()
    return "lesson", "POST", "/v1/geolocate?key=learned", body, AT, networks


def learned_from(networks, answer):
    """The report that a query with these access points becomes, by what was answered."""
    document = json.loads(answer)
    position = {"latitude": document["location"]["lat"], "longitude": document["location"]["lng"],
                "accuracy": document["accuracy"], "source": "query"}
    return {"position": position, "wifiAccessPoints": networks}


def requests(told, chance):
    """One request of each kind, in turn: interface, method, path, body, headers, reports or what may be learned."""
    cell = {"cellTowers": [cell_of(2, 1)]}
    while True:
        for document in [{}, {"wifiAccessPoints": [{"macAddress": mac_of("0a", which, chance.randrange(SHARED))}
                                                   for which in range(AT_ONE_PLACE)]}, cell]:
            yield "locate", "POST", "/v1/geolocate?key=test", json.dumps(document).encode(), AT, ()
        yield lesson(told, chance)
        yield "region", "POST", "/v1/country?key=test", b"{}", AT, ()
        for _ in range(6):
            yield submission(told, chance)
        for path in chance.sample(PAGES, 2):
            yield "other", "GET", path, None, {}, ()
