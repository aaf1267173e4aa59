import type { Server as TlsServer } from 'node:tls';
import { gatewaySettings, isLoopback, isTimeZone } from '@rigel/contracts';
import { ConfigError, type ServiceContext } from '@rigel/runtime';
import { type Static, Type } from 'typebox';
import { buildApp } from './app.js';
import { followTlsFiles, readTlsFiles } from './server/tls-files.js';

/** The gateway's settings. */
export const GatewayConfig = Type.Object({
  RIGEL_HTTP_HOST: Type.String({ default: '127.0.0.1', description: 'Address to listen on.' }),
  RIGEL_HTTP_PORT: Type.Integer({
    minimum: 0,
    maximum: 65_535,
    default: 8080,
    description: 'Port to listen on; 0 = any free port, which the log names.',
  }),
  ...gatewaySettings,
});

/**
 * Starts the gateway: the HTTP API in front of the other services.
 * @throws ConfigError when it cannot listen at its address, must not listen there without access, or a setting makes
 *   no sense.
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
  // Where access is on, a foreign name that resolves to this gateway is no danger: no browser sends a token on its own.
  const hostNames =
    config.RIGEL_ACCESS === 'off' ? names.split(',').map((name) => name.trim().toLowerCase()) : null;
  const tls = readTlsFiles(config);
  const app = await buildApp({ bus, log, config, hostNames, tls });
  if (tls) {
    const server = app.server as unknown as TlsServer;
    onShutdown('certificate', followTlsFiles(server, config, tls, { log }));
  }
  // Accepts no more connections, and resolves when all requests have their answers.
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
