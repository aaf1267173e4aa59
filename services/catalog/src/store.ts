import {
  Creations,
  type Decider,
  type EventRelay,
  execute,
  metaOf,
  type NewEvent,
  type Project,
  type StreamCommand,
} from '@rigel/event-store';
import type { RequestContext } from '@rigel/messaging';
import type { Kysely, Transaction } from 'kysely';
import { eventTypes } from './event-types.js';
import { project } from './projection.js';
import { asRefusal } from './refusals.js';
import type { CatalogTables } from './tables.js';

type Kind = 'action' | 'actimpl' | 'remote_step' | 'template';

/** Checks the read tables between append and projection. If it throws, the transaction is rolled back. */
type Check = (trx: Transaction<CatalogTables>) => Promise<void>;

/** Records events for the handlers, and reads the read tables. */
export class Store {
  private readonly creations: Creations;

  constructor(
    /** For queries only; changes go through `record`. */
    readonly db: Kysely<CatalogTables>,
    private readonly relay: EventRelay,
  ) {
    this.creations = new Creations(db as Kysely<unknown>, eventTypes);
  }

  /**
   * Creates a thing. When it returns, the read tables show it. Ids are new, and rise in the order in which the things
   * become visible. The id of a refused creation is not used again.
   * @param create the command for the id.
   * @param check see `record`.
   * @param answer the answer to the request, which is kept for repetitions if the request has a key. Default: the id.
   * @returns the answer.
   * @throws ServiceError what a rule, the check or a constraint of the read tables forbids.
   */
  async create<State, Command, E extends NewEvent, Answer = { id: number }>(
    decider: Decider<State, Command, E>,
    kind: Kind,
    create: (id: number) => NoInfer<Command>,
    context: RequestContext,
    check?: Check,
    answer: (id: number) => Answer = answerId as (id: number) => Answer,
  ): Promise<Answer> {
    const [id] = await this.creations.create(
      decider,
      { sequence: `${kind}_ids`, count: 1 },
      (id) => ({ stream: `${kind}-${id}`, command: create(id) }),
      {
        meta: metaOf(context),
        project: projectAfter(check),
        kept: context.once && { once: context.once, answer: ([id]) => answer(id as number) },
      },
    );
    this.relay.notify();
    return answer(id as number);
  }

  /**
   * Carries out a command on its stream. When it returns, the read tables show the result.
   * @param check called after the append and before the projection. From then to the commit no other transaction can
   * change the catalog, so the read tables stay as the check sees them. If it throws, the transaction is rolled back.
   * @throws ServiceError what a rule, the check or a constraint of the read tables forbids; `conflict` (field
   *   `if_version`).
   */
  async record<State, Command, E extends NewEvent>(
    decider: Decider<State, Command, E>,
    command: StreamCommand<Command>,
    context: RequestContext,
    check?: Check,
  ): Promise<void> {
    await execute(this.db as Kysely<unknown>, decider, [command], {
      types: eventTypes,
      meta: metaOf(context),
      project: projectAfter(check),
    });
    this.relay.notify();
  }
}

const answerId = (id: number): { id: number } => ({ id });

function projectAfter(check?: Check): Project {
  return async (trx, events) => {
    await check?.(trx as Transaction<CatalogTables>);
    await project(trx, events).catch((error: unknown) => {
      throw asRefusal(error, events);
    });
  };
}
