#!/bin/bash
set -e
[ "${1:0:1}" != - ] || set -- telegraf "$@"
[ "$EUID" = 0 ] || exec "$@"
exec setpriv --reuid telegraf --init-groups "$@"
