import { ServiceError } from '@rigel/contracts';
import type { AskedOnce } from '@rigel/messaging';
import type { Kysely, Transaction } from 'kysely';
import type { Decider, Project } from './decider.js';
import type { EventMeta, NewEvent } from './event.js';
import { append, lockHistoryForIds } from './event-store.js';
import type { EventTypes } from './event-types.js';
import { type KeepAnswer, keepAnswer } from './kept-answers.js';

/** The most new streams in one transaction, unless a single request wants more. */
const MOST = 200;

/** For a creation whose request has a key: the answer to keep. */
interface Kept {
  once: AskedOnce;
  /** The answer to the request, from the ids of what it made. */
  answer: (ids: readonly number[]) => unknown;
  /** Keeps the answer; default: `keepAnswer`. */
  keep?: KeepAnswer;
}

interface Creation {
  sequence: string;
  count: number;
  begin: (ids: readonly number[]) => { stream: string; events: NewEvent[] }[];
  meta: EventMeta;
  project: Project;
  kept: Kept | undefined;
  resolve: (ids: number[]) => void;
  reject: (error: unknown) => void;
}

/**
 * Begins streams, each for a new thing with an id of its own.
 *
 * Ids are taken under the lock that orders the history, so they rise in the order of commits. A client that has seen an
 * id never sees a smaller one appear, and a list in the order of ids grows at one end only.
 *
 * All creations have to wait for that lock. So there is one transaction at a time, and those that arrive meanwhile
 * share the next one (group commit). If one of a group is refused, the transaction is rolled back, and each gets a
 * transaction of its own.
 */
export class Creations {
  private readonly waiting: Creation[] = [];
  private running = false;

  constructor(
    private readonly db: Kysely<unknown>,
    private readonly types: EventTypes,
  ) {}

  /**
   * Begins `count` streams, all or none.
   * @param create makes the stream and the command for an id. The id of a refused creation is not used again.
   * @param options.kept for a request with a key: the answer to its repetitions.
   * @returns the ids, ascending.
   */
  create<State, Command, E extends NewEvent>(
    decider: Decider<State, Command, E>,
    { sequence, count }: { sequence: string; count: number },
    create: (id: number, index: number) => { stream: string; command: NoInfer<Command> },
    { meta, project, kept }: { meta: EventMeta; project: Project; kept?: Kept | undefined },
  ): Promise<number[]> {
    return new Promise((resolve, reject) => {
      const begin: Creation['begin'] = (ids) =>
        ids.map((id, index) => {
          const { stream, command } = create(id, index);
          return { stream, events: decider.decide(command, decider.initial) };
        });
      this.waiting.push({ sequence, count, begin, meta, project, kept, resolve, reject });
      if (!this.running) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.running = true;
    for (let group = this.nextGroup(); group.length > 0; group = this.nextGroup()) await this.settle(group);
    this.running = false;
  }

  /** Takes the creations of the next transaction from those that wait. */
  private nextGroup(): Creation[] {
    let count = 0;
    const end = this.waiting.findIndex((creation, index) => {
      count += creation.count;
      return index > 0 && count > MOST;
    });
    return this.waiting.splice(0, end < 0 ? this.waiting.length : end);
  }

  private async settle(group: readonly Creation[]): Promise<void> {
    try {
      const given = await this.record(group);
      group.forEach(({ resolve }, index) => {
        resolve(given[index] as number[]);
      });
    } catch (error) {
      // Any other error may have come after the commit: trying again could create things twice.
      if (group.length > 1 && error instanceof ServiceError)
        for (const one of group) await this.settle([one]);
      else for (const { reject } of group) reject(error);
    }
  }

  private record(group: readonly Creation[]): Promise<number[][]> {
    return this.db.transaction().execute(async (trx) => {
      const given = await giveIds(trx, group);
      for (const [index, { kept }] of group.entries()) {
        if (kept) await (kept.keep ?? keepAnswer)(trx, kept.once, kept.answer(given[index] as number[]));
      }
      const begun = group.map(({ begin, meta }, index) =>
        begin(given[index] as number[]).map((stream) => ({ ...stream, expectedVersion: 0, meta })),
      );
      const recorded = await append(trx, this.types, begun.flat(), Date.now());
      let start = 0;
      for (const [index, { project }] of group.entries()) {
        const end = start + (begun[index] ?? []).reduce((sum, { events }) => sum + events.length, 0);
        if (end > start) await project(trx, recorded.slice(start, end));
        start = end;
      }
      return given;
    });
  }
}

/** Takes the lock that orders the history, and then the ids of each creation. */
async function giveIds(trx: Transaction<unknown>, group: readonly Creation[]): Promise<number[][]> {
  const ids = new Map<string, number[]>();
  for (const sequence of new Set(group.map((creation) => creation.sequence))) {
    const wanted = group.filter((creation) => creation.sequence === sequence);
    const count = wanted.reduce((sum, creation) => sum + creation.count, 0);
    ids.set(sequence, await lockHistoryForIds(trx, sequence, count));
  }
  return group.map(({ sequence, count }) => ids.get(sequence)?.splice(0, count) ?? []);
}
