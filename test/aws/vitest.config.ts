import { defineConfig } from 'vitest/config';

/** `test/aws/run` brings everything up and says in TEST_REPORT where the result goes. */
const report = process.env.TEST_REPORT;

export default defineConfig({
  test: {
    include: ['test/aws/**/*.test.ts', 'test/lib/dynamodb/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 10 * 60_000,
    hookTimeout: 10 * 60_000,
    reporters: ['verbose', ...(report ? ['json' as const] : [])],
    ...(report && { outputFile: { json: report } }),
  },
});
