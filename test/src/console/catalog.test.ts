import { createClient, unwrap } from '@rigel/api-client';
import t from 'tap';
import { startRig } from '../support/rig.js';
import { looksRight, openings, openPage, startBrowser } from './browser.js';

/* The catalog's pages: lists, and the editors of actions and templates. */

const rig = await startRig({ executors: 1, fastDatabase: true });
const browser = await startBrowser();
t.teardown(async () => {
  await browser.close();
  await rig.stop();
});
const console = `${rig.stack.httpUrl}/console/`;
const ann = createClient(rig.stack.httpUrl, { operator: 'ann' });
const shell = (args: string) => ({ action: { module: 'shell', args } });
const step = (name: string, param_values: Record<string, unknown> = {}) => ({
  name,
  param_values,
  retry: { retry_times: 0, ignore_error: false },
});

const action = await unwrap(
  ann.POST('/action/create', {
    body: { name: 'start_web', desc: '', params: { tag: 'string', port: 'integer' } },
  }),
);
await unwrap(
  ann.POST('/actimpl/create', {
    body: { type: 'ansible', action_id: action, template: shell('echo "{{tag}}" -p {{port}}') },
  }),
);
await unwrap(
  ann.POST('/remote_step/create', { body: { name: 'start_service', desc: '', actions: ['start_web'] } }),
);
const template = await unwrap(
  ann.POST('/task_tpl/create', {
    body: { name: 'grow', desc: '', steps: [step('create_vm'), step('start_service')] },
  }),
);

const paths = [
  'catalog',
  'catalog?tab=steps&step=1',
  'catalog?tab=actions',
  `catalog/action/${action}`,
  `catalog/action/${action}?tab=history`,
  `catalog/template/${template}`,
  `catalog/template/${template}?tab=uses`,
];
t.test('the pages are sound', async (t) => {
  for (const path of paths) {
    for (const opening of openings()) {
      const { page, faults, close } = await openPage(browser, console + path, opening);
      await page
        .getByText('start_service')
        .or(page.getByText('ann'))
        .or(page.getByRole('tab'))
        .first()
        .waitFor();
      if (path.includes('action') && !path.includes('tab')) await page.locator('.cm-content').waitFor();
      const at = `${path} ${JSON.stringify(opening)}`;
      await looksRight(t, page, faults, at);
      await close();
    }
  }
});

t.test(
  'a hostile value is shown as data, and a parameter that would become code is refused at its place',
  async (t) => {
    const { page, faults, close } = await openPage(browser, `${console}catalog/action/${action}`);
    const editor = page.locator('.cm-content');
    await editor.waitFor();
    const rendered = page.getByRole('region', { name: 'What an executor runs' });
    t.match(
      await rendered.textContent(),
      `rigel_param_1=''\\''; rm -rf / #'; rigel_param_2='8080'; echo "\${rigel_param_1}"`,
    );
    await editor.click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('eval {{tag}}');
    const refusal = page.getByRole('alert');
    await refusal.waitFor();
    t.match(await refusal.textContent(), /Line 1, column 6.*eval.*Instead: /s);
    await page.locator('.cm-lintRange-error').waitFor();
    // It cannot be saved, and the button says why.
    const save = page.getByRole('button', { name: 'Save…' });
    t.equal(await save.getAttribute('aria-disabled'), 'true');
    await editor.click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('echo {{tag | raw}}');
    await page.getByText('pasted (raw)').waitFor();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('echo {{tag}} {{port}}');
    await page.getByText('Save…').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('The API accepts the text.').waitFor();
    await dialog.getByText('start_service').waitFor();
    t.match(
      await dialog.getByRole('region', { name: 'What changes' }).textContent(),
      /− echo "\{\{tag\}\}" -p/,
    );
    // A press just after the dialog has appeared was meant for what lay under it.
    await page.waitForTimeout(450);
    await dialog.getByRole('button', { name: 'Save as version 1.2' }).click();
    await dialog.waitFor({ state: 'detached' });
    const saved = await unwrap(
      ann.GET('/actimpl/{id}', { params: { path: { id: action }, query: { by: 'action' } } }),
    );
    t.match(saved, { template: shell('echo {{tag}} {{port}}'), version: 2, updated_by: 'unknown' });
    t.strictSame(faults, []);
    await close();
  },
);

t.test(
  'steps move by keyboard; what another person saved meanwhile is shown, and not overwritten',
  async (t) => {
    const { page, faults, close } = await openPage(browser, `${console}catalog/template/${template}`);
    const first = page.getByRole('listitem', { name: 'Step 1' });
    await first.waitFor();
    await page.getByText('✓ expand').waitFor();
    await first.getByLabel('Retries').focus();
    await page.keyboard.press('Alt+ArrowDown');
    await page.getByText('✗ expand').waitFor();
    t.match(await page.locator(':focus').getAttribute('role'), null);
    t.equal(
      await page.locator('li:has(:focus)').getAttribute('aria-label'),
      'Step 2',
      'the focus moves along',
    );

    const body = { desc: 'by ann', if_version: 1 };
    await unwrap(ann.POST('/task_tpl/update/{id}', { params: { path: { id: template } }, body }));
    const notice = page.getByRole('alert');
    await notice.getByText(/ann saved version 2 while you were editing version 1/).waitFor();
    t.match(await notice.getByRole('region', { name: 'What they changed' }).textContent(), '+ desc: by ann');
    const save = page.getByRole('button', { name: 'Save…' });
    t.equal(await save.getAttribute('aria-disabled'), 'true');
    const now = () => unwrap(ann.GET('/task_tpl/{id}', { params: { path: { id: template } } }));
    t.match(await now(), { desc: 'by ann', version: 2, steps: [{ name: 'create_vm' }, {}] });

    await notice.getByRole('button', { name: 'Go on with mine, from version 2' }).click();
    await save.click();
    const dialog = page.getByRole('dialog');
    t.match(await dialog.getByRole('region', { name: 'What changes' }).textContent(), '− desc: by ann');
    await page.waitForTimeout(450);
    await dialog.getByRole('button', { name: 'Save as version 3' }).click();
    await dialog.waitFor({ state: 'detached' });
    t.match(await now(), { desc: '', version: 3, steps: [{ name: 'start_service' }, { name: 'create_vm' }] });
    t.strictSame(faults, []);
    await close();
  },
);
