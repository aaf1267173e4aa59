import type { Client } from '../client.js';
import { GatewayIsFull } from '../failures.js';

/** A client's part of all places. */
const SHARE = 0.1;
/** A client has so many at least, where there are as many. */
const LEAST_SHARE = 10;

/**
 * The places that a gateway has for something that lasts. Each client may have a tenth of them, so that it takes ten of them to keep
 * the others out.
 */
export class Places {
  private readonly taken = new Map<string, number>();
  private readonly share: number;
  private all = 0;

  constructor(
    /** How many there are. */
    private readonly limit: number,
    /** For messages. */
    private readonly says: {
      /** All places are taken. */
      full: string;
      /** What a client has, behind a number. */
      held: string;
    },
  ) {
    this.share = Math.min(limit, Math.max(LEAST_SHARE, Math.floor(limit * SHARE)));
  }

  /** How many are taken now. */
  get count(): number {
    return this.all;
  }

  /**
   * @returns what gives the place back; it may be called more than once.
   * @throws GatewayIsFull when all are taken, or all of the client's share.
   */
  take({ key, name }: Client): () => void {
    const { limit, share, says } = this;
    if (this.all >= limit) throw new GatewayIsFull(`${limit} ${says.full}, more are not allowed`);
    const held = this.taken.get(key) ?? 0;
    if (held >= share) {
      throw new GatewayIsFull(
        `${name} has ${share} ${says.held}, its share of the ${limit} of this gateway (RIGEL_HTTP_STREAMS): end some of them first`,
      );
    }
    this.taken.set(key, held + 1);
    this.all++;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.all--;
      const left = (this.taken.get(key) ?? 0) - 1;
      if (left > 0) this.taken.set(key, left);
      else this.taken.delete(key);
    };
  }
}
