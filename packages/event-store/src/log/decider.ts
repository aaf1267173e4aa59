import { ServiceError, show } from '@rigel/contracts';
import type { Kysely, Transaction } from 'kysely';
import { type EventMeta, type NewEvent, type RecordedEvent, VersionConflict } from './event.js';
import { append, isDatabaseError, lockHistory, type MetaAppend, readStreams } from './event-store.js';
import type { EventTypes } from './event-types.js';

/**
 * The rules of one kind of thing. Both functions are pure: no I/O, no clock, no randomness. Times and ids come with the
 * command, so the same history always gives the same state.
 */
export interface Decider<State, Command, E extends NewEvent> {
  /** State before the first event. */
  initial: State;
  /** The events that follow from a command. @throws ServiceError if a rule forbids it; nothing is recorded then. */
  decide: (command: Command, state: State) => E[];
  /** The state after a recorded event. It never refuses one. */
  evolve: (state: State, event: E) => State;
}

/** Applies recorded events to the read tables, in the transaction that records them. */
export type Project = (trx: Transaction<unknown>, events: readonly RecordedEvent[]) => Promise<void>;

const MAX_TRIES = 5;

function isRetryable(error: unknown): boolean {
  // 40001 serialization failure, 40P01 deadlock: PostgreSQL asks to try the transaction again.
  return (
    error instanceof VersionConflict ||
    (isDatabaseError(error) && (error.code === '40P01' || error.code === '40001'))
  );
}

/** A command on the thing of a stream. */
export interface StreamCommand<Command> {
  stream: string;
  command: Command;
  /** The version that the caller made the command from; absent: the command holds for every version. */
  ifVersion?: number | undefined;
}

/** @throws ServiceError `conflict` (field `if_version`), which names who changed the thing and when. */
function assertVersion(
  stream: string,
  history: readonly RecordedEvent[],
  ifVersion: number | undefined,
): void {
  if (ifVersion === undefined || ifVersion === history.length) return;
  const last = history.at(-1);
  const by = last
    ? `: ${show(last.meta.actor)} changed it at ${new Date(last.recordedAt).toISOString()}`
    : '';
  throw new ServiceError(
    'version_changed',
    `if_version is ${ifVersion}, but ${stream.replace('-', ' ')} has version ${history.length} now${by}; read it again`,
    'if_version',
    {
      value: ifVersion,
      data: {
        version: history.length,
        by: last?.meta.actor ?? null,
        at: last?.recordedAt ?? null,
      },
    },
  );
}

/**
 * Folds the stream of each command, and decides.
 * @returns the events to append.
 * @throws ServiceError what a rule forbids; `conflict` (field `if_version`): the thing has another version.
 */
export async function decideOn<State, Command, E extends NewEvent>(
  reader: Kysely<unknown>,
  decider: Decider<State, Command, E>,
  commands: readonly StreamCommand<Command>[],
  { types, meta }: { types: EventTypes; meta: EventMeta },
): Promise<MetaAppend<E>[]> {
  const histories = await readStreams<E>(
    reader,
    types,
    commands.map(({ stream }) => stream),
  );
  return commands.map(({ stream, command, ifVersion }) => {
    const history = histories.get(stream) ?? [];
    const state = history.reduce(
      (s, { type, data }) => decider.evolve(s, { type, data } as E),
      decider.initial,
    );
    const events = decider.decide(command, state);
    // After the decision: that the thing no longer exists says more than that it changed.
    assertVersion(stream, history, ifVersion);
    return { stream, expectedVersion: history.length, events, meta };
  });
}

/**
 * Carries out commands, each on its own stream, all or none:
 *
 * 1. fold the events of each stream,
 * 2. decide,
 * 3. in one transaction: append with the expected versions, and project,
 * 4. if another writer was faster, start over: deciding has no side effects. The second try first takes the lock that
 * orders the history, so no other writer can be faster again.
 *
 * @returns the recorded events, in the order of the commands.
 */
export async function execute<State, Command, E extends NewEvent>(
  db: Kysely<unknown>,
  decider: Decider<State, Command, E>,
  commands: readonly StreamCommand<Command>[],
  options: { types: EventTypes; meta: EventMeta; project: Project; now?: () => number },
): Promise<RecordedEvent<E>[]> {
  const decideAll = (reader: Kysely<unknown>) => decideOn(reader, decider, commands, options);
  for (let attempt = 1; ; attempt++) {
    try {
      const early = attempt === 1 ? await decideAll(db) : undefined;
      return await db.transaction().execute(async (trx) => {
        if (!early) await lockHistory(trx);
        const appends = early ?? (await decideAll(trx));
        const recorded = await append<E>(trx, options.types, appends, (options.now ?? Date.now)());
        if (recorded.length > 0) await options.project(trx, recorded);
        return recorded;
      });
    } catch (error) {
      if (!isRetryable(error) || attempt === MAX_TRIES) throw error;
    }
  }
}
