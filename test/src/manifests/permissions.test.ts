import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as contracts from '@rigel/contracts';
import {
  answeredBy,
  OPERATIONS,
  PARTICIPANTS,
  PARTS,
  type Participant,
  permissionsOf,
  type Rpc,
} from '@rigel/contracts';
import { REPOSITORY_DIR } from '@rigel/local';
import t from 'tap';

/*
 * The table of permissions against the code: what a service uses is allowed to it, and what it is allowed it uses. Whoever adds an
 * operation or a subject and forgets the table learns it here, and not from a secured system that stands still.
 */

const isRpc = (value: unknown): value is Rpc =>
  typeof value === 'object' && value !== null && 'subject' in value && 'timeoutMs' in value;

/** Each operation that contracts export, by the words that code says for it: `tasks.create`, `taskWhy`. */
const named = new Map<string, Rpc>();
for (const [name, value] of Object.entries(contracts)) {
  if (isRpc(value)) named.set(name, value);
  else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [member, rpc] of Object.entries(value)) if (isRpc(rpc)) named.set(`${name}.${member}`, rpc);
  }
}

/** The text of each of a service's own modules, without tests and what only they use. */
async function sourcesOf(participant: Participant): Promise<string[]> {
  const folder = join(REPOSITORY_DIR, 'services', participant, 'src');
  const files = (await readdir(folder, { recursive: true })).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.includes('testing'),
  );
  return Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
}

/** What a module uses of the contracts: `HEARTBEAT_SUBJECT`, `tasks.create`, also where it calls them otherwise. */
function usedOfContracts(source: string): string[] {
  const imports = [...source.matchAll(/import \{([^}]*)\} from '@rigel\/contracts'/g)]
    .flatMap(([, list = '']) => list.split(','))
    .map((each) => each.trim())
    .filter((each) => each !== '' && !each.startsWith('type '));
  return imports.flatMap((each) => {
    const [name = '', local = name] = each.split(' as ');
    const members = [...source.matchAll(new RegExp(`(?<!typeof |[\\w.])${local}\\.(\\w+)`, 'g'))];
    // `tasks[verb]`: the verbs stand in quotation marks.
    const computed = source.includes(`${local}[`) ? [...source.matchAll(/'(\w+)'/g)] : [];
    return [name, ...[...members, ...computed].map(([, member]) => `${name}.${member}`)];
  });
}

const sources = new Map(
  await Promise.all(PARTICIPANTS.map(async (each) => [each, await sourcesOf(each)] as const)),
);
const used = new Map([...sources].map(([each, texts]) => [each, new Set(texts.flatMap(usedOfContracts))]));
const says = (participant: Participant, name: string): boolean => used.get(participant)?.has(name) ?? false;
const whoSays = (name: string): Participant[] => PARTICIPANTS.filter((each) => says(each, name));

t.test('every operation is in the table, is answered by a service and called by somebody', async (t) => {
  t.ok(named.size > 60, `${named.size} operations`);
  const known = new Set(OPERATIONS.map(({ subject }) => subject));
  t.same(
    [...named].filter(([, { subject }]) => !known.has(subject)).map(([name]) => name),
    [],
    'OPERATIONS holds all of them',
  );
  t.equal(known.size, OPERATIONS.length, 'no two have one subject');
  const answered = new Set(PARTICIPANTS.flatMap(answeredBy));
  const called = new Set(PARTICIPANTS.flatMap((each) => PARTS[each].calls.map(({ subject }) => subject)));
  for (const rpc of OPERATIONS) {
    t.ok(answered.has(rpc), `${rpc.subject} is answered`);
    t.ok(called.has(rpc.subject) || rpc.subject.endsWith('.events.read'), `${rpc.subject} is called`);
  }
});

for (const participant of PARTICIPANTS) {
  t.test(`${participant} may call what it calls, and nothing else`, async (t) => {
    const answers = new Set(answeredBy(participant));
    const uses = [...named].filter(([name, rpc]) => !answers.has(rpc) && says(participant, name));
    const may = [...named].filter(([, rpc]) => PARTS[participant].calls.includes(rpc));
    // By their subjects: an operation may be exported by itself and in a group.
    const subjects = (list: [string, Rpc][]) => [...new Set(list.map(([, { subject }]) => subject))].sort();
    t.same(subjects(uses), subjects(may));
  });
}

/** Subjects that are no operations, each by an example, and who publishes and who subscribes to it. */
const TOLD: Record<string, { subject: string; from: Participant; to: Participant }> = {
  PARTITIONS_TAKEN_SUBJECT: {
    subject: contracts.PARTITIONS_TAKEN_SUBJECT,
    from: 'scheduler',
    to: 'executor',
  },
  HEARTBEAT_SUBJECT: { subject: contracts.HEARTBEAT_SUBJECT, from: 'executor', to: 'scheduler' },
  controlSubject: { subject: contracts.controlSubject('x'), from: 'scheduler', to: 'executor' },
  outputStoredSubject: { subject: contracts.outputStoredSubject(1), from: 'scheduler', to: 'gateway' },
  TASK_CREATED_SUBJECT: { subject: contracts.TASK_CREATED_SUBJECT, from: 'scheduler', to: 'scheduler' },
  SCHEDULE_SAVED_SUBJECT: { subject: contracts.SCHEDULE_SAVED_SUBJECT, from: 'scheduler', to: 'scheduler' },
  TASK_CONTROL_OPERATION: {
    subject: `rigel.${contracts.TASK_CONTROL_OPERATION}`.replace('{partition}', '3'),
    from: 'scheduler',
    to: 'scheduler',
  },
  TASK_WHY_OF_OWNER_OPERATION: {
    subject: `rigel.${contracts.TASK_WHY_OF_OWNER_OPERATION}`.replace('{partition}', '3'),
    from: 'scheduler',
    to: 'scheduler',
  },
};
/** Used by packages in the name of a service; the tests of a secured system see to them. */
const BY_PACKAGES = ['WORK_SUBJECTS', 'workSubject', 'directOfferSubject', 'eventsSubject', 'bodySubject'];

t.test('every other subject is in the table, for exactly those who use it', async (t) => {
  const exported = Object.keys(contracts).filter((name) =>
    /(_SUBJECTS?|_OPERATION|[a-z]Subject)$/.test(name),
  );
  t.same(exported.sort(), [...Object.keys(TOLD), ...BY_PACKAGES].sort(), 'all of them are looked at');
  for (const [name, { subject, from, to }] of Object.entries(TOLD)) {
    t.same(
      whoSays(name),
      PARTICIPANTS.filter((each) => each === from || each === to),
      `${name} is used by`,
    );
    const allowed = (kind: 'publish' | 'subscribe') =>
      PARTICIPANTS.filter((each) => permissionsOf(each)[kind].some((pattern) => matches(pattern, subject)));
    t.same(allowed('publish'), [from], `${name} is published by`);
    t.same(allowed('subscribe'), [to], `${name} is subscribed to by`);
  }
});

t.test('no service makes up a subject of its own', async (t) => {
  for (const [participant, texts] of sources) {
    const source = texts.join('\n');
    t.notMatch(
      source,
      /['"`]rigel\.(events|work|offer|body|\$\{|inventory|catalog|scheduler|executor|access|gateway)[.$]/,
      participant,
    );
    const own = [...source.matchAll(/defineRpc\((.+?),/g)].map(([, subject]) => subject ?? '');
    t.same(
      own.filter((subject) => !/^[A-Z_]+_OPERATION$/.test(subject)),
      [],
      `operations of ${participant}`,
    );
  }
});

/** Whether a subject is one of those that a pattern with `*` stands for. */
function matches(pattern: string, subject: string): boolean {
  const words = subject.split('.');
  const parts = pattern.split('.');
  return parts.length === words.length && parts.every((part, index) => part === '*' || part === words[index]);
}
