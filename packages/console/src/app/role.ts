import { createContext, useContext } from 'react';

/** Roles of tokens, the weakest first: each may do all that those before it may. */
const ROLES = ['viewer', 'operator', 'admin'] as const;

export type Role = (typeof ROLES)[number];

/** What an action needs: a role, or that the token may run one-off commands, which the role admin may. */
export type Need = Role | 'run';

/** The person in front of the console, as the API knows them. */
export interface Who {
  name: string;
  role: Role;
  /** Off: everybody who reaches the address may do everything. */
  access: 'on' | 'off';
  /** What they proved it with. */
  by: 'token' | 'session' | 'nothing';
  /** When that expires; null: never. */
  expiresAt: string | null;
  /** Whether the role covers another. The API decides; the console only says it before. */
  may: (needed: Need) => boolean;
}

/** Whether a role may do what another one may. */
export function covers(mine: Role, needed: Role): boolean {
  return ROLES.indexOf(mine) >= ROLES.indexOf(needed);
}

/** Before it is known who it is. */
const STRANGER: Who = {
  name: '',
  role: 'viewer',
  access: 'on',
  by: 'nothing',
  expiresAt: null,
  may: (needed) => needed !== 'run' && covers('viewer', needed),
};

export const WhoContext = createContext<Who>(STRANGER);

export function useWho(): Who {
  return useContext(WhoContext);
}
