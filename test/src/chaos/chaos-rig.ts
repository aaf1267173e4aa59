import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiClient } from '../support/api.js';
import { type Fleet, loopbackHosts, loopbackNodes, uniqueName } from '../support/fleet.js';
import { FleetProxy } from '../support/fleet-proxy.js';
import { IsolatedNodes } from '../support/node-isolation.js';
import { type Rig, startRig } from '../support/rig.js';
import type { Ground } from './editor.js';
import { Patience } from './patience.js';
import { ENDLESS, QUICK, RAN, workSteps } from './work.js';

/** Nodes for the clients' small tasks. */
const SMALL_NODES = 400;
/** Clients that are hurt ask anew after this long. */
const CLIENT_TIMEOUT_MS = 20_000;
/** What is killed comes back soon: a fault every 2 s would otherwise let the waits grow to their longest. */
const BACKOFF = { firstMs: 500, maxMs: 1_000, resetAfterMs: 10_000 };

/** The whole system with its fleet, entered and ready to be hurt. */
export interface ChaosRig {
  rig: Rig;
  proxy: FleetProxy;
  /** Whether each node sees only its own processes. */
  isolated: boolean;
  patience: Patience;
  /** A client that gives up soon. */
  hasty: ApiClient;
  nodes: string[];
  smallNodes: string[];
  templates: { work: number; endless: number };
  ground: Ground;
  /** Fresh addresses that nothing listens on. */
  addresses: (count: number) => string[];
  stop(): Promise<void>;
}

/** @param print is told when nodes cannot be isolated from each other, and why. */
export async function startChaosRig(nodeCount: number, print: (text: string) => void): Promise<ChaosRig> {
  const rig = await startRig({
    apart: true,
    executors: 3,
    schedulers: 2,
    fastDatabase: false,
    backoff: BACKOFF,
    env: { scheduler: { RIGEL_RETRY_DELAY: '0.5' } },
  });
  let proxy: FleetProxy | undefined;
  let isolated: IsolatedNodes | undefined;
  const stop = async (): Promise<void> => {
    try {
      await rig.stop();
    } finally {
      await proxy?.stop();
      await isolated?.stop();
    }
  };
  try {
    const started = await IsolatedNodes.start(rig.sshd, loopbackHosts(nodeCount));
    if (started instanceof IsolatedNodes) isolated = started;
    else print(`the nodes share one process table: ${started.impossible}`);
    proxy = await FleetProxy.start((host) => (isolated?.has(host) ? isolated.port : rig.sshd.port));
    const ran = join(rig.sshd.home, RAN);
    await mkdir(ran);
    // The nodes' user is another one than ours.
    await chmod(ran, 0o777);
    const nodes = loopbackNodes(nodeCount, proxy.port);
    const smallNodes = loopbackNodes(SMALL_NODES, proxy.port, nodeCount);
    await rig.fleet.pool(nodes);
    await rig.fleet.pool(smallNodes);
    let given = 0;
    return {
      rig,
      proxy,
      isolated: isolated !== undefined,
      patience: new Patience(new ApiClient(rig.api.url, CLIENT_TIMEOUT_MS, undefined, rig.ca)),
      hasty: new ApiClient(rig.api.url, CLIENT_TIMEOUT_MS, undefined, rig.ca),
      nodes,
      smallNodes,
      templates: {
        work: await rig.fleet.template(workSteps()),
        endless: await rig.fleet.template(ENDLESS),
      },
      ground: await prepareGround(rig.fleet),
      addresses: (count) =>
        Array.from({ length: count }, () => {
          given++;
          return `10.${(given >> 16) & 255}.${(given >> 8) & 255}.${given & 255}`;
        }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function prepareGround(fleet: Fleet): Promise<Ground> {
  const { api } = fleet;
  const clusterId = await api.ok<number>('/cluster/create', {
    name: uniqueName('cluster'),
    desc: '',
    biz: '1',
  });
  const service = await api.ok<{ id: number }>('/service/create', {
    name: uniqueName('service'),
    desc: '',
    service_type: 'Java',
    docker_image: '-',
    cluster_id: clusterId,
  });
  const action = uniqueName('action');
  await api.ok('/action/create', { name: action, desc: '', params: {} });
  const step = uniqueName('step');
  await api.ok('/remote_step/create', { name: step, desc: '', actions: [action] });
  return { clusterId, serviceId: service.id, action, step, template: await fleet.template(QUICK) };
}
