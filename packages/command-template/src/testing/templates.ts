// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shell text
import fc from 'fast-check';

type Tokens = fc.Arbitrary<string[]>;

const one = (...texts: string[]): Tokens => fc.constantFrom(...texts).map((text) => [text]);
const sequence = (...parts: (Tokens | string)[]): Tokens =>
  fc
    .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant([part]) : part)))
    .map((all) => all.flat());
const some = (part: Tokens, minLength: number, maxLength: number): Tokens =>
  fc.array(part, { minLength, maxLength }).map((all) => all.flat());

// After the rare ones, the parser refuses parameters; if they were common, it would accept no template.
const often = (common: string[], rare: string[]): Tokens =>
  fc.oneof({ weight: 30, arbitrary: one(...common) }, { weight: 1, arbitrary: one(...rare) });

const literal = one('a', 'b', '-', '=', '~', '{', '}', '#', '!', '\\#', '\\ ', '\\\\', "\\'", '\\"', '\\\n');
const inSingleQuotes = one(
  '{{p}}',
  'a',
  ' ',
  '"',
  '\\',
  '$,',
  '`',
  '\n',
  '#',
  '(',
  ')',
  '$(',
  '${',
  '<<EOF',
  '{',
);
const inDoubleQuotes = often(
  [
    ...[
      '{{p}}',
      '{{p}}',
      '{{p}}',
      'a',
      ' ',
      "'",
      '\\\\',
      '\\"',
      '\\$',
      '\\`',
      '\\a',
      "\\'",
      '\\\n',
      '\n',
      '#',
    ],
    ...['(', ')', '{', '}', '$x', '${x}', '${x:-a}', '${x#a}', '$((1+1))', '`show a`'],
  ],
  ['$,', "${x:-'}", '${x:-"a"}', '`show "a"`', '\\'],
);
const expansion = often(
  [
    '$x',
    '$#',
    '${x}',
    '${x:-a}',
    '${x#"b"}',
    '${x:-$(show a)}',
    '$((1+2))',
    '$(( (1) ))',
    '`show a`',
    "$'a'",
  ],
  ["${x:-'}'}", "$'\\''", '$"a"', '$,'],
);
const inHeredoc = often(
  [
    ...[
      '{{p}}',
      '{{p}}',
      '{{p}}',
      'a',
      "'",
      '"',
      '\\\\',
      ' ',
      '\t',
      '#',
      '(',
      ')',
      '\n',
      '\n',
      '\n\t',
      'EOF',
      'E',
    ],
    ...['$x', '${x}', '$((1+1))', '`show a`', '$(show {{p}})'],
  ],
  ['\\', '\\\n', "${x:-'}", '$(', '$(show "', 'EOF)'],
);

const depth = fc.createDepthIdentifier();
const { list } = fc.letrec<Record<'part' | 'word' | 'command' | 'list' | 'substitution', string[]>>(
  (tie) => ({
    part: fc.oneof(
      { depthIdentifier: depth, maxDepth: 3 },
      one('{{p}}'),
      literal,
      expansion,
      sequence("'", some(inSingleQuotes, 0, 4), "'"),
      sequence(
        '"',
        some(
          fc.oneof({ weight: 5, arbitrary: inDoubleQuotes }, { weight: 1, arbitrary: tie('substitution') }),
          0,
          4,
        ),
        '"',
      ),
      tie('substitution'),
    ),
    substitution: sequence(
      one('$(', '$( ', '$(\n'),
      tie('list'),
      often([')', ' )', '\n)', ' # )\n)'], ['# )\n)']),
    ),
    word: some(tie('part'), 1, 3),
    command: fc.oneof(
      { depthIdentifier: depth, maxDepth: 3 },
      sequence('show ', tie('word'), one(' ', '\t', ' \\\n'), tie('word')),
      sequence('show ', tie('word')),
      sequence('x=', tie('word'), '; show "$x"'),
      sequence('y=', tie('word'), ' show ', tie('word'), one('', ' </dev/null', ' 2>/dev/null')),
      sequence('(', tie('list'), ')'),
      sequence('( (', tie('list'), ') )'),
      sequence('{ ', tie('list'), '\n}'),
      sequence(
        'case ',
        tie('word'),
        one(' in ', '\nin\n'),
        one('', '('),
        often(['{{p}}', 'a', '*', 'a|b', "')'"], ['esac']),
        one(')', ' ) '),
        tie('list'),
        one(';;', '\n', ';; *) show {{p}};;', '\n;;\n(b) show {{p}};;'),
        ' esac',
      ),
      sequence('if ', tie('list'), '; then ', tie('list'), '; fi'),
      sequence('if (', tie('list'), ') then show {{p}}; fi'),
      sequence('for i in ', tie('word'), '; do ', tie('list'), '; done'),
      sequence('for case in a; do ', tie('list'), '; done'),
      // In braces, so that && skips the call with the definition: a call of an outer f would never end.
      sequence('{ f() { ', tie('list'), '; }; f ', tie('word'), '; }'),
      sequence('{ function f { ', tie('list'), '; }; f; }'),
      sequence(
        'cat ',
        often(['<<EOF', '<<-EOF', '<< EOF'], ['<< "EOF"', "<<'EOF'", '<<\\EOF', '<<$E', '<<E\\\nOF']),
      ).chain((operator) =>
        sequence(
          operator.join(''),
          one('', ' | cat', '; show {{p}}', ' && show "a\nb"'),
          '\n',
          some(inHeredoc, 0, 6),
          one('\n', '\n', ''),
          one('EOF\n', 'EOF\n', '\tEOF\n'),
        ),
      ),
      sequence('[ a = ', tie('word'), ' ]'),
      sequence('[[ a == ', tie('word'), ' ]]'),
      sequence('[[ a && ( {{p}} == ', tie('word'), ') ]] && show {{p}}'),
      sequence('a=(', tie('word'), ' ', tie('word'), ')'),
      sequence('a[1]=', tie('word')),
      sequence('cat <(', tie('list'), ')'),
      sequence('cat <<< ', tie('word')),
      one('show a # it\'s ) " {{p}}\n', 'show case in {{p}})', '(( 1 < 2 ))', 'eval show a', '! show {{p}}'),
      one('((show a); show {{p}})', 'case a in b) show {{p}};; esac', 'a[$(show {{p}})]=1', 'show >&2 {{p}}'),
    ),
    list: fc
      .tuple(
        tie('command'),
        fc.option(tie('command')),
        fc.constantFrom(';', '\n', ' && ', ' || ', ' | cat; '),
      )
      .map(([first, second, operator]) => (second ? [...first, operator, ...second] : first)),
  }),
);

const strayTokens = [
  ...[
    "'",
    '"',
    '`',
    '\\',
    '$,',
    '$(',
    '(',
    ')',
    '${',
    '}',
    '{',
    '$((',
    '((',
    '))',
    '#',
    ' #',
    '\n',
    ' ',
    ';',
    '|',
  ],
  ...[
    '<<EOF\n',
    '\nEOF\n',
    '<<',
    '<<<',
    '<(',
    'case x in ',
    'esac',
    ';;',
    'a)',
    ' in ',
    '{{p}}',
    "$'",
    '$"',
    '[',
  ],
  ...[
    '[[ ',
    ' ]]',
    'do ',
    'fi',
    '\t',
    '\\\n',
    '${x:-',
    '${x#',
    'x=',
    '=(',
    'a[',
    ']',
    '@(',
    'if ',
    'for ',
    '$[',
  ],
];

/**
 * Shell text with `{{p}}` in it, made of commands that do nothing but print their arguments with `show` and
 * `cat`; often with some tokens removed or added, so that it may be no correct shell text.
 */
export const shellTemplate: fc.Arbitrary<string> = fc
  .tuple(
    list,
    fc.option(
      fc.array(fc.tuple(fc.nat(), fc.nat(2), fc.constantFrom('', ...strayTokens)), { maxLength: 3 }),
      { nil: [] },
    ),
  )
  .map(([tokens, changes]) => {
    const changed = [...tokens];
    for (const [at, removed, added] of changes) changed.splice(at % (changed.length + 1), removed, added);
    const text = changed.join('');
    return text.includes('{{p}}') ? text : `${text}\nshow {{p}}`;
  });
