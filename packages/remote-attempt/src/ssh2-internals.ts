import type { ParsedKey, Client as SshClient } from 'ssh2';
import type { Certificate } from './certificate.js';
import { SshReader, sshString } from './ssh-wire.js';

/*
 * What we need of ssh2 and it has no option for: certificates, of hosts and of users, and what a server says when it
 * ends the connection. All that reaches into its insides is in this file. Where they are not as expected (another
 * version of ssh2), certificates are not offered, and nothing is trusted that would not be trusted without them: the
 * exchange is still signed, and ssh2 still checks the signature, with the key that we name.
 */

interface KeyExchange {
  negotiated: { serverHostKey: string };
  sessionID: Buffer;
  _hostKey: Buffer;
}

interface Lists {
  cipher: { array: string[] };
  mac: { array: string[] };
  compress: { array: string[] };
}

interface Offer {
  lists: { kex: { array: string[] }; serverHostKey: { array: string[] }; cs: Lists; sc: Lists };
}

interface Protocol {
  _offer: Offer;
  _kex: KeyExchange | undefined;
  _kexinit: Buffer | undefined;
  _handlers: { DISCONNECT?: (protocol: unknown, reason: number, description: string) => void };
  _authsQueue: string[];
  _cipher: { encrypt(packet: Buffer): void };
  _packetRW: { write: { allocStart: number; alloc(size: number): Buffer; finalize(packet: Buffer): Buffer } };
  authPK(
    username: string,
    key: ParsedKey,
    algorithm: string | undefined,
    sign?: (data: Buffer, callback: (signature: Buffer) => void) => void,
  ): void;
}

const SUFFIX = '-cert-v01@openssh.com';
/** Cheapest first, as in `offeredAlgorithms`. The names of RSA's differ from those of its certificates. */
const CERTIFICATE_ALGORITHMS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
].map((name) => name + SUFFIX);

/** For a client that has been told to connect, and has not heard of the server yet. */
function protocolOf(client: SshClient): Protocol | undefined {
  return (client as unknown as { _protocol?: Protocol })._protocol;
}

/**
 * Asks the server for a host certificate, before any plain key. To be called right after `connect`.
 * @returns whether it is asked for.
 */
export function offerHostCertificates(client: SshClient): boolean {
  const protocol = protocolOf(client);
  const lists = protocol?._offer?.lists;
  if (protocol === undefined || lists === undefined) return false;
  const OfferClass = protocol._offer.constructor as new (lists: unknown) => Offer;
  const side = ({ cipher, mac, compress }: Lists) => ({
    cipher: cipher.array,
    mac: mac.array,
    compress: compress.array,
    lang: [],
  });
  protocol._offer = new OfferClass({
    kex: lists.kex.array,
    serverHostKey: [...CERTIFICATE_ALGORITHMS, ...lists.serverHostKey.array],
    cs: side(lists.cs),
    sc: side(lists.sc),
  });
  // An RSA certificate has another type than the algorithm by which it was asked for, which ssh2 takes for a mistake.
  let exchange = protocol._kex;
  Object.defineProperty(protocol, '_kex', {
    configurable: true,
    get: () => exchange,
    set: (begun: KeyExchange | undefined) => {
      exchange = begun;
      const asked = begun?.negotiated.serverHostKey ?? '';
      if (begun === undefined || !asked.startsWith('rsa-sha2-') || !asked.endsWith(SUFFIX)) return;
      signatures.set(begun, asked.slice(0, -SUFFIX.length));
      begun.negotiated.serverHostKey = `ssh-rsa${SUFFIX}`;
    },
  });
  return true;
}

const signatures = new WeakMap<KeyExchange, string>();

/**
 * Has the server's signature under the key exchange checked with the key that its certificate is about. To be called
 * while ssh2 asks whether the host key is right.
 */
export function checkWithKeyOf(client: SshClient, certificate: Certificate): void {
  const exchange = protocolOf(client)?._kex;
  if (exchange === undefined) return;
  const [type = '', base64 = ''] = certificate.key.split(' ');
  exchange.negotiated.serverHostKey = signatures.get(exchange) ?? type;
  // What was signed holds the certificate as it came. The key that ssh2 then takes from it is the plain one.
  const key = Buffer.from(base64, 'base64');
  const shown = Buffer.from(certificate.blob);
  Object.defineProperties(shown, {
    utf8Slice: { value: () => type },
    slice: { value: () => key.subarray(4 + type.length) },
  });
  exchange._hostKey = shown;
}

/** The key, to log in with its certificate; see `signPlainly`. */
export function withCertificate(key: ParsedKey, certificate: Certificate): ParsedKey {
  const shown = new SshReader(certificate.blob).text();
  const isRsa = shown.startsWith('ssh-rsa-');
  return Object.create(key, {
    type: { value: isRsa ? `rsa-sha2-512${SUFFIX}` : shown },
    getPublicSSH: { value: () => certificate.blob },
    sign: { value: (data: Buffer) => key.sign(data, isRsa ? 'sha512' : undefined) },
  });
}

/**
 * Where a login is by a key `withCertificate`, names the signature by the type of the key alone, as servers want it;
 * ssh2 would give it the certificate's. To be called right after `connect`.
 */
export function signPlainly(client: SshClient, key: ParsedKey): void {
  const protocol = protocolOf(client);
  if (protocol?.authPK === undefined) return;
  const { authPK } = protocol;
  protocol.authPK = (username, offered, algorithm, sign) => {
    if (offered !== key || sign === undefined) {
      authPK.call(protocol, username, offered, algorithm, sign);
      return;
    }
    const send = (data: Buffer, signature: Buffer): void => {
      const type = key.type.slice(0, -SUFFIX.length);
      const value = type.startsWith('ecdsa-') ? twoNumbers(signature) : signature;
      const named = sshString(Buffer.concat([sshString(type), sshString(value)]));
      // What is signed is the session's id and the request, which then goes out with the signature.
      const request = data.subarray(4 + data.readUInt32BE(0));
      sendPacket(protocol, Buffer.concat([request, named]));
    };
    authPK.call(protocol, username, offered, algorithm, (data) => {
      sign(data, (signature) => send(data, signature));
    });
  };
}

function sendPacket(protocol: Protocol, payload: Buffer): void {
  const { write } = protocol._packetRW;
  const packet = write.alloc(payload.length);
  packet.set(payload, write.allocStart);
  protocol._authsQueue.push('publickey');
  protocol._cipher.encrypt(write.finalize(packet));
}

/** ASN.1's sequence of two numbers, as SSH writes the numbers. */
function twoNumbers(signature: Buffer): Buffer {
  const longForm = ((signature[1] ?? 0) & 0x80) === 0 ? 0 : (signature[1] ?? 0) & 0x7f;
  let at = 2 + longForm;
  const next = (): Buffer => {
    const length = signature[at + 1] ?? 0;
    const number = signature.subarray(at + 2, at + 2 + length);
    at += 2 + length;
    return sshString(number);
  };
  return Buffer.concat([next(), next()]);
}

/**
 * Keeps ssh2 from signing by SHA-1, as it does with an RSA key where a server does not say that it takes better. To be
 * called right after `connect`.
 */
export function refuseSha1(client: SshClient, refused: () => void): void {
  const protocol = protocolOf(client);
  if (protocol?.authPK === undefined) return;
  const { authPK } = protocol;
  protocol.authPK = (username, key, algorithm, sign) => {
    if (key.type === 'ssh-rsa' && (algorithm === undefined || algorithm === 'ssh-rsa')) refused();
    else authPK.call(protocol, username, key, algorithm, sign);
  };
}

/**
 * Calls back with what the server says when it ends the connection, and its reason (RFC 4253, 11.1). To be called right
 * after `connect`.
 */
export function onDisconnect(client: SshClient, said: (reason: number, description: string) => void): void {
  const handlers = protocolOf(client)?._handlers;
  const { DISCONNECT: handle } = handlers ?? {};
  if (handlers === undefined || handle === undefined) return;
  handlers.DISCONNECT = (protocol, reason, description) => {
    said(reason, description);
    handle(protocol, reason, description);
  };
}
