#!/usr/bin/env bash
# Tries compose.yaml in separate containers (project rigel-try, port 18443) with three throwaway nodes, and removes them all. It
# starts the system, runs a task while it restarts a scheduler and kills an executor, ends everything, and starts it again with its
# data. It needs docker with compose, the image rigel (docker build -f deploy/Dockerfile -t rigel .), curl and openssl; run it as root.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
export COMPOSE_PROJECT_NAME=rigel-try RIGEL_HTTPS_PORT=18443 RIGEL_SSH_USER=deploy
mkdir -p "$work/deploy/compose"
cp compose.yaml prepare.sh "$work/deploy/compose"
cp -r ../nats "$work/deploy"
cd "$work/deploy/compose"
ssh-keygen -q -t ed25519 -N '' -f "$work/key"
mkdir "$work/node"
cp "$work/key.pub" "$work/node/authorized_keys"
cat > "$work/node/Dockerfile" <<'END'
FROM docker.io/library/node:20-bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends openssh-server procps && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --shell /bin/bash deploy && mkdir -p /run/sshd
COPY --chown=deploy authorized_keys /home/deploy/.ssh/authorized_keys
ENTRYPOINT ["/usr/sbin/sshd", "-D", "-e"]
END
cat > nodes.yaml <<END
services:
  node:
    image: rigel-try-node
    build: $work/node
    init: true
    deploy: { replicas: 3 }
    networks: [nodes]
END

compose() { docker compose -f compose.yaml -f nodes.yaml --progress quiet "$@"; }
end() {
  local status=$?
  [ $status = 0 ] || compose logs --no-color --tail 20 >&2 || true
  compose down --volumes --timeout 10 || true
  docker image rm -f rigel-try-node > /dev/null || true
  rm -rf "$work"
  exit $status
}
trap end EXIT

./prepare.sh "$work/key"
compose up -d --wait --no-build --scale node=0
compose build node
compose up -d --no-recreate node
echo "ok: the system is up"

token=$(compose exec -T access node /opt/rigel/start.mjs rigel token create --name try --role admin 2> /dev/null)
api() {
  curl -sS --max-time 20 --cacert secrets/tls/ca.crt -H "Authorization: Bearer $token" \
    "https://localhost:$RIGEL_HTTPS_PORT$1" "${@:2}"
}
create() { api "$@" | grep -q '"code":0,' || { echo "refused: $*" >&2; false; }; }
# No answers come while the gateway or the database is away.
ended() {
  for _ in $(seq 120); do
    case "$(api /task/1 -X POST 2> /dev/null || true)" in
      *'"end_reason":"completed"'*) return 0 ;;
      *'"end_reason":"failed"'*) break ;;
    esac
    sleep 1
  done
  echo 'the task has failed or is not done after 120 s:' >&2
  api /task/1/why >&2 || true
  return 1
}

nodes=$(compose ps -q node)
# shellcheck disable=SC2086 # several of them
addresses=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' $nodes)
list() { for address in $addresses; do printf "$1" "$address"; done | sed 's/,$//'; }
create /cluster/create -d '{"name": "try", "desc": "", "biz": "1"}'
create /service/create -d '{"name": "try", "desc": "", "service_type": "Java", "docker_image": "-", "cluster_id": 1}'
create /pool/create -d '{"name": "try", "desc": "", "vm_type": 1, "sd_id": 1, "service_id": 1}'
create /pool/1/add_nodes -d "{\"nodes\": [$(list '"%s",')]}"
create /action/create -d '{"name": "try", "desc": "", "params": {"word": "string"}}'
create /actimpl/create -d '{"type": "ansible", "action_id": 1, "template": {"action": {"module": "shell",
  "args": "echo begin {{word}} >> /tmp/ran; sleep 15; echo end {{word}} >> /tmp/ran"}}}'
create /remote_step/create -d '{"name": "try", "desc": "", "actions": ["try"]}'
create /task_tpl/create -d '{"name": "try", "desc": "", "steps": [{"name": "try", "retry": {"retry_times": 2, "ignore_error": false}}]}'
create /task/create -d "{\"template_id\": 1, \"task_name\": \"try\", \"opr_user\": \"try\", \"max_num\": 3,
  \"nodes\": [$(list '{"ip": "%s"},')], \"params\": {\"word\": \"it\"}}"
for node in $nodes; do
  for _ in $(seq 60); do docker exec "$node" test -e /tmp/ran && break || sleep 0.5; done
done
compose restart scheduler
docker kill "$(compose ps -q executor | head -n 1)" > /dev/null
ended
for node in $nodes; do
  ran=$(docker exec "$node" cat /tmp/ran | paste -sd,)
  [ "$ran" = 'begin it,end it' ] || { echo "the commands did not run exactly once on a node: $ran" >&2; false; }
done
echo 'ok: a task went on through a restart of the scheduler and the death of an executor, and each command ran once'

compose down
compose up -d --wait --no-build --scale node=0
ended
compose run --rm migrations 'node /opt/rigel/start.mjs rigel verify' 2> /dev/null | grep -c 'no difference' | grep -qx 4
echo 'ok: after a stop and a start the data is there, and tables and events agree'
