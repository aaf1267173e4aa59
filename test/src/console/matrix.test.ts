import t from 'tap';
import { type Case, Matrix, pairs, product } from './matrix.js';

/** Openings that fit into the time of a run for every commit. */
const MOST = 150;

const matrix = await Matrix.start();
t.teardown(() => matrix.stop());

t.test('every page in every state is sound, with themes, languages, roles and widths in turns', async (t) => {
  const cases = pairs();
  t.ok(cases.length <= MOST, `${cases.length} openings`);
  const parts = (all: readonly Case[]) =>
    [
      ...new Set(
        all.flatMap(({ page, state, theme, language, role }) => [page, state, theme, language, role]),
      ),
    ].sort();
  t.strictSame(parts(cases), parts(product()), 'each page, state, theme, language and role is there');
  for (const one of cases) t.strictSame(await matrix.open(one), [], JSON.stringify(one));
});

t.test('texts that are 40 % longer fit, and every text is in a catalogue', async (t) => {
  for (const name of Matrix.read) t.strictSame(await matrix.read(name), [], name);
});
