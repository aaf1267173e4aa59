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

t.test('a browser that opens the address is led to the console; other clients are not', async (t) => {
  const answer = await fetch(`${rig.stack.httpUrl}/`, {
    redirect: 'manual',
    headers: { accept: 'text/html' },
  });
  t.equal(answer.status, 302);
  t.equal(new URL(answer.headers.get('location') ?? '', `${rig.stack.httpUrl}/`).href, console);
  for (const method of ['GET', 'POST'])
    t.equal((await fetch(`${rig.stack.httpUrl}/`, { method })).status, 404);
  const { page, faults, close } = await openPage(browser, rig.stack.httpUrl);
  await page.getByRole('heading', { level: 1 }).waitFor();
  t.ok(page.url().startsWith(console));
  t.strictSame(faults, []);
  await close();
});

for (const path of ['tasks', 'settings', 'help', 'no/such/page']) {
  t.test(`/console/${path} is sound`, async (t) => {
    for (const opening of openings()) {
      const { page, faults, close } = await openPage(browser, console + path, opening);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await looksRight(t, page, faults, JSON.stringify(opening));
      t.equal(await page.locator('html').getAttribute('lang'), opening.language === 'zh' ? 'zh-CN' : 'en-US');
      await close();
    }
  });
}

t.test('a setting holds at once, in the next page and by keyboard alone', async (t) => {
  const { page, context, close } = await openPage(browser, `${console}settings`, { language: 'en' });
  await page.getByRole('radio', { name: 'As the browser' }).waitFor({ state: 'attached' });
  await page.getByRole('radio', { name: 'Light' }).focus();
  await page.keyboard.press('ArrowRight');
  t.equal(await page.locator('html').getAttribute('data-theme'), 'dark');
  t.match(await page.evaluate(() => localStorage.getItem('rigel-console-settings')), /"theme":"dark"/);
  t.equal((await context.cookies()).length, 0);
  await close();
});

t.test('keys lead to pages, except where they are text, and until they are turned off', async (t) => {
  const { page, close } = await openPage(browser, `${console}tasks`);
  await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor();
  await page.keyboard.press('?');
  await page.getByRole('heading', { level: 1, name: 'Help' }).waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('t');
  await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor();
  await page.goto(`${console}settings`);
  await page.getByText('Single-letter keys').click();
  await page.keyboard.press('?');
  t.ok(page.url().endsWith('/settings'));
  await close();
});

t.test('the page may load from nowhere else, and its files are kept', async (t) => {
  const page = await fetch(`${console}task/1`);
  const policy = page.headers.get('content-security-policy') ?? '';
  t.match(policy, /default-src 'none'/);
  t.notMatch(policy, /unsafe|https?:|\*/);
  const html = await page.text();
  t.match(html, '<base href="../">');
  const nonces = new Set([/nonce="([\w-]{24})"/.exec(html)?.[1], /'nonce-([\w-]{24})'/.exec(policy)?.[1]]);
  t.equal(nonces.size, 1, 'one nonce for page and policy');
  t.not(
    /nonce="([\w-]+)"/.exec(await (await fetch(console)).text())?.[1],
    [...nonces][0],
    'and another for each answer',
  );
  const script = /src="\.\/(assets\/[^"]+\.js)"/.exec(html)?.[1] ?? '';
  for (const encoding of ['br', 'gzip']) {
    const file = await fetch(console + script, { headers: { 'accept-encoding': encoding } });
    t.equal(file.headers.get('content-encoding'), encoding);
    t.match(file.headers.get('cache-control'), /immutable/);
  }
  t.equal((await fetch(`${console}assets/index-of-before.js`)).status, 404);
});
