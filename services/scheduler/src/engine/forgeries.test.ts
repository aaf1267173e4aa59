import { silentLogger } from '@rigel/testing';
import t from 'tap';
import { Forgeries } from './forgeries.js';

t.test(
  'each name is told of once a minute, made-up ones do not flood the log, and the rest is counted',
  async (t) => {
    let now = 1_000_000;
    const lines: { executor?: string; refused: unknown }[] = [];
    const log = {
      ...silentLogger,
      error: (data: never) => lines.push(data),
    } as unknown as typeof silentLogger;
    const forgeries = new Forgeries({ now: () => now }, log);
    for (let n = 0; n < 100; n++) forgeries.refused('executor-1', `report ${n}`);
    forgeries.refused('executor-2', 'a heartbeat');
    t.same(lines, [
      { executor: 'executor-1', refused: 'report 0' },
      { executor: 'executor-2', refused: 'a heartbeat' },
    ]);
    for (let n = 0; n < 1_000; n++) forgeries.refused(`made-up-${n}`, 'a heartbeat');
    t.equal(lines.length, 20);
    lines.length = 0;
    now += 60_000;
    forgeries.refused('executor-1', 'report 100');
    t.same(lines, [{ refused: 99 + 982 }, { executor: 'executor-1', refused: 'report 100' }]);
  },
);
