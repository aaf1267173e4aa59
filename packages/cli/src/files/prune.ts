import { type Document, keyOf } from './documents.js';
import { inOrder, type Present, type Thing } from './present.js';
import { referencesOf } from './rules.js';

export interface Pruned {
  /** In the order in which they go: what names others goes before them. */
  deletions: Thing[];
  kept: { thing: Thing; why: string }[];
}

/**
 * What of a set is in no file and goes. A pool with nodes stays, and so does all that something which stays names. A
 * schedule belongs to the set of its pool.
 */
export function pruned(documents: readonly Document[], { things }: Present, set: string): Pruned {
  const written = new Map(documents.map((document) => [keyOf(document), document]));
  const poolOf = ({ name }: Thing): Thing | undefined =>
    things.get(keyOf({ kind: 'Pool', name: name.slice(0, name.lastIndexOf(' ')) }));
  const isOfSet = (thing: Thing): boolean =>
    (thing.kind === 'Schedule' ? poolOf(thing)?.set : thing.set) === set;
  const going = new Map([...things].filter(([key, thing]) => isOfSet(thing) && !written.has(key)));
  const kept: Pruned['kept'] = [];
  const keep = (thing: Thing, why: string): void => {
    going.delete(keyOf(thing));
    kept.push({ thing, why });
  };
  for (const thing of [...going.values()]) {
    const nodes = thing.nodes ?? 0;
    if (thing.kind === 'Pool' && nodes > 0) keep(thing, `it has ${nodes} nodes`);
  }
  for (const thing of [...going.values()]) {
    const pool = thing.kind === 'Schedule' ? poolOf(thing) : undefined;
    if (pool && !going.has(keyOf(pool)) && !written.has(keyOf(pool))) keep(thing, 'its pool stays');
  }
  // Keeping one may keep others.
  for (let before = -1; before !== going.size; ) {
    before = going.size;
    for (const [name, user] of usedBy(documents, things, going)) {
      const thing = going.get(name);
      if (thing) keep(thing, `${user} names it`);
    }
  }
  return { deletions: inOrder(going.values()).reverse(), kept };
}

/** What things that stay name, as they will be, with the first that does so. */
function usedBy(
  documents: readonly Document[],
  things: ReadonlyMap<string, Thing>,
  going: ReadonlyMap<string, Thing>,
): Map<string, string> {
  const named = new Map(documents.map((document) => [keyOf(document), document]));
  const used = new Map<string, string>();
  const look = (user: Pick<Document, 'kind' | 'name' | 'fields'>): void => {
    for (const reference of referencesOf(user)) {
      const key = keyOf(reference);
      if (!used.has(key)) used.set(key, `${user.kind.toLowerCase()} ${user.name}`);
    }
  };
  for (const [key, thing] of things) {
    if (going.has(key)) continue;
    look({ ...thing, fields: { ...thing.fields, ...named.get(key)?.fields } });
  }
  for (const [key, document] of named) if (!things.has(key)) look(document);
  return used;
}
