import { type Decider, type EventRelay, execute, type NewEvent } from '@rigel/event-store';
import type { RequestContext } from '@rigel/messaging';
import { type Kysely, sql } from 'kysely';
import { eventTypes } from './event-types.js';
import { project } from './projection.js';
import { asRefusal } from './refusals.js';
import type { InventoryTables } from './tables.js';

type Kind = 'cluster' | 'service' | 'pool' | 'node';

/** Where the handlers record what happened, and read the tables that follow from it. */
export class Store {
  constructor(
    /** For queries; whatever changes goes through `record`. */
    readonly db: Kysely<InventoryTables>,
    private readonly relay: EventRelay,
  ) {}

  /** Ids that were never given before, ascending. One that is not used in the end is lost. */
  async newIds(kind: Kind, count: number): Promise<number[]> {
    const { rows } = await sql<{ id: number }>`
      SELECT nextval(${`${kind}_ids`}) AS id FROM generate_series(1, ${count}::int)`.execute(this.db);
    return rows.map(({ id }) => id);
  }

  async newId(kind: Kind): Promise<number> {
    const [id] = await this.newIds(kind, 1);
    return id as number;
  }

  /**
   * Carries out commands, all or none, each on its own stream; when it returns, the read tables show it.
   * @param beforeCommit is called last in the transaction; what it throws undoes everything.
   * @throws ServiceError what a rule or a constraint of the read tables forbids.
   */
  async record<State, Command, E extends NewEvent>(
    decider: Decider<State, Command, E>,
    commands: readonly { stream: string; command: Command }[],
    { correlationId, actor }: RequestContext,
    beforeCommit: () => void = () => undefined,
  ): Promise<void> {
    await execute(this.db as Kysely<unknown>, decider, commands, {
      types: eventTypes,
      meta: { correlationId, actor },
      project: async (trx, events) => {
        await project(trx, events).catch((error: unknown) => {
          throw asRefusal(error, events);
        });
        beforeCommit();
      },
    });
    this.relay.notify();
  }
}
