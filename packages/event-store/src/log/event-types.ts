import type { NewEvent } from './event.js';

/**
 * Turns the data of one version of an event type into that of the next. Pure: no I/O, no clock, no chance; it may change
 * the data it is given. Once released it is never edited: events of its version are there for ever.
 */
export type Upcaster = (data: never) => unknown;

/**
 * For each type of event its upcasters: the first from version 1 to 2, the second from 2 to 3, and so on. So the current
 * version is one more than there are upcasters, and a type whose shape has never changed has none.
 */
export type EventVersions<E extends NewEvent = NewEvent> = {
  readonly [Type in E['type']]: readonly Upcaster[];
};

/** What must be known of an event to bring it to its current shape. */
interface VersionedEvent {
  position: number;
  stream: string;
  version: number;
  type: string;
  schema: number;
  data: unknown;
}

/** The history holds an event that this program does not know: most likely a newer one has written it. */
export class UnknownEvent extends Error {
  override readonly name = 'UnknownEvent';
}

/** A type as it is used: how many upcasters it has is asked for every event. */
interface KnownType {
  current: number;
  upcasters: readonly Upcaster[];
}

/**
 * The types of events that a program knows, each with its current version. Whatever is appended gets the current
 * version; whatever is read is brought to it, so that deciders, projections and consumers know one shape only.
 */
export class EventTypes<E extends NewEvent = NewEvent> {
  private readonly types: ReadonlyMap<string, KnownType>;

  constructor(versions: EventVersions<E>) {
    this.types = new Map(
      Object.entries<readonly Upcaster[]>(versions).map(([type, upcasters]) => [
        type,
        { current: upcasters.length + 1, upcasters },
      ]),
    );
  }

  /** Names of the types. */
  get names(): string[] {
    return [...this.types.keys()];
  }

  has(type: string): boolean {
    return this.types.has(type);
  }

  /** The current version of a type. @throws UnknownEvent when it is not declared. */
  versionOf(type: string): number {
    const known = this.types.get(type);
    if (!known) throw new UnknownEvent(`events of type ${type} are not declared`);
    return known.current;
  }

  /**
   * The event in its current shape: itself when it has that, which costs one look-up.
   * @throws UnknownEvent naming type, versions and position when the type or the version is not known.
   */
  upcast<T extends VersionedEvent>(event: T): T {
    const known = this.types.get(event.type);
    if (known?.current === event.schema) return event;
    const where = `event ${event.position} (${event.stream}, version ${event.version})`;
    if (!known) throw new UnknownEvent(`${where} is of the unknown type ${event.type}`);
    if (!Number.isInteger(event.schema) || event.schema < 1 || event.schema > known.current) {
      throw new UnknownEvent(
        `${where} is a ${event.type} of schema version ${event.schema}; known are versions 1 to ${known.current}`,
      );
    }
    let data = event.data;
    for (const upcast of known.upcasters.slice(event.schema - 1)) data = upcast(data as never);
    return { ...event, schema: known.current, data };
  }
}
