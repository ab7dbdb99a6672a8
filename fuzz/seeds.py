#!/usr/bin/env python3
"""Fills the corpora of the fuzz targets from the recorded cases; standard library only."""
import gzip
import hashlib
import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
CASES = HERE.parent / "conformance" / "cases"
# Members that appear in few recorded bodies or none.
EXTRA = [
    '{"cellTowers": [{"radioType": "nr", "mobileCountryCode": 262, "mobileNetworkCode": 2, '
    '"trackingAreaCode": 11259375, "newRadioCellId": 64729200248}]}',
    '{"a": NaN, "b": -Infinity, "c": 1e999, "d": "\\ud800", "e": [[[[[[[[]]]]]]]]}',
]


def keep(target, item):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(item).hexdigest()).write_bytes(item)


def requests(name):
    for case in json.loads((CASES / f"{name}.json").read_text()):
        steps = [step.get("request") for step in case.get("steps", [])]
        yield from filter(None, [case.get("request"), *case.get("before", []), *steps])


def body_of(request):
    if "body" in request:
        return json.dumps(request["body"])
    return request.get("body_text", "")


def main():
    for name in ["geolocate", "country", "provider", "submit", "pipeline"]:
        is_report = name in ("submit", "pipeline")
        for request in requests(name):
            body = body_of(request).replace("{{now_ms}}", "1767225600000")
            keep("json", body.encode())
            keep("submit_request" if is_report else "locate_request", body.encode())
            keep("body", b"\1" + gzip.compress(body.encode(), mtime=0))
            query = request.get("raw_query") or "&".join(f"{key}={value}" for key, value in (request.get("query") or {}).items())
            keep("query_string", query.encode())
            address = (request.get("headers") or {}).get("X-Forwarded-For", "")
            keep("client_address", address.encode())
    for case in json.loads((CASES / "submit.json").read_text()):
        for item in case.get("queued") or []:
            text = item if isinstance(item, str) else json.dumps(item)
            keep("queued_report", text.encode())
    for text in EXTRA:
        keep("json", text.encode())
        keep("locate_request", text.encode())
    for number in range(16):
        keep("queued_observation", json.dumps({
            "mac": f"02000000000{number:x}", "radio": number % 6, "mcc": 262, "mnc": 1, "lac": 5, "cid": number, "lat": 51.0,
            "lon": 10.0, "accuracy": 10, "signal": -60, "age": 0, "channel": number, "timestamp": 1767225600000}).encode())
    for key in ["0001360000000100000001", "050106000200abcdef0000000f12345678", "0201360001000c", "00020f5800029810"]:
        keep("station_keys", bytes.fromhex(key))
    keep("station_keys", b"02:00:00:00:00:01")
    # Found something once: numbers with more digits than a double has.
    keep("queued_observation", b'{"mac": "020000000009", "lat": 51.0, "lon": 10.67225600222222222222222222}')
    keep("submit_request", b'{"items": [{"position": {"latitude": 51.9999999999999999447798802, "longitude": 10.0, '
         b'"accuracy": 1e999}, "wifiAccessPoints": [{"macAddress": "02:00:00:00:00:01"}]}]}')


if __name__ == "__main__":
    main()
