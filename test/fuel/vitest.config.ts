import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['test/fuel/**/*.test.ts'], testTimeout: 120_000 },
});
