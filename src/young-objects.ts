import { setFlagsFromString } from "node:v8";

/**
 * V8 sees that what is made of a job lives long while a hub is young, and makes it among what is old from then on, where it
 * dies within a millisecond and nobody looks: 40 to 57 KiB a connection after traffic, and 39 without. Of the whole process,
 * so that it is for a program to say and not for a library.
 */
export function keepYoungObjectsYoung(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
}
