import { access, EventBatch, eventsSubject, ServiceError, sessions } from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import type { Logger } from 'pino';
import type { CredentialCheck, Credentials } from './principal.js';

/**
 * How long an answer counts, from the moment of the question. A revoked token stops working within this time, even if
 * NATS loses the message about it.
 */
const FRESH_MS = 500;
/** How often the gateway checks the tokens of open streams and waiting requests again. */
const STREAMS_MS = 400;
/** How long a token that was valid does not count as a guess, and how many such tokens are remembered. */
const KNOWN_MS = 600_000;
const MAX_KNOWN = 10_000;
/**
 * How long refused credentials are refused again without a question to the access service, and how many are remembered.
 * So a client that keeps sending a wrong token costs nothing, and a refused token hardly becomes valid soon.
 */
const REFUSED_MS = 5_000;
const MAX_REFUSED = 10_000;

interface Asked {
  verdict: Promise<CredentialCheck>;
  /** Milliseconds since 1970. */
  at: number;
}

/** @param certain whether the token is certainly not valid; false = the access service does not answer. */
type End = (why: string, certain: boolean) => void;

interface WatchedToken {
  credentials: Credentials;
  /** The functions that end its streams and waiting requests; each gets the reason. */
  streams: Set<End>;
}

/** Asks the access service which principal a token or session belongs to. Requests that come together share an answer. */
export class Authenticator {
  private readonly asked = new Map<string, Asked>();
  /** The tokens that were valid lately, and until when they are remembered. */
  private readonly known = new Map<string, number>();
  /** The credentials that were refused lately. */
  private readonly refused = new Map<string, { verdict: CredentialCheck; until: number }>();
  private readonly watched = new Map<string, WatchedToken>();
  private readonly unsubscribe: () => void;
  private looking: NodeJS.Timeout | undefined;

  constructor(private readonly options: { bus: Bus; log: Logger }) {
    this.unsubscribe = options.bus.subscribe(eventsSubject('access'), EventBatch, ({ events }) => {
      // All earlier questions may have a wrong answer now, also those without an answer yet.
      if (events.length > 0) this.forget();
    });
  }

  /** @throws ServiceError `unavailable`: the access service does not answer. */
  check(credentials: Credentials, correlationId: string): Promise<CredentialCheck> {
    const key = keyOf(credentials);
    const now = Date.now();
    const last = this.asked.get(key);
    if (last && now - last.at < FRESH_MS) return last.verdict;
    const refused = this.refused.get(key);
    if (refused && refused.until > now) return Promise.resolve(refused.verdict);
    const asked: Asked = { at: now, verdict: this.ask(credentials, correlationId) };
    this.asked.set(key, asked);
    asked.verdict.then(
      (verdict) => {
        if (verdict.valid) this.remember(key);
        else {
          this.known.delete(key);
          keep(this.refused, key, { verdict, until: now + REFUSED_MS }, MAX_REFUSED);
        }
        if (!verdict.valid || this.asked.size > MAX_KNOWN) this.drop(key, asked);
      },
      () => this.drop(key, asked),
    );
    return asked.verdict;
  }

  /** Asks about every token again, also about those of open streams. */
  forget(): void {
    this.asked.clear();
    this.refused.clear();
    this.look();
  }

  /** Whether this token was valid here lately. */
  knows(credentials: Credentials): boolean {
    return (this.known.get(keyOf(credentials)) ?? 0) > Date.now();
  }

  /**
   * Ends a stream, or a waiting request, when its token is not valid any more, or when the access service does not
   * answer.
   * @returns a function to call when the stream or request has ended.
   */
  watch(credentials: Credentials, end: End): () => void {
    const key = keyOf(credentials);
    const token = this.watched.get(key) ?? { credentials, streams: new Set() };
    this.watched.set(key, token);
    token.streams.add(end);
    this.looking ??= setInterval(() => this.look(), STREAMS_MS);
    return () => {
      token.streams.delete(end);
      if (token.streams.size === 0) this.watched.delete(key);
      if (this.watched.size > 0) return;
      clearInterval(this.looking);
      this.looking = undefined;
    };
  }

  close(): void {
    this.unsubscribe();
    clearInterval(this.looking);
  }

  private async ask(credentials: Credentials, correlationId: string): Promise<CredentialCheck> {
    const { kind, id, hash } = credentials;
    const context = { correlationId, actor: 'gateway' };
    const { bus } = this.options;
    const answer =
      kind === 'session'
        ? await bus.call(sessions.check, { id, hash }, context)
        : await bus.call(access.authenticate, { id, hash }, context);
    if (!answer.valid) return answer;
    const { name, role, may_run: mayRun = false, expires } = answer;
    const tokenId = 'token_id' in answer ? Number(answer.token_id) : id;
    // The clock of the access service decides. The clock of this gateway only ends how long an answer counts.
    if (expires !== null && expires <= Date.now()) return { valid: false, fault: 'expired', name };
    return { valid: true, principal: { credentials, tokenId, name, role, mayRun, expires } };
  }

  private drop(key: string, asked: Asked): void {
    if (this.asked.get(key) === asked) this.asked.delete(key);
  }

  private remember(key: string): void {
    keep(this.known, key, Date.now() + KNOWN_MS, MAX_KNOWN);
  }

  private look(): void {
    for (const { credentials, streams } of this.watched.values()) {
      const end: End = (why, certain) => {
        this.options.log.info(
          { [credentials.kind]: credentials.id, streams: streams.size, why },
          'the gateway ends live streams and waiting requests, because their token or session is not valid or cannot be checked',
        );
        for (const endStream of [...streams]) endStream(why, certain);
      };
      this.check(credentials, 'live').then(
        (verdict) => {
          if (!verdict.valid && streams.size > 0) end(`the ${credentials.kind} is ${verdict.fault}`, true);
        },
        (error: unknown) => {
          if (streams.size === 0) return;
          end(error instanceof ServiceError ? error.message : String(error), false);
        },
      );
    }
  }
}

/** Keeps the most recent entries of a map, at most so many. */
function keep<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  // The oldest entry is the first.
  map.delete(key);
  map.set(key, value);
  if (map.size <= most) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

const keyOf = ({ kind, id, hash }: Credentials): string => `${kind} ${id} ${hash}`;
