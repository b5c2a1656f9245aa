import { logContract } from './contract.ts';
import { makeSqliteSite } from './sqlite/site.ts';

logContract('SQLite', () => makeSqliteSite());
