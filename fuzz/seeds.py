#!/usr/bin/env python3
"""Fills the corpora of the fuzz targets from the recorded cases; standard library only."""
import gzip
import hashlib
import io
import json
import pathlib
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
CASES = HERE.parent / "conformance" / "cases"
# Members that appear in few recorded bodies or none.
EXTRA = [
    '{"cellTowers": [{"radioType": "nr", "mobileCountryCode": 262, "mobileNetworkCode": 2, '
    '"trackingAreaCode": 11259375, "newRadioCellId": 64729200248}]}',
    '{"a": NaN, "b": -Infinity, "c": 1e999, "d": "\\ud800", "e": [[[[[[[[]]]]]]]]}',
]

# Rows of logs, in the order of the target's formats, from the second one on.
LOGS = [
    "1718632917000,60.1698557,24.9383791,12.5,450,1.25,a8:20:66:00:00:11,1200,-61,kotiverkko\n",
    "1718632917000,60.1698557,24.9383791,12.5,450,1.25,64729200248,nr,244,05,11259375,301,-95,61,-12\n",
    '260,2,45070,26511110,72,31,-85,3,52.2296756,21.0122287,8,0.5,90,113.2,"2014-07-17T15:00:28.123Z",LTE,false,"x"\n',
    "262,2,3,5126,26385419,0,52.5200066,13.404954,34.5\n",
    "a82066000011,52.5200066,13.404954,\n",
    '{"items": [{"position": {"latitude": 51.5, "longitude": -0.1}, "wifiAccessPoints": [{"macAddress": "94b40f010d01"}]}]}',
    '{"lat": 51.5, "lon": -0.1, "time": "2014-07-17T13:00:28Z", "wifi": [{"key": "94b40f010d01"}]}\nbroken\n',
    "WigleWifi-1.4,appRelease=2.53\nMAC,SSID,FirstSeen,CurrentLatitude,CurrentLongitude,Type\n",
    "1a:9f:ee:5c:71:c6,x,[ESS],2018-08-01 13:08:27,161,5805,-43,37.7,-122.4,67,3.2,,,WIFI\n"
    "310410_56967_4118917,x,WCDMA,2018-08-03 18:14:15,,4385,-81,37.7,-122.4,104,34,,,WCDMA\n",
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
    for case in json.loads((CASES / "exports.json").read_text()):
        if case["kind"] == "import":
            keep("cell_csv", case["csv"].encode())
    keep("cell_csv", b'"NR",262,2,16777213,68719476735,7,9.5,50.1,1e3,3.0,1,,1600000000\r\nnb-iot,1,2\n"')
    for text in EXTRA:
        keep("json", text.encode())
        keep("locate_request", text.encode())
    for number in range(16):
        keep("queued_observation", json.dumps({
            "mac": f"02000000000{number:x}", "radio": number % 6, "mcc": 262, "mnc": 1, "lac": 5, "cid": number, "lat": 51.0,
            "lon": 10.0, "accuracy": 10, "signal": -60, "age": 0, "channel": number, "timestamp": 1767225600000}).encode())
    for choice, row in enumerate(LOGS, start=1):
        keep("survey_log", bytes([choice]) + row.encode())
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("wifis.csv", "timestamp,latitude,longitude,macAddress,wifiScanAge\n1718632917000,60.1,24.9,a82066000011,1\n")
    keep("survey_log", b"\0" + packed.getvalue())
    for key in ["0001360000000100000001", "050106000200abcdef0000000f12345678", "0201360001000c", "00020f5800029810"]:
        keep("station_keys", bytes.fromhex(key))
    keep("station_keys", b"02:00:00:00:00:01")
    # Found something once: numbers with more digits than a double has.
    keep("queued_observation", b'{"mac": "020000000009", "lat": 51.0, "lon": 10.67225600222222222222222222}')
    keep("submit_request", b'{"items": [{"position": {"latitude": 51.9999999999999999447798802, "longitude": 10.0, '
         b'"accuracy": 1e999}, "wifiAccessPoints": [{"macAddress": "02:00:00:00:00:01"}]}]}')


if __name__ == "__main__":
    main()
