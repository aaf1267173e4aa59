import { accessSettings, verificationSettings } from '@rigel/contracts';
import { measureConsumers, openAnswers, openHistory, serveHistoryState } from '@rigel/event-store';
import { serveVerification } from '@rigel/event-store/verification';
import { DatabaseConfig, Operations, type ServiceContext, serveHealth } from '@rigel/runtime';
import { checkDatabase } from '@rigel/runtime/database';
import { type Static, Type } from 'typebox';
import { followHistories } from './audit/follow.js';
import { serveAudit } from './audit/handlers.js';
import { startRetention } from './audit/retention.js';
import { eventTypes } from './event-types.js';
import { migrations } from './migrations/index.js';
import { startEnding } from './session/ending.js';
import { serveSessions } from './session/handlers.js';
import type { AccessTables } from './tables.js';
import { serveTokens } from './token/handlers.js';

export const AccessConfig = Type.Object({
  ...DatabaseConfig.properties,
  ...accessSettings,
  ...verificationSettings,
});

/**
 * Starts the access service: API tokens, sessions of the web console, and the audit of what every service was made to do,
 * in the schema `access`.
 */
export async function startAccess(context: ServiceContext<Static<typeof AccessConfig>>): Promise<void> {
  const { config, log, bus, onShutdown } = context;
  const { db, untyped, relay } = await openHistory<AccessTables>(context, {
    owner: 'access',
    migrations,
    types: eventTypes,
  });

  const followers = followHistories({ db: untyped, bus, log });
  measureConsumers(followers);
  onShutdown('events of the services', async () => {
    await Promise.all(followers.map((follower) => follower.stop()));
  });
  const retention = startRetention(db, { days: config.RIGEL_ACCESS_AUDIT_DAYS, log });
  onShutdown('audit retention', () => retention.stop());

  const ending = startEnding(db, { relay, log });
  onShutdown('ends of sessions', () => ending.stop());

  const answers = openAnswers({ untyped, log, onShutdown });
  const operations = new Operations(bus, log, answers);
  serveTokens(operations, { db, relay, log });
  serveSessions(operations, { db, relay, log });
  serveAudit(operations, { db, followers });
  serveHistoryState(operations, 'access', untyped, followers);
  serveVerification(context, operations, {
    service: 'access',
    db: untyped,
    thread: new URL('./verify-thread.js', import.meta.url),
  });
  onShutdown('operations', () => operations.stop());

  serveHealth(context, 'access', {
    database: () => checkDatabase(untyped),
    nats: async () => ((await bus.isConnected()) ? 'ok' : 'NATS does not answer'),
  });
}
