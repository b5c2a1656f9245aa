"""Labels readings with scikit-learn in place of Gapline's own classifier, each exactly once. See README.md."""
import argparse, base64, csv, json, math, time
from pathlib import Path

import numpy as np
from confluent_kafka import Consumer, KafkaException, Producer
from jsonschema import Draft202012Validator, ValidationError
from sklearn.ensemble import HistGradientBoostingClassifier

root = Path(__file__).resolve().parents[2]
parser = argparse.ArgumentParser()
for name, default in {"kafka": "127.0.0.1:9092", "stream": "spambase", "readings": "spam_data", "predictions": "spam_predictions",
                      "train": root / "examples/spambase/data/train.csv"}.items():
    parser.add_argument(f"--{name}", default=default)
args = parser.parse_args()

schema = {name: Draft202012Validator(json.loads((root / f"docs/schemas/{name}.json").read_text()))
          for name in ("reading", "prediction", "dead-letter")}
rows = list(csv.DictReader(open(args.train, newline="", encoding="utf-8")))
fields = [name for name in rows[0] if name != "label"]
X, y = np.array([[float(row[name]) for name in fields] for row in rows]), [row["label"] for row in rows]
X[np.random.default_rng(1).random(X.shape) < 0.1] = math.nan  # it learns with gaps, as readings have them
model = HistGradientBoostingClassifier(random_state=1).fit(X, y)

# The partitioner is Java's and Gapline's, so that a device's predictions stay in one partition whoever writes them.
producer = Producer({"bootstrap.servers": args.kafka, "transactional.id": f"{args.stream}.python", "partitioner": "murmur2_random"})
producer.init_transactions()  # ends what an earlier run left open
consumer = Consumer({"bootstrap.servers": args.kafka, "group.id": f"{args.stream}.classifier", "enable.auto.commit": False,
                     "auto.offset.reset": "earliest", "isolation.level": "read_committed"})
consumer.subscribe([args.readings])


def send(kind, topic, key, record):
    schema[kind].validate(record)
    producer.produce(topic, json.dumps(record, allow_nan=False), key)


def bury(message, reason):
    value, key = message.value() or b"", message.key()
    try:
        text, encoding = value.decode(), "utf8"
    except UnicodeDecodeError:
        text, encoding = base64.b64encode(value).decode(), "base64"
    send("dead-letter", f"{args.stream}.deadletters", key, {
        "stage": "python", "topic": message.topic(), "partition": message.partition(), "offset": str(message.offset()),
        "key": key and key.decode(errors="replace"), "value": text, "encoding": encoding, "reason": reason,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())})


def label(readings):
    values = np.array([[reading["values"].get(name) for name in fields] for reading in readings], dtype=float)
    for reading, row, shares in zip(readings, values, model.predict_proba(values).tolist()):
        best = int(np.argmax(shares))
        send("prediction", args.predictions, reading["device"], {
            **{name: value for name, value in reading.items() if name != "values"},
            "label": model.classes_[best], "probability": shares[best], "probabilities": dict(zip(model.classes_, shares)),
            "filled": {}, "gaps": int(np.isnan(row).sum()), "model": {"name": "python", "version": 1},
            "latencyMs": (time.time_ns() - int(reading["received"])) / 1e6})


while True:
    messages = consumer.consume(1000, timeout=0.1)
    if not messages:
        continue
    producer.begin_transaction()
    readings = []
    for message in messages:
        if message.error():
            raise KafkaException(message.error())  # whoever runs it starts it again; what is open is undone then
        try:
            reading = json.loads((message.value() or b"").decode())
            schema["reading"].validate(reading)
            readings.append(reading)
        except (ValueError, ValidationError) as error:
            bury(message, getattr(error, "message", str(error)))
    if readings:
        label(readings)
    producer.send_offsets_to_transaction(consumer.position(consumer.assignment()), consumer.consumer_group_metadata())
    producer.commit_transaction()
