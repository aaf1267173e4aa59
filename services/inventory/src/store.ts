import {
  Creations,
  type Decider,
  type EventConsumer,
  type EventRelay,
  execute,
  type KeepAnswer,
  metaOf,
  type NewEvent,
  type Project,
  type StreamCommand,
} from '@rigel/event-store';
import type { RequestContext } from '@rigel/messaging';
import type { Kysely, Transaction } from 'kysely';
import { eventTypes } from './event-types.js';
import { refuseSameMachines } from './node/taken.js';
import { project } from './projection.js';
import { asRefusal } from './refusals.js';
import type { InventoryTables } from './tables.js';

/** Longest wait for the events of tasks, in milliseconds. Then an answer may lack what just happened to a node. */
const CATCH_UP_MS = 1_000;

type Kind = 'cluster' | 'service' | 'pool' | 'node';

/** Records events for the handlers, and reads the read tables. */
export class Store {
  private readonly creations: Creations;

  constructor(
    /** For queries only; changes go through `record`. */
    readonly db: Kysely<InventoryTables>,
    private readonly relay: EventRelay,
    private readonly schedulerEvents: EventConsumer,
    /** SSH port of addresses without a port: such an address and one with this port are the same machine. */
    readonly sshPort: number,
  ) {
    this.creations = new Creations(db as Kysely<unknown>, eventTypes);
  }

  /**
   * Waits until the read tables show what tasks did to nodes before the call. A client that saw the end of a task then
   * finds its machines in the pool, or gone.
   * @returns false: they may not show it yet.
   */
  followedTasks(): Promise<boolean> {
    return this.schedulerEvents.caughtUp(CATCH_UP_MS);
  }

  /**
   * Creates things, all or none. When it returns, the read tables show them. Ids are new, and rise in the order in
   * which the things become visible. The id of a refused creation is not used again.
   * @param create the command for each id.
   * @param kept the answer from these ids, and how to keep it if the request has a key.
   * @param beforeCommit called in the transaction after the things were made. If it throws, the transaction is rolled
   *   back.
   * @returns the ids.
   * @throws ServiceError what a rule or a constraint of the read tables forbids.
   */
  async create<State, Command, E extends NewEvent>(
    decider: Decider<State, Command, E>,
    kind: Kind,
    count: number,
    create: (id: number, index: number) => NoInfer<Command>,
    context: RequestContext,
    kept: { answer: (ids: readonly number[]) => unknown; keep?: KeepAnswer },
    beforeCommit: () => void = () => undefined,
  ): Promise<number[]> {
    const ids = await this.creations.create(
      decider,
      { sequence: `${kind}_ids`, count },
      (id, index) => ({ stream: `${kind}-${id}`, command: create(id, index) }),
      {
        meta: metaOf(context),
        project: projectAnd(this.projectNew, beforeCommit),
        kept: context.once && { once: context.once, ...kept },
      },
    );
    this.relay.notify();
    return ids;
  }

  /**
   * Carries out commands, all or none, each on its own stream. When it returns, the read tables show the result.
   * @param beforeCommit called last in the transaction, if there are events. If it throws, the transaction is rolled back.
   * @returns the number of events.
   * @throws ServiceError what a rule or a constraint of the read tables forbids.
   */
  async record<State, Command, E extends NewEvent>(
    decider: Decider<State, Command, E>,
    commands: readonly StreamCommand<Command>[],
    context: RequestContext,
    beforeCommit: () => void = () => undefined,
  ): Promise<number> {
    const events = await execute(this.db as Kysely<unknown>, decider, commands, {
      types: eventTypes,
      meta: metaOf(context),
      project: projectAnd(projectOrRefuse, beforeCommit),
    });
    this.relay.notify();
    return events.length;
  }

  private readonly projectNew: Project = async (trx, events) => {
    await projectOrRefuse(trx, events);
    await refuseSameMachines(trx as Transaction<InventoryTables>, events, this.sshPort);
  };
}

function projectAnd(project: Project, beforeCommit: () => void): Project {
  return async (trx, events) => {
    await project(trx, events);
    beforeCommit();
  };
}

const projectOrRefuse: Project = async (trx, events) => {
  await project(trx, events).catch((error: unknown) => {
    throw asRefusal(error, events);
  });
};

/** The answer to a request that created one thing. */
export const answerId = ([id]: readonly number[]): { id: number } => ({ id: id as number });
