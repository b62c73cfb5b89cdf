import { defineConfig } from 'vitest/config';

/** Every killed run, one after another: minutes each, hours with `KILL_SKIP=0` and `KILL_STRIDE=1`. */
export default defineConfig({
  test: {
    include: ['test/killed/*.test.ts'],
    env: { POWERTOOLS_LOG_LEVEL: 'SILENT' },
    fileParallelism: false,
    testTimeout: 3_600_000,
    hookTimeout: 120_000,
  },
});
