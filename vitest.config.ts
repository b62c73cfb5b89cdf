import { defineConfig } from 'vitest/config';

/** Where a report for machines is wanted too: `.ci/run` counts from it. */
const report = process.env.TEST_REPORT;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // These need root or a network: `npm run test:openstack`, `test:aws`, `test:fuel`.
    exclude: ['test/openstack/**', 'test/aws/**', 'test/fuel/**', 'node_modules/**'],
    env: { POWERTOOLS_LOG_LEVEL: 'SILENT' },
    // Most tests wait for processes of their own: two at once use two cores well.
    maxWorkers: 2,
    // Real processes on a busy machine: CI gives a case a second chance, and says so in its report.
    retry: process.env.CI ? 1 : 0,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
  },
});
