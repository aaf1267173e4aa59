import type { Asked, Case } from '../case.js';
import { logLine, nodeLog, runRow, taskRow } from '../endpoints/tasks.js';
import { exactRefusal, refusal } from '../expectation.js';
import type { ApiAnswer } from '../http.js';
import { both, exactly, listOf, mapOf, objectWith, text } from '../shape.js';

/* Tasks: who asked, what is answered, logs under their addresses, what a task's state allows. */

function about(endpoint: string, rule: string, run: (asked: Asked) => Promise<void>): Case {
  return { endpoint, rule, run };
}

const done = { data: exactly(null) };

/** A request for a task that waits for its start, over so many nodes of each pool. */
async function request(asked: Asked, pools: number, nodesEach: number) {
  const { world } = asked;
  const template = await world.shared('runnable', () => world.runnableTemplate());
  const nodes = [];
  for (let pool = 0; pool < pools; pool++) {
    const { id } = await world.pool();
    for (let node = 0; node < nodesEach; node++) nodes.push((await world.node({ pool_id: id })).ip);
  }
  return {
    template_id: template.id,
    task_name: world.name('task'),
    auto: 0,
    opr_user: 'root',
    nodes: nodes as (string | object)[],
  };
}

function idsOf(answer: ApiAnswer): number[] {
  return String(answer.headers['x-task-id']).split(',').map(Number);
}

async function create(asked: Asked, body: object, headers?: Record<string, string>): Promise<number[]> {
  const answer = await asked.expect(
    { method: 'POST', path: '/task/create', body, ...(headers ? { headers } : {}) },
    done,
  );
  const ids = idsOf(answer);
  if (!ids.every((id) => id > 0)) throw new Error('X-Task-Id must hold the ids of the new tasks');
  return ids;
}

async function has(asked: Asked, id: number, fields: Record<string, unknown>): Promise<void> {
  const shape = objectWith(
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, exactly(value)])),
  );
  await asked.expect({ method: 'GET', path: `/task/${id}` }, { data: both(taskRow, shape) });
}

async function operatorOf(asked: Asked, id: number): Promise<unknown> {
  const task = (await asked.data('GET', `/task/${id}`)) as { opr_user?: unknown };
  return task.opr_user;
}

export const taskCases: Case[] = [
  about(
    'task.create',
    'nodes as objects, as text, as a single object; one twice counts once',
    async (asked) => {
      const body = await request(asked, 1, 2);
      const [one, two] = body.nodes as string[];
      const [id = 0] = await create(asked, { ...body, nodes: [{ ip: one }, ` ${two} `, one] });
      await has(asked, id, {
        stat: [2, 0, 0, 0, 0],
        Stat: [2, 0, 0, 0, 0],
        Status: 0,
        state: 0,
        end_reason: '',
      });
      const single = await request(asked, 1, 1);
      const [other = 0] = await create(asked, { ...single, nodes: { ip: single.nodes[0] } });
      await has(asked, other, { stat: [1, 0, 0, 0, 0] });
    },
  ),
  about('task.create', 'nodes of two pools make two tasks', async (asked) => {
    const ids = await create(asked, await request(asked, 2, 1));
    if (ids.length !== 2) throw new Error(`X-Task-Id must hold two ids, it holds ${ids.join()}`);
    for (const id of ids) await has(asked, id, { stat: [1, 0, 0, 0, 0] });
  }),
  about('task.create', 'the size of a batch', async (asked) => {
    const sizes: [options: object, size: number][] = [
      [{}, 4],
      [{ max_ratio: 50 }, 2],
      [{ max_ratio: '49' }, 1],
      [{ max_ratio: 1 }, 1],
      [{ max_num: 3 }, 3],
      [{ max_num: 0 }, 4],
      [{ max_ratio: 75, max_num: '2' }, 2],
    ];
    for (const [options, size] of sizes) {
      const [id = 0] = await create(asked, { ...(await request(asked, 1, 4)), ...options });
      await has(asked, id, { step_len: size });
    }
  }),
  about('task.create', 'params as a map and as a list of maps, empty names are skipped', async (asked) => {
    const [id = 0] = await create(asked, {
      ...(await request(asked, 1, 1)),
      params: [{ '': '' }, { word: 'other' }],
    });
    const { stepName } = await asked.world.shared('runnable', () => asked.world.runnableTemplate());
    const option = {
      name: stepName,
      param_values: { word: 'other' },
      retry: { retry_times: 2, ignore_error: false },
    };
    await has(asked, id, { options: [option] });
    const params = { [stepName]: { word: 'mine' } };
    const [other = 0] = await create(asked, { ...(await request(asked, 1, 1)), params });
    await has(asked, other, { options: [{ ...option, param_values: { word: 'mine' } }] });
  }),
  about(
    'task.create',
    'values that no step uses pass when that is wanted, and the log tells of them',
    async (asked) => {
      const body = { ...(await request(asked, 1, 1)), params: { nobody: 'x' }, unused_params: 'warn' };
      const [id = 0] = await create(asked, body);
      const lines = (await asked.data('GET', `/task/${id}/log`)) as { message: string }[];
      if (!lines.some(({ message }) => message === 'no step uses the override nobody')) {
        throw new Error('the log must tell of the value');
      }
    },
  ),
  about('task.create', 'a number for a text keeps its spelling', async (asked) => {
    const body = { ...(await request(asked, 1, 1)), params: { word: '@' } };
    const answer = await asked.expect(
      { method: 'POST', path: '/task/create', body: JSON.stringify(body).replace('"@"', '1.10') },
      done,
    );
    const { stepName } = await asked.world.shared('runnable', () => asked.world.runnableTemplate());
    const retry = { retry_times: 2, ignore_error: false };
    await has(asked, idsOf(answer)[0] ?? 0, {
      options: [{ name: stepName, param_values: { word: '1.10' }, retry }],
    });
  }),
  about('task.create', 'the operator is opr_user, else the header, else unknown', async (asked) => {
    const body = await request(asked, 1, 1);
    const [first = 0] = await create(asked, body, { authorization: 'jane' });
    // A token says who it is, whatever a request says.
    const token = asked.hasToken ? await operatorOf(asked, first) : undefined;
    if (token === 'root' || token === 'jane') throw new Error(`${token} was recorded, who has no token`);
    await has(asked, first, { opr_user: token ?? 'root', flow_type: 'manual' });
    const { opr_user: _, ...second } = await request(asked, 1, 1);
    const [id = 0] = await create(asked, second, { authorization: 'jane' });
    await has(asked, id, { opr_user: token ?? 'jane' });
  }),
  about('task.create', 'a refusal creates nothing', async (asked) => {
    const body = await request(asked, 2, 1);
    const held = await asked.world.task();
    await asked.expect(
      { method: 'POST', path: '/task/create', body: { ...body, nodes: [...body.nodes, held.ip] } },
      refusal(400, 'error...', []),
    );
    await asked.expect(
      { method: 'GET', path: '/task/list', query: { name: body.task_name } },
      { data: exactly([]), paged: true, query_count: 0 },
    );
    // And its nodes are free.
    await create(asked, body);
  }),
  about('task.info', 'one task as page 1 of 10 by POST, as it is by GET', async (asked) => {
    const { id } = await asked.world.task();
    await asked.expect(
      { method: 'POST', path: `/task/${id}`, query: { page: '3', page_size: '7' } },
      {
        data: listOf(objectWith({ id: exactly(id) }), 1),
        paged: true,
        page: 1,
        page_size: 10,
        query_count: 1,
      },
    );
    await has(asked, id, { id });
  }),
  about('task.info', 'the message names the task that there is not', async (asked) => {
    const id = asked.world.unknownId();
    for (const method of ['GET', 'POST']) {
      await asked.expect({ method, path: `/task/${id}` }, exactRefusal(400, `flow not found id ${id}`, null));
    }
  }),
  about('task.start', 'messages name the task that there is not', async (asked) => {
    const id = asked.world.unknownId();
    for (const [path, body] of [
      [`/task/start/${id}`, undefined],
      ['/task/start', { id }],
    ] as const) {
      const request = { method: 'POST', path, ...(body ? { body } : {}) };
      await asked.expect(request, exactRefusal(400, `flow not found id ${id}`, {}));
    }
    await asked.expect(
      { method: 'POST', path: `/task/pause/${id}` },
      refusal(400, `pause flow ${id} fails: `, {}),
    );
    await asked.expect(
      { method: 'POST', path: '/task/stop', body: { id } },
      refusal(400, `stop flow ${id} fails: `, {}),
    );
  }),
  about('task.pause', 'paused, resumed, stopped, and then for good', async (asked) => {
    const { id } = await asked.world.task(1);
    await has(asked, id, { state: 1, end_reason: '' });
    await asked.expect({ method: 'POST', path: '/task/pause', body: { id: String(id) } }, done);
    await has(asked, id, { state: 4, end_reason: '' });
    await asked.expect({ method: 'POST', path: `/task/start/${id}` }, done);
    await has(asked, id, { state: 1 });
    await asked.expect({ method: 'POST', path: `/task/stop/${id}` }, done);
    await has(asked, id, { state: 4, Status: 4, end_reason: 'stopped' });
    await asked.expect(
      { method: 'POST', path: `/task/start/${id}` },
      { code: 400, text: '', data: {}, says: 'terminated' },
    );
  }),
  about('task.log', 'lines under all addresses of it', async (asked) => {
    const { id } = await asked.world.task();
    const line = both(
      logLine,
      objectWith({ fid: exactly(id), batch_id: exactly(0), correlation_id: exactly(`${id}-0`) }),
    );
    for (const path of [`/task/${id}/log`, `/task/flow/${id}/log`]) {
      for (const method of ['GET', 'POST']) {
        await asked.expect({ method, path }, { data: listOf(line, 1) });
        await asked.expect({ method, path, query: { kind: 'task' } }, { data: listOf(line, 1) });
      }
    }
    const lines = (await asked.data('GET', `/task/${id}/log`)) as { id: number }[];
    const last = lines.at(-1)?.id ?? 0;
    await asked.expect(
      { method: 'GET', path: `/task/${id}/log`, query: { after: String(last) } },
      { data: exactly([]) },
    );
  }),
  about('task.node_log', 'under the address of the task log, when kind says so', async (asked) => {
    const { runId } = await asked.world.task();
    for (const path of [`/task/${runId}/log`, `/task/flow/${runId}/log`]) {
      await asked.expect({ method: 'GET', path, query: { kind: 'node' } }, { data: nodeLog });
      await asked.expect({ method: 'POST', path, body: { kind: 'node' } }, { data: nodeLog });
    }
    const unknown = asked.world.unknownId();
    await asked.expect(
      { method: 'POST', path: `/task/${unknown}/log`, body: { kind: 'node' } },
      refusal(400, 'db server lost...', null),
    );
  }),
  about('task.detail', 'a node run before its first step', async (asked) => {
    const task = await asked.world.task();
    const run = { id: task.runId, ip: task.ip, node_id: task.nodeId, state: 0, batch_id: 1, vm_id: '' };
    const fields = Object.fromEntries(Object.entries(run).map(([name, value]) => [name, exactly(value)]));
    await asked.expect(
      { method: 'POST', path: `/task/${task.id}/detail` },
      { data: listOf(both(runRow, objectWith({ ...fields, steps: exactly({}) })), 1) },
    );
    const states = objectWith({
      '0': listOf(objectWith({ ...fields, steps: exactly('') }), 1),
      total: exactly(1),
    });
    await asked.expect({ method: 'GET', path: `/task/${task.id}/detail` }, { data: states });
  }),
  about('task.detail', 'the steps of a node run that has begun', async (asked) => {
    const { id, runId, stepName } = await asked.world.task(1);
    await asked.data('POST', `/task/stop/${id}`);
    const rows = (await asked.data('POST', `/task/${id}/detail`)) as { steps: { name?: string } }[];
    const began = rows[0]?.steps.name !== undefined;
    const list = listOf(objectWith({ name: exactly(stepName), message: text }), 1);
    const steps = began ? objectWith({ name: exactly(stepName), num: exactly(1), list }) : exactly({});
    await asked.expect(
      { method: 'POST', path: `/task/${id}/detail` },
      { data: listOf(objectWith({ steps }), 1) },
    );
    await asked.expect({ method: 'POST', path: `/task/node/${runId}/log` }, { data: listOf(mapOf(text)) });
  }),
];
