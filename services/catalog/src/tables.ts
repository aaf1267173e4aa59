import type { ActionParams, StepOption } from '@rigel/contracts';
import type { NewEvent } from '@rigel/event-store';
import type { ColumnType, Transaction } from 'kysely';
import type { Static } from 'typebox';

/** A column that is read as a value and written as JSON text. */
type Json<T> = ColumnType<T, string, string>;

/** The read tables; each row can be made again from the events. */
export interface CatalogTables {
  actions: {
    id: number;
    name: string;
    desc: string;
    params: Json<Static<typeof ActionParams>>;
    /** The set of files that it is written in; empty: none. */
    managed_by: string;
  };
  actimpls: {
    id: number;
    action_id: number;
    type: string;
    template: Json<Record<string, unknown>>;
  };
  remote_steps: {
    id: number;
    name: string;
    desc: string;
    /** Names of actions, in running order. */
    actions: string[];
    managed_by: string;
  };
  templates: {
    id: number;
    name: string;
    desc: string;
    steps: Json<StepOption[]>;
    managed_by: string;
  };
  /** Which remote steps a template names, each once. */
  template_steps: {
    template_id: number;
    remote_step: string;
  };
}

/** Columns of the rows that are answered. Prepared statements name them; see `prepared`. */
export const COLUMNS = {
  actions: ['id', 'name', 'desc', 'params', 'managed_by'],
  actimpls: ['id', 'action_id', 'type', 'template'],
  remote_steps: ['id', 'name', 'desc', 'actions', 'managed_by'],
  templates: ['id', 'name', 'desc', 'steps', 'managed_by'],
} as const;

/** For each type of event, what its data does to the read tables. */
export type Projection<E extends NewEvent> = {
  [Type in E['type']]: (
    trx: Transaction<CatalogTables>,
    data: Extract<E, { type: Type }>['data'],
  ) => Promise<unknown>;
};
