import { Holder } from './holder.js';
import type { HolderMessage, TabMessage } from './protocol.js';
import workerAddress from './worker.ts?sharedworker&url';

/** The way from this tab to the holder of the connection. */
export interface Transport {
  send: (message: TabMessage) => void;
}

interface ScriptPolicy {
  createScriptURL: (url: string) => unknown;
}
interface WithPolicies {
  trustedTypes?: {
    createPolicy: (name: string, rules: { createScriptURL: (url: string) => string }) => ScriptPolicy;
  };
}

/** The only text that becomes script: the address of the console's own worker. */
function trusted(address: string): string {
  const policy = (globalThis as WithPolicies).trustedTypes?.createPolicy('rigel', {
    createScriptURL: (url) => {
      if (url !== address) throw new TypeError('only the worker of the console itself may be started');
      return url;
    },
  });
  return (policy ? policy.createScriptURL(address) : address) as string;
}

/**
 * Opens the way to the one connection of this browser: in a shared worker; where there is none, in the tab that has the
 * lock, which hands on by a channel; where there are no locks, in this tab alone.
 * @param scope what tells installations at one address apart: the console's own address.
 */
export function openTransport(
  tab: string,
  scope: string,
  receive: (message: HolderMessage) => void,
): Transport {
  const held = holdTabLock(tab);
  // A holder that asked for the lock before this tab has it would take the tab for closed.
  const afterLock = ({ send }: Transport): Transport => ({
    send: (message) => void held.then(() => send(message)),
  });
  const withoutWorker = (): Transport =>
    'locks' in navigator && 'BroadcastChannel' in globalThis
      ? throughChannel(tab, scope, receive)
      : alone(receive);
  if (!('SharedWorker' in globalThis)) return afterLock(withoutWorker());
  let current = throughWorker(receive, () => {
    // Its file is gone after an update, or the browser refuses it: this tab says again what it follows.
    current = withoutWorker();
    receive({ type: 'holder' });
  });
  return afterLock({ send: (message) => current.send(message) });
}

/** Holds the lock that says that this tab is there, as long as it is. @returns when it has the lock. */
function holdTabLock(tab: string): Promise<void> {
  if (!('locks' in navigator)) return Promise.resolve();
  return new Promise((granted) => {
    void navigator.locks.request(`rigel-tab-${tab}`, () => {
      granted();
      return new Promise(() => undefined);
    });
  });
}

function throughWorker(receive: (message: HolderMessage) => void, failed: () => void): Transport {
  const worker = new SharedWorker(trusted(workerAddress), { type: 'module', name: 'rigel live' });
  worker.onerror = failed;
  worker.port.onmessage = ({ data }: MessageEvent<HolderMessage>) => receive(data);
  return { send: (message) => worker.port.postMessage(message) };
}

function alone(receive: (message: HolderMessage) => void): Transport {
  const holder = new Holder((...request) => fetch(...request));
  return { send: (message) => holder.receive(message, receive) };
}

/** One tab is elected by a lock. It holds the connection until it is closed; then the next one that waits has the lock. */
function throughChannel(tab: string, scope: string, receive: (message: HolderMessage) => void): Transport {
  const channel = new BroadcastChannel(`rigel live ${scope}`);
  let holder: Holder | undefined;
  channel.onmessage = ({ data }: MessageEvent<TabMessage | { to: string; message: HolderMessage }>) => {
    if ('to' in data) {
      if (data.to === tab || data.to === '') receive(data.message);
      return;
    }
    if (!holder) return;
    const known = holder;
    known.receive(data, (message) => channel.postMessage({ to: data.tab, message }));
    if (data.type === 'topics') leaveWithLock(data.tab, known);
  };
  const watched = new Set<string>();
  const leaveWithLock = (other: string, known: Holder): void => {
    if (watched.has(other)) return;
    watched.add(other);
    void navigator.locks.request(`rigel-tab-${other}`, () => {
      watched.delete(other);
      known.leave(other);
    });
  };
  void navigator.locks.request(`rigel live ${scope}`, () => {
    holder = new Holder((...request) => fetch(...request));
    const message: HolderMessage = { type: 'holder' };
    channel.postMessage({ to: '', message });
    receive(message);
    return new Promise(() => undefined);
  });
  return {
    send: (message) => {
      if (holder) holder.receive(message, receive);
      else channel.postMessage(message);
    },
  };
}
