import { relative } from 'node:path';
import { REPOSITORY_DIR } from '@rigel/local';
import { keepContracts } from './kept-releases.js';

/*
 * `pnpm keep-contracts <release>`: keeps the HTTP API and the NATS messages as those of a release. Later changes must be compatible
 * with them.
 */
const [release, ...more] = process.argv.slice(2);
if (release === undefined || more.length > 0 || !/^\d+\.\d+\.\d+$/.test(release)) {
  process.stderr.write('pnpm keep-contracts takes the release that is being made, like 0.1.0\n');
  process.exit(2);
}
for (const file of keepContracts(release)) process.stdout.write(`${relative(REPOSITORY_DIR, file)}\n`);
