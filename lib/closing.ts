/** How the dead of each kind of operation are closed, where that is more than their last event. */
import { closeEvacuation } from './evacuation/finish.ts';
import { closeReassignment } from './reassignment/finish.ts';
import type { Runtime } from './runtime.ts';
import type { Closing } from './sweep.ts';

export const closing = (runtime: Runtime): Closing => ({
  evacuation: ({ id }, reason) => closeEvacuation(runtime, id, reason),
  reassignment: ({ id }, reason) => closeReassignment(runtime, id, reason),
});
