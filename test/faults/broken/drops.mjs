// The built hub, but of every 1,000th message that is to be written to a client it only says that it was.
import { Connection } from "../../../dist/src/gateway/connection.js";

const { send } = Connection.prototype;
let count = 0;

Connection.prototype.send = function dropping(messages) {
  const kept = messages.filter(() => {
    count += 1;
    return count % 1_000 !== 0;
  });
  return send.call(this, kept);
};

await import("../../../dist/bin/progress-hub.js");
