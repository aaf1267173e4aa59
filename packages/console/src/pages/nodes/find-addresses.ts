import { type PlacedNode, unwrap } from '@rigel/api-client';
import { api } from '../../api/api.js';

/** What one address of a list is. */
export interface Found {
  address: string;
  /** null: no node has the address. */
  node: PlacedNode | null;
  /** An address before it in the list that is the same machine. */
  same_as: string | null;
  /** Why it is no address. */
  problem: string | null;
}

/** What the addresses of a pasted list are; the API reads commas, blanks, networks and ranges. */
export async function findAddresses(text: string): Promise<Found[]> {
  return unwrap(api.POST('/node/find', { body: { addresses: text } }));
}
