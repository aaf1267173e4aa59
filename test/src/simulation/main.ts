import { simulate } from './simulate.js';

const from = Number(process.argv[2] ?? 1);
const count = Number(process.argv[3] ?? 10);
const t0 = process.hrtime.bigint();
let bad = 0;
let steps = 0;
let ev = 0;
for (let seed = from; seed < from + count; seed++) {
  const r = await simulate(seed, { trace: count === 1 });
  if (count === 1) console.log(r.trace.join('\n'));
  steps += r.steps;
  ev += r.events;
  if (r.violation) {
    bad++;
    console.log(seed, r.violation);
  }
  if (count === 1) console.log(r.fingerprint, r.simulatedMs);
}
console.log({ bad, steps, ev, ms: Number(process.hrtime.bigint() - t0) / 1e6 });
