// A process that runs DBOS workflows of three steps that do nothing. Told by its parent, over the IPC channel, how many
// to run and how many at once; answers when all are done.
import { DBOS } from '@dbos-inc/dbos-sdk';

const { DATABASE_URL, POOL_SIZE } = process.env;

const nothing = async () => {};
const run = DBOS.registerWorkflow(
  async () => {
    for (const name of ['a', 'b', 'c']) await DBOS.runStep(nothing, { name });
  },
  { name: 'three-steps' },
);

DBOS.setConfig({
  name: 'rigel-bench',
  systemDatabaseUrl: DATABASE_URL,
  systemDatabasePoolSize: Number(POOL_SIZE),
  logLevel: 'error',
});
await DBOS.launch();

process.on('disconnect', () => process.exit(0));
process.on('message', async ({ count, atOnce }) => {
  let left = count;
  const lane = async () => {
    while (left-- > 0) await run();
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, lane));
    process.send({ done: count });
  } catch (error) {
    process.send({ error: String(error) });
  }
});
process.send({ ready: true });
