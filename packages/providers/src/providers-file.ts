import { readFileSync } from 'node:fs';
import { type Clock, systemClock } from '@rigel/clock';
import { nearestName } from '@rigel/contracts';
import { missingSecret } from '@rigel/secrets';
import { Ajv, type ErrorObject } from 'ajv';
import { Type } from 'typebox';
import type { Adapter, AdapterContext } from './adapter.js';
import { SD_ADAPTERS, VM_ADAPTERS } from './adapters.js';
import { ProviderEntry } from './provider-entry.js';
import type { SdProvider } from './sd-provider.js';

import type { VmProvider } from './vm-provider.js';

/** The providers file is wrong; the message is one line with the file, the place in it and the value. */
export class ProvidersFileError extends Error {
  override readonly name = 'ProvidersFileError';
}

/** The providers of an executor, by number: the `vm_type` and `sd_id` of pools. */
export interface Providers {
  vm: ReadonlyMap<number, ProviderEntry<VmProvider>>;
  sd: ReadonlyMap<number, ProviderEntry<SdProvider>>;
}

export const NO_PROVIDERS: Providers = { vm: new Map(), sd: new Map() };

/** Keys that every entry may have. */
const COMMON = {
  adapter: Type.String(),
  /** Most calls of one executor at once. */
  max_concurrent: Type.Integer({ minimum: 1, maximum: 10_000, default: 20 }),
  /** Most calls of one executor in a second; fractions are allowed. Default: no limit. */
  calls_per_second: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 10_000 })),
  /** Time limit of one call, in seconds. */
  call_timeout: Type.Number({ exclusiveMinimum: 0, maximum: 3_600, default: 60 }),
};

interface CommonSettings {
  max_concurrent: number;
  calls_per_second?: number;
  call_timeout: number;
}

// The schemas are typebox's: to check them first, each process would compile the schema of schemas (0.1 s).
const ajv = new Ajv({ useDefaults: true, verbose: true, validateSchema: false });

export interface ReadOptions {
  ssh: AdapterContext['ssh'];
  clock?: Clock;
  /** Whether every secret must exist. The command line makes no call that needs one. */
  checkSecrets?: boolean;
}

/**
 * Reads the providers file, `{"vm": {"1": {"adapter": …}}, "sd": {"1": {"adapter": …}}}`, and makes the providers,
 * without a call to any of them.
 * @throws ProvidersFileError
 */
export function readProvidersFile(file: string, options: ReadOptions): Providers {
  const fail = (what: string): never => {
    throw new ProvidersFileError(`${file}: ${what}`);
  };
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return fail(code === undefined ? `is not JSON: ${message}` : `cannot be read (${code})`);
  }
  if (!isObject(content)) return fail('must be an object with the keys vm and sd');
  for (const key of Object.keys(content)) {
    if (key !== 'vm' && key !== 'sd') fail(`unknown key ${key}; the nearest known one is ${nearest(key)}`);
  }
  return {
    vm: readEntries('vm', content.vm, VM_ADAPTERS, options, fail),
    sd: readEntries('sd', content.sd, SD_ADAPTERS, options, fail),
  };
}

const nearest = (key: string): string => nearestName(key, ['vm', 'sd']) ?? 'vm';

function readEntries<P>(
  kind: 'vm' | 'sd',
  entries: unknown,
  adapters: Readonly<Record<string, Adapter<P>>>,
  options: ReadOptions,
  fail: (what: string) => never,
): Map<number, ProviderEntry<P>> {
  const read = new Map<number, ProviderEntry<P>>();
  if (entries === undefined) return read;
  if (!isObject(entries)) return fail(`${kind} = ${show(entries)} must be an object of entries by number`);
  for (const [key, entry] of Object.entries(entries)) {
    const path = `${kind}.${key}`;
    if (!/^[1-9]\d{0,8}$/.test(key)) fail(`${path}: the key of an entry is a whole number from 1`);
    if (!isObject(entry)) return fail(`${path} = ${show(entry)} must be an object`);
    const adapter = typeof entry.adapter === 'string' ? adapters[entry.adapter] : undefined;
    if (!adapter || !Object.hasOwn(adapters, String(entry.adapter))) {
      const known = Object.keys(adapters);
      const hint = typeof entry.adapter === 'string' ? nearestName(entry.adapter, known) : undefined;
      return fail(
        `${path}.adapter = ${show(entry.adapter)} must be one of ${known.join(', ')}` +
          (hint === undefined ? '' : `; the nearest is ${hint}`),
      );
    }
    const problem = validate(entry, path, adapter, options);
    if (problem !== undefined) fail(problem);
    const common = entry as unknown as CommonSettings;
    const id = Number(key);
    let provider: P;
    try {
      provider = adapter.create(entry, { ssh: options.ssh, id });
    } catch (error) {
      return fail(`${path}: ${(error as Error).message}`);
    }
    read.set(
      id,
      new ProviderEntry({
        name: `${kind} ${id} (${String(entry.adapter)})`,
        provider,
        limits: { maxConcurrent: common.max_concurrent, callsPerSecond: common.calls_per_second },
        callTimeoutMs: common.call_timeout * 1000,
        clock: options.clock ?? systemClock,
      }),
    );
  }
  return read;
}

/** The fault of an entry, if it has one. Also sets the defaults of the entry. */
function validate(
  entry: Record<string, unknown>,
  path: string,
  adapter: Adapter<unknown>,
  options: ReadOptions,
): string | undefined {
  const properties = { ...COMMON, ...adapter.settings.properties };
  // The keys first: otherwise the message about a mistyped key would be that another key is missing.
  for (const key of Object.keys(entry)) {
    if (key in properties) continue;
    return `${path}.${key} is not a known key; the nearest known one is ${nearestName(key, Object.keys(properties))}`;
  }
  const check = ajv.compile(Type.Object(properties));
  if (!check(entry)) return describe(check.errors?.[0], path);
  if (options.checkSecrets === false) return undefined;
  for (const [key, value] of Object.entries(entry)) {
    if (!isObject(value) || !('env' in value || 'file' in value)) continue;
    const missing = missingSecret(value as { env: string } | { file: string });
    if (missing !== undefined) return `${path}.${key}: ${missing}`;
  }
  return undefined;
}

function describe(error: ErrorObject | undefined, path: string): string {
  if (!error) return `${path} is wrong`;
  const place = `${path}${error.instancePath.replaceAll('/', '.')}`;
  if (error.keyword === 'required') return `${place}.${String(error.params.missingProperty)} is missing`;
  // The value may be a secret that was written down instead of referred to, so the message does not show it.
  const field = error.instancePath.split('/')[1] ?? '';
  if (/key|secret|password|token/.test(field))
    return `${place} must be {"env": "NAME"} or {"file": "/path"} (its value is not shown)`;
  return `${place} = ${show(error.data)} is wrong: ${error.message ?? 'not allowed'}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
