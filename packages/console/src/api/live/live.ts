import { useSyncExternalStore } from 'react';
import { apiRoot, consoleRoot } from '../../app/place.js';
import { keyOf, type LiveMessage, type LiveStatus, type TabMessage } from './protocol.js';
import { openTransport, type Transport } from './transport.js';

type Listener = (message: LiveMessage) => void;

/** What this tab follows. It is told to the holder of the connection once, however many components look at a topic. */
class LiveTab {
  private readonly listeners = new Map<string, Set<Listener>>();
  private readonly watchers = new Set<() => void>();
  private readonly name = crypto.randomUUID?.() ?? String(Math.random());
  private transport: Transport | undefined;
  private telling = false;
  private known: LiveStatus = { state: 'off', heardAt: 0 };

  get status(): LiveStatus {
    return this.known;
  }

  /** Whether messages come, so that nothing has to be asked for by the clock. */
  get isLive(): boolean {
    return this.known.state === 'live' || this.known.state === 'catching_up';
  }

  /** Follows a topic, which may begin at a place. @returns ends it. */
  subscribe(topic: string, listener: Listener): () => void {
    const listeners = this.listeners.get(topic) ?? new Set();
    listeners.add(listener);
    this.listeners.set(topic, listeners);
    this.tell();
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.listeners.get(topic) === listeners) this.listeners.delete(topic);
      this.tell();
    };
  }

  readonly watch = (changed: () => void): (() => void) => {
    this.watchers.add(changed);
    return () => this.watchers.delete(changed);
  };

  /** Tells the holder what is followed, once for all changes of this moment. */
  private tell(): void {
    this.open();
    if (this.telling) return;
    this.telling = true;
    // A page that follows another one lets the topics of the first go and takes its own.
    setTimeout(() => {
      this.telling = false;
      this.send('topics');
    }, 10);
  }

  private send(type: TabMessage['type'], check = false): void {
    this.transport?.send({
      type,
      tab: this.name,
      root: apiRoot.href,
      topics: [...this.listeners.keys()],
      hidden: document.hidden,
      check,
    });
  }

  private open(): void {
    if (this.transport) return;
    this.transport = openTransport(this.name, consoleRoot.href, (message) => {
      if (message.type === 'holder') this.send('topics');
      else if (message.type === 'status') this.setStatus(message.status);
      else this.receive(message.message);
    });
    document.addEventListener('visibilitychange', () => this.send('topics', !document.hidden));
    window.addEventListener('pagehide', () => this.send('bye'));
    window.addEventListener('pageshow', ({ persisted }) => {
      if (persisted) this.send('topics', true);
    });
  }

  private setStatus(status: LiveStatus): void {
    this.known = status;
    for (const changed of this.watchers) changed();
  }

  private receive(message: LiveMessage): void {
    for (const [topic, listeners] of this.listeners) {
      if (keyOf(topic) === message.topic) for (const listener of [...listeners]) listener(message);
    }
  }
}

export const live = new LiveTab();

/** How live this browser is; the component is drawn again when it changes. */
export function useLiveStatus(): LiveStatus {
  return useSyncExternalStore(live.watch, () => live.status);
}
