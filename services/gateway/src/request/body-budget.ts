import { BodiesInFlight } from '../failures.js';
import { inUnits } from './body-limits.js';
import type { Client } from './client.js';

/**
 * Bodies up to this size are not counted: the buffers of their connections are as large. So most requests need no room.
 */
const UNCOUNTED_BYTES = 16 * 1024;

/** The bytes that one request takes of the budget, until it is answered. */
export interface Claim {
  /** Counts more bytes, for a body whose size was not announced. @throws BodiesInFlight */
  atLeast(bytes: number): void;
  /** Gives them back. May be called more than once. */
  release(): void;
}

/** The claim of every body that is too small to count. */
const UNCOUNTED: Claim = { atLeast: () => undefined, release: () => undefined };

/**
 * Limits the bytes of bodies that a gateway keeps at once, for all clients and for each client. A request over the
 * limit is refused and does not wait. An announced size counts from the beginning, so that some of many large bodies
 * arrive whole, and not all of them in part.
 */
export class BodyBudget {
  private readonly held = new Map<string, number>();
  private total = 0;

  constructor(
    private readonly limits: {
      /** Bytes for all clients. */
      all: number;
      /** Bytes for one client. */
      each: number;
    },
  ) {}

  /** Bytes that are kept now. */
  get bytes(): number {
    return this.total;
  }

  /** @param announced size of the body in bytes, if it cannot become larger; undefined: not known. */
  claim(client: () => Client, announced?: number): Claim {
    if (announced !== undefined && announced <= UNCOUNTED_BYTES) return UNCOUNTED;
    let claimed = 0;
    let of: Client | undefined;
    return {
      atLeast: (bytes) => {
        if (bytes <= claimed || bytes <= UNCOUNTED_BYTES) return;
        of ??= client();
        this.take(of, bytes - claimed);
        claimed = bytes;
      },
      release: () => {
        if (of) this.giveBack(of.key, claimed);
        claimed = 0;
      },
    };
  }

  private take({ key, name }: Client, bytes: number): void {
    const { all, each } = this.limits;
    const held = this.held.get(key) ?? 0;
    if (held + bytes > each) {
      throw new BodiesInFlight(
        `the bodies of ${name} that are under way would have more than ${inUnits(each)} together ` +
          '(RIGEL_HTTP_BODIES_PER_CLIENT): send one after the other',
      );
    }
    if (this.total + bytes > all) {
      throw new BodiesInFlight(
        `the bodies that are under way here would have more than ${inUnits(all)} together (RIGEL_HTTP_BODIES): try again later`,
      );
    }
    this.held.set(key, held + bytes);
    this.total += bytes;
  }

  private giveBack(key: string, bytes: number): void {
    const left = (this.held.get(key) ?? 0) - bytes;
    if (left > 0) this.held.set(key, left);
    else this.held.delete(key);
    this.total -= bytes;
  }
}
