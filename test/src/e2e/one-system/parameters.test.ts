import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { loopbackNodes } from '../../support/fleet.js';
import { sharedRig } from '../../support/shared-rig.js';

const NASTY = `'; touch /tmp/rigel-broke-out; echo "$(id)\` \\ \n * ~ {{other}} $HOME é`;

t.test('a parameter arrives literally, wherever it stands', async (t) => {
  // An executor tells of what succeeds only when asked to.
  const rig = await sharedRig('one-system');
  const { api, fleet, sshd } = rig;
  const nodes = loopbackNodes(1, sshd.port, 900);
  await fleet.pool(nodes);
  const params = { value: 'string' as const, count: 'integer' as const };
  const print = `printf '%s|' {{value}} "a{{value}}b" 'a{{value}}b' "$(printf %s "{{value}}")" {{ count }}`;
  const template = await fleet.template({
    line: { command: print, params, values: { value: NASTY, count: '42' } },
    script: { command: `#!/bin/bash\n${print}\n`, script: true, params, values: { value: NASTY, count: 7 } },
    raw: { command: 'echo {{value | raw}}', params: { value: 'string' }, values: { value: '$((40 + 2))' } },
  });
  const id = await fleet.startTask(template, nodes);
  t.match(await fleet.ended(id), { state: 2 });
  const [run] = await api.detail(id);
  const texts = (await api.nodeLog(run?.id ?? 0)).map(([, text]) => text);
  const expected = (count: number): string => `${NASTY}|a${NASTY}b|a${NASTY}b|${NASTY}|${count}|`;
  t.equal(texts[0], expected(42));
  t.equal(texts[1], expected(7));
  t.equal(texts[2], '42\n', 'raw is the visible exception');
  await t.rejects(access('/tmp/rigel-broke-out'), 'nothing broke out');

  await t.test('params of the request reach one step, or every step that has them', async (t) => {
    const template = await fleet.template({
      a: { command: 'echo {{word}}', params: { word: 'string' }, values: { word: 'template' } },
      b: { command: 'echo {{word}}', params: { word: 'string' }, values: { word: 'template' } },
    });
    const params = { word: 'all', nobody: 1, '': '' };
    t.match(await fleet.createTask(template, nodes, { params }), {
      code: 400,
      msg: /uses nobody \(the nearest known name is word\); unused_params: warn runs/,
    });
    const everywhere = await fleet.startTask(template, nodes, { params, unused_params: 'warn' });
    t.match(await fleet.ended(everywhere), { state: 2 });
    const [first] = await api.detail(everywhere);
    t.same(
      (await api.nodeLog(first?.id ?? 0)).map(([, text]) => text),
      ['all\n', 'all\n'],
    );
    t.ok((await api.log(everywhere)).some(({ message }) => message === 'no step uses the override nobody'));
    const name = first?.steps.list[1]?.name ?? '';
    const one = await fleet.startTask(template, nodes, { params: { [name]: { word: 'one' } } });
    t.match(await fleet.ended(one), { state: 2 });
    const [second] = await api.detail(one);
    t.same(
      (await api.nodeLog(second?.id ?? 0)).map(([, text]) => text),
      ['template\n', 'one\n'],
    );
  });

  await t.test('one correlation id from the request to the command', async (t) => {
    const template = await fleet.template({ who: { command: 'echo "$RIGEL_CORRELATION_ID"' } });
    const response = await api.fetch(`${api.url}/task/create`, {
      method: 'POST',
      headers: { 'X-CORRELATION-ID': 'trace-me-42' },
      body: JSON.stringify({ template_id: template, task_name: 'traced', opr_user: 'x', nodes, params: {} }),
    });
    const id = Number(response.headers.get('x-task-id'));
    await fleet.ended(id);
    const [run] = await api.detail(id);
    t.same(await api.nodeLog(run?.id ?? 0), [[run?.steps.list[0]?.name, 'trace-me-42\n']]);
    const logOf = (process: string) => readFile(join(rig.dataDir, 'logs', `${process}.log`), 'utf8');
    t.match(await logOf('gateway'), /trace-me-42/, 'gateway');
    t.match((await logOf('executor-1')) + (await logOf('executor-2')), /trace-me-42/, 'executor');
  });
});
