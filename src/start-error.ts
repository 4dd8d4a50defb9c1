/** The hub could not be started: a process ended before it served, say. The message tells why, for whoever started the hub. */
export class StartError extends Error {
  override readonly name = "StartError";
}
