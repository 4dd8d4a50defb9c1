import { Generator } from "./generator.ts";
import type { FromGenerator, ToGenerator } from "./messages.ts";

// A generator in a process of its own: a child of the coordinator, which it does not outlive.

let generator: Generator | null = null;

function tell(message: FromGenerator): void {
  process.send?.(message);
}

process.on("message", (order: ToGenerator) => {
  if (order.type === "begin") generator = new Generator(order, tell);
  else generator?.take(order);
  if (order.type === "close") process.disconnect();
});
process.on("disconnect", () => process.exit(0));
// Ctrl-C goes to all processes of the terminal; the coordinator says when it is over.
process.on("SIGINT", () => undefined);
