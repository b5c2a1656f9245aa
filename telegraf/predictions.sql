-- The table that Telegraf adds predictions to (telegraf/sql.conf), and the view that has one row for each identity: stream, device and time.
CREATE TABLE IF NOT EXISTS prediction_log (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  -- Two names that differ in case, in an accent or in a space at the end are two devices.
  stream VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  device VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  -- Nanoseconds since 1970, UTC.
  time_ns BIGINT NOT NULL,
  label MEDIUMTEXT CHARACTER SET utf8mb4,
  probability DOUBLE,
  probabilities MEDIUMTEXT CHARACTER SET utf8mb4,
  filled MEDIUMTEXT CHARACTER SET utf8mb4,
  gaps DOUBLE,
  model MEDIUMTEXT CHARACTER SET utf8mb4,
  version DOUBLE,
  sensitivity DOUBLE,
  spread DOUBLE,
  truth MEDIUMTEXT CHARACTER SET utf8mb4,
  outcome MEDIUMTEXT CHARACTER SET utf8mb4,
  received VARCHAR(30),
  latencyMs DOUBLE,
  `from` VARCHAR(30),
  samples DOUBLE,
  missing DOUBLE,
  facts MEDIUMTEXT CHARACTER SET utf8mb4,
  KEY identity (stream, device, time_ns, id)
) ENGINE = InnoDB;

-- A table that an earlier version made.
ALTER TABLE prediction_log ADD COLUMN IF NOT EXISTS spread DOUBLE AFTER sensitivity;

-- A row is added again where Telegraf was stopped before it said that it had it, and where a batch was given up and labelled anew.
CREATE OR REPLACE VIEW predictions AS
SELECT
  stream, device, time_ns,
  TIMESTAMPADD(MICROSECOND, FLOOR(time_ns / 1000), '1970-01-01 00:00:00.000000') AS time,
  label, probability, probabilities, filled, gaps, model, version, sensitivity, spread, truth, received,
  latencyMs, `from`, samples, missing, facts
FROM prediction_log AS this
WHERE NOT EXISTS (
  SELECT 1 FROM prediction_log AS later
  WHERE later.stream = this.stream AND later.device = this.device AND later.time_ns = this.time_ns AND later.id > this.id
);
