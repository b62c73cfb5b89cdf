import { image } from '../../../lib/resources/image.ts';
import { type Failure, reasonOf, task } from '../../../lib/task.ts';

/** Notes why an image could not be copied; the tenant's migration goes on and ends naming it. */
export const handler = task(
  async ({ plans }, input: { operation: string; image: string; failure: Failure }) => {
    const item = await plans.get(input.operation, { type: image.type, id: input.image });
    await plans.update(item, { state: 'failed', reason: reasonOf(input.failure) });
  },
);
