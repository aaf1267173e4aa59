import { type Decider, type EventRelay, execute, type NewEvent } from '@rigel/event-store';
import type { RequestContext } from '@rigel/messaging';
import { type Kysely, sql, type Transaction } from 'kysely';
import { eventTypes } from './event-types.js';
import { project } from './projection.js';
import { asRefusal } from './refusals.js';
import type { CatalogTables } from './tables.js';

type Kind = 'action' | 'actimpl' | 'remote_step' | 'template';

/** Where the handlers record what happened, and read the tables that follow from it. */
export class Store {
  constructor(
    /** For queries; whatever changes goes through `record`. */
    readonly db: Kysely<CatalogTables>,
    private readonly relay: EventRelay,
  ) {}

  /** An id that was never given before. One that is not used in the end is lost. */
  async newId(kind: Kind): Promise<number> {
    const { rows } = await sql<{ id: number }>`SELECT nextval(${`${kind}_ids`}) AS id`.execute(this.db);
    return rows[0]?.id as number;
  }

  /**
   * Carries out a command on its stream; when it returns, the read tables show it.
   * @param check is called when the event is appended and not yet projected. From there to the commit nobody else can
   * change anything in the catalog, so what it sees of the read tables stays true. What it throws undoes everything.
   * @throws ServiceError what a rule, the check or a constraint of the read tables forbids.
   */
  async record<State, Command, E extends NewEvent>(
    decider: Decider<State, Command, E>,
    stream: string,
    command: Command,
    { correlationId, actor }: RequestContext,
    check: (trx: Transaction<CatalogTables>) => Promise<void> = async () => undefined,
  ): Promise<void> {
    await execute(this.db as Kysely<unknown>, decider, [{ stream, command }], {
      types: eventTypes,
      meta: { correlationId, actor },
      project: async (trx, events) => {
        await check(trx as Transaction<CatalogTables>);
        await project(trx, events).catch((error: unknown) => {
          throw asRefusal(error, events);
        });
      },
    });
    this.relay.notify();
  }
}
