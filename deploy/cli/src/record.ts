import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { EventOwner } from '@rigel/contracts';
import { readOutcome, recordingLines } from '@rigel/event-store/maintenance';
import { HISTORIES, withDatabases } from './databases.js';
import type { Output } from './output.js';

/** Writes a service's events, and the tables and states that follow from them, to two files. The service should be idle meanwhile. */
export async function record(
  { service, file }: { service: EventOwner; file: string },
  env: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  await withDatabases(env, async (open) => {
    const db = await open(service);
    await mkdir(dirname(file), { recursive: true });
    const stream = createWriteStream(`${file}.jsonl`);
    let events = 0;
    for await (const line of recordingLines(db)) {
      events++;
      if (!stream.write(line)) await once(stream, 'drain');
    }
    stream.end();
    await once(stream, 'finish');
    const outcome = await readOutcome(db, HISTORIES[service]);
    await writeFile(`${file}.expected.json`, `${JSON.stringify(outcome, undefined, 1)}\n`);
    output.out(`${service}: ${events} events in ${file}.jsonl`);
  });
  return 0;
}
