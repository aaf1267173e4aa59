import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/*
 * Loaded into the services by `node --import` where memory is measured. On SIGUSR2 it collects garbage and writes what
 * is alive then, so that what the process needs is told apart from what V8 has not cleaned up yet.
 */

/** Environment variable: folder that the probe writes `<pid>.json` into. */
export const HEAP_DIR = 'RIGEL_BENCH_HEAP_DIR';

const folder = process.env[HEAP_DIR];
if (folder !== undefined) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  process.on('SIGUSR2', () => {
    collect();
    const file = join(folder, `${process.pid}.json`);
    writeFileSync(`${file}.new`, JSON.stringify(process.memoryUsage()));
    renameSync(`${file}.new`, file);
  });
}
