import t from 'tap';
import { startRig } from '../support/rig.js';
import { looksRight, openings, openPage, startBrowser } from './browser.js';

const rig = await startRig({ executors: 1, fastDatabase: true });
const browser = await startBrowser();
t.teardown(async () => {
  await browser.close();
  await rig.stop();
});
const console = `${rig.stack.httpUrl}/console/`;
const { api } = rig;

const cluster_id = await api.ok<number>('/cluster/create', { name: 'shops', desc: '', biz: '1' });
const service = await api.ok<{ id: number }>('/service/create', {
  name: 'shop',
  desc: '',
  service_type: 'Java',
  docker_image: 'shop:7',
  cluster_id,
});
const pool = async (name: string) =>
  (
    await api.ok<{ id: number }>('/pool/create', {
      name,
      desc: '',
      vm_type: 1,
      sd_id: 0,
      service_id: service.id,
      tasks: {},
    })
  ).id;
const [webPool, apiPool] = [await pool('web-pool'), await pool('api-pool')];

interface Saved {
  id: number;
  version: number;
  cron_items: { time: string; instance_num: number }[];
}
const saved = async (id: number): Promise<Saved | undefined> =>
  (await api.ok<Saved[]>(`/task/uploadList/${id}`))[0];
const upload = (id: number, time: string) =>
  api.ok('/task/saveTask', {
    id: 0,
    pool_id: id,
    type: 'upload',
    exec_type: 'crontab',
    time_zone: 'Europe/Berlin',
    cron_itmes: [{ week_day: 0, time }],
    depend_itmes: [],
  });
await upload(webPool, '08:00');

t.test('the page is sound', async (t) => {
  const first = (await saved(webPool)) as Saved;
  for (const path of ['schedules', `schedules?schedule=${first.id}`, 'schedules?edit=new']) {
    for (const opening of openings()) {
      const { page, faults, close } = await openPage(browser, console + path, opening);
      await page.getByText('web-pool').first().waitFor({ state: 'attached' });
      if (path.includes('?')) await page.getByRole('complementary').waitFor();
      await looksRight(t, page, faults, `${path} ${JSON.stringify(opening)}`);
      await close();
    }
  }
});

t.test('a schedule over a change of the clocks is saved as its preview showed it', async (t) => {
  const { page, faults, close } = await openPage(browser, `${console}schedules`, { language: 'en' });
  await page.getByRole('button', { name: 'New schedule' }).click();
  await page.getByRole('button', { name: /choose a pool/ }).click();
  await page.getByRole('option', { name: 'api-pool' }).click();
  await page.getByText('deploy', { exact: true }).last().click();
  await page.getByLabel('Time zone').fill('Europe/Berlin');
  await page.getByLabel('Time', { exact: true }).fill('02:30');
  await page.getByText('02:30 does not exist: due right after the gap').waitFor();
  await page.getByText('02:30 comes twice: due the first time').waitFor();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('complementary').waitFor({ state: 'detached' });
  t.match(await saved(apiPool), { cron_items: [{ time: '02:30' }] });
  await page.getByRole('link', { name: 'api-pool deploy' }).waitFor();
  t.strictSame(faults, []);
  await close();
});

t.test('a save over one that somebody else made meanwhile is refused, and says who', async (t) => {
  const { id, version } = (await saved(webPool)) as Saved;
  const { page, close } = await openPage(browser, `${console}schedules?schedule=${id}&edit=this`, {
    language: 'en',
  });
  await page.getByLabel('Time', { exact: true }).fill('09:15');
  await page.getByText('new batches', { exact: false }).waitFor();
  await upload(webPool, '10:00');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page
    .getByRole('alert')
    .filter({ hasText: `It has version ${version + 1} now` })
    .waitFor();
  t.match(await saved(webPool), { cron_items: [{ time: '10:00' }] }, 'the other save stays');
  await close();
});

t.test('the next moment is ignored at once, and taken back', async (t) => {
  const { id } = (await saved(webPool)) as Saved;
  interface Standing {
    id: number;
    next: { due_at: string };
    left_out: { due_at: string }[];
  }
  const standing = async (): Promise<Standing> => {
    const answer = await fetch(`${rig.stack.httpUrl}/schedule/list?pool_id=${webPool}`);
    return ((await answer.json()) as { data: { rows: [Standing] } }).data.rows[0];
  };
  const before = await standing();
  const { page, close } = await openPage(browser, `${console}schedules?schedule=${id}`, { language: 'en' });
  await page.getByRole('button', { name: 'Ignore next' }).click();
  await page.getByText('This moment is left out:').waitFor();
  const after = await standing();
  t.strictSame(
    after.left_out.map(({ due_at }) => due_at),
    [before.next.due_at],
  );
  t.not(after.next.due_at, before.next.due_at);
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('This moment is left out:').waitFor({ state: 'detached' });
  t.strictSame((await standing()).left_out, []);
  await close();
});

t.test('the ledger balances, and is exported', async (t) => {
  const { id } = (await saved(apiPool)) as Saved;
  const { page, close } = await openPage(browser, `${console}schedules?schedule=${id}`, { language: 'en' });
  await page.getByRole('heading', { name: 'Ledger' }).waitFor();
  await page.getByText('No moment lies in this range.').or(page.getByText('balanced')).first().waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export CSV' }).click(),
  ]);
  t.match(download.suggestedFilename(), /^schedule-\d+-.*\.csv$/);
  await close();
});
