import { availableParallelism } from 'node:os';
import t from 'tap';
import { eachAtOnce } from '../support/each-at-once.js';
import { DEFECTS } from './defects.js';
import { runSeeds } from './run-seeds.js';
import { simulate } from './simulate.js';

/** For every commit; each night 10,000 are simulated, as CONTRIBUTING.md says. */
const SEEDS = 300;
/** Seeds that a defect may take to be found. */
const DEFECT_SEEDS = 1_000;

function* seeds(count: number): Generator<number> {
  for (let seed = 1; seed <= count; seed++) yield seed;
}

t.test('a seed tells the same story each time', async (t) => {
  for (const seed of [3, 21, 149]) {
    const first = await simulate(seed, { trace: true });
    const second = await simulate(seed, { trace: true });
    t.same(second.trace, first.trace);
    t.equal(second.fingerprint, first.fingerprint);
    t.ok(first.events > 0);
  }
  t.not((await simulate(3)).fingerprint, (await simulate(4)).fingerprint);
});

t.test('whatever goes wrong, every promise is kept', async (t) => {
  const broken: string[] = [];
  // Also where defects are found: without them there must be nothing to find.
  const all = new Set([...seeds(SEEDS), ...DEFECTS.map(({ foundBy }) => foundBy)]);
  let count = 0;
  await runSeeds({
    seeds: all,
    jobs: availableParallelism(),
    onResult: ({ seed, violation }) => {
      count++;
      if (violation !== undefined) broken.push(`seed ${seed}: ${violation}`);
      return true;
    },
  });
  t.same(broken, []);
  t.equal(count, all.size);
});

t.test('a defect that is put back is found', async (t) => {
  // A process of its own for each: it has the defect in its code.
  await eachAtOnce(DEFECTS, availableParallelism(), async (defect) => {
    let found: string | undefined;
    await runSeeds({
      seeds: [defect.foundBy, ...seeds(DEFECT_SEEDS)],
      jobs: 1,
      defect,
      onResult: ({ violation }) => {
        found ??= violation;
        return found === undefined;
      },
    });
    t.type(found, 'string', `${defect.name}: ${defect.why}`);
  });
});
