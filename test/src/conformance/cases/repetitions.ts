import { randomUUID } from 'node:crypto';
import { type Case, WrongAnswer } from '../case.js';
import { refusal } from '../expectation.js';
import type { ApiRequest } from '../http.js';
import { assertNew, keyHeader } from '../rules/repeating.js';
import { exactly, id, listOf } from '../shape.js';

/* What is kept under an Idempotency-Key, beyond the answers. */

export const repetitionCases: Case[] = [
  {
    endpoint: 'cluster.create',
    rule: 'Idempotency-Key: a refusal is not kept',
    run: async (asked) => {
      const taken = await asked.world.cluster();
      const body = { name: taken.name, desc: '', biz: '1' };
      const request: ApiRequest = {
        method: 'POST',
        path: '/cluster/create',
        body,
        headers: keyHeader(randomUUID()),
      };
      await asked.expect(request, refusal(400, 'db server lost...', {}));
      await asked.data('POST', `/cluster/delete/${taken.id}`);
      assertNew(request, await asked.expect(request, { data: id }));
    },
  },
  {
    endpoint: 'cluster.create',
    rule: 'Idempotency-Key: what the body means counts, not how it is written',
    run: async (asked) => {
      const headers = keyHeader(randomUUID());
      const name = asked.world.name('cluster');
      const sent = (request: Pick<ApiRequest, 'query' | 'body'>): ApiRequest => ({
        method: 'POST',
        path: '/cluster/create',
        headers,
        ...request,
      });
      const first = await asked.data('POST', '/cluster/create', {
        name: asked.world.name('cluster'),
        desc: '',
        biz: '1',
      });
      const made = await asked.expect(sent({ body: { name, desc: 'd', biz: '7' } }), { data: id });
      const { data } = made.json as { data: number };
      if (data === first) throw new Error('two clusters have one id');
      for (const again of [
        sent({ body: { biz: 7, desc: 'd', name } }),
        sent({ query: { name, desc: 'd', biz: '7' } }),
        sent({ body: new URLSearchParams({ desc: 'd', biz: '7', name }).toString() }),
      ]) {
        await asked.expect(again, { data: exactly(data) });
      }
    },
  },
  {
    endpoint: 'service.create',
    rule: 'Idempotency-Key: counts for its method and its address alone',
    run: async (asked) => {
      const { world } = asked;
      const headers = keyHeader(randomUUID());
      const cluster_id = (await world.shared('cluster', () => world.cluster())).id;
      for (const method of ['POST', 'GET']) {
        const body = {
          name: world.name('service'),
          desc: '',
          service_type: 'Java',
          docker_image: '-',
          cluster_id,
        };
        const request: ApiRequest = { method, path: '/service/create', body, headers };
        assertNew(request, await asked.answer(request));
      }
      const pools = [await world.pool(), await world.pool()];
      for (const pool of pools) {
        const body = { nodes: [world.ip()] };
        const request: ApiRequest = { method: 'POST', path: `/pool/${pool.id}/add_nodes`, body, headers };
        assertNew(request, await asked.expect(request, { data: listOf(id) }));
      }
    },
  },
  {
    endpoint: 'task.create',
    rule: 'Idempotency-Key: a repetition makes no second task, also where the nodes are free again',
    run: async (asked) => {
      const { world } = asked;
      const template = await world.runnableTemplate();
      const node = await world.node();
      const task_name = world.name('task');
      const body = {
        template_id: template.id,
        task_name,
        opr_user: 'conformance',
        auto: 0,
        nodes: [{ ip: node.ip }],
        params: {},
      };
      const request: ApiRequest = {
        method: 'POST',
        path: '/task/create',
        body,
        headers: keyHeader(randomUUID()),
      };
      const first = await asked.expect(request, { data: exactly(null) });
      await asked.data('POST', `/task/stop/${String(first.headers['x-task-id'])}`);
      const again = await asked.expect(request, { data: exactly(null) });
      if (again.headers['x-task-id'] !== first.headers['x-task-id'])
        throw new WrongAnswer(request, again, [`X-Task-Id must be ${String(first.headers['x-task-id'])}`]);
      const tasks = (await asked.data('GET', `/task/list?name=${task_name}`)) as unknown[];
      if (tasks.length !== 1) throw new Error(`one task was to be made, there are ${tasks.length}`);
    },
  },
];
