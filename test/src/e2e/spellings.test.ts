import { waitFor } from '@rigel/testing';
import pg from 'pg';
import t from 'tap';
import type { Answer } from '../support/api.js';
import { startRig } from '../support/rig.js';

/* One machine under several spellings, on a real SSH server that listens on all loopback addresses. */

interface NodeRow {
  id: number;
  ip: string;
  held_by: { task_id: number; name: string; opr_user: string; since: string; ending: boolean } | null;
}

t.test('a machine is worked on by one task at a time, however its address is written', async (t) => {
  const rig = await startRig();
  t.teardown(() => rig.stop());
  const { api, fleet } = rig;
  const port = rig.sshd.port;
  const rows = (pool: number) => api.ok<NodeRow[]>(`/pool/${pool}/list_nodes`);
  const started = (id: number) =>
    waitFor(async () => (await api.detail(id)).every(({ steps }) => steps.list[0]?.state === 1), {
      what: `task ${id} runs its step`,
    });
  const sleeping = await fleet.template({ sleep: { command: 'sleep 600' } });
  const greet = await fleet.template({ greet: { command: 'echo hello' } });
  const refused = (answer: Answer, what: RegExp) => {
    t.not(answer.code, 0, `refused: ${answer.msg}`);
    t.match(answer.msg, what);
    t.strictSame(answer.taskIds, []);
  };

  // Each: the spelling that is entered, and others of the same machine.
  const machines = [
    ['127.0.15.2', `127.0.15.2:${port}`, '[::ffff:127.0.15.2]', `[::FFFF:7f00:f02]:${port}`],
    ['localhost', 'LOCALHOST', `LocalHost:${port}`],
  ];
  for (const [entered = '', ...others] of machines) {
    await t.test(entered, async (t) => {
      const { poolId, nodeIds } = await fleet.pool([entered]);
      for (const other of others) {
        const again = await api.call(`/pool/${poolId}/add_nodes`, { nodes: [other] });
        t.match(again, { code: 404, msg: /^ip exists already/ });
        t.match(again.msg, `(node ${nodeIds[0]}, entered as ${entered})`);
        t.strictSame(await api.ok(`/pool/search_by_ip`, { iplist: other }), { [other]: poolId });
      }
      const id = await fleet.startTask(sleeping, [entered, ...others]);
      t.match(await api.detail(id), [{ ip: entered, node_id: nodeIds[0] }]);
      t.equal((await api.detail(id)).length, 1, 'it is taken once');
      await started(id);
      for (const spelling of [entered, ...others]) {
        refused(
          await fleet.createTask(greet, [spelling]),
          new RegExp(`by task ${id} \\(task-.*, of tester, since 20`),
        );
      }
      t.match(await rows(poolId), [
        {
          ip: entered,
          held_by: { task_id: id, name: /^task-/, opr_user: 'tester', since: /^20.*Z$/, ending: false },
        },
      ]);
      const removal = await api.call(`/pool/${poolId}/remove_nodes`, { nodes: [others[0]] });
      t.match(removal, { code: 400, msg: new RegExp(`by task ${id} `) });
      await api.ok(`/task/stop/${id}`);
      await waitFor(async () => (await rows(poolId))[0]?.held_by === null, { what: 'the node is free' });
      for (const spelling of others) {
        const task = await fleet.startTask(greet, [spelling]);
        t.match(await fleet.ended(task), { state: 2 }, `${spelling} leads there`);
        t.match(await api.detail(task), [{ ip: entered }]);
      }
      await api.ok(`/pool/${poolId}/remove_nodes`, { nodes: [others.at(-1)] });
      t.strictSame(await rows(poolId), []);
    });
  }

  await t.test('nodes that an earlier release took for two machines are in one task at a time', async (t) => {
    const { poolId, nodeIds } = await fleet.pool(['127.0.15.3', '127.0.15.4']);
    const [one = 0, two = 0] = nodeIds;
    const spelling = '[::ffff:127.0.15.3]';
    // What that release has left: one machine, two nodes.
    const database = new pg.Client({ connectionString: rig.stack.databaseUrl });
    await database.connect();
    await database.query('UPDATE inventory.nodes SET ip = $2, machine = NULL WHERE id = $1', [two, spelling]);
    await database.query(
      `UPDATE inventory.events SET data = jsonb_set(data, '{ip}', to_jsonb($2::text)) WHERE stream = $1`,
      [`node-${two}`, spelling],
    );
    await database.end();
    await rig.stack.stop();
    await rig.startAgain();
    const again = rig.fleet;

    await waitFor(
      async () => {
        const answer = await again.createTask(greet, ['127.0.15.3', spelling]);
        return /are one machine/.test(answer.msg);
      },
      { what: 'a task over both is refused' },
    );
    const id = await again.startTask(sleeping, ['127.0.15.3']);
    await waitFor(async () => (await rig.api.detail(id)).every(({ steps }) => steps.list[0]?.state === 1), {
      what: 'the first runs',
    });
    const second = await again.createTask(greet, [spelling]);
    t.not(second.code, 0);
    t.match(second.msg, new RegExp(`node ${one}, 127\\.0\\.15\\.3\\) by task ${id} `));
    t.match(await rig.api.ok(`/pool/${poolId}/list_nodes`), [
      { id: one, ip: '127.0.15.3', held_by: { task_id: id } },
      { id: two, ip: spelling, held_by: { task_id: id } },
    ]);
    const why = await rig.api.call<{ text: string }>(`/task/${id}/why`, undefined, 'GET');
    t.match(why.data.text, `is the same machine as node ${two} (${spelling})`);
    await rig.api.ok(`/task/stop/${id}`);
    await waitFor(async () => (await again.createTask(greet, [spelling])).code === 0, {
      what: 'the other spelling gets its task when the first one has ended',
    });
  });
});
