"""Writes readings with InfluxDB's own client for Python: JSON on standard input, the address of the server as the only argument."""

import json
import sys

from influxdb_client import InfluxDBClient, Point
from influxdb_client.client.write_api import SYNCHRONOUS

points = []
for reading in json.load(sys.stdin):
    point = Point("any measurement").tag("device", reading["device"]).tag("host", "somewhere").time(int(reading["time"]))
    for name, value in reading["values"].items():
        # The client leaves out a field that is None.
        point.field(name, value)
    points.append(point)

with InfluxDBClient(url=sys.argv[1], token="any token", org="any org") as client:
    client.write_api(write_options=SYNCHRONOUS).write(bucket="any bucket", record=points)
