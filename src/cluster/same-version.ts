import { packageVersion } from "../package-version.ts";

/** Throws unless this process is of the same version as the primary: what they say to each other changes with it. */
export function requireSameVersion(ofPrimary: string): void {
  const own = packageVersion();
  if (own === ofPrimary) return;
  throw new Error(
    `the program on disk is version ${own}, the hub that runs is ${ofPrimary}: stop it, and start it again`,
  );
}
