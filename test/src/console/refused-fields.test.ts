import { createClient, unwrap } from '@rigel/api-client';
import type { Locator, Page } from 'playwright-core';
import t from 'tap';
import { startRig } from '../support/rig.js';
import { axeFindings, openPage, startBrowser } from './browser.js';

/* What the API refuses in a form stands at the field that it names, which has the focus then. */

const rig = await startRig({ executors: 1, fastDatabase: true });
const browser = await startBrowser();
t.teardown(async () => {
  await browser.close();
  await rig.stop();
});
const ann = createClient(rig.stack.httpUrl, { operator: 'ann' });
const create = {
  action: (name: string) =>
    unwrap(ann.POST('/action/create', { body: { name, desc: '', params: { tag: 'string' } } })),
  step: (name: string) =>
    unwrap(ann.POST('/remote_step/create', { body: { name, desc: '', actions: ['start_web'] } })),
};
const action = await create.action('start_web');
const template = { action: { module: 'shell', args: 'echo {{tag}}' } };
await unwrap(ann.POST('/actimpl/create', { body: { type: 'ansible', action_id: action, template } }));
const unused = await create.action('unused');
const step = await create.step('start_service');
const stepOf = (name: string) => ({
  name,
  param_values: {},
  retry: { retry_times: 0, ignore_error: false },
});
const grow = await unwrap(
  ann.POST('/task_tpl/create', {
    body: { name: 'grow', desc: '', steps: [stepOf('create_vm'), stepOf('start_service')] },
  }),
);
const cluster = await unwrap(ann.POST('/cluster/create', { body: { name: 'lab', desc: '', biz: '1' } }));
const service = await unwrap(
  ann.POST('/service/create', {
    body: { name: 'web', desc: '', service_type: '', docker_image: '-', cluster_id: cluster },
  }),
);
const poolOf = async (name: string): Promise<number> => {
  const tasks = { expand: grow };
  const body = { name, desc: '', vm_type: 1, sd_id: 0, service_id: service.id, tasks };
  return (await unwrap(ann.POST('/pool/create', { body }))).id;
};
const [web, db] = [await poolOf('web-pool'), await poolOf('db-pool')];

async function opened(path: string, language: 'en' | 'zh' = 'en') {
  return openPage(browser, `${rig.stack.httpUrl}/console/${path}`, { language });
}

/** A press right after a dialog has appeared was meant for what lay under it. */
async function press(page: Page, button: Locator): Promise<void> {
  await page.waitForTimeout(450);
  await button.click();
}

/** Waits until the field has the refusal and the focus. @returns what it says */
async function refusedAt(page: Page, field: Locator): Promise<string> {
  await field.and(page.locator('[aria-invalid="true"], [data-invalid] *')).waitFor();
  await field.and(page.locator(':focus')).waitFor();
  return saidOf(field);
}

/** What a screen reader says after the name of an element. */
const saidOf = (field: Locator): Promise<string> =>
  field.evaluate((element) =>
    (element.getAttribute('aria-describedby') ?? '')
      .split(' ')
      .map((id) => globalThis.document.getElementById(id)?.textContent ?? '')
      .join(' '),
  );

/** Saves a thing of the catalog: the dialog closes when a field of the page is refused. */
async function saveThing(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Save…' }).click();
  const dialog = page.getByRole('dialog').last();
  await press(page, dialog.getByRole('button', { name: /^Save as version/ }));
}

t.test('the name of an action, and the text of its implementation', async (t) => {
  const { page, close } = await opened(`catalog/action/${unused}`);
  const name = page.getByRole('textbox', { name: 'Name', exact: true });
  await name.fill('start_web');
  await saveThing(page);
  t.match(await refusedAt(page, name), /start_web/);
  t.match(await page.getByRole('alert').textContent(), /start_web/, 'it is read aloud');
  t.strictSame(await axeFindings(page), []);
  await name.fill('unused');
  t.equal(await name.getAttribute('aria-invalid'), null, 'other values are not refused yet');

  // So long a text is not checked while it is typed.
  await page.locator('.cm-content').click();
  await page.keyboard.insertText(`eval {{tag}} # ${'x'.repeat(100_000)}`);
  await saveThing(page);
  await page.locator('.cm-content:focus').waitFor();
  const editor = page.locator('[role="group"][aria-describedby]');
  t.match(await saidOf(editor), /eval/);
  await close();
});

t.test('a remote step, in Chinese', async (t) => {
  const { page, close } = await opened(`catalog?tab=steps&step=${step}`, 'zh');
  const name = page.getByRole('textbox', { name: '名称' });
  await name.fill('create_vm');
  await page.getByRole('button', { name: '保存…' }).click();
  await press(
    page,
    page
      .getByRole('dialog')
      .last()
      .getByRole('button', { name: /保存为版本/ }),
  );
  t.match(await refusedAt(page, name), /create_vm.*\p{Script=Han}/u);
  t.equal(await page.getByRole('dialog').count(), 1, 'the step stays open');
  await close();
});

t.test('a step of a template', async (t) => {
  const { page, close } = await opened(`catalog/template/${grow}`);
  const card = page.getByRole('listitem', { name: 'Step 2' });
  await card.getByText('Secrets that operators may name for tag').first().click();
  const secrets = card.getByRole('textbox', { name: /^Secrets that operators may name/ });
  await secrets.fill('a b');
  // It is opened again for what is wrong in it.
  await card.getByText('Secrets that operators may name for tag').first().click();
  await saveThing(page);
  t.match(await refusedAt(page, secrets), /a b is no name of a secret/);
  await close();
});

for (const [tab, button, taken] of [
  ['actions', 'New action…', 'start_web'],
  ['steps', 'New step…', 'start_service'],
  ['templates', 'New template…', 'grow'],
] as const)
  t.test(`a new thing of the catalog: ${tab}`, async (t) => {
    const { page, close } = await opened(`catalog?tab=${tab}`);
    await page.getByRole('button', { name: button }).click();
    const dialog = page.getByRole('dialog');
    const name = dialog.getByRole('textbox', { name: 'Name' });
    await name.fill(taken);
    await press(page, dialog.getByRole('button', { name: 'Create' }));
    t.match(await refusedAt(page, name), new RegExp(taken));
    await close();
  });

t.test('a cluster, a service and a pool', async (t) => {
  const { page, close } = await opened('fleet');
  for (const kind of ['cluster', 'service', 'pool'] as const) {
    await page
      .getByRole('button', { name: `New ${kind}…` })
      .first()
      .click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Description' }).fill('of nothing');
    await press(page, dialog.getByRole('button', { name: 'Create' }));
    t.match(await refusedAt(page, dialog.getByRole('textbox', { name: 'Name' })), /empty/, kind);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  }
  await close();
});

t.test('nodes that another person adds meanwhile', async (t) => {
  const { page, close } = await opened(`pool/${web}`);
  await page.getByRole('button', { name: 'Add nodes…' }).click();
  const dialog = page.getByRole('dialog');
  const list = dialog.getByRole('textbox', { name: 'Addresses' });
  await list.fill('127.10.9.1');
  await dialog.getByRole('button', { name: 'Check' }).click();
  await dialog.getByText('1 new address').waitFor();
  const params = { path: { id: db } };
  await unwrap(ann.POST('/pool/{id}/add_nodes', { params, body: { nodes: ['127.10.9.1'] } }));
  await press(page, dialog.getByRole('button', { name: 'Add 1 node' }));
  t.match(await refusedAt(page, list), /127\.10\.9\.1/);
  await close();
});

t.test('a pool that becomes protected while its nodes are removed', async (t) => {
  const params = { path: { id: web } };
  await unwrap(ann.POST('/pool/{id}/add_nodes', { params, body: { nodes: ['127.10.9.2'] } }));
  const { page, close } = await opened(`pool/${web}`);
  await page.getByRole('row').filter({ hasText: '127.10.9.2' }).locator('label').click();
  await page.getByRole('button', { name: 'Remove…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox').fill('1');
  // The dialog has read the pool, as it was, once it names it.
  await dialog.getByRole('listitem').filter({ hasText: 'web-pool' }).waitFor();
  await unwrap(ann.POST('/pool/protect/{id}', { params, body: { protected: true } }));
  await press(page, dialog.getByRole('button', { name: 'Remove 1 node' }));
  const name = dialog.getByRole('textbox', { name: 'Name of pool web-pool' });
  t.match(await refusedAt(page, name), /protected/, 'the field appears now');
  await name.fill('web-pool');
  await dialog.getByRole('button', { name: 'Remove 1 node' }).click();
  await dialog.waitFor({ state: 'detached' });
  await close();
});

t.test('a schedule: while it is typed without taking the focus, and at saving', async (t) => {
  const { page, close } = await opened('schedules?edit=new');
  await page.getByRole('button', { name: /choose a pool/ }).click();
  await page.getByRole('option', { name: 'web-pool' }).click();
  const form = page.getByRole('complementary');
  await form.getByText('pools that follow', { exact: false }).first().waitFor();
  await form.getByRole('textbox', { name: 'Nodes', exact: true }).fill('2');
  const time = form.getByRole('textbox', { name: 'Time', exact: true });
  await time.fill('25');
  await time.and(page.locator('[aria-invalid="true"]')).waitFor();
  t.match(await saidOf(time), /HH:mm/);
  await form.getByText('as soon as the marked field is right').waitFor();
  await time.fill('08:00');

  await form.getByRole('button', { name: 'Add a pool that follows' }).click();
  await form.getByRole('button', { name: /choose a pool/ }).click();
  await page.getByRole('option', { name: 'db-pool' }).click();
  const follows = form.getByRole('textbox', { name: 'Step to wait for' });
  await follows.fill('start_service');
  const ratio = form.getByRole('textbox', { name: 'Nodes for each node here' });
  await ratio.fill('half');
  t.match(await saidOf(ratio), /A number/);
  await ratio.fill('0.5');
  const save = form.getByRole('button', { name: 'Save', exact: true });
  await save.and(page.locator(':not([aria-disabled="true"])')).waitFor();
  const params = { path: { id: db } };
  await unwrap(ann.POST('/pool/update/{id}', { params, body: { tasks: { expand: 0 } } }));
  await save.click();
  const pool = form.getByRole('button', { name: /db-pool/ });
  t.match(await refusedAt(page, pool), /db-pool/);
  t.strictSame(await axeFindings(page), []);
  await close();
});
