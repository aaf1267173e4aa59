import { EventTypes } from '@rigel/event-store';
import { type ActionImplEvent, actionImplEvents } from './actimpl/decider.js';
import { type ActionEvent, actionEvents } from './action/decider.js';
import { type RemoteStepEvent, remoteStepEvents } from './remote-step/decider.js';
import { type TemplateEvent, templateEvents } from './template/decider.js';

export type CatalogEvent = ActionEvent | ActionImplEvent | RemoteStepEvent | TemplateEvent;

/** Every type of event in the catalog's history; each is declared beside its rules. */
export const eventTypes = new EventTypes<CatalogEvent>({
  ...actionEvents,
  ...actionImplEvents,
  ...remoteStepEvents,
  ...templateEvents,
});
