import t from 'tap';
import { command } from './command.js';
import { parse } from './parse.js';

const words = { en: 'x', zh: '某' };
const commands = [
  command({
    name: 'pool deploy',
    help: words,
    args: [{ name: 'pool' }, { name: 'tag', optional: true }],
    flags: {
      'at-once': { type: 'number', value: '<n>', help: words },
      wait: { type: 'switch', help: words },
      param: { type: 'texts', help: words },
      pool: { type: 'text', short: 'p', help: words },
    },
    run: async () => undefined,
  }),
  command({ name: 'pool list', help: words, run: async () => undefined }),
  command({ name: 'search', help: words, args: [{ name: 'words', many: true }], run: async () => undefined }),
];

t.test('words, arguments and flags are told apart', async (t) => {
  const { command, args, values } = parse(
    [
      '-o',
      'json',
      'pool',
      'deploy',
      'web',
      '--at-once',
      '5',
      'shop:8',
      '--param',
      'a=1',
      '--param=b=2',
      '-p',
      'x',
      '--wait',
    ],
    commands,
  );
  t.equal(command.name, 'pool deploy');
  t.strictSame(args, ['web', 'shop:8']);
  t.match(values, { output: 'json', 'at-once': 5, wait: true, param: ['a=1', 'b=2'], pool: 'x', yes: false });
  t.equal(parse(['pool', 'ls'], commands).command.name, 'pool list');
  t.strictSame(parse(['search', 'a', 'b', 'c'], commands).args, ['a', 'b', 'c']);
  t.strictSame(parse(['pool', 'deploy', 'web', '--', '--odd'], commands).args, ['web', '--odd']);
});

const wrong: [line: string, text: RegExp][] = [
  ['pool', /pool needs a verb: deploy, list/],
  ['pool depoy web', /no command pool depoy; did you mean rigel pool deploy/],
  ['pol list', /no command pol; did you mean rigel pool/],
  ['pool deploy', /pool deploy needs <pool>: rigel pool deploy <pool> \[<tag>\]/],
  ['pool deploy web a b', /takes no argument "b"/],
  ['pool list web', /takes no argument "web"/],
  ['pool deploy web --at-onc 5', /no flag --at-onc; did you mean --at-once/],
  ['pool deploy web --at-once', /--at-once needs a value/],
  ['pool deploy web --at-once --wait', /--at-once needs a value/],
  ['pool deploy web --at-once many', /--at-once must be a whole number from 0 \(got "many"\)/],
  ['pool deploy web --at-once -5', /--at-once must be a whole number/],
  ['pool deploy web --wait=no', /--wait takes no value/],
  ['pool deploy web --wait --wait', /--wait is given twice/],
  ['pool list -o xml', /-o must be one of table, wide, json/],
];

t.test('what is wrong is named, with the way out', async (t) => {
  for (const [line, text] of wrong) t.throws(() => parse(line.split(' '), commands), text, line);
});
