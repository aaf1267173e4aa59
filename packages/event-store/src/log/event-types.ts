import type { NewEvent } from './event.js';

/**
 * Converts the data of one version of an event type to the next. Pure: no I/O, no clock, no randomness. It may change
 * its argument in place. Once released it is never edited: events of its version stay for ever.
 */
export type Upcaster = (data: never) => unknown;

/**
 * The upcasters of each event type: the first from version 1 to 2, the second from 2 to 3, and so on. The current
 * version is one more than the number of upcasters. A type whose shape has never changed has none.
 */
export type EventVersions<E extends NewEvent = NewEvent> = {
  readonly [Type in E['type']]: readonly Upcaster[];
};

/** The parts of an event that upcasting needs. */
interface VersionedEvent {
  position: number;
  stream: string;
  version: number;
  type: string;
  schema: number;
  data: unknown;
}

/** This program does not know the type or version of an event: most likely a newer release wrote it. */
export class UnknownEvent extends Error {
  override readonly name = 'UnknownEvent';
}

/** A type with its current version, which is needed for every event. */
interface KnownType {
  current: number;
  upcasters: readonly Upcaster[];
}

/**
 * The event types that a program knows, each with its current version. Appended events get the current version, and
 * every reader converts to it. So deciders, projections and consumers know one shape only.
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

  /** The current version of a type. @throws UnknownEvent if the type is not declared. */
  versionOf(type: string): number {
    const known = this.types.get(type);
    if (!known) throw new UnknownEvent(`events of type ${type} are not declared`);
    return known.current;
  }

  /**
   * The event in its current shape. An event that already has it is returned as it is, at the cost of one look-up.
   * @throws UnknownEvent if the type or version is not known; it names type, versions and position.
   */
  upcast<T extends VersionedEvent>(event: T): T {
    const known = this.types.get(event.type);
    if (known?.current === event.schema) return event;
    const where = `event ${event.position} (${event.stream}, version ${event.version})`;
    if (!known) throw new UnknownEvent(`${where} has the unknown type ${event.type}`);
    if (!Number.isInteger(event.schema) || event.schema < 1 || event.schema > known.current) {
      throw new UnknownEvent(
        `${where} is a ${event.type} of schema version ${event.schema}; this program knows versions 1 to ${known.current}`,
      );
    }
    let data = event.data;
    for (const upcast of known.upcasters.slice(event.schema - 1)) data = upcast(data as never);
    return { ...event, schema: known.current, data };
  }
}
