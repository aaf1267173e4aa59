/*
 * Names that look alike. All letters of a name are of one script (see `checkTokenName`). What remains: whole names of
 * another script that look like Latin ones, and the few letters and digits that look alike within Latin.
 */

/** Code points of letters and digits that look like a Latin letter or another digit. */
const LOOK_LIKE: Readonly<Record<string, string>> = {
  a: '0430 03b1 0251',
  b: '042c',
  c: '0441 03f2 1d04',
  d: '0501',
  e: '0435 04bd',
  g: '0261 0581',
  h: '04bb 0570',
  i: '0131 0269 0456 03b9',
  j: '0458 03f3',
  k: '0138 043a 03ba',
  // The digit one, the capital I, and strokes of other scripts.
  l: '0031 0049 0196 01c0 0399 0406 04c0 04cf 056c 05d5 05df 0627',
  m: '043c',
  n: '043f 03b7 0578 057c',
  // The digit zero, the capital O, and rings of other scripts.
  o: '0030 004f 041e 043e 039f 03bf 03c3 0555 0585 05e1 0647',
  p: '0440 03c1',
  q: '051b 0566',
  r: '0433',
  s: '0455',
  t: '0442 03c4',
  u: '03c5 057d',
  v: '0475 03bd 05d8',
  w: '0461 051d 0561',
  x: '0445 03c7',
  y: '0443 04af 03b3',
  z: '1d22',
  A: '0410 0391',
  B: '0412 0392',
  C: '0421 03f9',
  E: '0415 0395',
  H: '041d 0397',
  J: '0408',
  K: '041a 039a',
  M: '041c 039c',
  N: '039d',
  P: '0420 03a1',
  Q: '051a',
  S: '0405 054f',
  T: '0422 03a4',
  U: '054d',
  W: '051c',
  X: '0425 03a7',
  Y: '04ae 03a5',
  Z: '0396',
  '3': '01b7 0417 04e0',
  '6': '0431',
};

const BASE = new Map(
  Object.entries(LOOK_LIKE).flatMap(([base, others]) =>
    others.split(' ').map((other) => [String.fromCodePoint(Number.parseInt(other, 16)), base] as const),
  ),
);

/** Several letters that look like one. */
const TOGETHER: readonly (readonly [RegExp, string])[] = [
  [/rn/g, 'm'],
  [/vv/g, 'w'],
];

/** A key that is equal for names that look alike. It is no name itself. */
function shapeOf(name: string): string {
  const base = Array.from(name.normalize('NFC'), (character) => BASE.get(character) ?? character).join('');
  // After that: a capital I looks like l, and not like i.
  return TOGETHER.reduce((text, [several, one]) => text.replace(several, one), base.toLowerCase());
}

/** Whether a quick reader takes one name for the other. Capitals count as small letters. */
export function looksLike(one: string, other: string): boolean {
  return shapeOf(one) === shapeOf(other);
}
