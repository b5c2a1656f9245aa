/** What the first bytes of files say that are no text, and what to do with each. */
const signatures: readonly (readonly [string, string])[] = [
  ['PK\x03\x04', 'is a ZIP archive, as .xlsx files are; save the sheet as CSV, or unpack the archive'],
  ['\xd0\xcf\x11\xe0', 'is an old Excel file; save the sheet as CSV'],
  ['\x28\xb5\x2f\xfd', 'is packed with zstd; unpack it first, or pack it with gzip'],
  ['BZh', 'is packed with bzip2; unpack it first, or pack it with gzip'],
  ['\xfd7zXZ', 'is packed with xz; unpack it first, or pack it with gzip'],
  ['7z\xbc\xaf', 'is a 7-Zip archive; unpack it first'],
  ['ARROW1', 'is a Feather or Arrow file; write it as Parquet or CSV'],
  ['ORC', 'is an ORC file; write it as Parquet or CSV'],
  ['Obj\x01', 'is an Avro file; write it as Parquet or CSV'],
  ['\x89HDF', 'is an HDF5 file; write the table in it as Parquet or CSV'],
  ['SQLite format 3', 'is an SQLite database; write the table in it as CSV'],
  ['\x93NUMPY', 'is an array of NumPy; write it as CSV with names for its columns'],
  ['MATLAB 5.0', 'is a MATLAB file; write the table in it as CSV'],
  ['%PDF', 'is a PDF; a table is CSV or Parquet'],
];

/** As {@link signatures}, of text that is no table. */
const texts: readonly (readonly [RegExp, string])[] = [
  [/^(\{\s*"|\{\s*\}|\[\s*[{[])/, 'is JSON; write it as CSV, one column a name'],
  [/^<(!doctype|html|\?xml|table)/i, 'is HTML or XML; write the table in it as CSV'],
  [/^(%[^\n]*\n\s*)*@relation\s/i, 'is an ARFF file; write it as CSV, with the attributes as names in its first line'],
];

/** What a file is instead of a table, with a remedy; undefined where its beginning may be one. */
export function explainForeign(head: Buffer): string | undefined {
  const start = head.toString('latin1', 0, 4_096);
  const signature = signatures.find(([bytes]) => start.startsWith(bytes));
  if (signature) return signature[1];
  const text = start.replace(/^\xef\xbb\xbf/, '').trimStart();
  return texts.find(([pattern]) => pattern.test(text))?.[1];
}
