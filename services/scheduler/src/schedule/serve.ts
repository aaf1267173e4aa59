import { fleetExport, SCHEDULE_SAVED_SUBJECT, schedules } from '@rigel/contracts';
import type { Operations } from '@rigel/runtime';
import { Type } from 'typebox';
import { CalendarReads } from './calendar-reads.js';
import type { Firing } from './fire.js';
import { leaveMomentOut } from './leave-out.js';
import { reserveForDeletion } from './pool-deletion.js';
import { previewSchedule } from './preview.js';
import type { ScheduleQueries } from './queries.js';
import type { ScheduleRunner } from './runner.js';
import { type SaveParts, saveSchedule } from './save.js';
import { ScheduleStandings } from './standings.js';

/** To all replicas: a scheduled task was saved. */
export const ScheduleAnnounced = Type.Object({ id: Type.Integer() });

/** Serves the operations on scheduled tasks; any replica answers them. */
export function serveSchedules(
  operations: Operations,
  queries: ScheduleQueries,
  runner: ScheduleRunner,
  parts: SaveParts & { firing: Pick<Firing, 'preview'> },
): void {
  const { bus, store, zone, clock } = parts;
  const standings = new ScheduleStandings(store.db, zone, () => clock.now());
  const calendar = new CalendarReads(store.db, zone, () => clock.now());
  operations.serve(schedules.preview, (request, context) => previewSchedule(request, context, parts));
  operations.serve(schedules.leaveOut, async (request, context) => {
    const answer = await leaveMomentOut(request, context, parts);
    bus.publish(SCHEDULE_SAVED_SUBJECT, { id: request.id });
    return answer;
  });
  operations.serve(schedules.list, (request) => standings.list(request));
  operations.serve(schedules.calendar, (request) => calendar.calendar(request));
  operations.serve(schedules.ledger, (request) => calendar.ledger(request));
  operations.serve(schedules.save, async (request, context) => {
    const answer = await saveSchedule(request, context, parts);
    bus.publish(SCHEDULE_SAVED_SUBJECT, answer);
    return answer;
  });
  operations.serve(schedules.find, (request) => queries.find(request));
  operations.serve(fleetExport.schedules, () => queries.all());
  operations.serve(schedules.occurrences, (request) => queries.occurrences(request));
  operations.serve(schedules.flags, (request) => queries.flags(request));
  operations.serve(schedules.reservePool, async (request) => {
    await reserveForDeletion(parts.store.db, request, parts.clock.now());
    return {};
  });
  bus.subscribe(SCHEDULE_SAVED_SUBJECT, ScheduleAnnounced, () => {
    // A replica that misses this finds the scheduled task at its next look.
    runner.tick().catch(() => undefined);
  });
}
