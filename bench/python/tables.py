"""The table bench's peer in Python: reads a command a line as JSON, answers a line of JSON."""

import json
import sys
import time

import pandas


def versions():
    import importlib.util

    arrow = "with" if importlib.util.find_spec("pyarrow") else "without"
    return {"versions": f"pandas {pandas.__version__} {arrow} pyarrow, numpy {__import__('numpy').__version__}"}


def read(file, options):
    wall, cpu = time.perf_counter(), time.process_time()
    frame = pandas.read_csv(file, **options)
    spent = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    return {**spent, "rows": len(frame), "first": [float(cell) for cell in frame.iloc[0, :3]]}


commands = {"versions": versions, "read": read}
for line in sys.stdin:
    command = json.loads(line)
    print(json.dumps(commands[command.pop("do")](**command)), flush=True)
