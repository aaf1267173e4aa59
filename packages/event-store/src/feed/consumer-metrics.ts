import { sampled } from '@rigel/runtime';
import type { EventConsumer } from './consumer.js';

/** Measures how far a service is behind the histories that it follows. */
export function measureConsumers(consumers: readonly EventConsumer[]): void {
  sampled(
    {
      name: 'rigel_consumer_lag_events',
      help: 'Events that another service (label owner) has announced and this service has not handled yet.',
      labelNames: ['owner'],
    },
    () => consumers.map(({ owner, lag }) => [{ owner }, lag]),
  );
}
