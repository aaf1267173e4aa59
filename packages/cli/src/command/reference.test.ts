import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { COMMANDS } from '../commands/index.js';
import { completionScript, SHELLS, whatIsNext } from './completion.js';
import { help } from './help.js';
import { manual } from './manual.js';
import { reference } from './reference.js';

t.test('docs/cli.md is what the table of commands says', async (t) => {
  const file = join(import.meta.dirname, '../../../../docs/cli.md');
  t.equal(readFileSync(file, 'utf8'), reference(COMMANDS), 'pnpm cli-reference writes it');
});

t.test('each command has a name of its own, and texts in both languages', async (t) => {
  const names = COMMANDS.map(({ name }) => name);
  t.equal(new Set(names).size, names.length);
  for (const { name, help, flags = {} } of COMMANDS) {
    for (const [what, words] of [
      [name, help] as const,
      ...Object.entries(flags).map(([flag, { help }]) => [`${name} --${flag}`, help] as const),
    ]) {
      t.not(words.en, '', what);
      t.match(words.zh, /\p{Script=Han}/u, what);
    }
  }
});

t.test('help says how to use each command', async (t) => {
  const all = help([], COMMANDS, 'en').join('\n');
  for (const { name } of COMMANDS) {
    t.match(all, new RegExp(`^  ${name}( |$)`, 'm'));
    t.match(help(name.split(' '), COMMANDS, 'zh').join('\n'), `rigel ${name}`);
  }
  t.match(help(['exit-codes'], COMMANDS, 'en').join('\n'), /^ {2}7 {2}the time of a wait is over/m);
  t.throws(() => help(['nothing'], COMMANDS, 'en'), /there is no command nothing/);
});

t.test('what can stand next is known', async (t) => {
  const next = (...words: string[]) => whatIsNext(words, COMMANDS);
  t.strictSame(next('task', 'w'), { words: ['wait', 'watch', 'why'] });
  t.match(next(''), { words: /(^|,)pool(,|$)/ });
  t.strictSame(next('task', 'list', '--sta'), { words: ['--state'] });
  t.strictSame(next('task', 'list', '-o', ''), { words: [] });
  t.strictSame(next('task', 'list', '--output', 'j'), { words: ['json', 'jsonl'] });
  t.strictSame(next('task', 'show', ''), { kind: 'task' });
  t.strictSame(next('pool', 'show', 'we'), { kind: 'pool' });
  t.strictSame(next('pool', 'get', 'we'), { kind: 'pool' }, 'by another spelling of the verb');
  t.strictSame(next('pool', 'deploy', 'web', ''), { words: [] }, 'a tag is no name of a thing');
  t.strictSame(next('task', 'list', '--pool', ''), { kind: 'pool' });
  t.strictSame(next('task', 'list', '--limit', ''), { words: [] });
  t.strictSame(next('context', 'use', ''), { kind: 'context' });
  for (const shell of SHELLS) t.match(completionScript(shell), 'rigel __complete');
  t.throws(() => completionScript('tcsh'), /bash, zsh, fish, powershell/);
});

t.test('the manual has every command and every flag, and nothing in it is a command of man', async (t) => {
  const page = manual(COMMANDS, '1.2.3-rc.1');
  const known = /^\.(TH|SH|SS|TP|B|I)( |$)/;
  for (const line of page.split('\n')) if (/^[.']/.test(line)) t.match(line, known);
  t.match(page, '"rigel 1.2.3\\-rc.1"');
  for (const { name, flags = {} } of COMMANDS) {
    t.match(page, new RegExp(`^\\.SS rigel ${name.replaceAll('-', '\\\\-')}( |$)`, 'm'));
    for (const flag of Object.keys(flags)) t.match(page, `\\-\\-${flag.replaceAll('-', '\\-')}`);
  }
});
