import t from 'tap';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';
import { axeFindings, openPage, scrollsSideways, startBrowser } from './browser.js';

/* A browser signs in, is signed out in the middle of its work, and keeps no credential that a script could read. */

const rig = await startRig({ executors: 1, fastDatabase: true, env: { gateway: { RIGEL_ACCESS: 'on' } } });
const browser = await startBrowser();
t.teardown(async () => {
  await browser.close();
  await rig.stop();
});
const console = `${rig.stack.httpUrl}/console/`;
const token = await createToken(rig.stack.databaseUrl, 'ann', 'admin');

/** The browser says itself that a request was answered with 401 or 403. */
const unexpected = (faults: readonly string[]) => faults.filter((text) => !/status of 40[13]/.test(text));

t.test('a token is exchanged for a session, and the address stays', async (t) => {
  const { page, context, faults, close } = await openPage(browser, `${console}settings`);
  const field = page.getByLabel('API token');
  await field.waitFor();
  t.strictSame(await axeFindings(page), []);
  await field.fill('rgl_1_nonsense');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').filter({ hasText: 'not valid' }).waitFor();
  await field.fill(token.token);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
  t.ok(page.url().endsWith('/console/settings'));
  const [cookie, ...more] = await context.cookies();
  t.match(cookie, { httpOnly: true, sameSite: 'Strict', path: '/' });
  t.match(cookie?.name, /^rigel-[0-9a-f]{8}$/);
  t.equal(more.length, 0);
  const kept = await page.evaluate(() =>
    JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
  );
  t.notMatch(kept, /rg[ls]_/, 'no script can read a credential');
  t.strictSame(unexpected(faults), []);
  await close();
});

t.test('a session that ends leaves the page as it is, and asks in a dialog', async (t) => {
  const { page, context, close } = await openPage(browser, `${console}settings`);
  await page.getByLabel('API token').fill(token.token);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
  await page.goto(`${console}tasks`);
  await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor();
  const [cookie] = await context.cookies();
  const id = cookie?.value.split('_')[1];
  await rig.api.fetch(`${rig.stack.httpUrl}/session/revoke/${id}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token.token}` },
  });
  const dialog = page.getByRole('dialog', { name: 'You are signed out' });
  await dialog.waitFor();
  t.strictSame(await axeFindings(page), []);
  t.equal(await page.getByRole('heading', { level: 1, name: 'Tasks', includeHidden: true }).count(), 1);
  await dialog.getByLabel('API token').fill(token.token);
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'ann' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('API token').waitFor();
  t.equal((await context.cookies()).length, 0);
  await close();
});

t.test('a one-time code signs in, and leaves the address at once', async (t) => {
  const answer = await rig.api.fetch(`${rig.stack.httpUrl}/session/code`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token.token}` },
  });
  const { data } = (await answer.json()) as { data: { code: string } };
  const { page, close } = await openPage(browser, `${console}signin#${data.code}`, {
    width: 360,
    height: 740,
  });
  await page.getByRole('button', { name: 'ann' }).waitFor();
  t.notOk(page.url().includes('rgc_'));
  t.notOk(await scrollsSideways(page));
  await close();
});
