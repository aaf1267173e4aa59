import { DEFECTS } from './defects.js';

/** Variable that names the defect to put in. */
export const DEFECT_VARIABLE = 'RIGEL_SIMULATED_DEFECT';

const defect = DEFECTS.find(({ name }) => name === process.env[DEFECT_VARIABLE]);

interface Loaded {
  format: string;
  source?: string | ArrayBuffer | Uint8Array;
}

/** Hook of Node's module loader: changes the code of the modules that the defect is in. */
export async function load(
  url: string,
  context: object,
  nextLoad: (url: string, context: object) => Promise<Loaded>,
): Promise<Loaded> {
  const loaded = await nextLoad(url, context);
  const changes = (defect?.code ?? []).filter(({ file }) => url.endsWith(`/${file}`));
  if (changes.length === 0) return loaded;
  let source = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
  for (const { file, find, replace } of changes) {
    if (source.split(find).length !== 2) {
      throw new Error(`defect ${defect?.name}: ${file} does not have exactly once: ${find}`);
    }
    source = source.replace(find, () => replace);
  }
  return { ...loaded, source };
}
