import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { lastErrorLine } from './last-error-line.js';

t.test('the last error of a log is found', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'rigel-log-'));
  t.teardown(() => rm(dir, { recursive: true }));
  const file = join(dir, 'log');
  const last = async (lines: string[], start?: number) => {
    await writeFile(file, lines.map((line) => `${line}\n`).join(''));
    return lastErrorLine(file, start);
  };
  const entry = (level: number, msg: string, err?: string) =>
    JSON.stringify({ level, msg, ...(err === undefined ? {} : { err: { message: err } }) });

  t.equal(await lastErrorLine(join(dir, 'none')), undefined);
  t.equal(await last([]), undefined);
  t.equal(await last([entry(50, 'one'), entry(60, 'two', 'no table'), entry(40, 'three')]), 'two: no table');
  t.equal(await last([entry(50, 'same', 'same'), '{"level":50,"msg":"half']), 'same');
  t.equal(await last([entry(30, 'only this')]), 'only this');
  t.equal(await last(['x', '2026-01-01 UTC [7] FATAL:  no room', 'y']), '2026-01-01 UTC [7] FATAL:  no room');
  t.equal(await last(['[7] [ERR] bad', '[7] [INF] good']), '[7] [ERR] bad');
  const old = entry(50, 'of an earlier run');
  t.equal(await last([old, entry(30, 'fine')], old.length + 1), 'fine');
});
