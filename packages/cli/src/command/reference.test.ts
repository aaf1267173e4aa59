import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { COMMANDS } from '../commands/index.js';
import { candidates, completionScript, SHELLS } from './completion.js';
import { help } from './help.js';
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
  t.strictSame(candidates(['task', 'w'], COMMANDS), ['wait', 'watch', 'why']);
  t.ok(candidates([''], COMMANDS).includes('pool'));
  t.strictSame(candidates(['task', 'list', '--sta'], COMMANDS), ['--state']);
  t.strictSame(candidates(['task', 'list', '-o', ''], COMMANDS), []);
  t.strictSame(candidates(['task', 'list', '--output', 'j'], COMMANDS), ['json', 'jsonl']);
  t.strictSame(candidates(['task', 'show', ''], COMMANDS), []);
  for (const shell of SHELLS) t.match(completionScript(shell), 'rigel __complete');
  t.throws(() => completionScript('tcsh'), /bash, zsh, fish, powershell/);
});
