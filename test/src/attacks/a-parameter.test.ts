import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { loopbackNodes, uniqueName } from '../support/fleet.js';
import { sharedRig } from '../support/shared-rig.js';

/*
 * The value of a parameter. Whoever starts a task chooses it; whoever wrote the command did not mean it to run. It may be any text,
 * and lands in whatever command an administrator has saved. A value that runs leaves a file in the folder `canaries`.
 *
 * What else shells and programs evaluate is tried by the fuzzer of packages/command-template, in seven shells.
 */

const canaries = await mkdtemp(join(tmpdir(), 'rigel-canaries-'));
t.teardown(() => rm(canaries, { recursive: true, force: true }));
const rig = await sharedRig('one-system');
const { fleet } = rig;

/** What an administrator is told who saves this command; `code` 0 when it is taken. */
async function save(text: string, script: boolean) {
  const name = uniqueName('attack');
  const actionId = await rig.api.ok<number>('/action/create', { name, desc: '', params: { p: 'string' } });
  const action = script ? { module: 'longscript', content: text } : { module: 'shell', args: text };
  return rig.api.call('/actimpl/create', { type: 'ansible', action_id: actionId, template: { action } });
}

/** Commands in which the value of `p` would run. */
const REFUSED: Record<string, string[]> = {
  'the command that evaluates stands behind options, redirections and assignments': [
    'command -- eval {{p}}',
    'command -p eval {{p}}',
    '2>&1 eval {{p}}',
    'x=1 2>/dev/null eval {{p}}',
    'builtin -- eval {{p}}',
    'exec eval {{p}}',
    '$cmd {{p}}',
  ],
  'an alias': ['alias n={{p}}', "alias n='x=1 eval'\nn {{p}}"],
  'code that is read from a here-document, a here-string, a pipe, a file that is one': [
    '. /dev/stdin <<EOF\n{{p}}\nEOF\n',
    'source /dev/stdin <<EOF\n{{p}}\nEOF\n',
    'ed f <<EOF\n{{p}}\nEOF\n',
    'awk -f - <<EOF\n{{p}}\nEOF\n',
    'cat <<<{{p}} | sh',
    'echo {{p}} | sudo sh',
    '( echo {{p}} ) | make -f -',
    'echo {{p}} | ( cat | sh )',
    'echo {{p}} | xargs -I X sh -c X',
    'echo {{p}} | ssh host sh',
    '. <(echo {{p}})',
    'sh < <(echo {{p}})',
    'eval "$(echo {{p}})"',
  ],
  'variables that the shell runs or expands': [
    'PS4={{p}}; set -x; :',
    'export BASH_ENV={{p}}',
    'ENV={{p}} sh -ic :',
  ],
  'arguments of the shells’ own commands': [
    'compgen -W {{p}}',
    'declare -a "x=({{p}})"',
    'printf -v{{p}} x',
    'trap {{p}} EXIT',
    'time -p test -v {{p}}',
  ],
  'programs that are given code': [
    'rbash -c {{p}}',
    'yash -c {{p}}',
    'ksh93 {{p}}',
    'flock x -c {{p}}',
    'script -qc {{p}}',
    'env -S {{p}}',
    'find . -exec sh -c {{p}} \\;',
  ],
};

for (const [where, texts] of Object.entries(REFUSED)) {
  t.test(`a value cannot become code: ${where} is refused when it is saved`, async (t) => {
    for (const text of texts) {
      const { status, code, msg } = await save(text, true);
      t.not(code, 0, text);
      t.equal(status, 400, text);
      t.match(msg, /\{\{p\}\}/, 'it names the parameter');
      t.match(msg, /write|assign|hand the value over|use |\| raw/, 'and what to write instead');
    }
  });
}

/** What shells evaluate as arithmetic, in which bash, ksh and zsh run commands. */
const INTEGERS = [
  ...['RANDOM', 'SRANDOM', 'HISTCMD', 'OPTIND', 'SECONDS', 'TMOUT'].map((name) => `${name}={{p}}`),
  'SAVEHIST[1]={{p}}',
  'integer x={{p}}',
  'declare -i x; x={{p}}',
  'ulimit -n {{p}}',
  'read -u {{p}} x </dev/null',
  'export RANDOM="$(echo {{p}})"',
];

t.test('a value cannot become arithmetic: those places take integers only', async (t) => {
  const nodes = loopbackNodes(1, rig.sshd.port, 920);
  await fleet.pool(nodes);
  for (const command of INTEGERS) {
    const template = await fleet.template({
      step: {
        command: `#!/bin/bash\n${command}\n`,
        script: true,
        params: { p: 'string' },
        values: { p: '1' },
      },
    });
    const answer = await fleet.createTask(template, nodes, {
      params: { p: `a[$(>${canaries}/arithmetic)]` },
    });
    t.not(answer.code, 0, command);
    t.match(answer.msg, /must be an integer/, command);
  }
  t.same(await readdir(canaries), []);
});

t.test(
  'a value that is taken stays one piece of data, in every shell that a command may be for',
  async (t) => {
    const nodes = loopbackNodes(1, rig.sshd.port, 921);
    await fleet.pool(nodes);
    const value = [
      `'; >${canaries}/quote; echo "$(>${canaries}/double)\``,
      `>${canaries}/command`,
      `$(>${canaries}/substitution)`,
      `a[$(>${canaries}/index)]`,
      `EOF\n>${canaries}/line`,
    ].join('\n');
    const print = `2>&1 printf '%s|' {{p}} "{{p}}" '{{p}}' "$(echo {{p}})"; cat <<EOF\n{{p}}\nEOF\nx={{p}}; printf %s "|$x"`;
    const step = (command: string, script: boolean) => ({
      command,
      script,
      params: { p: 'string' as const },
      values: { p: value },
    });
    const template = await fleet.template({
      line: step(print, false),
      ...Object.fromEntries(
        ['sh', 'bash', 'dash'].map((shell) => [shell, step(`#!/usr/bin/env ${shell}\n${print}\n`, true)]),
      ),
    });
    const id = await fleet.startTask(template, nodes);
    t.match(await fleet.ended(id), { state: 2 });
    const [run] = await rig.api.detail(id);
    const texts = (await rig.api.nodeLog(run?.id ?? 0)).map(([, text]) => text);
    t.equal(texts.length, 4);
    for (const text of texts) t.equal(text, `${`${value}|`.repeat(4)}${value}\n|${value}`);
    t.same(await readdir(canaries), [], 'nothing of it has run');
  },
);
