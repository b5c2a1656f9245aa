import { constants, zstdCompressSync } from 'node:zlib';
import type { ParquetWriter } from 'hyparquet-writer';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';

export type ColumnChunk = ParquetWriter['row_groups'][number]['columns'][number];
type ColumnMetaData = NonNullable<ColumnChunk['meta_data']>;

/** A column of a row group, encoded: one page, and one before it where it has a dictionary. */
export interface Column {
  readonly name: string;
  readonly type: ColumnMetaData['type'];
  readonly rows: number;
  readonly nulls: number;
  /** Which rows have a value; empty of a column in which all must have one. */
  readonly levels: Uint8Array;
  /** Of the rows that have one. */
  readonly values: Uint8Array;
  readonly encoding: ColumnMetaData['encodings'][number];
  /** What the values point to. */
  readonly dictionary?: { readonly size: number; readonly bytes: Uint8Array };
  readonly statistics?: NonNullable<ColumnMetaData['statistics']>;
}

/** Fast, and smaller than Snappy; Spark, DuckDB and PyArrow read it. */
const codec = 'ZSTD';
const params = { [constants.ZSTD_c_compressionLevel]: 1 };
/** What Zstandard adds to bytes that it cannot make smaller, at the most. */
const mostAdded = (length: number) => Math.ceil(length / 64) + 128;

/** What comes out is one piece: several would have to be put together. */
const compressed = (bytes: Uint8Array): Uint8Array =>
  zstdCompressSync(bytes, {
    params,
    pledgedSrcSize: bytes.length,
    chunkSize: bytes.length + mostAdded(bytes.length),
  });

/** Pages of so many bytes at the most are remembered, so many of them. */
const smallPage = 64;
const mostSmallPages = 256;
const smallPages = new Map<string, Uint8Array>();

/** Each row group has the same small pages again, and to begin with Zstandard takes longer than such a page. */
function compressedPage(bytes: Uint8Array): Uint8Array {
  if (bytes.length > smallPage) return compressed(bytes);
  const key = Buffer.from(bytes).toString('latin1');
  const known = smallPages.get(key);
  if (known) return known;
  const page = compressed(bytes);
  if (smallPages.size >= mostSmallPages) smallPages.clear();
  smallPages.set(key, page);
  return page;
}

/** Writes a column's pages. @returns what the end of the file says of them */
export function writeChunk(writer: ParquetWriter['writer'], column: Column): ColumnChunk {
  const { name, type, rows, nulls, levels, values, encoding, dictionary, statistics } = column;
  const from = writer.offset;
  let saved = 0;
  const packed = (bytes: Uint8Array) => {
    const smaller = compressedPage(bytes);
    saved += bytes.length - smaller.length;
    return smaller;
  };
  if (dictionary) {
    const bytes = packed(dictionary.bytes);
    writePageHeader(writer, {
      type: 'DICTIONARY_PAGE',
      uncompressed_page_size: dictionary.bytes.length,
      compressed_page_size: bytes.length,
      dictionary_page_header: { num_values: dictionary.size, encoding: 'PLAIN' },
    });
    writer.appendBytes(bytes);
  }
  const pageFrom = writer.offset;
  const bytes = packed(values);
  writePageHeader(writer, {
    type: 'DATA_PAGE_V2',
    uncompressed_page_size: levels.length + values.length,
    compressed_page_size: levels.length + bytes.length,
    data_page_header_v2: {
      ...{ num_values: rows, num_nulls: nulls, num_rows: rows, encoding },
      ...{ definition_levels_byte_length: levels.length, repetition_levels_byte_length: 0, is_compressed: true },
    },
  });
  // Levels are never compressed.
  writer.appendBytes(levels);
  writer.appendBytes(bytes);
  const size = writer.offset - from;
  return {
    meta_data: {
      ...{ type, codec, path_in_schema: [name], num_values: BigInt(rows) },
      encodings: dictionary ? ['PLAIN', encoding] : [encoding],
      total_compressed_size: BigInt(size),
      total_uncompressed_size: BigInt(size + saved),
      data_page_offset: BigInt(pageFrom),
      ...(dictionary && { dictionary_page_offset: BigInt(from) }),
      ...(statistics && { statistics }),
    },
    file_offset: BigInt(from),
  };
}
