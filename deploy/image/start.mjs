// Starts one part of Rigel in this process, so that signals reach it: `start.mjs <service>` or `start.mjs rigel <command>`.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const [part = '', ...args] = process.argv.slice(2);
const parts = readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);
const main = join(folder, part, 'dist', 'main.js');
if (!parts.includes(part) || !existsSync(main)) {
  process.stderr.write(
    `rigel: there is no part ${part || '(none given)'}; there are ${parts.sort().join(', ')}\n`,
  );
  process.exit(2);
}
process.argv.splice(1, 2, main);
if (part !== 'rigel' && args.length > 0) {
  process.stderr.write(`rigel: ${part} takes no ${args[0]}: its settings are in the environment\n`);
  process.exit(2);
}
await import(pathToFileURL(main).href);
