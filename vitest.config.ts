import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    globalSetup: ['test/servers/vitest-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Real files, sockets and processes: forks keep one test's crash its own.
    pool: 'forks',
    // Most files wait for servers and processes most of the time.
    maxWorkers: 2,
  },
});
