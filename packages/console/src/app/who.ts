/** Roles of tokens, the weakest first: each may do all that those before it may. */
const ROLES = ['viewer', 'operator', 'admin'] as const;

export type Role = (typeof ROLES)[number];

/** The person in front of the console, as the API knows them. */
export interface Who {
  name: string;
  role: Role;
  /** Off: everybody who reaches the address may do everything. */
  access: 'on' | 'off';
  /** Whether the role covers another. The API decides; the console only says it before. */
  may: (role: Role) => boolean;
}

/** Whether a role may do what another one may. */
export function covers(mine: Role, needed: Role): boolean {
  return ROLES.indexOf(mine) >= ROLES.indexOf(needed);
}

const EVERYBODY: Who = { name: '', role: 'admin', access: 'off', may: () => true };

export function useWho(): Who {
  return EVERYBODY;
}
