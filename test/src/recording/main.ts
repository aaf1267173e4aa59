import { join } from 'node:path';
import { run as rigel, SERVICES } from '@rigel/database-cli';
import { REPOSITORY_DIR } from '@rigel/local';
import { allowSudo } from '@rigel/remote-attempt/testing';
import { loopbackNodes } from '../support/fleet.js';
import { type Rig, startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';
import { editCatalog, editInventory, editTokens, leaveOut, signInAndOut } from './fleet-edits.js';
import { growAndShrink } from './machines.js';
import { runTasks } from './runs.js';

/*
 * `pnpm record <release>`: small runs of the real system, and their events as recordings of this release.
 */
const [release, ...more] = process.argv.slice(2);
if (release === undefined || more.length > 0 || !/^\d+\.\d+\.\d+$/.test(release)) {
  process.stderr.write('pnpm record takes the release that the recordings are of, like 0.1.0\n');
  process.exit(2);
}
const print = (line: string) => void process.stdout.write(`${line}\n`);

const rig = await startRig({
  apart: true,
  executors: 1,
  env: { scheduler: { RIGEL_RETRY_DELAY: '0.5' }, executor: { RIGEL_STOP_GRACE: '1' } },
});
// For a command that cannot be ended: of another user, as only root can let it be.
const forbidSudo = await allowSudo(rig.sshd.user);
try {
  const nodes = loopbackNodes(9, rig.sshd.port);
  await editInventory(rig.api, nodes);
  await runTasks(rig, await editCatalog(rig.api), nodes);
  await growAndShrink(rig, 'greet');
  await editTokens(rig.api);
  await quiet();
  for (const service of SERVICES) await record(rig, service, 'small-runs');
} finally {
  forbidSudo();
  await rig.stop();
}
// Sessions are there only where access is on.
const guarded = await startRig({ executors: 1, env: { gateway: { RIGEL_ACCESS: 'on' } } });
try {
  const { token } = await createToken(guarded.stack.databaseUrl, 'root', 'admin');
  const api = guarded.client(`Bearer ${token}`);
  await signInAndOut(api, token);
  await leaveOut(api);
  await record(guarded, 'access', 'sessions');
  await record(guarded, 'scheduler', 'left-out');
} finally {
  await guarded.stop();
}

/** Writes the events of a service as a recording. */
async function record({ stack }: Rig, service: string, name: string): Promise<void> {
  const file = join(REPOSITORY_DIR, 'services', service, 'recordings', release ?? '', name);
  const status = await rigel(
    ['record', service, file],
    { DATABASE_URL: stack.databaseUrl },
    { out: print, note: print },
  );
  if (status !== 0) throw new Error(`the events of ${service} were not recorded`);
}

/** Waits until nothing is written any more. */
async function quiet(): Promise<void> {
  let last = '';
  for (let same = 0; same < 3; ) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const lines: string[] = [];
    await rigel(
      ['verify', '--json'],
      { DATABASE_URL: rig.stack.databaseUrl },
      { out: (line) => lines.push(line), note: print },
    );
    same = lines.join() === last ? same + 1 : 0;
    last = lines.join();
  }
  print(last.replaceAll(',{', '\n{'));
}
