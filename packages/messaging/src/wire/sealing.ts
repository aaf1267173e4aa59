import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { ServiceError } from '@rigel/contracts';

/*
 * Answers that only whoever has asked can read, and that nobody can make but who was asked.
 *
 * All processes of a service share a user of NATS, so each may listen where the answers of the others arrive, and may have somebody send
 * something there (a request names the subject of its answer). So the message of a request carries a public key (X25519) and a random number.
 * Whoever answers seals the answer message, once, with AES-256-GCM under a key that follows from that public key and one of its own
 * (HKDF of their shared secret), and binds it to the subject and the number of the request, which only the two have seen.
 *
 * A sealed message: 1 (which no JSON begins with), the public key of the sender (32 bytes), a counter (8), the sealed content, the tag (16).
 * Key pairs live as long as their process, and the counter never repeats within one.
 */

/** What the message of a request says for its answer to be sealed. */
interface Asked {
  /** Public key of whoever asks: 32 bytes in base64url. */
  k: string;
  /** Number of the request: 128 random bits in base64url. */
  n: string;
}

const VERSION = 1;
const KEY_BYTES = 32;
const COUNTER_BYTES = 8;
const TAG_BYTES = 16;
const NUMBER_BYTES = 16;
const NUMBERS_AT_ONCE = 256;
const HEAD_BYTES = 1 + KEY_BYTES + COUNTER_BYTES;
/** Before the counter in the 12 bytes that AES-GCM wants of a message; nothing else is ever sealed under the key. */
const IV_PREFIX = Buffer.alloc(4);
const INFO = 'rigel sealed answer 1';
/** Partners whose keys are remembered; whoever makes up more only costs everybody a computation once more. */
const PARTNERS = 1_000;

const KEY_TEXT = /^[A-Za-z0-9_-]{43}$/;
const NUMBER_TEXT = /^[A-Za-z0-9_-]{22}$/;

/** A key pair, and what it shares with partners. */
class Pair {
  private readonly own = generateKeyPairSync('x25519');
  readonly publicKey = this.own.publicKey.export({ format: 'jwk' }).x as string;
  private readonly shared = new Map<string, KeyObject>();

  /**
   * The key of messages between this pair and a partner.
   * @param partner its public key in base64url
   * @param sender whose message it is: the two directions would have keys of their own, and the roles are told apart
   * @throws Error when that is no public key
   */
  with(partner: string, sender: 'own' | 'partner'): KeyObject {
    const known = this.shared.get(partner);
    if (known) return known;
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: partner }, format: 'jwk' });
    const secret = diffieHellman({ privateKey: this.own.privateKey, publicKey });
    const [from, to] = sender === 'own' ? [this.publicKey, partner] : [partner, this.publicKey];
    const key = createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `${INFO} ${from} ${to}`, 32)));
    if (this.shared.size >= PARTNERS) this.shared.clear();
    this.shared.set(partner, key);
    return key;
  }
}

/** Seals one content for whoever has asked. @param context what the content is, where it is not the answer message itself */
export type Seal = (content: Uint8Array, context?: string) => Buffer;

/** The side that answers. */
export class AnswerSealer {
  private readonly pair = new Pair();
  private readonly ownKey = Buffer.from(this.pair.publicKey, 'base64url');
  private count = 0n;

  /**
   * How the answer of a request is sealed; undefined where nobody asks for that.
   * @param asked as it came
   * @throws ServiceError `invalid` when it cannot be sealed as asked
   */
  for(subject: string, asked: unknown): Seal | undefined {
    if (asked === undefined) return undefined;
    const { k, n } = (asked ?? {}) as Partial<Asked>;
    if (typeof k !== 'string' || typeof n !== 'string' || !KEY_TEXT.test(k) || !NUMBER_TEXT.test(n))
      throw new ServiceError('invalid', 's must be a public key and a number of a request', 's');
    let key: KeyObject;
    try {
      key = this.pair.with(k, 'own');
    } catch {
      throw new ServiceError('invalid', 's.k is no public key of X25519', 's.k');
    }
    return (content, context = '') => {
      const counter = Buffer.alloc(COUNTER_BYTES);
      counter.writeBigUInt64BE(this.count++);
      const cipher = createCipheriv('aes-256-gcm', key, Buffer.concat([IV_PREFIX, counter]));
      cipher.setAAD(bound(subject, n, context));
      return Buffer.concat([
        Buffer.of(VERSION),
        this.ownKey,
        counter,
        cipher.update(content),
        cipher.final(),
        cipher.getAuthTag(),
      ]);
    };
  }
}

/** A request whose answer is to come sealed. */
export interface Question {
  /** The request's message, in JSON, with what its answer is to be sealed by. */
  message: string;
  /**
   * What stands in an answer, or in a body that belongs to it; undefined when it is none to this request.
   * @param context as it was sealed
   */
  open(data: Uint8Array, context?: string): Uint8Array | undefined;
}

/** The side that asks. */
export class AnswerOpener {
  private readonly pair = new Pair();
  private sealedBefore = false;
  private random = Buffer.alloc(0);
  private drawn = 0;

  /**
   * @param ignored is called when something arrives in place of an answer that was not sealed for this request
   */
  constructor(private readonly ignored: (subject: string) => void) {}

  /**
   * Asks for a sealed answer. Services of the release before cannot seal: until the first sealed answer has come, one that is not sealed is
   * taken as well. From then on it is not: it could be anybody's.
   * @param message an object in JSON, or an array of such
   */
  question(subject: string, message: string): Question {
    const n = this.number();
    // Said once for all requests of the message, by the first of them: a service of the release before looks past it.
    const first = message.indexOf('{') + 1;
    const asked: Asked = { k: this.pair.publicKey, n };
    return {
      message: `${message.slice(0, first)}"s":${JSON.stringify(asked)},${message.slice(first)}`,
      open: (data, context = '') => {
        const content =
          data[0] === VERSION ? this.opened(data, bound(subject, n, context)) : this.plain(data);
        if (content === undefined) this.ignored(subject);
        return content;
      },
    };
  }

  /** A number that was never given before and cannot be guessed. Random bits are drawn for many at once: a draw costs more than a seal. */
  private number(): string {
    if (this.drawn + NUMBER_BYTES > this.random.length) {
      this.random = randomBytes(NUMBER_BYTES * NUMBERS_AT_ONCE);
      this.drawn = 0;
    }
    this.drawn += NUMBER_BYTES;
    return this.random.toString('base64url', this.drawn - NUMBER_BYTES, this.drawn);
  }

  private plain(data: Uint8Array): Uint8Array | undefined {
    return this.sealedBefore ? undefined : data;
  }

  private opened(data: Uint8Array, binding: Buffer): Uint8Array | undefined {
    if (data.byteLength < HEAD_BYTES + TAG_BYTES) return undefined;
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const end = bytes.length - TAG_BYTES;
    try {
      const key = this.pair.with(bytes.toString('base64url', 1, 1 + KEY_BYTES), 'partner');
      const iv = Buffer.concat([IV_PREFIX, bytes.subarray(1 + KEY_BYTES, HEAD_BYTES)]);
      const decipher = createDecipheriv('aes-256-gcm', key, iv);
      decipher.setAAD(binding);
      decipher.setAuthTag(bytes.subarray(end));
      const content = Buffer.concat([decipher.update(bytes.subarray(HEAD_BYTES, end)), decipher.final()]);
      this.sealedBefore = true;
      return content;
    } catch {
      return undefined;
    }
  }
}

/** What a sealed content belongs to. */
function bound(subject: string, number: string, context: string): Buffer {
  return Buffer.from(`${subject} ${number} ${context}`);
}
