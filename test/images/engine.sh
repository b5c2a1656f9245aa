#!/usr/bin/env bash
# Gives a Debian machine a Docker engine with Compose, where it has none: the engine from Debian, Compose built by Go.
# The engine runs on in the background; its process id is in the cache folder, `engine.sh stop` ends it.
set -euo pipefail

cache=${GAPLINE_CACHE:-$HOME/.cache/gapline}
compose=v2.40.3
mkdir -p "$cache"

if [ "${1-}" = stop ]; then
  if [ -e "$cache/dockerd.pid" ]; then kill "$(cat "$cache/dockerd.pid")" 2>/dev/null || true; rm -f "$cache/dockerd.pid"; fi
  exit
fi

"$(dirname "$0")/../servers/packages.sh" dockerd=docker.io docker=docker.io iptables=iptables debootstrap=debootstrap

if ! docker info >/dev/null 2>&1; then
  echo 'Starting the Docker engine…'
  setsid nohup dockerd >"$cache/dockerd.log" 2>&1 </dev/null &
  echo $! >"$cache/dockerd.pid"
  for _ in $(seq 60); do docker info >/dev/null 2>&1 && break; sleep 0.5; done
  docker info >/dev/null 2>&1 || { echo 'The Docker engine does not answer:' >&2; tail -5 "$cache/dockerd.log" >&2; exit 1; }
fi

if ! docker compose version >/dev/null 2>&1; then
  plugin=$cache/compose-$compose/docker-compose
  if [ ! -x "$plugin" ]; then
    echo "Building Compose $compose by Go (minutes)…"
    scratch=$(mktemp -d "$cache/compose.part-XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    cd "$scratch"
    export GOFLAGS=-mod=mod CGO_ENABLED=0
    go mod init gapline/compose 2>/dev/null
    go get "github.com/docker/compose/v2/cmd@$compose" 2>"$scratch.log" || { tail -5 "$scratch.log" >&2; exit 1; }
    nice go build -trimpath -ldflags "-s -w -X github.com/docker/compose/v2/internal.Version=$compose" -o built/docker-compose \
      github.com/docker/compose/v2/cmd 2>>"$scratch.log" || { tail -5 "$scratch.log" >&2; exit 1; }
    mkdir -p "$(dirname "$plugin")"
    mv built/docker-compose "$plugin"
    rm -f "$scratch.log"
  fi
  mkdir -p "$HOME/.docker/cli-plugins"
  ln -sf "$plugin" "$HOME/.docker/cli-plugins/docker-compose"
fi
docker compose version
