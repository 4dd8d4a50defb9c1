/** A process of the hub ended before it served; the message names it and tells why, for whoever started the hub. */
export class StartError extends Error {
  override readonly name = "StartError";
}
