import type { Server as TlsServer } from 'node:tls';
import { gatewaySettings, isLoopback, isTimeZone } from '@rigel/contracts';
import { ConfigError, type ServiceContext } from '@rigel/runtime';
import { type Static, Type } from 'typebox';
import { buildApp } from './app.js';
import { followTlsFiles, readTlsFiles } from './tls-files.js';

/** The gateway's settings. */
export const GatewayConfig = Type.Object({
  RIGEL_HTTP_HOST: Type.String({ default: '127.0.0.1', description: 'Address to listen on.' }),
  RIGEL_HTTP_PORT: Type.Integer({
    minimum: 0,
    maximum: 65_535,
    default: 8080,
    description: 'Port to listen on; 0 = any free one, the log says which.',
  }),
  ...gatewaySettings,
});

/**
 * Starts the gateway: the HTTP API in front of the other services.
 * @throws ConfigError when it cannot listen where it should, or must not without access, or a setting makes no sense.
 */
export async function startGateway(context: ServiceContext<Static<typeof GatewayConfig>>): Promise<void> {
  const { config, bus, log, onShutdown } = context;
  const {
    RIGEL_HTTP_HOST: host,
    RIGEL_HTTP_PORT: port,
    RIGEL_TIME_ZONE: zone,
    RIGEL_HTTP_NAMES: names,
  } = config;
  if (!isTimeZone(zone)) throw new ConfigError(`RIGEL_TIME_ZONE is wrong: ${zone} (no such time zone)`);
  if (!isLoopback(host) && config.RIGEL_ACCESS !== 'on') {
    throw new ConfigError(
      `RIGEL_ACCESS is off, and ${host} can be reached from other machines: set RIGEL_ACCESS=on, or listen on 127.0.0.1`,
    );
  }
  // A name that leads here from elsewhere is no danger where a token is needed, which no browser sends by itself.
  const hostNames =
    config.RIGEL_ACCESS === 'off' ? names.split(',').map((name) => name.trim().toLowerCase()) : null;
  const tls = readTlsFiles(config);
  const app = await buildApp({ bus, log, config, hostNames, tls });
  if (tls) {
    const server = app.server as unknown as TlsServer;
    onShutdown('certificate', followTlsFiles(server, config, tls, { log }));
  }
  // Stops accepting connections, and resolves when the requests under way are answered.
  onShutdown('http', () => app.close());
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw whyNotListening(error, host, port);
  }
}

function whyNotListening(error: unknown, host: string, port: number): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return new ConfigError(`RIGEL_HTTP_PORT is wrong: ${port} on ${host} is in use already`);
    case 'EACCES':
      return new ConfigError(`RIGEL_HTTP_PORT is wrong: ${port} needs rights that this process lacks`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ConfigError(`RIGEL_HTTP_HOST is wrong: ${host} is no address of this machine`);
    default:
      return error;
  }
}
