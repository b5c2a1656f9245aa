#!/bin/bash
# The first start makes the database, its user, and what /docker-entrypoint-initdb.d says, before the port is open.
set -e
data=/var/lib/mysql
if [ "$EUID" = 0 ]; then
  chown -R mysql:mysql "$data" /run/mysqld
  exec setpriv --reuid mysql --regid mysql --init-groups "$0" "$@"
fi
[ "$1" = mariadbd ] || exec "$@"
if [ ! -d "$data/mysql" ]; then
  mariadb-install-db --datadir="$data" --auth-root-authentication-method=normal --skip-test-db >/dev/null
  mariadbd --datadir="$data" --skip-networking --socket=/tmp/first.sock &
  first=$!
  for _ in $(seq 120); do mariadb-admin --socket=/tmp/first.sock -uroot ping >/dev/null 2>&1 && break; sleep 0.5; done
  mariadb --socket=/tmp/first.sock -uroot <<SQL
CREATE DATABASE IF NOT EXISTS \`$MARIADB_DATABASE\`;
CREATE USER IF NOT EXISTS '$MARIADB_USER'@'%' IDENTIFIED BY '$MARIADB_PASSWORD';
GRANT ALL ON \`$MARIADB_DATABASE\`.* TO '$MARIADB_USER'@'%';
SQL
  for script in /docker-entrypoint-initdb.d/*.sql; do
    [ -e "$script" ] && mariadb --socket=/tmp/first.sock -uroot "$MARIADB_DATABASE" <"$script"
  done
  kill "$first"
  wait "$first" || true
fi
exec mariadbd --datadir="$data" --bind-address=0.0.0.0
