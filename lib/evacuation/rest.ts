/** SUSPENDED servers move only while they run: they are resumed for the journey, and suspended again. */
import { ACTIONS, bring } from '../migration/server/states.ts';
import type { Journey } from './journey.ts';

const SUSPENDED = 'SUSPENDED';

/** Resumes the server. That it was suspended is noted before (`examine`). Safe to repeat. */
export const wake = (journey: Journey): Promise<void> =>
  journey.once('wake', async (intent) => {
    const { source: cloud, item, tell } = journey;
    const action = ACTIONS[SUSPENDED]?.leave ?? '';
    await bring(journey, intent, { cloud, id: item.id, from: SUSPENDED, to: 'ACTIVE', action });
    await tell(intent, 'server woken');
  });

/** Suspends it again, wherever it is, if this journey has resumed it. Safe to repeat. */
export const suspendAgain = async (journey: Journey): Promise<void> => {
  if (!journey.item.intents.wake) return;
  await journey.once('suspend again', async (intent) => {
    const { source: cloud, item, tell } = journey;
    const action = ACTIONS[SUSPENDED]?.take ?? '';
    await bring(journey, intent, { cloud, id: item.id, from: 'ACTIVE', to: SUSPENDED, action });
    // One that was never seen awake has not been told of.
    if (item.notes['wake done']) await tell(intent, 'server suspended again');
  });
};
