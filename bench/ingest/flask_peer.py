"""What a team writes in an afternoon: Flask behind gunicorn, one reading a POST, acknowledged after Kafka."""

import json
import os

from confluent_kafka import Producer
from flask import Flask, request

app = Flask(__name__)
producer = None


def connected():
    # After gunicorn has forked: librdkafka's threads do not survive a fork.
    global producer
    if producer is None:
        producer = Producer({"bootstrap.servers": os.environ["BROKER"], "acks": "all", "linger.ms": 5})
    return producer


@app.post("/readings")
def readings():
    reading = request.get_json()
    kafka = connected()
    kafka.produce("flask", key=reading["device"], value=json.dumps(reading))
    if kafka.flush(5):
        return {"error": "not durable"}, 503
    return {"accepted": 1}, 202
