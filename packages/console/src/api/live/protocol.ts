/** What the gateway says about a topic, as it reaches a page. */
export interface LiveMessage {
  topic: string;
  /** `state`, `unchanged`, `large`, `away`, `refused`, `reset`, or that of the topic: `grid`, `output`, `gap`, `end`. */
  event: string;
  /** The data of a `state`. */
  data?: unknown;
  /** Whatever else the message has. */
  readonly [member: string]: unknown;
}

export type LiveState = 'off' | 'connecting' | 'catching_up' | 'live' | 'reconnecting' | 'polling';

export interface LiveStatus {
  state: LiveState;
  /** When the gateway was heard of last, by this browser's clock; 0 = never. */
  heardAt: number;
}

/** From a tab to the holder of the connection: all that it follows now. */
export interface TabMessage {
  type: 'topics' | 'bye';
  tab: string;
  /** Address of the API, with a slash at its end. */
  root: string;
  topics: readonly string[];
  hidden: boolean;
  /** The tab has just become visible: whatever is older than it may be is not shown as live. */
  check?: boolean;
}

/** From the holder of the connection to one tab, or to all. */
export type HolderMessage =
  | { type: 'message'; message: LiveMessage }
  | { type: 'status'; status: LiveStatus }
  /** There is a new holder: tabs say again what they follow. */
  | { type: 'holder' };

/** A topic without the place at which it begins: what messages name. */
export const keyOf = (topic: string): string => topic.replace(/@[\w.-]*$/, '');
