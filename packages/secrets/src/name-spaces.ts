import { realpath, stat } from 'node:fs/promises';
import type { NamedSecrets } from './named-secrets.js';
import { SecretError, type SecretReference } from './secret-reference.js';

/*
 * Parameters and SSH profiles name their secrets in two name spaces: the person who runs a task chooses the secret of a
 * parameter, and must not come by the keys of nodes or of providers with it. What else uses a secret of the parameters'
 * name space reserves it.
 */

/** A name of the parameters' name space that leads to what something else uses. */
export interface ReservedName {
  name: string;
  /** What uses it, for people. */
  by: string;
}

/** The secrets that parameters name, without those that something else uses. */
export class ParameterSecrets {
  private readonly reservations: { place: SecretReference; by: string }[] = [];

  constructor(private readonly named: NamedSecrets) {}

  /**
   * From now on no parameter is given what is there, under whatever name it leads there (a link, another spelling of
   * the variable's name). The place need not exist, nor be in the name space.
   */
  reserve(place: SecretReference, by: string): void {
    this.reservations.push({ place, by });
  }

  /** @throws SecretError that names the secret, and why it cannot be had. */
  async read(name: string): Promise<string> {
    const by = await this.reservedBy(name);
    if (by !== undefined) {
      throw new SecretError(
        `secret ${name} is used by ${by}: no parameter may take it; give the secret of the parameter a name of its own`,
      );
    }
    return this.named.read(name);
  }

  /** The names in this name space that lead to what is reserved, in the order of the alphabet. */
  async reservedNames(): Promise<ReservedName[]> {
    const found: ReservedName[] = [];
    for (const name of await this.named.names()) {
      const by = await this.reservedBy(name);
      if (by !== undefined) found.push({ name, by });
    }
    return found;
  }

  /**
   * Gives a profile what this name space has under a name, and keeps it from parameters; undefined: it has nothing
   * there.
   */
  async takeFor(name: string, by: string): Promise<(() => Promise<string>) | undefined> {
    const place = await this.named.placeOf(name);
    if (place === undefined) return undefined;
    // Both places that a name has: which of them counts may change while this process runs.
    for (const each of this.named.placesOf(name)) this.reserve(each, by);
    return () => this.named.read(name);
  }

  private async reservedBy(name: string): Promise<string | undefined> {
    if (this.reservations.length === 0) return undefined;
    const place = await this.named.placeOf(name);
    if (place === undefined) return undefined;
    if ('env' in place) {
      return this.reservations.find(({ place: other }) => 'env' in other && other.env === place.env)?.by;
    }
    const wanted = await identityOf(place.file);
    for (const { place: other, by } of this.reservations) {
      // A file may be replaced while this process runs; it is the same file by another name, too.
      if (!('file' in other)) continue;
      if (other.file === place.file) return by;
      if (wanted !== undefined && (await identityOf(other.file)) === wanted) return by;
    }
    return undefined;
  }
}

/** Tells a file from all others, whatever links lead to it; undefined: there is none. */
async function identityOf(file: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(file, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    return undefined;
  }
}

const PROFILES = 'the SSH profiles';

/**
 * The secrets that SSH profiles name. One that is only where parameters have theirs, as releases before had it, is
 * found there, and no parameter may take it from then on.
 */
export class ProfileSecrets {
  private readonly readers = new Map<string, () => Promise<string>>();
  /** Names that were found only where parameters have theirs. */
  readonly moved: string[] = [];

  constructor(
    private readonly own: NamedSecrets,
    private readonly parameters: ParameterSecrets,
  ) {}

  /** @throws SecretError */
  async read(name: string): Promise<string> {
    const read = this.readers.get(name) ?? (await this.find(name));
    return read();
  }

  /** Where a name is found first it stays: what is looked for elsewhere later would not be reserved there. */
  private async find(name: string): Promise<() => Promise<string>> {
    let read = () => this.own.read(name);
    if ((await this.own.placeOf(name)) === undefined) {
      const taken = await this.parameters.takeFor(name, PROFILES);
      if (taken === undefined) return read;
      this.moved.push(name);
      read = taken;
    }
    this.readers.set(name, read);
    return read;
  }
}

/** Whether two folders are one. A folder that is not there is none. */
export async function isSameFolder(one: string, other: string): Promise<boolean> {
  try {
    return (await realpath(one)) === (await realpath(other));
  } catch {
    return false;
  }
}
