import { defineConfig } from 'vitest/config';

/** A file for the result as JSON, from which `.ci/run` counts. */
const report = process.env.TEST_REPORT;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/openstack/**', 'node_modules/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', ...(report ? ['json' as const] : [])],
    ...(report && { outputFile: { json: report } }),
  },
});
