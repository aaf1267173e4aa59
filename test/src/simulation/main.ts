import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { DEFECTS, type Defect } from './defects.js';
import { runSeeds } from './run-seeds.js';

/* pnpm simulate: see CONTRIBUTING.md. */

const USAGE = `Simulates scheduler, executors, network, store and nodes while everything goes wrong, and checks the promises.
  pnpm simulate [--seeds <count>] [--from <seed>]   simulate so many seeds (1000) beginning with one (1)
  pnpm simulate --seed <seed>                       tell the story of one seed
  pnpm simulate --defects [<name>]                  put known faults back into the code, and see that each is found
  --jobs <count>                                    processes that simulate (one for each processor)`;

/** Seeds that a defect may take to be found. */
const DEFECT_SEEDS = 1_000;

function wrong(message: string): never {
  console.error(`${message}\n\n${USAGE}`);
  process.exit(2);
}

function wholeNumber(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    wrong(`--${name} must be a whole number from 1, not '${text}'`);
  return value;
}

function* range(from: number, count: number): Generator<number> {
  for (let seed = from; seed < from + count; seed++) yield seed;
}

async function story(seed: number): Promise<boolean> {
  let kept = false;
  await runSeeds({
    seeds: [seed],
    jobs: 1,
    trace: true,
    onResult: ({ trace, violation, events, simulatedMs, fingerprint }) => {
      for (const line of trace) console.log(line);
      kept = violation === undefined;
      console.log(`\nseed ${seed}: ${violation ?? 'every promise was kept'}`);
      console.log(
        `${events} events in ${Math.round(simulatedMs / 1_000)} simulated seconds, fingerprint ${fingerprint}`,
      );
      return true;
    },
  });
  return kept;
}

async function many(from: number, count: number, jobs: number): Promise<boolean> {
  const startedAt = Date.now();
  let broken = 0;
  let events = 0;
  let simulatedMs = 0;
  await runSeeds({
    seeds: range(from, count),
    jobs,
    onResult: (result) => {
      events += result.events;
      simulatedMs += result.simulatedMs;
      if (result.violation !== undefined) {
        broken++;
        console.log(`seed ${result.seed}: ${result.violation}`);
      }
      return true;
    },
  });
  const seconds = (Date.now() - startedAt) / 1_000;
  console.log(
    `${count} seeds, ${events} events, ${Math.round(simulatedMs / 3_600_000)} simulated hours in ${seconds.toFixed(0)} s: ${
      broken === 0 ? 'every promise was kept' : `a promise was broken in ${broken}`
    }`,
  );
  return broken === 0;
}

async function find(defect: Defect, jobs: number): Promise<boolean> {
  let tried = 0;
  let found = '';
  await runSeeds({
    seeds: range(1, DEFECT_SEEDS),
    jobs,
    defect,
    onResult: ({ seed, violation }) => {
      tried++;
      if (violation !== undefined) found = `seed ${seed}: ${violation}`;
      return found === '';
    },
  });
  console.log(`${defect.name} (${defect.why}): ${found || 'NOT FOUND'} [${tried} seeds]`);
  return found !== '';
}

async function defects(names: readonly string[], jobs: number): Promise<boolean> {
  const unknown = names.find((name) => !DEFECTS.some((defect) => defect.name === name));
  if (unknown !== undefined)
    wrong(`there is no defect '${unknown}'; there are ${DEFECTS.map((d) => d.name).join(', ')}`);
  let all = true;
  for (const defect of DEFECTS) {
    if (names.length === 0 || names.includes(defect.name)) all = (await find(defect, jobs)) && all;
  }
  return all;
}

async function main(): Promise<boolean> {
  let args: ReturnType<typeof parse>;
  try {
    args = parse();
  } catch (error) {
    wrong((error as Error).message);
  }
  const { values, positionals } = args;
  if (values.help) {
    console.log(USAGE);
    return true;
  }
  const jobs = wholeNumber('jobs', values.jobs, availableParallelism());
  if (values.defects) return defects(positionals, jobs);
  if (positionals.length > 0) wrong(`'${positionals[0]}' is not understood`);
  if (values.seed !== undefined) return story(wholeNumber('seed', values.seed, 1));
  return many(wholeNumber('from', values.from, 1), wholeNumber('seeds', values.seeds, 1_000), jobs);
}

function parse() {
  return parseArgs({
    allowPositionals: true,
    options: {
      seeds: { type: 'string' },
      from: { type: 'string' },
      seed: { type: 'string' },
      jobs: { type: 'string' },
      defects: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
}

process.exitCode = (await main()) ? 0 : 1;
