"""Fills the gaps of a matrix by imputegap's own functions. One line of JSON in, one line out; the matrix is a file of doubles, row by row."""

import json
import sys
from importlib.metadata import version

import numpy as np
from imputegap.algorithms.mean_impute_by_series import mean_impute_by_series
from imputegap.algorithms.mice import mice

methods = {
    "mean": lambda values: mean_impute_by_series(values, logs=False, verbose=False),
    "mice": lambda values: mice(values, max_iter=10, logs=False, verbose=False),
}

for line in sys.stdin:
    command = json.loads(line)
    if command["do"] == "versions":
        answer = {"versions": f"imputegap {version('imputegap')}, scikit-learn {version('scikit-learn')}."}
    else:
        values = np.fromfile(command["from"]).reshape(-1, command["width"])
        methods[command["method"]](values).astype(np.float64).tofile(command["to"])
        answer = {"done": True}
    print(json.dumps(answer), flush=True)
