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
 * Sealed answers: only the caller can read them, and only the process that got the request can make them.
 *
 * All processes of a service share a NATS user. So each of them may listen where the answers of the others arrive, and
 * may make another process send something there (a request names the subject of its answer). Therefore the message of a
 * request carries a public key (X25519) and a random number. The answering process seals the answer message, once, with
 * AES-256-GCM. The key is the HKDF of the secret that the caller's public key and its own key share. The seal is bound
 * to the subject and the number of the request, which only the two have seen.
 *
 * A sealed message: the byte 1 (no JSON begins with it), the public key of the sender (32 bytes), a counter (8), the
 * sealed content, the tag (16). A key pair lives as long as its process, and its counter never repeats.
 */

/** The part of a request message that asks for a sealed answer. */
interface Asked {
  /** Public key of the caller: 32 bytes in base64url. */
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
/** AES-GCM needs 12 bytes per message: these, then the counter. Nothing else is ever sealed under the key. */
const IV_PREFIX = Buffer.alloc(4);
const INFO = 'rigel sealed answer 1';
/**
 * Partners whose shared keys a process remembers. A process that invents more only makes it compute some of them once
 * more.
 */
const PARTNERS = 1_000;

const KEY_TEXT = /^[A-Za-z0-9_-]{43}$/;
const NUMBER_TEXT = /^[A-Za-z0-9_-]{22}$/;

/** A key pair, and the keys that it shares with partners. */
class Pair {
  private readonly own = generateKeyPairSync('x25519');
  readonly publicKey = this.own.publicKey.export({ format: 'jwk' }).x as string;
  private readonly shared = new Map<string, KeyObject>();

  /**
   * The key of messages between this pair and a partner.
   * @param partner the partner's public key in base64url.
   * @param sender who sends the message: each direction has a key of its own.
   * @throws Error if `partner` is no public key.
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

/** Seals a content for the caller. @param context names the content if it is not the answer message itself. */
export type Seal = (content: Uint8Array, context?: string) => Buffer;

/** Seals answers: the side that answers. */
export class AnswerSealer {
  private readonly pair = new Pair();
  private readonly ownKey = Buffer.from(this.pair.publicKey, 'base64url');
  private count = 0n;

  /**
   * The seal for the answer of a request; undefined if the caller does not ask for one.
   * @param asked as received.
   * @throws ServiceError `invalid` if `asked` is malformed.
   */
  for(subject: string, asked: unknown): Seal | undefined {
    if (asked === undefined) return undefined;
    const { k, n } = (asked ?? {}) as Partial<Asked>;
    if (typeof k !== 'string' || typeof n !== 'string' || !KEY_TEXT.test(k) || !NUMBER_TEXT.test(n))
      throw new ServiceError(
        'invalid',
        's must have a public key (k) and the number of the request (n)',
        's',
      );
    let key: KeyObject;
    try {
      key = this.pair.with(k, 'own');
    } catch {
      throw new ServiceError('invalid', 's.k must be a public key of X25519', 's.k');
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

/** A request that asks for a sealed answer. */
export interface Question {
  /** The request message in JSON, with the caller's public key and the number of the request. */
  message: string;
  /**
   * Opens an answer, or a body that belongs to it. @returns the content; undefined if it does not answer this request.
   * @param context the one with which the content was sealed.
   */
  open(data: Uint8Array, context?: string): Uint8Array | undefined;
}

/** Asks for sealed answers and opens them: the side that calls. */
export class AnswerOpener {
  private readonly pair = new Pair();
  private sealedBefore = false;
  private random = Buffer.alloc(0);
  private drawn = 0;

  /** @param ignored called with the subject if something arrives that is not sealed for this request. */
  constructor(private readonly ignored: (subject: string) => void) {}

  /**
   * Asks for a sealed answer. Services of an earlier release cannot seal. Until the first sealed answer has come, this
   * process accepts unsealed ones too. From then on it refuses them: any process could have sent them.
   * @param message a JSON object, or an array of them.
   */
  question(subject: string, message: string): Question {
    const n = this.number();
    // In the first request, for all requests of the message. A service of an earlier release ignores the field.
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

  /**
   * A number that is new and cannot be guessed. One draw of random bits serves many numbers: a draw costs more than a
   * seal.
   */
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

/** The data that a seal is bound to. */
function bound(subject: string, number: string, context: string): Buffer {
  return Buffer.from(`${subject} ${number} ${context}`);
}
