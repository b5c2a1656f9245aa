"""Windows of an export, cut by Spark: for more samples than one machine trains from.

    python etl.py --from exported --to windows --length 10s --features mean std
    spark-submit --master spark://HOST:7077 etl.py --from s3a://BUCKET/ecg --to s3a://BUCKET/windows --length 10s

Its columns are those that Gapline's steps `window` and `statistics` make. `TO/train` and `TO/test` hold whole devices each;
`gapline train --data TO` learns from the one and scores on the other.
"""

import argparse
import json
import re
import uuid
from datetime import datetime, timezone

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

UNITS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3_600 * 10**9, "d": 86_400 * 10**9}
CELLS = 8_000_000  # of one object at most, as `gapline export` has it
RMS = "sqrt(avg(v * v))"
# A spread below this share of the level is rounding alone: there is no shape to speak of.
HAS_SHAPE = "var_pop(v) > pow(avg(v) * 1e-15, 2)"
# By feature, what it is of a value v at t seconds: as of Gapline's step `statistics`, of what was measured. A list has a column each.
FEATURES = {
    "mean": "if(min(v) = max(v), min(v), avg(v))",
    "std": "stddev_pop(v)",
    "min": "min(v)",
    "max": "max(v)",
    "quantiles": "percentile(v, array(0.25D, 0.5D, 0.75D))",
    "rms": RMS,
    "crest": f"if({RMS} > 0, greatest(max(v), -min(v)) / {RMS}, null)",
    "skewness": f"if({HAS_SHAPE}, skewness(v), null)",
    "kurtosis": f"if({HAS_SHAPE}, kurtosis(v), null)",
    "slope": "regr_slope(v, (time - start) / 1e9)",
}
COLUMNS = {feature: {feature: feature} for feature in FEATURES}
COLUMNS["quantiles"] = {f"q{share}": f"quantiles[{at}]" for at, share in enumerate((25, 50, 75))}


def nanoseconds(span: str) -> int:
    """How long `250ms`, `1.5s` or `2h` is."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", span)
    length = round(float(found[1]) * UNITS[found[2]]) if found else -1
    if length < 0 or length % 1_000:
        raise SystemExit(f"{span}: expected a duration like 250ms, 10s or 5m, in whole microseconds")
    return length


def quoted(name: str) -> str:
    """A name in SQL, whatever signs it has."""
    return "`" + name.replace("`", "``") + "`"


def read_samples(spark: SparkSession, place: str) -> tuple[DataFrame, list[str], str]:
    """The rows of an export through its manifest, the names of its values v0, v1, …, and its stream. `time` is in nanoseconds."""
    manifest = json.loads(spark.read.text(f"{place}/manifest.json", wholetext=True).first()[0])
    fields = list(dict.fromkeys(column["field"] for columns in manifest["columns"] for column in columns))
    frames = []
    for index, columns in enumerate(manifest["columns"]):
        files = [f"{place}/{each['key']}" for each in manifest["objects"] if each["columns"] == index]
        if not files:
            continue
        names = {column["field"]: quoted(column["name"]) for column in columns}
        values = [f"{names.get(field, 'cast(null AS double)')} AS v{at}" for at, field in enumerate(fields)]
        # The names of the folders are no columns: Spark would put them in the place of those of the files.
        frame = spark.read.option("recursiveFileLookup", True).parquet(*files)
        frames.append(frame.selectExpr("device", "time", "truth", "endsSegment", *values))
    if not frames:
        raise SystemExit(f"{place}: the export holds no readings")
    samples = frames[0]
    for frame in frames[1:]:
        samples = samples.unionByName(frame)
    return samples, fields, manifest["stream"]


def cut_windows(samples: DataFrame, fields: list[str], length: int, every: int, features: list[str]) -> DataFrame:
    """A row for each window of a device that is over: `[start, end)`; starts are multiples of `every` since the epoch."""
    last = f"time - pmod(time, {every})"
    back = f"sequence(0L, ({length} - 1 - pmod(time, {every})) div {every})"
    start = last if every == length else f"explode(transform({back}, n -> {last} - n * {every}))"
    sample = ", ".join(f"v{at}" for at in range(len(fields)))
    made = ", ".join(f"if(count(v) >= 2, {FEATURES[feature]}, null) AS {feature}" for feature in features)
    columns = [
        f"fields[{at}].{sql} AS {quoted(f'{field}.{name}')}"
        for at, field in enumerate(fields)
        for feature in features
        for name, sql in COLUMNS[feature].items()
    ]
    samples.createOrReplaceTempView("samples")
    # A row for each value of a sample: features of hundreds of fields are no longer to plan, or to compile, than those of one.
    # The device's own event time closes a window; what is still open gives no row.
    rows = samples.sparkSession.sql(f"""
        WITH cut AS (SELECT device, time, truth, array({sample}) AS sample, {start} AS start FROM samples),
        long AS (SELECT device, start, time, truth, posexplode(sample) AS (field, v) FROM cut),
        made AS (
            SELECT device, start, field, if(min(truth) = max(truth), min(truth), null) AS truth, max(time) AS latest, {made}
            FROM long GROUP BY device, start, field),
        windows AS (
            SELECT device, start + {length} AS end, first(truth) AS truth, max(latest) AS latest,
                   array_sort(collect_list(struct(field, {", ".join(features)}))) AS fields
            FROM made GROUP BY device, start)
        SELECT device, end, truth, {", ".join(columns)},
               timestamp_micros(end div 1000) AS time, latest, max(latest) OVER (PARTITION BY device) AS reached FROM windows
    """)
    return rows.where("end <= reached").drop("end", "latest", "reached")


def join_truth(rows: DataFrame, file: str) -> DataFrame:
    """What a table (CSV or Parquet: `device`, `truth`) says of a device comes before what its readings said."""
    read = rows.sparkSession.read
    table = read.parquet(file) if file.endswith(".parquet") else read.csv(file, header=True)
    said = F.broadcast(table.selectExpr("device", "cast(truth AS string) AS said"))
    return rows.join(said, "device", "left").withColumn("truth", F.expr("coalesce(said, truth)")).drop("said")


def write_files(rows: DataFrame, place: str, run: str) -> list[dict]:
    """Writes rows under `PLACE/readings/RUN`, and gives what a manifest says of each file."""
    spark = rows.sparkSession
    parts = rows.selectExpr("*", "to_date(time) AS day", "hex(xxhash64(device)) AS part").repartition("day", "part")
    writer = parts.sortWithinPartitions("day", "part", "time").write.partitionBy("day", "part")
    writer.option("maxRecordsPerFile", CELLS // (len(rows.columns) + 1)).parquet(f"{place}/readings/{run}")
    written = spark.read.schema("device string, day date").parquet(f"{place}/readings/{run}")
    files = written.groupBy("device", "day", "_metadata.file_path", "_metadata.file_size").count().orderBy("file_path")
    return [
        {"key": f"readings/{run}{path.rpartition(run)[2]}", "device": device, "day": str(day), "part": part, "columns": 0}
        | {"rows": count, "bytes": size, "content": path.rpartition("/")[2]}
        for part, (device, day, path, size, count) in enumerate(files.collect())
    ]


def manifest_of(objects: list[dict], names: list[str], stream: str, steps: list[dict]) -> str:
    """What makes files an export that `gapline train` reads."""
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    manifest = {"format": "gapline-export", "layout": 1, "id": str(uuid.uuid4()), "written": now, "stream": stream}
    manifest |= {"columns": [[{"name": name, "field": name} for name in names]], "objects": objects}
    return json.dumps(manifest | {"facts": [], "replaced": [], "steps": steps})


def swap_manifest(spark: SparkSession, place: str, manifest: str, run: str) -> None:
    """Makes a run the export, wherever Spark writes (a folder, HDFS, S3), and deletes what runs before it wrote."""
    path_of = spark._jvm.org.apache.hadoop.fs.Path
    system = path_of(place).getFileSystem(spark._jsc.hadoopConfiguration())
    out = system.create(path_of(f"{place}/manifest.json"), True)
    out.write(bytearray(manifest.encode()))
    out.close()
    for old in system.listStatus(path_of(f"{place}/readings")):
        if old.getPath().getName() != run:
            system.delete(old.getPath(), True)


def open_spark(master: str | None) -> SparkSession:
    """A session that counts in UTC, tells names apart by case, and reads nanoseconds as they are."""
    settings = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.caseSensitive": "true",
        "spark.sql.legacy.parquet.nanosAsLong": "true",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.ui.enabled": "false",
    }
    builder = SparkSession.builder.appName("gapline-etl").config(map=settings)
    return (builder.master(master) if master else builder).getOrCreate()


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="source", required=True, help="the export: a folder, or an address that Spark knows")
    parser.add_argument("--to", required=True, help="where `train` and `test` are written")
    parser.add_argument("--length", required=True, help="of a window: 10s")
    parser.add_argument("--every", help="from one start to the next; default: the length")
    parser.add_argument("--features", nargs="+", choices=FEATURES, default=["mean", "std"])
    parser.add_argument("--truth", help="a table of `device` and `truth`, for devices whose readings do not say it")
    parser.add_argument("--test", type=float, default=0.25, help="the share of devices that are kept to score on")
    parser.add_argument("--master", help="of a cluster; default: that of spark-submit, else this machine")
    return parser.parse_args()


def main() -> None:
    """Reads an export, cuts windows, joins the truth, splits by device, writes two exports."""
    chosen = options()
    length, every = nanoseconds(chosen.length), nanoseconds(chosen.every or chosen.length)
    if not 0 < every <= length:
        raise SystemExit("--every: expected more than nothing, and no more than --length")
    features = [each for each in FEATURES if each in chosen.features]
    window = {"use": "window", "length": chosen.length, **({"every": chosen.every} if chosen.every else {})}
    spark = open_spark(chosen.master)
    samples, fields, stream = read_samples(spark, chosen.source)
    if not samples.where("endsSegment").isEmpty():
        raise SystemExit(f"{chosen.source}: it has segments, which this script does not cut; use `gapline train --data`")
    rows = cut_windows(samples, fields, length, every, features)
    rows = join_truth(rows, chosen.truth) if chosen.truth else rows
    names = [name for name in rows.columns if name not in ("device", "time", "truth")]
    # By its name alone: a device stays on its side, however many come later.
    is_test = f"pmod(xxhash64(device), 1000) < {round(chosen.test * 1_000)}"
    run = str(uuid.uuid4())
    objects = {}
    for name, condition in {"train": f"NOT {is_test}", "test": is_test}.items():
        objects[name] = write_files(rows.where(condition), f"{chosen.to}/{name}", run)
    for name, files in objects.items():
        if not files:
            raise SystemExit(f"no window is over of the devices of {name}; choose another --test or a shorter --length")
    steps = [window, {"use": "statistics", "features": features}]
    for name, files in objects.items():
        swap_manifest(spark, f"{chosen.to}/{name}", manifest_of(files, names, stream, steps), run)
        devices = {file["device"] for file in files}
        print(f"{name}: {sum(file['rows'] for file in files)} windows of {len(devices)} devices")
    spark.stop()


if __name__ == "__main__":
    main()
