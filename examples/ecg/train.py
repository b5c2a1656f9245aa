"""Trains XGBoost and a scikit-learn forest on data/train.csv and writes them as data/xgboost.onnx and data/forest.onnx.

    node examples/ecg/simulate.ts
    python -m venv env && env/bin/pip install -r examples/ecg/requirements.txt
    env/bin/python examples/ecg/train.py

Prints accuracy, weighted F1 and Youden's J of five folds that keep the beats of a patient together. The models that are
written learnt from all rows. XGBoost takes gaps itself, so it also learns from copies of the rows with samples masked.
What both say of some rows is written to python.json, for the test.
"""

import csv
import json
import pathlib
import sys

import numpy as np
import xgboost
from onnxmltools.convert import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score
from sklearn.model_selection import StratifiedGroupKFold
from skl2onnx import to_onnx

DATA = pathlib.Path(__file__).parent / "data"
KINDS = ["normal", "abnormal"]
SHARES = [0.1, 0.3]


def read(name):
    if not (DATA / name).exists():
        sys.exit(f"{DATA / name} is missing; make it first: node examples/ecg/simulate.ts")
    with open(DATA / name, newline="") as file:
        rows = list(csv.reader(file))[1:]
    values = np.array([row[2:-1] for row in rows], dtype=np.float32)
    return values, np.array([KINDS.index(row[-1]) for row in rows]), [row[0] for row in rows]


def with_masked_copies(x, y):
    random = np.random.default_rng(1)
    masked = [np.where(random.random(x.shape) < share, np.nan, x).astype(np.float32) for share in SHARES]
    return np.concatenate([x, *masked]), np.tile(y, 1 + len(SHARES))


def fit_xgboost(x, y):
    return xgboost.XGBClassifier(n_jobs=1, random_state=1).fit(*with_masked_copies(x, y))


def fit_forest(x, y):
    return RandomForestClassifier(100, max_leaf_nodes=50, random_state=1).fit(x, y)


def print_folds(name, fit, x, y, patients):
    labels = np.zeros_like(y)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=1).split(x, y, patients)
    for fold, (rest, held) in enumerate(folds, 1):
        labels[held] = fit(x[rest], y[rest]).predict(x[held])
        print_scores(f"{name}, fold {fold}", y[held], labels[held])
    print_scores(f"{name}, all", y, labels)


def print_scores(name, y, labels):
    youden = 2 * balanced_accuracy_score(y, labels) - 1
    scores = accuracy_score(y, labels), f1_score(y, labels, average="weighted"), youden
    print(f"{name}: accuracy {scores[0]:.3f}, weighted F1 {scores[1]:.3f}, Youden's J {scores[2]:.3f}", flush=True)


def write_expected(boosted, forest, x):
    """Six beats, and the probabilities of both models; XGBoost's of the beats with every seventh sample lost."""
    beats = x[::400]
    gapped = beats.copy()
    gapped[:, ::7] = np.nan
    content = {
        "beats": [[round(float(value), 4) for value in beat] for beat in beats],
        "xgboost": boosted.predict_proba(gapped).astype(float).round(7).tolist(),
        "forest": forest.predict_proba(beats).astype(float).round(7).tolist(),
    }
    (DATA.parent / "python.json").write_text(json.dumps(content) + "\n")


def main():
    x, y, patients = read("train.csv")
    for name, fit in [("xgboost", fit_xgboost), ("forest", fit_forest)]:
        print_folds(name, fit, x, y, patients)
    boosted, forest = fit_xgboost(x, y), fit_forest(x, y)
    types = [("x", FloatTensorType([None, x.shape[1]]))]
    (DATA / "xgboost.onnx").write_bytes(convert_xgboost(boosted, initial_types=types).SerializeToString())
    (DATA / "forest.onnx").write_bytes(to_onnx(forest, x[:1], options={"zipmap": False}).SerializeToString())
    write_expected(boosted, forest, x)


if __name__ == "__main__":
    main()
