#!/bin/bash
set -eo pipefail
data=/var/lib/influxdb2
if [ "$(id -u)" = 0 ]; then
  chown influxdb:influxdb "$data"
  exec gosu influxdb "$0" "$@"
fi
[ "$1" = influxd ] || exec "$@"
export INFLUXD_BOLT_PATH=$data/influxd.bolt INFLUXD_ENGINE_PATH=$data/engine

# The first start of an empty volume: set up on no open port, so that nobody finds an InfluxDB without an owner.
if [ "${DOCKER_INFLUXDB_INIT_MODE-}" = setup ] && [ ! -e "$INFLUXD_BOLT_PATH" ]; then
  for name in USERNAME PASSWORD ORG BUCKET; do
    variable=DOCKER_INFLUXDB_INIT_$name
    [ -n "${!variable-}" ] || { echo "missing parameter $variable, cannot init InfluxDB" >&2; exit 1; }
  done
  trap 'rm -rf "$data"/influxd.* "$data"/engine' EXIT
  influxd --http-bind-address 127.0.0.1:9999 &
  until curl -sf -o /dev/null http://127.0.0.1:9999/health; do
    kill -0 $! || exit 1
    sleep 0.2
  done
  quoted() { local text=${1//\\/\\\\}; printf '"%s"' "${text//\"/\\\"}"; }
  body="\"username\":$(quoted "$DOCKER_INFLUXDB_INIT_USERNAME"),\"password\":$(quoted "$DOCKER_INFLUXDB_INIT_PASSWORD")"
  body+=",\"org\":$(quoted "$DOCKER_INFLUXDB_INIT_ORG"),\"bucket\":$(quoted "$DOCKER_INFLUXDB_INIT_BUCKET")"
  [ -z "${DOCKER_INFLUXDB_INIT_ADMIN_TOKEN-}" ] || body+=",\"token\":$(quoted "$DOCKER_INFLUXDB_INIT_ADMIN_TOKEN")"
  case ${DOCKER_INFLUXDB_INIT_RETENTION:-0} in
    0) ;;
    *d) body+=",\"retentionPeriodSeconds\":$((${DOCKER_INFLUXDB_INIT_RETENTION%d} * 86400))" ;;
    *h) body+=",\"retentionPeriodSeconds\":$((${DOCKER_INFLUXDB_INIT_RETENTION%h} * 3600))" ;;
    *) echo "DOCKER_INFLUXDB_INIT_RETENTION: this stand-in knows days and hours" >&2; exit 1 ;;
  esac
  curl -sS --fail-with-body -o /dev/null -d "{$body}" http://127.0.0.1:9999/api/v2/setup
  kill $!
  wait $! || true
  trap - EXIT
fi
exec "$@"
