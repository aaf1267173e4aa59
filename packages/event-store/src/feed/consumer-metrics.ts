import { sampled } from '@rigel/runtime';
import type { EventConsumer } from './consumer.js';

/** Tells how far a service is behind the histories that it follows. */
export function measureConsumers(consumers: readonly EventConsumer[]): void {
  sampled(
    {
      name: 'rigel_consumer_lag_events',
      help: 'Events of another service that it has told of and that are not handled here yet.',
      labelNames: ['owner'],
    },
    () => consumers.map(({ owner, lag }) => [{ owner }, lag]),
  );
}
