/// <reference lib="webworker" />
import { Holder } from './holder.js';
import type { HolderMessage, TabMessage } from './protocol.js';

/*
 * The shared worker: one for all tabs of a browser.
 */

declare const self: SharedWorkerGlobalScope;

const holder = new Holder((...request) => fetch(...request));

self.onconnect = ({ ports }) => {
  const [port] = ports;
  if (!port) return;
  const watched = new Set<string>();
  port.onmessage = ({ data }: MessageEvent<TabMessage>) => {
    holder.receive(data, (message: HolderMessage) => port.postMessage(message));
    if (data.type === 'bye' || watched.has(data.tab)) return;
    watched.add(data.tab);
    // A tab holds the lock of its name as long as it lives. A port does not say that its other end is gone.
    void navigator.locks?.request(`rigel-tab-${data.tab}`, () => holder.leave(data.tab));
  };
};
