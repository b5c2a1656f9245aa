import { logContract } from './contract.ts';
import { sqliteUnderTest } from './sqlite/testing.ts';

logContract('SQLite', () => sqliteUnderTest());
