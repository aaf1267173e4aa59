import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '@rigel/clock';
import type { ResolvedAction, TaskPlan } from '@rigel/contracts';
import { type Sshd, startSshd } from '@rigel/remote-attempt/testing';
import { NamedSecrets } from '@rigel/secrets';
import { silentLogger } from '@rigel/testing';
import t from 'tap';
import { StepSecrets } from '../secrets/step-secrets.js';
import { sshAccess } from './node-access.js';
import { SshRunner } from './ssh-runner.js';

/*
 * Runs every command of the tables in docs/commands.md on a real SSH server, and compares what it prints with the page.
 */

const page = await readFile(new URL('../../../../docs/commands.md', import.meta.url), 'utf8');
const sshd = await startSshd();
t.teardown(() => sshd.stop());

/** Rows of the tables below a heading, without the two first lines of each. */
function rows(heading: string): string[][] {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  const lines = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) => {
    const cells = line.split(/(?<!\\)\|/).slice(1, -1);
    return cells.map((cell) => cell.trim().replaceAll('\\|', '|'));
  });
}

/** The text of a cell that is code. */
function code(cell: string | undefined): string | undefined {
  return /^`(.*)`$/.exec(cell ?? '')?.[1];
}

/** Runs a command as a step, the way an executor does. */
function asStep(text: string, module: ResolvedAction['module'] = 'shell', uuid: string = randomUUID()) {
  return asSteps([text], { module, uuid });
}

/** The same of several actions, perhaps on another server. */
async function asSteps(
  texts: readonly string[],
  {
    module = 'shell',
    uuid = randomUUID(),
    node = sshd,
  }: { module?: ResolvedAction['module']; uuid?: string; node?: Sshd } = {},
) {
  const plan: TaskPlan = {
    task_id: 7,
    uuid,
    correlation_id: 'a-request',
    task_name: `version 2; it's $(id)`,
    operator: 'ann',
    pool: 'web',
    steps: [
      {
        name: 'probe',
        kind: 'remote',
        param_values: {},
        retry: { retry_times: 0, ignore_error: false },
        actions: texts.map((text, index) => ({ name: `probe-${index + 1}`, params: {}, module, text })),
        capability: 'ssh',
        timeout_ms: 30_000,
      },
    ],
  };
  const runner = new SshRunner(
    { runId: 1, plan, node: { ip: '127.0.0.1', vmId: '', hostKey: node.hostKey } },
    {
      connection: {
        user: node.user,
        privateKey: node.privateKey,
        hostKeyPolicy: 'accept-new',
        connectTimeoutMs: 20_000,
        keepaliveIntervalMs: 10_000,
        keepaliveCountMax: 3,
      },
      defaultPort: node.port,
      outputLimitBytes: 100_000,
    },
    sshAccess,
    systemClock,
    new StepSecrets(new NamedSecrets('', {})),
    silentLogger,
  );
  const output: Buffer[] = [];
  try {
    const { result } = await runner.run(
      { do: 'run', step: 0, attempt: 1, delay_ms: 0, timeout_ms: 30_000, begun: false, output_from: 0 },
      (_, data) => output.push(Buffer.from(data)),
      { abandon: new AbortController().signal, stop: new AbortController().signal },
    );
    return { ...result, printed: Buffer.concat(output).toString() };
  } finally {
    runner.close(false);
  }
}

/** What the same server prints for OpenSSH's own client. */
async function asSsh(command: string): Promise<string> {
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'];
  const { stdout } = await promisify(execFile)('ssh', [
    ...['-F', '/dev/null', '-i', sshd.keyFiles.privateKey, '-p', String(sshd.port)],
    ...options.flatMap((option) => ['-o', option]),
    `${sshd.user}@127.0.0.1`,
    command,
  ]);
  return stdout;
}

t.test('where a command runs', async (t) => {
  const probes = rows('Where it runs');
  t.ok(probes.length > 10);
  for (const [what = '', command, prints] of probes) {
    const text = code(command) ?? '';
    const expected = prints === 'as ssh' ? await asSsh(text) : `${code(prints)}\n`;
    const { status, printed } = await asStep(text);
    t.same([status, printed], ['succeeded', expected], what);
    t.not(printed, '', what);
  }
});

t.test('the environment of a command', async (t) => {
  const probes = rows('Variables');
  t.equal(probes.length, 7);
  for (const [what = '', command, prints] of probes) {
    const expected = code(prints) ?? '';
    const [uuid] = /^[0-9a-f-]{36}(?=-r1)/.exec(expected) ?? [];
    const { printed } = await asStep(code(command) ?? '', 'shell', uuid);
    t.equal(printed, `${expected}\n`, what);
  }
});

t.test('how a command ends', async (t) => {
  const probes = rows('How it ends').filter(([, command]) => code(command) !== undefined);
  t.ok(probes.length > 8);
  for (const [what = '', command, outcome] of probes) {
    const { status, reason } = await asStep(code(command) ?? '');
    const expected = outcome === 'succeeded' ? ['succeeded', ''] : ['failed', code(outcome)];
    t.same([status, reason], expected, what);
  }
});

t.test('which interpreter runs a script', async (t) => {
  const probes = rows('Scripts');
  t.ok(probes.length > 4);
  for (const [what = '', script, prints] of probes) {
    const text = (code(script) ?? '').replaceAll('⏎', '\n');
    const { status, printed } = await asStep(text, 'longscript');
    t.same([status, printed], ['succeeded', `${code(prints)}\n`], what);
  }
});

t.test('several actions: a shell for each, the first failure ends the attempt', async (t) => {
  const set = 'cd /; umask 077; export SET=1; set_here=1; cut -d " " -f 6 /proc/$$/stat';
  const seen = 'echo "$PWD" "$(umask)" "$SET$set_here"; cut -d " " -f 6 /proc/$$/stat';
  const { status, printed } = await asSteps([set, seen]);
  const [session, folder, again] = printed.split('\n');
  t.equal(status, 'succeeded');
  t.equal(folder, `${sshd.home} 0022 `, 'what one sets the next does not see');
  t.equal(again, session, 'all in one session');
  t.match(await asSteps(['echo one', 'exit 3', 'echo three']), {
    reason: 'action probe-2: exit status 3',
    printed: /^one\n$/,
  });
});

t.test('output: in order, byte for byte, and of too much the beginning and the end', async (t) => {
  const { printed } = await asStep(`printf 'a\\377'; printf b >&2; printf 'c\n'`);
  t.equal(printed, Buffer.from([0x61, 0xff, 0x62, 0x63, 0x0a]).toString(), 'both streams');
  const long = await asStep('echo begin; seq 100000; echo end');
  t.match(long.printed, /^begin\n1\n2\n.*\nend\n$/s);
  t.ok(long.printed.length < 110_000, 'about as much as the limit allows');
  const late = await asStep('(sleep 1; echo late) & echo early');
  t.equal(late.printed, 'early\n', 'what is written after the end is not shown');
});

t.test('login files: of bash ~/.bashrc is read, and those of a login are not', async (t) => {
  const node = await startSshd({ loginShell: '/bin/bash' });
  t.teardown(() => node.stop());
  for (const file of ['.profile', '.bash_profile', '.bashrc'])
    await writeFile(join(node.home, file), `export FROM="\${FROM-}${file} "\n`);
  t.equal((await asSteps(['echo "$FROM"'], { node })).printed, '.bashrc \n');
  await appendFile(join(node.home, '.bashrc'), 'umask 027\n');
  t.equal((await asSteps(['umask'], { node })).printed, '0027\n', 'it holds from the next login on');
});

t.test('the variables are no parameters', async (t) => {
  await t.rejects(asStep('echo {{RIGEL_TASK_ID}}'), /RIGEL_TASK_ID/);
});
