/** Whose upload an Upload.ID is: set once, when its creation was verified. */
export interface UploadOwners {
  /** null: nobody's, or forgotten. */
  get(uploadId: string): string | null;
  /** Binds the upload to `owner` unless it is bound; gives the user it is bound to afterwards. */
  setIfAbsent(uploadId: string, owner: string): string;
  /** Unbinds all uploads of the user, whose later hooks show their own token. */
  forget(owner: string): void;
}

/** As many as --max-open-photos allows by default; beyond it the oldest goes, and its later hooks show their own token. */
const MAX_UPLOAD_OWNERS = 1_000_000;

/** In the memory of this process: after a restart later hooks must show a token again. */
export function createUploadOwners(maxEntries = MAX_UPLOAD_OWNERS): UploadOwners {
  const owners = new Map<string, string>();
  return {
    get: (uploadId) => owners.get(uploadId) ?? null,
    setIfAbsent(uploadId, owner) {
      const bound = owners.get(uploadId);
      if (bound !== undefined) return bound;
      owners.set(uploadId, owner);
      if (owners.size > maxEntries) {
        for (const oldest of owners.keys()) {
          owners.delete(oldest);
          break;
        }
      }
      return owner;
    },
    forget(owner) {
      for (const [uploadId, bound] of owners) if (bound === owner) owners.delete(uploadId);
    },
  };
}
