// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shell text
import t from 'tap';
import { parseTemplate } from './parse-template.js';
import { TemplateError } from './template-error.js';

/** The contexts of a template's parameters; `!` marks the places that take integers only. */
const contexts = (text: string) =>
  parseTemplate(text, 'script')
    .parameters.map((use) => use.context + (use.integer ? '!' : ''))
    .join(' ');

t.test('contexts', async (t) => {
  for (const [text, expected] of [
    ['echo {{p}}', 'bare'],
    ['{{p}} -v', 'bare'],
    ['x={{p}} y=a{{p}}b env', 'bare bare'],
    [`echo '{{p}}' "{{p}}" "a'{{p}}'" 'a"{{p}}"'`, 'single double double single'],
    [`echo "\\"{{p}}\\"" \\"{{p}}\\" "\\\\{{p}}" \\\\{{p}} '\\{{p}}'`, 'double bare double bare single'],
    ['echo "$(echo "$(echo {{p}})" {{p}})" {{p}}', 'bare bare bare'],
    ['echo "$(echo "{{p}}")" "{{p}}"', 'double double'],
    [`echo "$(echo '"' {{p}} ")" '{{p}}')"`, 'bare single'],
    ['echo $x{{p}} $${{p}} "$#{{p}}"', 'bare bare double'],
    [`echo '$'{{p}} "$"{{p}} a$ {{p}}`, 'bare bare bare'],
    ['echo ${x} ${#x} ${x%/*} ${x:-a b} ${x:-${y:-"$z"}} {{p}}', 'bare'],
    ['echo "${x:-a b}${x#\\}}" {{p}}', 'bare'],
    ['echo `date "+%s"` {{p}}', 'bare'],
    [`echo $'a\\n' {{p}} $"a" {{p}}`, 'bare bare'],
    ["# it's {{q}} {{not one}} {{q | raw}}\necho {{p}} # ' {{q}", 'bare'],
    ['echo a#"{{p}}" \\#{{p}} $#{{p}}', 'double bare bare'],
    ['echo \\\n# {{p}}\necho a\\\n#{{p}}', 'bare'],
    ['cat <<EOF\n\'"{{p}} $(echo "{{p}}") \\$\nEOF\necho {{p}}', 'heredoc double bare'],
    ["cat <<'EOF'\n' $( ` {{.x}}\nEOF\necho {{p}}", 'bare'],
    ['cat <<-E"O"F; echo {{p}}\n\t"\n\tEOF\necho {{p}}', 'bare bare'],
    ['cat <<A <<\\B\n{{p}}\nA\n"\nB\necho {{p}}', 'heredoc bare'],
    ['cat <<<{{p}} <<< "{{p}}"', 'bare double'],
    ['cmd >{{p}} 2>>"{{p}}" <a{{p}} &>{{p}}', 'bare double bare bare'],
    ['diff <(sort {{p}}) >(cat "{{p}}")', 'bare double'],
    ['case {{p}} in {{p}}) echo {{p}};; a|"{{p}}") ;; esac; echo {{p}}', 'bare bare bare double bare'],
    ["x=$(case {{p}} in a) echo ')' ;; (b) echo;; esac) y={{p}}", 'bare bare'],
    ['x="$(case $x in a) case y in b) ;; esac;; esac; echo {{p}})" y={{p}}', 'bare bare'],
    ['x=$(echo case a in b) y={{p}}', 'bare'],
    ['x=$(for case in a b; do echo {{p}}; done) y="{{p}}"', 'bare double'],
    ['x=$(if (true) then case a in b) ;; esac; fi) y={{p}}', 'bare'],
    ['f() { echo {{p}}; }; g () ( echo "{{p}}" )', 'bare double'],
    ['if [[ $a == {{p}} && ( $b =~ "{{p}}" || c ) ]]; then echo {{p}}; fi', 'bare double bare'],
    ['a=({{p}} "{{p}}" # {{q}}\n b) echo {{p}}', 'bare double bare'],
    ['echo {a,{{p}}} ~{{p}} *{{p}}', 'bare bare bare'],
    ['(( x << 1 )) || true', ''],
    ['echo $((1 + {{p}})) $(( ( {{p}} ) * x[{{p}}] )) {{p}}', 'arithmetic! arithmetic! arithmetic! bare'],
    ['for ((i = 0; i < {{p}}; i++)); do echo {{p}}; done', 'arithmetic! bare'],
    ['(( {{p}} > 1 )) && echo {{p}}', 'arithmetic! bare'],
    ['echo "{{p}}{{p | raw}}" {{p|raw}}', 'double verbatim verbatim'],
  ] as const) {
    t.equal(contexts(text), expected, text);
  }
});

t.test('places where the shell evaluates arithmetic take integers', async (t) => {
  for (const [text, expected] of [
    ['[ {{p}} -eq 1 ] && test "$x" -lt "{{p}}"', 'bare! double!'],
    ['[ {{p}} = x ] && [ -n {{p}} ]', 'bare bare'],
    ['if ! [[ a && {{p}} -ge {{p}} && {{p}} == b ]]; then x; fi', 'bare! bare! bare'],
    ['ls -lt {{p}}; grep -eq {{p}}', 'bare bare'],
    ['exit {{p}}', 'bare!'],
    ['f() { shift {{p}}; return "{{p}}"; }', 'bare! double!'],
    ['let x={{p}}', 'bare!'],
    ['declare -i x={{p}}; declare -r y={{p}}; declare -ai a=({{p}})', 'bare! bare bare!'],
    ['echo a >&{{p}} 2>&"{{p}}" <&{{p}}', 'bare! double! bare!'],
  ] as const) {
    t.equal(contexts(text), expected, text);
  }
});

t.test('places where no value could be kept literal', async (t) => {
  for (const [text, place] of [
    ['echo `echo {{p}}`', /1:12: .* inside backquotes.* write \$\(\.\.\.\)/],
    ['echo "`echo {{p}}`"', /inside backquotes/],
    ['echo ${x:-{{p}}}', /inside \$\{\.\.\.}.*assign it first \(value={{p}}\)/],
    ['echo "${x#{{p}}}" ${x:-"{{p}}"}', /inside \$\{\.\.\.}/],
    ['echo ${x:-$(echo {{p}})}', /inside \$\{\.\.\.}/],
    ['echo ${{p}}', /directly after a \$/],
    ['echo "a${{p}}"', /directly after a \$/],
    ['echo \\{{p}}', /directly after a backslash/],
    ['echo "\\{{p}}"', /directly after a backslash/],
    ['cat <<EOF\n\\{{p}}\nEOF', /directly after a backslash/],
    ["echo $'{{p}}'", /inside \$'\.\.\.'/],
    ['echo $"{{p}}"', /after a \$, which bash translates/],
    ["cat <<'EOF'\n{{p}}\nEOF", /2:1: .*a quoted delimiter/],
    ['cat <<{{p}}\n', /in the delimiter of a here-document/],
    ['cat <<"E{{p}}"\n', /in the delimiter of a here-document/],
    ['bash <<EOF\n{{p}}\nEOF', /on a line with bash, which runs/],
    ['cat <<EOF | ssh host\n{{p}}\nEOF', /on a line with ssh, which runs/],
    ['sh <<< {{p}}', /fed to sh, which runs/],
    ['a[{{p}}]=1', /inside \[\.\.\.]/],
    ['a=([{{p}}]=1)', /inside \[\.\.\.]/],
    ['ls [{{p}}]*', /inside \[\.\.\.]/],
    ['echo $(( $(echo {{p}}) ))', /output is evaluated as arithmetic/],
    ['eval {{p}}', /argument of eval/],
    ['x=1 command eval "echo {{p}}"', /argument of eval/],
    ["trap 'rm {{p}}' EXIT", /argument of trap/],
    ["sh -c '{{p}}'", /a shell is given with -c/],
    ['sudo /bin/bash -euo pipefail -c "{{p}}"', /a shell is given with -c/],
    ['su app -c {{p}}', /the command line that su runs/],
    ['export {{p}}', /name of a variable for export/],
    ['read -r {{p}}', /name of a variable for read/],
    ['unset {{p}}', /name of a variable for unset/],
    ['printf -v {{p}} x', /name of a variable for printf/],
    ['[ -v {{p}} ]', /name of a variable for -v/],
    ['[[ -v "{{p}}" ]]', /name of a variable for -v/],
  ] as const) {
    t.throws(() => parseTemplate(text, 'script'), { name: 'TemplateError', message: place }, text);
  }
  for (const text of ["sh -c 'echo $1' sh {{p}}", 'read -p {{p}} x', 'export x={{p}}', 'grep -c {{p}} sh']) {
    t.equal(contexts(text), 'bare', text);
  }
});

t.test('after text that is read in more than one way', async (t) => {
  for (const [text, reason] of [
    ["echo $'\\'' {{p}}", /backslash before the quote in \$'\.\.\.'.* at 1:6/],
    ['echo "${x:-\'}" {{p}}', /quotes or braces inside/],
    ['echo ${x:-{a} {{p}}', /quotes or braces inside/],
    ['echo ${ date; } {{p}}', /unusual \$\{\.\.\.}/],
    ['echo $[1+1] {{p}}', /\$\[/],
    ['echo $((echo a) | cat) {{p}}', /may be a command or arithmetic/],
    ['((echo a); echo {{p}})', /may be a command or arithmetic/],
    ['echo @(a|b) {{p}}', /an extended pattern/],
    ['a[ {{p}} ]=1', /brackets that are not closed/],
    ['a=( [ {{p}} ]=1 )', /brackets that are not closed/],
    ['cat <<$x {{p}}', /the delimiter of a here-document/],
    ['cat <<EOF\na\\\nEOF\n{{p}}\nEOF\n', /a here-document without a clear end/],
    ['x=$(cat <<EOF\nEOF)\n{{p}}\nEOF\n)', /a here-document without a clear end/],
    ['cat <<EOF "\n{{p}}"\nEOF', /between a here-document and its body/],
    ['x=$(cat <<EOF); echo {{p}}\nEOF', /a here-document without its body/],
    ['cat <<EOF\n$(\nEOF\necho {{p}}', /in a here-document/],
    ['echo `echo "`" {{p}}', /inside backquotes, which shells read differently/],
    ['echo a <\\\n<EOF\n{{p}}', /an operator continued/],
    ['echo <#a {{p}}', /a # after a redirection/],
    ['echo $\\\n(echo {{p}})', /a \$ at the end of a continued line/],
    ['echo ) {{p}}', /a closing parenthesis/],
    ['echo a (b) {{p}}', /an opening parenthesis/],
    ['x=$(case a in (esac) {{p}};; esac)', /esac as a pattern/],
    ['x=$(function f { case a in b) {{p}};; esac; }; f)', /case after a word that only some shells know/],
    ['coproc cat; echo {{p}}', /coproc/],
    [`${'$('.repeat(200)} {{p}}`, /deep nesting/],
  ] as const) {
    t.throws(() => parseTemplate(text, 'script'), { name: 'TemplateError', message: reason }, text);
    const before = parseTemplate(`echo {{q}}\n${text.replaceAll('{{p}}', '{{p | raw}}')}`, 'script');
    t.equal(before.parameters[0]?.context, 'bare', 'parameters before it are fine, raw ones anywhere');
  }
});

t.test('text that no shell can run', async (t) => {
  for (const [text, problem] of [
    ['echo {{p}} "abc', /1:12: the text has a double quote that is never closed/],
    ["echo {{p}} 'abc", /a single quote that is never closed/],
    ['echo "$(echo {{p}}"', /never closed|without its/],
    ['echo $(echo {{p}}', /\$\( without its \)/],
    ['echo {{p}} `abc', /a backquote/],
    ['echo {{p}} ${abc', /without its }/],
    ['(echo {{p}}', /a parenthesis without/],
    ['case {{p}} in a) ', /case without esac/],
    ['[[ {{p}} ', /\[\[ without ]]/],
    ['echo {{p}} \\', /a backslash at its end/],
    ['cat {{p}} <<EOF', /a here-document/],
  ] as const) {
    t.throws(() => parseTemplate(text, 'command'), { name: 'TemplateError', message: problem }, text);
    t.ok(parseTemplate(text.replace('{{p}}', '{{p | raw}}'), 'command'), 'raw is never refused');
  }
});

t.test('malformed placeholders', async (t) => {
  t.throws(() => parseTemplate('echo\n  {{a | html}}', 'command'), {
    message: /^2:3: {{a \| html}} has the unknown filter 'html'/,
    line: 2,
    column: 3,
    parameter: 'a',
  });
  t.throws(() => parseTemplate("cat <<'EOF'\n{{a b}}\nEOF", 'script'), { message: /^2:1: {{a b}} is no/ });
  t.throws(() => parseTemplate('$[1] {{a b}}', 'script'), { message: /^1:6: {{a b}} is no/ });
  t.throws(() => parseTemplate('#!/bin/python\n# {{a b}}', 'script'), { message: /^2:3: {{a b}} is no/ });
});

t.test('messages can be pasted into JSON', async (t) => {
  const texts = [
    '{{a | "\\x"}}',
    'bash "\\x" <<EOF\n{{a}}\nEOF',
    '#!/bin/a"\\b\n{{a}}',
    '"\\{{a}}"',
    '{{a "\\b}}',
  ];
  for (const text of texts) {
    try {
      parseTemplate(text, 'script');
      t.fail(`${text} was accepted`);
    } catch (error) {
      t.type(error, TemplateError);
      t.notMatch((error as TemplateError).message, /["\\\p{Cc}]/u);
    }
  }
});

t.test('scripts for other interpreters', async (t) => {
  const python = '#!/usr/bin/env python3\n';
  t.throws(() => parseTemplate(`${python}print({{p}})`, 'script'), {
    message: /^2:7: {{p}} stands in a script for python3.*{{p \| raw}}/,
  });
  t.match(parseTemplate(`${python}print({{p | raw}})`, 'script').parameters, [{ name: 'p', raw: true }]);
  t.throws(
    () => parseTemplate(`${python}# {{p}}`, 'script'),
    { message: /python3/ },
    'comments are not known',
  );
  t.throws(() => parseTemplate('#!/bin/{{s}}\necho', 'script'), { message: /^1:8: .*that is a parameter/ });
  t.throws(() => parseTemplate('#!/bin/{{s | raw}}\necho {{p}}', 'script'), { message: /^2:6: / });
  t.match(parseTemplate('#!/bin/{{s | raw}}\necho', 'script'), { parameters: [{ name: 's', raw: true }] });
  t.match(parseTemplate('#!/bin/bash -e\necho {{p}}', 'script'), { head: '#!/bin/bash -e\n' });
  t.match(parseTemplate('#!/bin/python3\necho {{p}}', 'command'), { head: '', parameters: [{ name: 'p' }] });
});

t.test('the names of the variables are reserved', async (t) => {
  t.throws(() => parseTemplate('echo {{p}}\nrigel_param_1=x', 'script'), { message: /^2:1: .*reserved/ });
  t.ok(parseTemplate('echo {{p | raw}} $rigel_param_1', 'script'));
});

t.test('the parsed form is plain data', async (t) => {
  const parsed = parseTemplate('#!/bin/sh\n# {{c}}\necho {{a}} {{b | raw}}\n', 'script');
  t.same(JSON.parse(JSON.stringify(parsed)), {
    language: 'script',
    accepted: false,
    head: '#!/bin/sh\n',
    parameters: [
      { name: 'a', raw: false, context: 'bare', integer: false, line: 3, column: 6 },
      { name: 'b', raw: true, context: 'verbatim', integer: false, line: 3, column: 12 },
    ],
    parts: ['# {{c}}\necho ', parsed.parameters[0], ' ', parsed.parameters[1], '\n'],
  });
});

t.test('a command of very many words is read in one go', async (t) => {
  // As many steps as words squared would take minutes, and the test would run into its time limit.
  const words = parseTemplate(
    `echo ${'word '.repeat(100_000)}{{p}}; sudo ${'echo '.repeat(50_000)}{{q}}`,
    'command',
  );
  t.match(words.parameters, [{ name: 'p' }, { name: 'q' }]);
});
