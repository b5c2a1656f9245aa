"""Labels readings with scikit-learn in place of Gapline's own classifier, each exactly once. See README.md."""
import base64, csv, json, sys, time
from pathlib import Path
import numpy as np
from confluent_kafka import Consumer, KafkaException, Producer
from jsonschema import Draft202012Validator, ValidationError
from sklearn.ensemble import HistGradientBoostingClassifier

kafka, stream, readings_topic, predictions_topic = sys.argv[1:]
root = Path(__file__).resolve().parents[2]
schema = {name: Draft202012Validator(json.loads((root / f"docs/schemas/{name}.json").read_text()))
          for name in ("reading", "prediction", "dead-letter")}
rows = list(csv.DictReader(open(root / "examples/spambase/data/train.csv", newline="", encoding="utf-8")))
fields = [name for name in rows[0] if name != "label"]
X, y = np.array([[float(row[name]) for name in fields] for row in rows]), [row["label"] for row in rows]
X[np.random.default_rng(1).random(X.shape) < 0.1] = np.nan  # it learns with gaps, as readings have them
model = HistGradientBoostingClassifier(random_state=1).fit(X, y)

# The partitioner is Java's and Gapline's, so that a device's predictions stay in one partition whoever writes them.
producer = Producer({"bootstrap.servers": kafka, "transactional.id": f"{stream}.python", "partitioner": "murmur2_random"})
producer.init_transactions()  # ends what an earlier run left open
consumer = Consumer({"bootstrap.servers": kafka, "group.id": f"{stream}.classifier", "enable.auto.commit": False,
                     "auto.offset.reset": "earliest", "isolation.level": "read_committed"})
consumer.subscribe([readings_topic])

def send(kind, topic, key, record):
    schema[kind].validate(record)
    producer.produce(topic, json.dumps(record, allow_nan=False), key)

def bury(message, reason):
    send("dead-letter", f"{stream}.deadletters", message.key(), {
        "stage": "python", "topic": message.topic(), "partition": message.partition(), "offset": str(message.offset()),
        "key": message.key() and message.key().decode(errors="replace"), "reason": reason, "encoding": "base64",
        "value": base64.b64encode(message.value() or b"").decode(), "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())})

def label(readings):
    values = np.array([[reading["values"].get(name) for name in fields] for reading in readings], dtype=float)
    for reading, row, shares in zip(readings, values, model.predict_proba(values).tolist() if readings else []):
        known = {name: value for name, value in reading.items() if name != "values"}
        send("prediction", predictions_topic, reading["device"], known | {
            "label": model.classes_[np.argmax(shares)], "probability": max(shares), "filled": {}, "gaps": int(np.isnan(row).sum()),
            "probabilities": dict(zip(model.classes_, shares)), "model": {"name": "python", "version": 1},
            "latencyMs": (time.time_ns() - int(reading["received"])) / 1e6})

while True:
    if not (messages := consumer.consume(1000, timeout=0.1)):
        continue
    producer.begin_transaction()
    readings = []
    for message in messages:
        if message.error():
            raise KafkaException(message.error())  # whoever runs it starts it again; what is open is undone then
        try:
            schema["reading"].validate(reading := json.loads(message.value() or b""))
            readings.append(reading)
        except (ValueError, ValidationError) as error:
            bury(message, getattr(error, "message", str(error)))
    label(readings)
    producer.send_offsets_to_transaction(consumer.position(consumer.assignment()), consumer.consumer_group_metadata())
    producer.commit_transaction()
