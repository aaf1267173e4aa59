import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Masker } from '@rigel/secrets';
import { waitFor } from '@rigel/testing';
import pg from 'pg';
import t from 'tap';
import type { ApiClient } from '../support/api.js';
import { loopbackNodes, type StepDefinition } from '../support/fleet.js';
import { commandLines } from '../support/processes.js';
import { startRig } from '../support/rig.js';

const run = promisify(execFile);

/** With everything that encodings change. */
const PASSWORD = `pl4nted "s3cret" it's/50%+ünique\\`;
const TOKEN = 'tok-9f31c7a2e8b64d05';
const CERTIFICATE = '-----BEGIN THING-----\nbGluZSBvbmUgb2YgaXQ\nbGluZSB0d28gb2YgaXQ\n-----END THING-----';
const SECRETS = [PASSWORD, TOKEN, CERTIFICATE];
const masker = new Masker(SECRETS);

/** Whether a text holds a secret in any encoding; told by the masking itself, and by plain search for what it must find. */
function holdsSecret(text: string): boolean {
  const plain = SECRETS.flatMap((secret) => [
    secret,
    Buffer.from(secret).toString('base64').slice(0, 20),
    Buffer.from(secret).toString('hex'),
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
  ]);
  // At the end of a text even what could be the beginning of a secret is masked: here the text goes on.
  const whole = `${text}!\n!`;
  return plain.some((form) => text.includes(form)) || masker.text(whole) !== whole;
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function filesWithSecret(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const file of await filesBelow(folder)) {
    const text = await readFile(file, 'latin1').catch(() => '');
    // latin1 keeps every byte; the secrets' own bytes are compared in the same way.
    if (holdsSecret(Buffer.from(text, 'latin1').toString())) found.push(file);
  }
  return found;
}

/** Prints a parameter in many encodings, by tools of the node. */
const PRINT_ALL = `
printf 'plain <%s>\\n' {{password}}
printf %s {{password}} | base64
printf 'user:%s' {{password}} | base64 -w 20
printf %s {{password}} | od -An -v -tx1
printf %s {{password}} | od -An -v -tx1 | tr -d ' \\n'; echo
printf %s {{password}} | od -An -v -tx1 | tr -d '\\n' | tr ' ' %; echo
set -x; : {{password}}; set +x
`;

t.test('a planted secret is found nowhere but where it belongs', async (t) => {
  const secretsDir = await mkdtemp(join(tmpdir(), 'rigel-secrets-'));
  t.teardown(() => rm(secretsDir, { recursive: true, force: true }));
  await writeFile(join(secretsDir, 'db-password'), `${PASSWORD}\n`, { mode: 0o600 });
  await writeFile(join(secretsDir, 'certificate'), CERTIFICATE, { mode: 0o600 });
  await writeFile(join(secretsDir, 'short'), 'abc', { mode: 0o600 });
  const rig = await startRig({
    apart: true,
    executors: 2,
    env: {
      executor: {
        RIGEL_SECRETS_DIR: secretsDir,
        RIGEL_SECRET_API_TOKEN: TOKEN,
        RIGEL_LOG_LEVEL: 'trace',
        RIGEL_OUTPUT_LIMIT: '4096',
      },
      scheduler: { RIGEL_LOG_LEVEL: 'trace', RIGEL_RETRY_DELAY: '0' },
    },
  });
  t.teardown(() => rig.stop());
  const { api, fleet, sshd, stack } = rig;
  const nodes = loopbackNodes(3, sshd.port);
  await fleet.pool(nodes);
  const answers: string[] = [];
  const note = <T>(answer: T): T => {
    answers.push(JSON.stringify(answer));
    return answer;
  };
  const step = (command: string, values: Record<string, unknown>, more: Partial<StepDefinition> = {}) => ({
    command,
    params: Object.fromEntries(Object.keys(values).map((name) => [name, 'string' as const])),
    values,
    ...more,
  });
  const password = { secret: 'db-password' };
  const ended = async (template: number, options: Record<string, unknown> = {}, on = nodes) => {
    const id = await fleet.startTask(template, on, options);
    const task = note(await fleet.ended(id));
    const detail = note(await api.detail(id));
    note(await api.log(id));
    const texts: string[][] = [];
    for (const { id: runId } of detail) texts.push(note(await api.nodeLog(runId)).map(([, text]) => text));
    const live = [`task/${id}/events`, ...detail.map(({ id: runId }) => `task/node/${runId}/log?follow=1`)];
    answers.push(...(await Promise.all(live.map((path) => stream(api, path)))));
    return { id, task, detail, texts };
  };

  // What is on the machine while it all runs; nodes are on it too.
  let looking = true;
  const seen: string[] = [];
  const watching = (async () => {
    while (looking) {
      const lines = commandLines();
      if (holdsSecret(lines.join('\n'))) seen.push(...lines.filter(holdsSecret));
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  })();

  await t.test(
    'it arrives as one literal piece of data, and the output is masked in every encoding',
    async (t) => {
      const sum = 'printf %s {{password}} | cksum; printf %s "{{password}}{{token}}" | cksum';
      const template = await fleet.template({
        print: step(PRINT_ALL, { password }, { script: true }),
        sums: step(sum, { password, token: 'overridden' }),
        bash: step(
          '#!/bin/bash\nprintf %s "{{cert}}" | cksum; echo {{cert}}\n',
          { cert: { secret: 'certificate' } },
          { script: true },
        ),
      });
      const { task, texts } = await ended(template, { params: { token: { secret: 'api-token' } } });
      t.match(task, { state: 2 });
      const cksum = async (text: string) => {
        const file = join(secretsDir, 'sum');
        await writeFile(file, text);
        const { stdout } = await run('sh', ['-c', `cksum <'${file}'`]);
        await rm(file);
        return stdout;
      };
      for (const [printed = '', sums, bash = ''] of texts) {
        t.match(printed, /^plain <\*+>\n/);
        t.equal(
          sums,
          (await cksum(PASSWORD)) + (await cksum(PASSWORD + TOKEN)),
          'the commands had the value',
        );
        t.ok(bash.startsWith(await cksum(CERTIFICATE)), 'also of several lines');
        // It ends as it begins, so that at the end of the output a next one could have begun, whose break would be the line end.
        t.match(bash, /\n\*{81}[\n*]$/, bash);
        t.notOk(holdsSecret(printed), printed);
      }
    },
  );

  await t.test('printed in pieces, cut by the limit, and with a failure', async (t) => {
    const inPieces = `
      p={{password}}
      for i in 1 2 3; do printf %s "$p" | head -c 11; sleep 0.5; printf %s "$p" | tail -c +12; echo; done
      i=0; while [ $i -lt 400 ]; do printf '%s ' "$p"; i=$((i + 1)); done
      exit 3`;
    const template = await fleet.template({
      pieces: step(inPieces, { password }, { script: true, retry: 1 }),
    });
    const { task, detail, texts } = await ended(template);
    t.match(task, { state: 3 });
    for (const { steps } of detail) t.match(steps.list[0]?.message, /exit status 3/);
    for (const [text = ''] of texts) {
      t.match(text, /\*{20}\n/);
      t.match(text, /bytes left out/);
      t.notOk(holdsSecret(text));
      // Of a secret that the limit cut in two no more than three letters stay.
      t.notMatch(text, /pl4nted|s3cret|nique/);
    }
  });

  await t.test('a killed executor: the one that takes over masks too', async (t) => {
    const command = `p={{password}}; i=0; while [ $i -lt 40 ]; do printf %s "$p"; sleep 0.1; i=$((i + 1)); done`;
    const template = await fleet.template({ long: step(command, { password }) });
    const id = await fleet.startTask(template, nodes);
    const detail = await waitFor(
      async () => {
        const rows = await api.detail(id);
        for (const { id: runId } of rows) {
          const log = await api.nodeLog(runId);
          if (!log[0]?.[1].includes('**')) return undefined;
        }
        return rows;
      },
      { what: 'all nodes have printed something' },
    );
    stack.kill('executor-1', 'SIGKILL');
    stack.kill('executor-2', 'SIGKILL');
    t.match(note(await fleet.ended(id)), { state: 2 });
    for (const { id: runId } of detail) {
      const [[, text = ''] = []] = note(await api.nodeLog(runId));
      t.equal(text, '*'.repeat(40 * Buffer.byteLength(PASSWORD)), 'nothing is missing, and nothing shows');
    }
    note(await api.log(id));
  });

  await t.test(
    'a secret that is missing, or cannot be masked, fails the attempt and says its name',
    async (t) => {
      for (const [name, message] of [
        ['no-such', /^secret no-such is missing: no file .*\/no-such, and no variable RIGEL_SECRET_NO_SUCH$/],
        ['short', /^secret short has fewer than 4 bytes/],
      ] as const) {
        const template = await fleet.template({
          missing: step('touch ran-all-the-same; echo {{p}}', { p: { secret: name } }),
        });
        const { task, detail } = await ended(template, {}, nodes.slice(0, 1));
        t.match(task, { state: 3 });
        t.match(detail[0]?.steps.list[0]?.message, message);
      }
      t.notOk((await readdir(sshd.home)).includes('ran-all-the-same'));
    },
  );

  await t.test('what cannot be is refused when the task is created', async (t) => {
    const refused = async (
      command: string,
      values: Record<string, unknown>,
      params = {},
      type = 'string',
    ) => {
      const template = await fleet.template({
        bad: { command, params: { p: type as 'string' }, values },
      });
      const answer = await fleet.createTask(template, nodes, { params });
      t.not(answer.code, 0);
      return answer.msg;
    };
    const p = password;
    t.match(
      await refused('echo {{p | raw}}', { p }),
      /parameter p is a secret, which cannot be pasted as code/,
    );
    t.match(
      await refused('exit {{p}}', { p }),
      /parameter p is a secret, which cannot stand where the shell counts/,
    );
    t.match(
      await refused('echo {{p}}', { p }, {}, 'integer'),
      /parameter p is an integer, which cannot be a secret/,
    );
    for (const secret of ['../db-password', '', '.hidden', 'a/b']) {
      t.match(
        await refused('echo {{p}}', { p: { secret } }),
        /parameter p names the secret .*: a name is 1 to 100/,
      );
    }
    t.match(await refused('echo {{p}}', { p: { secret: 'a', more: 1 } }), /must be a string or a number/);
    t.match(await refused('echo {{p}}', { p: { secret: 7 } }), /must be a string or a number/);
  });

  looking = false;
  await watching;
  t.same(seen, [], 'process lists');
  t.notOk(answers.some(holdsSecret), 'answers and streams');
  t.ok(
    answers.some((answer) => answer.includes('"secret":"db-password"')),
    'the name is shown',
  );

  await t.test('at rest', async (t) => {
    t.same(await filesWithSecret(join(rig.dataDir, 'logs')), [], 'logs');
    t.same(await filesWithSecret(join(rig.dataDir, 'nats')), [], "NATS's store");
    t.match((await filesBelow(join(rig.dataDir, 'logs'))).length > 5, true);
    const kept = await filesWithSecret(join(sshd.home, '.rigel'));
    t.same(
      kept.filter((file) => !file.endsWith('.output')),
      [],
      'on nodes only what commands printed there',
    );
    for (const file of kept) t.match((await run('stat', ['-c', '%a', join(file, '..')])).stdout, /^700/);

    const database = new pg.Client({ connectionString: stack.databaseUrl });
    await database.connect();
    t.teardown(() => database.end());
    const { rows: tables } = await database.query<{ name: string }>(
      `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables
       WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
    );
    t.ok(tables.length > 15);
    const outputs: string[] = [];
    for (const { name } of tables) {
      const { rows } = await database.query(`SELECT * FROM ${name}`);
      for (const row of rows) {
        for (const value of Object.values(row)) {
          const text = Buffer.isBuffer(value)
            ? value.toString()
            : typeof value === 'string'
              ? value
              : JSON.stringify(value);
          if (text && holdsSecret(text)) t.fail(`${name} holds a secret`);
        }
      }
      if (name.endsWith('attempt_output')) outputs.push(...rows.map(String));
    }
    t.ok(outputs.length > 0, 'there was output to look at');
  });
});

/** What a live stream of something that has ended says in its first second. */
async function stream(api: ApiClient, path: string): Promise<string> {
  const enough = AbortSignal.timeout(1_000);
  let text = '';
  try {
    const { body } = await api.fetch(`${api.url}/${path}`, { signal: enough });
    for await (const chunk of body ?? []) text += Buffer.from(chunk).toString();
  } catch (error) {
    if (!enough.aborted) throw error;
  }
  return text;
}
