import { noSuch, type RpcRequest, type RpcResponse, ServiceError, type schedules } from '@rigel/contracts';
import { metaOf, VersionConflict } from '@rigel/event-store';
import type { RequestContext } from '@rigel/messaging';
import { leaveOut, nextMoment, takeBack } from './decide.js';
import type { SaveParts } from './save.js';

/** Another replica may write to the same scheduled task meanwhile. */
const MAX_TRIES = 5;

/**
 * Leaves one moment to come out, or takes that back.
 * @returns the moment, and whether it is left out now.
 * @throws ServiceError `not_found`, `invalid` or `wrong_state`, as `leaveOut` and `takeBack` say.
 */
export async function leaveMomentOut(
  { id, due, undo, opr_user }: RpcRequest<typeof schedules.leaveOut>,
  context: RequestContext,
  { store, clock, zone }: Pick<SaveParts, 'store' | 'clock' | 'zone'>,
): Promise<RpcResponse<typeof schedules.leaveOut>> {
  for (let attempt = 1; ; attempt++) {
    const state = await store.load(id);
    if (!state) throw noSuch('schedule', id, `there is no scheduled task ${id}`, 'id');
    const now = clock.now();
    const time = { now, zone };
    const moment = due ?? nextMoment(state, time);
    if (moment === undefined) {
      throw new ServiceError('no_moment', `scheduled task ${id} has no moment to come`);
    }
    const events = undo ? takeBack(state, moment, opr_user, time) : leaveOut(state, moment, opr_user, time);
    try {
      if (events.length > 0) await store.append(id, state.version, events, metaOf(context, opr_user), now);
      return { due: moment, left_out: !undo };
    } catch (error) {
      if (!(error instanceof VersionConflict) || attempt === MAX_TRIES) throw error;
    }
  }
}
