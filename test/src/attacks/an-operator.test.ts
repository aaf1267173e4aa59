import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Fleet, loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';

/*
 * The attacker holds an operator's token, as a person on call or a build server does. They may run every template on every node,
 * choose the values of its parameters, edit pools and services, and save schedules. What they are after is the secrets of the
 * executors: the passwords that parameters may take, and above all the keys by which nodes and clouds are reached.
 */

const DB_PASSWORD = 'db-password-4c1f';
// Variables that the providers file refers to are those of whoever starts the system.
process.env.RIGEL_SECRET_CLOUD_KEY = 'cloud-key-77aa';

const folder = await mkdtemp(join(tmpdir(), 'rigel-operator-'));
t.teardown(() => rm(folder, { recursive: true, force: true }));
const secretsDir = await mkdtemp(join(folder, 'secrets-'));
const profilesDir = await mkdtemp(join(folder, 'profiles-'));
const profilesFile = join(folder, 'profiles.json');
await writeFile(join(secretsDir, 'db-password'), DB_PASSWORD, { mode: 0o600 });
await writeFile(
  profilesFile,
  JSON.stringify({
    clusters: [
      { cluster: 'elsewhere', key: { secret: 'profile-key' } },
      // As releases before had it: the key of a profile is where parameters have their secrets.
      { cluster: 'old', key: { secret: 'old-key' } },
    ],
  }),
);
const rig = await startRig({
  executors: 1,
  env: {
    gateway: { RIGEL_ACCESS: 'on' },
    executor: {
      RIGEL_SECRETS_DIR: secretsDir,
      RIGEL_PROFILE_SECRETS_DIR: profilesDir,
      RIGEL_SSH_PROFILES_FILE: profilesFile,
    },
    scheduler: { RIGEL_RETRY_DELAY: '0' },
  },
  providers: () => ({
    vm: { 1: { adapter: 'rest', url: 'http://127.0.0.1:9', app_key: { env: 'RIGEL_SECRET_CLOUD_KEY' } } },
  }),
  beforeStart: async ({ privateKey }) => {
    await writeFile(join(profilesDir, 'profile-key'), privateKey, { mode: 0o600 });
    await writeFile(join(secretsDir, 'old-key'), privateKey, { mode: 0o600 });
  },
});
t.teardown(() => rig.stop());

async function clientWith(role: string) {
  const { token } = await createToken(rig.stack.databaseUrl, `the ${role}`, role);
  return rig.client(`Bearer ${token}`);
}

const admin = await clientWith('admin');
const operator = await clientWith('operator');
const fleet = new Fleet(operator);
const nodes = loopbackNodes(1, rig.sshd.port);
const { poolId } = await fleet.pool(nodes);

interface Step {
  name: string;
  param_values: Record<string, unknown>;
  allowed_secrets?: Record<string, string[]>;
}
const stepsOf = async (template: number): Promise<Step[]> =>
  (await admin.ok<{ steps: Step[] }>(`/task_tpl/${template}`)).steps;

/** A harmless template, which an admin has made: it writes a greeting into a file. */
async function greeting(options: Partial<Step> = {}) {
  const template = await new Fleet(admin).template({
    greet: {
      command: 'printf %s {{word}} >"$HOME"/{{file}}',
      params: { word: 'string', file: 'string' },
      values: { word: 'hello', file: 'greeting', ...options.param_values },
      options: options.allowed_secrets ? { allowed_secrets: options.allowed_secrets } : {},
    },
  });
  const [step] = await stepsOf(template);
  return { template, step: step?.name ?? '' };
}

const files = async () => (await readdir(rig.sshd.home)).filter((name) => !name.startsWith('.')).sort();
const tasks = async () => (await operator.call('/task/list')).query_count;
const reasonOf = async (task: number) =>
  (await operator.detail(task)).map(({ steps }) => steps.list.at(-1)?.message);

t.test('An operator cannot name any secret of the executors in params, in any form', async (t) => {
  const { template, step } = await greeting();
  const before = { files: await files(), tasks: await tasks() };
  for (const secret of ['db-password', 'profile-key', 'old-key', 'cloud-key', 'CLOUD_KEY', 'no-such']) {
    for (const params of [
      { word: { secret } },
      { file: { secret } },
      { [step]: { word: { secret } } },
      [{ word: 'x' }, { word: { secret } }],
      JSON.stringify({ word: { secret } }),
      `[${JSON.stringify({ [step]: { word: { secret } } })}]`,
    ]) {
      const { code, msg } = await fleet.createTask(template, nodes, { params });
      t.equal(code, 400, JSON.stringify(params));
      // JSON in a text is no value of params at all.
      if (typeof params === 'string') t.match(msg, /params must be object/);
      else
        t.match(
          msg,
          `does not allow the secret ${secret}: an admin adds it to allowed_secrets of step ${step}`,
        );
    }
  }
  // What no step takes is taken by nothing.
  const unused = await fleet.startTask(template, nodes, {
    params: {
      other: { secret: 'db-password' },
      [step]: { other: { secret: 'db-password' } },
      file: 'unused',
    },
    unused_params: 'warn',
  });
  t.match(await fleet.ended(unused), { state: 2 });
  t.equal(await readFile(join(rig.sshd.home, 'unused'), 'utf8'), 'hello');
  await rm(join(rig.sshd.home, 'unused'));
  // As text it is a text.
  const id = await fleet.startTask(template, nodes, {
    params: { word: '{"secret":"db-password"}', file: 'text' },
  });
  t.match(await fleet.ended(id), { state: 2 });
  t.equal(await readFile(join(rig.sshd.home, 'text'), 'utf8'), '{"secret":"db-password"}');
  await rm(join(rig.sshd.home, 'text'));
  t.same({ files: await files(), tasks: await tasks() }, { ...before, tasks: Number(before.tasks) + 2 });
});

t.test('An operator cannot say which secrets a template allows, by no address', async (t) => {
  const { template } = await greeting();
  const steps = (await stepsOf(template)).map((step) => ({
    ...step,
    allowed_secrets: { word: ['db-password'] },
  }));
  for (const [path, body] of [
    [`/task_tpl/update/${template}`, { steps }],
    ['/task_tpl/create', { name: 'mine', desc: '', steps }],
    ['/task/impl/create', { name: 'mine', desc: '', steps }],
    ['/action/impl/create', { name: 'mine', desc: '', steps }],
  ] as const)
    t.match(await operator.call(path, body), { status: 403, code: 403 }, path);
  for (const more of [{ any_secret: true }, { allowed_secrets: { word: ['db-password'] } }]) {
    const answer = await fleet.createTask(template, nodes, {
      params: { word: { secret: 'db-password' } },
      ...more,
    });
    t.equal(answer.code, 400, answer.msg);
  }
  t.notMatch(JSON.stringify(await stepsOf(template)), 'allowed_secrets');
});

t.test('An operator cannot bring a secret in by a pool, its service or a schedule', async (t) => {
  const template = await new Fleet(admin).template({
    start_service: {
      command: 'printf %s {{tag}} >"$HOME"/tag',
      params: { tag: 'string' },
      values: { tag: '-' },
    },
  });
  const pool = await operator.ok<{ service_id: number }>(`/pool/${poolId}`);
  await operator.ok(`/pool/update/${poolId}`, { tasks: { deploy: template } });
  const image = '{"secret": "db-password"}';
  await operator.ok(`/service/update/${pool.service_id}`, { docker_image: image });
  const deploy = async (tag: unknown) => operator.call(`/pool/deploy/${poolId}`, { tag, max_num: 1 });
  const answer = await deploy(image);
  await fleet.ended(answer.taskIds[0] ?? 0);
  t.equal(await readFile(join(rig.sshd.home, 'tag'), 'utf8'), image, 'a text that looks like one is a text');
  for (const tag of [{ secret: 'db-password' }, [{ secret: 'db-password' }]]) {
    const refused = await deploy(tag);
    t.not(refused.code, 0, refused.msg);
  }
  for (const more of [{ params: { tag: { secret: 'db-password' } } }, { tag: { secret: 'db-password' } }]) {
    const refused = await operator.call('/task/saveTask', {
      id: 0,
      pool_id: poolId,
      type: 'upload',
      exec_type: 'crontab',
      depend_itmes: [],
      cron_itmes: [],
      ...more,
    });
    t.not(refused.code, 0, refused.msg);
  }
});

t.test('What an admin allows can be named, in that step, for that parameter', async (t) => {
  const { template, step } = await greeting({ allowed_secrets: { word: ['db-password'] } });
  const db = { secret: 'db-password' };
  for (const params of [{ word: db, file: 'a' }, { [step]: { word: db, file: 'a' } }]) {
    const id = await fleet.startTask(template, nodes, { params });
    t.match(await fleet.ended(id), { state: 2 });
    t.equal(await readFile(join(rig.sshd.home, 'a'), 'utf8'), DB_PASSWORD);
    await rm(join(rig.sshd.home, 'a'));
  }
  for (const params of [{ file: db }, { word: { secret: 'old-key' } }, { word: { secret: 'DB-PASSWORD' } }])
    t.match(await fleet.createTask(template, nodes, { params }), {
      code: 400,
      msg: /does not allow the secret/,
    });
  const stored = await greeting({ param_values: { word: db } });
  t.match(await fleet.createTask(stored.template, nodes, { params: { word: db, file: 'b' } }), { code: 0 });
  t.match(await fleet.createTask(stored.template, nodes, { params: { file: db } }), { code: 400 });
});

t.test('A task keeps what was allowed when it was made; the next one does not get it', async (t) => {
  const { template } = await greeting({ allowed_secrets: { word: ['db-password'] } });
  const params = { word: { secret: 'db-password' }, file: 'kept' };
  const id = await fleet.startTask(template, nodes, { params, auto: false });
  const steps = (await stepsOf(template)).map(({ allowed_secrets: _, ...step }) => step);
  await admin.ok(`/task_tpl/update/${template}`, { steps });
  await operator.ok(`/task/start/${id}`);
  t.match(await fleet.ended(id), { state: 2 });
  t.equal(await readFile(join(rig.sshd.home, 'kept'), 'utf8'), DB_PASSWORD);
  t.match(await fleet.createTask(template, nodes, { params }), {
    code: 400,
    msg: /does not allow the secret/,
  });
});

t.test(
  'Nobody gets a key of SSH profiles or providers by a parameter, whatever a template allows',
  async (t) => {
    const before = await files();
    for (const [secret, reason] of [
      [
        'profile-key',
        /^secret profile-key is missing: no file .*, and no variable RIGEL_SECRET_PROFILE_KEY$/,
      ],
      ['old-key', /^secret old-key is used by the SSH profiles: no parameter may take it/],
      ['cloud-key', /^secret cloud-key is used by the providers file: no parameter may take it/],
      ['CLOUD.key', /^secret CLOUD.key is used by the providers file: no parameter may take it/],
    ] as const) {
      const { template } = await greeting({
        param_values: { word: { secret } },
        allowed_secrets: { word: [secret] },
      });
      for (const params of [{ file: 'stolen' }, { word: { secret }, file: 'stolen' }]) {
        const id = await new Fleet(admin).startTask(template, nodes, { params });
        t.match(await fleet.ended(id), { state: 3 });
        t.match(await reasonOf(id), [reason]);
      }
    }
    t.same(await files(), before, 'nothing ran');
  },
);
