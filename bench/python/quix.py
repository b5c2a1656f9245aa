"""The signals bench's peer on Kafka: Quix Streams with a hopping mean, by device, of the readings that Gapline labels windows of."""

import sys

from quixstreams import Application

broker, readings, means, length_ms, every_ms, state = sys.argv[1:]
app = Application(
    broker_address=broker,
    consumer_group="quix",
    auto_offset_reset="earliest",
    state_dir=state,
    loglevel="WARNING",
)
source = app.topic(
    readings,
    key_deserializer="str",
    value_deserializer="json",
    timestamp_extractor=lambda value, headers, timestamp, kind: int(value["time"]) // 1_000_000,
)
target = app.topic(means, key_serializer="str", value_serializer="json")
frame = app.dataframe(source)
frame = frame.apply(lambda reading: reading["values"]["x"])
frame = frame.hopping_window(duration_ms=int(length_ms), step_ms=int(every_ms)).mean().final()
frame.to_topic(target)
print("started", flush=True)
app.run()
