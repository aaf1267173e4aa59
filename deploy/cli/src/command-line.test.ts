import t from 'tap';
import { readCommandLine } from './command-line.js';
import { readMoment } from './moment.js';

const read = (line: string) => readCommandLine(line.split(' ').filter((word) => word !== ''));

t.test('commands and their options', async (t) => {
  const all = ['inventory', 'catalog', 'scheduler', 'access'];
  t.strictSame(read('verify'), { do: 'verify', services: all, json: false });
  t.strictSame(read('verify --json --service catalog'), { do: 'verify', services: ['catalog'], json: true });
  t.strictSame(read('rebuild --service=scheduler'), { do: 'rebuild', services: ['scheduler'] });
  t.strictSame(read('task show 7'), { do: 'task show', id: 7, at: undefined, json: false });
  t.strictSame(read('task show --at 12 7 --json'), { do: 'task show', id: 7, at: '12', json: true });
  t.strictSame(read('orphans --json'), { do: 'orphans', json: true });
  t.strictSame(read('check-catalog'), { do: 'check-catalog', json: false });
  t.strictSame(read('token create --name ci --role operator --expires 30d'), {
    do: 'token create',
    name: 'ci',
    role: 'operator',
    mayRun: false,
    expiresInMs: 30 * 86_400_000,
    json: false,
  });
  t.match(read('token create --name ops --role viewer --may-run'), { role: 'viewer', mayRun: true });
  t.match(read('token create --role=admin --name=ann --json'), {
    name: 'ann',
    expiresInMs: null,
    json: true,
  });
  for (const [text, ms] of [
    ['90m', 5_400_000],
    ['12h', 43_200_000],
    ['4w', 2_419_200_000],
  ] as const) {
    t.match(read(`token create --name a --role viewer --expires ${text}`), { expiresInMs: ms }, text);
  }
  t.strictSame(read('token list'), { do: 'token list', json: false });
  t.strictSame(read('token revoke 7'), { do: 'token revoke', id: 7 });
  t.strictSame(read('record catalog out/file'), { do: 'record', service: 'catalog', file: 'out/file' });
  for (const line of ['', 'help', '--help', 'verify -h']) t.strictSame(read(line), { do: 'help' }, line);
});

t.test('a wrong word is named, with the nearest known one', async (t) => {
  const refused: Record<string, string> = {
    verfy: 'there is no command verfy; the nearest one is verify',
    'task sow 1': 'there is no command task; the nearest one is task show',
    'verify --jsn': 'verify has no option --jsn; the nearest one is --json',
    'rebuild --json': 'rebuild has no option --json; the nearest one is --service',
    'record --json catalog x': 'record has no option --json; it has none',
    'verify catalog': 'verify takes no argument catalog',
    'verify --service': '--service needs a value',
    'verify --service=': '--service needs a value',
    'verify --json=yes': '--json takes no value',
    'verify --json --json': '--json is given twice',
    'verify --service scheduller':
      'scheduller is not a service with events; the nearest one is scheduler (there are inventory, catalog, scheduler, access)',
    'task show': 'task show takes the id of a task',
    'task show x': 'x is not a task id: expected a whole number from 1',
    'task show 0': '0 is not a task id: expected a whole number from 1',
    'task show 1.5': '1.5 is not a task id: expected a whole number from 1',
    'task show 1 2': 'task show 1 takes no argument 2',
    'task show 1 --at': '--at needs a value',
    token: 'there is no command token; the nearest one is token create',
    'token creat': 'there is no command token; the nearest one is token create',
    'token create --role viewer': 'token create needs --name',
    'token create --name ci': 'token create needs --role',
    'token create --name ci --role vewer':
      '--role vewer is not a role; the nearest one is viewer (there are viewer, operator, admin)',
    'token create --name ci --role viewer --expires 30':
      '--expires 30 is wrong: expected a time of at most ten years, like 90m, 12h, 30d or 4w',
    'token create --name ci --role viewer --expires 0d':
      '--expires 0d is wrong: expected a time of at most ten years, like 90m, 12h, 30d or 4w',
    'token create --name ci --role viewer --expires 600w':
      '--expires 600w is wrong: expected a time of at most ten years, like 90m, 12h, 30d or 4w',
    'token revoke': 'token revoke takes the id of a token',
    'token revoke ci': 'ci is not a token id: expected a whole number from 1',
    'token list all': 'token list takes no argument all',
    'check-catalog all': 'check-catalog takes no argument all',
    'check-catalogue': 'there is no command check-catalogue; the nearest one is check-catalog',
    'record catalog': 'record takes a service and a file',
  };
  for (const [line, message] of Object.entries(refused)) {
    t.throws(() => read(line), { name: 'UsageError', message }, line);
  }
});

t.test('--at: a version, or a time', async (t) => {
  t.equal(readMoment(undefined), 'now');
  t.strictSame(readMoment('17'), { version: 17 });
  t.strictSame(readMoment('999999999'), { version: 999_999_999 });
  t.strictSame(readMoment('1767225600000'), { time: 1_767_225_600_000 });
  const newYear = { time: Date.UTC(2026, 0, 1) };
  for (const text of [
    '2026-01-01',
    '2026-01-01T00:00',
    '2026-01-01 00:00:00',
    '2026-01-01T00:00:00.000Z',
    '2026-01-01T01:30:00+01:30',
  ]) {
    t.strictSame(readMoment(text), newYear, text);
  }
  for (const text of [
    'yesterday',
    '-1',
    '1.5',
    '2026-02-30',
    '2026-13-01',
    '2026-01-01T25:00',
    '2026-1-1',
    '',
  ]) {
    t.throws(() => readMoment(text), { name: 'UsageError', message: /^--at .* is neither a version/ }, text);
  }
  t.throws(() => readMoment('0'), { message: '--at 0 is not a version: the first one is 1' });
});
