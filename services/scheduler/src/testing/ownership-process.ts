import { setTimeout as sleep } from 'node:timers/promises';
import { silentLogger } from '@rigel/testing';
import { Ownership } from '../engine/ownership.js';

/** What a replica of the test tells: what it owns, and when it learned so or had given up the rest. Times are in ms. */
export interface OwnershipReport {
  partitions: number[];
  at: number;
  /** Giving up what is not among the partitions is done. */
  settled: boolean;
}

/** How long giving up takes here. */
const SETTLE_MS = 200;

const report = (partitions: ReadonlySet<number>, settled: boolean): void => {
  process.send?.({ partitions: [...partitions], at: Date.now(), settled } satisfies OwnershipReport);
};

const ownership = new Ownership({
  databaseUrl: process.env.DATABASE_URL ?? '',
  log: silentLogger,
  onChange: async (partitions) => {
    report(partitions, false);
    await sleep(SETTLE_MS);
    report(partitions, true);
  },
});
ownership.start();
process.on('SIGTERM', () => void ownership.stop().then(() => process.exit(0)));
// The process that started it is gone.
process.on('disconnect', () => process.exit(1));
