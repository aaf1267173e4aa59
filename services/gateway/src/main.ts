import { ConfigError, runService } from '@rigel/runtime';
import { GatewayConfig, startGateway } from './gateway.js';

try {
  await runService({ name: 'gateway', config: GatewayConfig, start: startGateway });
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`gateway: ${error.message}\n`);
  process.exit(1);
}
