/// <reference lib="dom" />
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';
import { openPage, startBrowser } from './browser.js';

/*
 * Somebody who may name things, or whose nodes print what they like, wants the browser of an administrator: by script, by control
 * characters, by links, by a page of another site.
 */

const rig = await startRig({ executors: 1, fastDatabase: true, env: { gateway: { RIGEL_ACCESS: 'on' } } });
const browser = await startBrowser();
t.teardown(async () => {
  await browser.close();
  await rig.stop();
});
const root = rig.stack.httpUrl;
const console = `${root}/console/`;
const admin = await createToken(rig.stack.databaseUrl, 'root', 'admin');
const viewer = await createToken(rig.stack.databaseUrl, 'guest', 'viewer');
const api = rig.client(`Bearer ${admin.token}`);

const SCRIPT = '<script>window.evil=1</script><img src=x onerror=window.evil=1>';
const LINK = '\u001b]8;;http://evil.example/\u0007press\u001b]8;;\u0007';
/** Names have at most 50 characters. */
const NAME = '<img src=x onerror=window.evil=1></title>\u202eeman';
/** What a command prints last, which becomes the reason of its failure. */
const PRINT = [
  `printf '%s\\033[31mred\\033[0m \\033]8;;http://evil.example/\\007press\\033]8;;\\007 \\033]0;title\\007 \\b\\r\\n' '${SCRIPT}' >&2`,
  'exit 3',
].join('\n');

interface Made {
  id: number;
}
const cluster = await api.ok<number>('/cluster/create', { name: NAME, desc: SCRIPT, biz: '1' });
const service = await api.ok<Made>('/service/create', {
  name: NAME,
  desc: SCRIPT,
  service_type: 'Java',
  docker_image: SCRIPT,
  cluster_id: cluster,
});
const pool = await api.ok<Made>('/pool/create', {
  name: NAME,
  desc: SCRIPT,
  vm_type: 1,
  sd_id: 0,
  service_id: service.id,
});
const addresses = loopbackNodes(2, rig.sshd.port, 700);
const [node] = await api.ok<number[]>(`/pool/${pool.id}/add_nodes`, { nodes: addresses });
const action = await api.ok<number>('/action/create', {
  name: NAME,
  desc: SCRIPT,
  params: { word: 'string' },
});
await api.ok('/actimpl/create', {
  type: 'ansible',
  action_id: action,
  template: { action: { module: 'longscript', content: `: {{word}}\n${PRINT}\n` } },
});
await api.ok('/remote_step/create', { name: NAME, desc: SCRIPT, actions: [NAME] });
const template = await api.ok<number>('/task_tpl/create', {
  name: NAME,
  desc: SCRIPT,
  steps: [{ name: NAME, param_values: {}, retry: { retry_times: 0, ignore_error: false } }],
});
const { taskIds } = await api.done('/task/create', {
  template_id: template,
  task_name: NAME,
  opr_user: NAME,
  nodes: addresses.map((ip) => ({ ip })),
  params: { word: `${SCRIPT}${LINK}` },
});
const task = taskIds[0] ?? 0;
await api.task(task, 30);

const pages = [
  '',
  'tasks',
  ...['nodes&view=table', 'failures', 'why', 'log', 'plan', 'output&find=evil'].map(
    (tab) => `task/${task}?tab=${tab}`,
  ),
  `task/${task}?node=${node}`,
  'fleet',
  ...['nodes', 'tasks', 'history', 'settings'].map((tab) => `pool/${pool.id}?tab=${tab}`),
  'nodes',
  `node/${node}`,
  'catalog?tab=steps',
  'catalog?tab=actions',
  `catalog/action/${action}`,
  `catalog/template/${template}`,
  'audit',
  'system',
];

/** What is wrong with a page. */
const findings = () => {
  const { body } = document;
  // What lets text take its direction or its place from others. Code in an editor is shown by the editor's own symbols.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is looked for.
  const invisible = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
  const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  const found: string[] = [];
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent ?? '';
    if (invisible.test(text))
      found.push(`control characters: ${JSON.stringify(walker.currentNode.parentElement?.outerHTML)}`);
  }
  if ('evil' in globalThis) found.push('a script has run');
  for (const made of body.querySelectorAll('img, iframe, object, script:not([src])'))
    found.push(made.outerHTML);
  for (const link of body.querySelectorAll('a[href]')) {
    if (new URL(link.getAttribute('href') ?? '', document.baseURI).origin !== location.origin)
      found.push(link.outerHTML);
  }
  return found;
};

t.test('names, parameters, output and reasons are text on every page', async (t) => {
  const { page, faults, close } = await openPage(browser, `${console}settings`, { token: admin.token });
  page.on('dialog', (dialog) => faults.push(dialog.message()));
  let seen = 0;
  for (const path of pages) {
    await page.goto(console + path);
    await page.getByRole('heading', { level: 1 }).first().waitFor();
    await page
      .getByText('window.evil')
      .first()
      .waitFor({ timeout: 3_000 })
      .then(() => seen++)
      .catch(() => undefined);
    await page.waitForTimeout(300);
    t.strictSame(await page.evaluate(findings), [], path);
  }
  t.ok(seen >= pages.length - 3, `${seen} of ${pages.length} pages show the text`);
  t.strictSame(faults, [], 'and the policy had nothing to refuse');
  const stored = await page.evaluate(() => ({ ...localStorage, ...sessionStorage }));
  const allowed = /^rigel-console-(settings|recent|operator|set-aside|filters)$/;
  t.strictSame(
    Object.keys(stored).filter((key) => !allowed.test(key)),
    [],
    'nothing else is in web storage',
  );
  t.notMatch(JSON.stringify(stored), /rg[lsc]_/);
  t.notMatch(await page.evaluate(() => document.cookie), /rigel/);
  await close();
});

t.test('a viewer reads no address of a client', async (t) => {
  const read = async (token: string, path: string): Promise<string> =>
    (await fetch(root + path, { headers: { authorization: `Bearer ${token}` } })).text();
  const paths = [
    `/task/${task}/history`,
    `/task/${task}`,
    `/pool/${pool.id}/history`,
    `/action/${action}/history`,
  ];
  for (const path of paths) {
    const text = await read(viewer.token, path);
    t.match(text, /"code":0/, path);
    t.notMatch(text, /"client"|127\.0\.0\.1"|::1"/, path);
  }
  t.match(await read(admin.token, `/pool/${pool.id}/history`), /"client"/, 'an admin does');
});

t.test('signing in leads nowhere else', async (t) => {
  for (const path of [
    'signin?next=https://evil.example/',
    'signin?return=//evil.example/',
    '/evil.example/',
    '%2F%2Fevil.example',
    'tasks?next=javascript:alert(1)',
  ]) {
    const { page, close } = await openPage(browser, console + path);
    await page.getByLabel('API token').fill(admin.token);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'root' }).waitFor();
    t.equal(new URL(page.url()).origin, root, path);
    await close();
  }
});

t.test('a page of another site frames nothing, reads nothing, changes nothing', async (t) => {
  // `localhost` is another site than 127.0.0.1.
  const evil = createServer((_, answer) =>
    answer.setHeader('content-type', 'text/html').end(`<!doctype html><title>evil</title>
      <iframe src="${console}"></iframe>
      <img src="${root}/cluster/create?name=by-image&desc=&biz=1"><img src="${root}/task/stop/${task}">
      <form method="post" action="${root}/cluster/create" enctype="text/plain">
        <input name='{"name":"by-form","desc":"","biz":"1","x":"' value='"}'>
      </form>`),
  );
  await new Promise<void>((resolve) => evil.listen(0, resolve));
  t.teardown(() => evil.close());
  const { page, context, close } = await openPage(browser, console, { token: admin.token });
  await page.getByRole('button', { name: 'root' }).waitFor();
  const other = await context.newPage();
  await other.goto(`http://localhost:${(evil.address() as AddressInfo).port}/`);
  const frame = other.frames().find((one) => one.parentFrame() !== null);
  t.notMatch(await frame?.content(), /<div id="console">/, 'the frame is empty');
  const read = await other.evaluate(
    (address) =>
      Promise.all(
        ['omit', 'include'].map((credentials) =>
          fetch(`${address}/session`, { credentials: credentials as RequestCredentials }).then(
            () => 'read',
            () => 'refused',
          ),
        ),
      ),
    root,
  );
  t.strictSame(read, ['refused', 'refused']);
  await other.evaluate(
    (address) =>
      fetch(`${address}/cluster/create`, {
        method: 'POST',
        mode: 'no-cors',
        credentials: 'include',
        body: '{"name":"by-fetch","desc":"","biz":"1"}',
      }).catch(() => undefined),
    root,
  );
  await Promise.all([other.waitForNavigation(), other.evaluate(() => document.forms[0]?.submit())]);
  const clusters = await api.ok<{ name: string }[]>('/cluster/list');
  t.strictSame(
    clusters.map(({ name }) => name).filter((name) => name.startsWith('by-')),
    [],
  );
  await close();
});
