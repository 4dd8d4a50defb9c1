/** As far as the baselines read an event; fields that a type does not have are ignored. */
export interface UploadEvent {
  readonly type: string;
  readonly data: UploadData;
}

export interface UploadData {
  readonly jobId: string;
  readonly userId?: string;
  readonly photoId?: string;
  readonly bytesTransferred?: number;
  readonly totalBytes?: number | null;
  readonly attempt?: number;
  readonly photoCount?: number;
  readonly fileName?: string;
  readonly title?: string;
  readonly error?: unknown;
}

/** A photo's event is of one of these types and says which photo. */
export type PhotoData = UploadData & { readonly photoId: string };

/** Of a batch or one structured CloudEvent; what is none is left out. Throws a SyntaxError. */
export function eventsOf(body: string): readonly UploadEvent[] {
  const parsed: unknown = JSON.parse(body);
  return Array.isArray(parsed) ? parsed.filter(isEvent) : [parsed].filter(isEvent);
}

export function isPhoto(data: UploadData): data is PhotoData {
  return data.photoId !== undefined;
}

function isEvent(value: unknown): value is UploadEvent {
  return isObject(value) && typeof value.type === "string" && isData(value.data);
}

function isData(value: unknown): value is UploadData {
  return (
    isObject(value) &&
    typeof value.jobId === "string" &&
    isAbsentOr("string", value.userId) &&
    isAbsentOr("string", value.photoId) &&
    isAbsentOr("number", value.bytesTransferred) &&
    (value.totalBytes === null || isAbsentOr("number", value.totalBytes)) &&
    isAbsentOr("number", value.attempt) &&
    isAbsentOr("number", value.photoCount) &&
    isAbsentOr("string", value.fileName) &&
    isAbsentOr("string", value.title)
  );
}

function isAbsentOr(type: "string" | "number", value: unknown): boolean {
  return value === undefined || typeof value === type;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
