import { waitFor } from '@rigel/testing';
import t, { type Test } from 'tap';
import { problemsOf, type Refusal, refusal } from '../conformance/expectation.js';
import { type ApiAnswer, type ApiRequest, ApiSender, showAnswer, showRequest } from '../conformance/http.js';
import { World } from '../conformance/world.js';
import { childrenOf, freeze, isAlive } from '../support/freeze.js';
import { type Rig, startRig } from '../support/rig.js';

/*
 * While something that a request needs is down or stands still, the request is refused as documented, before its client
 * gives up; and it works again when that is back. (A client of the suite gives up after 10 s.)
 */

type Part = 'inventory' | 'catalog' | 'scheduler';

interface Needy {
  request: ApiRequest;
  /** What it needs beside NATS and the database. */
  parts: Part[];
  refusal: Refusal;
  /** May be sent while something is down: it changes nothing when it is carried out later. */
  harmless: boolean;
}

const lost = refusal(400, 'db server lost...', []);
const lostObject = refusal(400, 'db server lost...', {});

async function requestsOf(world: World): Promise<Needy[]> {
  const task = await world.task();
  const node = await world.node();
  const template = await world.runnableTemplate();
  const free = await world.node();
  const read = (path: string, part: Part, failure: Refusal): Needy => ({
    request: { method: 'POST', path },
    parts: [part],
    refusal: failure,
    harmless: true,
  });
  return [
    read('/cluster/list', 'inventory', lost),
    read(`/pool/${node.pool_id}`, 'inventory', refusal(404, 'db error', [])),
    read(`/pool/${node.pool_id}/list_nodes`, 'inventory', refusal(400, 'error...', {})),
    read(`/pool/search_by_ip/${encodeURIComponent(node.ip)}`, 'inventory', lostObject),
    read('/task_tpl/list', 'catalog', lostObject),
    read(`/task_tpl/${template.id}`, 'catalog', refusal(404, 'error...', {})),
    read('/task_step/list', 'catalog', lost),
    read('/actimpl/list', 'catalog', lost),
    read('/task/list', 'scheduler', lostObject),
    read(`/task/${task.id}`, 'scheduler', refusal(400, 'db server lost...', null)),
    read(`/task/${task.id}/detail`, 'scheduler', lostObject),
    read(`/task/${task.id}/log`, 'scheduler', refusal(400, 'Flow not found', {})),
    {
      request: {
        method: 'POST',
        path: `/cluster/update/${(await world.cluster()).id}`,
        body: { name: world.name() },
      },
      parts: ['inventory'],
      refusal: refusal(400, 'db server lost...', null),
      harmless: true,
    },
    {
      request: { method: 'POST', path: `/task_tpl/update/${template.id}`, body: { desc: 'changed' } },
      parts: ['catalog'],
      refusal: lostObject,
      harmless: true,
    },
    {
      // Refused in any case: its address is taken. But only the database knows.
      request: { method: 'POST', path: `/pool/${node.pool_id}/add_nodes`, body: { nodes: [node.ip] } },
      parts: ['inventory'],
      refusal: refusal(404, '请求参数解析错误', []),
      harmless: false,
    },
    {
      request: {
        method: 'POST',
        path: '/task/create',
        body: {
          template_id: template.id,
          task_name: world.name('task'),
          auto: 0,
          nodes: [free.ip],
          params: {},
        },
      },
      parts: ['scheduler', 'inventory', 'catalog'],
      refusal: refusal(400, 'error...', []),
      harmless: false,
    },
  ];
}

/** What makes it down, what has to be done so that it comes back, and what then cannot work. */
interface Outage {
  what: string;
  parts: Part[];
  begin: (rig: Rig) => Promise<() => void>;
}

const ALL: Part[] = ['inventory', 'catalog', 'scheduler'];

function pidOf(rig: Rig, name: string): number {
  const pid = rig.stack.processes.find((process) => process.name === name)?.pid;
  if (pid === undefined) throw new Error(`${name} does not run`);
  return pid;
}

const frozen = (name: string, parts: Part[]): Outage => ({
  what: `${name} stands still`,
  parts,
  begin: (rig) => freeze(pidOf(rig, name)),
});

/** The supervisor starts it again, after its pause. */
const killed = (parts: Part[], ...names: string[]): Outage => ({
  what: `${names.join(', ')} killed`,
  parts,
  begin: async (rig) => {
    const pids = names.map((name) => pidOf(rig, name));
    // A process of PostgreSQL that lost its parent still answers what it has just been asked.
    const all = [...pids, ...(await Promise.all(pids.map(childrenOf))).flat()];
    for (const name of names) rig.stack.kill(name, 'SIGKILL');
    await waitFor(async () => !(await Promise.all(all.map(isAlive))).includes(true), {
      what: `${names.join(', ')} and its children are gone`,
      intervalMs: 10,
    });
    return () => undefined;
  },
});

const OUTAGES: Outage[] = [
  frozen('inventory', ['inventory']),
  frozen('catalog', ['catalog']),
  frozen('scheduler', ['scheduler']),
  frozen('nats', ALL),
  frozen('postgres', ALL),
  killed(ALL, 'inventory', 'catalog', 'scheduler'),
  killed(ALL, 'nats'),
  killed(ALL, 'postgres'),
];

t.test('a dependency is down', async (t) => {
  const rig = await startRig({
    apart: true,
    executors: 1,
    backoff: { firstMs: 8_000, maxMs: 8_000, resetAfterMs: 60_000 },
  });
  t.teardown(() => rig.stop());
  const sender = new ApiSender(new URL(rig.stack.httpUrl), { ca: rig.ca });
  const needy = await requestsOf(new World(sender));
  for (const outage of OUTAGES) await t.test(outage.what, (t) => during(t, outage, rig, sender, needy));
});

async function during(t: Test, outage: Outage, rig: Rig, sender: ApiSender, needy: Needy[]): Promise<void> {
  const end = await outage.begin(rig);
  try {
    await Promise.all(
      needy.map(async ({ request, parts, refusal }) => {
        if (!parts.some((part) => outage.parts.includes(part))) return;
        const began = Date.now();
        const answer = await sender.send(request).catch((error: Error) => error);
        const took = Date.now() - began;
        if (answer instanceof Error) {
          t.fail(`${showRequest(request)}: ${answer.message}`);
          return;
        }
        const problems = problemsOf(answer, refusal);
        t.same(problems, [], `${showRequest(request)} -> ${showAnswer(answer)} after ${took} ms`);
      }),
    );
  } finally {
    end();
  }
  for (const { request, harmless } of needy) {
    if (!harmless) continue;
    await waitFor(async () => isDone(await sender.send(request).catch(() => undefined)), {
      what: `${showRequest(request)} works again`,
      timeoutMs: 60_000,
    });
  }
  t.pass('everything works again');
}

function isDone(answer: ApiAnswer | undefined): boolean {
  return answer?.status === 200;
}
