#!/usr/bin/env bash
# Installs the system packages that getting and running the real servers takes; only what is missing, by Debian's apt-get.
# More can be asked for as COMMAND=PACKAGE arguments: `packages.sh chromium=chromium`.
set -euo pipefail

missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }
need java openjdk-17-jre-headless # runs Kafka
need mvn maven                    # gets Kafka
need protoc protobuf-compiler     # builds InfluxDB
need clang clang                  # builds InfluxDB
need git git                      # Go modules
need openssl openssl              # certificates of a guarded Kafka
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv) # model servers in Python
for more in "$@"; do need "${more%%=*}" "${more#*=}"; done

if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null; then
    echo "Please install what Debian calls: ${missing[*]}" >&2
    exit 1
  fi
  as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  echo "Installing ${missing[*]}…"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

for tool in go cargo; do
  command -v "$tool" >/dev/null ||
    echo "No \`$tool\` on the PATH: InfluxDB and Telegraf can then only be had as official downloads, not built." >&2
done
