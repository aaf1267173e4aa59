import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { findFreePort } from '@rigel/local-servers';
import { waitFor } from '@rigel/testing';
import t from 'tap';
import { documentedFamilies, familiesOf, type MetricFamily } from '../support/metrics.js';
import { startRig } from '../support/rig.js';

interface Why {
  text: string;
  chain: { code: string; text: string; data: Record<string, unknown> }[];
  nodes: { ip: string; chain: { code: string }[] }[];
}

/** Labels that exist. One that is added here must have a number of values that does not grow with the fleet. */
const LABELS = new Set([
  'capability',
  'code',
  'endpoint',
  'kind',
  'le',
  'operation',
  'owner',
  'provider',
  'result',
  'service',
  'type',
]);
/** Of one process: those of its histograms come to some hundreds. */
const MANY_SERIES = 2_000;

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
}

/** A receiver of OpenTelemetry's OTLP/HTTP in JSON, which keeps every span. */
const spans: Span[] = [];
const receiver = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (chunk: string) => {
    body += chunk;
  });
  request.on('end', () => {
    const sent = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
    for (const { scopeSpans } of sent.resourceSpans)
      for (const scope of scopeSpans) spans.push(...scope.spans);
    response.setHeader('Content-Type', 'application/json').end('{}');
  });
}).listen(0, '127.0.0.1');
await once(receiver, 'listening');
t.teardown(() => receiver.close());
const endpoint = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;

const PROCESSES = ['access', 'catalog', 'inventory', 'scheduler', 'executor-1', 'gateway'];
const ports = Object.fromEntries(
  await Promise.all(PROCESSES.map(async (name) => [name, await findFreePort()])),
);
const rig = await startRig({
  apart: true,
  executors: 1,
  env: Object.fromEntries(
    PROCESSES.map((name) => [
      name,
      {
        RIGEL_OPS_PORT: String(ports[name]),
        RIGEL_OTEL_ENDPOINT: endpoint,
        OTEL_BSP_SCHEDULE_DELAY: '100',
        ...(name === 'scheduler' ? { RIGEL_RETRY_DELAY: '600' } : {}),
      },
    ]),
  ),
});
t.teardown(() => rig.stop());
const { api, fleet, sshd, stack } = rig;

async function why(id: number): Promise<Why> {
  const response = await api.fetch(`${api.url}/task/${id}/why`);
  return ((await response.json()) as { data: Why }).data;
}

/** Waits until a reason of this kind is in the chain. */
function whyHas(id: number, code: string): Promise<Why> {
  return waitFor(
    async () => {
      const answer = await why(id);
      return answer.chain.some((reason) => reason.code === code) ? answer : undefined;
    },
    { what: `task ${id} says ${code}`, timeoutMs: 60_000 },
  );
}

async function scrape(name: string): Promise<MetricFamily[]> {
  const response = await fetch(`http://127.0.0.1:${ports[name]}/metrics`);
  return familiesOf(await response.text());
}

t.test('why tasks wait and fail, in a real system', async (t) => {
  const node = `127.0.0.1:${sshd.port}`;
  await fleet.pool([node, '127.0.0.1:1']);
  const quick = await fleet.template({ quick: { command: 'echo one; echo two; exit 7' } });
  const failed = await fleet.startTask(quick, [node]);
  await fleet.ended(failed);
  const answer = await why(failed);
  t.match(
    answer.chain.map(({ code }) => code),
    ['failed', 'batch_failed', 'step_failed', 'last_output'],
  );
  t.match(answer.text, /after 1 attempt: .*7.* ← it printed last: one\ntwo$/);

  const unreachable = await fleet.startTask(await fleet.template({ never: { command: 'true', retry: 5 } }), [
    '127.0.0.1:1',
  ]);
  t.match((await whyHas(unreachable, 'retry_at')).chain.at(-1), {
    code: 'last_attempt_failed',
    text: /refused|unreachable|127\.0\.0\.1:1/,
  });
  await api.ok(`/task/stop/${unreachable}`);
  t.match((await whyHas(unreachable, 'stopped')).chain[0]?.data, { operator: 'tester' });

  const long = await fleet.startTask(await fleet.template({ long: { command: 'sleep 604.5' } }), [node]);
  t.match(
    (await whyHas(long, 'executor_has_it')).text,
    /of step long.* has been running on .* ← executor executor-1-/,
  );
  await api.ok(`/task/pause/${long}`);
  t.match((await whyHas(long, 'paused')).chain[0]?.data, { operator: 'tester' });
  t.match((await fleet.createTask(quick, [node])).msg, /unfinished|held|task/, 'the node is held');
  await api.ok(`/task/stop/${long}`);
  await fleet.ended(long);
});

t.test('every process tells its metrics, in good form and without labels that grow', async (t) => {
  const families = new Map<string, MetricFamily>();
  for (const name of PROCESSES) {
    const scraped = await scrape(name);
    const seen = new Set<string>();
    let series = 0;
    for (const family of scraped) {
      t.notOk(seen.has(family.name), `${name}: ${family.name} comes once`);
      seen.add(family.name);
      t.ok(family.help && family.type, `${name}: ${family.name} has HELP and TYPE`);
      const strange = family.labels.filter((label) => !LABELS.has(label));
      if (family.name.startsWith('rigel_')) t.strictSame(strange, [], `${name}: labels of ${family.name}`);
      if (family.name.startsWith('rigel_')) series += family.samples;
      // What is read for a scrape goes through the same pool.
      if (family.name === 'rigel_db_waiting')
        t.strictSame(family.values, [0], `${name}: nothing waits for a connection`);
      if ((families.get(family.name)?.samples ?? -1) < family.samples) families.set(family.name, family);
    }
    t.ok(series < MANY_SERIES, `${name} has ${series} series`);
  }
  for (const name of [
    'rigel_rpc_duration_seconds',
    'rigel_http_request_duration_seconds',
    'rigel_commit_commands',
    'rigel_commit_duration_seconds',
    'rigel_step_duration_seconds',
    'rigel_ssh_connect_duration_seconds',
    'rigel_ssh_connect_failures_total',
    'rigel_partitions_owned',
    'rigel_relay_lag_events',
    'rigel_consumer_lag_events',
    'nodejs_eventloop_lag_p99_seconds',
    'nodejs_gc_duration_seconds',
  ]) {
    t.ok((families.get(name)?.samples ?? 0) > 0, `${name} was counted`);
  }
  t.equal(families.get('rigel_partitions_owned')?.values[0], 16);
  const text = JSON.stringify([...families.values()]);
  t.notMatch(text, '127.0.0.1', 'no address of a node is anywhere');

  const used = documentedFamilies();
  t.ok(used.length > 20);
  for (const name of used) t.ok(families.has(name), `${name}, which the dashboard or an alert uses, exists`);
});

t.test('a trace leads from the HTTP request to the command on the node', async (t) => {
  const node = `127.0.0.1:${sshd.port}`;
  const template = await fleet.template({ traced: { command: 'true' } });
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const parent = '00f067aa0ba902b7';
  const response = await api.fetch(`${api.url}/task/create`, {
    method: 'POST',
    headers: { traceparent: `00-${traceId}-${parent}-01` },
    body: JSON.stringify({ template_id: template, task_name: 'traced', nodes: [node], auto: 1, params: {} }),
  });
  await fleet.ended(Number(response.headers.get('x-task-id')));
  const find = (name: RegExp): Span | undefined =>
    spans.find((span) => span.traceId === traceId && name.test(span.name));
  const command = await waitFor(() => find(/^command on the node$/), { what: 'the span of the command' });
  const step = await waitFor(() => find(/^step traced/), { what: 'the span of the step' });
  const create = await waitFor(() => find(/^rigel\.scheduler\.task\.create$/), {
    what: 'the span of the operation',
  });
  const http = await waitFor(() => find(/^POST task\.create$/), { what: 'the span of the request' });
  t.equal(command.parentSpanId, step.spanId);
  t.equal(step.parentSpanId, create.spanId);
  t.equal(create.parentSpanId, http.spanId);
  t.equal(http.parentSpanId, parent, 'which belongs to what the client was doing');
  await waitFor(() => find(/^rigel\.catalog\./), { what: 'the spans of other services that were asked' });
  await waitFor(() => find(/^rigel\.scheduler\.\{partition\}\.report$/), {
    what: 'the report of the outcome',
  });
});

t.test('an executor is killed and there is no other', async (t) => {
  const node = `127.0.0.1:${sshd.port}`;
  await fleet.pool([node]).catch(() => undefined);
  const id = await fleet.startTask(await fleet.template({ long: { command: 'sleep 605.5' } }), [node]);
  await whyHas(id, 'executor_has_it');
  // It stands still, as if its machine were gone: a killed one would be started again at once.
  stack.kill('executor-1', 'SIGSTOP');
  const silent = await whyHas(id, 'executor_silent');
  t.match(silent.text, 'no executor with the capability ssh answers');
  const gone = await whyHas(id, 'needs_executor');
  t.equal(gone.chain.at(-1)?.code, 'no_executor');
  stack.kill('executor-1', 'SIGCONT');
  await whyHas(id, 'executor_has_it');
  await api.ok(`/task/stop/${id}`);
  await fleet.ended(id);
});
