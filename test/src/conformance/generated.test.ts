import pg from 'pg';
import t from 'tap';
import { startRig } from '../support/rig.js';
import { endpoints } from './endpoints/index.js';
import { sendGenerated } from './generated.js';
import { ApiSender } from './http.js';
import { keptRows } from './kept-rows.js';
import { World } from './world.js';

const REQUESTS_EACH = 15;

t.test('generated requests: always the envelope, never a fault, no change after a refusal', async (t) => {
  const rig = await startRig({ executors: 1 });
  t.teardown(() => rig.stop());
  const sender = new ApiSender(new URL(rig.stack.httpUrl), { ca: rig.ca });
  const world = new World(sender);
  const database = new pg.Client({ connectionString: rig.stack.databaseUrl });
  await database.connect();
  t.teardown(() => database.end());
  const kept = () => keptRows(database);
  for (const spec of endpoints) {
    await t.resolves(sendGenerated(spec, { sender, world, kept, count: REQUESTS_EACH }), spec.id);
  }
});
