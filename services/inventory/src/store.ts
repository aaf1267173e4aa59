import {
  Creations,
  type Decider,
  type EventRelay,
  execute,
  metaOf,
  type NewEvent,
  type Project,
} from '@rigel/event-store';
import type { RequestContext } from '@rigel/messaging';
import type { Kysely, Transaction } from 'kysely';
import { eventTypes } from './event-types.js';
import { refuseSameMachines } from './node/add-nodes.js';
import { project } from './projection.js';
import { asRefusal } from './refusals.js';
import type { InventoryTables } from './tables.js';

type Kind = 'cluster' | 'service' | 'pool' | 'node';

/** Where the handlers record what happened, and read the tables that follow from it. */
export class Store {
  private readonly creations: Creations;

  constructor(
    /** For queries; whatever changes goes through `record`. */
    readonly db: Kysely<InventoryTables>,
    private readonly relay: EventRelay,
    /** What a node is reached at whose address names no port: such an address and one with it are the same machine. */
    readonly sshPort: number,
  ) {
    this.creations = new Creations(db as Kysely<unknown>, eventTypes);
  }

  /**
   * Creates things, all or none; when it returns, the read tables show them. Their ids were never given before, and rise
   * in the order in which things become visible; one that is not used in the end is lost.
   * @param create the command for each id.
   * @returns the ids.
   * @throws ServiceError what a rule or a constraint of the read tables forbids.
   */
  async create<State, Command, E extends NewEvent>(
    decider: Decider<State, Command, E>,
    kind: Kind,
    count: number,
    create: (id: number, index: number) => NoInfer<Command>,
    context: RequestContext,
  ): Promise<number[]> {
    const ids = await this.creations.create(
      decider,
      { sequence: `${kind}_ids`, count },
      (id, index) => ({ stream: `${kind}-${id}`, command: create(id, index) }),
      { meta: metaOf(context), project: this.projectNew },
    );
    this.relay.notify();
    return ids;
  }

  /**
   * Carries out commands, all or none, each on its own stream; when it returns, the read tables show it.
   * @param beforeCommit is called last in the transaction; what it throws undoes everything.
   * @throws ServiceError what a rule or a constraint of the read tables forbids.
   */
  async record<State, Command, E extends NewEvent>(
    decider: Decider<State, Command, E>,
    commands: readonly { stream: string; command: Command }[],
    context: RequestContext,
    beforeCommit: () => void = () => undefined,
  ): Promise<void> {
    await execute(this.db as Kysely<unknown>, decider, commands, {
      types: eventTypes,
      meta: metaOf(context),
      project: async (trx, events) => {
        await projectOrRefuse(trx, events);
        beforeCommit();
      },
    });
    this.relay.notify();
  }

  private readonly projectNew: Project = async (trx, events) => {
    await projectOrRefuse(trx, events);
    await refuseSameMachines(trx as Transaction<InventoryTables>, events, this.sshPort);
  };
}

const projectOrRefuse: Project = async (trx, events) => {
  await project(trx, events).catch((error: unknown) => {
    throw asRefusal(error, events);
  });
};
