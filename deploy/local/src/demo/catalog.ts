import type { Api } from './api.js';

/** The tiny HTTP service: answers with its version and the name of its node. */
const SERVICE = `const { createServer } = require('node:http');
createServer((request, response) => response.end(process.env.TAG + ' on ' + process.env.DEMO_NODE + '\\n'))
  .listen(Number(process.env.DEMO_PORT), '127.0.0.1');`;

const STOP = `#!/bin/sh
# Ends the service that runs on this node, if one does.
[ -s service.pid ] || { echo 'nothing runs here yet'; exit 0; }
pid=$(cat service.pid)
kill "$pid" 2>/dev/null && echo "ended process $pid"
while kill -0 "$pid" 2>/dev/null; do sleep 1; done
rm -f service.pid`;

const START = `#!/bin/sh
# Starts the service at the given version.
if [ -e unlucky ]; then
  rm unlucky
  echo 'the disk is busy, try again' >&2
  exit 1
fi
cat > service.cjs <<'END'
${SERVICE}
END
TAG={{tag}} nohup node service.cjs > service.log 2>&1 &
echo $! > service.pid
echo "started version "{{tag}}" as process $!"`;

const CHECK = `#!/bin/sh
# Asks the service until it answers with the given version.
ask="fetch('http://127.0.0.1:' + process.env.DEMO_PORT).then((r) => r.text()).then((t) => console.log(t.trim()))"
tries=0
while :; do
  answer=$(node -e "$ask" 2>/dev/null)
  [ "\${answer%% on *}" = {{tag}} ] && break
  tries=$((tries + 1))
  [ $tries -lt 20 ] || { echo "it does not answer with version "{{tag}} >&2; exit 1; }
  sleep 1
done
echo "healthy: $answer"`;

interface DemoAction {
  name: string;
  desc: string;
  params: Record<string, string>;
  script: string;
  retry: number;
}

const ACTIONS: DemoAction[] = [
  { name: 'stop_service', desc: 'end the service', params: {}, script: STOP, retry: 0 },
  {
    name: 'start_service',
    desc: 'start it at a version',
    params: { tag: 'string' },
    script: START,
    retry: 2,
  },
  { name: 'check_health', desc: 'ask it over HTTP', params: { tag: 'string' }, script: CHECK, retry: 0 },
];

/** Enters actions, implementations, remote steps and the template; returns the template's id. */
export async function enterCatalog(api: Api): Promise<number> {
  for (const { name, desc, params, script } of ACTIONS) {
    const actionId = await api.data<number>('/action/create', { name, desc, params });
    const template = { action: { module: 'longscript', content: script } };
    await api.call('/actimpl/create', { type: 'ansible', action_id: actionId, template });
    await api.call('/remote_step/create', { name, desc, actions: [name] });
  }
  return api.data<number>('/task_tpl/create', {
    name: 'rolling_deploy',
    desc: 'stop, start at a version, check',
    steps: ACTIONS.map(({ name, retry }) => ({ name, retry: { retry_times: retry, ignore_error: false } })),
  });
}

/** Enters cluster, service, pool and nodes; returns the pool's id. */
export async function enterInventory(api: Api, addresses: string[]): Promise<number> {
  const clusterId = await api.data<number>('/cluster/create', {
    name: 'demo',
    desc: 'throwaway nodes',
    biz: '1',
  });
  const service = await api.data<{ id: number }>('/service/create', {
    name: 'hello',
    desc: 'a tiny HTTP service',
    service_type: 'Node',
    docker_image: '-',
    cluster_id: clusterId,
  });
  const pool = await api.data<{ id: number }>('/pool/create', {
    name: 'hello-pool',
    desc: 'twelve nodes',
    vm_type: 1,
    sd_id: 1,
    service_id: service.id,
  });
  await api.call(`/pool/${pool.id}/add_nodes`, { nodes: addresses });
  return pool.id;
}
