/// <reference lib="dom" />
import t from 'tap';
import { eachAtOnce } from '../support/each-at-once.js';
import { startRig } from '../support/rig.js';
import { axeFindings, openPage, scrollsSideways, startBrowser } from './browser.js';

const POOLS = 1_000;
const rig = await startRig({ executors: 1, fastDatabase: true });
const browser = await startBrowser();
t.teardown(async () => {
  await browser.close();
  await rig.stop();
});
const { api } = rig;
const console = `${rig.stack.httpUrl}/console/`;

const cluster = await api.ok<number>('/cluster/create', { name: 'everything', desc: '', biz: '1' });
const services: number[] = [];
for (let n = 0; n < 10; n++) {
  const named = { name: `service-${n}`, desc: '', service_type: 'Java', docker_image: '-' };
  const { id } = await api.ok<{ id: number }>('/service/create', { ...named, cluster_id: cluster });
  services.push(id);
}
await eachAtOnce(
  Array.from({ length: POOLS }, (_, n) => n),
  8,
  async (n) => {
    const named = { name: `pool-${String(n).padStart(4, '0')}`, desc: '', vm_type: 1, sd_id: 1 };
    await api.ok('/pool/create', { ...named, service_id: services[n % 10] });
  },
);

t.test('a thousand pools cost few requests and few elements', async (t) => {
  const { page, faults, close } = await openPage(browser, `${console}settings`);
  const asked: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(console)) asked.push(request.url());
  });
  await page.goto(`${console}fleet`);
  await page.getByText('1,000 pools').waitFor();
  await page.getByRole('link', { name: 'pool-0000' }).waitFor();
  t.ok(asked.length <= 5, asked.join(' '));
  const elements = () => page.evaluate(() => document.querySelectorAll('*').length);
  t.ok((await elements()) <= 5_000, `${await elements()} elements`);
  t.strictSame(await axeFindings(page), []);
  // From link to link by keyboard alone, and to the end.
  await page.getByRole('link', { name: 'pool-0000' }).focus();
  for (let n = 0; n < 80; n++) await page.keyboard.press('Tab');
  t.match(
    await page.evaluate(() => document.activeElement?.closest('[role="listitem"]')?.textContent),
    /pool-0400/,
    'a link and a menu for each row',
  );
  await page.evaluate(() => {
    const main = document.querySelector('main');
    if (main) main.scrollTop = main.scrollHeight;
  });
  await page.getByRole('link', { name: 'pool-0999' }).waitFor();
  t.equal(
    await page.getByRole('link', { name: 'pool-0000' }).count(),
    0,
    'what is out of sight is not drawn',
  );
  t.ok((await elements()) <= 5_000, `${await elements()} elements at the end`);
  await page.getByRole('searchbox').fill('pool-0777');
  await page.getByRole('link', { name: 'pool-0777' }).waitFor();
  t.equal(await page.getByRole('listitem').count(), 3, 'with its service and its cluster');
  t.strictSame(faults, []);
  await close();
});

t.test('they fit on a phone', async (t) => {
  const { page, faults, close } = await openPage(browser, `${console}fleet`, {
    theme: 'dark',
    language: 'zh',
    width: 360,
    height: 740,
  });
  await page.getByRole('link', { name: 'pool-0000' }).waitFor();
  t.notOk(await scrollsSideways(page));
  t.strictSame(await axeFindings(page), []);
  t.ok((await page.evaluate(() => document.querySelectorAll('*').length)) <= 5_000);
  t.strictSame(faults, []);
  await close();
});
