import { StartError } from "../../start-error.ts";

/** What can be said of a folder whose content makes no sense. */
export function damaged(path: string, what: string): StartError {
  return new StartError(
    `data folder ${path} can't be read, it may be damaged (${what}); put back a copy, or move it away to begin anew`,
  );
}
