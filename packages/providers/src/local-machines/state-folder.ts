import { createHash, randomBytes, randomInt } from 'node:crypto';
import {
  link,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { findFreePort } from '@rigel/local-servers';
import { generateSshKey } from '@rigel/remote-attempt';

/** A machine, as in its file. */
export interface LocalMachine {
  vmId: string;
  token: string;
  /** `127.77.3.5:15022`. */
  address: string;
  /** `ssh-ed25519 AAAA…` */
  hostKey: string;
  /** The public key that may log in, `ssh-ed25519 AAAA…`. */
  authorizedKey: string;
}

/** The facts that all machines of one folder share. */
export interface LocalNetwork {
  /** Random name of this folder's network, which identifies the host of its machines. */
  id: string;
  /** Second byte of the addresses 127.x.… */
  second: number;
  /** SSH port of every machine, where each has its own address; and the port of the host. */
  port: number;
}

/** On Linux all of 127.0.0.0/8 is loopback; on other systems only 127.0.0.1 is, and each machine gets its own port. */
const OWN_ADDRESSES = process.platform === 'linux';

const isCode = (error: unknown, ...codes: string[]): boolean =>
  codes.includes((error as NodeJS.ErrnoException).code ?? '');

/** Returned machines are remembered, so that a late `create` of an executor that stood still makes no new one. */
export class MachineReturned extends Error {
  override readonly name = 'MachineReturned';
}

/**
 * The files of local machines. Every file appears complete or not at all, by a rename or a link. So any number of
 * processes may work on a folder and be killed at any moment.
 *
 *     network.json                the addresses, chosen once
 *     machines/<id>/machine.json  a machine; host_key, home/ beside it
 *     addresses/<host:port>       a link that names the machine that has the address
 *     returned/<id>               machines that were returned
 *     trash/                      files that are being made or removed
 */
export class StateFolder {
  private network_: LocalNetwork | undefined;

  constructor(readonly folder: string) {}

  /** The id of the machine of a token: always the same, so that a second `create` finds the first machine. */
  static vmIdOf(token: string): string {
    return `local-${createHash('sha256').update(token).digest('hex').slice(0, 16)}`;
  }

  /** HOME of all processes of a machine. */
  homeOf(vmId: string): string {
    return join(this.folder, 'machines', vmId, 'home');
  }

  hostKeyFile(vmId: string): string {
    return join(this.folder, 'machines', vmId, 'host_key');
  }

  /** The network of this folder, which the first call chooses. */
  async network(): Promise<LocalNetwork> {
    if (this.network_) return this.network_;
    const file = join(this.folder, 'network.json');
    await this.makeFolders();
    try {
      this.network_ = JSON.parse(await readFile(file, 'utf8')) as LocalNetwork;
    } catch (error) {
      if (!isCode(error, 'ENOENT')) throw error;
      const chosen: LocalNetwork = {
        id: randomBytes(8).toString('hex'),
        second: randomInt(16, 240),
        port: await findFreePort(),
      };
      const made = join(this.folder, 'trash', `network-${randomBytes(6).toString('hex')}`);
      await writeFile(made, JSON.stringify(chosen));
      // A link never replaces an existing file: the first one counts.
      await link(made, file).catch((linkError: unknown) => {
        if (!isCode(linkError, 'EEXIST')) throw linkError;
      });
      await unlink(made);
      this.network_ = JSON.parse(await readFile(file, 'utf8')) as LocalNetwork;
    }
    return this.network_;
  }

  /** The address of the host of the machines. */
  async hostAddress(): Promise<{ host: string; port: number; id: string }> {
    const { second, port, id } = await this.network();
    return { host: OWN_ADDRESSES ? `127.${second}.0.1` : '127.0.0.1', port, id };
  }

  /** Makes the machine of a token, or finds it. @throws MachineReturned */
  async create(token: string, authorizedKey: string): Promise<LocalMachine> {
    const vmId = StateFolder.vmIdOf(token);
    const found = await this.read(vmId);
    if (found) return found;
    if (await this.wasReturned(vmId)) throw new MachineReturned(`machine ${vmId} was returned`);
    const key = generateSshKey();
    const machine: LocalMachine = {
      vmId,
      token,
      address: await this.takeAddress(vmId),
      hostKey: key.public,
      authorizedKey,
    };
    const made = join(this.folder, 'trash', `${vmId}.${randomBytes(6).toString('hex')}`);
    await mkdir(join(made, 'home'), { recursive: true });
    await writeFile(join(made, 'host_key'), key.private, { mode: 0o600 });
    await writeFile(join(made, 'machine.json'), JSON.stringify(machine));
    try {
      await rename(made, join(this.folder, 'machines', vmId));
    } catch (error) {
      await rm(made, { recursive: true, force: true });
      // Another process was faster with the same token, so its machine counts.
      if (!isCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    }
    if (await this.wasReturned(vmId)) {
      await this.remove(vmId);
      await this.removeRest(vmId);
      throw new MachineReturned(`machine ${vmId} was returned`);
    }
    return (await this.read(vmId)) ?? machine;
  }

  /** Undefined if the machine does not exist. */
  async read(vmId: string): Promise<LocalMachine | undefined> {
    if (!isVmId(vmId)) return undefined;
    try {
      const text = await readFile(join(this.folder, 'machines', vmId, 'machine.json'), 'utf8');
      return JSON.parse(text) as LocalMachine;
    } catch (error) {
      if (isCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  /** When the machine's file was written, which nothing changes afterwards. */
  async madeAt(vmId: string): Promise<number | undefined> {
    try {
      return Math.trunc((await stat(join(this.folder, 'machines', vmId, 'machine.json'))).mtimeMs);
    } catch (error) {
      if (isCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  async list(): Promise<LocalMachine[]> {
    const names = await readdir(join(this.folder, 'machines')).catch((error: unknown) => {
      if (isCode(error, 'ENOENT')) return [];
      throw error;
    });
    const machines = await Promise.all(names.map((name) => this.read(name)));
    return machines.filter((machine) => machine !== undefined);
  }

  /** First half of a return: from now on the machine does not exist, and will not be made again. */
  async remove(vmId: string): Promise<void> {
    if (!isVmId(vmId)) return;
    await this.makeFolders();
    await writeFile(join(this.folder, 'returned', vmId), '');
    const gone = join(this.folder, 'trash', `${vmId}.${randomBytes(6).toString('hex')}`);
    await rename(join(this.folder, 'machines', vmId), gone).catch((error: unknown) => {
      if (!isCode(error, 'ENOENT')) throw error;
    });
  }

  /**
   * Second half of a return, when no process of the machine runs: removes its files and frees its address. May be
   * repeated.
   */
  async removeRest(vmId: string): Promise<void> {
    const trash = join(this.folder, 'trash');
    for (const name of await readdir(trash)) {
      if (name.startsWith(`${vmId}.`))
        await rm(join(trash, name), { recursive: true, force: true, maxRetries: 5 });
    }
    const addresses = join(this.folder, 'addresses');
    for (const name of await readdir(addresses)) {
      const file = join(addresses, name);
      if ((await this.linkText(file)) === vmId) await unlink(file);
    }
  }

  private async wasReturned(vmId: string): Promise<boolean> {
    return stat(join(this.folder, 'returned', vmId)).then(
      () => true,
      (error: unknown) => {
        if (isCode(error, 'ENOENT')) return false;
        throw error;
      },
    );
  }

  /** Takes a free address. A link cannot replace another one, so no other machine gets the address. */
  private async takeAddress(vmId: string): Promise<string> {
    const { second, port } = await this.network();
    const first = createHash('sha256').update(vmId).digest().readUInt16BE(0);
    for (let tries = 0; tries < ADDRESSES; tries++) {
      const number = (first + tries) % ADDRESSES;
      const address = OWN_ADDRESSES
        ? `127.${second}.${1 + Math.floor(number / 250)}.${1 + (number % 250)}:${port}`
        : `127.0.0.1:${15_000 + number}`;
      const file = join(this.folder, 'addresses', address);
      try {
        await symlink(vmId, file);
        return address;
      } catch (error) {
        if (!isCode(error, 'EEXIST')) throw error;
        // An earlier try with the same token, which was killed, has taken it: it is this machine's.
        if ((await this.linkText(file)) === vmId) return address;
      }
    }
    throw new Error(`all ${ADDRESSES} addresses of ${this.folder} are taken`);
  }

  private async linkText(file: string): Promise<string | undefined> {
    return readlink(file).catch(() => undefined);
  }

  private async makeFolders(): Promise<void> {
    for (const name of ['machines', 'addresses', 'returned', 'trash']) {
      await mkdir(join(this.folder, name), { recursive: true });
    }
  }
}

const ADDRESSES = 15_000;

const isVmId = (text: string): boolean => /^local-[0-9a-f]{16}$/.test(text);
