/// <reference lib="dom" />
import t from 'tap';
import { loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { axeFindings, looksRight, openings, openPage, startBrowser } from './browser.js';

/* Refusals and reasons in the person's language, chains of reasons as links, and the events of a task. */

const rig = await startRig({ executors: 1, fastDatabase: true });
const browser = await startBrowser();
t.teardown(async () => {
  await browser.close();
  await rig.stop();
});
const console = `${rig.stack.httpUrl}/console/`;

const addresses = loopbackNodes(2, rig.sshd.port);
await rig.fleet.pool(addresses);
const failing = await rig.fleet.template({ place: { command: 'echo no space left on device; exit 7' } });
const sleeping = await rig.fleet.template({ wait: { command: 'sleep 300' } });
const failed = await rig.fleet.startTask(failing, addresses, { max_fail_num: 2 });
await rig.fleet.ended(failed, 60_000);
const holding = await rig.fleet.startTask(sleeping, [addresses[0] as string]);
t.teardown(() => rig.api.call(`/task/stop/${holding}`));

t.test(
  'the chain of a held node leads to the task that holds it, in every theme and on a phone',
  async (t) => {
    for (const opening of openings()) {
      const { page, faults, close } = await openPage(browser, `${console}task/${failed}?tab=why`, opening);
      const held = page.locator('[data-code="node_held"]').first();
      await held.waitFor();
      t.match(
        await held.textContent(),
        opening.language === 'zh' ? `任务 ${holding}` : `held by task ${holding}`,
      );
      t.match(await held.textContent(), opening.language === 'zh' ? '该任务结束或被终止' : 'that task ends');
      t.match(await page.locator('[data-code="last_output"] code').first().textContent(), 'no space left');
      const what = `${opening.theme} ${opening.language}`;
      await looksRight(t, page, faults, what);
      await held.getByRole('link').first().click();
      await page.waitForURL(`${console}task/${holding}`);
      await close();
    }
  },
);

t.test('the reason of a run leads to its attempt', async (t) => {
  const { page, faults, close } = await openPage(browser, `${console}task/${failed}?tab=why`);
  await page.locator('[data-code="step_failed"]').first().getByRole('link').click();
  await page.waitForURL(/node=\d+&attempt=1\.1/);
  await page.getByRole('log').getByText('no space left on device').waitFor();
  t.strictSame(faults, []);
  await close();
});

t.test('a refusal stands at its field, in the language of the person', async (t) => {
  await rig.api.call('/cluster/create', { name: 'taken', desc: '', biz: '1' });
  const { page, close } = await openPage(browser, `${console}fleet`, { language: 'zh' });
  await page.getByRole('button', { name: '新建集群…' }).click();
  const dialog = page.getByRole('dialog');
  const name = dialog.getByRole('textbox', { name: '名称' });
  await name.fill('taken');
  // A press right after the dialog appeared counts as one that was meant for what lay under it.
  await page.waitForTimeout(500);
  await dialog.getByRole('button', { name: '创建' }).click();
  const wrong = dialog.getByText('已有另一个集群叫“taken”。').first();
  await wrong.waitFor();
  t.equal(await name.getAttribute('aria-invalid'), 'true');
  const described = (await name.getAttribute('aria-describedby')) ?? '';
  const notes = await Promise.all(
    described.split(' ').map((id) => page.locator(`[id="${id}"]`).textContent()),
  );
  t.ok(notes.includes('已有另一个集群叫“taken”。'), 'the field is described by it');
  t.strictSame(await axeFindings(page), []);
  await close();
});

t.test('a region tells why it could not be read, with the words of the server in its details', async (t) => {
  const { page, close } = await openPage(browser, `${console}task/${failed}?at=v900000`, { language: 'zh' });
  await page.getByText('任务在那一时刻还不存在，或尚未进行到那里。').first().waitFor();
  await close();
  const other = await openPage(browser, `${console}pool/900000`, { language: 'zh' });
  await other.page.getByText('没有服务池 900000。').first().waitFor();
  await other.page.locator('summary', { hasText: '详情' }).first().click();
  await other.page.getByText('代码 not_found，状态 404').filter({ visible: true }).first().waitFor();
  await other.close();
  t.pass();
});

t.test('the events of a task, the newest last, by kind and node, up to a moment', async (t) => {
  for (const opening of openings()) {
    const { page, faults, close } = await openPage(browser, `${console}task/${failed}?tab=events`, opening);
    const rows = page.getByRole('row');
    await rows
      .last()
      .getByText(opening.language === 'zh' ? '任务结束' : 'The task has ended')
      .waitFor();
    const what = `${opening.theme} ${opening.language}`;
    await looksRight(t, page, faults, what);
    await close();
  }
  const address = `${console}task/${failed}?tab=events&about=failures&address=${encodeURIComponent(addresses[1] as string)}`;
  const { page, close } = await openPage(browser, address);
  await page
    .getByRole('row')
    .last()
    .getByText(/The node failed at place/)
    .waitFor();
  t.equal(await page.getByRole('row').count(), 3, 'the titles, the step and the node');
  // While nobody knows which run the address is, events of other nodes do not stand there.
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route('**/task/*/grid*', async (route) => {
    await held;
    await route.continue();
  });
  let isRead = false;
  page.on('request', (request) => {
    isRead ||= request.url().includes('/history');
  });
  await page.reload();
  await page.getByRole('searchbox', { name: 'Node' }).waitFor();
  await page.getByRole('tab', { name: 'Events' }).waitFor();
  t.notOk(isRead, 'no list without the filter is read');
  release();
  await page
    .getByRole('row')
    .last()
    .getByText(/The node failed at place/)
    .waitFor();
  t.equal(await page.getByRole('row').count(), 3);
  await page.getByRole('row').last().click();
  await page.waitForURL(/event=\d+/);
  await page.getByText(/"reason": "/).waitFor();
  await page.getByRole('link', { name: 'Show the task at this moment' }).click();
  await page.waitForURL(/at=v\d+/);
  await page.getByText('Up to the moment that the page shows.').waitFor();
  await close();
});

t.test('events are followed as they happen', async (t) => {
  const { page, faults, close } = await openPage(browser, `${console}task/${holding}?tab=events`);
  await page.getByRole('row').last().waitFor();
  await rig.api.call(`/task/pause/${holding}`, { reason: 'a look at it' });
  await page
    .getByRole('row')
    .getByText(/paused the task \(a look at it\)/)
    .waitFor();
  t.strictSame(faults, []);
  await close();
});
