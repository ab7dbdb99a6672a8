// Requests to begin with. The stations are those that `serve --demo` invents.

export interface Demonstration {
  name: string;
  body: string;
}

const pretty = (request: unknown) => JSON.stringify(request, null, 2);

export const DEMONSTRATIONS: Demonstration[] = [
  { name: "Only my address", body: "{}" },
  {
    name: "Two access points",
    body: pretty({
      considerIp: false,
      wifiAccessPoints: [
        { macAddress: "02:de:0c:00:00:00", signalStrength: -51 },
        { macAddress: "02:de:1c:00:00:01", signalStrength: -63 },
      ],
    }),
  },
  {
    name: "One LTE cell",
    body: pretty({
      considerIp: false,
      cellTowers: [
        {
          radioType: "lte",
          mobileCountryCode: 234,
          mobileNetworkCode: 999,
          locationAreaCode: 1,
          cellId: 1,
          signalStrength: -95,
        },
      ],
    }),
  },
  {
    name: "Stations nobody knows",
    body: pretty({
      considerIp: false,
      wifiAccessPoints: [{ macAddress: "02:00:00:00:00:01" }, { macAddress: "02:00:00:00:00:02" }],
    }),
  },
  {
    name: "Broken JSON",
    body: '{\n  "wifiAccessPoints": [\n    {"macAddress": "02:de:0c:00:00:00"},\n    {"macAddress": 02:de:1c:00:00:01}\n  ]\n}',
  },
];
