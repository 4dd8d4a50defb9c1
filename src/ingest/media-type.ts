/** A Content-Type (RFC 9110 section 8.3.1), in lower case. */
export interface MediaType {
  /** `type/subtype`. */
  readonly essence: string;
  /** null: not given. */
  readonly charset: string | null;
}

/** null: absent, or not of the form `type/subtype`. Parameters other than `charset` are ignored. */
export function parseMediaType(header: string | undefined): MediaType | null {
  if (header === undefined) return null;
  const semicolon = header.indexOf(";");
  const essence = (semicolon < 0 ? header : header.slice(0, semicolon)).trim().toLowerCase();
  if (!/^[^\s/]+\/[^\s/]+$/.test(essence)) return null;
  const charset =
    semicolon < 0 ? null : /;\s*charset\s*=\s*(?:"([^"]*)"|([^\s;]*))/i.exec(header.slice(semicolon));
  return { essence, charset: charset === null ? null : (charset[1] ?? charset[2] ?? "").toLowerCase() };
}

/** CloudEvents JSON format section 3.1: subtype `json`, or with the suffix `+json`. */
export function isJsonType({ essence }: MediaType): boolean {
  return essence.endsWith("/json") || essence.endsWith("+json");
}

/** JSON is UTF-8, of which ASCII is a part; anything else would have to be converted. */
export function isUtf8Charset({ charset }: MediaType): boolean {
  return charset === null || charset === "utf-8" || charset === "utf8" || charset === "us-ascii";
}
