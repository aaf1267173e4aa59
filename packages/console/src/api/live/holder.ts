import { Connection } from './connection.js';
import { type HolderMessage, keyOf, type LiveMessage, type TabMessage } from './protocol.js';

/** A hidden tab lets its topics go after this time: a tab that one comes back to soon goes on at once. */
const HIDDEN_MS = 60_000;

interface Tab {
  topics: readonly string[];
  hiddenSince: number | undefined;
  send: (message: HolderMessage) => void;
}

/** Holds the one connection of a browser, and passes on to each tab what it follows. */
export class Holder {
  private readonly tabs = new Map<string, Tab>();
  private readonly connection: Connection;
  private root = '';
  /** The last state of each topic: a tab that begins to follow what another one follows has it at once. */
  private readonly states = new Map<string, LiveMessage>();
  private lastTick = Date.now();
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(fetchHere: typeof fetch) {
    this.connection = new Connection({
      fetch: fetchHere,
      message: (message) => this.passOn(message),
      status: (status) => {
        for (const { send } of this.tabs.values()) send({ type: 'status', status });
      },
    });
    this.timer = setInterval(() => this.tick(), 5_000);
  }

  close(): void {
    clearInterval(this.timer);
    this.connection.close();
  }

  receive({ type, tab, root, topics, hidden, check }: TabMessage, send: Tab['send']): void {
    if (type === 'bye') {
      this.leave(tab);
      return;
    }
    this.root = root;
    const before = this.tabs.get(tab);
    const hiddenSince = hidden ? (before?.hiddenSince ?? Date.now()) : undefined;
    this.tabs.set(tab, { topics, hiddenSince, send });
    send({ type: 'status', status: this.connection.status });
    const had = new Set(before?.topics.map(keyOf));
    for (const topic of topics.map(keyOf)) {
      const message = had.has(topic) && !check ? undefined : this.states.get(topic);
      if (message) send({ type: 'message', message });
    }
    this.follow();
    if (check) this.connection.check();
  }

  leave(tab: string): void {
    if (this.tabs.delete(tab)) this.follow();
  }

  private follow(): void {
    const now = Date.now();
    const wanted = new Map<string, string>();
    for (const { topics, hiddenSince } of this.tabs.values()) {
      if (hiddenSince !== undefined && now - hiddenSince > HIDDEN_MS) continue;
      for (const topic of topics) if (!wanted.has(keyOf(topic))) wanted.set(keyOf(topic), topic);
    }
    for (const topic of this.states.keys()) if (!wanted.has(topic)) this.states.delete(topic);
    this.connection.follow(this.root, [...wanted.values()].sort());
  }

  private passOn(message: LiveMessage): void {
    const { topic, event } = message;
    if (event === 'state') this.states.set(topic, message);
    else if (event !== 'unchanged') this.states.delete(topic);
    for (const { topics, send } of this.tabs.values()) {
      if (topics.some((one) => keyOf(one) === topic)) send({ type: 'message', message });
    }
  }

  private tick(): void {
    const now = Date.now();
    // The machine slept: what was heard before counts for nothing.
    if (now - this.lastTick > 15_000) this.connection.check();
    this.lastTick = now;
    this.follow();
  }
}
