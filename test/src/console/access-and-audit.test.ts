import t from 'tap';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';
import { axeFindings, looksRight, type Opening, openings, openPage, startBrowser } from './browser.js';

/* The pages of tokens, sessions and the audit, on a system that asks for tokens. */

const rig = await startRig({ executors: 1, fastDatabase: true, env: { gateway: { RIGEL_ACCESS: 'on' } } });
const browser = await startBrowser();
t.teardown(async () => {
  await browser.close();
  await rig.stop();
});
const console = `${rig.stack.httpUrl}/console/`;
const ann = await createToken(rig.stack.databaseUrl, 'ann', 'admin');
const eve = await createToken(rig.stack.databaseUrl, 'eve', 'viewer');
const api = rig.client(`Bearer ${ann.token}`);
await api.ok('/cluster/create', { name: 'web', desc: '', biz: '1' });
await rig.api.fetch(`${rig.stack.httpUrl}/cluster/create`, {
  method: 'POST',
  headers: { authorization: `Bearer ${eve.token}` },
});

async function signedIn(path: string, token: string, opening: Opening = {}) {
  const opened = await openPage(browser, console + path, opening);
  // The field's name is in the language of the page.
  await opened.page.locator('input[type="password"]').fill(token);
  await opened.page.keyboard.press('Enter');
  await opened.page.getByRole('heading', { level: 1 }).filter({ hasNotText: 'Rigel' }).waitFor();
  return opened;
}

/** The browser says itself that it was answered with 401, before anybody signed in. */
const unexpected = (faults: readonly string[]) => faults.filter((text) => !/status of 401/.test(text));

for (const path of ['audit', 'access', 'access?tab=sessions', 'access?tab=roles']) {
  t.test(`/console/${path} is sound`, async (t) => {
    for (const opening of openings()) {
      const { page, faults, close } = await signedIn(path, ann.token, opening);
      const [filled] = [page.locator('[role="row"][data-index="0"], dl dt').first()];
      await filled?.waitFor();
      await looksRight(t, page, unexpected(faults), JSON.stringify(opening));
      await close();
    }
  });
}

t.test('the audit shows what was done and what was denied, and all lines of a request', async (t) => {
  const { page, close } = await signedIn('audit', ann.token);
  await page.getByRole('row').filter({ hasText: 'denied' }).filter({ hasText: 'cluster.create' }).waitFor();
  await page.getByLabel('Action', { exact: true }).fill('cluster.create');
  await page.waitForURL(/action=cluster\.create/);
  await page.getByRole('row').filter({ hasText: 'session.start' }).first().waitFor({ state: 'detached' });
  const done = page.getByRole('row').filter({ hasText: 'done' });
  await done.focus();
  await page.keyboard.press('Enter');
  const panel = page.getByRole('complementary').filter({ hasText: 'All lines of this request' });
  await panel.getByRole('listitem').filter({ hasText: 'cluster-1' }).waitFor();
  t.match(page.url(), /line=\d+/);
  t.strictSame(await axeFindings(page), []);
  const saving = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export JSONL' }).click();
  const saved = await (await saving).createReadStream();
  const lines = [];
  for await (const chunk of saved) lines.push(...String(chunk).trim().split('\n'));
  t.strictSame(
    lines.map((line) => JSON.parse(line).outcome).sort(),
    ['denied', 'done'],
    'the file has what the filters choose',
  );
  await close();
});

t.test('a token is made and shown once, and ends with the session that it started', async (t) => {
  const { page, context, faults, close } = await signedIn('access', ann.token);
  await page.getByRole('button', { name: 'New token…' }).click();
  await page.getByLabel('Name').fill('ann');
  await page.getByRole('button', { name: 'Make the token ann' }).click();
  await page.getByRole('alert').filter({ hasText: 'another token is named ann' }).waitFor();
  // It stands at the field, which has the focus.
  await page.locator(':focus[aria-invalid="true"]').waitFor();
  await page.getByLabel('Name').fill('ci');
  await page.getByRole('button', { name: 'Make the token ci' }).click();
  const token = await page.getByRole('group', { name: 'Token' }).locator('code').textContent();
  t.match(token ?? '', /^rgl_\d+_[\w-]{43}$/);
  t.strictSame(await axeFindings(page), []);
  await page.getByRole('button', { name: 'Done' }).click();
  t.notMatch(await page.content(), token ?? '-', 'it has left the page');

  const other = await signedIn('tasks', token ?? '');
  await page.getByRole('button', { name: 'Revoke ci' }).click();
  const dialog = page.getByRole('alertdialog').or(page.getByRole('dialog'));
  await dialog.getByText('1 session of it is open and ends with it. Last used:').waitFor();
  // A press right after the dialog appeared does not count.
  await page.waitForTimeout(500);
  await dialog.getByRole('button', { name: 'Revoke ci' }).click();
  await dialog.waitFor({ state: 'detached' });
  await other.page.getByRole('dialog', { name: 'You are signed out' }).waitFor();
  await other.close();

  await page.getByRole('tab', { name: 'Sessions' }).click();
  const own = page.getByRole('row').filter({ hasText: 'this browser' });
  await own.waitFor();
  const revoke = own.getByRole('button');
  t.equal(await revoke.getAttribute('aria-disabled'), 'true');
  t.match(await revoke.getAttribute('title'), 'This is your own session');
  t.equal((await context.cookies()).length, 1);
  t.ok(unexpected(faults).every((text) => /status of 400/.test(text)));
  await close();
});

t.test('a viewer sees that tokens and the audit are for admins', async (t) => {
  const { page, faults, close } = await signedIn('audit', eve.token);
  await page.getByText('This needs the role admin; you are viewer.').waitFor();
  await page.goto(`${console}access`);
  await page.getByText('This needs the role admin; you are viewer.').waitFor();
  await page.getByRole('tab', { name: 'Roles' }).click();
  await page.getByText('Reads everything but tokens').waitFor();
  t.strictSame(unexpected(faults), []);
  await close();
});
