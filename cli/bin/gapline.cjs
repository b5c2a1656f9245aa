#!/usr/bin/env node
// The command of the package. It stays in the syntax of 2009: an older Node must be able to read it, to print what is wrong.
// biome-ignore-all lint: see above
'use strict';

// 22.18 and 24.4 are the first whose SQLite reads 64-bit numbers as the line needs them; 23 never did.
var version = process.versions.node.split('.');
var major = Number(version[0]);
var minor = Number(version[1]);
if (major > 24 || (major === 24 && minor >= 4) || (major === 22 && minor >= 18)) {
  require('./start.cjs');
} else {
  process.stderr.write(
    'gapline: this is Node ' + process.versions.node + '; Gapline needs 22.18 or newer of Node 22, or 24.4 or newer\n',
  );
  process.exitCode = 1;
}
