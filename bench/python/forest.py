"""The forest bench's peers in Python: reads a command a line as JSON, answers a line of JSON.

Sets lie in a folder as NAME.json (shape), NAME.{train,test}.f64 (rows) and NAME.{train,test}.i32 (labels).
"""

import json
import pathlib
import sys
import time
import zipfile

import numpy as np

folder = pathlib.Path(sys.argv[1])
sets = {}
models = {}


def load(name):
    if name not in sets:
        width = json.loads((folder / f"{name}.json").read_text())["width"]
        part = lambda which: (
            np.fromfile(folder / f"{name}.{which}.f64").reshape(-1, width),
            np.fromfile(folder / f"{name}.{which}.i32", np.int32),
        )
        sets[name] = part("train") + part("test")
    return sets[name]


def generate(name, train, test, width, classes, seed):
    from sklearn.datasets import make_classification

    x, y = make_classification(
        train + test, width, n_informative=width // 3, n_redundant=width // 6, n_classes=classes,
        n_clusters_per_class=2, class_sep=1.0, flip_y=0.03, random_state=seed,
    )  # fmt: skip
    (folder / f"{name}.json").write_text(json.dumps({"width": width, "classes": classes}))
    for which, part in (("train", slice(0, train)), ("test", slice(train, None))):
        x[part].astype(np.float64).tofile(folder / f"{name}.{which}.f64")
        y[part].astype(np.int32).tofile(folder / f"{name}.{which}.i32")
    return {}


def timed(work):
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, {"seconds": time.perf_counter() - wall, "cpuSeconds": time.process_time() - cpu}


def fit(name, trees, seed, threads):
    from sklearn.ensemble import RandomForestClassifier

    x, y, unseen, labels = load(name)
    model, cost = timed(lambda: RandomForestClassifier(trees, random_state=seed, n_jobs=threads).fit(x, y))
    return {**cost, "accuracy": model.score(unseen, labels)}


def prepare(name, trees):
    """The models that are asked to predict: the same forest for scikit-learn and ONNX; LightGBM's and YDF's own."""
    import lightgbm
    import lleaves
    import onnxruntime
    from skl2onnx import to_onnx
    from sklearn.ensemble import RandomForestClassifier

    x, y, unseen, labels = load(name)
    forest = RandomForestClassifier(trees, random_state=0).fit(x, y)
    onnx = to_onnx(forest, x[:1].astype(np.float32), options={"zipmap": False}).SerializeToString()
    (folder / "forest.onnx").write_bytes(onnx)
    forest.predict(unseen).astype(np.int32).tofile(folder / "forest.i32")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx, options)
    random_forest = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.63, "feature_fraction_bynode": 0.13}
    data = lightgbm.Dataset(x, y)
    booster = lightgbm.train({"objective": "binary", "num_leaves": 300, "verbose": -1, **random_forest}, data, trees)
    booster.save_model(folder / "lightgbm.txt")
    compiled = lleaves.Model(model_file=str(folder / "lightgbm.txt"))
    compiled.compile()
    train_ydf(x, y, trees)
    models["scikit-learn"] = forest.predict_proba
    models["onnxruntime"] = lambda rows: session.run(None, {"X": rows.astype(np.float32)})
    models["lleaves"] = lambda rows: compiled.predict(rows, n_jobs=1)
    return {"nodes": sum(tree.tree_.node_count for tree in forest.estimators_), "accuracy": forest.score(unseen, labels)}


def train_ydf(x, y, trees):
    import ydf

    columns = {f"c{column}": x[:, column] for column in range(x.shape[1])}
    ydf.verbose(0)
    learner = ydf.RandomForestLearner(label="label", num_trees=trees, pure_serving_model=True, winner_take_all=False)
    learner.train({**columns, "label": y}).save(str(folder / "ydf"))
    with zipfile.ZipFile(folder / "ydf.zip", "w") as archive:
        for path in (folder / "ydf").iterdir():
            archive.write(path, path.name)


def predict(name, model, rows, repeats):
    _, _, unseen, _ = load(name)
    batch = np.resize(unseen, (rows, unseen.shape[1]))
    call = models[model]

    def work():
        for _ in range(repeats):
            call(batch)

    return timed(work)[1]


def versions():
    from importlib.metadata import version

    names = ["scikit-learn", "onnxruntime", "lightgbm", "lleaves", "ydf"]
    return {"versions": ", ".join(f"{name} {version(name)}" for name in names)}


commands = {"versions": versions, "generate": generate, "fit": fit, "prepare": prepare, "predict": predict}
for line in sys.stdin:
    command = json.loads(line)
    print(json.dumps(commands[command.pop("do")](**command)), flush=True)
