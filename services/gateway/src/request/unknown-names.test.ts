import t from 'tap';
import { endpoints } from '../routes/index.js';
import { ALSO_SENT, alsoSentTo } from './also-sent.js';
import { prepareParameters } from './parameters.js';
import { NOTHING } from './source.js';

function reader(id: string) {
  const endpoint = endpoints.find((each) => each.id === id);
  if (!endpoint) throw new Error(`there is no endpoint ${id}`);
  const read = prepareParameters(endpoint);
  return (path: object, body: object, query: object = {}) =>
    read({
      path: { values: path as Record<string, unknown> },
      body: { values: body as Record<string, unknown> },
      query: { values: query as Record<string, unknown> },
    }).input;
}

const task = { template_id: 1, task_name: 'x', nodes: ['10.0.0.1'] };
const step = { name: 'create_vm' };
const cron = { time: '08:00', instance_num: 1 };
const schedule = {
  id: 0,
  pool_id: 1,
  cron_itmes: [cron],
  depend_itmes: [],
  type: 'expand',
  exec_type: 'crontab',
};

t.test('a name that is not known is refused with the nearest one that is', async (t) => {
  const wrong: [endpoint: string, path: object, body: object, message: string][] = [
    [
      'task.create',
      {},
      { ...task, maxNum: 1 },
      'unknown parameter maxNum: the nearest known name is max_num',
    ],
    [
      'task.create',
      {},
      { ...task, opr_usr: null },
      'unknown parameter opr_usr: the nearest known name is opr_user',
    ],
    [
      'task.create',
      {},
      { ...task, nodes: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2', ipp: 'x' }] },
      'nodes.1 has an unknown field ipp: the nearest known name is ip',
    ],
    [
      'task.create',
      {},
      { ...task, nodes: { ip: '10.0.0.1', Ip: 1 } },
      'nodes has an unknown field Ip: the nearest known name is ip',
    ],
    [
      'task_tpl.create',
      {},
      { name: 'a', desc: '', steps: [step, { ...step, ignore_errors: true }] },
      'steps.1 has an unknown field ignore_errors: the nearest known name is ignore_error',
    ],
    [
      'task_tpl.update',
      { id: 1 },
      { steps: [{ ...step, retries: 3 }] },
      'steps.0 has an unknown field retries: the nearest known name is retry',
    ],
    [
      'task_impl.create',
      {},
      { name: 'a', steps: [{ ...step, retry: { times: 3 } }] },
      'steps.0.retry has an unknown field times: the nearest known name is retry_times',
    ],
    [
      'pool.update',
      { id: 1 },
      { tasks: { deplyo: 3 } },
      'tasks has an unknown field deplyo: the nearest known name is deploy',
    ],
    [
      'task.save_task',
      {},
      { ...schedule, cron_itmes: [{ ...cron, weekday: 2 }] },
      'cron_itmes.0 has an unknown field weekday: the nearest known name is week_day',
    ],
    [
      'task.save_task',
      {},
      { ...schedule, depend_itmes: [{ pool_id: 2, step_name: 'x', elastic: 1 }] },
      'depend_itmes.0 has an unknown field elastic: the nearest known name is elastic_count',
    ],
    ['cluster.list', {}, { pagesize: 3 }, 'unknown parameter pagesize: the nearest known name is page_size'],
    ['pool.delete', { id: 1 }, { force: true }, 'unknown parameter force: the nearest known name is id'],
  ];
  for (const [endpoint, path, body, message] of wrong) {
    t.throws(() => reader(endpoint)(path, body), { name: 'UnknownParameter', message }, message);
  }
  t.throws(() => reader('task.list')({}, {}, { nmae: 'web' }), {
    name: 'UnknownParameter',
    message: 'unknown parameter nmae: the nearest known name is name',
  });
  t.throws(() => reader('task.create')({}, JSON.parse('{"__proto__": 1}')), { name: 'UnknownParameter' });
});

t.test('the message names a mistyped parameter before the one that is missing because of it', async (t) => {
  t.throws(() => reader('task.create')({}, { templat_id: 1 }), { message: /templat_id.* template_id$/ });
});

t.test('names that are values are anybody’s, empty ones are place-holders', async (t) => {
  const params = { any: { thing: 1 }, '': '' };
  t.match(reader('task.create')({}, { ...task, '': '', params }), { params });
  const steps = [{ ...step, param_values: { whatever: 1 }, '': 'x' }];
  t.match(reader('task_tpl.create')({}, { name: 'a', desc: '', steps }), { steps });
});

t.test('reads may have names that keep caches away, and pages; writes may not', async (t) => {
  t.strictSame(
    reader('cluster.info')({ id: '1' }, {}, { _: '1501162794', _t: '1', page: '1', page_size: '5' }),
    {
      id: 1,
    },
  );
  t.throws(() => reader('cluster.delete')({ id: '1' }, {}, { _: '1501162794' }), {
    name: 'UnknownParameter',
  });
  t.throws(() => reader('cluster.delete')({ id: '1' }, { page: 1 }), { name: 'UnknownParameter' });
});

t.test('a body that a read cannot read is passed over as before', async (t) => {
  const endpoint = endpoints.find(({ id }) => id === 'cluster.list');
  if (!endpoint) throw new Error('there is no list of clusters');
  const read = prepareParameters(endpoint);
  t.doesNotThrow(() => read({ path: NOTHING, body: { unreadable: 'broken' }, query: NOTHING }));
});

t.test('names that existing clients send', async (t) => {
  for (const { endpoints: ids, within, names, by } of ALSO_SENT) {
    t.not(by, '');
    for (const id of ids) {
      const endpoint = endpoints.find((each) => each.id === id);
      if (!endpoint) {
        t.fail(`${id}: ${by}: there is no such endpoint`);
        continue;
      }
      const { properties } = endpoint.params;
      if (within === undefined) {
        for (const name of names) t.notOk(name in properties, `${id} does not read ${name}`);
      } else t.ok(within in properties, `${id} reads ${within}`);
      t.strictSame(
        names.filter(
          (name) => alsoSentTo(id, within).indexOf(name) !== alsoSentTo(id, within).lastIndexOf(name),
        ),
        [],
        'each name once',
      );
    }
  }
  t.strictSame(reader('pool.expand')({ id: 1 }, { num: 2, pool: 1, template_id: 7 }), { id: 1, num: 2 });
  const sent = { ...cron, id: null, exec_task_id: 0, ConcurrRatio: 0, ConcurrNum: 0, week_day: 0, ignore: 0 };
  const depend = {
    id: 3,
    exec_task_id: 1,
    pool_id: 2,
    ratio: 0.5,
    elastic_count: 1,
    step_name: 'x',
    ignore: 0,
    pool: {},
  };
  t.doesNotThrow(() =>
    reader('task.save_task')({}, { ...schedule, cron_itmes: [sent], depend_itmes: [depend] }),
  );
});
