import type { AddressInfo, Server } from 'node:net';
import ssh2, { type ServerChannel } from 'ssh2';
import { generateSshKey } from '../ssh-key.js';

/** The behaviour of a hostile node. All that it writes is sent unchanged. */
export interface HostileAnswers {
  /**
   * A script of ours has come. `say` writes a control line of it; `channel` writes anything else.
   * @param script its text.
   */
  answer(script: string, say: (line: string | Buffer) => void, channel: ServerChannel): void;
  /** Like servers before OpenSSH 7.2, the node does not say which signatures it accepts. */
  sayNoSignatures?: boolean;
  /** Its text before a login. */
  banner?: string;
}

/** An SSH server that accepts any login, has no shell, and answers the node scripts as a test wants. */
export interface HostileNode {
  port: number;
  privateKey: string;
  answers: HostileAnswers;
  stop(): Promise<void>;
}

/** Starts a hostile node on a free port of the loopback address. */
export async function startHostileNode(answers: HostileAnswers): Promise<HostileNode> {
  const key = generateSshKey();
  const node: HostileNode = { port: 0, privateKey: key.private, answers, stop: async () => undefined };
  const clients = new Set<{ end(): void }>();
  const { banner } = answers;
  const server = new ssh2.Server(
    { hostKeys: [generateSshKey().private], ...(banner === undefined ? {} : { banner }) },
    (client) => {
      clients.add(client);
      client.on('error', () => undefined);
      if (answers.sayNoSignatures) withoutExtensions(client);
      client.on('close', () => clients.delete(client));
      client.on('authentication', (login) => login.accept());
      client.on('ready', () => {
        client.on('session', (accept) => {
          const session = accept();
          session.on('exec', (acceptExec) => converse(acceptExec(), node));
        });
      });
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  node.port = (server.address() as AddressInfo).port;
  node.stop = async () => {
    for (const client of clients) client.end();
    await new Promise<void>((resolve) => (server as unknown as Server).close(() => resolve()));
  };
  return node;
}

/** ssh2 has no option for it. */
function withoutExtensions(client: object): void {
  const { _protocol: protocol } = client as { _protocol: { _kex?: object } };
  let exchange = protocol._kex;
  const silence = (of: object): void => {
    Object.defineProperty(of, 'remoteExtInfoEnabled', { get: () => false, set: () => undefined });
  };
  if (exchange) silence(exchange);
  Object.defineProperty(protocol, '_kex', {
    get: () => exchange,
    set: (begun: object | undefined) => {
      if (begun) silence(begun);
      exchange = begun;
    },
  });
}

/** Plays our shell: finds the nonce in the greeting, answers that, and hands on what comes then. */
function converse(channel: ServerChannel, node: HostileNode): void {
  let nonce: string | undefined;
  let text = '';
  channel.on('error', () => undefined);
  channel.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    const found = /printf '\\n%s %s\\n' ([0-9a-f]{24}) greeted;; esac\n/.exec(text);
    // A connection that is proven is not greeted: the nonce then stands in the script.
    nonce ??= found?.[1] ?? /rg_nonce='?([0-9a-f]{24})/.exec(text)?.[1];
    if (nonce === undefined) return;
    const say = (line: string | Buffer): void => {
      channel.write(Buffer.concat([Buffer.from(`\n${nonce} `), Buffer.from(line), Buffer.from('\n')]));
    };
    if (found) {
      say('greeted');
      text = text.slice(found.index + found[0].length);
    }
    // A long script comes in pieces; it is one compound command.
    if (!text.endsWith('}\n')) return;
    const script = text;
    text = '';
    node.answers.answer(script, say, channel);
  });
}
