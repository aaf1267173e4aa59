import { systemClock } from '@rigel/clock';
import {
  beginVerification,
  type EventOwner,
  readVerification,
  type VerificationResult,
} from '@rigel/contracts';
import { databaseOptions, type Operations, type ServiceContext, sampled } from '@rigel/runtime';
import type { Kysely } from 'kysely';
import { KeptCheck } from '../checks/kept-check.js';
import { verifyInThread } from './verify-in-thread.js';

const LIMIT_MS = 3_600_000;
/** How often a service looks whether a verification is due. */
const LOOK_MS = 20_000;
const MINUTE_MS = 60_000;

interface Config {
  RIGEL_VERIFY_MINUTES: number;
}

/**
 * Serves the verification of a service's tables against its events, and begins one whenever it is due. The result is kept in the
 * service's schema, so that every replica tells the same.
 * @param options.thread the file that calls `runVerification` with the service's history.
 */
export function serveVerification(
  {
    config,
    bus,
    log,
    onShutdown,
  }: Pick<
    ServiceContext<Config & Parameters<typeof databaseOptions>[0]>,
    'config' | 'bus' | 'log' | 'onShutdown'
  >,
  operations: Operations,
  { service, db, thread }: { service: EventOwner; db: Kysely<unknown>; thread: URL },
): void {
  const { url } = databaseOptions(config);
  const clock = systemClock;
  const check = new KeptCheck<VerificationResult>({
    db,
    name: 'verification',
    limitMs: LIMIT_MS,
    clock,
    log,
    run: async (signal, progress) => {
      const result = await verifyInThread({ thread, databaseUrl: url, bus, signal, progress });
      if (result.differences > 0) {
        log.error(
          { differences: result.differences, first: result.found[0]?.text },
          'tables of this service differ from its events: see docs/history.md',
        );
      }
      return result;
    },
  });
  onShutdown('verification', () => check.stop());
  operations.serve(readVerification(service), () => check.read());
  operations.serve(beginVerification(service), async (_request, { actor }) => ({
    begun: await check.begin(actor),
  }));
  measure(check);
  const everyMs = config.RIGEL_VERIFY_MINUTES * MINUTE_MS;
  if (everyMs === 0) return;
  const beginIfDue = async (): Promise<void> => {
    const { running, last } = await check.read();
    // A verification that failed counts too: it is not repeated at once.
    if (!running && clock.now() - (last?.began ?? 0) >= everyMs) await check.begin('system');
  };
  const end = clock.every(LOOK_MS, () => {
    beginIfDue().catch((error: unknown) =>
      log.warn(
        { err: error },
        'the service could not read when it verified its tables last; it looks again in 20 s',
      ),
    );
  });
  onShutdown('times of verifications', end);
}

/** Tells the result of the last verification, whichever replica has done it. */
function measure(check: KeptCheck<VerificationResult>): void {
  sampled(
    {
      name: 'rigel_verification_differences',
      help: 'Number of differences between tables and events that the last verification of this service has found.',
    },
    async () => (await check.read()).last?.result?.differences ?? Number.NaN,
  );
  sampled(
    {
      name: 'rigel_verification_age_seconds',
      help: 'Age in seconds of the last verification of this service that was done.',
    },
    async () => {
      const { last } = await check.read();
      return last?.result ? (systemClock.now() - last.ended) / 1_000 : Number.NaN;
    },
  );
}
