import { defineConfig } from 'vitest/config';
export default defineConfig({ test: { include: ['**/*.test.ts'], exclude: ['**/node_modules/**','test/compose/**','dashboard/page/testing/**','core/model/kinds/servers.test.ts','examples/python-classifier/**','test/servers/**','test/fuzz/schemathesis.test.ts','docs/walkthrough.test.ts'], testTimeout: 60_000, hookTimeout: 60_000, pool: 'forks' } });
