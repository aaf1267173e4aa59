import t from 'tap';
import { runChaos } from '../chaos/chaos.js';

t.test('a short chaos: whatever is killed, frozen or cut, everything is right afterwards', async (t) => {
  const lines: string[] = [];
  const results = await runChaos(
    { rounds: 1, seed: 1, nodes: 20, minutes: 5, stopEvery: 0 },
    (line) => lines.push(line),
    { mostFaultsMs: 30_000 },
  );
  t.comment(lines.join('\n'));
  t.equal(results.length, 1);
  t.same(results[0]?.problems, []);
});
