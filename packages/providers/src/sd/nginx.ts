import { isAbsolute } from 'node:path';
import { Type } from 'typebox';
import { sdAdapter } from '../adapter.js';
import { ProviderError } from '../provider-error.js';
import type { SdChange, SdChangeKind, SdProgress, SdProvider } from '../sd-provider.js';
import type { ProviderCall } from '../vm-provider.js';
import { type HostShell, localShell, SshShell } from './host-shell.js';
import { changeScript, lookScript, type NginxFile } from './nginx-script.js';
import { serviceAddress } from './target.js';

interface Waiting {
  kind: SdChangeKind;
  server: string;
  resolve: (workers: string) => void;
  reject: (error: unknown) => void;
}

/** Time limit of a change on the host, where it waits up to 30 s for the lock. */
const CHANGE_MS = 60_000;

/**
 * An nginx whose upstream block is a file of Rigel's. A change replaces the file; `nginx -t` checks it (and the change
 * is undone if that refuses it); then nginx loads it. A lock on the host keeps executors from losing each other's
 * changes. Changes that come during another one are made together in the next.
 */
class NginxProvider implements SdProvider {
  private waiting: Waiting[] = [];
  private changing = false;

  constructor(
    private readonly file: NginxFile,
    private readonly port: number,
    private readonly shell: HostShell,
  ) {}

  register(address: string, call: ProviderCall): Promise<SdChange> {
    return this.change('register', address, call);
  }

  unregister(address: string, call: ProviderCall): Promise<SdChange> {
    return this.change('unregister', address, call);
  }

  async progress({ kind, address, ticket }: SdChange, { signal }: ProviderCall): Promise<SdProgress> {
    const lines = await this.lines(lookScript(this.file, ticket), signal, 'seen');
    const server = serviceAddress(address, this.port);
    if (lines.includes(`server ${server}`) !== (kind === 'register')) {
      const how = kind === 'register' ? 'is not among' : 'is still among';
      return {
        state: 'failed',
        reason: `${server} ${how} the servers of ${this.file.file}: somebody changed it`,
      };
    }
    if (!lines.includes('loaded'))
      return { state: 'failed', reason: `nginx has not loaded ${this.file.file} as it is` };
    const count = (word: string) => lines.filter((line) => line.startsWith(`${word} `)).length;
    const accepting = count('accepting');
    if (accepting > 0)
      return { state: 'pending', what: `${accepting} earlier nginx workers to take no new connections` };
    const leaving = count('leaving');
    if (kind === 'register' || leaving === 0) return { state: 'done' };
    return { state: 'pending', what: `${leaving} earlier nginx workers to end their last requests` };
  }

  async isRegistered(address: string, { signal }: ProviderCall): Promise<boolean> {
    const lines = await this.lines(lookScript(this.file, ''), signal, 'seen');
    return lines.includes('loaded') && lines.includes(`server ${serviceAddress(address, this.port)}`);
  }

  private async change(kind: SdChangeKind, address: string, { signal }: ProviderCall): Promise<SdChange> {
    const server = serviceAddress(address, this.port);
    const workers = await new Promise<string>((resolve, reject) => {
      const entry: Waiting = { kind, server, resolve, reject };
      this.waiting.push(entry);
      // A change that has begun is finished: no caller has asked to undo it.
      signal.addEventListener(
        'abort',
        () => {
          this.waiting = this.waiting.filter((other) => other !== entry);
          reject(signal.reason);
        },
        { once: true },
      );
      void this.makeChanges();
    });
    return { kind, address, ticket: workers };
  }

  /** Makes all waiting changes together, until no change waits. */
  private async makeChanges(): Promise<void> {
    if (this.changing) return;
    this.changing = true;
    try {
      while (this.waiting.length > 0) {
        const batch = this.waiting;
        this.waiting = [];
        // Of two opposite changes for one server, the later counts.
        const last = new Map(batch.map(({ server, kind }) => [server, kind]));
        const of = (kind: SdChangeKind) =>
          [...last].filter((wish) => wish[1] === kind).map(([server]) => server);
        try {
          const script = changeScript(this.file, of('register'), of('unregister'));
          const lines = await this.lines(script, AbortSignal.timeout(CHANGE_MS), 'changed', 'unchanged');
          const [, ...workers] = lines.at(-1)?.split(/\s+/) ?? [];
          for (const { resolve } of batch) resolve(workers.filter(Boolean).join(' '));
        } catch (error) {
          for (const { reject } of batch) reject(error);
        }
      }
    } finally {
      this.changing = false;
    }
  }

  /** Runs a script whose last line begins with one of these words. */
  private async lines(script: string, signal: AbortSignal, ...ends: string[]): Promise<string[]> {
    const { status, output } = await this.shell.run(script, signal);
    const lines = output.split('\n').filter((line) => line !== '');
    const last = lines.at(-1) ?? '';
    if (ends.includes(last.split(' ')[0] ?? '')) return lines;
    const problem = lines.find((line) => line.startsWith('error '));
    if (problem !== undefined) throw new ProviderError('refused', problem.slice('error '.length));
    throw new ProviderError('unknown', `the script ended with status ${status}: ${last.slice(0, 300)}`);
  }
}

const oneLine = { pattern: '^[^\\n{}#]*$' };

export const nginxAdapter = sdAdapter({
  settings: Type.Object({
    /** The upstream file, which nginx includes in its `http` block; owned by Rigel. An absolute path. */
    file: Type.String({ minLength: 1, pattern: '^/[^\\n]*$' }),
    /** Name of the upstream. */
    upstream: Type.String({ pattern: '^[0-9A-Za-z_.-]+$' }),
    /** Port of the service on the nodes. */
    port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    pid_file: Type.String({ minLength: 1, default: '/run/nginx.pid' }),
    /** Command and first arguments, for instance `["sudo", "-n", "nginx"]`. */
    command: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, default: ['nginx'] }),
    /** Directives of the upstream, for instance `["least_conn;"]`. */
    directives: Type.Array(Type.String({ pattern: '^[^\\n{}#]*;$' }), { default: [] }),
    /** Parameters of every server, for instance `max_fails=1 fail_timeout=2s`. */
    server_options: Type.String({ ...oneLine, default: '' }),
    /** Host of the nginx, by SSH (`10.0.0.2`, `10.0.0.2:2222`). Default: the computer of the executor. */
    host: Type.Optional(Type.String({ pattern: '^[0-9A-Za-z.-]+(:\\d{1,5})?$' })),
    /** User on that host. Default: the executor's user on nodes. */
    user: Type.Optional(Type.String({ pattern: '^[^\\s@:]+$' })),
    /** The host's SSH key, `ssh-ed25519 AAAA…`. Default: as for nodes. */
    host_key: Type.Optional(Type.String({ pattern: '^\\S+ \\S+$' })),
  }),
  create: (settings, { ssh }) => {
    if (!isAbsolute(settings.file)) throw new Error(`file = ${settings.file} must be an absolute path`);
    let shell: HostShell = localShell;
    if (settings.host !== undefined && ssh !== undefined) {
      const [host = '', port] = settings.host.split(':');
      shell = new SshShell(
        {
          host,
          port: port === undefined ? ssh.defaultPort : Number(port),
          ...(settings.host_key === undefined ? {} : { hostKey: settings.host_key }),
        },
        { ...ssh.connection, ...(settings.user === undefined ? {} : { user: settings.user }) },
      );
    }
    return new NginxProvider(
      {
        file: settings.file,
        upstream: settings.upstream,
        pidFile: settings.pid_file,
        command: settings.command,
        directives: settings.directives,
        serverOptions: settings.server_options,
      },
      settings.port,
      shell,
    );
  },
});
