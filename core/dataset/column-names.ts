/** Letters and digits of a name, in lower case: `Device_ID` and `device id` are one. */
export const plainName = (name: string): string => name.toLowerCase().replaceAll(/[^\p{L}\d]/gu, '');

/** What columns of the device are called, likeliest first. */
export const deviceNames = [
  ...['device', 'deviceid', 'devicename', 'dev', 'devid', 'sensor', 'sensorid', 'sensorname', 'machine', 'machineid'],
  ...['machinename', 'equipment', 'equipmentid', 'asset', 'assetid', 'station', 'stationid', 'node', 'nodeid', 'mote'],
  ...['moteid', 'engineid', 'pumpid', 'turbineid', 'unitid', 'gateway', 'gatewayid', 'id'],
] as const;

/** What columns of the time are called, likeliest first. */
export const timeNames = [
  ...['timestamp', 'time', 'datetime', 'date', 'ts', 'dateandtime', 'eventtime', 'eventtimestamp', 'measuredat'],
  ...['recordedat', 'createdat', 'timestamputc', 'utc', 'utctime', 'timeutc', 'localtime', 'unixtime', 'unixtimestamp'],
  ...['epoch', 'zeitstempel', 'zeit', 'datum', 'uhrzeit', 'fecha', 'horodatage'],
] as const;

/** Whether a name is that of a number which tells rows apart and measures nothing. */
export function isIdName(name: string): boolean {
  if (/^column \d+$|^unnamed: \d+$|^__index_level_\d+__$/i.test(name)) return true;
  return (
    /(^|[^a-z])(id|uid|uuid|guid|key|index|idx|no|nr|row|rowid|recordid|serial|seq|sequence)$/i.test(name) ||
    /[a-z](ID|Id)$/.test(name)
  );
}

/** Whether a name speaks of time. */
export const isTimeName = (name: string): boolean =>
  /time|date|stamp|epoch|clock|zeit|hora|heure|(^|[^a-z])ts$/i.test(name);

/** Whether a name is that of the time that has passed since something began, or of a time in any form. */
export function isElapsedName(name: string): boolean {
  const plain = plainName(name);
  return (
    (timeNames as readonly string[]).includes(plain) ||
    /^(elapsed\w*|(time)?(s|sec|secs|seconds|ms|us|ns)|t)$/.test(plain)
  );
}

/** What label columns are called, likeliest first. */
export const labelNames = [
  ...[
    'label',
    'labels',
    'class',
    'target',
    'truth',
    'groundtruth',
    'failure',
    'failuretype',
    'machinefailure',
    'fault',
  ],
  ...['faulttype', 'outcome', 'species', 'category', 'diagnosis', 'anomaly', 'y'],
] as const;

/** A word of a longer name that speaks of a label. */
export const holdsLabelName = (name: string): boolean =>
  /(^|[_ .-])(label|class|target|outcome|failure|fault|diagnosis)([_ .-]|$)/i.test(name);

/** Units of machines and people, which tell rows apart: no labels, whatever they are called exactly. */
export const groupNames = new Set([
  'unit',
  'individual',
  'subject',
  'patient',
  'person',
  'user',
  'site',
  'location',
  'engine',
  'batch',
  'run',
  'cycle',
  'year',
  'month',
  'day',
  'hour',
  'weekday',
]);
