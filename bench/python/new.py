"""The peer in Python of the bench of `gapline new`: writes tables that come with PyPI's packages, and fits scikit-learn's boosted trees."""

import json
import os
import sys

# Before the packages are loaded: threads that wait for each other on a busy machine take many times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pandas
import river.datasets
import sklearn
import sklearn.datasets
import statsmodels.datasets
from sklearn.ensemble import HistGradientBoostingClassifier

LABEL = "label"


def of_sklearn(name):
    found = getattr(sklearn.datasets, f"load_{name}")(as_frame=True)
    frame = found.frame.rename(columns={"target": LABEL})
    frame[LABEL] = [str(found.target_names[code]) for code in frame[LABEL]]
    return frame


def of_statsmodels(name, label, classes=None):
    frame = getattr(statsmodels.datasets, name).load_pandas().data.rename(columns={label: LABEL})
    frame[LABEL] = frame[LABEL].map(classes or (lambda code: f"c{int(code)}"))
    return frame


def of_river(name):
    rows = [{**values, LABEL: str(label)} for values, label in getattr(river.datasets, name)()]
    return pandas.DataFrame(rows)


tables = {
    "iris": lambda: of_sklearn("iris"),
    "wine": lambda: of_sklearn("wine"),
    "breast_cancer": lambda: of_sklearn("breast_cancer"),
    "digits": lambda: of_sklearn("digits"),
    "fair": lambda: of_statsmodels("fair", "affairs", lambda affairs: "some" if affairs > 0 else "none at all"),
    "modechoice": lambda: of_statsmodels("modechoice", "choice"),
    "anes96": lambda: of_statsmodels("anes96", "vote"),
    "Phishing": lambda: of_river("Phishing"),
    "Bananas": lambda: of_river("Bananas"),
    "ImageSegments": lambda: of_river("ImageSegments"),
}
packages = {
    "scikit-learn": ["iris", "wine", "breast_cancer", "digits"],
    "statsmodels": ["fair", "modechoice", "anes96"],
    "river": ["Phishing", "Bananas", "ImageSegments"],
}


def names():
    return {
        "tables": [{"name": name, "package": package} for package, found in packages.items() for name in found],
        "versions": f"scikit-learn {sklearn.__version__}, statsmodels {statsmodels.__version__}, river {river.__version__}",
    }


def write(name, file):
    frame = tables[name]()
    frame.to_csv(file, index=False)
    return {"rows": len(frame), "columns": len(frame.columns) - 1}


def fit(train, test):
    """All columns, with the defaults, on the rows that `gapline new` trained from; the share of its test rows that is right."""
    before, after = (pandas.read_csv(file, dtype={LABEL: str}, keep_default_na=False) for file in (train, test))
    model = HistGradientBoostingClassifier(random_state=0)
    model.fit(before.drop(columns=LABEL), before[LABEL])
    return {"accuracy": float(model.score(after.drop(columns=LABEL), after[LABEL])), "rows": len(after)}


commands = {"names": names, "write": write, "fit": fit}
for line in sys.stdin:
    command = json.loads(line)
    print(json.dumps(commands[command.pop("do")](**command)), flush=True)
