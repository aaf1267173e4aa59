import type { Asked, Case } from '../case.js';
import { exactRefusal } from '../expectation.js';
import { either, exactly, having, id, listOf, objectWith } from '../shape.js';
import { shellTemplate, stepOption } from '../world.js';

/*
 * What the web console sends that was written for this API: only GET and POST, ids as numbers or text, names of its own.
 */

function habit(rule: string, run: (asked: Asked) => Promise<void>): Case {
  return { endpoint: 'console', rule, run };
}

const done = { data: exactly(null) };
const emptyText = { data: exactly('') };
const schedule = either(exactly(null), objectWith({ id, pool: objectWith({ id }) }));

export const consoleCases: Case[] = [
  habit('pauses and stops by GET, the id in path and query', async (asked) => {
    const task = await asked.world.task(1);
    const query = { id: String(task.id) };
    await asked.expect({ method: 'GET', path: `/task/pause/${task.id}`, query }, done);
    await asked.expect({ method: 'GET', path: `/task/stop/${task.id}`, query }, done);
  }),
  habit('starts by POST with the id as text', async (asked) => {
    const { id } = await asked.world.task();
    await asked.expect({ method: 'POST', path: `/task/start/${id}`, body: { id: String(id) } }, done);
  }),
  habit('sends its method once more in a header', async (asked) => {
    const cluster = await asked.world.cluster();
    await asked.expect(
      {
        method: 'POST',
        path: `/cluster/delete/${cluster.id}`,
        headers: { 'X-HTTP-Method-Override': 'POST' },
      },
      emptyText,
    );
  }),
  habit('deletes everything by POST', async (asked) => {
    const { world } = asked;
    const pool = await world.pool();
    const post = async (path: string, data: unknown) => {
      await asked.expect({ method: 'POST', path }, { data: exactly(data) });
    };
    await post(`/pool/delete/${pool.id}`, {});
    await post(`/service/delete/${pool.service_id}`, {});
    await post(`/task_tpl/delete/${(await world.template()).id}`, null);
    await post(`/action/delete/${(await world.action()).id}`, '');
  }),
  habit('updates without a name', async (asked) => {
    const { world } = asked;
    const change = async (path: string, body: object, data: unknown) => {
      await asked.expect({ method: 'POST', path, body }, { data: exactly(data) });
    };
    await change(`/pool/update/${(await world.pool()).id}`, { desc: 'x', vm_type: '2', sd_id: '3' }, {});
    await change(`/task_tpl/update/${(await world.template()).id}`, { desc: 'x', steps: [] }, '');
    await change(`/action/update/${(await world.action()).id}`, { desc: 'x', params: {} }, '');
    await change(`/remote_step/update/${(await world.remoteStep()).id}`, { desc: 'x', actions: [] }, '');
  }),
  habit('a pool is updated with the id of its service', async (asked) => {
    const pool = await asked.world.pool();
    await asked.expect(
      {
        method: 'POST',
        path: `/pool/update/${pool.id}`,
        body: { desc: 'x', service_id: String(pool.service_id) },
      },
      { data: exactly({}) },
    );
  }),
  habit('updates a cluster without its product line', async (asked) => {
    const cluster = await asked.world.cluster({ biz: 'shop' });
    const path = `/cluster/update/${cluster.id}`;
    await asked.expect({ method: 'POST', path, body: { name: cluster.name, desc: 'x' } }, emptyText);
    await asked.expect(
      { method: 'GET', path: `/cluster/${cluster.id}` },
      { data: having({ id: cluster.id, name: cluster.name, desc: 'x', biz: 'shop' }) },
    );
  }),
  habit('removes nodes by their ids, as numbers and as text', async (asked) => {
    const { world } = asked;
    const pool = await world.pool();
    const [one, two, three] = [
      await world.node({ pool_id: pool.id }),
      await world.node({ pool_id: pool.id }),
      await world.node({ pool_id: pool.id }),
    ];
    const path = `/pool/${pool.id}/remove_nodes`;
    await asked.expect(
      { method: 'POST', path, body: { nodes: [one.id, String(two.id), three.ip] } },
      { data: exactly({}) },
    );
    await asked.expect(
      { method: 'GET', path: `/pool/${pool.id}/list_nodes` },
      { data: exactly([]), paged: true, query_count: 0 },
    );
  }),
  habit('reads and changes an implementation by the id of its action', async (asked) => {
    const { world } = asked;
    // So that the numbers of actions and implementations differ.
    await world.action();
    const impl = await world.actimpl();
    const template = shellTemplate('echo once more');
    await asked.expect(
      {
        method: 'POST',
        path: `/actimpl/update/${impl.action_id}`,
        body: { action_id: impl.action_id, type: 'ansible', template },
      },
      emptyText,
    );
    await asked.expect(
      { method: 'GET', path: `/actimpl/${impl.action_id}` },
      { data: having({ id: impl.id, action_id: impl.action_id, type: 'ansible', template }) },
    );
  }),
  habit('reads 1000 and 10000 rows at once', async (asked) => {
    for (const page_size of [20, 1000, 10_000]) {
      await asked.expect(
        {
          method: 'GET',
          path: '/task_tpl/list',
          query: { page: '1', page_size: String(page_size), name: '' },
        },
        { data: listOf(objectWith({ id })), paged: true, page: 1, page_size },
      );
    }
  }),
  habit('gets one scheduled task or null', async (asked) => {
    const pool = await asked.world.shared('pool', () => asked.world.pool());
    for (const list of ['expandList', 'uploadList']) {
      const path = `/task/${list}/${pool.id}`;
      await asked.expect({ method: 'GET', path, query: { action: list } }, { data: schedule });
      await asked.expect({ method: 'POST', path, body: { action: list } }, { data: schedule });
      await asked.expect({ method: 'POST', path, body: { action: '' } }, { data: schedule });
    }
  }),
  habit('makes a cluster without a product line', async (asked) => {
    const body = { name: asked.world.name('cluster'), desc: 'a cluster' };
    const { json } = await asked.expect({ method: 'POST', path: '/cluster/create', body }, { data: id });
    const made = (json as { data: number }).data;
    await asked.expect(
      { method: 'GET', path: `/cluster/${made}` },
      { data: having({ id: made, ...body, biz: '' }) },
    );
  }),
  habit('has a blank address at the end of a list', async (asked) => {
    const { world } = asked;
    const template = await world.shared('runnable', () => world.runnableTemplate());
    const node = await world.node();
    const body = {
      template_id: template.id,
      task_name: world.name('task'),
      max_num: 1,
      max_ratio: 30,
      nodes: [{ ip: node.ip }, { ip: '' }],
      opr_user: 'root',
      auto: 0,
    };
    await asked.expect({ method: 'POST', path: '/task/create', body }, done);
  }),
  habit('a pool whose templates are set is read back', async (asked) => {
    const { world } = asked;
    const template = await world.template();
    const tasks = { expand: template.id, deploy: template.id };
    const pool = await world.pool({ tasks });
    await asked.expect(
      { method: 'GET', path: `/pool/${pool.id}` },
      { data: objectWith({ tasks: exactly({ ...tasks, shrink: 0 }) }) },
    );
    const body = { tasks: { shrink: String(template.id), expand: '0', deploy: null } };
    await asked.expect({ method: 'POST', path: `/pool/update/${pool.id}`, body }, { data: exactly({}) });
    await asked.expect(
      { method: 'GET', path: `/pool/${pool.id}` },
      { data: objectWith({ tasks: exactly({ expand: 0, shrink: template.id, deploy: 0 }) }) },
    );
  }),
  habit('a template keeps the steps of its task when it is deleted', async (asked) => {
    const { world } = asked;
    const task = await world.task();
    await asked.data('POST', `/task_tpl/delete/${task.templateId}`);
    await asked.expect(
      { method: 'GET', path: `/task/${task.id}` },
      { data: objectWith({ options: exactly([stepOption(task.stepName)]) }) },
    );
    await asked.expect(
      { method: 'POST', path: `/task_tpl/${task.templateId}` },
      { code: 404, text: 'error...', data: {} },
    );
  }),
  habit('a task that does not exist', async (asked) => {
    const unknown = asked.world.unknownId();
    await asked.expect(
      { method: 'GET', path: `/task/${unknown}` },
      exactRefusal(400, `flow not found id ${unknown}`, null),
    );
  }),
];
