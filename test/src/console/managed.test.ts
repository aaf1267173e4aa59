import { createClient, unwrap } from '@rigel/api-client';
import t from 'tap';
import { startRig } from '../support/rig.js';
import { looksRight, openings, openPage, startBrowser } from './browser.js';

/* The pages of things that are written in files say so, and so does what edits them. */

const rig = await startRig({ executors: 1, fastDatabase: true });
const browser = await startBrowser();
t.teardown(async () => {
  await browser.close();
  await rig.stop();
});
const pages = `${rig.stack.httpUrl}/console/`;
const ann = createClient(rig.stack.httpUrl, { operator: 'ann' });
const set = { managed_by: 'prod-eu' };

const action = await unwrap(
  ann.POST('/action/create', { body: { name: 'greet', desc: '', params: {}, ...set } }),
);
const shell = { action: { module: 'shell', args: 'true' } };
await unwrap(ann.POST('/actimpl/create', { body: { type: 'ansible', action_id: action, template: shell } }));
const step = await unwrap(
  ann.POST('/remote_step/create', { body: { name: 'greet', desc: '', actions: ['greet'], ...set } }),
);
const template = await unwrap(
  ann.POST('/task_tpl/create', { body: { name: 'greet', desc: '', steps: [{ name: 'register' }], ...set } }),
);
const cluster_id = await unwrap(ann.POST('/cluster/create', { body: { name: 'eu', desc: '', ...set } }));
const { id: service_id } = await unwrap(
  ann.POST('/service/create', {
    body: { name: 'web', desc: '', service_type: '', docker_image: '-', cluster_id },
  }),
);
const place = { desc: '', vm_type: 0, sd_id: 0, service_id };
const pool = await unwrap(ann.POST('/pool/create', { body: { name: 'web-pool', ...place, ...set } }));
const other = await unwrap(ann.POST('/pool/create', { body: { name: 'by-hand', ...place } }));

t.test('each page of such a thing names the set, in every opening', async (t) => {
  for (const path of [
    `catalog/action/${action}`,
    `catalog/template/${template}`,
    `catalog?tab=steps&step=${step}`,
    `pool/${pool.id}?tab=settings`,
  ]) {
    for (const opening of openings()) {
      const { page, faults, close } = await openPage(browser, pages + path, opening);
      await page.getByText('prod-eu').first().waitFor();
      await looksRight(t, page, faults, path);
      await close();
    }
  }
});

t.test('what edits it says what becomes of a change, and other things say nothing', async (t) => {
  const { page, close } = await openPage(browser, `${pages}pool/${pool.id}?tab=settings`);
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByRole('dialog').getByText('The files of the set prod-eu say what this is.').waitFor();
  await close();
  const hand = await openPage(browser, `${pages}pool/${other.id}?tab=settings`);
  await hand.page.getByRole('button', { name: 'Edit' }).waitFor();
  t.equal(await hand.page.getByText('In files').count(), 0);
  await hand.close();
});
