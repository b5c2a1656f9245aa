"""From the archive to the version that serves, as a flow of Prefect: export, windows by Spark, two models, promote the better one.

    python flow.py --config averaged.yaml --data STATE --work WORK [--set model.registry=mlflow --set model.url=http://…]
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

os.environ |= {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"} | os.environ
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "600")  # 20 is too little for a busy machine
from prefect import flow, task  # noqa: E402 - it looks at the environment when it is imported

HERE = Path(__file__).resolve().parent
GAPLINE = os.environ.get("GAPLINE", str(HERE.parents[1] / "gapline"))
WAYS = {"boosted trees": [], "snapshot ensemble": ["--set", "training.snapshots=5", "--set", "training.learningRate=0.2"]}


@task(task_run_name="{name}")
def run(name: str, *command: str, refusal: str | None = None) -> str:
    """Runs a command and gives what it printed; a code other than 0 fails the task, unless what it says is the refusal."""
    printed = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        for line in running.stdout:
            print(line.rstrip())  # at once: a step that waits says for what
            printed += line
    if running.returncode and not (refusal and refusal in printed):
        raise RuntimeError(f"{name} ended with {running.returncode}: {printed[-2000:].strip()}")
    return printed


@flow(name="gapline-ecg", log_prints=True)
def train_and_promote(config: str, data: str, work: str, sets: list[str], length: str = "10s") -> None:
    """Makes two versions of what the archive holds. Each serves only where its macro F1 on devices that are kept apart is better."""
    at = ["--config", config, *[word for each in sets for word in ("--set", each)]]
    exported, windows, archive = f"{work}/exported", f"{work}/windows", "--store" if "://" in data else "--data"
    repeated = run.with_options(retries=2, retry_delay_seconds=10)  # exporting and cutting again does no harm
    repeated("export", GAPLINE, "export", "readings", *at, archive, data, "--to", exported, "--format", "parquet")
    repeated("windows", sys.executable, str(HERE / "etl.py"), "--from", exported, "--to", windows, "--length", length)
    versions = []
    for way, changes in WAYS.items():
        printed = run(f"train {way}", GAPLINE, "train", *at, *changes, "--data", windows)
        versions.append(re.search(r" version (\d+) in ", printed)[1])
    run("compare", GAPLINE, "models", "compare", *versions, *at, "--data", windows)
    for version in versions:
        better = ["models", "promote", version, *at, "--data", windows, "--if", "f1"]
        run(f"promote {version}", GAPLINE, *better, refusal="[model-refused]")


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
for key, meaning in {"config": "the stream", "data": "its archive: a folder, or InfluxDB's", "work": "where files go"}.items():
    parser.add_argument(f"--{key}", required=True, help=meaning)
parser.add_argument("--set", dest="sets", action="append", default=[], help="a key of the stream, as of gapline")

if __name__ == "__main__":
    train_and_promote(**vars(parser.parse_args()))
