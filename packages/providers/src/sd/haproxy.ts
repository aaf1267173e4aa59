import { Type } from 'typebox';
import { sdAdapter } from '../adapter.js';
import { ProviderError } from '../provider-error.js';
import type { SdChange, SdProgress, SdProvider } from '../sd-provider.js';
import type { ProviderCall } from '../vm-provider.js';
import { DRAIN, type HaproxyServer, HaproxySocket, MAINTENANCE } from './haproxy-socket.js';
import { serviceAddress } from './target.js';

interface Settings {
  socket: string;
  backend: string;
  port: number;
  server_options: string;
}

/** The prefix of the names of servers that Rigel added. */
const OWN = 'rigel-';

/**
 * A backend of an HAProxy, changed through its runtime socket. A server that is not in the configuration is added under
 * a name made of its address, so that executors that do so at once add one server. Unregistering drains the server,
 * waits for its last request, puts it into maintenance, and deletes it if Rigel had added it.
 */
class HaproxyProvider implements SdProvider {
  private readonly socket: HaproxySocket;

  constructor(private readonly settings: Settings) {
    this.socket = new HaproxySocket(settings.socket);
  }

  async register(address: string, { signal }: ProviderCall): Promise<SdChange> {
    const { backend, server_options } = this.settings;
    const server = serviceAddress(address, this.settings.port);
    let name = (await this.find(address, signal))?.name;
    if (name === undefined) {
      name = `${OWN}${server.replaceAll(/[[\]]/g, '').replaceAll(':', '-')}`;
      const options = server_options === '' ? '' : ` ${server_options}`;
      const said = await this.socket.send(`add server ${backend}/${name} ${server}${options}`, signal);
      if (!/^New server registered/i.test(said) && !/already exists/i.test(said))
        throw new ProviderError('refused', `HAProxy does not add ${server}: ${said}`);
      // The health checks of an added server are off until they are enabled.
      if (/(^|\s)check(\s|$)/.test(server_options))
        await this.order(`enable health ${backend}/${name}`, signal);
    }
    await this.order(`set server ${backend}/${name} state ready`, signal);
    return { kind: 'register', address, ticket: '' };
  }

  async unregister(address: string, { signal }: ProviderCall): Promise<SdChange> {
    const server = await this.find(address, signal);
    if (server && !(server.administrative & MAINTENANCE))
      await this.order(`set server ${this.settings.backend}/${server.name} state drain`, signal);
    return { kind: 'unregister', address, ticket: '' };
  }

  async progress({ kind, address }: SdChange, { signal }: ProviderCall): Promise<SdProgress> {
    const server = await this.find(address, signal);
    if (kind === 'unregister') return server ? this.takeOut(server, signal) : { state: 'done' };
    if (!server)
      return { state: 'failed', reason: `HAProxy has no server ${address}: it was taken out again` };
    if (server.administrative & (MAINTENANCE | DRAIN))
      return { state: 'failed', reason: `${server.name} is not ready: somebody took it out again` };
    if (server.operational === 2) return { state: 'done' };
    return { state: 'pending', what: `the health check of ${server.name}` };
  }

  async isRegistered(address: string, { signal }: ProviderCall): Promise<boolean> {
    const server = await this.find(address, signal);
    return server !== undefined && !(server.administrative & (MAINTENANCE | DRAIN));
  }

  /** The next step of removing a server that gets no new requests any more. */
  private async takeOut(server: HaproxyServer, signal: AbortSignal): Promise<SdProgress> {
    const { backend } = this.settings;
    const name = `${backend}/${server.name}`;
    if (!(server.administrative & MAINTENANCE)) {
      if (!(server.administrative & DRAIN))
        return { state: 'failed', reason: `${name} is in service again: somebody put it there` };
      const sessions = await this.socket.sessions(backend, server.name, signal);
      if (sessions > 0) return { state: 'pending', what: `${sessions} requests of ${name} to end` };
      await this.order(`set server ${name} state maint`, signal);
    }
    if (!server.name.startsWith(OWN)) return { state: 'done' };
    const said = await this.socket.send(`del server ${name}`, signal);
    if (/^Server deleted/i.test(said) || /no such server/i.test(said)) return { state: 'done' };
    // HAProxy closes connections that wait for a next request after some seconds.
    return { state: 'pending', what: `HAProxy to let ${name} go: ${said}` };
  }

  private async find(address: string, signal: AbortSignal): Promise<HaproxyServer | undefined> {
    const wanted = serviceAddress(address, this.settings.port);
    const servers = await this.socket.servers(this.settings.backend, signal);
    return servers.find((server) => server.address === wanted);
  }

  /** Sends a command that has no answer if HAProxy obeys it. */
  private async order(command: string, signal: AbortSignal): Promise<void> {
    const said = await this.socket.send(command, signal);
    if (said !== '') throw new ProviderError('refused', `HAProxy refuses ${command}: ${said}`);
  }
}

export const haproxyAdapter = sdAdapter({
  settings: Type.Object({
    /** The runtime socket, with `level admin`: an absolute path, or `host:port`. */
    socket: Type.String({ pattern: '^(/[^\\n]+|[0-9A-Za-z.-]+:\\d{1,5})$' }),
    backend: Type.String({ pattern: '^[0-9A-Za-z_.:-]+$' }),
    /** Port of the service on the nodes. */
    port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    /** Parameters of every added server, for instance `check inter 500`. */
    server_options: Type.String({ pattern: '^[^\\n;]*$', default: '' }),
  }),
  create: (settings) => new HaproxyProvider(settings),
});
