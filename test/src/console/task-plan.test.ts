/// <reference lib="dom" />
import t from 'tap';
import { startRig } from '../support/rig.js';
import { looksRight, openings, openPage, startBrowser } from './browser.js';

const rig = await startRig({ executors: 1, fastDatabase: true });
const browser = await startBrowser();
t.teardown(async () => {
  await browser.close();
  await rig.stop();
});
const { api, fleet } = rig;
const console = `${rig.stack.httpUrl}/console/`;

interface Plan {
  template: { id: number; name: string };
  steps: {
    name: string;
    params: { name: string; value: string; secret: boolean; source?: string }[];
    actions: { name: string; script: string; text: string; places: { name: string; line: number }[] }[];
  }[];
  catalog: { state: string; reason: string; total: number; differences: Record<string, unknown>[] };
}
const planOf = async (id: number): Promise<Plan> =>
  (await api.call<Plan>(`/task/${id}/plan`, undefined, 'GET')).data;

await fleet.pool(['10.3.0.1', '10.3.0.2']);
const OLD = ['set -eu', 'echo "{{tag}}"', 'login {{password}}', 'start --port {{port}}', 'true'].join('\n');
const template = await fleet.template({
  leave: { command: 'true' },
  start_service: {
    command: OLD,
    script: true,
    params: { port: 'integer' },
    values: { tag: 'web:7', port: 8_080, password: { secret: 'db-password' } },
    retry: 1,
  },
  enter: { command: 'true' },
});
const task = await fleet.startTask(template, ['10.3.0.1', '10.3.0.2'], {
  auto: false,
  params: { tag: 'it’s; rm -rf /' },
  max_num: 1,
});
const recorded = await planOf(task);
const [leave, start] = recorded.steps.map(({ name }) => name) as [string, string, string];

t.test('a task tells what runs, with the values in their places and secrets as names', async (t) => {
  t.match(recorded.catalog, { state: 'same', total: 0, differences: [] });
  const step = recorded.steps[1];
  t.match(
    step?.params.map(({ name, value, secret, source }) => [name, value, secret, source]),
    [
      ['tag', 'it’s; rm -rf /', false, 'call'],
      ['port', '8080', false, 'template'],
      ['password', 'db-password', true, 'template'],
    ],
  );
  const [action] = step?.actions ?? [];
  t.equal(action?.text, OLD);
  t.match(action?.script, /‹secret db-password›/);
  t.match(action?.script, /'it’s; rm -rf \/'/);
  t.strictSame(
    action?.places.map(({ name, line }) => [name, line]),
    [
      ['tag', 2],
      ['password', 3],
      ['port', 4],
    ],
  );
  t.match(await api.call('/task/999999/plan', undefined, 'GET'), { code: 400, msg: 'Flow not found' });
});

t.test('what the catalog became since is told, side by side', async (t) => {
  const { page, faults, close } = await openPage(browser, `${console}task/${task}?tab=plan`);
  await page.getByText(/still has exactly this plan/).waitFor();
  await page.getByRole('button', { name: `Script of ${start}` }).click();
  await page
    .getByRole('region', { name: `Script of ${start}` })
    .getByText('‹secret db-password›')
    .waitFor();
  t.equal(await page.getByRole('row', { name: /password bare word/ }).count(), 1);

  const [action] = await api.ok<{ id: number }[]>(`/action/list?name=${start}`);
  const impls = await api.ok<{ id: number; action_id: number }[]>('/actimpl/list');
  const impl = impls.find(({ action_id }) => action_id === action?.id);
  await api.ok(`/actimpl/update/${impl?.id}`, {
    by: 'impl',
    template: {
      action: { module: 'longscript', content: OLD.replace('start --port', 'start --wait --port') },
    },
  });
  const retry = { retry_times: 3, ignore_error: false };
  await api.ok(`/task_tpl/update/${template}`, {
    steps: [
      {
        name: start,
        param_values: { tag: 'web:8', port: 9_090, password: { secret: 'db-password' } },
        retry,
        timeout: 30,
      },
      { name: leave, param_values: {}, retry: { retry_times: 0, ignore_error: false } },
    ],
  });
  const { catalog, steps } = await planOf(task);
  t.strictSame(steps, recorded.steps, 'the task is as it was');
  t.equal(catalog.state, 'changed');
  t.match(
    catalog.differences.map(({ kind, name, recorded, now }) => [kind, name, recorded, now]),
    [
      ['place', '', '2', '1'],
      ['retry_times', '', '1', '3'],
      ['timeout', '', null, '30'],
      ['value', 'port', '8080', '9090'],
      ['script', start, OLD, /--wait/],
      ['step', '', /^enter/, null],
    ],
    'the tag is the call’s',
  );

  await page.reload();
  await page.getByText(/^ *6 differences between this task and the template/).waitFor();
  await page.getByRole('row', { name: 'Value of port 8080 9090' }).waitFor();
  await page.getByRole('row', { name: /Limit of one attempt the default 30 s/ }).waitFor();
  const beside = page.getByRole('region', { name: `${start}: Text of ${start}` });
  await beside.getByRole('row', { name: /start --port.*start --wait --port/ }).waitFor();
  t.equal(
    await page.getByRole('link', { name: 'Versions of the template' }).getAttribute('href'),
    `/console/catalog/template/${template}?tab=history`,
  );
  await page.getByRole('link', { name: `Versions of ${start}` }).click();
  await page.getByRole('row', { name: new RegExp(start) }).waitFor();
  t.strictSame(faults, []);
  await close();
});

t.test('the plan is sound', async (t) => {
  for (const look of openings()) {
    const { page, faults, close } = await openPage(browser, `${console}task/${task}?tab=plan`, look);
    await page
      .getByRole('button', { name: new RegExp(start) })
      .first()
      .click();
    await page.getByText('‹secret db-password›').first().waitFor();
    await looksRight(t, page, faults, JSON.stringify(look));
    await close();
  }
});

t.test('a template that is gone, or cannot be run any more', async (t) => {
  await api.ok(`/task_tpl/update/${template}`, { steps: [] });
  t.match((await planOf(task)).catalog, { state: 'unusable', reason: /no step/, differences: [] });
  await api.ok(`/task_tpl/delete/${template}`);
  t.match((await planOf(task)).catalog, { state: 'deleted', differences: [] });
  const { page, faults, close } = await openPage(browser, `${console}task/${task}?tab=plan`);
  await page.getByText(/does not exist any more/).waitFor();
  t.strictSame(faults, []);
  await close();
});
