import { logContract } from './contract.ts';
import { eagerPacking, sqliteUnderTest } from './sqlite/testing.ts';

logContract('SQLite', () => sqliteUnderTest());
logContract('SQLite, where every few records are packed', () => sqliteUnderTest({ packing: eagerPacking }));
