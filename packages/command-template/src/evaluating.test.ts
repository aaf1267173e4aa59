// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shell text
import t from 'tap';
import { SHELL_VALUES } from './fuzz/values.js';
import { type ParsedTemplate, parseTemplate } from './parse-template.js';
import { renderTemplate } from './render-template.js';
import { TemplateError } from './template-error.js';
import { runInShell, shells } from './testing/shells.js';

/*
 * Places in which a shell, or a program that it starts, evaluates what it is given. Every template is either refused,
 * or runs nothing of a value, in any of the shells that are installed.
 */

/**
 * What the templates of the tests may not do to their surroundings, and cannot be run here: waits, the terminal, other
 * users.
 */
const PRELUDE = 'exec 2>/dev/null; set -f; FUNCNEST=50; TMOUT=2; ulimit -t 5 2>/dev/null\n';

/** Refused, of the value or of all of it; or accepted, and then no value may run. */
function parsed(text: string): ParsedTemplate | undefined {
  try {
    return parseTemplate(text, 'script');
  } catch (error) {
    if (error instanceof TemplateError) return undefined;
    throw error;
  }
}

/** The texts of one template with each hostile value, as far as it takes it. */
function rendered(template: ParsedTemplate): string[] {
  return SHELL_VALUES.flatMap((p) => {
    try {
      return [renderTemplate(template, { p })];
    } catch (error) {
      if (error instanceof TemplateError) return []; // it must be an integer
      throw error;
    }
  });
}

/** The templates of which a value ran, one run for each shell; then one for each template, to find out which. */
function caught(texts: readonly string[]): string[] {
  const usable = texts.flatMap((text) => {
    const template = parsed(text);
    return template ? [{ text, scripts: rendered(template) }] : [];
  });
  const runs = (shell: (typeof shells)[number], scripts: string[]) => {
    const subshells = scripts.map((script) => `( eval ${quoted(script)} ) </dev/null >/dev/null\n`);
    return runInShell(shell, PRELUDE + subshells.join('')).files.includes('canary');
  };
  return shells.flatMap((shell) => {
    if (
      !runs(
        shell,
        usable.flatMap(({ scripts }) => scripts),
      )
    )
      return [];
    const found = usable.filter(({ scripts }) => runs(shell, scripts));
    return found.map(({ text }) => `${shell.join(' ')}: ${JSON.stringify(text)}`);
  });
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

t.test('the command is found behind options, redirections and what finds commands', async (t) => {
  for (const text of [
    'command -- eval {{p}}',
    'command -p eval {{p}}',
    'command -p -- eval {{p}}',
    '2>&1 eval {{p}}',
    '</dev/null eval {{p}}',
    'x=1 2>/dev/null y=2 eval {{p}}',
    'builtin -- eval {{p}}',
    'command builtin eval {{p}}',
    'exec eval {{p}}',
    'exec -a name eval {{p}}',
    'command trap {{p}} EXIT',
    '{eval,x} {{p}}',
    '"e"val {{p}}',
  ])
    t.throws(() => parseTemplate(text, 'script'), TemplateError, text);
  for (const text of [
    '2>&1 echo {{p}}',
    'command -v {{p}}',
    'command -p ls -- {{p}}',
    'exec env -i prog {{p}}',
  ])
    t.doesNotThrow(() => parseTemplate(text, 'script'), text);
});

t.test('a command whose name is not written out takes no parameter', async (t) => {
  for (const text of [
    '$cmd {{p}}',
    '"$cmd" a {{p}}',
    '{{cmd}} {{p}}',
    '$(which x) {{p}}',
    'x=1 ${cmd} {{p}}',
  ])
    t.throws(
      () => parseTemplate(text, 'script'),
      { message: /whose name is not written out.*env in front/ },
      text,
    );
  for (const text of [
    'env $cmd {{p}}',
    '"$dir/bin/x" {{p}}',
    '{{cmd}} start',
    'sudo $cmd {{p}}',
    '{{dir}}/x {{p}}',
  ])
    t.doesNotThrow(() => parseTemplate(text, 'script'), text);
});

/** By what is said of them. */
const refused: [RegExp, string[]][] = [
  [
    /runs it as code/,
    ['alias n={{p}}', 'compgen -W {{p}}', 'complete -C {{p}} x', 'bind -x {{p}}', 'fc -s {{p}}'],
  ],
  [
    /fed to|here-document on a line with/,
    [
      '. /dev/stdin <<EOF\n{{p}}\nEOF\n',
      'source /dev/stdin <<EOF\n{{p}}\nEOF\n',
      'source /dev/stdin <<<{{p}}',
      'command . /dev/stdin <<EOF\n{{p}}\nEOF\n',
      'ed f <<EOF\n{{p}}\nEOF\n',
      'sudo ed f <<EOF\n{{p}}\nEOF\n',
      'awk -f - <<EOF\n{{p}}\nEOF\n',
      'awk -f /dev/stdin x <<EOF\n{{p}}\nEOF\n',
      'make -f - <<EOF\n{{p}}\nEOF\n',
      'rbash <<EOF\n{{p}}\nEOF\n',
      'yash -s <<EOF\n{{p}}\nEOF\n',
      'docker exec -i x sh <<EOF\n{{p}}\nEOF\n',
      '(\nsh\n) <<EOF\n{{p}}\nEOF\n',
      'while true\ndo sh; done <<EOF\n{{p}}\nEOF\n',
      '{ sh\n} <<<{{p}}',
      'unshare -r<<EOF\n{{p}}\nEOF\n',
      'cat <<EOF | sudo chroot /x\n{{p}}\nEOF\n',
      'while :; do linux32; done <<EOF\n{{p}}\nEOF\n',
      'python3 -i x.py <<EOF\n{{p}}\nEOF\n',
    ],
  ],
  [/goes into a pipe/, ['cat <<EOF |\n{{p}}\nEOF\nsh\n']],
  [
    /feeds a parameter to/,
    ['echo {{p}} | sh', "printf '%s' {{p}} | sudo bash -s", 'echo {{p}} |\nsh -e', 'print {{p}} | ksh93 -'],
  ],
  [
    /runs or expands once more/,
    ['PS4={{p}}; set -x; :', 'export PS4={{p}}', 'env BASH_ENV={{p}} bash x', 'PROMPT_COMMAND={{p}}'],
  ],
  [
    /list of array elements|declared as an array/,
    [
      'declare -a "x=({{p}})"',
      'declare -a x={{p}}',
      'typeset -A x={{p}}',
      'local $opts x={{p}}',
      'declare -a x; declare x={{p}}',
      // An array because an element of it, or all of them, were given.
      'declare x[1]=1 x={{p}}',
      'x[1]=1\nexport x={{p}}',
      'x=(1 2); local x={{p}}',
      'read -a x; readonly x={{p}}',
      'mapfile x; declare x={{p}}',
    ],
  ],
  [
    /name of a variable/,
    [
      'printf -v{{p}} x',
      'printf -v {{p}} x',
      'declare -n r={{p}}',
      'nameref r={{p}}',
      'read -r {{p}}',
      'wait -np {{p}}',
    ],
  ],
  [
    /code that a shell is given/,
    [
      'rbash -c {{p}}',
      'yash -c {{p}}',
      'ksh93u+m -c {{p}}',
      'bash --rcfile x -c {{p}}',
      'bash --norc -eo pipefail -c {{p}}',
      'sudo -u x sh -xc {{p}}',
      'busybox sh -c {{p}}',
      'sh -c"{{p}}"',
    ],
  ],
  [/may be an option of the shell/, ['sh {{a}} {{p}}', 'bash $opts {{p}}']],
  [
    /command line that \w+ runs/,
    [
      'flock x -c {{p}}',
      'capsh -- -c {{p}}',
      'capsh -- -cx 1+{{p}} x',
      'script -qc {{p}} f',
      'script --command={{p}}',
      'env -S {{p}}',
      'env -iS"{{p}}"',
      'su -c {{p}} x',
      'runuser x --command {{p}}',
    ],
  ],
  [/by a shell/, ['watch {{p}}', 'parallel {{p}} ::: a']],
  [/code that mapfile runs/, ['mapfile -C {{p}} -c 1 a']],
  [/format is not written out/, ['printf {{f}} {{p}}', 'printf "$f" {{p}}']],
  [/an alias makes/, ['alias e=eval\ne {{p}}', 'alias x="$y"; x {{p}}']],
  [
    /is read into the variable/,
    [
      'read RANDOM <<EOF\n{{p}}\nEOF\n',
      'for SECONDS in {{p}}; do :; done',
      'printf -v OPTIND %s {{p}}',
      'declare -i n; read n <<<{{p}}',
      'echo {{p}} | read PS4',
    ],
  ],
  [/not certain after/, ['{fd}>x eval {{p}}']],
  [
    /feeds a parameter to/,
    [
      'cat <<<{{p}} | sh',
      '2>&1 echo {{p}} | sh',
      'env echo {{p}} | sh',
      '( echo {{p}} ) | make -sf -',
      'if :; then echo {{p}}; fi | sh',
      'echo {{p}} | ( cat | sh )',
      'echo {{p}} | { :; sh; }',
      'echo {{p}} | cat | sh',
      'echo {{p}} | awk -f -',
      'echo {{p}} | . /dev/stdin',
      'echo {{p}} | bash -o posix',
      'echo {{p}} | env -S "sh -s"',
      "echo {{p}} | sh -c '. /dev/stdin'",
      'echo {{p}} | ssh host sudo sh',
      'echo {{p}} | ssh host',
      'echo {{p}} | xargs sh -c',
      'echo {{p}} | xargs -I X sh -c X',
      'echo {{p}} | python3 -',
      'echo {{p}} | python3 -ix y',
      'echo {{p}} | python3 -W ignore -i -c :',
      'echo {{p}} | sudo node --interactive x.js',
      'echo {{p}} | php -a',
      'echo {{p}} | capsh --',
      'echo {{p}} | chroot /',
      'echo {{p}} | sudo -u x -s',
      'echo {{p}} | sudo unshare -r',
      'echo {{p}} | nsenter -t 1 -m',
      'echo {{p}} | setarch x86_64',
      '[ {{p}} x ] |& sh',
      'sh < <(echo {{p}})',
      '. <(echo {{p}})',
      'sed -f <(echo {{p}}) x',
      // What closes the command of find is no script of the shell.
      'echo {{p}} | find . -maxdepth 0 -exec sh \\;',
      "echo {{p}} | find . -maxdepth 0 -exec env bash -e ';'",
      'echo {{p}} | find . -maxdepth 0 -exec python3 \\;',
      'find . -maxdepth 0 -exec sh \\;< <(echo {{p}})',
      'find . -maxdepth 0 -execdir sh -s +< <(echo {{p}})',
    ],
  ],
  [
    /feeds a parameter to|a line with sh/,
    [
      // The input of a compound command is that of all its parts, of a function that of its body.
      'for i in 1; do sh; done < <(echo {{p}})',
      '(sh) < <(echo {{p}})',
      'case x in x) sh;; esac < <(echo {{p}})',
      'f() { sh; }; f < <(echo {{p}})',
      'f() { if :; then sh; fi; }\necho {{p}} | f',
      'function f { sh; }\nf <<<{{p}}',
      'f() { sh; }\nf <<EOF\n{{p}}\nEOF\n',
      // What is substituted reads what its command reads.
      'echo {{p}} | cat "$(sh)"',
      'echo {{p}} | x=$(sh)',
      'echo {{p}} | { x=$(cat | sh); }',
      '{ x=$(sh); } < <(echo {{p}})',
    ],
  ],
  [
    /pattern like \{a,b\}/,
    [
      'read -d {a,{{p}}}',
      'read -d {{p}}{x,}',
      '[ {-v,{{p}}} ]',
      '[ {1,-eq} {{p}} ]',
      'sh {-c,{{p}}}',
      'env {-S,{{p}}}',
      'sudo {sh,-c,{{p}}}',
      'su {-c,{{p}}} x',
      'declare {-i,x} y={{p}}',
      'printf {-v,{{p}}} x',
      '{eval,{{p}}}',
      'command {eval,{{p}}}',
      'x=1 builtin {read,-d,a,{{p}}}',
    ],
  ],
  [/expands like a prompt/, ['print -P {{p}}', 'print -rnP -- x "{{p}}"', 'command print -P -n {{p}}']],
  [/as the name of the script for ksh/, ['ksh93 {{p}}', 'ksh -e "{{p}}"', 'ksh -- x{{p}}']],
  [/ENV has it/, ['ENV={{p}} sh -ic :', 'export ENV={{p}}; ksh -i']],
  [/name of a variable for -v/, ['time -p test -v {{p}}', 'time test -v {{p}}']],
  [/runs it as code/, ['eval "$(echo {{p}})"', 'trap "$(printf %s {{p}})" EXIT']],
  [/an alias makes/, ["alias n='x=1 eval'\nn {{p}}", 'alias n=[\nn {{p}} -eq 1 ]']],
];

for (const [message, texts] of refused) {
  t.test(`refused: ${message.source}`, async (t) => {
    for (const text of texts) t.throws(() => parseTemplate(text, 'script'), { message }, text);
  });
}

t.test('what is evaluated as arithmetic takes integers', async (t) => {
  for (const text of [
    ...[
      'RANDOM={{p}}',
      'set -k; : RANDOM+={{p}}',
      'set -o keyword; echo SECONDS={{p}}',
      'declare -i n; set -xk; : n={{p}}',
      'SRANDOM={{p}}',
      'HISTCMD={{p}}',
      'OPTIND={{p}}',
      'SECONDS={{p}}',
      'TMOUT={{p}}',
      'export SECONDS={{p}}',
    ],
    ...[
      'integer x={{p}}',
      'float x={{p}}',
      'typeset -E x={{p}}',
      'ulimit -n {{p}}',
      'read -u {{p}} x',
      'read -t{{p}} x',
    ],
    ...[
      'declare -i x; x={{p}}',
      'x={{p}}; typeset -i x',
      'declare -ai x; x=({{p}})',
      'declare -i $names; x={{p}}',
      'declare -n r=x; r={{p}}',
    ],
    ...[
      "printf '%d' {{p}}",
      "printf '%s %5.2f' a {{p}}",
      "printf '%*s' {{p}} a",
      "printf '%s\\n%i\\n' a 1 b {{p}}",
      'mapfile -n {{p}} a',
      'SAVEHIST[1]={{p}}',
      'readonly HISTSIZE="$(echo {{p}})"',
    ],
  ]) {
    const uses = parseTemplate(text, 'script').parameters;
    t.ok(
      uses.every(({ integer }) => integer),
      text,
    );
    t.throws(() => renderTemplate(parseTemplate(text, 'script'), { p: 'a[$(>canary)]' }), TemplateError);
  }
});

t.test('what is accepted all the same', async (t) => {
  for (const text of [
    'sh -- {{a}} {{p}}',
    'bash x.sh {{p}}',
    "sh -c 'echo $1' sh {{p}}",
    'echo {{p}} | ssh host cat',
    'echo {{p}} | sudo -S true',
    'echo {{p}} | sh x.sh',
    'cat <<EOF | grep -v ed >rc\n{{p}}\nEOF\n',
    'while read x; do echo "$x"; done <<EOF\n{{p}}\nEOF\n',
    "awk '{ print }' <<EOF\n{{p}}\nEOF\n",
    'sed s/a/b/ <<<{{p}}',
    "alias ll='ls -l'; ll {{p}}",
    "printf '%s\\n' {{p}}",
    "printf '%s %d\\n' {{p}} 1",
    'printf "text {{p}}\\n"',
    'declare -r x={{p}} y={{q}}',
    'declare -a x=({{p}})',
    'export PATH={{p}} ENV={{p}}',
    'read -p {{p}} -d {{p}} x',
    'flock /lock prog {{p}}',
    'env A=1 B={{p}} prog {{p}}',
    'script -q x {{p}}',
    'time -p prog {{p}}',
    'nohup prog {{p}} >/dev/null 2>&1 &',
    'set -- {{p}}; shift; kill -9 {{p}}',
    'x=$(echo {{p}} | tr a b); [ "$(echo {{p}} | wc -l)" -eq 1 ]',
    '[ "$(wc -l < {{p}})" -gt 3 ]',
    'curl -fsSL {{p}} | sh',
    'echo {{p}} | while read -r h; do ssh "$h" uptime; done',
    'echo {{p}} | xargs sh -c \'echo "$@"\' sh',
    'echo {{p}} | docker login --password-stdin',
    'sh {{p}}; bash -e {{p}} x',
    'export ENV={{p}}; ./deploy.sh',
    'diff <(echo {{p}}) x',
    'echo {{p}} | python3 x.py -i',
    'echo {{p}} | python3 -c "import sys" -i',
    'echo {{p}} | chroot / cat',
    'echo {{p}} | sudo -u x tee f',
    'echo {{p}} | sudo -s cat',
    'echo {{p}} | nsenter -t 1 -m cat',
    'capsh -- f {{p}}',
    'print -rn -- {{p}} -P',
    'f() { logger "$1"; }; echo {{p}} | f; echo x | sh',
    'log() { cat; }\nlog <<EOF\n{{p}}\nEOF\n',
    'sudo cp {{p}}{,.bak}',
    'mkdir -p {{p}}/{a,b}',
    'echo {a,{{p}}}',
    'x={a,{{p}}}',
    `printf '{"a":%s,"b":%s}' {{p}} {{p}}`,
    'while read -r l; do :; done < <(echo {{p}})',
    'find . -name {{p}} -exec ls {} +',
    'echo {{p}} | find . -exec sh {} \\;',
    'echo {{p}} | sh -e \\; x',
  ])
    t.doesNotThrow(() => parseTemplate(text, 'script'), text);
});

t.test('no value of a named case runs in a real shell', async (t) => {
  t.same(caught([...refused.flatMap(([, texts]) => texts)]), []);
});

t.test('a task that runs keeps what the rules of its release accepted', async (t) => {
  const render = (text: string, p: string) =>
    renderTemplate(parseTemplate(text, 'script', { accepted: true }), { p });
  for (const text of [
    'command -- eval {{p}}',
    '$cmd {{p}}',
    'RANDOM={{p}}',
    '{fd}>x show {{p}}',
    'alias n={{p}}',
  ])
    t.match(render(text, 'a b'), /^rigel_param_\w*1='a b'; /, text);
  t.match(render('exit {{p}}', '7'), "'7'", 'and what took integers then, too');
  t.throws(
    () =>
      parseTemplate('echo {{p', 'script', { accepted: true }) &&
      parseTemplate('echo {{p | up}}', 'script', { accepted: true }),
  );
});
