// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shell text
import fc from 'fast-check';
import t from 'tap';
import { parseTemplate } from './parse-template.js';
import { renderTemplate } from './render-template.js';
import { runInShell, type Shell, shells } from './testing/shells.js';
import { nastyValue } from './testing/values.js';

/** Prints its arguments, each ended by a NUL character. For mksh printf is another program: a process for each call. */
function showIn([program]: Shell): string {
  if (program !== 'mksh') return 'show() { printf \'%s\\000\' "$@"; }\n';
  return `show() { [ $# -gt 0 ] || set ""; for shown; do print -nr -- "$shown"; print -n '\\0'; done; }\n`;
}

/** Renders a template with each value, runs the results in one shell, and compares what was shown. */
function checkInShell(shell: Shell, text: string, values: string[], expected: (value: string) => string[]) {
  const template = parseTemplate(text, 'script');
  const script = showIn(shell) + values.map((p) => `${renderTemplate(template, { p })}\n`).join('');
  const run = runInShell(shell, script);
  const shown = run.stdout.split('\0');
  let at = 0;
  for (const value of values) {
    for (const item of expected(value)) {
      if (shown[at] !== item) {
        const got = JSON.stringify({ value, expected: item, shown: shown[at], stderr: run.stderr });
        throw new Error(`${shell.join(' ')}: ${got}`);
      }
      at++;
    }
  }
  if (run.files.length > 0) throw new Error(`${shell.join(' ')}: files were made: ${run.files}`);
}

function property(values: { runs: number; batch: number }, check: (batch: string[]) => void) {
  const batch = fc.array(nastyValue, { minLength: values.batch, maxLength: values.batch, size: 'max' });
  fc.assert(fc.property(batch, check), { numRuns: values.runs, endOnFailure: true });
}

for (const shell of shells) {
  const name = shell.join(' ');

  t.test(`${name}: values in words arrive byte for byte and run nothing`, async () => {
    // ksh93 takes ~"" for a home.
    const tilde = shell[0] === 'ksh93' ? 'a~' : '~';
    const text = [
      `show {{p}} a{{p}}b '{{p}}' 'a{{p}}b' "{{p}}" "a{{p}}b" -x={{p}}{{p}} ${tilde}{{p}} {{{p}}} *{{p}}`,
      'x={{p}}; show "$x"; y="{{p}}\'{{p}}\'" z=\'"{{p}}"\'; show "$y" "$z"',
      'case {{p}} in {{p}}) show {{p}};; *) show WRONG;; esac',
      'for i in {{p}} "{{p}}"; do show "$i"; done',
      'f() { show "$@" {{p}}; }; f {{p}} b # {{p}}',
      '[ {{p}} = "{{p}}" ] && show SAME',
    ].join('\n');
    property({ runs: 20, batch: 100 }, (values) =>
      checkInShell(shell, text, values, (v) => [
        ...[v, `a${v}b`, v, `a${v}b`, v, `a${v}b`, `-x=${v}${v}`, `${tilde}${v}`, `{${v}}`, `*${v}`],
        ...[v, `${v}'${v}'`, `"${v}"`],
        ...[v, v, v, v, 'b', v, 'SAME'],
      ]),
    );
  });

  t.test(`${name}: values in nested commands and here-documents arrive byte for byte`, async () => {
    // The dot keeps $(...) from removing the line breaks at a value's end.
    const text = [
      `show "$(printf '%s.' {{p}})" "$(printf '%s.' "$(printf '%s.' '{{p}}' "{{p}}")" "{{p}}")"`,
      `show "$(case {{p}} in "{{p}}") printf '%s.' {{p}};; esac)"`,
      'cat <<EOF\n{{p}} "{{p}}" $(printf \'%s.\' {{p}})\nEOF\nshow',
    ].join('\n');
    property({ runs: 5, batch: 50 }, (values) =>
      checkInShell(shell, text, values, (v) => [`${v}.`, `${v}.${v}..${v}.`, `${v}.`, `${v} "${v}" ${v}.\n`]),
    );
  });
}

const bash = shells.find((shell) => shell[0] === 'bash');
if (!bash) throw new Error('these tests need bash');

t.test('bash: values in what only bash knows', async () => {
  const text = [
    'a=({{p}} "{{p}}"); show "${a[@]}"; b=$( a=({{p}}); printf \'%s.\' "${a[0]}"); show "$b"',
    'if [[ {{p}} == {{p}} && x{{p}} == "x{{p}}" ]]; then show {{p}}; fi',
    'cat <<<{{p}}; show; cat <(printf %s {{p}}); show',
    'declare c={{p}}; f() { local d="{{p}}"; show "$d"; }; f; show "$c"',
  ].join('\n');
  property({ runs: 4, batch: 50 }, (values) =>
    checkInShell(bash, text, values, (v) => [v, v, `${v}.`, v, `${v}\n`, v, v, v]),
  );
});

t.test('a value that runs a command in every other kind of template', async (t) => {
  const value = '\'; touch /tmp/x; echo "$(id)\\\n';
  const command = parseTemplate(`printf '<%s>' {{p}} '{{p}}' "{{p}}"`, 'command');
  for (const shell of shells) {
    const run = runInShell(shell, renderTemplate(command, { p: value }), '-c');
    t.match(run, { stdout: `<${value}><${value}><${value}>`, stderr: '', files: [] }, shell.join(' '));
  }
});
