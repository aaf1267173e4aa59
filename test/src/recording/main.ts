import { join } from 'node:path';
import { run as rigel, SERVICES } from '@rigel/cli';
import { REPOSITORY_DIR } from '@rigel/local';
import { allowSudo } from '@rigel/remote-attempt/testing';
import { loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';
import { editCatalog, editInventory, editTokens, signInAndOut } from './fleet-edits.js';
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
  env: {
    gateway: { RIGEL_ACCESS: 'on', RIGEL_HTTP_RATE_LIMIT: '0' },
    scheduler: { RIGEL_RETRY_DELAY: '0.5' },
    executor: { RIGEL_STOP_GRACE: '1' },
  },
});
const { token } = await createToken(rig.stack.databaseUrl, 'root', 'admin');
const asAdmin = { ...rig, api: rig.client(`Bearer ${token}`) };
// For a command that cannot be ended: of another user, as only root can let it be.
const forbidSudo = await allowSudo(rig.sshd.user);
try {
  const nodes = loopbackNodes(9, rig.sshd.port);
  await editInventory(asAdmin.api, nodes);
  await runTasks(asAdmin, await editCatalog(asAdmin.api), nodes);
  await growAndShrink(asAdmin, 'greet');
  await editTokens(asAdmin.api);
  await signInAndOut(asAdmin.api, token);
  await quiet();
  for (const service of SERVICES) {
    const file = join(REPOSITORY_DIR, 'services', service, 'recordings', release, 'small-runs');
    const status = await rigel(
      ['record', service, file],
      { DATABASE_URL: rig.stack.databaseUrl },
      { out: print, note: print },
    );
    if (status !== 0) throw new Error(`the events of ${service} were not recorded`);
  }
} finally {
  forbidSudo();
  await rig.stop();
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
