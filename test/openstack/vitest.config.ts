import { defineConfig } from 'vitest/config';

/** `test/openstack/run` names the file of one suite and says in TEST_REPORT where its result goes. */
const report = process.env.TEST_REPORT;

export default defineConfig({
  test: {
    include: ['test/openstack/**/*.test.ts', 'test/contract/openstack/**/*.test.ts'],
    fileParallelism: false,
    retry: process.env.CI ? 1 : 0,
    testTimeout: 20 * 60_000,
    hookTimeout: 20 * 60_000,
    reporters: ['verbose', ...(report ? ['json' as const] : [])],
    ...(report && { outputFile: { json: report } }),
  },
});
