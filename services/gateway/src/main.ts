import { runService } from '@rigel/runtime';
import { GatewayConfig, startGateway } from './gateway.js';

await runService({ name: 'gateway', config: GatewayConfig, start: startGateway });
