import { GatewayIsFull } from '../failures.js';
import type { Client } from '../request/client.js';

/** The part of all places that one client may have. */
const SHARE = 0.1;
/** The least number of places for one client, if there are that many. */
const LEAST_SHARE = 10;

/**
 * The places of a gateway for requests that last. Each client may have a tenth of them, so that it takes ten clients to
 * keep all others out.
 */
export class Places {
  private readonly taken = new Map<string, number>();
  private readonly share: number;
  private all = 0;

  constructor(
    /** The number of places. */
    private readonly limit: number,
    /** For messages. */
    private readonly says: {
      /** All places are taken. */
      full: string;
      /** What the places of one client are, after a number. */
      held: string;
    },
  ) {
    this.share = Math.min(limit, Math.max(LEAST_SHARE, Math.floor(limit * SHARE)));
  }

  /** The number of taken places. */
  get count(): number {
    return this.all;
  }

  /**
   * @returns gives the place back; may be called more than once.
   * @throws GatewayIsFull when all places are taken, or the client's share is.
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
