import t from 'tap';
import { type Case, Matrix, pairs, product } from './matrix.js';

/** Openings that fit into the time of a run for every commit. */
const MOST = 150;

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
  const matrix = await Matrix.start();
  t.teardown(() => matrix.stop());
  for (const one of cases) t.strictSame(await matrix.open(one), [], JSON.stringify(one));
});
