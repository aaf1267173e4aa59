import { access, writeFile } from 'node:fs/promises';
import { stopOnSignals } from './cleanup.js';
import { benchCli } from './cli.js';
import { benchConsole } from './console.js';
import { benchEngine } from './engine.js';
import { benchExecutors } from './executors.js';
import { benchFlat } from './flat.js';
import { foldBenchmark } from './fold.js';
import { benchFootprint } from './footprint.js';
import { benchHttp } from './http/http.js';
import { describe, thisMachine } from './machine.js';
import { benchRecovery } from './recovery.js';
import { type BenchReport, print, reached, table } from './report.js';
import { benchRunCommand } from './run-command.js';
import { benchSsh } from './ssh.js';

/** Exit statuses beside 0: something went wrong, or was left out. */
const FAILED = 1;
const INCOMPLETE = 2;

/** Gets what stands on the command line after its name. */
type Bench = (args: string[]) => Promise<BenchReport>;

const benches: Record<string, Bench> = {
  ssh: benchSsh,
  engine: benchEngine,
  flat: benchFlat,
  recovery: benchRecovery,
  executors: benchExecutors,
  fold: foldBenchmark,
  footprint: benchFootprint,
  http: benchHttp,
  console: benchConsole,
  run: benchRunCommand,
  cli: benchCli,
};

const USAGE = `usage: pnpm bench [${Object.keys(benches).join(' | ')}] [number of nodes] [--json file]`;

function readArguments(): { chosen: string[]; args: string[]; jsonFile: string | undefined } {
  const [name, ...args] = process.argv.slice(2);
  const all = name === undefined || name.startsWith('--');
  if (all && name !== undefined) args.unshift(name);
  if (!all && !(name in benches)) throw new Error(`there is no benchmark ${name}; ${USAGE}`);
  let jsonFile: string | undefined;
  const json = args.indexOf('--json');
  if (json >= 0) {
    [, jsonFile] = args.splice(json, 2);
    if (jsonFile === undefined) throw new Error(`--json names no file; ${USAGE}`);
  }
  if (all && args.length > 0) throw new Error(`${args[0]} is for one benchmark, and none is named; ${USAGE}`);
  return { chosen: all ? Object.keys(benches) : [name], args, jsonFile };
}

async function main(): Promise<number> {
  let read: ReturnType<typeof readArguments>;
  try {
    read = readArguments();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return FAILED;
  }
  const hasProc = await access('/proc/self/stat').then(
    () => true,
    () => false,
  );
  if (!hasProc) {
    process.stderr.write('benchmarks need Linux: they read what processes use from /proc\n');
    return FAILED;
  }
  stopOnSignals();
  const machine = thisMachine();
  print(`on ${describe(machine)}\n`);
  const reports = new Map<string, BenchReport>();
  const failed: string[] = [];
  for (const name of read.chosen) {
    try {
      const report = await benches[name]?.(read.args);
      if (report) reports.set(name, report);
    } catch (error) {
      failed.push(name);
      process.stderr.write(`${name} failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    }
    print();
  }
  for (const line of table(reports)) print(line);
  const skipped = [...reports].flatMap(([name, report]) => report.skipped.map((why) => `${name}: ${why}`));
  for (const line of skipped) print(`left out: ${line}`);
  if (read.jsonFile !== undefined) {
    const results = [...reports].map(([bench, { figures, skipped }]) => ({
      bench,
      figures: figures.map((figure) => ({ ...figure, reached: reached(figure) })),
      skipped,
    }));
    await writeFile(
      read.jsonFile,
      `${JSON.stringify({ at: new Date().toISOString(), machine, results, failed }, null, 2)}\n`,
    );
    print(`written to ${read.jsonFile}`);
  }
  if (failed.length > 0) return FAILED;
  return skipped.length > 0 ? INCOMPLETE : 0;
}

process.exitCode = await main();
