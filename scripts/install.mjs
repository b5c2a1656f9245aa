// Runs before `npm start` and `npm test`, on whatever Node the host has: installs what is missing, then says nothing more.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const locked = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : undefined);

/** True when what npm recorded of the last installation holds every package that the lock file asks for. */
function installed() {
  const wanted = locked('package-lock.json');
  const present = locked('node_modules/.package-lock.json');
  if (!present) return false;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || optional || present[path]?.version === version,
  );
}

if (!installed()) {
  console.error('Installing dependencies (once)…');
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync(npm[0], [...npm.slice(1), ...args], { stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    console.error('The installation failed. Check the network and run `npm ci` to see why.');
    process.exit(status ?? 1);
  }
}
