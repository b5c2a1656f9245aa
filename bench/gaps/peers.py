"""The gap bench's peers in Python: reads a command a line as JSON, answers a line of JSON.

Rows lie in a folder as NAME.f64 with NaN as gaps, labels as NAME.i32.
"""

import json
import os
import pathlib
import sys
import time

# One thread, as ours: splits are measured side by side, one a core.
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

folder = pathlib.Path(sys.argv[1])


def load(name, width):
    return np.fromfile(folder / f"{name}.f64").reshape(-1, width), np.fromfile(folder / f"{name}.i32", np.int32)


def make(method, seed):
    if method == "mean":
        return make_pipeline(SimpleImputer(), RandomForestClassifier(200, random_state=seed))
    return HistGradientBoostingClassifier(random_state=seed)


def score(method, seed, train, test, width):
    """Fits on all the train sets together; says which of the test rows get the right label, and the time a row."""
    sets = [load(name, width) for name in train]
    model = make(method, seed).fit(np.vstack([x for x, _ in sets]), np.concatenate([y for _, y in sets]))
    x, y = load(test, width)
    start = time.perf_counter()
    labels = model.predict(x)
    seconds = time.perf_counter() - start
    return {"right": (labels == y).tolist(), "microsecondsPerRow": seconds / len(y) * 1e6}


def versions():
    return {"versions": f"scikit-learn {sklearn.__version__}"}


commands = {"score": score, "versions": versions}
for line in sys.stdin:
    command = json.loads(line)
    print(json.dumps(commands[command.pop("do")](**command)), flush=True)
