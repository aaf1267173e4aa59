#!/usr/bin/env bash
# Makes what compose.yaml needs in the folder secrets: passwords, and certificates of an authority of its own. It needs openssl.
# What is there stays as it is. Give the key for your nodes as its argument: prepare.sh ~/.ssh/id_ed25519
set -euo pipefail
key=$(realpath "${1:?usage: prepare.sh <private key for the nodes>}")
cd "$(dirname "$0")"
umask 077
mkdir -p secrets/{tls,nats,database,ssh}
cd secrets

# NATS takes a password that looks like a number for a number, so each begins with a letter.
password() { [ -s "$1" ] || printf 'p%s' "$(openssl rand -hex 24)" > "$1"; }
: > nats.env
for part in gateway inventory catalog scheduler executor access; do
  password "nats/$part"
  printf 'RIGEL_NATS_PASSWORD_%s=%s\n' "${part^^}" "$(cat "nats/$part")" >> nats.env
done
password database/admin
for schema in inventory catalog scheduler access; do
  password "database/rigel_$schema"
  password "database/rigel_${schema}_owner"
done

new_key() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "$@" 2> /dev/null; }
if [ ! -s ca.key ] || [ ! -s tls/ca.crt ]; then
  rm -f tls/server.crt
  new_key -x509 -days 3650 -subj /CN=Rigel -keyout ca.key -out tls/ca.crt
fi
if [ ! -s tls/server.crt ]; then
  new_key -subj /CN=rigel -keyout tls/server.key -out server.csr
  cp tls/server.key tls/postgres.key
  openssl x509 -req -in server.csr -CA tls/ca.crt -CAkey ca.key -CAserial ca.srl -CAcreateserial -days 825 -out tls/server.crt 2> /dev/null \
    -extfile <(printf 'subjectAltName=DNS:nats,DNS:postgres,DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n')
  rm -f server.csr
fi
install -m 0400 "$key" ssh/id

# The containers run as 10001, PostgreSQL as 999, which wants its key to be its own. Who called sudo reads what Compose reads.
if [ "$(id -u)" = 0 ]; then
  chown -R 10001:10001 tls nats database ssh
  chown 999:999 tls/postgres.key
  chown "${SUDO_UID:-0}:${SUDO_GID:-0}" . nats.env
  chmod 0755 tls
  chmod 0644 tls/*.crt
else
  echo "run as root, or hand secrets/{tls,nats,database,ssh} to 10001 and secrets/tls/postgres.key to 999" >&2
fi
