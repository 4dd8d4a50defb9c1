/** Longest job or photo id, in characters. */
export const MAX_ID_CHARACTERS = 128;
/** The rule of job and photo ids in words (contract, "Events in"). */
export const ID_RULE = `1 to ${MAX_ID_CHARACTERS} characters of A-Z a-z 0-9 . _ : @ -`;

const ALPHABET = "A-Za-z0-9._:@-";
const ID = new RegExp(`^[${ALPHABET}]{1,${MAX_ID_CHARACTERS}}$`);
const FORBIDDEN = new RegExp(`[^${ALPHABET}]`, "g");

/** True for what can be the id of a job or a photo. */
export function isId(text: string): boolean {
  return ID.test(text);
}

/** The text with `-` in place of every UTF-16 unit that no id may hold; its length stays. */
export function withoutForbidden(text: string): string {
  return text.replace(FORBIDDEN, "-");
}
