import { type Case, Matrix, product } from './matrix.js';

/*
 * `pnpm console-matrix [part/parts]`: opens every page in every state, theme, language and role. Ends with status 1 if one of them is
 * not sound.
 */

/** The part of the cases that `2/4` names. @throws Error that says what is wrong. */
function chosen(all: readonly Case[], part = '1/1'): Case[] {
  const [, n, of] = /^([1-9]\d?)\/([1-9]\d?)$/.exec(part) ?? [];
  if (n === undefined || Number(n) > Number(of))
    throw new Error(`${part} is no part: write 2/4 for the second of four`);
  return all.filter((_, index) => index % Number(of) === Number(n) - 1);
}

const cases = chosen(product(), process.argv[2]);
const matrix = await Matrix.start();
let wrong = 0;
try {
  for (const one of cases) {
    const found = await matrix.open(one).catch((error: Error) => [error.message]);
    if (found.length === 0) continue;
    wrong++;
    process.stdout.write(`${JSON.stringify(one)}\n${found.map((line) => `  ${line}\n`).join('')}`);
  }
} finally {
  await matrix.stop();
}
process.stdout.write(`${cases.length} openings, ${wrong} not sound\n`);
process.exitCode = wrong > 0 ? 1 : 0;
