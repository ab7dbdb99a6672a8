"""Queue items as the original's Python writes and reads them.

usage: queue.py write|read FORM   with one item a line on standard input, FORM one of report,
export, blue, wifi, cell, area, grid. `write` takes JSON (hex for area and grid) and prints base64;
`read` takes base64, fails on anything the original's workers could not read, and prints JSON (hex).
"""
import base64
import gzip
import io
import json
import re
import struct
import sys

NUMBER = (int, float)
TEXT = (str, type(None))
FIX = {
    "lat": float, "lon": float, "accuracy": float, "altitude": float, "altitude_accuracy": float,
    "heading": float, "pressure": float, "speed": float, "source": (int, type(None)),
    "timestamp": int,
}
OBSERVATIONS = {
    "blue": {"mac": str, "age": int, "signal": int},
    "wifi": {"mac": str, "age": int, "channel": int, "frequency": int, "signal": int, "snr": int},
    "cell": {
        "radio": int, "mcc": int, "mnc": int, "lac": int, "cid": int, "psc": int, "age": int,
        "asu": int, "signal": int, "ta": int,
    },
}
POSITION = {
    "latitude": NUMBER, "longitude": NUMBER, "accuracy": NUMBER, "age": int, "altitude": NUMBER,
    "altitudeAccuracy": NUMBER, "heading": NUMBER, "pressure": NUMBER, "speed": NUMBER,
    "source": str,
}
NETWORKS = {
    "bluetoothBeacons": {"macAddress": str, "age": int, "name": str, "signalStrength": int},
    "wifiAccessPoints": {
        "macAddress": str, "age": int, "channel": int, "frequency": int, "radioType": str,
        "signalStrength": int, "signalToNoiseRatio": int, "ssid": str,
    },
    "cellTowers": {
        "radioType": str, "mobileCountryCode": int, "mobileNetworkCode": int,
        "locationAreaCode": int, "cellId": int, "age": int, "asu": int,
        "primaryScramblingCode": int, "serving": int, "signalStrength": int, "timingAdvance": int,
    },
}
REPORT = {
    "carrier": str, "homeMobileCountryCode": int, "homeMobileNetworkCode": int, "timestamp": int,
    "fallbacks": dict, "position": (dict, type(None)), **dict.fromkeys(NETWORKS, list),
}


def members(value, types, what):
    """Only known members, each of its type; true and false are no numbers here."""
    for name, member in value.items():
        assert name in types, f"{what} has an unknown member {name}"
        is_flag = isinstance(member, bool)
        assert isinstance(member, types[name]) and not is_flag, f"{what}.{name} is {member!r}"


def check_report(report):
    members(report, REPORT, "report")
    members(report.get("position") or {}, POSITION, "position")
    for kind, types in NETWORKS.items():
        for network in report.get(kind, []):
            members(network, types, kind)


def from_json(data):
    def refuse(word):
        raise ValueError(f"{word} is no JSON")

    return json.loads(data.decode("utf-8"), parse_constant=refuse)


def read(form, data):
    if form == "area":
        radio, _, _, _ = struct.unpack("!BHHH", data)
        assert radio in (0, 2, 3), f"radio {radio}"
        return data.hex()
    if form == "grid":
        lat, lon = struct.unpack("!II", data)
        assert lat <= 180_000 and lon <= 360_000, (lat, lon)
        return data.hex()
    if form == "report":
        stream = io.BytesIO(data)
        with gzip.GzipFile(None, mode="rb", fileobj=stream) as member:
            data = member.read()
    value = from_json(data)
    if form in OBSERVATIONS:
        members(value, {**OBSERVATIONS[form], **FIX}, form)
        assert form == "cell" or re.fullmatch("[0-9a-f]{12}", value["mac"]), value["mac"]
        assert form != "cell" or value["radio"] in (0, 2, 3), value["radio"]
        return value
    names = {"api_key", "report", "source"} if form == "report" else {"api_key", "report"}
    assert set(value) == names, set(value)
    assert isinstance(value["api_key"], TEXT) and isinstance(value.get("source", ""), str)
    check_report(value["report"])
    return value


def write(form, line):
    if form in ("area", "grid"):
        return bytes.fromhex(line)
    data = json.dumps(json.loads(line)).encode("utf-8")
    if form != "report":
        return data
    stream = io.BytesIO()
    with gzip.GzipFile(None, mode="wb", compresslevel=6, fileobj=stream) as member:
        member.write(data)
    return stream.getvalue()


def main():
    verb, form = sys.argv[1:]
    for line in sys.stdin.read().splitlines():
        if verb == "write":
            print(base64.b64encode(write(form, line)).decode("ascii"))
        else:
            print(json.dumps(read(form, base64.b64decode(line))))


main()
