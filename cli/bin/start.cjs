'use strict';

// Node warns of its SQLite at each start, and whoever uses the command can do nothing about it. A flag would have to stand in the first
// line of the script, which npm's starter for Windows and older Nodes do not all understand.
const { emitWarning } = process;
process.emitWarning = (warning, type, ...rest) => {
  const name = typeof type === 'object' ? type?.type : (type ?? warning?.name);
  if (name !== 'ExperimentalWarning') emitWarning.call(process, warning, type, ...rest);
};

import('../main.js');
