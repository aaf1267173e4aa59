#!/usr/bin/env bash
# Makes the files that compose.yaml needs in the folder secrets: passwords, and certificates of an authority of its own. It needs
# openssl. Existing files stay as they are. Its argument is the private key for your nodes: prepare.sh ~/.ssh/id_ed25519
set -euo pipefail
key=$(realpath "${1:?usage: prepare.sh <private key for the nodes>}")
cd "$(dirname "$0")"
umask 077
mkdir -p secrets/{tls,nats,database,ssh}
cd secrets

# NATS reads a password that looks like a number as a number, so each begins with a letter.
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

# The containers run as user 10001, and PostgreSQL as 999, which must own its key. The user who called sudo may read the files that
# Compose itself reads.
if [ "$(id -u)" = 0 ]; then
  chown -R 10001:10001 tls nats database ssh
  chown 999:999 tls/postgres.key
  chown "${SUDO_UID:-0}:${SUDO_GID:-0}" . nats.env
  chmod 0755 tls
  chmod 0644 tls/*.crt
else
  echo "the containers cannot read these files yet: run this as root, or make 10001 the owner of secrets/{tls,nats,database,ssh} and 999 of secrets/tls/postgres.key" >&2
fi
