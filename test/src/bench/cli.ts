import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@rigel/local';
import { startRig } from '../support/rig.js';
import { keep } from './cleanup.js';
import { type BenchReport, median, print } from './report.js';

/** Runs of each command line; they take turns. */
const ROUNDS = 15;

/**
 * How long the bundled command line takes, as multiples of an empty program of Node in the same seconds: what a person
 * waits for after Enter.
 */
export async function benchCli(args: string[]): Promise<BenchReport> {
  if (args.length > 0) throw new Error(`cli: it takes no ${args[0]}`);
  const folder = await mkdtemp(join(tmpdir(), 'rigel-bench-cli-'));
  const rig = await keep(startRig({ executors: 1, fastDatabase: true }));
  try {
    const bundle = spawnSync(process.execPath, [
      join(REPOSITORY_DIR, 'packages/cli/scripts/bundle.mjs'),
      folder,
    ]);
    if (bundle.status !== 0) throw new Error(`the bundle was not made: ${bundle.stderr}`);
    const rigel = join(folder, 'rigel.cjs');
    const commands: Record<string, string[]> = {
      empty: ['-e', '0'],
      version: [rigel, '--version'],
      list: [rigel, 'task', 'list'],
    };
    print(`cli: ${ROUNDS} rounds`);
    const env = { ...process.env, XDG_CONFIG_HOME: folder, RIGEL_URL: rig.stack.httpUrl };
    const times: Record<string, number[]> = { empty: [], version: [], list: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, line] of Object.entries(commands)) {
        const begun = performance.now();
        const { status, stderr } = spawnSync(process.execPath, line, { env });
        if (status !== 0) throw new Error(`${line.join(' ')} ended with ${status}: ${stderr}`);
        times[name]?.push(performance.now() - begun);
      }
    }
    const empty = median(times.empty ?? []);
    const figures = [
      { name: 'node -e 0', value: empty, unit: 'ms' },
      {
        name: 'rigel --version',
        value: median(times.version ?? []) / empty,
        unit: '× node -e 0',
        goal: { atMost: 1.5 },
      },
      {
        name: 'rigel task list',
        value: median(times.list ?? []) / empty,
        unit: '× node -e 0',
        goal: { atMost: 4 },
      },
    ];
    return { figures, skipped: [] };
  } finally {
    await rig.stop();
    await rm(folder, { recursive: true });
  }
}
