import { sampled } from './metrics.js';

/** Tells how far the publishing of a service's events is behind its history. */
export function measureRelay(relay: { lag(): Promise<{ events: number; ms: number }> }): void {
  // Both are read at each scrape, at nearly the same time.
  sampled(
    { name: 'rigel_relay_lag_events', help: 'Recorded events that the relay has not published on NATS yet.' },
    async () => (await relay.lag()).events,
  );
  sampled(
    {
      name: 'rigel_relay_lag_seconds',
      help: 'Age in seconds of the oldest event that is not published on NATS yet.',
    },
    async () => (await relay.lag()).ms / 1_000,
  );
}
