import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { messageOf } from "../../message-of.ts";

// LMDB maps its file and trusts it: a page that lies beyond the end of a file cut short, say, ends the process by SIGBUS.
// So what can be seen from outside is looked at before. Source: LMDB's mdb.c, data version 2 as lmdb-js writes it.

const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const PAGE_HEADER_BYTES = 24;
const META_BYTES = 160;
/** Flags of a page. */
const BRANCH = 1;
const LEAF = 2;
const META = 8;
const NO_PAGE = 2 ** 64;
/** Header of a node, and its flags. */
const NODE_BYTES = 8;
const TABLE = 2;
const DUPLICATES = 4;
/** Where a table's record has its root. */
const ROOT_IN_TABLE = 40;

interface Meta {
  readonly pageBytes: number;
  /** Of the free list, and of the tables. */
  readonly roots: readonly number[];
  readonly lastPage: number;
  readonly transaction: number;
}

/** What is wrong with a data file, in a few words; null: nothing that one can see, or there is no file. */
export function damageOf(file: string): string | null {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    return messageOf(error);
  }
  try {
    return damageIn(descriptor);
  } catch (error) {
    return messageOf(error);
  } finally {
    closeSync(descriptor);
  }
}

function damageIn(descriptor: number): string | null {
  const stat = fstatSync(descriptor);
  if (!stat.isFile()) return "data.mdb is no file";
  // LMDB would begin anew with it.
  if (stat.size === 0) return "data.mdb is empty";
  const first = readMeta(descriptor, 0);
  if (typeof first === "string") return first;
  const second = readMeta(descriptor, first.pageBytes);
  if (typeof second === "string") return second;
  if (second.pageBytes !== first.pageBytes) return "its two headers disagree";
  const { pageBytes, roots, lastPage } = second.transaction > first.transaction ? second : first;
  const pages = Math.floor(stat.size / pageBytes);
  for (const root of roots) {
    if (root === NO_PAGE) continue;
    if (root < 2 || root > lastPage) return `page ${root} is outside of what is in use`;
    if (root >= pages) return "data.mdb was cut short";
    const damage = damageOfPage(descriptor, root, pageBytes, lastPage, pages);
    if (damage !== null) return damage;
  }
  return null;
}

function readMeta(descriptor: number, offset: number): Meta | string {
  const bytes = Buffer.alloc(META_BYTES);
  if (readSync(descriptor, bytes, 0, META_BYTES, offset) < META_BYTES) return "data.mdb was cut short";
  const isMeta = (bytes.readUInt16LE(18) & META) !== 0 && bytes.readUInt32LE(24) === MAGIC;
  if (!isMeta) return "its header is not one of LMDB";
  const version = bytes.readUInt32LE(28) & 0xffff;
  if (version !== DATA_VERSION) return `LMDB data version ${version}`;
  const pageBytes = bytes.readUInt32LE(48);
  if (pageBytes < 512 || pageBytes > 65_536 || (pageBytes & (pageBytes - 1)) !== 0) {
    return `its header tells of pages of ${pageBytes} bytes`;
  }
  return {
    pageBytes,
    roots: [numberAt(bytes, 88), numberAt(bytes, 136)],
    lastPage: numberAt(bytes, 144),
    transaction: numberAt(bytes, 152),
  };
}

function damageOfPage(
  descriptor: number,
  page: number,
  pageBytes: number,
  lastPage: number,
  pages: number,
): string | null {
  const bytes = Buffer.alloc(pageBytes);
  if (readSync(descriptor, bytes, 0, pageBytes, page * pageBytes) < pageBytes)
    return "data.mdb was cut short";
  if (numberAt(bytes, 0) !== page) return `page ${page} is not where it should be`;
  const flags = bytes.readUInt16LE(18);
  if ((flags & (BRANCH | LEAF)) === 0) return `page ${page} is of no kind`;
  const [lower, upper] = [bytes.readUInt16LE(20), bytes.readUInt16LE(22)];
  if (lower > upper || PAGE_HEADER_BYTES + upper > pageBytes) return `page ${page} is malformed`;
  for (let entry = 0; entry < lower >> 1; entry += 1) {
    const node = PAGE_HEADER_BYTES + bytes.readUInt16LE(PAGE_HEADER_BYTES + 2 * entry);
    if (node + NODE_BYTES > pageBytes) return `page ${page} is malformed`;
    if ((flags & BRANCH) === 0) {
      const root = tableRootAt(bytes, node);
      if (root === NO_PAGE) continue;
      if (root < 2 || root > lastPage) return `page ${page} is malformed`;
      if (root >= pages) return "data.mdb was cut short";
      const damage = damageOfPage(descriptor, root, pageBytes, lastPage, pages);
      if (damage !== null) return damage;
      continue;
    }
    const child =
      bytes.readUInt16LE(node) +
      bytes.readUInt16LE(node + 2) * 2 ** 16 +
      bytes.readUInt16LE(node + 4) * 2 ** 32;
    if (child < 2 || child > lastPage) return `page ${page} is malformed`;
    if (child >= pages) return "data.mdb was cut short";
  }
  return null;
}

/** The root of the table that a node of a leaf holds; NO_PAGE: it holds no table, or an empty one. */
function tableRootAt(bytes: Buffer, node: number): number {
  const isTable = (bytes.readUInt16LE(node + 4) & (TABLE | DUPLICATES)) === TABLE;
  const root = node + NODE_BYTES + bytes.readUInt16LE(node + 6) + ROOT_IN_TABLE;
  return isTable && root + 8 <= bytes.length ? numberAt(bytes, root) : NO_PAGE;
}

function numberAt(bytes: Buffer, offset: number): number {
  return Number(bytes.readBigUInt64LE(offset));
}
