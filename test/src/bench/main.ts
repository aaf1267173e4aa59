import { benchEngine } from './engine.js';
import { benchSsh } from './ssh.js';

const benches: Record<string, (args: string[]) => Promise<void>> = { ssh: benchSsh, engine: benchEngine };

const [name, ...args] = process.argv.slice(2);
const chosen = name === undefined ? Object.keys(benches) : [name];
for (const bench of chosen) {
  const run = benches[bench];
  if (!run) {
    process.stderr.write(`there is no benchmark ${bench}; there are: ${Object.keys(benches).join(', ')}\n`);
    process.exit(1);
  }
  await run(args);
}
