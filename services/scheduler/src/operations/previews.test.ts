import { plans, type ResolvedStep, ServiceError, tasks } from '@rigel/contracts';
import t from 'tap';
import type { TaskCreated } from '../task/events.js';
import { planSteps } from '../task/options.js';
import { recordTasks } from './create-tasks.js';
import { canonical, changesBetween, hashOf, type Plan, partsOf } from './plan.js';
import { previewOf } from './preview.js';

/*
 * Random plans: what is recorded is what the preview shows, and the hash changes exactly with what it depends on.
 */

const LIMITS = { remoteMs: 600_000, providerMs: 450_000 };
const SETTINGS = { limits: LIMITS, retryDelayMs: 5_000, dependencyWaitMs: 1 };
let seed = 1;
const integer = (from: number, to: number): number => {
  seed = (seed * 48_271) % 2_147_483_647;
  return from + (seed % (to - from + 1));
};

function randomPlan(): Plan {
  const steps = Array.from(
    { length: integer(1, 4) },
    (_, index): ResolvedStep => ({
      name: `step-${index}`,
      kind: 'remote',
      param_values: { tag: `v${integer(1, 3)}'; rm -rf /`, key: { secret: 'db-password' } },
      retry: { retry_times: integer(0, 3), ignore_error: integer(0, 1) === 1 },
      actions: [{ name: 'act', params: { tag: 'string' }, module: 'shell', text: 'run {{tag}} {{key}}' }],
    }),
  );
  const first = integer(1, 1_000);
  return {
    kind: 'create',
    num: 0,
    leftOut: [],
    task: {
      name: `task ${integer(1, 9)}`,
      template: { id: integer(1, 9), name: 'template', steps },
      steps: planSteps(steps, LIMITS),
      sources: steps.map(() => ({ tag: 'call' as const })),
      unusedParams: [],
      targets: Array.from({ length: integer(1, 300) }, (_, index) => ({
        node_id: first + index,
        ip: `10.0.${Math.floor(index / 250)}.${index % 250}`,
        vm_id: '',
        pool_id: 1 + (index % integer(1, 3)),
        pool_name: 'pool',
      })),
      batch: { maxRatio: integer(1, 100), maxNum: integer(0, 20) },
      budget: integer(0, 1) === 1 ? { maxNum: integer(0, 9) } : {},
      timeoutMs: integer(0, 1) * 60_000,
      start: true,
      operator: 'ann',
      flowType: 'manual',
      now: 1,
    },
  };
}

async function recorded({ task }: Plan): Promise<TaskCreated[]> {
  const made: TaskCreated[] = [];
  const store = {
    create: async (wanted: {
      make: (first: { task: number; run: number }) => { task: { created: TaskCreated } }[];
    }) => {
      const appends = wanted.make({ task: 1, run: 1 });
      made.push(...appends.map((append) => append.task.created));
      return appends.map((append) => append.task);
    },
  };
  const context = { correlationId: 'test', actor: 'ann', partition: undefined };
  await recordTasks([task], context, { store: store as never, settings: SETTINGS });
  return made;
}

const FACTS = { held: new Map(), refused: null, earlier: [], retryDelayMs: SETTINGS.retryDelayMs };
const hash = (plan: Plan): string => hashOf(partsOf(plan, SETTINGS.retryDelayMs));

t.test('what would be refused is told to programs too', async (t) => {
  const plan = randomPlan();
  const [target] = plan.task.targets;
  t.match(previewOf(plan, FACTS), { refused: null, reason: null });
  const refused = new ServiceError('one_machine', 'two are one', 'nodes', {
    value: '10.0.0.1',
    data: { node: 1 },
  });
  t.match(previewOf(plan, { ...FACTS, refused }), {
    refused: 'two are one',
    reason: { code: 'one_machine', field: 'nodes', value: '10.0.0.1', data: { node: 1 } },
  });
  if (!target) throw new Error('a plan has targets');
  const held = new Map([[target, { node: target.node_id, ip: target.ip, task: null }]]);
  t.match(previewOf(plan, { ...FACTS, held, refused }), {
    refused: /^nodes are held: /,
    reason: {
      code: 'nodes_held',
      field: 'nodes',
      value: null,
      data: { count: 1, ip: target.ip, task: null },
    },
  });
});

t.test('what is recorded is what the preview shows', async (t) => {
  for (let n = 0; n < 60; n++) {
    const plan = randomPlan();
    const preview = previewOf(plan, FACTS);
    const made = await recorded(plan);
    t.equal(preview.plan, hash(plan));
    t.strictSame(
      preview.tasks.map(({ pool_id, nodes, batch_size, batches, max_failed }) => [
        ...[pool_id, nodes, batch_size, batches],
        max_failed,
      ]),
      made.map(({ pool, nodes, batchSize, failureBudget }) => [
        ...[pool.id, nodes.length, batchSize, Math.ceil(nodes.length / batchSize)],
        failureBudget,
      ]),
    );
    const rows = made.flatMap(({ nodes, batchSize }) =>
      nodes.map(({ node, ip }, index) => [node, ip, Math.floor(index / batchSize) + 1]),
    );
    t.equal(preview.nodes.count, rows.length);
    t.strictSame(
      preview.nodes.rows.map(({ node_id, ip, batch }) => [node_id, ip, batch]),
      rows.slice(0, 200),
    );
    for (const { steps } of made) {
      t.strictSame(
        preview.steps.map(({ name, timeout }) => [name, timeout * 1_000]),
        steps.map(({ name, timeout_ms }) => [name, timeout_ms]),
      );
    }
    for (const { actions, params } of preview.steps) {
      t.match(actions[0]?.script, /rm -rf/);
      t.match(actions[0]?.script, '‹secret db-password›');
      t.match(
        params.find(({ name }) => name === 'key'),
        { value: 'db-password', secret: true, source: 'template' },
      );
    }
  }
});

t.test('the hash changes with everything that a plan depends on, and with nothing else', async (t) => {
  const changes: Record<string, (plan: Plan) => void> = {
    template: ({ task }) => Object.assign(task.steps[0]?.retry ?? {}, { retry_times: 99 }),
    catalog: ({ task }) => Object.assign(task.steps[0]?.actions[0] ?? {}, { text: 'echo other' }),
    parameters: ({ task }) => Object.assign(task.steps[0]?.param_values ?? {}, { tag: 'other' }),
    secret: ({ task }) => Object.assign(task.steps[0]?.param_values ?? {}, { key: { secret: 'other' } }),
    address: ({ task }) => Object.assign(task.targets[0] ?? {}, { ip: '10.9.9.9' }),
    node: ({ task }) => Object.assign(task, { targets: task.targets.slice(1) }),
    batch: ({ task }) => Object.assign(task.batch, { maxNum: 77 }),
    budget: ({ task }) => Object.assign(task.budget, { maxNum: 77 }),
  };
  for (let n = 0; n < 20; n++) {
    const plan = randomPlan();
    const before = hash(plan);
    const turned = JSON.parse(JSON.stringify(plan)) as Plan;
    t.equal(
      hash({ ...turned, task: { ...turned.task, operator: 'bob', now: 99 } }),
      before,
      'the same again',
    );
    for (const [what, change] of Object.entries(changes)) {
      const other = structuredClone(plan);
      change(other);
      t.not(hash(other), before, what);
      t.not(changesBetween(before, hash(other)).length, 0, what);
    }
  }
  t.match(changesBetween(hash(randomPlan()), 'nonsense'), ['it is no plan of this release']);
  t.equal(canonical({ b: 1, a: [{ d: undefined, c: null }] }), '{"a":[{"c":null}],"b":1}');
});

t.test('messages of plans are those of their operations', async (t) => {
  t.equal(plans.create.request, tasks.create.request);
  t.equal(plans.start.request, tasks.start.request);
});
