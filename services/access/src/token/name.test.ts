import t from 'tap';
import { looksLike } from './look-alikes.js';
import { checkTokenName } from './name.js';

t.test('names that are fine, and how they are kept', async (t) => {
  for (const name of [
    'ci',
    'ann.bell@example.com',
    'ci:deploy-2+eu_west',
    'Jürgen Łukasz Ørsted',
    'Nguyễn Thị Ánh',
    '张伟',
    '张伟 dev 2',
    'dev-佐藤ユーザー',
    '김민수 ops',
    'Анна Петрова',
    'Ελένη',
    'विजय',
    'สมชาย',
    'יעל',
    'محمد',
    '007',
  ])
    t.equal(checkTokenName(name), name.normalize('NFC'));
  t.equal(checkTokenName(' ci '), 'ci');
  t.equal(checkTokenName('Ju\u0308rgen'), 'J\u00fcrgen', 'one letter, however it was written');
});

t.test('what no name may have is named with its code point', async (t) => {
  const wrong: [name: string, RegExp][] = [
    ['ann\u202e', /U\+202E, which no name may have/],
    ['\u2066ann', /U\+2066/],
    ['an\u200bn', /U\+200B/],
    ['an\u200dn', /U\+200D/],
    ['an\u00adn', /U\+00AD/],
    ['a\u061cnn', /U\+061C/],
    ['ann\ufe0f', /U\+FE0F/],
    ['ann\u3164', /U\+3164/],
    ['ann\u2800', /U\+2800/],
    ['an\x1b[31mn', /U\+001B/],
    ['an\nn', /U\+000A/],
    ['an\x9bn', /U\+009B/],
    ['an\u00a0n', /U\+00A0/],
    ['an\u2003n', /U\+2003/],
    ['ann\u0301\u0301', /U\+0301/],
    ['ann\u0378', /U\+0378/],
    ['ann\ue000', /U\+E000/],
    ['\u{e0061}nn', /U\+E0061/],
    ['ann🚀', /U\+1F680 \(🚀\)/],
    ['ann|bob', /U\+007C \(\|\)/],
    ['rigel (root)', /U\+0028/],
    ['<b>', /U\+003C/],
    ['ann٢', /U\+0662/],
    ['ａnn', /U\+FF41/],
    ['𝐚nn', /U\+1D41A/],
    ['ⓐnn', /U\+24D0/],
    ['ſam', /U\+017F/],
    ['ﬁona', /U\+FB01/],
    ['\u16a0', /U\+16A0/],
    ['ann  bell', /two spaces/],
    ['\u0430nn', /U\+006E \(n\), a letter of the script Latin beside letters of Cyrillic/],
    ['\u0440aypal', /script Latin beside letters of Cyrillic/],
    ['ann\u03bf', /U\+03BF \(\u03bf\), a letter of the script Greek beside letters of Latin/],
    ['张伟\u0430', /Cyrillic beside letters of East Asian/],
    ['张 ann \u0430', /Cyrillic/],
    ['ann 张 \u0430', /Cyrillic/],
  ];
  for (const [name, message] of wrong)
    t.throws(() => checkTokenName(name), { code: 'invalid', field: 'name', message }, JSON.stringify(name));
});

t.test('nobody is named like a part of the system', async (t) => {
  for (const name of ['scheduler', 'INVENTORY', 'schedu1er', 'scheduIer', 'Iive', 'cr0ntab', 'ѕуѕтем'])
    t.throws(() => checkTokenName(name), { code: 'invalid', message: /one of the system itself/ }, name);
});

t.test('names that look the same', async (t) => {
  for (const [one, other] of [
    ['ann', 'Ann'],
    ['ali', 'aIi'],
    ['ali', 'a1i'],
    ['root', 'r00t'],
    ['corner', 'comer'],
    ['vvorker', 'worker'],
    ['coxa', '\u0441\u043e\u0445\u0430'],
    ['TOM', '\u0422\u041e\u041c'],
    ['KATE', '\u039a\u0391\u03a4\u0395'],
    ['onu', '\u0585\u0578\u057d'],
  ] as const)
    t.ok(looksLike(one, other), `${one} ${other}`);
  for (const [one, other] of [
    ['ann', 'anne'],
    ['ci-1', 'ci-2'],
    ['ci-1', 'ci-11'],
    ['Анна', 'Anna'],
    ['张伟', '张炜'],
    ['igor', 'lgor'],
  ] as const)
    t.notOk(looksLike(one, other), `${one} ${other}`);
});
