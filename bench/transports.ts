/** The ways of a client that stays connected, in the order of every table. */
export const TRANSPORTS = ["socketio", "websocket", "sse"] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** Half of all Socket.IO, the rest halved: what an app with the stock client, a phone and a page in a corner looks like. */
export const USUAL_MIX: readonly Transport[] = ["socketio", "websocket", "socketio", "sse"];
